#include "store_fixture.h"

#include "core/base/buf.h"
#include "storage/csv_delimiter.h"
#include "storage/csv_rows.h"

#include <jansson.h>

struct reader {
    struct csv_source *source;
    struct csv_rows *rows;
    struct error error;
};

static void open_text(struct fixture *f, struct reader *reader, struct str text,
                      char delimiter)
{
    fixture_write(f, text);
    *reader = (struct reader){0};
    assert_err_none(reader, csv_source_open(f->csv, "in.csv", NULL, &reader->source,
                                            &reader->error));
    assert_err_none(reader, csv_rows_open(reader->source, "in.csv", delimiter,
                                          &reader->rows, &reader->error));
}

static void close_reader(struct reader *reader)
{
    csv_rows_close(reader->rows);
    csv_source_close(reader->source);
}

/* "LINE:a|b|!trouble;" for each row, "error" at the end if it came to that. */
static const char *rows_of(struct fixture *f, struct str text)
{
    static char out[4096];
    struct buf buf;
    struct reader reader;
    struct csv_row row;
    buf_init(&buf, sizeof out - 1);
    open_text(f, &reader, text, ',');
    enum err err;
    while ((err = csv_rows_next(reader.rows, &row, &reader.error)) == ERR_NONE) {
        buf_printf(&buf, "%llu:", (unsigned long long)row.line);
        for (size_t i = 0; i < row.count; i++) {
            buf_append(&buf, row.fields[i]);
            buf_append_char(&buf, '|');
        }
        buf_append(&buf, row.trouble != NULL ? STR("!;") : STR(";"));
    }
    if (err != ERR_NOT_FOUND)
        buf_printf(&buf, "error %s", reader.error.text);
    snprintf(out, sizeof out, "%s", buf_c_string(&buf));
    buf_fini(&buf);
    close_reader(&reader);
    return out;
}

static void csv_rows__lines_and_fields(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", ""},
        {"\n\r\n\r", ""},
        {"a", "1:a|;"},
        {"a,b\n", "1:a|b|;"},
        {",\n", "1:||;"},
        {"a,\nb,", "1:a||;2:b||;"},
        {"\"\"\n", "1:|;"},
        {"\"a\"", "1:a|;"},
        {"\"a\"\"b\",c\r\nd,e\re,f\n\ng", "1:a\"b|c|;2:d|e|;3:e|f|;5:g|;"},
        {"\"a\nb\rc\r\nd\",x\ny\n", "1:a\nb\rc\r\nd|x|;5:y|;"},
        {" a , \" b\"\nx\n", "1: a | \" b\"|!;2:x|;"},
        {"\"a\" ,b\nx\n", "1:\"a\" |b|!;2:x|;"},
        {"a\"b\nx\n", "1:a\"b|!;2:x|;"},
        {"a,\"b\"c", "1:a|\"b\"c|!;"},
        {"a,b\"c", "1:a|b\"c|!;"},
        {"a,\"b\nc,d\n", "error import: in.csv:1: "},
        {"a\nb,\"\n\n\"c\n", "1:a|;2:b|\"\n\n\"c|!;"},
        {"a,\"\n\",\"\nx\n", "error import: in.csv:2: "},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *got = rows_of(f, str_of(cases[i].in));
        if (strncmp(got, cases[i].want, strlen(cases[i].want)) != 0 ||
            (cases[i].want[0] != 'e' && strcmp(got, cases[i].want) != 0))
            fail_msg("%s: got %s, want %s", cases[i].in, got, cases[i].want);
    }
}

/* Lines that fall on the edge of the buffer. */
static void csv_rows__any_length_of_line(void **state)
{
    struct fixture *f = *state;
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    for (size_t n = CSV_SOURCE_BYTES - 4; n <= CSV_SOURCE_BYTES + 4; n++)
        for (size_t e = 0; e < COUNT_OF(ends); e++) {
            struct buf text;
            buf_init(&text, 4 << 20);
            memset(buf_reserve(&text, n), 'x', n);
            text.n = n;
            buf_append(&text, str_of(ends[e]));
            buf_append(&text, STR("a,b\n\"c\"\n"));
            struct reader reader;
            struct csv_row row;
            open_text(f, &reader, buf_str(&text), ',');
            assert_err_none(&reader, csv_rows_next(reader.rows, &row, &reader.error));
            assert_int_equal(row.fields[0].n, n);
            assert_int_equal(row.count, 1);
            assert_err_none(&reader, csv_rows_next(reader.rows, &row, &reader.error));
            assert_int_equal(row.line, 2);
            assert_int_equal(row.count, 2);
            assert_err_none(&reader, csv_rows_next(reader.rows, &row, &reader.error));
            assert_int_equal(row.line, 3);
            assert_int_equal(csv_rows_next(reader.rows, &row, &reader.error),
                             ERR_NOT_FOUND);
            close_reader(&reader);
            buf_fini(&text);
        }
}

