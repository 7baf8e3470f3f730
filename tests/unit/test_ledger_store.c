#include "ledger_fixture.h"

#include "core/base/clock.h"
#include "storage/database.h"

static bool skip_none(void *self, int64_t lane_id)
{
    (void)self;
    (void)lane_id;
    return false;
}

static size_t lanes_of(struct desk *desk, struct arena *arena, struct lane *lanes,
                       size_t max, int64_t after)
{
    size_t count;
    desk_check(desk,
               desk->port.lanes(desk->port.self, after, arena, lanes, max, &count));
    return count;
}

/* ---- work ---------------------------------------------------------------------- */

static void ledger__lanes_are_domains_the_largest_first(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 3, 4);
    struct lane lanes[8];
    assert_int_equal(lanes_of(desk, &f->arena, lanes, 8, 0), 3);
    assert_true(str_equal(lanes[0].domain, STR("d0.example")));
    assert_int_equal(lanes[0].pending, 5);
    assert_int_equal(lanes[1].pending, 4);
    assert_int_equal(lanes[1].deferred, 0);
    assert_true(lanes[1].due_ms == INT64_MAX);
    assert_int_equal(lanes_of(desk, &f->arena, lanes + 3, 1, lanes[0].id), 1);
    assert_int_equal(lanes[3].id, lanes[1].id);
    assert_int_equal(lanes_of(desk, &f->arena, lanes, 8, lanes[2].id), 0);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    free(desk);
}

static void ledger__a_claim_is_in_order_and_runs_dry(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 2, 5);
    struct lane lanes[2];
    lanes_of(desk, &f->arena, lanes, 2, 0);
    struct job *jobs = desk_claim(desk, lanes[0].id, 0, 4);
    assert_int_equal(desk->batch.n, 4);
    assert_true(str_equal(jobs[0].address, STR("extra@d0.example")));
    assert_true(str_equal(jobs[1].address, STR("u0@d0.example")));
    assert_true(str_equal(jobs[1].domain, STR("d0.example")));
    struct str values[2];
    assert_true(record_read(jobs[1].record, values, 2));
    assert_true(str_equal(values[1], STR("Name 0")));
    assert_int_equal(jobs[1].attempts + jobs[1].first_armed_ms, 0);
    assert_false(jobs[1].needs_smtputf8);
    desk_claim(desk, lanes[0].id, 0, 4);
    assert_int_equal(desk->batch.n, 2);
    desk_claim(desk, lanes[0].id, 0, 4);
    assert_int_equal(desk->batch.n, 0);
    assert_int_equal(lanes_of(desk, &f->arena, lanes, 2, 0), 1);
    desk_commit(desk);
    assert_count(f, desk, DELIVERY_CLAIMED, 6);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    assert_count(f, desk, DELIVERY_PENDING, 11);
    free(desk);
}

static void ledger__a_whole_campaign_ends_in_terminal_states(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 3, 40);
    struct lane lanes[3];
    size_t count = lanes_of(desk, &f->arena, lanes, 3, 0), total = 0;
    static const enum outcome_state ends[] = {OUTCOME_DELIVERED, OUTCOME_FAILED,
                                              OUTCOME_IN_DOUBT, OUTCOME_INVALID,
                                              OUTCOME_EXPIRED};
    for (size_t i = 0; i < count; i++)
        for (desk_claim(desk, lanes[i].id, 0, 16); desk->batch.n > 0;
             desk_claim(desk, lanes[i].id, 0, 16)) {
            for (size_t k = 0; k < desk->batch.n; k++, total++) {
                assert_true(desk_arm(desk, &desk->jobs[k], 1000));
                desk_record(desk, desk_outcome(&desk->jobs[k], 2000, ends[total % 5]));
            }
            desk_commit(desk);
        }
    uint64_t unfinished;
    desk_check(desk, desk->port.unfinished(desk->port.self, &unfinished));
    assert_int_equal(unfinished, 0);
    assert_int_equal(total, 121);
    desk_shut(f, desk, CAMPAIGN_FINISHED);
    assert_count(f, desk, DELIVERY_DELIVERED, 25);
    assert_count(f, desk, DELIVERY_EXPIRED, 24);
    assert_int_equal(desk_counts(f, desk).audience, 121);
    struct campaign campaign;
    assert_err_none(
        f, campaign_find(f->store, STR("spring"), &f->arena, &campaign, &f->error));
    assert_int_equal(campaign.state, CAMPAIGN_FINISHED);
    assert_true(campaign.finished_ms > 0 && campaign.started_ms > 0);
    free(desk);
}

