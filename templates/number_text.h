/*
 * number_text.h - numbers as digits; what number.c and number_text.c share
 *
 * Owns:    nothing; digits go into the caller's array.
 * Thread:  any.
 * Errors:  none.
 * Limits:  40 characters, for an integer of 128 bits as for the digits of a float.
 */
#ifndef BROADSIDE_TEMPLATES_NUMBER_TEXT_H
#define BROADSIDE_TEMPLATES_NUMBER_TEXT_H

#include "templates/number.h"

size_t number_format_integer(int128 number, char *text);
/* The fewest digits that read back as a positive, finite number, at most 40, without
 * zeros at the end; d1 d2 d3 and e stand for d1.d2d3 * 10^e. */
size_t number_digits(double number, char *digits, int *exponent);

#endif
