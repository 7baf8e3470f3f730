#include "core/mail/encoding.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/*
 * Quoted-printable is mostly copying: the longest run of bytes that stand for
 * themselves and fit into the line is found and copied sixteen at a time; what is left,
 * byte by byte, is line breaks, '=', controls and bytes beyond ASCII.
 */

/* A soft-broken line ends in "=": one column less for the text. Hard-broken lines
 * could be one longer, but then where a line ends would depend on what follows it. */
#define QP_TEXT_MAX (ENCODING_LINE_MAX - 1)

static const char hex_digits[] = "0123456789ABCDEF";

static bool qp_is_plain(char c)
{
    return c >= ' ' && c <= '~' && c != '=';
}

#if defined(__SSE2__)
/* One bit for each byte that does not stand for itself. */
static unsigned special_bytes(__m128i bytes)
{
    const __m128i space = _mm_set1_epi8(' '), del = _mm_set1_epi8(0x7F);
    const __m128i equals = _mm_set1_epi8('=');
    /* Signed: bytes beyond ASCII are below the space too. */
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(
        _mm_cmplt_epi8(bytes, space),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, del), _mm_cmpeq_epi8(bytes, equals))));
}

static __m128i copy_16(const char *from, char *to)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
    _mm_storeu_si128((__m128i *)(void *)to, bytes);
    return bytes;
}

static long long copy_8(const char *from, char *to)
{
    long long word;
    memcpy(&word, from, sizeof word);
    memcpy(to, &word, sizeof word);
    return word;
}

static int copy_4(const char *from, char *to)
{
    int word;
    memcpy(&word, from, sizeof word);
    memcpy(to, &word, sizeof word);
    return word;
}

/* Copies n bytes, 1 to 16, as words that overlap; returns each at least once. */
static __m128i copy_short(const char *from, size_t n, char *to)
{
    if (n >= 8)
        return _mm_set_epi64x(copy_8(from + n - 8, to + n - 8), copy_8(from, to));
    if (n >= 4) {
        int last = copy_4(from + n - 4, to + n - 4), first = copy_4(from, to);
        return _mm_set_epi32(last, last, first, first);
    }
    unsigned char first = (unsigned char)from[0], middle = (unsigned char)from[n / 2];
    unsigned char last = (unsigned char)from[n - 1];
    to[0] = (char)first;
    to[n / 2] = (char)middle;
    to[n - 1] = (char)last;
    return _mm_set1_epi32((int)((unsigned)first << 24 | (unsigned)first << 16 |
                                (unsigned)middle << 8 | last));
}
#endif

/* Copies the bytes at the front of `in` that stand for themselves, `room` at most;
 * returns how many. More than that may be written to `to`, up to what QP_BYTES_MAX
 * leaves behind the end of the text. */
static size_t qp_copy_run(struct str in, size_t room, char *to)
{
    size_t at = 0;
#if defined(__SSE2__)
    for (; at + 16 <= in.n; at += 16) {
        unsigned special = special_bytes(copy_16(in.p + at, to + at));
        if (special != 0 || at + 16 >= room) {
            size_t run = at + (unsigned)__builtin_ctz(special | 1u << 16);
            return run < room ? run : room;
        }
    }
#endif
    for (; at < in.n && at < room && qp_is_plain(in.p[at]); at++)
        to[at] = in.p[at];
    return at;
}

/* Copies all of `in`, 1 to SHORT_MAX bytes; true if each stands for itself. */
#define SHORT_MAX 32
static bool qp_copy_short(struct str in, char *to)
{
#if defined(__SSE2__)
    if (in.n <= 16)
        return special_bytes(copy_short(in.p, in.n, to)) == 0;
    size_t last = in.n - 16;
    return (special_bytes(copy_16(in.p, to)) |
            special_bytes(copy_16(in.p + last, to + last))) == 0;
#else
    return qp_copy_run(in, in.n, to) == in.n;
#endif
}