static void ledger__deferred_ones_come_back_when_due(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 2, 2);
    struct lane lanes[2], due[2];
    lanes_of(desk, &f->arena, lanes, 2, 0);
    struct job *jobs = desk_claim(desk, lanes[0].id, 0, 2);
    struct attempt_record first = desk_outcome(&jobs[0], 1000, OUTCOME_DEFERRED);
    struct attempt_record second = desk_outcome(&jobs[1], 1000, OUTCOME_DEFERRED);
    first.next_attempt_ms = 5000;
    second.next_attempt_ms = 4000;
    assert_true(desk_arm(desk, &jobs[0], 777));
    assert_true(desk_arm(desk, &jobs[1], 778));
    desk_record(desk, first);
    desk_record(desk, second);
    desk_commit(desk);
    int64_t next;
    size_t count;
    desk_check(desk, desk->port.next_due(desk->port.self, &next));
    assert_int_equal(next, 4000);
    desk_check(desk, desk->port.due_lanes(desk->port.self, 3999, &f->arena, skip_none,
                                          NULL, due, 2, &count));
    assert_int_equal(count, 0);
    desk_check(desk, desk->port.due_lanes(desk->port.self, 4000, &f->arena, skip_none,
                                          NULL, due, 2, &count));
    assert_int_equal(count, 1);
    assert_int_equal(due[0].id, lanes[0].id);
    assert_int_equal(due[0].deferred, 2);
    assert_int_equal(due[0].due_ms, 4000);
    jobs = desk_claim(desk, lanes[0].id, 4000, 1);
    assert_int_equal(desk->batch.n, 1);
    assert_int_equal(jobs[0].delivery_id, second.delivery_id);
    assert_int_equal(jobs[0].attempts, 1);
    assert_int_equal(jobs[0].first_armed_ms, 778);
    /* Due ones first, then those never tried. */
    desk_check(desk, desk->port.next_due(desk->port.self, &next));
    assert_int_equal(next, 5000);
    jobs = desk_claim(desk, lanes[0].id, 6000, 8);
    assert_int_equal(desk->batch.n, 2);
    assert_int_equal(jobs[0].delivery_id, first.delivery_id);
    desk_check(desk, desk->port.next_due(desk->port.self, &next));
    assert_true(next == INT64_MAX);
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    free(desk);
}

/* Version 1 found those that are due by their state, and left an old time in others. */
static void ledger__database_of_version_1_is_brought_up_to_date(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 4);
    struct lane lane, due[2];
    size_t count;
    lanes_of(desk, &f->arena, &lane, 1, 0);
    struct job *jobs = desk_claim(desk, lane.id, 0, 2);
    int64_t deferred = jobs[0].delivery_id;
    struct attempt_record record = desk_outcome(&jobs[0], 1000, OUTCOME_DEFERRED);
    record.next_attempt_ms = 5000;
    desk_record(desk, record);
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    store_close(f->store);
    f->store = NULL;
    fixture_sql(f, "DROP INDEX delivery_due;"
                   "UPDATE delivery SET next_attempt_ms = 99 WHERE state = 'pending';"
                   "CREATE INDEX delivery_due ON delivery(lane, next_attempt_ms)"
                   " WHERE state = 'deferred'; PRAGMA user_version = 1");
    fixture_reopen(f);
    desk_open(f, desk, false);
    desk_check(desk, desk->port.due_lanes(desk->port.self, 6000, &f->arena, skip_none,
                                          NULL, due, 2, &count));
    assert_int_equal(count, 1);
    assert_int_equal(due[0].deferred, 1);
    /* The due one first, then the four that were never tried. */
    jobs = desk_claim(desk, lane.id, 6000, 8);
    assert_int_equal(desk->batch.n, 5);
    assert_int_equal(jobs[0].delivery_id, deferred);
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    free(desk);
}

