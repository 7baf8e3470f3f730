#include "core/mail/part.h"

/*
 * A line of a rendering may be put together from several pieces, so whether it is too
 * long, or begins in a delicate way, shows only when they meet. For 7bit a span
 * remembers how long its first and last lines are, and a pass over the pieces adds up;
 * the spans themselves are not looked at again.
 */

struct part_span {
    /* Its length as the template has it: a piece that claims to be this span has it. */
    size_t bytes;
    /* With CRLF line ends. */
    struct str text;
    bool is_7bit, has_line_end, begins_delicately;
    size_t first_line, last_line;
    /* What the first `lead` bytes of `text` become depends on the column they begin
     * in; `qp` is the rest, encoded from column 0 on, and leaves the encoder in
     * `qp_after`. */
    size_t lead;
    struct str qp;
    struct qp qp_after;
    /* The lead encoded, without a soft break in its first line; and for each column
     * behind how many of these bytes one has to be added. */
    struct str lead_qp;
    /* How it leaves the encoder: in which column, or how many further on. */
    struct qp lead_after;
    bool lead_has_line_end;
    unsigned char lead_break[ENCODING_LINE_MAX];
    /* By how many bytes the joint takes for its quantum; NULL for short spans. */
    struct str base64[3];
    struct base64 base64_after[3];
};

/* A line end within so many bytes is worth encoding up to; behind it nothing depends
 * on the column. Without one a soft break does the same. */
#define LEAD_MAX 96
/* Less than this is not worth a joint. */
#define REST_MIN       64
#define LEAD_BYTES_MAX (LEAD_MAX + 2 + REST_MIN)
/* Instead of a number of bytes: no break is needed; it comes out in another way. */
#define LEAD_WHOLE 0xFF
#define LEAD_OTHER 0xFE

/* ---- spans, once --------------------------------------------------------------- */

/* What 7bit asks of text that comes in pieces. */
struct line_check {
    size_t column;
    bool is_7bit;
};

/* Text with any kind of line end. */
static void line_check_feed(struct line_check *check, struct str s)
{
    for (size_t i = 0; i < s.n && check->is_7bit; i++) {
        char c = s.p[i];
        if (c == '\n' || c == '\r') {
            check->column = 0;
            continue;
        }
        if ((c < ' ' && c != '\t') || c == 0x7F ||
            (check->column == 0 && line_is_delicate(str_from(s, i))) ||
            ++check->column > PART_LINE_MAX)
            check->is_7bit = false;
    }
}

static void span_measure(struct part_span *span)
{
    struct str text = span->text;
    const char *first = text.n > 0 ? memchr(text.p, '\r', text.n) : NULL;
    span->has_line_end = first != NULL;
    span->begins_delicately = line_is_delicate(text);
    span->first_line = first != NULL ? (size_t)(first - text.p) : text.n;
    span->last_line = text.n;
    if (first != NULL) {
        const char *last = memrchr(text.p, '\n', text.n);
        span->last_line = (size_t)(text.p + text.n - last) - 1;
    }
    /* The first line's beginning counts only where the span begins a line. */
    struct line_check check = {.column = span->begins_delicately, .is_7bit = true};
    line_check_feed(&check, str_from(text, span->begins_delicately));
    span->is_7bit = check.is_7bit;
}

/* Leads are short, and have room behind them to be copied so. */
static char *copy_chunks(char *to, struct str from)
{
    for (size_t at = 0; at < from.n; at += 16)
        memcpy(to + at, from.p + at, 16);
    return to + from.n;
}

/* The lead as it was encoded once, with a soft break where the line is full. Inlined
 * where messages are composed, though there are two that call it. */
