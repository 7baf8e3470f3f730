/* What a run finds that another one left: armed and claimed deliveries, an owner. */
#include "ledger_fixture.h"

#include "core/base/clock.h"
#include "storage/database.h"

/* Leaves 2 delivered, 2 armed, 2 claimed and uncommitted work behind. */
static void crash_midway(struct fixture *f, struct desk *desk)
{
    struct lane lane;
    lanes_of(desk, &f->arena, &lane, 1, 0);
    struct job *jobs = desk_claim(desk, lane.id, 0, 6);
    for (int i = 0; i < 4; i++)
        assert_true(desk_arm(desk, &jobs[i], 1000));
    desk_record(desk, desk_outcome(&jobs[0], 1, OUTCOME_DELIVERED));
    desk_record(desk, desk_outcome(&jobs[1], 1, OUTCOME_DELIVERED));
    desk_commit(desk);
    desk_record(desk, desk_outcome(&jobs[2], 1, OUTCOME_DELIVERED));
    /* The process dies: no commit, no close, the locks fall. What is on disk at that
     * moment goes on as another database. */
    char command[512];
    snprintf(command, sizeof command,
             "cp '%s' '%s/dead.db' && cp '%s-wal' '%s/dead.db-wal'", f->db, f->dir,
             f->db, f->dir);
    assert_int_equal(system(command), 0);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    snprintf(f->db, sizeof f->db, "%s/dead.db", f->dir);
    fixture_reopen(f);
}

static void ledger__after_a_crash_the_armed_are_held(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 9);
    crash_midway(f, desk);
    struct campaign campaign;
    assert_err_none(
        f, campaign_find(f->store, STR("spring"), &f->arena, &campaign, &f->error));
    assert_int_equal(campaign.state, CAMPAIGN_INTERRUPTED);
    desk_open(f, desk, false);
    assert_int_equal(desk->recovered, 2);
    assert_count(f, desk, DELIVERY_DELIVERED, 2);
    assert_count(f, desk, DELIVERY_IN_DOUBT, 2);
    assert_count(f, desk, DELIVERY_PENDING, 6);
    uint64_t unfinished;
    desk_check(desk, desk->port.unfinished(desk->port.self, &unfinished));
    assert_int_equal(unfinished, 6);
    struct lane lane;
    assert_int_equal(lanes_of(desk, &f->arena, &lane, 1, 0), 1);
    desk_claim(desk, lane.id, 0, 100);
    assert_int_equal(desk->batch.n, 6);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    free(desk);
}

static void ledger__after_a_crash_the_armed_are_retried(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 9);
    crash_midway(f, desk);
    desk_open(f, desk, true);
    assert_int_equal(desk->recovered, 2);
    assert_count(f, desk, DELIVERY_DEFERRED, 2);
    struct lane lane;
    assert_int_equal(due_lanes_of(desk, &f->arena, &lane, 1, clock_wall_ms()), 1);
    struct job *jobs = desk_claim(desk, lane.id, clock_wall_ms(), 2);
    assert_int_equal(desk->batch.n, 2);
    assert_int_equal(jobs[0].first_armed_ms, 1000);
    assert_int_equal(jobs[0].attempts, 1);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    free(desk);
}

static void ledger__a_second_run_is_told_who_the_first_is(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 3);
    struct store *other;
    struct ledger_store *ledger;
    uint64_t recovered;
    assert_err_none(f, store_open(f->db, &other, &f->error));
    assert_int_equal(ledger_store_open(other, desk->campaign.id, &hold, &ledger,
                                       &recovered, &f->error),
                     ERR_LOCKED);
    char pid[32];
    snprintf(pid, sizeof pid, "process %d on host ", (int)getpid());
    assert_non_null(strstr(f->error.text, pid));
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    assert_err_none(f, ledger_store_open(other, desk->campaign.id, &hold, &ledger,
                                         &recovered, &f->error));
    assert_err_none(f, ledger_store_close(ledger, CAMPAIGN_PAUSED, NULL, &f->error));
    store_close(other);
    free(desk);
}

