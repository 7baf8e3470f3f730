#include "templates/huge.h"
#include "templates/lexer.h"
#include "templates/machine.h"
#include "templates/number.h"

/*
 * ==, <=> and contains, as the reference's host language has them: numbers compare
 * across their kinds, everything else only with its own. Depth is bounded by that of
 * the values: JSON's, or what a template has built step by step.
 */

/* Of a column's text; a double holds 15 of them exactly. */
#define FIELD_DIGITS_MAX 30

static bool is_number(struct value value)
{
    return value.type == VALUE_INTEGER || value.type == VALUE_BIG ||
           value.type == VALUE_HUGE || value.type == VALUE_FLOAT;
}

static double as_double(struct value value)
{
    if (value.type == VALUE_FLOAT)
        return value.number;
    if (value.type == VALUE_HUGE)
        return huge_to_float(value.huge);
    return value.type == VALUE_BIG ? (double)*value.big : (double)value.integer;
}

static int128 as_integer(struct value value)
{
    return value.type == VALUE_BIG ? *value.big : (int128)value.integer;
}

/* A huge integer is larger than any other, or smaller. */
static int compare_huge(struct value a, struct value b)
{
    if (a.type == VALUE_HUGE && b.type == VALUE_HUGE)
        return huge_compare(a.huge, b.huge);
    if (a.type == VALUE_HUGE)
        return huge_is_negative(a.huge) ? -1 : 1;
    return huge_is_negative(b.huge) ? 1 : -1;
}

/* False for NaN. */
static bool compare_numbers(struct value a, struct value b, int *order)
{
    if (a.type != VALUE_FLOAT && b.type != VALUE_FLOAT &&
        (a.type == VALUE_HUGE || b.type == VALUE_HUGE)) {
        *order = compare_huge(a, b);
        return true;
    }
    if (a.type != VALUE_FLOAT && b.type != VALUE_FLOAT) {
        int128 x = as_integer(a), y = as_integer(b);
        *order = (x > y) - (x < y);
        return true;
    }
    double x = as_double(a), y = as_double(b);
    *order = (x > y) - (x < y);
    return x == y || x < y || x > y;
}

static bool arrays_equal(struct value a, struct value b,
                         bool (*equal)(struct value, struct value))
{
    if (a.n != b.n)
        return false;
    for (uint32_t i = 0; i < a.n; i++) {
        if (!equal(a.items[i], b.items[i]))
            return false;
    }
    return true;
}

/* In any order of the members. */
static bool objects_equal(struct value a, struct value b,
                          bool (*equal)(struct value, struct value))
{
    if (a.n != b.n)
        return false;
    for (uint32_t i = 0; i < a.n; i++) {
        const struct value *other = value_member(&b, a.members[i].name);
        if (other == NULL || !equal(a.members[i].value, *other))
            return false;
    }
    return true;
}

static bool same_type_equal(struct value a, struct value b,
                            bool (*equal)(struct value, struct value))
{
    switch ((enum value_type)a.type) {
    case VALUE_STRING: return str_equal(value_str(a), value_str(b));
    case VALUE_ARRAY: return arrays_equal(a, b, equal);
    case VALUE_OBJECT: return objects_equal(a, b, equal);
    case VALUE_RANGE:
        return a.range->first == b.range->first && a.range->last == b.range->last;
    case VALUE_LOOP: return a.loop == b.loop;
    case VALUE_SELF: return a.frame == b.frame;
    case VALUE_INTEGER: return a.integer == b.integer;
    case VALUE_BIG: return *a.big == *b.big;
    case VALUE_HUGE: return huge_compare(a.huge, b.huge) == 0;
    case VALUE_FLOAT: return a.number == b.number;
    case VALUE_ABSENT:
    case VALUE_NIL:
    case VALUE_FALSE:
    case VALUE_TRUE:
    case VALUE_BLANK:
    case VALUE_EMPTY: break;
    }
    return true;
}