static char *hex_octet(char c, char *to)
{
    unsigned char byte = (unsigned char)c;
    to[0] = '=';
    to[1] = hex_digits[byte >> 4];
    to[2] = hex_digits[byte & 15];
    return to + 3;
}

static char *qp_hex(struct qp *qp, char c, char *to)
{
    qp->column += 3;
    return hex_octet(c, to);
}

static char *qp_make_room(struct qp *qp, unsigned columns, char *to)
{
    return qp->column + columns > QP_TEXT_MAX ? qp_break(qp, to) : to;
}

char *qp_release(struct qp *qp, char *to)
{
    if (qp->held == 0)
        return to;
    to = qp_make_room(qp, 1, to);
    *to++ = qp->held;
    qp->column++;
    qp->held = 0;
    return to;
}

char *qp_finish(struct qp *qp, char *to)
{
    if (qp->held == 0)
        return to;
    to = qp_make_room(qp, 3, to);
    to = qp_hex(qp, qp->held, to);
    qp->held = 0;
    return to;
}

static char *qp_line_end(struct qp *qp, char *to)
{
    to = qp_finish(qp, to);
    to[0] = '\r';
    to[1] = '\n';
    qp->column = 0;
    return to + 2;
}

/* The bytes at the front of s that make one character of UTF-8, 1 if they do not. */
static unsigned utf8_length(struct str s)
{
    unsigned char lead = (unsigned char)s.p[0];
    unsigned length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (length > s.n)
        return 1;
    for (unsigned i = 1; i < length; i++)
        if (((unsigned char)s.p[i] & 0xC0) != 0x80)
            return 1;
    return length;
}

/* At a byte that does not stand for itself; *used is how many were written. */
static char *qp_character(struct qp *qp, struct str in, char *to, size_t *used)
{
    unsigned length = utf8_length(in);
    to = qp_make_room(qp, 3 * length, to);
    for (unsigned i = 0; i < length; i++)
        to = qp_hex(qp, in.p[i], to);
    *used = length;
    return to;
}

static bool is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

static size_t line_end_length(struct str in)
{
    return in.n > 1 && in.p[0] == '\r' && in.p[1] == '\n' ? 2 : 1;
}

bool line_is_delicate(struct str s)
{
    size_t n = s.n < 5 ? s.n : 5;
    return n > 0 && (s.p[0] == '.' || (s.p[0] == 'F' && memcmp(s.p, "From ", n) == 0));
}

/* What has room though every byte were escaped, and nothing to be looked at closer: no
 * line ends, no tabs, no blank at its end. NULL if it is not like that. */
static char *qp_escape(struct qp *qp, struct str in, char *to)
{
    char *begin = to;
    if (qp->column == 0 || qp->column + 3 * in.n > QP_TEXT_MAX || in.p[in.n - 1] == ' ')
        return NULL;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (qp_is_plain(c))
            *to++ = c;
        else if (c == '\t' || is_line_end(c))
            return NULL;
        else
            to = hex_octet(c, to);
    }
    qp->column += (unsigned)(to - begin);
    return to;
}

/* At a byte that is no line end, with nothing held. */
static char *qp_text(struct qp *qp, struct str in, char *to, size_t *used)
{
    char *escaped = qp_escape(qp, in, to);
    *used = in.n;
    if (escaped != NULL)
        return escaped;
    if (qp->column == 0 && line_is_delicate(in)) {
        *used = 1;
        return qp_hex(qp, in.p[0], to);
    }
    size_t run = qp_copy_run(in, QP_TEXT_MAX - qp->column, to);
    *used = run;
    if (run == 0)
        return qp_is_plain(in.p[0]) ? qp_break(qp, to) : qp_character(qp, in, to, used);
    if (in.p[run - 1] == ' ' && (run == in.n || is_line_end(in.p[run]))) {
        qp->held = ' ';
        run--;
    }
    qp->column += (unsigned)run;
    return to + run;
}

