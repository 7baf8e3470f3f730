/* A database of its own for each test, in a scratch directory that goes away. */
#ifndef BROADSIDE_TESTS_STORE_FIXTURE_H
#define BROADSIDE_TESTS_STORE_FIXTURE_H

#include "cmocka_all.h"

#include "storage/database.h"
#include "storage/importer.h"
#include "storage/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    char dir[64], db[96], csv[96], rejects[96];
    struct store *store;
    struct arena arena;
    struct error error;
};

static inline void fixture_reopen(struct fixture *f)
{
    store_close(f->store);
    if (store_open(f->db, &f->store, &f->error) != ERR_NONE)
        fail_msg("%s", f->error.text);
}

/* What somebody else does to the file. */
static inline void fixture_sql(struct fixture *f, const char *text)
{
    char command[1024];
    snprintf(command, sizeof command, "sqlite3 '%s' \"%s\" >/dev/null", f->db, text);
    if (system(command) != 0)
        fail_msg("%s", command);
}

/* Every page and index of the file. */
static inline void assert_store_sound(struct fixture *f)
{
    sqlite3_stmt *check;
    if (db_query(f->store, &check, &f->error, "PRAGMA integrity_check(1)", "") !=
        ERR_NONE)
        fail_msg("%s", f->error.text);
    assert_int_equal(sqlite3_step(check), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(check, 0), "ok");
    sqlite3_finalize(check);
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/broadside-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->db, sizeof f->db, "%s/test.db", f->dir);
    snprintf(f->csv, sizeof f->csv, "%s/in.csv", f->dir);
    snprintf(f->rejects, sizeof f->rejects, "%s/rejects.csv", f->dir);
    arena_init(&f->arena, 64 << 20);
    fixture_reopen(f);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    arena_fini(&f->arena);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    int rc = system(command);
    free(f);
    return rc;
}

static inline void fixture_write(struct fixture *f, struct str text)
{
    FILE *file = fopen(f->csv, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.p, 1, text.n, file), text.n);
    fclose(file);
}

static inline struct import_options fixture_options(struct fixture *f)
{
    return (struct import_options){.list = STR("people"),
                                   .path = f->csv,
                                   .name = "in.csv",
                                   .rejects_path = f->rejects};
}

static inline struct import_counts
fixture_import_with(struct fixture *f, struct str text, struct import_options options)
{
    struct import_counts counts;
    fixture_write(f, text);
    if (import_run(f->store, &options, &counts, &f->error) != ERR_NONE)
        fail_msg("%s", f->error.text);
    return counts;
}

static inline struct import_counts fixture_import(struct fixture *f, const char *text)
{
    return fixture_import_with(f, str_of(text), fixture_options(f));
}

static inline struct recipient_list fixture_list(struct fixture *f)
{
    struct recipient_list list;
    if (list_find(f->store, STR("people"), &f->arena, &list, &f->error) != ERR_NONE)
        fail_msg("%s", f->error.text);
    return list;
}

#define assert_err_none(f, call)                                                       \
    do {                                                                               \
        if ((call) != ERR_NONE)                                                        \
            fail_msg("%s: %s", #call, (f)->error.text);                                \
    } while (0)

#define fixture_test(function)                                                         \
    cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

#endif