bool values_equal(struct value a, struct value b)
{
    int order;
    if (is_number(a) && is_number(b))
        return compare_numbers(a, b, &order) && order == 0;
    if (value_is_nil(a) || value_is_nil(b))
        return value_is_nil(a) && value_is_nil(b);
    return a.type == b.type && same_type_equal(a, b, values_equal);
}

bool values_identical(struct value a, struct value b)
{
    if (value_is_nil(a) || value_is_nil(b))
        return value_is_nil(a) && value_is_nil(b);
    return a.type == b.type && same_type_equal(a, b, values_identical);
}

static bool compare_arrays(struct value a, struct value b, int *order)
{
    for (uint32_t i = 0; i < a.n && i < b.n; i++) {
        if (!values_compare(a.items[i], b.items[i], order))
            return false;
        if (*order != 0)
            return true;
    }
    *order = (a.n > b.n) - (a.n < b.n);
    return true;
}

bool values_compare(struct value a, struct value b, int *order)
{
    if (is_number(a) && is_number(b))
        return compare_numbers(a, b, order);
    if (a.type == VALUE_STRING && b.type == VALUE_STRING) {
        *order = str_compare(value_str(a), value_str(b));
        return true;
    }
    if (a.type == VALUE_ARRAY && b.type == VALUE_ARRAY)
        return compare_arrays(a, b, order);
    *order = 0;
    return values_equal(a, b);
}

bool value_is_empty(struct value value)
{
    return (value.type == VALUE_STRING || value.type == VALUE_ARRAY ||
            value.type == VALUE_OBJECT) &&
           value.n == 0;
}

static bool value_is_blank(struct value value)
{
    if (value.type <= VALUE_FALSE || value_is_empty(value))
        return true;
    if (value.type != VALUE_STRING)
        return false;
    for (uint32_t i = 0; i < value.n; i++) {
        if (!ascii_is_space(value.text[i]))
            return false;
    }
    return true;
}

/* The words ask the other side: they themselves are neither empty nor blank. */
static bool equal_to_word(struct template_machine *machine, struct value word,
                          struct value other)
{
    if (other.type == VALUE_STRING && !machine_step(machine, other.n / 8))
        return false;
    return word.type == VALUE_BLANK ? value_is_blank(other) : value_is_empty(other);
}

static bool is_word(struct value value)
{
    return value.type == VALUE_BLANK || value.type == VALUE_EMPTY;
}

/* How many comparisons it may take to compare a value with another like it. */
static uint64_t weight(struct value value)
{
    uint64_t sum = 1;
    if (value.type == VALUE_ARRAY) {
        for (uint32_t i = 0; i < value.n; i++)
            sum += weight(value.items[i]);
    } else if (value.type == VALUE_OBJECT) {
        sum += (uint64_t)value.n * value.n / 4;
        for (uint32_t i = 0; i < value.n; i++)
            sum += weight(value.members[i].value);
    } else if (value.type == VALUE_STRING) {
        sum += value_string_weight(value);
    }
    return sum;
}

bool machine_values_equal(struct template_machine *machine, struct value a,
                          struct value b)
{
    return machine_step(machine, a.type == b.type ? weight(a) : 1) &&
           values_equal(a, b);
}

static bool compare_equal(struct template_machine *machine, struct value a,
                          struct value b)
{
    if (is_word(a))
        return equal_to_word(machine, a, b);
    return is_word(b) ? equal_to_word(machine, b, a)
                      : machine_values_equal(machine, a, b);
}