static void ledger__what_is_given_back_is_claimed_again(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 6);
    struct lane lane;
    lanes_of(desk, &f->arena, &lane, 1, 0);
    struct job *jobs = desk_claim(desk, lane.id, 0, 10);
    assert_int_equal(desk->batch.n, 7);
    int64_t second = jobs[1].delivery_id, fourth = jobs[3].delivery_id;
    assert_true(desk_arm(desk, &jobs[3], 1000));
    desk_record(desk, desk_outcome(&jobs[3], 1, OUTCOME_UNSENT));
    desk_record(desk, desk_outcome(&jobs[1], 1, OUTCOME_UNSENT));
    desk_commit(desk);
    assert_int_equal(lanes_of(desk, &f->arena, &lane, 1, 0), 1);
    jobs = desk_claim(desk, lane.id, 0, 10);
    assert_int_equal(desk->batch.n, 2);
    assert_int_equal(jobs[0].delivery_id, second);
    assert_int_equal(jobs[1].delivery_id, fourth);
    assert_int_equal(jobs[1].first_armed_ms, 1000);
    assert_int_equal(jobs[1].attempts, 0);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    free(desk);
}

static void ledger__outcomes_of_what_was_not_armed_are_a_bug(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 2);
    struct lane lane;
    lanes_of(desk, &f->arena, &lane, 1, 0);
    struct job *jobs = desk_claim(desk, lane.id, 0, 1);
    desk_arm(desk, jobs, 1000);
    desk_record(desk, desk_outcome(jobs, 1, OUTCOME_DELIVERED));
    desk_commit(desk);
    assert_false(desk_arm(desk, jobs, 1000));
    struct attempt_record again = desk_outcome(jobs, 1, OUTCOME_FAILED);
    assert_int_equal(desk->port.record(desk->port.self, &again, 1), ERR_BUG);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    assert_count(f, desk, DELIVERY_DELIVERED, 1);
    free(desk);
}

static void ledger__what_was_not_committed_is_gone_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 3);
    struct lane lane;
    lanes_of(desk, &f->arena, &lane, 1, 0);
    struct job *jobs = desk_claim(desk, lane.id, 0, 2);
    desk_commit(desk);
    assert_true(desk_arm(desk, &jobs[0], 1));
    desk_record(desk, desk_outcome(&jobs[0], 2, OUTCOME_DELIVERED));
    assert_true(desk_arm(desk, &jobs[1], 1));
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    assert_count(f, desk, DELIVERY_PENDING, 4);
    free(desk);
}

static void ledger__with_work_left_it_is_not_finished(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 3);
    struct lane lane;
    lanes_of(desk, &f->arena, &lane, 1, 0);
    struct job *jobs = desk_claim(desk, lane.id, 0, 4);
    for (size_t i = 0; i < 4; i++) {
        /* The last one is to be tried again. */
        struct attempt_record record =
            desk_outcome(&jobs[i], 2, i < 3 ? OUTCOME_DELIVERED : OUTCOME_DEFERRED);
        record.next_attempt_ms = i < 3 ? 0 : 5000;
        assert_true(desk_arm(desk, &jobs[i], 1));
        desk_record(desk, record);
    }
    desk_commit(desk);
    assert_int_equal(ledger_store_close(desk->ledger, CAMPAIGN_FINISHED, &f->error),
                     ERR_BUG);
    assert_non_null(strstr(f->error.text, "1 deliveries are left"));
    arena_fini(&desk->batch.arena);
    struct campaign campaign;
    assert_err_none(
        f, campaign_find(f->store, STR("spring"), &f->arena, &campaign, &f->error));
    assert_int_equal(campaign.state, CAMPAIGN_INTERRUPTED);
    assert_count(f, desk, DELIVERY_DEFERRED, 1);
    free(desk);
}

