/*
 * unicode.h - UTF-8 and the letter case of European scripts
 *
 * Bytes that are no UTF-8 count as one character each and have no case.
 *
 * Thread:  any.
 * Limits:  Latin, Greek, Cyrillic, Armenian; other scripts keep their case.
 * Source:  RFC 3629; Unicode, UnicodeData.txt.
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
uint32_t unicode_upper(uint32_t code);
uint32_t unicode_lower(uint32_t code);

#endif