APART static bool contains(struct template_machine *machine, struct value left,
                           struct value right)
{
    struct str part;
    if (!value_is_true(left) || !value_is_true(right))
        return false;
    machine_step(machine, left.type == VALUE_STRING || left.type == VALUE_ARRAY
                              ? left.n / 16
                              : 0);
    switch ((int)left.type) {
    case VALUE_STRING:
        part = value_text(machine, right);
        return part.n == 0 || memmem(left.text, left.n, part.p, part.n) != NULL;
    case VALUE_ARRAY:
        for (uint32_t i = 0; i < left.n; i++) {
            if (machine_values_equal(machine, left.items[i], right))
                return true;
        }
        return false;
    case VALUE_OBJECT:
        return right.type == VALUE_STRING &&
               value_member(&left, value_str(right)) != NULL;
    case VALUE_RANGE:
        return is_number(right) && as_double(right) >= (double)left.range->first &&
               as_double(right) <= (double)left.range->last;
    default: return false;
    }
}

/* The reference's word for what a value is. */
static const char *type_name(struct value value)
{
    switch ((int)value.type) {
    case VALUE_INTEGER:
    case VALUE_BIG:
    case VALUE_HUGE: return "Integer";
    case VALUE_FLOAT: return "Float";
    default: return "String";
    }
}

COLD static void fail_comparison(struct template_machine *machine, struct value left,
                                 struct value right)
{
    /* The right one is shown if its host keeps it in a word, else by its class. */
    bool is_small = right.type == VALUE_INTEGER && right.integer >= -(1LL << 62) &&
                    right.integer < 1LL << 62;
    if (is_small || right.type == VALUE_FLOAT)
        machine_fail(machine, "comparison of %s with %.*s failed", type_name(left),
                     STR_ARG(value_text(machine, right)));
    else
        machine_fail(machine, "comparison of %s with %s failed", type_name(left),
                     type_name(right));
}

static bool is_ordered(struct value value)
{
    return is_number(value) || value.type == VALUE_STRING;
}

/* A column of a list has no type. Beside a number its text is read as one, so that
 * `orders > 3` means what its author meant; the reference, which has no columns, would
 * call it an error. False if the text is no number. */
static bool field_to_number(struct value *value)
{
    struct str text = value_str(*value), digits = text;
    size_t points = 0;
    if (digits.n > 0 && (digits.p[0] == '-' || digits.p[0] == '+'))
        digits = str_from(digits, 1);
    if (digits.n == 0 || digits.n > FIELD_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        bool is_inner = i > 0 && i + 1 < digits.n;
        if (digits.p[i] == '.' && is_inner && ++points == 1)
            continue;
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
    }
    double number = number_parse_float(digits);
    *value = value_float(text.p[0] == '-' ? -number : number);
    return true;
}

/* True if one is a number and the other a column's text. */
static bool has_field_beside_number(struct value left, struct value right)
{
    struct value other = is_number(left) ? right : left;
    return is_number(left) != is_number(right) && other.type == VALUE_STRING &&
           (other.flags & VALUE_IS_FIELD) != 0;
}

APART static bool compare_field(struct template_machine *machine, struct value left,
                                enum comparison comparison, struct value right)
{
    if (!field_to_number(is_number(left) ? &right : &left))
        return comparison == COMPARE_NOT_EQUAL;
    return compare(machine, left, comparison, right);
}

bool compare(struct template_machine *machine, struct value left,
             enum comparison comparison, struct value right)
{
    int order;
    if (comparison != COMPARE_CONTAINS && has_field_beside_number(left, right))
        return compare_field(machine, left, comparison, right);
    if (comparison == COMPARE_EQUAL)
        return compare_equal(machine, left, right);
    if (comparison == COMPARE_NOT_EQUAL)
        return !compare_equal(machine, left, right);
    if (comparison == COMPARE_CONTAINS)
        return contains(machine, left, right);
    if (!is_ordered(left) || !is_ordered(right))
        return false;
    if (is_number(left) != is_number(right)) {
        fail_comparison(machine, left, right);
        return false;
    }
    if ((left.type == VALUE_STRING && !machine_step(machine, left.n / 64)) ||
        !values_compare(left, right, &order))
        return false;
    switch ((int)comparison) {
    case COMPARE_LESS: return order < 0;
    case COMPARE_GREATER: return order > 0;
    case COMPARE_LESS_EQUAL: return order <= 0;
    default: return order >= 0;
    }
}
