#include "templates/date.h"
#include "templates/filters.h"
#include "templates/machine.h"

#include <time.h>

/* default and date. */

static bool allows_false(const struct value *arguments, size_t count)
{
    if (count == 0 || arguments[count - 1].type != VALUE_OBJECT || count < 2)
        return false;
    const struct value *found = value_member(&arguments[count - 1], STR("allow_false"));
    return found != NULL && value_is_true(*found);
}

struct value filter_default(struct template_machine *machine, struct value input,
                            const struct value *arguments, size_t count)
{
    (void)machine;
    bool is_absent =
        allows_false(arguments, count) ? value_is_nil(input) : !value_is_true(input);
    if (!is_absent && !value_is_empty(input))
        return input;
    return count > 0 ? arguments[0] : value_string(STR(""));
}

static struct date now(const struct template_machine *machine)
{
    int64_t now_s = machine->input->now_s;
    return date_of_seconds(now_s != INT64_MIN ? now_s : (int64_t)time(NULL));
}

/* Seconds that any calendar can say the year of. */
#define SECONDS_MAX 100000000000000000

static bool date_of_number(int64_t seconds, struct date *date)
{
    if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX)
        return false;
    *date = date_of_seconds(seconds);
    return true;
}

static bool date_of(const struct template_machine *machine, struct value value,
                    struct date *date)
{
    struct date present = now(machine);
    if (value.type == VALUE_INTEGER)
        return date_of_number(value.integer, date);
    if (value.type != VALUE_STRING || value.n == 0)
        return false;
    struct str text = value_str(value);
    if (str_equal_nocase(text, STR("now")) || str_equal_nocase(text, STR("today"))) {
        *date = present;
        return true;
    }
    if (str_is_digits(text)) {
        uint64_t seconds;
        return str_to_u64(text, &seconds) && seconds <= SECONDS_MAX &&
               date_of_number((int64_t)seconds, date);
    }
    return text.n <= 128 && date_parse(text, &present, date);
}

static void put(void *self, struct str bytes)
{
    text_add(self, bytes);
}

struct value filter_date(struct template_machine *machine, struct value input,
                         const struct value *arguments, size_t count)
{
    (void)count;
    struct str format = value_text(machine, arguments[0]);
    struct date date;
    if (format.n == 0 || !date_of(machine, input, &date))
        return input;
    struct text text = {.machine = machine};
    if (!date_format(&date, format, &text, put))
        machine_fail(machine, "invalid format: %.*s", STR_ARG(str_head(format, 100)));
    return text_value(&text);
}
