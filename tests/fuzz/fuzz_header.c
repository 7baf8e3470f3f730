/* Header values of any bytes: refused, or written as one well-formed field within the
 * room that was asked for. An address list that was read and written is read again. */
#include "core/base/err.h"
#include "core/mail/address_list.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One field: folds are followed by a blank, no line is blank, the limits hold. */
static void check_field(const char *begin, const char *end, bool is_ascii)
{
    size_t column = 0;
    bool has_text = false;
    CHECK(end - begin >= 2 && end[-2] == '\r' && end[-1] == '\n');
    for (const char *p = begin; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        CHECK(c != '\0' && (c < 0x80 || !is_ascii));
        if (c == '\r') {
            CHECK(p[1] == '\n' && has_text);
            CHECK(p + 2 == end || p[2] == ' ');
            column = 0;
            has_text = false;
            p++;
        } else {
            CHECK(c != '\n' && ++column <= HEADER_LINE_MAX);
            has_text |= c != ' ' && c != '\t';
        }
    }
}

static void check_kind(struct str value, int kind)
{
    size_t room = HEADER_BYTES_MAX(value.n + 4);
    char *wire = malloc(room);
    struct header_writer writer = {.to = wire};
    CHECK(wire != NULL);
    header_begin(&writer, STR("Name"));
    switch (kind) {
    case 0: header_text(&writer, value, 75); break;
    case 1: header_text(&writer, value, 900); break;
    case 2: header_structured(&writer, value); break;
    case 3: header_phrase(&writer, value); break;
    default: header_parameter(&writer, STR("filename"), value); break;
    }
    header_end(&writer);
    CHECK((size_t)(writer.to - wire) <= room);
    check_field(wire, writer.to, true);
    free(wire);
}

static void check_list(struct str value)
{
    struct arena arena;
    struct address_list list, again;
    arena_init(&arena, 1 << 24);
    if (address_list_parse(value, &arena, &list) == NULL) {
        char *wire = malloc(address_list_bytes(&list) + 64);
        struct header_writer writer = {.to = wire};
        CHECK(wire != NULL);
        header_begin(&writer, STR("From"));
        address_list_write(&list, &writer);
        CHECK((size_t)(writer.to - wire) <= address_list_bytes(&list) + 5);
        const char *end = writer.to;
        header_end(&writer);
        check_field(wire, writer.to, !list.needs_smtputf8);
        /* Unfolded, as a reader would. */
        char *flat = arena_alloc(&arena, (size_t)(end - wire));
        size_t n = 0;
        CHECK(flat != NULL);
        for (const char *p = wire + 5; p < end; p++)
            if (*p != '\r' && *p != '\n')
                flat[n++] = *p;
        /* Written out it may be longer than what is read. */
        if (n <= HEADER_VALUE_MAX) {
            CHECK(address_list_parse(str_slice(flat, n), &arena, &again) == NULL);
            CHECK(again.mailbox_count == list.mailbox_count);
        }
        free(wire);
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str value = str_slice((const char *)data, size);
    (void)header_name_check(value);
    check_list(value);
    if (header_value_check(value) != NULL)
        return 0;
    for (int kind = 0; kind < 5; kind++)
        if ((kind != 2 || header_structured_check(value) == NULL) &&
            (kind != 4 || (size > 0 && size <= 255)))
            check_kind(value, kind);
    return 0;
}
