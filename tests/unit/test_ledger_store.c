#include "ledger_fixture.h"

#include "core/base/clock.h"
#include "storage/database.h"

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
    desk_check(desk, desk->port.next_due(desk->port.self, &next));
    assert_int_equal(next, 4000);
    assert_int_equal(due_lanes_of(desk, &f->arena, due, 2, 3999), 0);
    assert_int_equal(due_lanes_of(desk, &f->arena, due, 2, 4000), 1);
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
                   " WHERE state = 'deferred';"
                   "ALTER TABLE delivery DROP COLUMN room; PRAGMA user_version = 1");
    fixture_reopen(f);
    desk_open(f, desk, false);
    assert_int_equal(due_lanes_of(desk, &f->arena, due, 2, 6000), 1);
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
    assert_int_equal(
        ledger_store_close(desk->ledger, CAMPAIGN_FINISHED, NULL, &f->error), ERR_BUG);
    assert_non_null(strstr(f->error.text, "1 deliveries are left"));
    arena_fini(&desk->batch.arena);
    struct campaign campaign;
    assert_err_none(
        f, campaign_find(f->store, STR("spring"), &f->arena, &campaign, &f->error));
    assert_int_equal(campaign.state, CAMPAIGN_INTERRUPTED);
    assert_count(f, desk, DELIVERY_DEFERRED, 1);
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
    assert_err_none(f, campaign_command(other, STR("spring"), RUN_PAUSE, false, &answer,
                                        &f->error));
    assert_int_equal(answer, CAMPAIGN_RUNNING);
    desk_check(desk, desk->port.command(desk->port.self, &command));
    assert_int_equal(command, RUN_PAUSE);
    assert_err_none(f, campaign_command(other, STR("spring"), RUN_CANCEL, false,
                                        &answer, &f->error));
    desk_check(desk, desk->port.command(desk->port.self, &command));
    assert_int_equal(command, RUN_CANCEL);
    desk_shut(f, desk, CAMPAIGN_CANCELLED);
    assert_count(f, desk, DELIVERY_CANCELLED, 4);
    assert_err_none(f, campaign_command(other, STR("spring"), RUN_PAUSE, false, &answer,
                                        &f->error));
    assert_int_equal(answer, CAMPAIGN_CANCELLED);
    store_close(other);
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

/* One that is deferred and one that is given back: both were armed when it came. */
static void ledger__what_was_armed_is_suppressed_when_it_is_claimed_again(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 1);
    struct store *other;
    assert_err_none(f, store_open(f->db, &other, &f->error));
    struct job jobs[2];
    memcpy(jobs, desk_claim(desk, 1, 0, 2), sizeof jobs);
    assert_true(desk_arm(desk, &jobs[0], 100) && desk_arm(desk, &jobs[1], 100));
    desk_commit(desk);
    suppress(f, other, "EXTRA@d0.example");
    suppress(f, other, "@d0.example");
    struct attempt_record deferred = desk_outcome(&jobs[0], 200, OUTCOME_DEFERRED);
    deferred.next_attempt_ms = 1000;
    desk_record(desk, deferred);
    desk_record(desk, desk_outcome(&jobs[1], 200, OUTCOME_UNSENT));
    desk_commit(desk);
    struct job *again = desk_claim(desk, 1, 2000, 4);
    assert_int_equal(desk->batch.n, 2);
    assert_false(desk_arm(desk, &again[0], 2000));
    assert_false(desk_arm(desk, &again[1], 2000));
    desk_commit(desk);
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
        fixture_test(ledger__commands_reach_the_run),
        fixture_test(ledger__what_was_cancelled_is_never_due),
        fixture_test(ledger__suppressions_apply_until_arming),
        fixture_test(ledger__suppressions_leave_alone_what_is_armed),
        fixture_test(ledger__what_was_armed_is_suppressed_when_it_is_claimed_again),
        fixture_test(ledger__hard_bounces_are_suppressed_next_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
