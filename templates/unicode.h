/*
 * unicode.h - UTF-8 and letter case
 *
 * Bytes that are no UTF-8 count as one character each and have no case.
 *
 * Thread:  any.
 * Limits:  no mapping depends on a language or on the characters around: a capital
 *          sigma at the end of a word becomes the ordinary small one, as in the
 *          reference.
 * Source:  RFC 3629; Unicode, see case_table.h.
 */
#ifndef BROADSIDE_TEMPLATES_UNICODE_H
#define BROADSIDE_TEMPLATES_UNICODE_H

#include "core/base/str.h"

/* The number of characters. */
size_t utf8_count(struct str s);
/* The bytes of the first `count` characters. */
size_t utf8_bytes(struct str s, size_t count);
/* The character at the start of a text that is not empty, and its bytes. */
uint32_t utf8_get(struct str s, size_t *bytes);
/* Writes up to four bytes; returns how many. */
size_t utf8_set(char *p, uint32_t code);

enum letter_case { CASE_LOWER, CASE_UPPER, CASE_TITLE };

/* The most that a character becomes. */
#define CASE_BYTES_MAX 12

/* Writes a character in the other case, which may be several; returns the bytes. */
size_t unicode_case(uint32_t code, enum letter_case letter_case, char *p);

#endif
