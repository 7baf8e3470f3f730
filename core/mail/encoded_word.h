/*
 * encoded_word.h - a word of RFC 2047 read: =?utf-8?Q?J=C3=BCrgen?=
 *
 * For names that somebody copied from a message as they stand on the wire. What is
 * written goes the other way through header.h.
 *
 * Owns:    nothing; the caller makes room.
 * Thread:  any.
 * Errors:  a fixed phrase, NULL if all is well.
 * Limits:  UTF-8, US-ASCII and ISO-8859-1.
 * Source:  RFC 2047 sections 2 to 5, RFC 2231 section 5.
 */
#ifndef BROADSIDE_MAIL_ENCODED_WORD_H
#define BROADSIDE_MAIL_ENCODED_WORD_H

#include "core/base/str.h"

/* Whether the whole word has the form. */
bool is_encoded_word(struct str word);
/* Room for what one decodes to. */
#define ENCODED_WORD_BYTES_MAX(n) ((n)*2)
/* Writes the text of one behind to[*n], in UTF-8 if it says that it is; one character
 * may go on in the next word, so that the whole has to be checked. */
const char *encoded_word_decode(struct str word, char *to, size_t *n);

#endif
