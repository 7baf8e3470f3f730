/*
 * buf.h - a byte buffer with a maximum and a sticky error
 *
 * Append freely, ask once: after the first append that does not fit or finds no
 * memory, `failed` says why and every later append does nothing.
 *
 * Owns:    its bytes (heap), from buf_init to buf_fini.
 * Thread:  one at a time.
 * Errors:  sticky: ERR_LIMIT (beyond max) or ERR_MEMORY.
 * Limits:  `max` bytes of content, given at init; never grows beyond (a byte more for
 *          the NUL of buf_c_string).
 * Source:  curl's dynbuf, git's strbuf.
 */
#ifndef BROADSIDE_BASE_BUF_H
#define BROADSIDE_BASE_BUF_H

#include "core/base/err.h"
#include "core/base/str.h"

struct buf {
    char *p;
    size_t n, cap, max;
    enum err failed;
};

/* Allocates nothing yet. */
void buf_init(struct buf *buf, size_t max_bytes);
void buf_fini(struct buf *buf);
/* Empties it and forgets the error; keeps the memory. */
void buf_clear(struct buf *buf);
/* Room for `extra` more bytes beyond n: a pointer to write to, or NULL (failed is
 * set). The caller adds what it wrote to n. */
char *buf_reserve(struct buf *buf, size_t extra);
void buf_append(struct buf *buf, struct str s);
void buf_append_char(struct buf *buf, char c);
void buf_append_u64(struct buf *buf, uint64_t value);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* Drops the first `count` bytes. */
void buf_consume(struct buf *buf, size_t count);
/* A terminating NUL behind the content (not counted in n): the content as a C
 * string, or NULL on a sticky error. */
const char *buf_c_string(struct buf *buf);

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->p != NULL ? buf->p : "", buf->n};
}

#endif