static inline char *lead_compose_qp(const struct part_span *span, struct qp *qp,
                                    char *to)
{
    struct str lead = span->lead_qp;
    if (qp->held != 0 && span->first_line > 0)
        to = qp_release(qp, to);
    unsigned column = qp->column, before = span->lead_break[column];
    if (qp->held != 0 || before == LEAD_OTHER)
        return qp_encode(qp, str_head(span->text, span->lead), to);
    if (before != LEAD_WHOLE) {
        to = qp_break(qp, copy_chunks(to, str_head(lead, before)));
        lead = str_from(lead, before);
        column = 0 - before;
    }
    *qp = span->lead_after;
    if (!span->lead_has_line_end)
        qp->column += column;
    return copy_chunks(to, lead);
}

/* Where the lead is broken if it begins in `column`: where the encoder breaks it first,
 * if nothing else is different then. A soft break is the one thing in quoted-printable
 * that has an equals sign before a line end. */
static void lead_find_break(struct part_span *span, unsigned column)
{
    char encoded[QP_BYTES_MAX(LEAD_BYTES_MAX)], copied[sizeof encoded];
    struct qp encoder = {.column = column}, copier = encoder;
    unsigned char *before = &span->lead_break[column];
    char *end = qp_encode(&encoder, str_head(span->text, span->lead), encoded);
    struct str want = str_slice(encoded, (size_t)(end - encoded));
    const char *soft = memmem(want.p, want.n, "=\r\n", 3);
    *before = LEAD_WHOLE;
    if (soft != NULL && want.n != span->lead_qp.n)
        *before = (unsigned char)(soft - want.p);
    end = lead_compose_qp(span, &copier, copied);
    if (!str_equal(want, str_slice(copied, (size_t)(end - copied))) ||
        copier.column != encoder.column || copier.held != encoder.held)
        *before = LEAD_OTHER;
}

/* Behind a column that stands for any other than the first. A soft break in the first
 * line is taken out: where it goes is another question for every column. */
static enum err span_encode_lead(struct part_span *span, struct arena *arena)
{
    char *to = arena_alloc(arena, QP_BYTES_MAX(span->lead));
    if (to == NULL)
        return ERR_MEMORY;
    span->lead_after.column = 1;
    char *end = qp_encode(&span->lead_after, str_head(span->text, span->lead), to);
    char *line_end = memmem(to, (size_t)(end - to), "\r\n", 2);
    if (line_end != NULL && line_end > to && line_end[-1] == '=') {
        memmove(line_end - 1, line_end + 2, (size_t)(end - line_end) - 2);
        end -= 3;
    }
    span->lead_qp = str_slice(to, (size_t)(end - to));
    span->lead_has_line_end = span->first_line < span->lead;
    if (!span->lead_has_line_end)
        span->lead_after.column = (unsigned)span->lead_qp.n;
    for (unsigned column = 0; column < ENCODING_LINE_MAX; column++)
        lead_find_break(span, column);
    return ERR_NONE;
}

static enum err span_encode_qp(struct part_span *span, struct arena *arena)
{
    size_t lead = 0;
    if (span->has_line_end && span->first_line < LEAD_MAX)
        lead = span->first_line + 2;
    if (span->text.n - lead < REST_MIN)
        lead = span->text.n;
    struct str rest = str_from(span->text, lead);
    span->lead = lead;
    enum err err = span_encode_lead(span, arena);
    if (err != ERR_NONE || rest.n == 0)
        return err;
    char *to = arena_alloc(arena, QP_BYTES_MAX(rest.n));
    if (to == NULL)
        return ERR_MEMORY;
    span->qp = str_slice(to, (size_t)(qp_encode(&span->qp_after, rest, to) - to));
    return ERR_NONE;
}

static enum err span_encode_base64(struct part_span *span, struct arena *arena)
{
    if (span->text.n < REST_MIN)
        return ERR_NONE;
    for (size_t taken = 0; taken < 3; taken++) {
        struct str rest = str_from(span->text, taken);
        char *to = arena_alloc(arena, BASE64_BYTES_MAX(rest.n));
        if (to == NULL)
            return ERR_MEMORY;
        char *end = base64_encode(&span->base64_after[taken], rest, to);
        span->base64[taken] = str_slice(to, (size_t)(end - to));
    }
    return ERR_NONE;
}

