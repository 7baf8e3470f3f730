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
 * Errors:  ERR_MEMORY; where composing lacks it, the wire says so.
 * Limits:  lines of PART_LINE_MAX octets in 7bit, of 76 in the others.
 * Source:  RFC 2045 section 6, RFC 5322 section 2.1.1.
 */
#ifndef BROADSIDE_MAIL_PART_H
#define BROADSIDE_MAIL_PART_H

#include "core/base/err.h"
#include "core/base/piece.h"
#include "core/mail/encoding.h"
#include "core/mail/wire.h"

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

MUST_CHECK enum err part_init(struct part *part, const struct str *spans, size_t count,
                              struct arena *arena);
/* "7bit", "quoted-printable" or "base64". */
struct str transfer_name(enum transfer transfer);
enum transfer part_transfer(const struct part *part, const struct pieces *pieces);
/* Slices that part_compose may need at most. */
size_t part_slices(const struct pieces *pieces);
/* True if what was written ends with a line end (or is empty). If the wire is short
 * afterwards, only a part of it was written. */
bool part_compose(const struct part *part, const struct pieces *pieces,
                  enum transfer transfer, struct wire *wire);

#endif
