#include "core/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST_BYTES 128

void buf_init(struct buf *buf, size_t max_bytes)
{
    *buf = (struct buf){.max = max_bytes};
}

void buf_fini(struct buf *buf)
{
    free(buf->p);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
    buf->n = 0;
    buf->failed = ERR_NONE;
}

/* To at least `need` bytes, which is at most max. One byte more than cap is always
 * there, so that a NUL needs no room of its own. */
static bool buf_grow(struct buf *buf, size_t need)
{
    size_t cap = buf->cap > BUF_FIRST_BYTES / 2 ? buf->cap : BUF_FIRST_BYTES / 2;
    do {
        cap = cap <= buf->max / 2 ? cap * 2 : buf->max;
    } while (cap < need);
    char *p = cap < SIZE_MAX ? realloc(buf->p, cap + 1) : NULL;
    if (p == NULL) {
        buf->failed = ERR_MEMORY;
        return false;
    }
    buf->p = p;
    buf->cap = cap;
    return true;
}

char *buf_reserve(struct buf *buf, size_t extra)
{
    if (buf->failed != ERR_NONE)
        return NULL;
    if (extra > buf->max || buf->n > buf->max - extra) {
        buf->failed = ERR_LIMIT;
        return NULL;
    }
    if ((buf->p == NULL || buf->cap - buf->n < extra) && !buf_grow(buf, buf->n + extra))
        return NULL;
    return buf->p + buf->n;
}

void buf_append(struct buf *buf, struct str s)
{
    char *to = buf_reserve(buf, s.n);
    if (to == NULL || s.n == 0)
        return;
    memcpy(to, s.p, s.n);
    buf->n += s.n;
}

void buf_append_char(struct buf *buf, char c)
{
    buf_append(buf, str_slice(&c, 1));
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
    char digits[STR_U64_MAX];
    buf_append(buf, str_of_u64(value, digits));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    /* Longer than an int can say is beyond any limit. */
    if (length < 0 && buf->failed == ERR_NONE)
        buf->failed = ERR_LIMIT;
    char *to = length < 0 ? NULL : buf_reserve(buf, (size_t)length);
    if (to != NULL) {
        vsnprintf(to, (size_t)length + 1, format, again);
        buf->n += (size_t)length;
    }
    va_end(again);
    va_end(args);
}

void buf_consume(struct buf *buf, size_t count)
{
    if (count >= buf->n) {
        buf->n = 0;
        return;
    }
    buf->n -= count;
    memmove(buf->p, buf->p + count, buf->n);
}

const char *buf_c_string(struct buf *buf)
{
    char *to = buf_reserve(buf, 0);
    if (to == NULL)
        return NULL;
    *to = '\0';
    return buf->p;
}