/* ---- crashes and owners -------------------------------------------------------- */

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
    size_t count;
    desk_check(desk, desk->port.due_lanes(desk->port.self, clock_wall_ms(), &f->arena,
                                          skip_none, NULL, &lane, 1, &count));
    assert_int_equal(count, 1);
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
    assert_err_none(f, ledger_store_close(ledger, CAMPAIGN_PAUSED, &f->error));
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
    assert_int_equal(ledger_store_close(desk->ledger, CAMPAIGN_PAUSED, &f->error),
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
    assert_int_equal(ledger_store_close(desk->ledger, CAMPAIGN_INTERRUPTED, &f->error),
                     ERR_LOCKED);
    arena_fini(&desk->batch.arena);
    assert_int_equal(ledger_store_open(f->store, desk->campaign.id, &hold,
                                       &desk->ledger, &desk->recovered, &f->error),
                     ERR_LOCKED);
    assert_non_null(strstr(f->error.text, "spring: host elsewhere has been running"));
    assert_err_none(f, ledger_store_open(f->store, desk->campaign.id, &take_over,
                                         &desk->ledger, &desk->recovered, &f->error));
    assert_err_none(f,
                    ledger_store_close(desk->ledger, CAMPAIGN_INTERRUPTED, &f->error));
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

/* ---- other terminals ----------------------------------------------------------- */

static void ledger__commands_reach_the_run(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 3);
    struct store *other;
    enum run_command command;
    enum campaign_state answer;
    assert_err_none(f, store_open(f->db, &other, &f->error));
    desk_check(desk, desk->port.command(desk->port.self, &command));
    assert_int_equal(command, RUN_GO_ON);
    assert_err_none(
        f, campaign_command(other, STR("spring"), RUN_PAUSE, &answer, &f->error));
    assert_int_equal(answer, CAMPAIGN_RUNNING);
    desk_check(desk, desk->port.command(desk->port.self, &command));
    assert_int_equal(command, RUN_PAUSE);
    assert_err_none(
        f, campaign_command(other, STR("spring"), RUN_CANCEL, &answer, &f->error));
    desk_check(desk, desk->port.command(desk->port.self, &command));
    assert_int_equal(command, RUN_CANCEL);
    desk_shut(f, desk, CAMPAIGN_CANCELLED);
    assert_count(f, desk, DELIVERY_CANCELLED, 4);
    assert_err_none(
        f, campaign_command(other, STR("spring"), RUN_PAUSE, &answer, &f->error));
    assert_int_equal(answer, CAMPAIGN_CANCELLED);
    store_close(other);
    free(desk);
}

static void ledger__cancel_without_a_run_takes_effect_at_once(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 9);
    enum campaign_state answer;
    crash_midway(f, desk);
    assert_err_none(
        f, campaign_command(f->store, STR("spring"), RUN_CANCEL, &answer, &f->error));
    assert_int_equal(answer, CAMPAIGN_CANCELLED);
    assert_count(f, desk, DELIVERY_CANCELLED, 6);
    assert_count(f, desk, DELIVERY_IN_DOUBT, 2);
    assert_count(f, desk, DELIVERY_DELIVERED, 2);
    free(desk);
}

/* A deferred one is found by its time: what is cancelled must have none. */
static void ledger__what_was_cancelled_is_never_due(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 3);
    struct lane lane;
    int64_t due;
    lanes_of(desk, &f->arena, &lane, 1, 0);
    struct job *jobs = desk_claim(desk, lane.id, 0, 1);
    struct attempt_record record = desk_outcome(jobs, 1, OUTCOME_DEFERRED);
    record.next_attempt_ms = 5000;
    assert_true(desk_arm(desk, jobs, 1));
    desk_record(desk, record);
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_CANCELLED);
    assert_count(f, desk, DELIVERY_CANCELLED, 4);
    assert_err_none(f, db_integer(f->store, &due, 0, &f->error,
                                  "SELECT count(*) FROM lane WHERE due_ms IS NOT NULL"
                                  " OR cursor <= last",
                                  ""));
    assert_int_equal(due, 0);
    assert_err_none(f, db_integer(f->store, &due, 0, &f->error,
                                  "SELECT count(*) FROM delivery"
                                  " WHERE next_attempt_ms > 0",
                                  ""));
    assert_int_equal(due, 0);
    free(desk);
}

static void suppress(struct fixture *f, struct store *store, const char *address)
{
    bool added;
    struct suppression s = {.address = str_of(address), .cause = STR("manual")};
    assert_err_none(f, suppression_add(store, &s, &added, &f->error));
}

static void ledger__suppressions_apply_until_arming(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 3, 3);
    struct store *other;
    struct lane lanes[3];
    assert_err_none(f, store_open(f->db, &other, &f->error));
    lanes_of(desk, &f->arena, lanes, 3, 0);
    struct job *jobs = desk_claim(desk, lanes[0].id, 0, 2);
    desk_commit(desk);
    suppress(f, other, "EXTRA@d0.example");
    suppress(f, other, "U2@D0.example");
    suppress(f, other, "@d1.example");
    suppress(f, other, "nobody@nowhere.example");
    assert_false(desk_arm(desk, &jobs[0], 1));
    assert_true(desk_arm(desk, &jobs[1], 1));
    desk_commit(desk);
    /* A record for what was suppressed under its worker changes nothing. */
    desk_record(desk, desk_outcome(&jobs[0], 1, OUTCOME_UNSENT));
    desk_commit(desk);
    assert_count(f, desk, DELIVERY_SUPPRESSED, 5);
    uint64_t unfinished;
    desk_check(desk, desk->port.unfinished(desk->port.self, &unfinished));
    assert_int_equal(unfinished, 5);
    desk_claim(desk, lanes[1].id, 0, 10);
    assert_true(desk->batch.n == 0 || lanes[1].pending == 3);
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    store_close(other);
    free(desk);
}

