#include "storage/record.h"

static void append_varint(struct buf *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buf_append_char(to, (char)(value | 0x80));
    buf_append_char(to, (char)value);
}

/* The varint at *at, which moves behind it; false at the end or beyond 35 bits. */
static bool read_varint(struct str from, size_t *at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 35 && *at < from.n; shift += 7) {
        unsigned char byte = (unsigned char)from.p[(*at)++];
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

void record_append(struct buf *record, struct str value)
{
    append_varint(record, str_is_null(value) ? 0 : (uint64_t)value.n + 1);
    buf_append(record, value);
}

bool record_read(struct str record, struct str *values, size_t count)
{
    size_t at = 0, column = 0;
    while (at < record.n && column < count) {
        uint64_t length;
        if (!read_varint(record, &at, &length))
            return false;
        if (length == 0) {
            values[column++] = STR_NULL;
            continue;
        }
        if (length - 1 > record.n - at)
            return false;
        values[column++] = str_slice(record.p + at, (size_t)length - 1);
        at += (size_t)length - 1;
    }
    while (column < count)
        values[column++] = STR_NULL;
    return true;
}