/* Not inlined, so that a short value costs nothing of it. */
__attribute__((noinline)) static char *qp_encode_any(struct qp *qp, struct str in,
                                                     char *to)
{
    while (in.n > 0) {
        size_t used = 1;
        if (is_line_end(in.p[0])) {
            to = qp_line_end(qp, to);
            used = line_end_length(in);
        } else {
            to = qp_release(qp, to);
            if (in.p[0] == '\t')
                qp->held = '\t';
            else
                to = qp_text(qp, in, to, &used);
        }
        in = str_from(in, used);
    }
    return to;
}

/* Most values are a few bytes that stand for themselves, amid a line that has room for
 * them. A dot or an F that begins a line is looked at closer. Without a held blank what
 * is written for it is written over. */
char *qp_encode(struct qp *qp, struct str in, char *to)
{
    size_t held = qp->held != 0, column = qp->column + held + in.n;
    to[0] = qp->held;
    if (in.n == 0 || in.n > SHORT_MAX || column > QP_TEXT_MAX ||
        in.p[in.n - 1] == ' ' ||
        (column == in.n && (in.p[0] == '.' || in.p[0] == 'F')) ||
        !qp_copy_short(in, to + held))
        return qp_encode_any(qp, in, to);
    *qp = (struct qp){.column = (unsigned)column};
    return to + held + in.n;
}

/* ---- base64 -------------------------------------------------------------------- */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *base64_quantum(const unsigned char *p, char *to)
{
    unsigned bits = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];
    to[0] = base64_digits[bits >> 18];
    to[1] = base64_digits[bits >> 12 & 63];
    to[2] = base64_digits[bits >> 6 & 63];
    to[3] = base64_digits[bits & 63];
    return to + 4;
}

char *base64_line_end(struct base64 *base64, char *to)
{
    if (base64->column == 0)
        return to;
    base64->column = 0;
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

static char *base64_put(struct base64 *base64, const unsigned char *p, char *to)
{
    if (base64->column == ENCODING_LINE_MAX)
        to = base64_line_end(base64, to);
    base64->column += 4;
    return base64_quantum(p, to);
}

char *base64_encode(struct base64 *base64, struct str in, char *to)
{
    const unsigned char *p = (const unsigned char *)in.p, *end = p + in.n;
    while (base64->carried > 0 && base64->carried < 3 && p < end)
        base64->carry[base64->carried++] = *p++;
    if (base64->carried == 3) {
        to = base64_put(base64, base64->carry, to);
        base64->carried = 0;
    }
    for (; end - p >= 3; p += 3)
        to = base64_put(base64, p, to);
    while (p < end)
        base64->carry[base64->carried++] = *p++;
    return to;
}

char *base64_finish(struct base64 *base64, char *to)
{
    if (base64->carried > 0) {
        unsigned left = base64->carried;
        memset(base64->carry + left, 0, 3 - left);
        to = base64_put(base64, base64->carry, to);
        memset(to - (3 - left), '=', 3 - left);
        base64->carried = 0;
    }
    return base64_line_end(base64, to);
}

char *base64_plain(struct str in, char *to)
{
    const unsigned char *p = (const unsigned char *)in.p;
    for (; in.n >= 3; in.n -= 3, p += 3)
        to = base64_quantum(p, to);
    if (in.n > 0) {
        unsigned char last[3] = {p[0], in.n > 1 ? p[1] : 0, 0};
        to = base64_quantum(last, to);
        memset(to - (3 - in.n), '=', 3 - in.n);
    }
    return to;
}

/* ---- line ends ----------------------------------------------------------------- */

char *crlf_copy(struct str in, char *to)
{
    while (in.n > 0) {
        size_t used = 1;
        if (is_line_end(in.p[0])) {
            used = line_end_length(in);
            *to++ = '\r';
            *to++ = '\n';
        } else {
            while (used < in.n && !is_line_end(in.p[used]))
                used++;
            memcpy(to, in.p, used);
            to += used;
        }
        in = str_from(in, used);
    }
    return to;
}
