#include "store_fixture.h"

#include "core/base/buf.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

/* ---- reading what is there ----------------------------------------------------- */

/* "address|column=value|...;" for every recipient, in order. */
static const char *contents(struct fixture *f)
{
    static char text[8192];
    struct recipient_list list = fixture_list(f);
    struct buf out;
    buf_init(&out, sizeof text - 1);
    struct recipient_walk *walk;
    assert_err_none(f, recipient_walk_open(f->store, list.id, 0, &walk, &f->error));
    struct recipient_row row;
    while (recipient_walk_next(walk, &row)) {
        struct str values[16];
        assert_true(list.column_count <= 16);
        assert_true(record_read(row.record, values, list.column_count));
        buf_append(&out, row.address);
        for (size_t i = 0; i < list.column_count; i++) {
            buf_append_char(&out, '|');
            buf_append(&out, str_is_null(values[i]) ? STR("-") : values[i]);
        }
        buf_append_char(&out, ';');
    }
    assert_err_none(f, recipient_walk_close(walk, &f->error));
    snprintf(text, sizeof text, "%s", buf_c_string(&out));
    buf_fini(&out);
    return text;
}

static const char *slurp(const char *path)
{
    static char text[8192];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void expect(struct import_counts counts, uint64_t rows, uint64_t imported,
                   uint64_t updated, uint64_t duplicates, uint64_t rejected)
{
    assert_int_equal(counts.rows, rows);
    assert_int_equal(counts.imported, imported);
    assert_int_equal(counts.updated, updated);
    assert_int_equal(counts.duplicates, duplicates);
    assert_int_equal(counts.rejected, rejected);
    assert_int_equal(counts.rows, counts.imported + counts.updated + counts.duplicates +
                                      counts.rejected);
}

static void expect_failure(struct fixture *f, struct str text, enum err err,
                           const char *says)
{
    struct import_options options = fixture_options(f);
    struct import_counts counts;
    fixture_write(f, text);
    assert_int_equal(import_run(f->store, &options, &counts, &f->error), err);
    if (strstr(f->error.text, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->error.text, says);
}

/* ---- good files ---------------------------------------------------------------- */

static void importer__good_rows_are_stored_in_order(void **state)
{
    struct fixture *f = *state;
    expect(fixture_import(f, "email,name\nb@Example.ORG,Bea\na@example.org,\n"), 2, 2,
           0, 0, 0);
    assert_string_equal(contents(f), "b@example.org|b@Example.ORG|Bea;"
                                     "a@example.org|a@example.org|;");
    assert_null(slurp(f->rejects));
    assert_int_equal(fixture_list(f).recipient_count, 2);
}

static void importer__any_line_end_and_none_at_the_end(void **state)
{
    struct fixture *f = *state;
    expect(fixture_import(f, "email,name\r\na@x.org,A\rb@x.org,B\n\n\r\nc@x.org,C"), 3,
           3, 0, 0, 0);
    assert_string_equal(contents(f),
                        "a@x.org|a@x.org|A;b@x.org|b@x.org|B;c@x.org|c@x.org|C;");
}

static void importer__quotes_newlines_and_spaces_are_kept(void **state)
{
    struct fixture *f = *state;
    fixture_import(f, "email,name\n\"a@x.org\",\"A \"\"x\"\",\r\n y \"\nb@x.org, B \n");
    assert_string_equal(contents(f), "a@x.org|a@x.org|A \"x\",\r\n y ;"
                                     "b@x.org|b@x.org| B ;");
}

static void importer__delimiters_are_detected(void **state)
{
    struct fixture *f = *state;
    fixture_import(f, "\"e,mail,x\";email\n\"1;2\";a@x.org\n");
    fixture_import(f, "email\tname\nb@x.org\tB,;|\n");
    assert_string_equal(contents(f), "a@x.org|1;2|a@x.org|-;b@x.org|-|b@x.org|B,;|;");
}

static void importer__encodings_are_converted(void **state)
{
    struct fixture *f = *state;
    struct import_options options = fixture_options(f);
    options.encoding = "ISO-8859-1";
    fixture_import_with(f, STR("email,n\na@x.org,J\xfcrgen\n"), options);
    options.encoding = "UTF-16";
    fixture_import_with(f,
                        STR("\xff\xfe"
                            "e\0m\0a\0i\0l\0,\0n\0\n\0b\0@\0x\0.\0o\0r\0g\0,\0\xe4\0"),
                        options);
    options.encoding = NULL;
    fixture_import_with(f,
                        STR("\xef\xbb\xbf"
                            "email,n\nc@x.org,C\n"),
                        options);
    assert_string_equal(contents(f), "a@x.org|a@x.org|J\xc3\xbcrgen;"
                                     "b@x.org|b@x.org|\xc3\xa4;c@x.org|c@x.org|C;");
}

static void importer__header_alone_makes_an_empty_list(void **state)
{
    struct fixture *f = *state;
    expect(fixture_import(f, "email,name\n"), 0, 0, 0, 0, 0);
    assert_int_equal(fixture_list(f).recipient_count, 0);
}

static void *write_fifo(void *path)
{
    FILE *file = fopen(path, "w");
    fputs("email\na@x.org\n", file);
    fclose(file);
    return NULL;
}

static void importer__a_pipe_is_read(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    assert_int_equal(mkfifo(f->csv, 0600), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_fifo, f->csv), 0);
    struct import_options options = fixture_options(f);
    struct import_counts counts;
    assert_err_none(f, import_run(f->store, &options, &counts, &f->error));
    pthread_join(thread, NULL);
    expect(counts, 1, 1, 0, 0, 0);
}

/* ---- bad rows ------------------------------------------------------------------ */

static void importer__bad_rows_cost_nobody_else(void **state)
{
    struct fixture *f = *state;
    struct str text = STR("email,name\n"            /* 1 */
                          "good@x.org,Good\n"       /* 2 */
                          "no at sign,\"Bad, 1\"\n" /* 3 */
                          "\"t@x.org\",\"a\nb\"\n"  /* 4, 5 */
                          ",Empty\n"                /* 6 */
                          "\n"                      /* 7 */
                          "x@x.org\n"               /* 8 */
                          "y@x.org,a,\"b\"\"\"\n"   /* 9 */
                          "q@x.org,5\" pipe\n"      /* 10 */
                          "r@x.org,\"a\"b\n"        /* 11 */
                          "n@x.org,a\0b\n"          /* 12 */
                          "u@x.org,\xff\n"          /* 13 */
                          "e@x.org,\x1b[2J\n"       /* 14 */
                          "last@x.org,Last");       /* 15 */
    expect(fixture_import_with(f, text, fixture_options(f)), 12, 3, 0, 0, 9);
    assert_string_equal(contents(f), "good@x.org|good@x.org|Good;t@x.org|t@x.org|a\nb;"
                                     "last@x.org|last@x.org|Last;");
    static const char *const lines[] = {
        "email,name,line,reason\n",
        "no at sign,\"Bad, 1\",3,",
        "\n,Empty,6,",
        "\nx@x.org,,8,too few fields\n",
        "\ny@x.org,a,9,\"too many fields; left over: b\"\"\"\n",
        "\nq@x.org,\"5\"\" pipe\",10,quotation mark in the wrong place\n",
        "\nr@x.org,",
        ",11,quotation mark in the wrong place\n",
        "n@x.org,a",
        "u@x.org,\xff,13,",
        ",14,control character in the row\n",
    };
    /* The NUL of line 12 would end the text. */
    static char rejects[4096];
    FILE *file = fopen(f->rejects, "r");
    size_t n = fread(rejects, 1, sizeof rejects - 1, file);
    fclose(file);
    for (size_t i = 0; i < n; i++)
        if (rejects[i] == '\0')
            rejects[i] = '0';
    rejects[n] = '\0';
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        if (strstr(rejects, lines[i]) == NULL)
            fail_msg("no \"%s\" in:\n%s", lines[i], rejects);
}

static void importer__corrected_rejects_import_again(void **state)
{
    struct fixture *f = *state;
    fixture_import(f, "email;name\nbroken;\"A;da\"\nb@x.org;Bob\n");
    assert_string_equal(slurp(f->rejects),
                        "email;name;line;reason\nbroken;\"A;da\";2;no @ sign\n");
    expect(fixture_import(f, "email;name;line;reason\na@x.org;\"A;da\";2;no @ sign\n"),
           1, 1, 0, 0, 0);
    assert_string_equal(contents(f), "b@x.org|b@x.org|Bob;a@x.org|a@x.org|A;da;");
}

static void importer__columns_named_line_get_other_reject_columns(void **state)
{
    struct fixture *f = *state;
    fixture_import(f, "email,line\nbroken,7\n");
    assert_string_equal(slurp(f->rejects), "email,line,reject_line,reject_reason\n"
                                           "broken,7,2,no @ sign\n");
    expect(fixture_import(f, "email,line,reject_line,reject_reason\na@x.org,7,2,x\n"),
           1, 1, 0, 0, 0);
    assert_string_equal(contents(f), "a@x.org|a@x.org|7;");
}

static void importer__a_huge_field_is_one_bad_row(void **state)
{
    struct fixture *f = *state;
    static const struct {
        size_t bytes;
        const char *before, *after;
        bool is_good;
    } cases[] = {
        {IMPORT_FIELD_MAX, "", "", true},
        {IMPORT_FIELD_MAX + 1, "", "", false},
        {IMPORT_FIELD_MAX, "\"", "\"", true},
        {IMPORT_FIELD_MAX + 1, "\"", "\"", false},
        {5 * IMPORT_FIELD_MAX, "\"", "\"", false},
        {5 * IMPORT_FIELD_MAX, "", "", false},
        {5 * IMPORT_FIELD_MAX, "\"\n", "\"", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf text;
        buf_init(&text, 16 << 20);
        buf_append(&text, STR("email,name\na@x.org,"));
        buf_append(&text, str_of(cases[i].before));
        memset(buf_reserve(&text, cases[i].bytes), 'x', cases[i].bytes);
        text.n += cases[i].bytes;
        buf_append(&text, str_of(cases[i].after));
        buf_append(&text, STR("\nb@x.org,B\n"));
        struct import_options options = fixture_options(f);
        options.dry_run = true;
        struct import_counts counts = fixture_import_with(f, buf_str(&text), options);
        assert_int_equal(counts.rows, 2);
        assert_int_equal(counts.imported, cases[i].is_good ? 2 : 1);
        buf_fini(&text);
    }
}

static void importer__too_many_columns_or_bytes_are_one_bad_row(void **state)
{
    struct fixture *f = *state;
    struct buf text;
    buf_init(&text, 64 << 20);
    buf_append(&text, STR("email,a,b,c,d,e,f\nx@x.org"));
    for (size_t i = 0; i < 1000000; i++)
        buf_append_char(&text, ',');
    buf_append(&text, STR("\ny@x.org"));
    for (size_t field = 0; field < 6; field++) {
        buf_append_char(&text, ',');
        memset(buf_reserve(&text, 900000), 'y', 900000);
        text.n += 900000;
    }
    buf_append(&text, STR("\nz@x.org,,,,,,\n"));
    expect(fixture_import_with(f, buf_str(&text), fixture_options(f)), 3, 1, 0, 0, 2);
    buf_fini(&text);
}

/* ---- bad files ----------------------------------------------------------------- */

static void importer__unterminated_quote_stores_nothing(void **state)
{
    struct fixture *f = *state;
    expect_failure(
        f, STR("email,n,m\nbad,,\na@x.org,A,\nb@x.org,\"x\ny\",\"B\nc@x.org,C\n"),
        ERR_DATA, "in.csv:5: ");
    struct recipient_list list;
    assert_int_equal(list_find(f->store, STR("people"), &f->arena, &list, &f->error),
                     ERR_NOT_FOUND);
    assert_null(slurp(f->rejects));
}

static void importer__bad_headers_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        struct str text;
        const char *says;
    } cases[] = {
        {{"", 0}, "in.csv:1: the file is empty"},
        {{"\n\n", 2}, "the file is empty"},
        {{"email,name,name\n", 16}, "in.csv:1: column 3 \"name\""},
        {{"\nemail,,name\n", 13}, "in.csv:2: column 2 \"\""},
        {{"id,name\n1,2\n", 12}, "--email-column"},
        {{"email,\xff\n", 8}, "not valid UTF-8"},
        {{"\xff\xfe"
          "e\0m\0",
          6},
         "--encoding UTF-16"},
        {{"e\0m\0a\0", 6}, "--encoding UTF-16"},
        {{"email,\"na\"me\n", 13}, "in.csv:1: the header: quotation mark"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_failure(f, cases[i].text, ERR_DATA, cases[i].says);
}

/* Cuts the file off, or goes on writing it, at the first row that is read. */
struct meddler {
    const char *path;
    off_t bytes;
};

static void meddle(void *self, const struct str *columns, const struct str *values,
                   size_t count)
{
    (void)columns;
    (void)values;
    (void)count;
    const struct meddler *meddler = self;
    assert_int_equal(truncate(meddler->path, meddler->bytes), 0);
}

static void importer__a_file_that_changes_meanwhile_stores_nothing(void **state)
{
    struct fixture *f = *state;
    struct str text = STR("email\na@x.example\nb@x.example\nnone\n");
    struct import_options options = fixture_options(f);
    struct import_counts counts;
    static const off_t sizes[] = {6, 18, 200};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct meddler meddler = {f->csv, sizes[i]};
        struct recipient_list list;
        fixture_write(f, text);
        options.dump = meddle;
        options.self = &meddler;
        assert_int_equal(import_run(f->store, &options, &counts, &f->error), ERR_DATA);
        assert_non_null(strstr(f->error.text, "in.csv: it was changed"));
        assert_int_equal(
            list_find(f->store, STR("people"), &f->arena, &list, &f->error),
            ERR_NOT_FOUND);
        assert_int_not_equal(access(f->rejects, F_OK), 0);
    }
}

static void importer__missing_input_and_bad_options(void **state)
{
    struct fixture *f = *state;
    struct import_options options = fixture_options(f);
    struct import_counts counts;
    assert_int_equal(import_run(f->store, &options, &counts, &f->error), ERR_NO_INPUT);
    options.path = f->dir;
    assert_int_equal(import_run(f->store, &options, &counts, &f->error), ERR_NO_INPUT);
    fixture_write(f, STR("email\na@x.org\n"));
    options.path = f->csv;
    options.encoding = "no-such-thing";
    assert_int_equal(import_run(f->store, &options, &counts, &f->error), ERR_USAGE);
    options.encoding = NULL;
    options.rejects_path = f->csv;
    assert_int_equal(import_run(f->store, &options, &counts, &f->error), ERR_USAGE);
    options.rejects_path = "/nowhere/at/all.csv";
    fixture_write(f, STR("email\nbad\n"));
    assert_int_not_equal(import_run(f->store, &options, &counts, &f->error), ERR_NONE);
    struct recipient_list list;
    assert_int_equal(list_find(f->store, STR("people"), &f->arena, &list, &f->error),
                     ERR_NOT_FOUND);
}

static void importer__strict_and_dry_run_store_nothing(void **state)
{
    struct fixture *f = *state;
    struct import_options options = fixture_options(f);
    struct import_counts counts;
    options.strict = true;
    fixture_write(f, STR("email\na@x.org\nbad\n"));
    assert_int_equal(import_run(f->store, &options, &counts, &f->error), ERR_DATA);
    assert_non_null(strstr(f->error.text, "in.csv:3: "));
    assert_null(slurp(f->rejects));
    options.strict = false;
    options.dry_run = true;
    expect(fixture_import_with(f, STR("email\na@x.org\nbad\na@x.org\n"), options), 3, 1,
           0, 1, 1);
    struct recipient_list list;
    assert_int_equal(list_find(f->store, STR("people"), &f->arena, &list, &f->error),
                     ERR_NOT_FOUND);
}

/* ---- duplicates ---------------------------------------------------------------- */

static void importer__last_duplicate_wins_or_first(void **state)
{
    struct fixture *f = *state;
    struct str text = STR("email,n\na@x.org,1\nb@x.org,2\na@X.org,3\nA@x.org,4\n");
    expect(fixture_import_with(f, text, fixture_options(f)), 4, 3, 0, 1, 0);
    assert_string_equal(contents(f),
                        "a@x.org|a@X.org|3;b@x.org|b@x.org|2;A@x.org|A@x.org|4;");
    struct import_options options = fixture_options(f);
    options.skip_duplicates = true;
    text = STR("email,n\nc@x.org,5\na@x.org,6\nc@x.org,7\n");
    expect(fixture_import_with(f, text, options), 3, 1, 0, 2, 0);
    assert_string_equal(contents(f), "a@x.org|a@X.org|3;b@x.org|b@x.org|2;"
                                     "A@x.org|A@x.org|4;c@x.org|c@x.org|5;");
}

static void importer__update_keeps_columns_that_the_file_has_not(void **state)
{
    struct fixture *f = *state;
    fixture_import(f, "email,a,b\nx@x.org,1,2\ny@x.org,3,4\n");
    expect(fixture_import(f, "c,Mail,b\n9,x@x.org,8\n7,z@x.org,6\n5,x@x.org,4\n"), 3, 1,
           1, 1, 0);
    assert_string_equal(contents(f), "x@x.org|x@x.org|1|4|5;y@x.org|y@x.org|3|4|-;"
                                     "z@x.org|z@x.org|-|6|7;");
}

static void importer__small_batches_give_the_same(void **state)
{
    struct fixture *f = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_append(&text, STR("email,n\n"));
    for (int i = 0; i < 3000; i++)
        buf_printf(&text, "u%d@d%d.org,%d\n", i % 1000, i % 7, i);
    uint64_t imported = 0, duplicates = 0;
    for (size_t rows = 1; rows <= 4096; rows *= 8) {
        struct import_options options = fixture_options(f);
        options.batch_rows = rows;
        options.dry_run = true;
        struct import_counts counts = fixture_import_with(f, buf_str(&text), options);
        assert_true(imported == 0 || imported == counts.imported);
        assert_true(duplicates == 0 || duplicates == counts.duplicates);
        imported = counts.imported;
        duplicates = counts.duplicates;
        assert_int_equal(counts.imported + counts.duplicates, 3000);
    }
    buf_fini(&text);
}

struct dumped {
    struct buf text;
};

static void dump(void *self, const struct str *columns, const struct str *values,
                 size_t count)
{
    struct dumped *dumped = self;
    for (size_t i = 0; i < count; i++) {
        buf_append(&dumped->text, columns[i]);
        buf_append_char(&dumped->text, '=');
        buf_append(&dumped->text, values[i]);
        buf_append_char(&dumped->text, ';');
    }
}

static void importer__dump_shows_accepted_rows(void **state)
{
    struct fixture *f = *state;
    struct dumped dumped;
    buf_init(&dumped.text, 4096);
    struct import_options options = fixture_options(f);
    options.dump = dump;
    options.self = &dumped;
    options.dry_run = true;
    fixture_import_with(f, STR("email,n\na@x.org,\"1\"\nbad,2\nb@x.org,\n"), options);
    assert_string_equal(buf_c_string(&dumped.text),
                        "email=a@x.org;n=1;email=b@x.org;n=;");
    buf_fini(&dumped.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(importer__good_rows_are_stored_in_order),
        fixture_test(importer__any_line_end_and_none_at_the_end),
        fixture_test(importer__quotes_newlines_and_spaces_are_kept),
        fixture_test(importer__delimiters_are_detected),
        fixture_test(importer__encodings_are_converted),
        fixture_test(importer__header_alone_makes_an_empty_list),
        fixture_test(importer__a_pipe_is_read),
        fixture_test(importer__bad_rows_cost_nobody_else),
        fixture_test(importer__corrected_rejects_import_again),
        fixture_test(importer__columns_named_line_get_other_reject_columns),
        fixture_test(importer__a_huge_field_is_one_bad_row),
        fixture_test(importer__too_many_columns_or_bytes_are_one_bad_row),
        fixture_test(importer__unterminated_quote_stores_nothing),
        fixture_test(importer__bad_headers_are_refused),
        fixture_test(importer__a_file_that_changes_meanwhile_stores_nothing),
        fixture_test(importer__missing_input_and_bad_options),
        fixture_test(importer__strict_and_dry_run_store_nothing),
        fixture_test(importer__last_duplicate_wins_or_first),
        fixture_test(importer__update_keeps_columns_that_the_file_has_not),
        fixture_test(importer__small_batches_give_the_same),
        fixture_test(importer__dump_shows_accepted_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
