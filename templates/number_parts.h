/*
 * number_parts.h - inside of number.h: what number.c and number_round.c share
 *
 * Owns:    nothing.
 * Thread:  any.
 */
#ifndef BROADSIDE_TEMPLATES_NUMBER_PARTS_H
#define BROADSIDE_TEMPLATES_NUMBER_PARTS_H

#include "templates/huge.h"
#include "templates/number_text.h"

/* A coefficient holds the powers of ten below this one. */
#define POWERS 38

static inline int128 power_of_ten(int exponent)
{
    int128 power = 1;
    for (int i = 0; i < exponent; i++)
        power *= 10;
    return power;
}

static inline struct number integer(int128 coefficient)
{
    return (struct number){.kind = NUMBER_INTEGER, .coefficient = coefficient};
}

static inline struct number binary(double number)
{
    return (struct number){.kind = NUMBER_FLOAT, .number = number};
}

static inline bool is_whole(struct number a)
{
    return a.kind == NUMBER_INTEGER || a.kind == NUMBER_HUGE;
}

/* As a coefficient if that can hold it; `otherwise` stands for one that is no more. */
static inline struct number whole(const struct huge *huge, double otherwise)
{
    struct number number = {.kind = NUMBER_INTEGER};
    if (huge == NULL)
        return binary(otherwise);
    if (!huge_fits(huge, &number.coefficient))
        number = (struct number){.kind = NUMBER_HUGE, .huge = huge};
    return number;
}

/* False if it does not fit. */
static inline bool scale_up(int128 *coefficient, int digits)
{
    for (int i = 0; i < digits; i++) {
        if (__builtin_mul_overflow(*coefficient, (int128)10, coefficient))
            return false;
    }
    return true;
}

/* Towards minus infinity. */
static inline int128 floor_divide(int128 a, int128 b)
{
    int128 quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

#endif
