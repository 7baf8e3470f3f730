#include "store_fixture.h"

#include "core/base/buf.h"
#include "storage/campaigns.h"
#include "storage/reports.h"
#include "storage/suppressions.h"

#include <fcntl.h>
#include <sys/stat.h>

/* ---- opening ------------------------------------------------------------------- */

static void store__the_file_is_private(void **state)
{
    struct fixture *f = *state;
    struct stat status;
    assert_int_equal(stat(f->db, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_store_sound(f);
    fixture_reopen(f);
    assert_non_null(strstr(store_path(f->store), "/test.db"));
}

static void expect_refusal(struct fixture *f, enum err err, const char *says)
{
    struct store *store;
    assert_int_equal(store_open(f->db, &store, &f->error), err);
    assert_null(store);
    if (strstr(f->error.text, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->error.text, says);
}

static void store__other_files_are_refused(void **state)
{
    struct fixture *f = *state;
    fixture_sql(f, "PRAGMA user_version = 99");
    expect_refusal(f, ERR_STORAGE, "newer version");
    fixture_sql(f, "PRAGMA user_version = 3; CREATE VIEW v AS SELECT 1");
    expect_refusal(f, ERR_STORAGE, "triggers or views");
    fixture_sql(f, "DROP VIEW v; PRAGMA application_id = 7");
    expect_refusal(f, ERR_STORAGE, "another program");
    snprintf(f->db, sizeof f->db, "%s/junk.db", f->dir);
    FILE *file = fopen(f->db, "w");
    for (int i = 0; i < 4096; i++)
        fputs("not a database ", file);
    fclose(file);
    expect_refusal(f, ERR_STORAGE, "no database");
    snprintf(f->db, sizeof f->db, "%s", f->dir);
    expect_refusal(f, ERR_STORAGE, f->dir);
}

/* Whatever is broken: an error, or a store that can be used; never a crash. */
static void store__damaged_files_end_in_an_error(void **state)
{
    struct fixture *f = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_append(&text, STR("email,n\n"));
    for (int i = 0; i < 2000; i++)
        buf_printf(&text, "u%d@d%d.example,%d\n", i, i % 9, i);
    fixture_import_with(f, buf_str(&text), fixture_options(f));
    buf_fini(&text);
    store_close(f->store);
    f->store = NULL;
    struct stat status;
    assert_int_equal(stat(f->db, &status), 0);
    for (off_t at = 16; at < status.st_size; at += status.st_size / 97) {
        char copy[128], command[400];
        snprintf(copy, sizeof copy, "%s/copy.db", f->dir);
        snprintf(command, sizeof command, "rm -f '%s'* && cp '%s' '%s'", copy, f->db,
                 copy);
        assert_int_equal(system(command), 0);
        int fd = open(copy, O_RDWR);
        assert_int_equal(pwrite(fd, "\xff\x00\x80\x7f\xff\xff", 6, at), 6);
        close(fd);
        struct store *store;
        struct recipient_list list;
        if (store_open(copy, &store, &f->error) != ERR_NONE)
            continue;
        if (list_find(store, STR("people"), &f->arena, &list, &f->error) == ERR_NONE) {
            struct campaign_plan plan = {.name = STR("c"),
                                         .path = STR("p"),
                                         .settings = STR("s"),
                                         .list_id = list.id};
            struct campaign campaign;
            (void)!campaign_create(store, &plan, &f->arena, &campaign, &f->error);
        }
        store_close(store);
    }
}

static void store__a_writer_that_stays_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct store *other;
    assert_err_none(f, store_open(f->db, &other, &f->error));
    assert_err_none(f, suppressions_begin(other, &f->error));
    bool added;
    struct suppression s = {.address = STR("a@x.org"), .cause = STR("manual")};
    assert_int_equal(suppression_add(f->store, &s, &added, &f->error), ERR_STORAGE);
    assert_non_null(strstr(f->error.text, "another process keeps it locked"));
    suppressions_rollback(other);
    assert_err_none(f, suppression_add(f->store, &s, &added, &f->error));
    store_close(other);
}

/* ---- records ------------------------------------------------------------------- */

static void record__any_bytes_are_read_or_refused(void **state)
{
    (void)state;
    struct buf record;
    buf_init(&record, 1 << 20);
    char large[300];
    memset(large, 'x', sizeof large);
    struct str in[] = {STR("a"), STR_NULL, STR(""), {large, sizeof large}}, out[6];
    for (size_t i = 0; i < COUNT_OF(in); i++)
        record_append(&record, in[i]);
    assert_true(record_read(buf_str(&record), out, 6));
    for (size_t i = 0; i < COUNT_OF(in); i++) {
        assert_true(str_is_null(out[i]) == str_is_null(in[i]));
        assert_true(str_equal(out[i], in[i]));
    }
    assert_true(str_is_null(out[4]) && str_is_null(out[5]));
    for (size_t n = 0; n < record.n; n++) {
        bool is_whole = n == 0 || n == 2 || n == 3 || n == 4;
        assert_int_equal(record_read(str_slice(record.p, n), out, 6), is_whole);
    }
    assert_false(record_read(STR("\xff\xff\xff\xff\xff\xff"), out, 6));
    assert_true(record_read(buf_str(&record), out, 1));
    buf_fini(&record);
}

/* ---- lists --------------------------------------------------------------------- */

static void lists__recipients_are_found_in_any_spelling(void **state)
{
    struct fixture *f = *state;
    fixture_import(f, "email,n\na@B\xc3\xbc"
                      "cher.example,1\n\"A@x.org\",2\na@x.org,3\n");
    struct recipient_list list = fixture_list(f);
    struct recipient_row row;
    struct str values[2];
    assert_err_none(f, recipient_find(f->store, list.id, STR("a@xn--bcher-kva.EXAMPLE"),
                                      &f->arena, &row, &f->error));
    assert_true(str_equal(row.domain, STR("xn--bcher-kva.example")));
    assert_err_none(f, recipient_find(f->store, list.id, STR("a@X.org"), &f->arena,
                                      &row, &f->error));
    assert_true(record_read(row.record, values, 2));
    assert_true(str_equal(values[1], STR("3")));
    assert_err_none(f, recipient_find(f->store, list.id, STR("A@x.org"), &f->arena,
                                      &row, &f->error));
    assert_true(str_equal(row.address, STR("A@x.org")));
    assert_int_equal(
        recipient_find(f->store, list.id, STR("b@x.org"), &f->arena, &row, &f->error),
        ERR_NOT_FOUND);
    assert_int_equal(
        recipient_find(f->store, list.id, STR("b"), &f->arena, &row, &f->error),
        ERR_DATA);
}

static void lists__a_walk_can_start_anywhere(void **state)
{
    struct fixture *f = *state;
    fixture_import(f, "email\na@x.org\nb@x.org\n");
    struct import_options other = fixture_options(f);
    other.list = STR("other");
    fixture_import_with(f, STR("email\nz@x.org\n"), other);
    fixture_import(f, "email\nc@x.org\na@x.org\nd@x.org\n");
    struct recipient_walk *walk;
    struct recipient_row row = {0};
    char seen[8] = "";
    for (int64_t after = 0; strlen(seen) < 4; after = row.id) {
        assert_err_none(f, recipient_walk_open(f->store, fixture_list(f).id, after,
                                               &walk, &f->error));
        assert_true(recipient_walk_next(walk, &row));
        strncat(seen, row.address.p, 1);
        assert_err_none(f, recipient_walk_close(walk, &f->error));
    }
    assert_string_equal(seen, "abcd");
    struct recipient_list *lists;
    size_t count;
    assert_err_none(f, lists_all(f->store, &f->arena, &lists, &count, &f->error));
    assert_int_equal(count, 2);
    assert_true(str_equal(lists[0].name, STR("other")));
    assert_int_equal(lists[1].recipient_count, 4);
    assert_err_none(f, list_delete(f->store, STR("people"), &f->error));
    assert_int_equal(list_delete(f->store, STR("people"), &f->error), ERR_NOT_FOUND);
    assert_err_none(f, lists_all(f->store, &f->arena, &lists, &count, &f->error));
    assert_int_equal(count, 1);
}

/* ---- suppressions -------------------------------------------------------------- */

static void suppressions__are_added_once_and_cover(void **state)
{
    struct fixture *f = *state;
    bool added, covered;
    struct suppression s = {.address = STR("Ann@X.org"), .cause = STR("manual")};
    assert_err_none(f, suppression_add(f->store, &s, &added, &f->error));
    assert_true(added);
    s.address = STR("ann@x.ORG");
    assert_err_none(f, suppression_add(f->store, &s, &added, &f->error));
    assert_false(added);
    s.address = STR("@B\xc3\xbc"
                    "cher.example");
    assert_err_none(f, suppression_add(f->store, &s, &added, &f->error));
    s.address = STR("@");
    assert_int_equal(suppression_add(f->store, &s, &added, &f->error), ERR_DATA);
    static const struct {
        struct str address;
        bool covered;
    } cases[] = {
        {{"ANN@x.org", 9}, true},
        {{"bob@x.org", 9}, false},
        {{"bob@xn--bcher-kva.example", 25}, true},
        {{"bob@sub.xn--bcher-kva.example", 29}, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_err_none(
            f, suppression_covers(f->store, cases[i].address, &covered, &f->error));
        assert_int_equal(covered, cases[i].covered);
    }
    struct suppression_walk *walk;
    assert_err_none(f, suppression_walk_open(f->store, &walk, &f->error));
    assert_true(suppression_walk_next(walk, &s));
    assert_true(str_equal(s.address, STR("@xn--bcher-kva.example")));
    assert_true(suppression_walk_next(walk, &s));
    assert_true(str_equal(s.address, STR("ann@x.org")));
    assert_true(s.at_ms > 0);
    assert_false(suppression_walk_next(walk, &s));
    assert_err_none(f, suppression_walk_close(walk, &f->error));
    assert_err_none(f, suppression_remove(f->store, STR("ANN@X.ORG"), &f->error));
    assert_int_equal(suppression_remove(f->store, STR("ANN@X.ORG"), &f->error),
                     ERR_NOT_FOUND);
}

/* ---- campaigns ----------------------------------------------------------------- */

static bool keep_even(void *self, const struct recipient_row *row)
{
    (void)self;
    struct str values[2];
    return record_read(row->record, values, 2) && values[1].n == 1 &&
           (values[1].p[0] - '0') % 2 == 0;
}

static bool keep_nobody(void *self, const struct recipient_row *row)
{
    (void)self;
    (void)row;
    return false;
}

static void campaigns__the_audience_is_limited_and_filtered(void **state)
{
    struct fixture *f = *state;
    fixture_import(f,
                   "email,n\na@x.org,1\nb@y.org,2\nc@x.org,3\nd@x.org,4\ne@y.org,6\n");
    bool added;
    struct suppression s = {.address = STR("d@x.org"), .cause = STR("manual")};
    assert_err_none(f, suppression_add(f->store, &s, &added, &f->error));
    struct campaign_plan plan = {.name = STR("c"),
                                 .path = STR("/p"),
                                 .settings = STR("text"),
                                 .list_id = fixture_list(f).id,
                                 .limit = 2,
                                 .keep = keep_even};
    memset(plan.content_hash, 7, sizeof plan.content_hash);
    struct campaign campaign, *all;
    assert_err_none(f,
                    campaign_create(f->store, &plan, &f->arena, &campaign, &f->error));
    assert_int_equal(campaign.audience, 2);
    assert_int_equal(campaign.content_hash[31], 7);
    assert_true(str_equal(campaign.settings, STR("text")));
    assert_true(str_equal(campaign.list_name, STR("people")));
    assert_int_equal(campaign.state, CAMPAIGN_INTERRUPTED);
    struct delivery_counts counts;
    assert_err_none(f, report_counts(f->store, campaign.id, &counts, &f->error));
    assert_int_equal(counts.by_state[DELIVERY_SUPPRESSED], 1);
    assert_int_equal(counts.by_state[DELIVERY_PENDING], 1);
    assert_int_equal(campaign_create(f->store, &plan, &f->arena, &campaign, &f->error),
                     ERR_CONFIG);
    plan.name = STR("nobody");
    plan.keep = keep_nobody;
    assert_int_equal(campaign_create(f->store, &plan, &f->arena, &campaign, &f->error),
                     ERR_DATA);
    size_t count;
    assert_err_none(f, campaigns_all(f->store, &f->arena, &all, &count, &f->error));
    assert_int_equal(count, 1);
    assert_int_equal(
        campaign_find(f->store, STR("nobody"), &f->arena, &campaign, &f->error),
        ERR_NOT_FOUND);
    memset(plan.content_hash, 9, sizeof plan.content_hash);
    assert_err_none(f, campaign_set_content(f->store, all[0].id, STR("/q"), STR("more"),
                                            plan.content_hash, &f->error));
    assert_err_none(f,
                    campaign_find(f->store, STR("c"), &f->arena, &campaign, &f->error));
    assert_int_equal(campaign.content_hash[0], 9);
    assert_true(str_equal(campaign.path, STR("/q")));
    assert_store_sound(f);
}

/* The largest numbers that an audience can be sorted by, and one more. */
static void campaigns__numbers_of_recipients_are_used_up_some_day(void **state)
{
    struct fixture *f = *state;
    fixture_import(f, "email\na@x.org\nb@y.org\n");
    assert_err_none(f, db_exec(f->store,
                               "UPDATE recipient SET id = 0xFFFFFFFFF,"
                               " domain = 0x3FFFFFF WHERE address = 'b@y.org';"
                               "UPDATE domain SET id = 0x3FFFFFF WHERE name = 'y.org';"
                               "UPDATE list_range SET last = 0x1000000000",
                               &f->error));
    struct campaign_plan plan = {.name = STR("c"),
                                 .path = STR("/p"),
                                 .settings = STR("text"),
                                 .list_id = fixture_list(f).id};
    struct campaign campaign;
    int64_t recipient;
    assert_err_none(f,
                    campaign_create(f->store, &plan, &f->arena, &campaign, &f->error));
    assert_err_none(f, db_integer(f->store, &recipient, 0, &f->error,
                                  "SELECT recipient FROM delivery d JOIN lane"
                                  " ON lane.id = d.lane WHERE domain = 0x3FFFFFF"
                                  " AND state = 'pending'",
                                  ""));
    assert_true(recipient == INT64_C(0xFFFFFFFFF));
    assert_err_none(
        f,
        db_exec(f->store, "UPDATE recipient SET id = id + 1 WHERE id > 9", &f->error));
    plan.name = STR("d");
    assert_int_equal(campaign_create(f->store, &plan, &f->arena, &campaign, &f->error),
                     ERR_LIMIT);
    assert_non_null(strstr(f->error.text, "has had too many"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(store__the_file_is_private),
        fixture_test(store__other_files_are_refused),
        fixture_test(store__damaged_files_end_in_an_error),
        fixture_test(store__a_writer_that_stays_is_an_error),
        cmocka_unit_test(record__any_bytes_are_read_or_refused),
        fixture_test(lists__recipients_are_found_in_any_spelling),
        fixture_test(lists__a_walk_can_start_anywhere),
        fixture_test(suppressions__are_added_once_and_cover),
        fixture_test(campaigns__the_audience_is_limited_and_filtered),
        fixture_test(campaigns__numbers_of_recipients_are_used_up_some_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
