/* What the disk and the kernel can do to the store: full, gone between two bytes,
 * killed at any moment. */
#include "ledger_fixture.h"

#include "storage/database.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static void limit_pages(struct store *store, int64_t extra)
{
    int64_t pages;
    struct error error;
    char sql[64];
    assert_int_equal(db_integer(store, &pages, 0, &error, "PRAGMA page_count", ""),
                     ERR_NONE);
    snprintf(sql, sizeof sql, "PRAGMA max_page_count=%lld", (long long)(pages + extra));
    assert_int_equal(db_exec(store, sql, &error), ERR_NONE);
}

static struct buf many_rows(int count)
{
    struct buf text;
    buf_init(&text, 64 << 20);
    buf_append(&text, STR("email,n\n"));
    for (int i = 0; i < count; i++)
        buf_printf(&text, "u%d@d%d.example,%d\n", i, i % 9, i);
    return text;
}

static void faults__a_full_disk_stores_nothing_of_an_import(void **state)
{
    struct fixture *f = *state;
    struct buf text = many_rows(20000);
    struct import_options options = fixture_options(f);
    struct import_counts counts;
    fixture_write(f, buf_str(&text));
    for (int64_t extra = 1; extra < 200; extra = extra * 3 + 1) {
        limit_pages(f->store, extra);
        assert_int_equal(import_run(f->store, &options, &counts, &f->error),
                         ERR_STORAGE);
        assert_non_null(strstr(f->error.text, "disk is full"));
        struct recipient_list list;
        assert_int_equal(
            list_find(f->store, STR("people"), &f->arena, &list, &f->error),
            ERR_NOT_FOUND);
    }
    limit_pages(f->store, 1 << 20);
    assert_err_none(f, import_run(f->store, &options, &counts, &f->error));
    assert_int_equal(counts.imported, 20000);
    assert_store_sound(f);
    buf_fini(&text);
}

static void faults__a_full_disk_makes_no_half_campaign(void **state)
{
    struct fixture *f = *state;
    desk_import(f, 50, 200);
    struct campaign_plan plan = desk_plan(f);
    struct campaign campaign;
    for (int64_t extra = 1; extra < 100; extra = extra * 3 + 1) {
        limit_pages(f->store, extra);
        assert_int_equal(
            campaign_create(f->store, &plan, &f->arena, &campaign, &f->error),
            ERR_STORAGE);
        assert_int_equal(
            campaign_find(f->store, plan.name, &f->arena, &campaign, &f->error),
            ERR_NOT_FOUND);
    }
    limit_pages(f->store, 1 << 20);
    assert_err_none(f,
                    campaign_create(f->store, &plan, &f->arena, &campaign, &f->error));
}

/* The group in which it happens is gone, the ones before it are there. */
static void faults__a_full_disk_ends_a_run_cleanly(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 4000);
    struct lane lane;
    assert_int_equal(lanes_of(desk, &f->arena, &lane, 1, 0), 1);
    limit_pages(f->store, 20);
    uint64_t delivered = 0;
    enum err err = ERR_NONE;
    while (err == ERR_NONE) {
        struct job *jobs = desk_claim(desk, lane.id, 0, 50);
        for (size_t i = 0; i < desk->batch.n; i++)
            assert_true(desk_arm(desk, &jobs[i], 1000));
        desk_commit(desk);
        for (size_t i = 0; i < desk->batch.n && err == ERR_NONE; i++) {
            struct attempt_record record =
                desk_outcome(&jobs[i], 2000, OUTCOME_DELIVERED);
            err = desk->port.record(desk->port.self, &record, 1);
        }
        if (err == ERR_NONE)
            err = desk->port.commit(desk->port.self);
        if (err == ERR_NONE)
            delivered += desk->batch.n;
    }
    assert_int_equal(err, ERR_STORAGE);
    desk->port.explain(desk->port.self, &f->error);
    assert_non_null(strstr(f->error.text, "disk is full"));
    assert_count(f, desk, DELIVERY_DELIVERED, delivered);
    assert_count(f, desk, DELIVERY_ARMED, 50);
    (void)!ledger_store_close(desk->ledger, CAMPAIGN_INTERRUPTED, NULL, &f->error);
    arena_fini(&desk->batch.arena);
    limit_pages(f->store, 1 << 20);
    desk_open(f, desk, false);
    assert_count(f, desk, DELIVERY_DELIVERED, delivered);
    assert_count(f, desk, DELIVERY_IN_DOUBT, 50);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    free(desk);
}

