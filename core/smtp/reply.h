/*
 * reply.h - what a server answers, cut into whole replies
 *
 * Feed it bytes in any pieces: the result is the same for every split. A reply is
 * code, lines of text and, where the server gives one, an enhanced status.
 *
 * A line has to be three digits (2 to 5 first), a space or a hyphen (or nothing, on
 * the last line), text, CRLF. Anything else is malformed: a bare LF, a NUL, a code
 * that changes between the lines of one reply. Nothing is repaired: a sender that
 * guesses at replies matches them to the wrong command.
 *
 * Owns:    a buffer for the reply being read, from init to fini.
 * Keeps:   struct smtp_reply points into it until the next feed.
 * Thread:  one at a time.
 * Errors:  SMTP_REPLY_BAD, sticky; `why` says what was wrong.
 * Limits:  SMTP_REPLY_LINE_MAX, SMTP_REPLY_MAX; of lines there may be any number, as
 *          the RFC has it.
 * Source:  RFC 5321 section 4.2, RFC 2034, RFC 3463.
 */
#ifndef BROADSIDE_SMTP_REPLY_H
#define BROADSIDE_SMTP_REPLY_H

#include "core/base/buf.h"
#include "core/smtp/outcome.h"

/* With their CRLF. */
#define SMTP_REPLY_LINE_MAX 4096u
#define SMTP_REPLY_MAX      65536u
/* The memory that is kept from one reply to the next, at most. */
#define SMTP_REPLY_KEPT 4096u

enum smtp_reply_result {
    SMTP_REPLY_MORE,
    SMTP_REPLY_WHOLE,
    SMTP_REPLY_BAD,
};

struct smtp_reply {
    uint16_t code;
    /* Everything as it came, CRLF line ends. */
    struct str raw;
};

struct smtp_reply_parser {
    struct buf raw;
    size_t line_start;
    /* Of the lines so far, 0 before the first. */
    uint16_t code;
    bool is_whole;
    /* Of SMTP_REPLY_BAD, else NULL. */
    const char *why;
};

void smtp_reply_parser_init(struct smtp_reply_parser *parser);
void smtp_reply_parser_fini(struct smtp_reply_parser *parser);
/* Takes bytes up to the end of one reply; *used says how many. On SMTP_REPLY_WHOLE
 * `reply` is filled. */
enum smtp_reply_result smtp_reply_feed(struct smtp_reply_parser *parser,
                                       struct str bytes, size_t *used,
                                       struct smtp_reply *reply);
/* What came of a reply that is not whole yet; empty between replies. */
struct str smtp_reply_fragment(const struct smtp_reply_parser *parser);

/* The text of the next line, without code and CRLF; false after the last.
 * *at is 0 for the first. */
bool smtp_reply_line(const struct smtp_reply *reply, size_t *at, struct str *line);
/* The enhanced status, all 0 if there is none, and the reply's text without it, made
 * printable, lines joined by " / ", at most OUTCOME_TEXT_MAX bytes, into `to`. */
struct str smtp_reply_text(const struct smtp_reply *reply, uint16_t enhanced[3],
                           char to[OUTCOME_TEXT_MAX]);
/* One string made printable and bounded in the same way, behind the `n` bytes that
 * `to` already holds; returns how many it holds then. */
size_t smtp_text_append(char to[OUTCOME_TEXT_MAX], size_t n, struct str s);
/* Takes "5.1.1" (or "#5.1.1") off the front of *text; false if it has none. */
bool smtp_enhanced_take(struct str *text, uint16_t enhanced[3]);

/* The queue id in the text of a positive reply to the final dot, as a slice of it;
 * empty if no known form names one. */
struct str smtp_remote_id(struct str text);
#define SMTP_REMOTE_ID_MAX 128u

#endif
