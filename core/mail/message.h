/*
 * message.h - a campaign's message, compiled once, and one recipient's, composed
 *
 * What is the same for everybody (the static head, static spans of the parts, already
 * in their transfer encoding, attachments) is made by message_plan_new, once. Composing
 * encodes only what differs and yields an array of slices for the wire.
 *
 * A composed message: CRLF line ends only, no NUL, no line longer than 998 octets
 * (78 where it can be), no line that begins with a dot (quoted-printable writes =2E,
 * and 7bit is not chosen where one would), so DATA and BDAT carry the same bytes and
 * dot-stuffing never changes it. The same input gives the same bytes: nothing depends
 * on the time of the call or on chance.
 *
 * Owns:    the plan owns copies of all it was given. Composed slices point into the
 *          plan or into the caller's arena.
 * Thread:  a plan is immutable: any number of threads compose from it.
 * Errors:  ERR_DATA with the reason for a person; ERR_LIMIT; ERR_MEMORY.
 * Source:  RFC 5322, 2045, 2046, 2047, 2231, 2183, 6532, 2369, 8058.
 */
#ifndef BROADSIDE_MAIL_MESSAGE_H
#define BROADSIDE_MAIL_MESSAGE_H

#include "core/base/err.h"
#include "core/base/piece.h"

struct message_plan;

#define MESSAGE_HEADERS_MAX 64
#define MESSAGE_BYTES_MAX   (64u << 20)

/* A file that goes with every message. */
struct message_file {
    struct str name, content_type, content;
    /* Inline images are referred to as cid:NAME. */
    bool is_inline;
};

struct message_spec {
    /* An address list in RFC 5322 syntax, display names in UTF-8; encoded here. */
    struct str from, reply_to;
    /* The spans of the HTML and of the text template, in span order; count 0: none. */
    const struct str *html_spans;
    size_t html_span_count;
    const struct str *text_spans;
    size_t text_span_count;
    bool has_html, has_text;
    /* Names of extra headers, in order; their values come with each recipient. */
    const struct str *header_names;
    size_t header_count;
    const struct message_file *files;
    size_t file_count;
    /* What Message-ID, boundaries and the like are derived from (HMAC-SHA-256). */
    struct str secret;
    /* The right side of Message-ID. */
    struct str id_domain;
};

/* One recipient's rendering. */
struct message_input {
    /* The recipient's addr-spec, and a display name or STR_NULL. */
    struct str to, to_name;
    struct str subject;
    /* As many as spec.header_count; STR_NULL or empty leaves the header out. */
    const struct str *header_values;
    const struct pieces *html, *text;
    int64_t date_ms;
    /* What this message's identity is derived from: (recipient row, wave). */
    int64_t recipient_id;
    uint32_t wave;
};

struct message {
    const struct str *slices;
    size_t slice_count;
    uint64_t bytes;
    /* Without its angle brackets. */
    struct str message_id;
    bool needs_8bitmime, needs_smtputf8;
};

MUST_CHECK enum err message_plan_new(const struct message_spec *spec,
                                     struct message_plan **plan, struct error *error);
void message_plan_free(struct message_plan *plan);
MUST_CHECK enum err message_compose(const struct message_plan *plan,
                                    const struct message_input *input,
                                    struct arena *arena, struct message *message,
                                    struct error *error);

#endif