/* What is armed may have left: its outcome is still to come. */
static void ledger__suppressions_leave_alone_what_is_armed(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 3);
    struct store *other;
    struct lane lane;
    assert_err_none(f, store_open(f->db, &other, &f->error));
    lanes_of(desk, &f->arena, &lane, 1, 0);
    struct job *jobs = desk_claim(desk, lane.id, 0, 2);
    assert_true(desk_arm(desk, &jobs[0], 1));
    assert_true(desk_arm(desk, &jobs[1], 1));
    desk_commit(desk);
    suppress(f, other, "extra@d0.example");
    suppress(f, other, "@d0.example");
    desk_record(desk, desk_outcome(&jobs[0], 2, OUTCOME_DELIVERED));
    desk_record(desk, desk_outcome(&jobs[1], 2, OUTCOME_IN_DOUBT));
    desk_commit(desk);
    assert_count(f, desk, DELIVERY_DELIVERED, 1);
    assert_count(f, desk, DELIVERY_IN_DOUBT, 1);
    assert_count(f, desk, DELIVERY_SUPPRESSED, 2);
    desk_shut(f, desk, CAMPAIGN_FINISHED);
    store_close(other);
    free(desk);
}

static void ledger__hard_bounces_are_suppressed_next_time(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 3);
    struct lane lane;
    lanes_of(desk, &f->arena, &lane, 1, 0);
    struct job *jobs = desk_claim(desk, lane.id, 0, 2);
    struct attempt_record record = desk_outcome(&jobs[1], 5, OUTCOME_FAILED);
    record.outcome.suppress = true;
    record.outcome.code = 550;
    desk_arm(desk, &jobs[1], 1);
    desk_record(desk, record);
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    bool covered;
    assert_err_none(
        f, suppression_covers(f->store, STR("u0@d0.example"), &covered, &f->error));
    assert_true(covered);
    struct campaign_plan plan = desk_plan(f);
    plan.name = STR("summer");
    struct campaign summer;
    assert_err_none(f, campaign_create(f->store, &plan, &f->arena, &summer, &f->error));
    struct delivery_counts counts;
    assert_err_none(f, report_counts(f->store, summer.id, &counts, &f->error));
    assert_int_equal(counts.by_state[DELIVERY_SUPPRESSED], 1);
    assert_int_equal(counts.by_state[DELIVERY_PENDING], 3);
    free(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(ledger__lanes_are_domains_the_largest_first),
        fixture_test(ledger__a_claim_is_in_order_and_runs_dry),
        fixture_test(ledger__a_whole_campaign_ends_in_terminal_states),
        fixture_test(ledger__deferred_ones_come_back_when_due),
        fixture_test(ledger__database_of_version_1_is_brought_up_to_date),
        fixture_test(ledger__what_is_given_back_is_claimed_again),
        fixture_test(ledger__outcomes_of_what_was_not_armed_are_a_bug),
        fixture_test(ledger__what_was_not_committed_is_gone_at_the_end),
        fixture_test(ledger__with_work_left_it_is_not_finished),
        fixture_test(ledger__after_a_crash_the_armed_are_held),
        fixture_test(ledger__after_a_crash_the_armed_are_retried),
        fixture_test(ledger__a_second_run_is_told_who_the_first_is),
        fixture_test(ledger__a_run_that_was_taken_over_writes_nothing),
        fixture_test(ledger__a_run_on_another_machine_is_not_taken_over),
        fixture_test(ledger__nobody_waits_longer_than_retries_do),
        fixture_test(ledger__a_database_that_stays_busy_is_waited_for_once),
        fixture_test(ledger__another_runs_attempts_keep_their_numbers),
        fixture_test(ledger__commands_reach_the_run),
        fixture_test(ledger__cancel_without_a_run_takes_effect_at_once),
        fixture_test(ledger__what_was_cancelled_is_never_due),
        fixture_test(ledger__suppressions_apply_until_arming),
        fixture_test(ledger__suppressions_leave_alone_what_is_armed),
        fixture_test(ledger__hard_bounces_are_suppressed_next_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
