/*
 * number.h - the reference's numbers: integers of any size, and decimals
 *
 * Filters of the reference compute with decimals, not with binary floats, so that
 * 0.1 plus 0.2 is 0.3; the result is a float again. Here a decimal is a coefficient
 * of 37 digits and a power of ten; what does not fit is computed with binary floats.
 * Integers beyond 127 bits are huge.h's.
 *
 * Owns:    nothing; a big integer lies in the caller's arena.
 * Thread:  any.
 * Errors:  a struct number of kind NUMBER_ERROR: division of an integer by zero.
 * Limits:  integers of HUGE_DIGITS_MAX digits; beyond, floats.
 * Source:  Ruby's Integer, Float and BigDecimal.
 */
#ifndef BROADSIDE_TEMPLATES_NUMBER_H
#define BROADSIDE_TEMPLATES_NUMBER_H

#include "templates/value_repr.h"

#include "core/base/arena.h"

enum number_kind {
    NUMBER_INTEGER,
    NUMBER_HUGE,
    NUMBER_DECIMAL,
    NUMBER_FLOAT,
    NUMBER_ERROR
};

struct number {
    enum number_kind kind;
    /* Of a decimal: the value is coefficient / 10^scale. */
    int scale;
    union {
        int128 coefficient;
        double number;
        /* Never one that a coefficient can hold. */
        const struct huge *huge;
    };
};

enum number_operation {
    NUMBER_PLUS,
    NUMBER_MINUS,
    NUMBER_TIMES,
    NUMBER_DIVIDE,
    NUMBER_MODULO
};

/* Bytes enough for every number_format, but for a huge integer's (huge.h). */
#define NUMBER_TEXT_MAX 64

/* -?digits, all of them. nil without memory. */
struct value number_parse_integer(struct str digits, struct arena *arena);
/* A decimal number with a fraction or an exponent; what follows it is ignored. */
double number_parse_float(struct str text);
/* The text the reference prints, of any but VALUE_HUGE; returns its length. */
size_t number_format(struct value value, char text[NUMBER_TEXT_MAX]);
/* As String#to_i: leading space, sign, digits with single underscores; else 0. */
struct number number_of_text(struct str text, struct arena *arena);
/* The number a filter computes with: a string is read, anything else is 0. */
struct number number_of(struct value value, struct arena *arena);
struct number number_apply(struct number a, enum number_operation operation,
                           struct number b, struct arena *arena);
int number_compare(struct number a, struct number b, struct arena *arena);
struct number number_abs(struct number a, struct arena *arena);
struct number number_floor(struct number a, struct arena *arena);
struct number number_ceil(struct number a, struct arena *arena);
struct number number_truncate(struct number a, struct arena *arena);
/* Half away from zero at `digits` behind the point; digits <= 0: an integer. */
struct number number_round(struct number a, int64_t digits, struct arena *arena);
double number_to_float(struct number a);
/* An integer, or a float: what the filters return. nil without memory. */
struct value number_value(struct number a, struct arena *arena);

#endif
