#include "templates/number_parts.h"

#include <math.h>

/* A float without a fraction: its fewest digits, and zeros. */
static struct number whole_float(double number, struct arena *arena)
{
    char digits[40];
    int exponent;
    if (fabs(number) < 1e37)
        return integer((int128)number);
    if (!isfinite(number))
        return binary(number);
    size_t n = number_digits(fabs(number), digits, &exponent);
    return whole(huge_of_digits(digits, n, (size_t)exponent + 1 - n, number < 0, arena),
                 number);
}

struct number number_floor(struct number a, struct arena *arena)
{
    if (a.kind == NUMBER_HUGE)
        return a;
    if (a.kind == NUMBER_FLOAT)
        return whole_float(floor(a.number), arena);
    return integer(floor_divide(a.coefficient, power_of_ten(a.scale)));
}

struct number number_ceil(struct number a, struct arena *arena)
{
    if (a.kind == NUMBER_HUGE)
        return a;
    if (a.kind == NUMBER_FLOAT)
        return whole_float(ceil(a.number), arena);
    return integer(-floor_divide(-a.coefficient, power_of_ten(a.scale)));
}

struct number number_truncate(struct number a, struct arena *arena)
{
    bool is_negative = a.kind == NUMBER_FLOAT ? a.number < 0
                       : a.kind == NUMBER_INTEGER || a.kind == NUMBER_DECIMAL
                           ? a.coefficient < 0
                           : false;
    return is_negative ? number_ceil(a, arena) : number_floor(a, arena);
}

/* coefficient / unit, to the nearest, half away from zero. */
static int128 round_divide(int128 coefficient, int128 unit)
{
    int128 quotient = coefficient / unit, rest = coefficient % unit;
    if (rest < 0)
        rest = -rest;
    if (rest >= unit - rest)
        quotient += coefficient < 0 ? -1 : 1;
    return quotient;
}

/* To a unit of tens: half of it is added to the size, and the rest taken away. */
static struct number round_huge(struct number a, int64_t digits, struct arena *arena)
{
    if (digits < -HUGE_DIGITS_MAX + 1)
        return integer(0);
    size_t zeros = (size_t)-digits;
    const struct huge *unit = huge_of_digits("1", 1, zeros, false, arena);
    const struct huge *half = huge_of_digits("5", 1, zeros - 1, false, arena);
    struct number size = number_abs(a, arena);
    const struct huge *sum = huge_apply(huge_of(size, arena), NUMBER_PLUS, half, arena);
    const struct huge *rest = huge_apply(sum, NUMBER_MODULO, unit, arena);
    struct number rounded =
        whole(huge_apply(sum, NUMBER_MINUS, rest, arena), number_to_float(a));
    bool is_negative =
        a.kind == NUMBER_HUGE ? huge_is_negative(a.huge) : a.coefficient < 0;
    return is_negative ? number_apply(integer(0), NUMBER_MINUS, rounded, arena)
                       : rounded;
}

static struct number round_to_tens(struct number a, int64_t digits, struct arena *arena)
{
    if (a.kind == NUMBER_HUGE)
        return round_huge(a, digits, arena);
    int64_t drop = (a.kind == NUMBER_DECIMAL ? a.scale : 0) - digits;
    if (drop >= POWERS)
        return integer(0);
    int128 rounded = round_divide(a.coefficient, power_of_ten((int)drop));
    if (!scale_up(&rounded, (int)-digits))
        return binary(number_to_float(a));
    return integer(rounded);
}

struct number number_round(struct number a, int64_t digits, struct arena *arena)
{
    if (a.kind == NUMBER_FLOAT)
        return digits == 0 ? whole_float(round(a.number), arena) : a;
    if (digits < 0)
        return round_to_tens(a, digits, arena);
    if (is_whole(a))
        return a;
    if (digits < a.scale) {
        bool is_negative = a.coefficient < 0;
        a.coefficient =
            round_divide(a.coefficient, power_of_ten(a.scale - (int)digits));
        a.scale = (int)digits;
        if (digits > 0 && is_negative && a.coefficient == 0)
            return binary(-0.0);
    }
    if (digits == 0)
        return integer(a.coefficient);
    return a;
}
