/*
 * huge.h - integers beyond 127 bits, to the last digit
 *
 * Immutable. For number.c, which comes here when an operation leaves its 127 bits; what
 * fits there again goes back.
 *
 * Owns:    nothing; a number lies in the arena it was made in.
 * Thread:  any.
 * Errors:  NULL: more digits than fit, or no memory. The caller goes on with floats.
 * Limits:  HUGE_DIGITS_MAX digits; multiplying and dividing are O(digits^2).
 * Source:  Knuth, The Art of Computer Programming, 4.3.1.
 */
#ifndef BROADSIDE_TEMPLATES_HUGE_H
#define BROADSIDE_TEMPLATES_HUGE_H

#include "templates/number.h"

#define HUGE_LIMBS_MAX  140
#define HUGE_DIGITS_MAX (HUGE_LIMBS_MAX * 9)

/* Of either kind of integer. */
const struct huge *huge_of(struct number integer, struct arena *arena);
/* -?digits, with single underscores between. */
const struct huge *huge_parse(struct str digits, struct arena *arena);
/* Digits and as many zeros behind them. */
const struct huge *huge_of_digits(const char *digits, size_t n, size_t zeros,
                                  bool is_negative, struct arena *arena);
/* NUMBER_DIVIDE and NUMBER_MODULO round down, and want b not to be zero. */
const struct huge *huge_apply(const struct huge *a, enum number_operation operation,
                              const struct huge *b, struct arena *arena);
int huge_compare(const struct huge *a, const struct huge *b);
bool huge_is_negative(const struct huge *a);
/* False if it needs more than 127 bits. */
bool huge_fits(const struct huge *a, int128 *number);
double huge_to_float(const struct huge *a);
/* Of its memory as the reference counts it: as few bytes as hold the size. */
int64_t huge_bytes(const struct huge *a);
/* At least that many bytes. */
#define HUGE_TEXT_MAX (HUGE_DIGITS_MAX + 1)
size_t huge_format(const struct huge *a, char text[HUGE_TEXT_MAX]);

#endif