static void ledger__a_run_that_was_taken_over_writes_nothing(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 3);
    struct lane lane;
    lanes_of(desk, &f->arena, &lane, 1, 0);
    struct job *jobs = desk_claim(desk, lane.id, 0, 1);
    desk_commit(desk);
    char command[200];
    snprintf(command, sizeof command,
             "sqlite3 '%s' \"UPDATE run_owner SET token = x'00'\"", f->db);
    if (system(command) != 0)
        skip();
    struct arm_item item = {.delivery_id = jobs[0].delivery_id, .at_ms = 1};
    assert_int_equal(desk->port.arm(desk->port.self, &item, 1), ERR_LOCKED);
    assert_int_equal(ledger_store_close(desk->ledger, CAMPAIGN_PAUSED, NULL, &f->error),
                     ERR_LOCKED);
    assert_count(f, desk, DELIVERY_CLAIMED, 1);
    arena_fini(&desk->batch.arena);
    free(desk);
}

/* As a copy of the database, or the whole machine, would find it elsewhere. */
static void ledger__a_run_on_another_machine_is_not_taken_over(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 9);
    const struct ledger_options take_over = {.take_over = true};
    crash_midway(f, desk);
    assert_err_none(
        f, db_exec(f->store, "UPDATE run_owner SET host = 'elsewhere'", &f->error));
    desk_open(f, desk, false); /* this one was only given another name */
    assert_err_none(f, db_exec(f->store,
                               "UPDATE run_owner SET host = 'elsewhere', boot = 'x',"
                               " token = x'00'",
                               &f->error));
    assert_int_equal(
        ledger_store_close(desk->ledger, CAMPAIGN_INTERRUPTED, NULL, &f->error),
        ERR_LOCKED);
    arena_fini(&desk->batch.arena);
    assert_int_equal(ledger_store_open(f->store, desk->campaign.id, &hold,
                                       &desk->ledger, &desk->recovered, &f->error),
                     ERR_LOCKED);
    assert_non_null(strstr(f->error.text, "spring: host elsewhere has been running"));
    assert_err_none(f, ledger_store_open(f->store, desk->campaign.id, &take_over,
                                         &desk->ledger, &desk->recovered, &f->error));
    assert_err_none(
        f, ledger_store_close(desk->ledger, CAMPAIGN_INTERRUPTED, NULL, &f->error));
    /* It ended in order: it may go on anywhere. */
    assert_err_none(f, db_exec(f->store,
                               "UPDATE run_owner SET host = 'elsewhere', boot = 'x'",
                               &f->error));
    desk_open(f, desk, false);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    free(desk);
}

/* The clock was a year ahead when it was deferred, and was set right since. */
static void ledger__nobody_waits_longer_than_retries_do(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 3);
    const struct ledger_options options = {.wait_max_ms = 60000};
    const int64_t now_ms = clock_wall_ms(), year_ms = INT64_C(31536000000);
    struct lane lane;
    int64_t due_ms;
    lanes_of(desk, &f->arena, &lane, 1, 0);
    struct job *jobs = desk_claim(desk, lane.id, 0, 2);
    for (int i = 0; i < 2; i++) {
        struct attempt_record record = desk_outcome(&jobs[i], now_ms, OUTCOME_DEFERRED);
        record.next_attempt_ms = i == 0 ? now_ms + year_ms : now_ms + 30000;
        assert_true(desk_arm(desk, &jobs[i], now_ms));
        desk_record(desk, record);
    }
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    assert_err_none(f, ledger_store_open(f->store, desk->campaign.id, &options,
                                         &desk->ledger, &desk->recovered, &f->error));
    desk->port = ledger_store_port(desk->ledger);
    arena_init(&desk->batch.arena, 64 << 20);
    desk_check(desk, desk->port.next_due(desk->port.self, &due_ms));
    assert_int_equal(due_ms, now_ms + 30000);
    jobs = desk_claim(desk, lane.id, due_ms, 1);
    assert_int_equal(desk->batch.n, 1);
    desk_check(desk, desk->port.next_due(desk->port.self, &due_ms));
    assert_true(due_ms >= now_ms + 60000 && due_ms < now_ms + 120000);
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    free(desk);
}

