#include "templates/number_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define INT128_MAX ((int128)(~(__extension__(unsigned __int128) 0) >> 1))

static struct number decimal(int128 coefficient, int scale)
{
    return (struct number){
        .kind = NUMBER_DECIMAL, .scale = scale, .coefficient = coefficient};
}

struct number number_of_text(struct str text, struct arena *arena)
{
    size_t at = 0, start;
    while (at < text.n && (text.p[at] == ' ' || (text.p[at] >= 9 && text.p[at] <= 13)))
        at++;
    bool negative = at < text.n && text.p[at] == '-';
    if (at < text.n && (text.p[at] == '-' || text.p[at] == '+'))
        at++;
    int128 coefficient = 0;
    double large = 0;
    bool overflow = false;
    for (start = at; at < text.n; at++) {
        if (text.p[at] == '_' && at > 0 && ascii_is_digit(text.p[at - 1]) &&
            at + 1 < text.n && ascii_is_digit(text.p[at + 1]))
            continue;
        if (!ascii_is_digit(text.p[at]))
            break;
        int digit = text.p[at] - '0';
        large = large * 10 + digit;
        overflow = overflow ||
                   __builtin_mul_overflow(coefficient, (int128)10, &coefficient) ||
                   __builtin_add_overflow(coefficient, (int128)digit, &coefficient);
    }
    if (overflow) {
        start -= negative;
        return whole(huge_parse(str_slice(text.p + start, at - start), arena),
                     negative ? -large : large);
    }
    return integer(negative ? -coefficient : coefficient);
}

struct value number_parse_integer(struct str digits, struct arena *arena)
{
    return number_value(number_of_text(digits, arena), arena);
}

static struct str trim_all(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || (s.p[0] >= 9 && s.p[0] <= 13)))
        s = str_from(s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\0' ||
                       (s.p[s.n - 1] >= 9 && s.p[s.n - 1] <= 13)))
        s.n--;
    return s;
}

/* -?digits.digits and nothing else. */
static bool is_decimal_text(struct str text, size_t *point)
{
    size_t at = text.n > 0 && text.p[0] == '-' ? 1 : 0, start = at;
    while (at < text.n && ascii_is_digit(text.p[at]))
        at++;
    if (at == start || at >= text.n || text.p[at] != '.')
        return false;
    *point = at++;
    start = at;
    while (at < text.n && ascii_is_digit(text.p[at]))
        at++;
    return at > start && at == text.n;
}

static struct number number_of_string(struct str text, struct arena *arena)
{
    struct str trimmed = trim_all(text);
    size_t point;
    if (!is_decimal_text(trimmed, &point))
        return number_of_text(text, arena);
    int128 coefficient = 0;
    bool negative = trimmed.p[0] == '-';
    for (size_t i = negative ? 1 : 0; i < trimmed.n; i++) {
        if (i == point)
            continue;
        if (!scale_up(&coefficient, 1) ||
            __builtin_add_overflow(coefficient, (int128)(trimmed.p[i] - '0'),
                                   &coefficient))
            return binary(number_parse_float(trimmed));
    }
    if (negative && coefficient == 0)
        return binary(-0.0);
    size_t scale = trimmed.n - point - 1;
    if (scale >= POWERS)
        return binary(number_parse_float(trimmed));
    return decimal(negative ? -coefficient : coefficient, (int)scale);
}

static struct number number_of_float(double number)
{
    /* A zero with a sign is no coefficient. */
    if (!isfinite(number) || (number == 0 && signbit(number)))
        return binary(number);
    if (number == 0)
        return decimal(0, 1);
    char digits[40];
    int exponent;
    size_t n = number_digits(fabs(number), digits, &exponent);
    int128 coefficient = 0;
    for (size_t i = 0; i < n; i++)
        coefficient = coefficient * 10 + (digits[i] - '0');
    int scale = (int)n - 1 - exponent;
    if (scale >= POWERS - 1 || (int)n - scale >= POWERS)
        return binary(number);
    if (scale < 0) {
        coefficient *= power_of_ten(-scale);
        scale = 0;
    }
    return decimal(number < 0 ? -coefficient : coefficient, scale);
}

