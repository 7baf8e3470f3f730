/* cmd/csv_in.h: small CSV files of our own. */
#include "cmd/csv_in.h"

#include "tests/unit/cmocka_all.h"

/* Reads `text` and writes each record as "line:field|field;", errors as "!line;". */
static void check(const char *text, size_t bytes, const char *want)
{
    FILE *from = tmpfile();
    struct csv_in csv;
    struct buf got;
    enum err err;
    buf_init(&got, 10000);
    (void)fwrite(text, 1, bytes, from);
    rewind(from);
    csv_in_init(&csv, from);
    while ((err = csv_in_next(&csv)) != ERR_CLOSED) {
        buf_printf(&got, err == ERR_NONE ? "%lu:" : "!%lu", csv.line);
        for (size_t i = 0; err == ERR_NONE && i < csv.field_count; i++) {
            if (i > 0)
                buf_append_char(&got, '|');
            buf_append(&got, csv_in_field(&csv, i));
        }
        buf_append_char(&got, ';');
    }
    assert_string_equal(buf_c_string(&got), want);
    csv_in_fini(&csv);
    buf_fini(&got);
    (void)fclose(from);
}

#define CHECK_CSV(text, want) check("" text, sizeof(text) - 1, want)

static void csv_in__records_follow_rfc_4180(void **state)
{
    (void)state;
    CHECK_CSV("", "");
    CHECK_CSV("\n\r\n\n", "");
    CHECK_CSV("a", "1:a;");
    CHECK_CSV("a\nb\n", "1:a;2:b;");
    CHECK_CSV("a\r\nb\r\n", "1:a;2:b;");
    CHECK_CSV("a,b\n,\n", "1:a|b;2:|;");
    CHECK_CSV("\"a,b\",c\n", "1:a,b|c;");
    CHECK_CSV("\"say \"\"hi\"\"\"\n", "1:say \"hi\";");
    CHECK_CSV("\"two\nlines\"\nx\n", "1:two\nlines;3:x;");
    CHECK_CSV("\"\"\n", "");
    CHECK_CSV("\"\",x\r\n", "1:|x;");
    CHECK_CSV("\"a\"\r\n\"b\"", "1:a;2:b;");
    CHECK_CSV("\xef\xbb\xbf"
              "a\n",
              "1:a;");
}

static void csv_in__bad_records_are_told_and_passed_over(void **state)
{
    (void)state;
    CHECK_CSV("a\n\"b\"c\nd\n", "1:a;!2;3:d;");
    CHECK_CSV("a\n\"never ends\nb\n", "1:a;!2;");
}

static void csv_in__too_many_fields_and_too_long_are_limits(void **state)
{
    (void)state;
    char text[CSV_IN_BYTES_MAX + 100];
    size_t n = 0;
    while (n < CSV_IN_FIELDS_MAX)
        text[n++] = ',';
    text[n++] = '\n';
    text[n++] = 'a';
    check(text, n, "!1;2:a;");
    memset(text, 'x', sizeof text);
    text[CSV_IN_BYTES_MAX + 1] = '\n';
    check(text, CSV_IN_BYTES_MAX + 3, "!1;2:x;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_in__records_follow_rfc_4180),
        cmocka_unit_test(csv_in__bad_records_are_told_and_passed_over),
        cmocka_unit_test(csv_in__too_many_fields_and_too_long_are_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
