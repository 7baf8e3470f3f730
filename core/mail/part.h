/*
 * part.h - a text part of a message: its spans encoded once, a rendering put together
 *
 * A part is sent as it is (7bit) where it is short lines of ASCII, else quoted-
 * printable, else, where most of the template is beyond ASCII, base64. A span is kept
 * in each of the forms it may be wanted in, from a place on at which the encoding does
 * not depend on what stands before: a line start for quoted-printable, a whole quantum
 * for base64. What is encoded for each recipient is the values; the few bytes between
 * are mostly copied too, with a soft break where the line is full.
 *
 * Owns:    nothing; a part lies in the plan's arena, what is composed in the scratch
 *          memory of the caller's wire.
 * Thread:  a part is immutable; a wire belongs to one.
 * Errors:  ERR_MEMORY. Composing cannot fail: the caller asks for part_bytes and
 *          part_slices first.
 * Limits:  lines of PART_LINE_MAX octets in 7bit, of 76 in the others.
 * Source:  RFC 2045 section 6, RFC 5322 section 2.1.1.
 */
#ifndef BROADSIDE_MAIL_PART_H
#define BROADSIDE_MAIL_PART_H

#include "core/base/err.h"
#include "core/base/piece.h"
#include "core/mail/encoding.h"

#define PART_LINE_MAX 78

enum transfer { TRANSFER_7BIT, TRANSFER_QP, TRANSFER_BASE64 };

struct part_span;

struct part {
    struct part_span *spans;
    size_t span_count;
    /* Every span could be sent as 7bit. */
    bool may_be_7bit;
    /* What it is otherwise. */
    enum transfer encoding;
};

/* Bytes and slices under way to an array of slices. */
struct wire {
    struct str *slices;
    size_t slice_count;
    uint64_t bytes;
    /* Scratch: written up to `to`, of which what is before `begun` is in a slice. */
    char *to, *begun;
};
/* A run that short is copied rather than made a slice of its own. */
#define WIRE_COPY_MAX 256
void wire_put(struct wire *wire, struct str bytes);
/* The scratch becomes a slice; to be called at the end. */
void wire_flush(struct wire *wire);

MUST_CHECK enum err part_init(struct part *part, const struct str *spans, size_t count,
                              struct arena *arena);
/* "7bit", "quoted-printable" or "base64". */
struct str transfer_name(enum transfer transfer);
enum transfer part_transfer(const struct part *part, const struct pieces *pieces);
/* Scratch bytes and slices that part_compose may need at most. */
size_t part_bytes(const struct part *part, const struct pieces *pieces);
size_t part_slices(const struct pieces *pieces);
/* True if what was written ends with a line end (or is empty). */
bool part_compose(const struct part *part, const struct pieces *pieces,
                  enum transfer transfer, struct wire *wire);

#endif