struct number number_of(struct value value, struct arena *arena)
{
    switch ((enum value_type)value.type) {
    case VALUE_INTEGER: return integer(value.integer);
    case VALUE_BIG: return integer(*value.big);
    case VALUE_HUGE: return (struct number){.kind = NUMBER_HUGE, .huge = value.huge};
    case VALUE_FLOAT: return number_of_float(value.number);
    case VALUE_STRING: return number_of_string(value_str(value), arena);
    case VALUE_ABSENT:
    case VALUE_NIL:
    case VALUE_FALSE:
    case VALUE_TRUE:
    case VALUE_ARRAY:
    case VALUE_OBJECT:
    case VALUE_RANGE:
    case VALUE_BLANK:
    case VALUE_EMPTY:
    case VALUE_LOOP:
    case VALUE_SELF: break;
    }
    return integer(0);
}

/* Correctly rounded: through the digits, not through a division. */
static double decimal_to_float(int128 coefficient, int scale)
{
    char text[NUMBER_TEXT_MAX + 8];
    if (scale <= 22 && coefficient > -(1LL << 53) && coefficient < (1LL << 53))
        return (double)coefficient / (double)power_of_ten(scale);
    size_t n = number_format_integer(coefficient, text);
    snprintf(text + n, sizeof text - n, "e-%d", scale);
    return strtod(text, NULL);
}

double number_to_float(struct number a)
{
    switch (a.kind) {
    case NUMBER_INTEGER: return (double)a.coefficient;
    case NUMBER_HUGE: return huge_to_float(a.huge);
    case NUMBER_DECIMAL: return decimal_to_float(a.coefficient, a.scale);
    case NUMBER_FLOAT: return a.number;
    case NUMBER_ERROR: break;
    }
    return NAN;
}

/* Brings both to one scale; false if that does not fit: they are spoilt then. */
static bool align(struct number *a, struct number *b)
{
    if (a->scale < b->scale) {
        if (!scale_up(&a->coefficient, b->scale - a->scale))
            return false;
        a->scale = b->scale;
    } else if (b->scale < a->scale) {
        if (!scale_up(&b->coefficient, a->scale - b->scale))
            return false;
        b->scale = a->scale;
    }
    return true;
}

int number_compare(struct number a, struct number b, struct arena *arena)
{
    struct number p = a, q = b;
    bool is_huge = a.kind == NUMBER_HUGE || b.kind == NUMBER_HUGE;
    if (is_huge && is_whole(a) && is_whole(b)) {
        const struct huge *x = huge_of(a, arena), *y = huge_of(b, arena);
        return x != NULL && y != NULL ? huge_compare(x, y) : 0;
    }
    if (!is_huge && a.kind != NUMBER_FLOAT && b.kind != NUMBER_FLOAT && align(&p, &q))
        return (p.coefficient > q.coefficient) - (p.coefficient < q.coefficient);
    double x = number_to_float(a), y = number_to_float(b);
    return (x > y) - (x < y);
}

/* Not the least of all: its size needs one bit more than there is. */
static bool has_opposite(int128 coefficient)
{
    return coefficient >= -INT128_MAX;
}

