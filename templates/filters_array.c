#include "templates/filters.h"
#include "templates/huge.h"
#include "templates/item_list.h"
#include "templates/number.h"
#include "templates/unicode.h"

/* Filters of whole lists. */

static int64_t big_bytes(int128 big)
{
    int64_t bytes = 0;
    for (big = big < 0 ? -big : big; big > 0; big /= 256)
        bytes++;
    return bytes > 8 ? bytes : 8;
}

struct value filter_size(struct template_machine *machine, struct value input,
                         const struct value *arguments, size_t count)
{
    (void)machine, (void)arguments, (void)count;
    struct items items = items_of(input);
    switch ((int)input.type) {
    case VALUE_STRING: return value_integer((int64_t)utf8_count(value_str(input)));
    case VALUE_ARRAY:
    case VALUE_OBJECT:
    case VALUE_RANGE: return value_integer((int64_t)items.count);
    /* An integer's size is that of its memory. */
    case VALUE_INTEGER: return value_integer(8);
    case VALUE_BIG: return value_integer(big_bytes(*input.big));
    case VALUE_HUGE: return value_integer(huge_bytes(input.huge));
    default: return value_integer(0);
    }
}

struct value filter_join(struct template_machine *machine, struct value input,
                         const struct value *arguments, size_t count)
{
    struct value list = item_list(machine, input);
    struct str glue = count > 0 ? value_text(machine, arguments[0]) : STR(" ");
    struct text text = {.machine = machine};
    for (uint32_t i = 0; i < list.n && !machine->failed; i++) {
        if (i > 0)
            text_add(&text, glue);
        text_add_value(&text, list.items[i]);
    }
    return text_value(&text);
}

/* The first or last character; "" of an empty text. */
static struct value end_of_string(struct str s, bool is_last)
{
    size_t from = is_last && s.n > 0 ? utf8_bytes(s, utf8_count(s) - 1) : 0;
    s = str_from(s, from);
    return value_string(str_head(s, utf8_bytes(s, 1)));
}

static struct value end_of(struct template_machine *machine, struct value input,
                           bool is_last)
{
    struct items items = items_of(input);
    bool has_end =
        input.type == VALUE_ARRAY || (input.type == VALUE_OBJECT && !is_last);
    if (input.type == VALUE_STRING)
        return end_of_string(value_str(input), is_last);
    /* A range has its ends whether or not something lies between them. */
    if (input.type == VALUE_RANGE)
        return value_integer(is_last ? input.range->last : input.range->first);
    if (!has_end || items.count == 0)
        return value_nil();
    return items_at(machine, &items, is_last ? items.count - 1 : 0);
}

struct value filter_first(struct template_machine *machine, struct value input,
                          const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    return end_of(machine, input, false);
}

struct value filter_last(struct template_machine *machine, struct value input,
                         const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    return end_of(machine, input, true);
}

struct value filter_reverse(struct template_machine *machine, struct value input,
                            const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    struct value list = item_list(machine, input);
    struct value *items = item_list_new(machine, list.n);
    for (uint32_t i = 0; items != NULL && i < list.n; i++)
        items[i] = list.items[list.n - 1 - i];
    return items != NULL ? value_array(items, list.n) : value_nil();
}

struct value filter_concat(struct template_machine *machine, struct value input,
                           const struct value *arguments, size_t count)
{
    (void)count;
    struct value other = arguments[0];
    if (other.type != VALUE_ARRAY) {
        machine_fail(machine, "concat filter requires an array argument");
        return value_nil();
    }
    struct value list = item_list(machine, input);
    struct value *items = item_list_new(machine, (size_t)list.n + other.n);
    if (items == NULL)
        return value_nil();
    if (list.n > 0)
        memcpy(items, list.items, list.n * sizeof *items);
    if (other.n > 0)
        memcpy(items + list.n, other.items, other.n * sizeof *items);
    return value_array(items, (size_t)list.n + other.n);
}

struct value filter_map(struct template_machine *machine, struct value input,
                        const struct value *arguments, size_t count)
{
    (void)count;
    struct value list = item_list(machine, input);
    struct value *items = item_list_new(machine, list.n);
    if (items == NULL)
        return value_nil();
    for (uint32_t i = 0; i < list.n; i++) {
        if (item_property(machine, list.items[i], arguments[0], &items[i]) ==
            PROPERTY_FAILED)
            return value_nil();
    }
    return value_array(items, list.n);
}

/* What uniq and compact look at: the item, or its property. */
static enum property key_of(struct template_machine *machine, struct value item,
                            const struct value *arguments, size_t count,
                            struct value *key)
{
    *key = item;
    if (count == 0 || value_is_nil(arguments[0]))
        return PROPERTY_FOUND;
    return item_property(machine, item, arguments[0], key);
}

struct value filter_compact(struct template_machine *machine, struct value input,
                            const struct value *arguments, size_t count)
{
    struct value list = item_list(machine, input), key;
    struct value *items = item_list_new(machine, list.n);
    size_t n = 0;
    if (items == NULL)
        return value_nil();
    for (uint32_t i = 0; i < list.n; i++) {
        if (key_of(machine, list.items[i], arguments, count, &key) != PROPERTY_FOUND)
            return value_nil();
        if (!value_is_nil(key))
            items[n++] = list.items[i];
    }
    return value_array(items, n);
}

static bool is_among(struct template_machine *machine, const struct value *keys,
                     size_t count, struct value key)
{
    bool is_deep = key.type == VALUE_ARRAY || key.type == VALUE_OBJECT;
    machine_step(machine, is_deep ? count * (key.n + 1) : count / 4);
    for (size_t i = 0; i < count && !machine->failed; i++) {
        if (values_identical(keys[i], key))
            return true;
    }
    return false;
}

struct value filter_uniq(struct template_machine *machine, struct value input,
                         const struct value *arguments, size_t count)
{
    struct value list = item_list(machine, input), key;
    struct value *items = item_list_new(machine, list.n);
    struct value *keys = item_list_new(machine, list.n);
    size_t n = 0;
    if (items == NULL || keys == NULL)
        return value_nil();
    /* The reference does not even look at a single item. */
    if (list.n < 2)
        return list;
    for (uint32_t i = 0; i < list.n && !machine->failed; i++) {
        if (key_of(machine, list.items[i], arguments, count, &key) != PROPERTY_FOUND)
            return value_nil();
        if (is_among(machine, keys, n, key))
            continue;
        keys[n] = key;
        items[n++] = list.items[i];
    }
    return value_array(items, n);
}

struct value filter_sum(struct template_machine *machine, struct value input,
                        const struct value *arguments, size_t count)
{
    struct value list = item_list(machine, input), item;
    struct number sum = number_of(value_integer(0), &machine->arena);
    for (uint32_t i = 0; i < list.n && !machine->failed; i++) {
        enum property property =
            key_of(machine, list.items[i], arguments, count, &item);
        if (property == PROPERTY_FAILED)
            return value_nil();
        if (property == PROPERTY_NONE)
            continue;
        struct value parts = item_list(machine, item);
        for (uint32_t j = 0; j < parts.n; j++)
            sum = number_apply(sum, NUMBER_PLUS,
                               number_of(parts.items[j], &machine->arena),
                               &machine->arena);
    }
    return number_value(sum, &machine->arena);
}
