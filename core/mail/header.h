/*
 * header.h - header fields: names judged, values encoded and folded
 *
 * Written straight to the wire form: `Name: value CRLF`, folded at 78 where there is a
 * space to fold at, in a way that unfolds to the same text. What is not plain ASCII
 * words becomes encoded-words (RFC 2047; Q or B, whichever is shorter, no character
 * split), and so does what a reader could take for one or would not give back
 * exactly: "=?", tabs, several spaces in a row.
 *
 * Owns:    nothing; the caller makes room.
 * Thread:  one at a time for a writer.
 * Errors:  the ..._check functions return a fixed phrase, NULL if all is well. A value
 *          that was not checked may not be written.
 * Limits:  HEADER_FOLD columns, HEADER_LINE_MAX octets a line, HEADER_VALUE_MAX a
 * value. Source:  RFC 5322 sections 2.2 and 3.2, 2047, 2231, 2369, 8058.
 */
#ifndef BROADSIDE_MAIL_HEADER_H
#define BROADSIDE_MAIL_HEADER_H

#include "core/base/str.h"

#define HEADER_FOLD      78
#define HEADER_LINE_MAX  998
#define HEADER_VALUE_MAX 16384
#define HEADER_NAME_MAX  76
/* Room that a field may need whose name and values have n bytes together. */
#define HEADER_BYTES_MAX(n) ((n)*8 + 128)

enum header_kind {
    /* Free text: encoded-words wherever they are needed. */
    HEADER_TEXT,
    /* Words and <urls> for programs to read: tokens stay as they are, a byte that a
     * URL cannot have is percent-encoded. */
    HEADER_STRUCTURED,
    /* An address list (address_list.h). */
    HEADER_ADDRESSES,
};

/* NULL if `name` may be an extra header of a campaign's, or why not: its form, or
 * because the program writes that one itself. */
const char *header_name_check(struct str name);
enum header_kind header_kind_of(struct str name);
/* NULL if `value` can stand in a header: UTF-8 without line breaks of any kind and
 * without control characters. */
const char *header_value_check(struct str value);
/* The same for a value of HEADER_STRUCTURED, which has to fit on lines as it is. */
const char *header_structured_check(struct str value);

/* Where the next byte goes and how full its line is. */
struct header_writer {
    char *to;
    size_t column;
    /* Right behind the name or a fold, where another fold would leave a line of
     * nothing but white space. */
    bool is_fresh;
};

/* Bytes that stick to what stands before them. */
static inline void header_glue(struct header_writer *writer, struct str bytes)
{
    if (bytes.n > 0)
        memcpy(writer->to, bytes.p, bytes.n);
    writer->to += bytes.n;
    writer->column += bytes.n;
    writer->is_fresh = false;
}

/* "Name:"; what follows begins with a space. */
static inline void header_begin(struct header_writer *writer, struct str name)
{
    writer->column = 0;
    header_glue(writer, name);
    header_glue(writer, STR(":"));
    writer->is_fresh = true;
}

void header_end(struct header_writer *writer);
/* A word that is never broken, on a line of its own if this one is full. */
void header_word(struct header_writer *writer, struct str word);
/* A whole value; blanks at both ends are left out. Words longer than word_max are
 * encoded, so that they can be folded. */
void header_text(struct header_writer *writer, struct str value, size_t word_max);
void header_structured(struct header_writer *writer, struct str value);
/* A display name: atoms, a quoted string or encoded-words, as it needs. */
void header_phrase(struct header_writer *writer, struct str name);
/* "; attribute=value" with RFC 2231's extended form where the value needs it. */
void header_parameter(struct header_writer *writer, struct str attribute,
                      struct str value);

#endif