static int128 floor_modulo(int128 a, int128 b)
{
    int128 rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static struct number apply_binary(double a, enum number_operation operation, double b)
{
    switch (operation) {
    case NUMBER_PLUS: return binary(a + b);
    case NUMBER_MINUS: return binary(a - b);
    case NUMBER_TIMES: return binary(a * b);
    case NUMBER_DIVIDE: return binary(a / b);
    case NUMBER_MODULO: break;
    }
    if (b == 0)
        return (struct number){.kind = NUMBER_ERROR};
    double rest = fmod(a, b);
    if (rest == 0)
        return binary(0);
    return binary((rest < 0) != (b < 0) ? rest + b : rest);
}

/* A quotient of at least 19 digits: more than a float holds. */
static struct number divide_decimals(struct number a, struct number b)
{
    if (b.coefficient == 0)
        return binary(number_to_float(a) / 0.0);
    if (a.coefficient == 0 && b.coefficient < 0)
        return binary(-0.0);
    int scale = a.scale - b.scale;
    int128 dividend = a.coefficient;
    while (dividend != 0 && !__builtin_mul_overflow(dividend, (int128)10, &dividend))
        scale++;
    /* The multiplication that failed has stored its low bits. */
    dividend = a.coefficient;
    scale_up(&dividend, scale - (a.scale - b.scale));
    int128 quotient = dividend / b.coefficient;
    while (scale < 0 && !__builtin_mul_overflow(quotient, (int128)10, &quotient))
        scale++;
    if (scale < 0)
        return apply_binary(number_to_float(a), NUMBER_DIVIDE, number_to_float(b));
    return decimal(quotient, scale);
}

static struct number apply_huge(struct number a, enum number_operation operation,
                                struct number b, struct arena *arena)
{
    struct number otherwise =
        apply_binary(number_to_float(a), operation, number_to_float(b));
    if (otherwise.kind == NUMBER_ERROR ||
        (operation == NUMBER_DIVIDE && b.kind == NUMBER_INTEGER && b.coefficient == 0))
        return (struct number){.kind = NUMBER_ERROR};
    return whole(huge_apply(huge_of(a, arena), operation, huge_of(b, arena), arena),
                 otherwise.number);
}

/* False if the result needs more than 127 bits. */
static bool apply_integers(int128 a, enum number_operation operation, int128 b,
                           struct number *number)
{
    int128 result = 0;
    bool overflow = false;
    switch (operation) {
    case NUMBER_PLUS: overflow = __builtin_add_overflow(a, b, &result); break;
    case NUMBER_MINUS: overflow = __builtin_sub_overflow(a, b, &result); break;
    case NUMBER_TIMES: overflow = __builtin_mul_overflow(a, b, &result); break;
    case NUMBER_DIVIDE:
    case NUMBER_MODULO:
        if (b == 0) {
            *number = (struct number){.kind = NUMBER_ERROR};
            return true;
        }
        result = operation == NUMBER_MODULO ? floor_modulo(a, b) : floor_divide(a, b);
        break;
    }
    *number = integer(result);
    return !overflow && has_opposite(result);
}

static bool apply_aligned(struct number a, enum number_operation operation,
                          struct number b, int128 *result)
{
    if (operation == NUMBER_PLUS)
        return !__builtin_add_overflow(a.coefficient, b.coefficient, result) &&
               has_opposite(*result);
    if (operation == NUMBER_MINUS)
        return !__builtin_sub_overflow(a.coefficient, b.coefficient, result) &&
               has_opposite(*result);
    *result = floor_modulo(a.coefficient, b.coefficient);
    return true;
}

static struct number apply_decimals(struct number a, enum number_operation operation,
                                    struct number b)
{
    if (a.kind == NUMBER_FLOAT || b.kind == NUMBER_FLOAT || a.kind == NUMBER_HUGE ||
        b.kind == NUMBER_HUGE)
        return apply_binary(number_to_float(a), operation, number_to_float(b));
    if (operation == NUMBER_DIVIDE)
        return divide_decimals(a, b);
    if (operation == NUMBER_MODULO && b.coefficient == 0)
        return (struct number){.kind = NUMBER_ERROR};
    struct number x = a, y = b;
    int128 result;
    if (operation == NUMBER_TIMES) {
        /* A decimal zero has a sign, too. */
        if ((a.coefficient == 0 && b.coefficient < 0) ||
            (b.coefficient == 0 && a.coefficient < 0))
            return binary(-0.0);
        if (a.scale + b.scale < POWERS &&
            !__builtin_mul_overflow(a.coefficient, b.coefficient, &result) &&
            has_opposite(result))
            return decimal(result, a.scale + b.scale);
    } else if (align(&x, &y) && apply_aligned(x, operation, y, &result)) {
        return decimal(result, x.scale);
    }
    return apply_binary(number_to_float(a), operation, number_to_float(b));
}

struct number number_apply(struct number a, enum number_operation operation,
                           struct number b, struct arena *arena)
{
    struct number number;
    if (!is_whole(a) || !is_whole(b))
        return apply_decimals(a, operation, b);
    if (a.kind == NUMBER_INTEGER && b.kind == NUMBER_INTEGER &&
        apply_integers(a.coefficient, operation, b.coefficient, &number))
        return number;
    return apply_huge(a, operation, b, arena);
}

struct number number_abs(struct number a, struct arena *arena)
{
    if (a.kind == NUMBER_HUGE)
        return huge_is_negative(a.huge) ? apply_huge(integer(0), NUMBER_MINUS, a, arena)
                                        : a;
    if (a.kind == NUMBER_FLOAT)
        a.number = fabs(a.number);
    else if (a.coefficient < 0)
        a.coefficient = -a.coefficient;
    return a;
}

struct value number_value(struct number a, struct arena *arena)
{
    if (a.kind == NUMBER_HUGE)
        return (struct value){.type = VALUE_HUGE, .huge = a.huge};
    if (a.kind != NUMBER_INTEGER)
        return value_float(number_to_float(a));
    if (a.coefficient >= INT64_MIN && a.coefficient <= INT64_MAX)
        return value_integer((int64_t)a.coefficient);
    int128 *big = arena_alloc(arena, sizeof *big);
    if (big == NULL)
        return value_nil();
    *big = a.coefficient;
    return (struct value){.type = VALUE_BIG, .big = big};
}
