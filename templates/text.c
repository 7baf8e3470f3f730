#include "templates/huge.h"
#include "templates/machine.h"
#include "templates/number.h"

#include <stdio.h>

/* Values as text, the way the reference's host language prints them. */

static char *text_room(struct text *text, size_t bytes)
{
    struct run *run = &text->run;
    if (run->cap - run->n >= bytes)
        return run->p + run->n;
    size_t cap = (run->n + bytes) * 2;
    char *p = machine_alloc(text->machine, cap);
    if (p == NULL)
        return NULL;
    if (run->n > 0)
        memcpy(p, run->p, run->n);
    run->p = p;
    run->cap = cap;
    return p + run->n;
}

void text_add(struct text *text, struct str bytes)
{
    char *p = bytes.n > 0 ? text_room(text, bytes.n) : NULL;
    if (p == NULL)
        return;
    memcpy(p, bytes.p, bytes.n);
    text->run.n += bytes.n;
}

void text_add_char(struct text *text, char c)
{
    text_add(text, str_slice(&c, 1));
}

struct value text_value(const struct text *text)
{
    if (text->run.n > UINT32_MAX / 2) {
        machine_exceeded(text->machine, "too long a string");
        return value_nil();
    }
    return value_string(str_slice(text->run.p != NULL ? text->run.p : "", text->run.n));
}

static void inspect_string(struct text *text, struct str s)
{
    static const char named[] = "\a\b\t\n\v\f\r\033", letters[] = "abtnvfre";
    text_add_char(text, '"');
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        const char *found = c != '\0' ? strchr(named, c) : NULL;
        char escaped[8];
        if (c == '"' || c == '\\' || found != NULL) {
            text_add_char(text, '\\');
            text_add_char(text, found != NULL ? letters[found - named] : c);
        } else if (c == '#' && i + 1 < s.n &&
                   (s.p[i + 1] == '{' || s.p[i + 1] == '$' || s.p[i + 1] == '@')) {
            text_add(text, STR("\\#"));
        } else if ((unsigned char)c < 0x20 || c == 0x7F) {
            int n = snprintf(escaped, sizeof escaped, c == 0x7F ? "\\x%02X" : "\\u%04X",
                             (unsigned)c);
            text_add(text, str_slice(escaped, (size_t)n));
        } else {
            text_add_char(text, c);
        }
    }
    text_add_char(text, '"');
}

static void inspect(struct text *text, struct value value);

static void inspect_array(struct text *text, struct value array)
{
    text_add_char(text, '[');
    for (uint32_t i = 0; i < array.n; i++) {
        if (i > 0)
            text_add(text, STR(", "));
        inspect(text, array.items[i]);
    }
    text_add_char(text, ']');
}

static void inspect_object(struct text *text, struct value object)
{
    text_add_char(text, '{');
    for (uint32_t i = 0; i < object.n; i++) {
        if (i > 0)
            text_add(text, STR(", "));
        inspect_string(text, object.members[i].name);
        text_add(text, STR("=>"));
        inspect(text, object.members[i].value);
    }
    text_add_char(text, '}');
}

static void inspect(struct text *text, struct value value)
{
    /* A template can nest arrays: each level takes a call. */
    if (text->machine->failed)
        return;
    if (++text->machine->nesting > MACHINE_NESTING_MAX)
        machine_fail(text->machine, "Nesting too deep");
    else if (value.type == VALUE_STRING)
        inspect_string(text, value_str(value));
    else if (value.type <= VALUE_NIL)
        text_add(text, STR("nil"));
    else
        text_add_value(text, value);
    text->machine->nesting--;
}

static void add_huge(struct text *text, const struct huge *huge)
{
    char digits[HUGE_TEXT_MAX];
    text_add(text, str_slice(digits, huge_format(huge, digits)));
}

static void add_number(struct text *text, struct value value)
{
    char digits[NUMBER_TEXT_MAX];
    text_add(text, str_slice(digits, number_format(value, digits)));
}