/* The first group waits long, as for an import; after it the run is at its end. */
static void ledger__a_database_that_stays_busy_is_waited_for_once(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 3);
    struct store *other;
    struct lane lane;
    int64_t busy_ms;
    lanes_of(desk, &f->arena, &lane, 1, 0);
    struct job *jobs = desk_claim(desk, lane.id, 0, 2);
    assert_true(desk_arm(desk, &jobs[0], 1));
    desk_commit(desk);
    assert_err_none(
        f, db_integer(f->store, &busy_ms, 0, &f->error, "PRAGMA busy_timeout", ""));
    assert_int_equal(busy_ms, LEDGER_BUSY_MS);
    assert_err_none(f, db_exec(f->store, "PRAGMA busy_timeout = 20", &f->error));
    assert_err_none(f, store_open(f->db, &other, &f->error));
    assert_err_none(f, db_begin(other, &f->error));
    struct arm_item item = {.delivery_id = jobs[1].delivery_id, .at_ms = 1};
    assert_int_equal(desk->port.arm(desk->port.self, &item, 1), ERR_STORAGE);
    assert_false(item.granted);
    assert_err_none(
        f, db_integer(f->store, &busy_ms, 0, &f->error, "PRAGMA busy_timeout", ""));
    assert_int_equal(busy_ms, LEDGER_BUSY_AGAIN_MS);
    /* Let go of in time, what is known is saved after all. */
    db_rollback(other);
    desk_record(desk, desk_outcome(&jobs[0], 2, OUTCOME_DELIVERED));
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    assert_count(f, desk, DELIVERY_DELIVERED, 1);
    assert_count(f, desk, DELIVERY_PENDING, 3);
    store_close(other);
    free(desk);
}

/* Two runs of one database, each in its own process: the histories are one table. */
static void ledger__another_runs_attempts_keep_their_numbers(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 3), *summer = calloc(1, sizeof *summer);
    struct campaign_plan plan = desk_plan(f);
    struct fixture other = {0};
    struct lane lanes[2];
    int64_t attempts;
    plan.name = STR("summer");
    assert_err_none(f, store_open(f->db, &other.store, &f->error));
    assert_err_none(f, campaign_create(other.store, &plan, &f->arena, &summer->campaign,
                                       &f->error));
    desk_open(&other, summer, false);
    lanes_of(desk, &f->arena, &lanes[0], 1, 0);
    lanes_of(summer, &f->arena, &lanes[1], 1, 0);
    for (int i = 0; i < 4; i++) {
        struct desk *desks[] = {desk, summer};
        for (int k = 0; k < 2; k++) {
            struct job *job = desk_claim(desks[k], lanes[k].id, 0, 1);
            assert_true(desk_arm(desks[k], job, 1));
            desk_record(desks[k], desk_outcome(job, 2, OUTCOME_DELIVERED));
            desk_commit(desks[k]);
        }
    }
    desk_shut(f, desk, CAMPAIGN_FINISHED);
    desk_shut(&other, summer, CAMPAIGN_FINISHED);
    assert_err_none(f, db_integer(f->store, &attempts, 0, &f->error,
                                  "SELECT count(*) FROM attempt JOIN delivery"
                                  " ON last_attempt = attempt.id"
                                  " AND delivery = delivery.id",
                                  ""));
    assert_int_equal(attempts, 8);
    store_close(other.store);
    free(summer);
    free(desk);
}

static void ledger__cancel_without_a_run_takes_effect_at_once(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 9);
    enum campaign_state answer;
    crash_midway(f, desk);
    assert_err_none(f, campaign_command(f->store, STR("spring"), RUN_CANCEL, false,
                                        &answer, &f->error));
    assert_int_equal(answer, CAMPAIGN_CANCELLED);
    assert_count(f, desk, DELIVERY_CANCELLED, 6);
    assert_count(f, desk, DELIVERY_IN_DOUBT, 2);
    assert_count(f, desk, DELIVERY_DELIVERED, 2);
    free(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(ledger__after_a_crash_the_armed_are_held),
        fixture_test(ledger__after_a_crash_the_armed_are_retried),
        fixture_test(ledger__a_second_run_is_told_who_the_first_is),
        fixture_test(ledger__a_run_that_was_taken_over_writes_nothing),
        fixture_test(ledger__a_run_on_another_machine_is_not_taken_over),
        fixture_test(ledger__nobody_waits_longer_than_retries_do),
        fixture_test(ledger__a_database_that_stays_busy_is_waited_for_once),
        fixture_test(ledger__another_runs_attempts_keep_their_numbers),
        fixture_test(ledger__cancel_without_a_run_takes_effect_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
