/*
 * json_out.c - jansson refuses strings that are not UTF-8, so they are mended first
 */
#include "cmd/json_out.h"

#include "core/base/buf.h"

static void append_mended(struct buf *to, struct str s)
{
    while (s.n > 0) {
        size_t n = str_utf8_length(s);
        buf_append(to, n > 0 ? str_head(s, n) : STR("\xEF\xBF\xBD"));
        s = str_from(s, n > 0 ? n : 1);
    }
}

json_t *json_out_str(struct str s)
{
    if (str_is_null(s))
        return json_null();
    json_t *value = json_stringn(s.p, s.n);
    if (value == NULL) {
        struct buf mended;
        buf_init(&mended, s.n * 3 + 1);
        append_mended(&mended, s);
        CHECK(mended.failed == ERR_NONE);
        value = json_stringn(buf_str(&mended).p, mended.n);
        buf_fini(&mended);
    }
    CHECK(value != NULL);
    return value;
}

static void dump(FILE *to, json_t *value, size_t flags)
{
    CHECK(value != NULL);
    (void)json_dumpf(value, to, flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
    (void)fputc('\n', to);
    json_decref(value);
}

void json_out_line(FILE *to, json_t *value)
{
    dump(to, value, JSON_COMPACT);
}

void json_out_document(FILE *to, json_t *value)
{
    dump(to, value, JSON_INDENT(2));
}