void text_add_value(struct text *text, struct value value)
{
    switch ((enum value_type)value.type) {
    case VALUE_ABSENT:
    case VALUE_NIL:
    case VALUE_BLANK:
    case VALUE_EMPTY: break;
    case VALUE_FALSE: text_add(text, STR("false")); break;
    case VALUE_TRUE: text_add(text, STR("true")); break;
    case VALUE_INTEGER:
    case VALUE_BIG:
    case VALUE_FLOAT: add_number(text, value); break;
    case VALUE_HUGE: add_huge(text, value.huge); break;
    case VALUE_STRING: text_add(text, value_str(value)); break;
    case VALUE_ARRAY: inspect_array(text, value); break;
    case VALUE_OBJECT: inspect_object(text, value); break;
    case VALUE_RANGE:
        add_number(text, value_integer(value.range->first));
        text_add(text, STR(".."));
        add_number(text, value_integer(value.range->last));
        break;
    case VALUE_LOOP:
        text_add(text, value.loop->is_table ? STR("Liquid::TablerowloopDrop")
                                            : STR("Liquid::ForloopDrop"));
        break;
    case VALUE_SELF: text_add(text, STR("Liquid::SelfDrop")); break;
    }
}

struct str value_text(struct template_machine *machine, struct value value)
{
    if (value.type == VALUE_STRING)
        return value_str(value);
    struct text text = {.machine = machine};
    text_add_value(&text, value);
    return str_slice(text.run.p != NULL ? text.run.p : "", text.run.n);
}

void machine_put_value(struct template_machine *machine, struct value value)
{
    if (value.type == VALUE_STRING) {
        machine_put_lasting(machine, value_str(value));
    } else if (value.type == VALUE_INTEGER) {
        char *p = machine_room(machine, NUMBER_TEXT_MAX);
        if (p != NULL)
            machine_written(machine, number_format(value, p));
    } else if (value.type == VALUE_ARRAY) {
        if (++machine->nesting > MACHINE_NESTING_MAX)
            machine_fail(machine, "Nesting too deep");
        for (uint32_t i = 0; i < value.n && !machine->failed; i++)
            machine_put_value(machine, value.items[i]);
        machine->nesting--;
    } else {
        machine_put(machine, value_text(machine, value));
    }
}

static int digit_of(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

/* The base that a prefix of Integer() names; steps over it. */
static int integer_base(struct str s, size_t *at)
{
    if (s.n - *at < 2 || s.p[*at] != '0')
        return 10;
    char c = ascii_lower(s.p[*at + 1]);
    int base = c == 'x' ? 16 : c == 'b' ? 2 : c == 'o' ? 8 : c == 'd' ? 10 : 0;
    if (base == 0)
        return 8;
    *at += 2;
    return base;
}

static bool parse_integer(struct str s, int64_t *integer)
{
    size_t at = 0;
    while (s.n > 0 && ascii_is_space(s.p[0]))
        s = str_from(s, 1);
    while (s.n > 0 && ascii_is_space(s.p[s.n - 1]))
        s.n--;
    bool negative = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        at++;
    int base = integer_base(s, &at);
    int128 number = 0;
    bool after_digit = false;
    for (; at < s.n; at++) {
        if (s.p[at] == '_' && after_digit && at + 1 < s.n) {
            after_digit = false;
            continue;
        }
        int digit = digit_of(s.p[at]);
        if (digit >= base)
            return false;
        after_digit = true;
        number = number * base + digit;
        if (number > INT64_MAX)
            number = INT64_MAX;
    }
    *integer = negative ? -(int64_t)number : (int64_t)number;
    return after_digit;
}

int64_t value_to_integer(struct template_machine *machine, struct value value)
{
    int64_t integer = 0;
    if (value.type == VALUE_INTEGER)
        return value.integer;
    if (value.type == VALUE_BIG)
        return *value.big < 0 ? INT64_MIN : INT64_MAX;
    if (value.type == VALUE_HUGE)
        return huge_is_negative(value.huge) ? INT64_MIN : INT64_MAX;
    if (!parse_integer(value_text(machine, value), &integer))
        machine_fail(machine, "invalid integer");
    return integer;
}
