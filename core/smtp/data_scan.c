#include "core/smtp/data_scan.h"

/*
 * A body of 15 KB has some 200 line ends and, as a rule, nothing else of interest. So
 * the scan looks for ODD bytes only, 64 at a time: a CR without an LF behind it, an LF
 * without a CR before it, a NUL, a dot behind an LF. All of it is one comparison of
 * the bytes with themselves shifted by one, which the compiler makes into vector
 * instructions: O(n), about 30 GB/s here, against 3 GB/s for a memchr per line.
 *
 * Line lengths need no look at every line either: from a line start, the LAST line end
 * within the longest allowed line is searched backwards; all lines up to there are
 * short enough.
 */
typedef unsigned char block __attribute__((vector_size(16)));

enum { BLOCK = sizeof(block), STRIDE = 4 * BLOCK };

static block block_load(const unsigned char *p)
{
    block bytes;
    memcpy(&bytes, p, sizeof bytes);
    return bytes;
}

static bool block_is_zero(block bytes)
{
    uint64_t words[2];
    memcpy(words, &bytes, sizeof words);
    return (words[0] | words[1]) == 0;
}

/* All ones where a byte is odd. */
static block block_odd(block now, block before)
{
    block bare = (block)(now == '\n') ^ (block)(before == '\r');
    block dot = (block)(now == '.') & (block)(before == '\n');
    return bare | dot | (block)(now == '\0');
}

static bool byte_is_odd(unsigned char now, unsigned char before)
{
    return ((now == '\n') != (before == '\r')) || (now == '.' && before == '\n') ||
           now == '\0';
}

/* Whole strides from `at` on without an odd byte; p[at - 1] exists. */
static size_t skip_strides(const unsigned char *p, size_t at, size_t n, block *high)
{
    for (; n - at >= STRIDE; at += STRIDE) {
        block odd = {0}, any = {0};
        for (size_t i = at; i < at + STRIDE; i += BLOCK) {
            block now = block_load(p + i);
            odd |= block_odd(now, block_load(p + i - 1));
            any |= now;
        }
        if (!block_is_zero(odd))
            break;
        *high |= any;
    }
    return at;
}

/* The place of the first odd byte at or behind `at`, n if there is none. */
static size_t next_odd(struct smtp_data_scan *scan, const unsigned char *p, size_t at,
                       size_t n)
{
    block high = {0};
    unsigned char before = at > 0 ? p[at - 1] : scan->last, any = 0;
    bool may_skip = true;
    while (at < n && !byte_is_odd(p[at], before)) {
        before = p[at];
        any |= before;
        at++;
        if (may_skip) {
            at = skip_strides(p, at, n, &high);
            before = p[at - 1];
            may_skip = false;
        }
    }
    high &= (block){0} + 0x80;
    scan->has_8bit |= any >= 0x80 || !block_is_zero(high);
    return at;
}

static void note_odd(struct smtp_data_scan *scan, unsigned char now,
                     unsigned char before)
{
    scan->has_nul |= now == '\0';
    scan->has_bare |= (now == '\n') != (before == '\r');
    scan->has_8bit |= now >= 0x80;
}

static void note_lines(struct smtp_data_scan *scan, const char *p, size_t n,
                       size_t line_max)
{
    size_t at = 0;
    while (scan->line_bytes + (n - at) > line_max) {
        size_t window = line_max > scan->line_bytes ? line_max - scan->line_bytes : 0;
        const char *end = memrchr(p + at, '\n', window);
        if (end == NULL) {
            scan->has_long_line = true;
            end = memchr(p + at, '\n', n - at);
        }
        if (end == NULL)
            break;
        at = (size_t)(end - p) + 1;
        scan->line_bytes = 0;
    }
    const char *end = memrchr(p + at, '\n', n - at);
    if (end != NULL)
        scan->line_bytes = (size_t)(p + n - end) - 1;
    else
        scan->line_bytes += n - at;
}

static void note_last(struct smtp_data_scan *scan, const unsigned char *p, size_t n)
{
    if (n == 0)
        return;
    scan->last_but_one = n >= 2 ? p[n - 2] : scan->last;
    scan->last = p[n - 1];
}

static bool begins_line(const struct smtp_data_scan *scan, const unsigned char *p,
                        size_t at)
{
    unsigned char last = at >= 1 ? p[at - 1] : scan->last;
    unsigned char last_but_one = at >= 2   ? p[at - 2]
                                 : at == 1 ? scan->last
                                           : scan->last_but_one;
    return last == '\n' && last_but_one == '\r';
}

static void pass_on(const struct smtp_data_sink *sink, const unsigned char *p,
                    size_t from, size_t to)
{
    if (to > from)
        sink->content(sink->self, str_slice((const char *)p + from, to - from));
}

void smtp_data_scan_init(struct smtp_data_scan *scan)
{
    *scan = (struct smtp_data_scan){.last = '\n', .last_but_one = '\r'};
}

/* Text from `at` on: passes it on up to a dot that begins a line, or to the end. */
static size_t scan_text(struct smtp_data_scan *scan, const unsigned char *p, size_t at,
                        size_t n, const struct smtp_data_sink *sink)
{
    size_t from = at;
    while ((at = next_odd(scan, p, at, n)) < n) {
        if (p[at] == '.' && begins_line(scan, p, at)) {
            scan->place = SMTP_DATA_DOT;
            break;
        }
        note_odd(scan, p[at], at > 0 ? p[at - 1] : scan->last);
        at++;
    }
    pass_on(sink, p, from, at);
    return at < n ? at + 1 : n;
}

/* Behind a dot that begins a line, and perhaps a CR. A dot that is not the end was
 * stuffed: it goes, the CR stays. */
static size_t scan_dot(struct smtp_data_scan *scan, unsigned char now, size_t at,
                       const struct smtp_data_sink *sink)
{
    if (scan->place == SMTP_DATA_DOT && now == '\r') {
        scan->place = SMTP_DATA_DOT_CR;
        return at + 1;
    }
    if (scan->place == SMTP_DATA_DOT_CR && now == '\n') {
        scan->place = SMTP_DATA_END;
        return at + 1;
    }
    if (scan->place == SMTP_DATA_DOT_CR)
        sink->content(sink->self, STR("\r"));
    scan->place = SMTP_DATA_TEXT;
    return at;
}

size_t smtp_data_scan_feed(struct smtp_data_scan *scan, struct str bytes,
                           const struct smtp_data_sink *sink)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    size_t at = 0;
    while (at < bytes.n && scan->place != SMTP_DATA_END) {
        if (scan->place == SMTP_DATA_TEXT)
            at = scan_text(scan, p, at, bytes.n, sink);
        else
            at = scan_dot(scan, p[at], at, sink);
    }
    /* One octet more: it may be a stuffed dot. */
    note_lines(scan, bytes.p, at, SMTP_TEXT_LINE_MAX + 1);
    note_last(scan, p, at);
    return at;
}

void smtp_data_scan_chunk(struct smtp_data_scan *scan, struct str bytes,
                          const struct smtp_data_sink *sink)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    for (size_t at = 0; (at = next_odd(scan, p, at, bytes.n)) < bytes.n; at++)
        note_odd(scan, p[at], at > 0 ? p[at - 1] : scan->last);
    pass_on(sink, p, 0, bytes.n);
    note_lines(scan, bytes.p, bytes.n, SMTP_TEXT_LINE_MAX);
    note_last(scan, p, bytes.n);
}