/* ---- kill -9 ------------------------------------------------------------------- */

/* What the child promises before it does it, one byte each, as a server's log would
 * know it: 'a' armed and durable, 'd' delivered and durable. */
static void run_until_killed(const char *path, int64_t campaign_id, int promises)
{
    struct store *store;
    struct ledger_store *ledger;
    struct error error;
    uint64_t recovered;
    static struct job jobs[64];
    struct job_batch batch = {.jobs = jobs, .max = 64};
    struct lane lanes[8];
    struct arena arena;
    struct lane_batch found = {&arena, lanes, 0, 8};
    arena_init(&arena, 1 << 24);
    arena_init(&batch.arena, 1 << 24);
    if (store_open(path, &store, &error) != ERR_NONE ||
        ledger_store_open(store, campaign_id, &hold, &ledger, &recovered, &error) !=
            ERR_NONE)
        _exit(1);
    struct store_port port = ledger_store_port(ledger);
    if (write(promises, "o", 1) != 1)
        _exit(1);
    while (port.lanes(port.self, 0, &found) == ERR_NONE && found.n > 0) {
        batch.n = 0;
        if (port.claim(port.self, lanes[0].id, 0, 20, &batch) != ERR_NONE)
            _exit(1);
        for (size_t i = 0; i < batch.n; i++) {
            struct arm_item item = {.delivery_id = jobs[i].delivery_id, .at_ms = 5};
            if (port.arm(port.self, &item, 1) != ERR_NONE || !item.granted)
                _exit(1);
        }
        char text[64];
        memset(text, 'a', sizeof text);
        if (port.commit(port.self) != ERR_NONE ||
            write(promises, text, batch.n) != (ssize_t)batch.n)
            _exit(1);
        for (size_t i = 0; i < batch.n; i++) {
            struct attempt_record record = desk_outcome(&jobs[i], 6, OUTCOME_DELIVERED);
            if (port.record(port.self, &record, 1) != ERR_NONE)
                _exit(1);
        }
        memset(text, 'd', sizeof text);
        if (port.commit(port.self) != ERR_NONE ||
            write(promises, text, batch.n) != (ssize_t)batch.n)
            _exit(1);
    }
    _exit(0);
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* Each round kills the run at another moment; nothing promised is ever lost, and what
 * nobody knows is at most one batch a round. */
static void faults__kill_at_any_moment_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 7, 600);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    uint64_t delivered = 0, rounds = 0;
    for (; rounds < 25; rounds++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        /* SQLite must not be carried across a fork. */
        store_close(f->store);
        f->store = NULL;
        pid_t child = fork();
        if (child == 0)
            run_until_killed(f->db, desk->campaign.id, pipes[1]);
        close(pipes[1]);
        static char text[65536];
        size_t n = 0;
        if (read(pipes[0], text, 1) == 1)
            sleep_ms((long)(rounds * 3 % 17));
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        fixture_reopen(f);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        ssize_t got;
        while ((got = read(pipes[0], text + n, sizeof text - n)) > 0)
            n += (size_t)got;
        close(pipes[0]);
        for (size_t i = 0; i < n; i++)
            delivered += text[i] == 'd';
        struct delivery_counts counts = desk_counts(f, desk);
        assert_int_equal(counts.audience, 4201);
        assert_true(counts.by_state[DELIVERY_DELIVERED] >= delivered);
        assert_true(counts.by_state[DELIVERY_DELIVERED] <=
                    delivered + 20 * (rounds + 1));
        assert_true(counts.by_state[DELIVERY_ARMED] <= 20);
        assert_true(counts.by_state[DELIVERY_IN_DOUBT] <= 20 * rounds);
        delivered = counts.by_state[DELIVERY_DELIVERED];
    }
    assert_store_sound(f);
    desk_open(f, desk, false);
    struct delivery_counts counts = desk_counts(f, desk);
    assert_int_equal(counts.by_state[DELIVERY_CLAIMED], 0);
    assert_int_equal(counts.by_state[DELIVERY_ARMED], 0);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    free(desk);
}