static void csv_rows__delimiters(void **state)
{
    (void)state;
    assert_int_equal(csv_delimiter_detect(STR(""), STR_NULL), ',');
    assert_int_equal(csv_delimiter_detect(STR("a;b,c;d\n,,,,"), STR_NULL), ';');
    assert_int_equal(csv_delimiter_detect(STR("\n\na\tb"), STR_NULL), '\t');
    assert_int_equal(csv_delimiter_detect(STR("\"a,b,c\"|d"), STR_NULL), '|');
    assert_int_equal(csv_delimiter_detect(STR("a,b;c"), STR_NULL), ',');
    /* The column with the addresses decides between them. */
    assert_int_equal(csv_delimiter_detect(STR("email;Name, First"), STR_NULL), ';');
    assert_int_equal(csv_delimiter_detect(STR("Last, First, M|\"E-Mail\""), STR_NULL),
                     '|');
    assert_int_equal(csv_delimiter_detect(STR("a, b;to"), STR("To")), ';');
    assert_int_equal(csv_delimiter_detect(STR("\"a;b;email\",email\n"), STR_NULL), ',');
}

/* ---- public test data ---------------------------------------------------------- */

static void expect_record(const char *id, const struct csv_row *header,
                          const struct csv_row *row, json_t *record)
{
    assert_int_equal(json_object_size(record), row->count);
    for (size_t i = 0; i < row->count; i++) {
        json_t *want =
            json_object_getn(record, header->fields[i].p, header->fields[i].n);
        if (!json_is_string(want) ||
            !str_equal(row->fields[i],
                       str_slice(json_string_value(want), json_string_length(want))))
            fail_msg("%s: line %llu field %zu", id, (unsigned long long)row->line, i);
    }
}

static void expect_case(struct fixture *f, json_t *test)
{
    const char *id = json_string_value(json_object_get(test, "id"));
    json_t *csv = json_object_get(test, "csv");
    json_t *records = json_object_get(test, "records");
    struct reader reader;
    struct csv_row row, header = {0};
    struct str names[16];
    open_text(f, &reader, str_slice(json_string_value(csv), json_string_length(csv)),
              ',');
    assert_err_none(&reader, csv_rows_next(reader.rows, &row, &reader.error));
    header.count = row.count;
    header.fields = names;
    for (size_t i = 0; i < row.count && i < COUNT_OF(names); i++)
        names[i] = arena_copy(&f->arena, row.fields[i]);
    size_t n = 0;
    while (csv_rows_next(reader.rows, &row, &reader.error) == ERR_NONE)
        expect_record(id, &header, &row, json_array_get(records, n++));
    assert_int_equal(n, json_array_size(records));
    close_reader(&reader);
}

static void csv_rows__csv_spectrum(void **state)
{
    struct fixture *f = *state;
    FILE *file = fopen(SOURCE_ROOT "/../shared/conformance/csv-spectrum.jsonl", "r");
    if (file == NULL) {
        print_message("no ../shared/conformance/csv-spectrum.jsonl: skipped\n");
        skip();
        return;
    }
    static char line[65536];
    size_t n = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        json_t *test = json_loads(line, 0, NULL);
        assert_non_null(test);
        /* One case's records are not those of its file (another telephone number). */
        if (json_is_array(json_object_get(test, "records"))) {
            expect_case(f, test);
            n++;
        }
        json_decref(test);
    }
    fclose(file);
    assert_true(n >= 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(csv_rows__lines_and_fields),
        fixture_test(csv_rows__any_length_of_line),
        cmocka_unit_test(csv_rows__delimiters),
        fixture_test(csv_rows__csv_spectrum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
