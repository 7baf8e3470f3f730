/*
 * data_scan.h - finds the end of a message in a stream, and judges its bytes
 *
 * After DATA: takes the stuffed dots out and stops behind CRLF . CRLF, however the
 * stream is cut. In a BDAT chunk: the same judgement, no dots. Nothing is copied: the
 * content is passed on as slices of what was fed.
 *
 * Owns:    nothing; a value of a few words.
 * Thread:  one at a time.
 * Errors:  none: faults of the content are noted, the end is found all the same.
 * Limits:  SMTP_TEXT_LINE_MAX octets a line.
 * Source:  RFC 5321 sections 2.3.8, 4.5.2 and 4.5.3.1.6; RFC 3030.
 */
#ifndef BROADSIDE_SMTP_DATA_SCAN_H
#define BROADSIDE_SMTP_DATA_SCAN_H

#include "core/base/str.h"

/* With its CRLF, without a stuffed dot. */
#define SMTP_TEXT_LINE_MAX 1000

enum smtp_data_place {
    SMTP_DATA_TEXT,   /* anywhere but in what may be the end */
    SMTP_DATA_DOT,    /* CRLF . */
    SMTP_DATA_DOT_CR, /* CRLF . CR */
    SMTP_DATA_END     /* the end was found; init before the next message */
};

struct smtp_data_scan {
    enum smtp_data_place place;
    /* The two bytes before the ones to come. */
    unsigned char last, last_but_one;
    /* Of the line that is not complete yet. */
    size_t line_bytes;
    /* Faults: a CR or LF by itself, a NUL, a line that is too long. */
    bool has_bare, has_nul, has_long_line;
    /* An octet above 127. */
    bool has_8bit;
};

/* Takes the content that was found; the slice is valid during the call. */
struct smtp_data_sink {
    void *self;
    void (*content)(void *self, struct str bytes);
};

void smtp_data_scan_init(struct smtp_data_scan *scan);
/* Returns how many of `bytes` belong to the message with its end: all of them unless
 * `place` is SMTP_DATA_END afterwards. */
size_t smtp_data_scan_feed(struct smtp_data_scan *scan, struct str bytes,
                           const struct smtp_data_sink *sink);
/* A part of a BDAT chunk: passed on whole. */
void smtp_data_scan_chunk(struct smtp_data_scan *scan, struct str bytes,
                          const struct smtp_data_sink *sink);

#endif
