/* Parts made of any spans and values: what is composed decodes to what went in, and its
 * lines keep to the rules, in whatever encoding. Stuffed with dots as RFC 5321 has it
 * and cut anywhere, a receiver (the sandbox's) finds the same bytes and the end. */
#include "core/mail/part.h"
#include "core/smtp/data_scan.h"

#include <stdlib.h>

#define PIECES_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int digit_value(char c)
{
    return c <= '9' ? c - '0' : c - 'A' + 10;
}

static size_t qp_decode(struct str s, char *to)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '=') {
            to[n++] = s.p[i];
            continue;
        }
        CHECK(i + 2 < s.n);
        if (s.p[i + 1] != '\r')
            to[n++] = (char)(digit_value(s.p[i + 1]) * 16 + digit_value(s.p[i + 2]));
        i += 2;
    }
    return n;
}

static size_t base64_decode(struct str s, char *to)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, count = 0;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '=')
            continue;
        const char *digit = strchr(digits, s.p[i]);
        CHECK(digit != NULL && *digit != '\0');
        bits = bits << 6 | (unsigned)(digit - digits);
        if (++count % 4 != 1)
            to[n++] = (char)(bits >> (6 - 2 * ((count - 1) % 4)));
    }
    return n;
}

static void check_lines(struct str s, size_t max)
{
    size_t column = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        CHECK(c < 0x80 && c != '\0' && (column > 0 || c != '.'));
        if (c == '\r') {
            CHECK(i + 1 < s.n && s.p[i + 1] == '\n');
            column = 0;
            i++;
        } else {
            CHECK(c != '\n' && ++column <= max);
        }
    }
}

static char *put(char *to, struct str bytes)
{
    if (bytes.n > 0)
        memcpy(to, bytes.p, bytes.n);
    return to + bytes.n;
}

/* s, whose lines end in CRLF, as DATA carries it, up to the end of the message. */
static struct str stuff(struct str s, char *to)
{
    char *begin = to;
    bool at_line_start = true;
    for (size_t i = 0; i < s.n; i++) {
        if (at_line_start && s.p[i] == '.')
            *to++ = '.';
        *to++ = s.p[i];
        at_line_start = s.p[i] == '\n';
    }
    to = put(to, at_line_start ? STR(".\r\n") : STR("\r\n.\r\n"));
    return str_slice(begin, (size_t)(to - begin));
}

static void take(void *self, struct str bytes)
{
    char **to = self;
    *to = put(*to, bytes);
}

/* `cut`: after how many bytes the stream is cut. */
static void check_dots(struct str s, size_t cut)
{
    char *stuffed = malloc(s.n * 2 + 5), *back = malloc(s.n + 2), *to = back;
    const struct smtp_data_sink sink = {&to, take};
    struct smtp_data_scan scan;
    CHECK(stuffed != NULL && back != NULL);
    struct str wire = stuff(s, stuffed), first = str_head(wire, cut < wire.n ? cut : 0);
    smtp_data_scan_init(&scan);
    CHECK(smtp_data_scan_feed(&scan, first, &sink) == first.n);
    CHECK(smtp_data_scan_feed(&scan, str_from(wire, first.n), &sink) ==
          wire.n - first.n);
    CHECK(scan.place == SMTP_DATA_END && !scan.has_bare);
    size_t got = (size_t)(to - back);
    /* Where the last line had no end it has one now. */
    bool is_ended = s.n == 0 || s.p[s.n - 1] == '\n';
    CHECK(got == s.n + (is_ended ? 0 : 2) && memcmp(back, s.p, s.n) == 0);
    free(stuffed);
    free(back);
}

static struct str gather(const struct wire *wire, struct arena *arena)
{
    char *to = arena_alloc(arena, wire->bytes + 1), *at = to;
    CHECK(to != NULL);
    for (size_t i = 0; i < wire->slice_count; i++) {
        memcpy(at, wire->slices[i].p, wire->slices[i].n);
        at += wire->slices[i].n;
    }
    return str_slice(to, wire->bytes);
}

static void check_part(const struct part *part, const struct pieces *pieces,
                       struct str want, struct arena *arena)
{
    enum transfer transfer = part_transfer(part, pieces);
    size_t slices = part_slices(pieces) + 1;
    struct wire wire;
    CHECK(wire_init(&wire, arena, slices, 0));
    part_compose(part, pieces, transfer, &wire);
    wire_flush(&wire);
    CHECK(!wire.is_short && wire.slice_count <= slices);
    /* The last piece has kept to the room that was asked for it. */
    CHECK(pieces->n == 0 || (size_t)(wire.end - wire.to) >= WIRE_SPARE);
    struct str got = gather(&wire, arena);
    check_lines(got, transfer == TRANSFER_7BIT ? PART_LINE_MAX : ENCODING_LINE_MAX);
    if (transfer != TRANSFER_7BIT) {
        char *decoded = arena_alloc(arena, got.n + 1);
        CHECK(decoded != NULL);
        got.n = transfer == TRANSFER_QP ? qp_decode(got, decoded)
                                        : base64_decode(got, decoded);
        got.p = decoded;
    }
    CHECK(str_equal(got, want));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct str spans[PIECES_MAX], rest = str_slice((const char *)data, size);
    struct pieces pieces;
    size_t span_count = 0, want_bytes = 0;
    struct part part;
    arena_init(&arena, (size_t)1 << 28);
    char *want = arena_alloc(&arena, CRLF_BYTES_MAX(size) + 1);
    CHECK(want != NULL);
    pieces_init(&pieces, &arena, PIECES_MAX);
    /* 0xFF ends a span, 0xFE a value. */
    while (pieces.n < PIECES_MAX && rest.n > 0) {
        size_t n = 0;
        while (n < rest.n && (unsigned char)rest.p[n] < 0xFE)
            n++;
        bool is_span = n < rest.n && (unsigned char)rest.p[n] == 0xFF;
        struct str text = str_head(rest, n);
        want_bytes = (size_t)(crlf_copy(text, want + want_bytes) - want);
        CHECK(pieces_add(&pieces, text, is_span ? (uint32_t)span_count : PIECE_VALUE));
        if (is_span)
            spans[span_count++] = text;
        rest = str_from(rest, n + 1);
    }
    CHECK(part_init(&part, spans, span_count, &arena) == ERR_NONE);
    check_part(&part, &pieces, str_slice(want, want_bytes), &arena);
    check_dots(str_slice(want, want_bytes), size > 0 ? data[0] : 0);
    arena_fini(&arena);
    return 0;
}