static void faults__kill_during_an_import_leaves_the_list_as_it_was(void **state)
{
    struct fixture *f = *state;
    fixture_import(f, "email,n\nu1@d1.example,old\nx@x.org,old\n");
    struct buf text = many_rows(60000);
    struct import_options options = fixture_options(f);
    options.batch_rows = 2000;
    fixture_write(f, buf_str(&text));
    for (int round = 0; round < 8; round++) {
        /* SQLite must not be carried across a fork. */
        store_close(f->store);
        f->store = NULL;
        pid_t child = fork();
        if (child == 0) {
            struct store *store;
            struct import_counts counts;
            struct error error;
            if (store_open(f->db, &store, &error) == ERR_NONE &&
                import_run(store, &options, &counts, &error) == ERR_NONE)
                pause();
            _exit(1);
        }
        sleep_ms(5 + round * 12);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        fixture_reopen(f);
        struct recipient_list list = fixture_list(f);
        assert_true(list.recipient_count == 2 || list.recipient_count == 60001);
    }
    assert_store_sound(f);
    struct import_counts counts;
    assert_err_none(f, import_run(f->store, &options, &counts, &f->error));
    assert_int_equal(fixture_list(f).recipient_count, 60001);
    buf_fini(&text);
}

/* ---- a backup ------------------------------------------------------------------ */

static void copy_database(struct fixture *f, const char *from, const char *to)
{
    char command[512];
    snprintf(command, sizeof command, "rm -f '%s/%s-wal' && cp '%s/%s' '%s/%s'", f->dir,
             to, f->dir, from, f->dir, to);
    assert_int_equal(system(command), 0);
}

static void faults__a_restored_backup_is_refused(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 9);
    struct lane lane;
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    store_close(f->store);
    f->store = NULL;
    copy_database(f, "test.db", "backup.db");
    fixture_reopen(f);
    desk_open(f, desk, false);
    assert_int_equal(lanes_of(desk, &f->arena, &lane, 1, 0), 1);
    struct job *jobs = desk_claim(desk, lane.id, 0, 3);
    assert_true(desk_arm(desk, jobs, 1));
    desk_record(desk, desk_outcome(jobs, 2, OUTCOME_DELIVERED));
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    desk_open(f, desk, false);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    store_close(f->store);
    f->store = NULL;
    copy_database(f, "backup.db", "test.db");
    fixture_reopen(f);
    assert_int_equal(ledger_store_open(f->store, desk->campaign.id, &hold,
                                       &desk->ledger, &desk->recovered, &f->error),
                     ERR_STORAGE);
    assert_non_null(strstr(f->error.text, "older than what was sent"));
    /* The file's word is all there is: without it the operator decides. */
    char lock[128];
    snprintf(lock, sizeof lock, "%s.lock", f->db);
    assert_int_equal(unlink(lock), 0);
    fixture_reopen(f);
    desk_open(f, desk, false);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    free(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(faults__a_full_disk_stores_nothing_of_an_import),
        fixture_test(faults__a_full_disk_makes_no_half_campaign),
        fixture_test(faults__a_full_disk_ends_a_run_cleanly),
        fixture_test(faults__kill_at_any_moment_loses_nothing),
        fixture_test(faults__a_restored_backup_is_refused),
        fixture_test(faults__kill_during_an_import_leaves_the_list_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
