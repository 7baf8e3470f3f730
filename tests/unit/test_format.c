/* cmd/format_csv.h and cmd/format_table.h: what people and spreadsheets read. */
#include "cmd/format_csv.h"
#include "cmd/format_table.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

/* What was written to `to` (a tmpfile), which is closed. In a buffer of the next
 * call's. */
static const char *written(FILE *to)
{
    static char text[100000];
    rewind(to);
    size_t n = fread(text, 1, sizeof text - 1, to);
    text[n] = '\0';
    (void)fclose(to);
    return text;
}

static void csv_row__quotes_what_has_to_be(void **state)
{
    static const struct {
        const char *cell, *want;
    } cases[] = {
        {"plain", "plain,x\n"},   {"", ",x\n"},
        {"a,b", "\"a,b\",x\n"},   {"say \"hi\"", "\"say \"\"hi\"\"\",x\n"},
        {"\"", "\"\"\"\",x\n"},   {"two\nlines", "\"two\nlines\",x\n"},
        {"cr\r", "\"cr\r\",x\n"}, {" padded", "\" padded\",x\n"},
        {"=1+1", "=1+1,x\n"},     {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f,x\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        FILE *to = tmpfile();
        const struct str row[] = {str_of(cases[i].cell), STR("x")};
        csv_row(to, row, 2);
        assert_string_equal(written(to), cases[i].want);
    }
}

static void csv_row_neutral__disarms_formulas(void **state)
{
    static const struct {
        const char *cell, *want;
    } cases[] = {
        {"=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1\n"},
        {"+4912345", "'+4912345\n"},
        {"-1", "'-1\n"},
        {"@SUM(A1)", "'@SUM(A1)\n"},
        {"\t=1", "\"'\t=1\"\n"},
        {"=\"a\",b", "\"'=\"\"a\"\",b\"\n"},
        {"\n=1", "\"'\n=1\"\n"},
        {"a=b", "a=b\n"},
        {"ok@example.org", "ok@example.org\n"},
        {"", "\"\"\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        FILE *to = tmpfile();
        const struct str row[] = {str_of(cases[i].cell)};
        csv_row_neutral(to, row, 1);
        assert_string_equal(written(to), cases[i].want);
    }
}

static void csv_row__absent_cell_is_empty(void **state)
{
    (void)state;
    FILE *to = tmpfile();
    const struct str row[] = {STR_NULL, STR_NULL};
    csv_row(to, row, 2);
    assert_string_equal(written(to), ",\n");
}

static const struct table_column columns[] = {{"name", false}, {"count", true}};

static void table__aligns_and_counts_characters(void **state)
{
    (void)state;
    struct table table;
    FILE *to = tmpfile();
    table_init(&table, to, columns, 2);
    table_cell(&table, STR("M\xc3\xbcller"));
    table_cell_u64(&table, 7);
    table_cell(&table, STR("ab"));
    table_cell_u64(&table, 1234567);
    table_fini(&table);
    assert_string_equal(written(to), "name      count\n"
                                     "M\xc3\xbcller        7\n"
                                     "ab      1234567\n");
}

static void table__without_rows_has_a_header(void **state)
{
    (void)state;
    struct table table;
    FILE *to = tmpfile();
    table_init(&table, to, columns, 2);
    table_fini(&table);
    assert_string_equal(written(to), "name  count\n");
}

static void table__shows_no_control_bytes(void **state)
{
    (void)state;
    struct table table;
    FILE *to = tmpfile();
    table_init(&table, to, columns, 2);
    table_cell(&table, STR("\x1b[2J\n"));
    table_cell(&table, STR_NULL);
    table_fini(&table);
    assert_string_equal(written(to), "name         count\n\\x1b[2J\\x0a       \n");
}

static void table__many_rows_come_out_in_order(void **state)
{
    (void)state;
    struct table table;
    FILE *to = tmpfile();
    table_init(&table, to, columns, 2);
    for (uint64_t i = 0; i < 3 * TABLE_ROWS + 1; i++) {
        table_cell(&table, STR("row"));
        table_cell_u64(&table, i);
    }
    table_fini(&table);
    struct str rest = str_of(written(to)), line;
    line = str_split(rest, '\n', &rest);
    assert_true(str_equal(line, STR("name  count")));
    for (uint64_t i = 0; i < 3 * TABLE_ROWS + 1; i++) {
        char want[40];
        (void)snprintf(want, sizeof want, "row   %5llu", (unsigned long long)i);
        line = str_split(rest, '\n', &rest);
        assert_true(str_equal(line, str_of(want)));
    }
    assert_int_equal(rest.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_row__quotes_what_has_to_be),
        cmocka_unit_test(csv_row_neutral__disarms_formulas),
        cmocka_unit_test(csv_row__absent_cell_is_empty),
        cmocka_unit_test(table__aligns_and_counts_characters),
        cmocka_unit_test(table__without_rows_has_a_header),
        cmocka_unit_test(table__shows_no_control_bytes),
        cmocka_unit_test(table__many_rows_come_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