static enum err span_init(struct part_span *span, struct str given, struct arena *arena)
{
    char *to = arena_alloc(arena, CRLF_BYTES_MAX(given.n) + 1);
    if (to == NULL)
        return ERR_MEMORY;
    span->bytes = given.n;
    span->text = str_slice(to, (size_t)(crlf_copy(given, to) - to));
    span_measure(span);
    return ERR_NONE;
}

/* Quoted-printable triples what is beyond ASCII; base64 makes everything a third longer
 * and its lines another fortieth. What is ASCII never goes as base64, though its equal
 * signs are tripled too: filters take that for an attempt to hide something. */
static bool base64_is_shorter(const struct part *part)
{
    size_t bytes = 0, beyond = 0;
    for (size_t i = 0; i < part->span_count; i++) {
        struct str text = part->spans[i].text;
        bytes += text.n;
        for (size_t at = 0; at < text.n; at++)
            beyond += (unsigned char)text.p[at] >= 0x80;
    }
    return 2 * beyond > bytes * 37 / 100;
}

enum err part_init(struct part *part, const struct str *spans, size_t count,
                   struct arena *arena)
{
    *part = (struct part){.may_be_7bit = true, .span_count = count};
    part->spans = arena_calloc(arena, count, sizeof *part->spans);
    if (part->spans == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (span_init(&part->spans[i], spans[i], arena) != ERR_NONE)
            return ERR_MEMORY;
        part->may_be_7bit &= part->spans[i].is_7bit;
    }
    part->encoding = base64_is_shorter(part) ? TRANSFER_BASE64 : TRANSFER_QP;
    for (size_t i = 0; i < count; i++) {
        enum err err = part->encoding == TRANSFER_QP
                           ? span_encode_qp(&part->spans[i], arena)
                           : span_encode_base64(&part->spans[i], arena);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

/* ---- a rendering --------------------------------------------------------------- */

struct str transfer_name(enum transfer transfer)
{
    switch (transfer) {
    case TRANSFER_7BIT: return STR("7bit");
    case TRANSFER_QP: return STR("quoted-printable");
    case TRANSFER_BASE64: return STR("base64");
    }
    return STR("");
}

/* NULL for a value, and for a piece that is not the span it says. */
static const struct part_span *piece_span(const struct part *part,
                                          const struct piece *piece)
{
    if (piece->span >= part->span_count)
        return NULL;
    const struct part_span *span = &part->spans[piece->span];
    return span->bytes == piece->text.n ? span : NULL;
}

static void line_check_span(struct line_check *check, const struct part_span *span)
{
    if ((span->begins_delicately && check->column == 0) ||
        check->column + span->first_line > PART_LINE_MAX)
        check->is_7bit = false;
    check->column =
        span->has_line_end ? span->last_line : check->column + span->first_line;
}

enum transfer part_transfer(const struct part *part, const struct pieces *pieces)
{
    struct line_check check = {.is_7bit = part->may_be_7bit};
    for (size_t i = 0; i < pieces->n && check.is_7bit; i++) {
        const struct part_span *span = piece_span(part, &pieces->p[i]);
        if (span != NULL)
            line_check_span(&check, span);
        else
            line_check_feed(&check, pieces->p[i].text);
    }
    return check.is_7bit ? TRANSFER_7BIT : part->encoding;
}

size_t part_slices(const struct pieces *pieces)
{
    return (WIRE_ROOM_SLICES + WIRE_PUT_SLICES) * pieces->n;
}

/* Of a span no more is encoded here than its lead, and no more is copied than the wire
 * does. Quoted-printable takes the most room for a value. */
static bool piece_room(struct wire *wire, const struct part_span *span, struct str text)
{
    return wire_room(wire, span != NULL ? QP_BYTES_MAX(LEAD_BYTES_MAX) + WIRE_COPY_MAX
                                        : QP_BYTES_MAX(text.n));
}

static bool compose_7bit(const struct part *part, const struct pieces *pieces,
                         struct wire *wire)
{
    char last = '\n';
    for (size_t i = 0; i < pieces->n; i++) {
        const struct part_span *span = piece_span(part, &pieces->p[i]);
        struct str text = span != NULL ? span->text : pieces->p[i].text;
        if (!piece_room(wire, span, text))
            return false;
        if (span != NULL)
            wire_put(wire, text);
        else
            wire->to = crlf_copy(text, wire->to);
        if (text.n > 0)
            last = text.p[text.n - 1];
    }
    return last == '\n' || last == '\r';
}

static void span_compose_qp(const struct part_span *span, struct qp *qp,
                            struct wire *wire)
{
    wire->to = lead_compose_qp(span, qp, wire->to);
    if (span->qp.n == 0)
        return;
    wire->to = qp_soft_break(qp, wire->to);
    wire_put(wire, span->qp);
    *qp = span->qp_after;
}

static bool compose_qp(const struct part *part, const struct pieces *pieces,
                       struct wire *wire)
{
    struct qp qp = {0};
    const struct piece *piece = pieces->p;
    for (size_t left = pieces->n; left > 0; left--, piece++) {
        const struct part_span *span = piece_span(part, piece);
        if (!piece_room(wire, span, piece->text))
            return false;
        if (span != NULL)
            span_compose_qp(span, &qp, wire);
        else
            wire->to = qp_encode(&qp, piece->text, wire->to);
    }
    wire->to = qp_finish(&qp, wire->to);
    return qp.column == 0;
}

static void span_compose_base64(const struct part_span *span, struct base64 *base64,
                                struct wire *wire)
{
    size_t taken = (3 - base64->carried) % 3;
    if (str_is_null(span->base64[0])) {
        wire->to = base64_encode(base64, span->text, wire->to);
        return;
    }
    wire->to = base64_encode(base64, str_head(span->text, taken), wire->to);
    wire->to = base64_line_end(base64, wire->to);
    wire_put(wire, span->base64[taken]);
    *base64 = span->base64_after[taken];
}

/* Base64 hides line ends from everybody on the way, so they are made CRLF before. */
static void value_compose_base64(struct str text, struct base64 *base64,
                                 struct wire *wire)
{
    while (text.n > 0) {
        size_t n = 0;
        while (n < text.n && text.p[n] != '\r' && text.p[n] != '\n')
            n++;
        wire->to = base64_encode(base64, str_head(text, n), wire->to);
        text = str_from(text, n);
        if (text.n > 0) {
            wire->to = base64_encode(base64, STR("\r\n"), wire->to);
            text = str_from(text, str_has_prefix(text, STR("\r\n")) ? 2 : 1);
        }
    }
}

static bool compose_base64(const struct part *part, const struct pieces *pieces,
                           struct wire *wire)
{
    struct base64 base64 = {0};
    for (size_t i = 0; i < pieces->n; i++) {
        const struct part_span *span = piece_span(part, &pieces->p[i]);
        if (!piece_room(wire, span, pieces->p[i].text))
            return false;
        if (span != NULL)
            span_compose_base64(span, &base64, wire);
        else
            value_compose_base64(pieces->p[i].text, &base64, wire);
    }
    wire->to = base64_finish(&base64, wire->to);
    return true;
}

bool part_compose(const struct part *part, const struct pieces *pieces,
                  enum transfer transfer, struct wire *wire)
{
    switch (transfer) {
    case TRANSFER_7BIT: return compose_7bit(part, pieces, wire);
    case TRANSFER_QP: return compose_qp(part, pieces, wire);
    case TRANSFER_BASE64: return compose_base64(part, pieces, wire);
    }
    return true;
}
