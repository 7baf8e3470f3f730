/* Neighbours are armed and recorded by one statement: each must still get its own. */
#include "ledger_fixture.h"

#include "storage/database.h"

#define RUN 5

static struct job *claimed_run(struct fixture *f, struct desk *desk)
{
    struct lane lane;
    assert_int_equal(lanes_of(desk, &f->arena, &lane, 1, 0), 1);
    struct job *jobs = desk_claim(desk, lane.id, 9000, RUN);
    assert_int_equal(desk->batch.n, RUN);
    for (size_t i = 1; i < RUN; i++)
        assert_int_equal(jobs[i].delivery_id, jobs[0].delivery_id + (int64_t)i);
    desk_commit(desk);
    return jobs;
}

static void items_of(const struct job *jobs, struct arm_item items[RUN])
{
    for (size_t i = 0; i < RUN; i++)
        items[i] = (struct arm_item){.delivery_id = jobs[i].delivery_id, .at_ms = 7};
}

static void arm_all(struct desk *desk, const struct job *jobs)
{
    struct arm_item items[RUN];
    items_of(jobs, items);
    desk_check(desk, desk->port.arm(desk->port.self, items, RUN));
    for (size_t i = 0; i < RUN; i++)
        assert_true(items[i].granted);
}

static int64_t number(struct fixture *f, const char *sql)
{
    int64_t value;
    assert_err_none(f, db_integer(f->store, &value, -1, &f->error, sql, ""));
    return value;
}

static void
ledger_record__of_a_run_those_suppressed_meanwhile_are_not_armed(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, RUN);
    struct job *jobs = claimed_run(f, desk);
    struct suppression s = {.address = jobs[2].address, .cause = STR("manual")};
    struct arm_item items[RUN];
    struct store *other;
    bool added;
    assert_err_none(f, store_open(f->db, &other, &f->error));
    assert_err_none(f, suppression_add(other, &s, &added, &f->error));
    items_of(jobs, items);
    desk_check(desk, desk->port.arm(desk->port.self, items, RUN));
    desk_commit(desk);
    for (size_t i = 0; i < RUN; i++)
        assert_int_equal(items[i].granted, i != 2);
    assert_count(f, desk, DELIVERY_ARMED, RUN - 1);
    assert_count(f, desk, DELIVERY_SUPPRESSED, 1);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    store_close(other);
    free(desk);
}

/* With one of them armed already the run is not the ledger's any more. */
static void ledger_record__arming_a_run_twice_is_a_bug(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, RUN);
    struct job *jobs = claimed_run(f, desk);
    struct arm_item items[RUN];
    assert_true(desk_arm(desk, &jobs[3], 7));
    items_of(jobs, items);
    assert_int_equal(desk->port.arm(desk->port.self, items, RUN), ERR_BUG);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    assert_count(f, desk, DELIVERY_PENDING, RUN + 1);
    free(desk);
}

/* Twice for each: the second attempt leads to the first, whatever came in which order.
 */
static void ledger_record__each_delivery_has_its_own_history(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, RUN);
    static const size_t order[RUN] = {3, 0, 4, 2, 1};
    for (int wave = 0; wave < 2; wave++) {
        struct job *jobs = claimed_run(f, desk);
        struct attempt_record records[RUN];
        arm_all(desk, jobs);
        for (size_t i = 0; i < RUN; i++) {
            struct job *job = &jobs[order[i]];
            records[i] = desk_outcome(job, 10 + job->delivery_id,
                                      wave == 0 ? OUTCOME_DEFERRED : OUTCOME_DELIVERED);
            records[i].next_attempt_ms = wave == 0 ? 8000 : 0;
        }
        desk_check(desk, desk->port.record(desk->port.self, records, RUN));
        desk_commit(desk);
    }
    assert_int_equal(number(f, "SELECT count(*) FROM delivery d"
                               " JOIN attempt a ON a.id = d.last_attempt"
                               " JOIN attempt b ON b.id = a.previous"
                               " WHERE a.delivery = d.id AND b.delivery = d.id"
                               " AND a.state = 'delivered' AND b.state = 'deferred'"
                               " AND a.at_ms = 10 + d.id AND b.at_ms = 10 + d.id"
                               " AND d.attempts = 2 AND b.previous = 0"),
                     RUN);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    free(desk);
}

/* Neighbours that came to different ends, and one that was not charged. */
static void ledger_record__neighbours_keep_their_own_outcome(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, RUN);
    struct job *jobs = claimed_run(f, desk);
    static const enum outcome_state states[RUN] = {OUTCOME_DELIVERED, OUTCOME_FAILED,
                                                   OUTCOME_UNSENT, OUTCOME_DEFERRED,
                                                   OUTCOME_DEFERRED};
    struct attempt_record records[RUN];
    arm_all(desk, jobs);
    for (size_t i = 0; i < RUN; i++) {
        records[i] = desk_outcome(&jobs[i], 8, states[i]);
        records[i].next_attempt_ms = states[i] == OUTCOME_DEFERRED ? 9000 : 0;
    }
    records[4].charged = false;
    desk_check(desk, desk->port.record(desk->port.self, records, RUN));
    desk_commit(desk);
    assert_count(f, desk, DELIVERY_DELIVERED, 1);
    assert_count(f, desk, DELIVERY_FAILED, 1);
    assert_count(f, desk, DELIVERY_DEFERRED, 2);
    assert_count(f, desk, DELIVERY_PENDING, 2);
    assert_int_equal(number(f, "SELECT sum(attempts) FROM delivery"), 3);
    assert_int_equal(number(f, "SELECT count(*) FROM attempt"), 4);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    free(desk);
}

static void ledger_record__a_run_with_one_that_is_over_is_a_bug(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, RUN);
    struct job *jobs = claimed_run(f, desk);
    struct attempt_record records[RUN];
    arm_all(desk, jobs);
    desk_record(desk, desk_outcome(&jobs[2], 8, OUTCOME_FAILED));
    desk_commit(desk);
    for (size_t i = 0; i < RUN; i++)
        records[i] = desk_outcome(&jobs[i], 9, OUTCOME_DELIVERED);
    assert_int_equal(desk->port.record(desk->port.self, records, RUN), ERR_BUG);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    assert_count(f, desk, DELIVERY_DELIVERED, 0);
    assert_count(f, desk, DELIVERY_FAILED, 1);
    assert_count(f, desk, DELIVERY_IN_DOUBT, RUN - 1);
    free(desk);
}

/* Each differs from the one before in one thing. */
static void ledger_record__an_attempt_keeps_all_of_its_verdict(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, RUN);
    struct lane lane;
    assert_int_equal(lanes_of(desk, &f->arena, &lane, 1, 0), 1);
    struct job *jobs = desk_claim(desk, lane.id, 0, RUN + 1);
    struct attempt_record record = desk_outcome(&jobs[0], 8, OUTCOME_DELIVERED);
    for (size_t i = 0; i <= RUN; i++) {
        struct outcome *outcome = &record.outcome;
        record.delivery_id = jobs[i].delivery_id;
        assert_true(desk_arm(desk, &jobs[i], 7));
        switch (i) {
        case 1: outcome->stage = SMTP_STAGE_RCPT; break;
        case 2: outcome->code = 550; break;
        case 3: outcome->enhanced[1] = 65535; break;
        case 4: outcome->class_word = "Other"; break;
        case 5: outcome->state = OUTCOME_FAILED; break;
        default: break;
        }
        desk_record(desk, record);
    }
    desk_commit(desk);
    assert_int_equal(
        number(f, "SELECT group_concat(state || '/' || stage || '/' || code || '/'"
                  " || enhanced || '/' || class) ="
                  " 'delivered/dot/250/2.0.0/Test,delivered/rcpt/250/2.0.0/Test,"
                  "delivered/rcpt/550/2.0.0/Test,delivered/rcpt/550/2.65535.0/Test,"
                  "delivered/rcpt/550/2.65535.0/Other,"
                  "failed/rcpt/550/2.65535.0/Other'"
                  " FROM (SELECT * FROM attempt ORDER BY id)"),
        1);
    desk_shut(f, desk, CAMPAIGN_FINISHED);
    free(desk);
}

/* Eight alike, one alone, one of another code, eight alike, one alone, one from another
 * server; then eight of another stage. */
static void ledger_record__many_alike_keep_what_is_their_own(void **state)
{
    enum { FIRST = 20, ALL = 28 };
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, ALL - 1);
    struct lane lane;
    assert_int_equal(lanes_of(desk, &f->arena, &lane, 1, 0), 1);
    struct job *jobs = desk_claim(desk, lane.id, 0, ALL);
    assert_int_equal(jobs[0].delivery_id, 1);
    struct attempt_record records[ALL];
    char texts[ALL][8];
    for (int i = 0; i < ALL; i++) {
        assert_true(desk_arm(desk, &jobs[i], 7));
        snprintf(texts[i], sizeof texts[i], "t%d", i + 1);
        records[i] = desk_outcome(&jobs[i], 100 + i, OUTCOME_DELIVERED);
        records[i].last_attempt = 1000 + i;
        records[i].outcome.text = str_of(texts[i]);
        records[i].outcome.remote_id = str_from(str_of(texts[i]), 1);
        if (i >= FIRST)
            records[i].outcome.stage = SMTP_STAGE_RCPT;
    }
    records[9].outcome.code = 251;
    records[19].host = STR("other.example:25");
    desk_check(desk, desk->port.record(desk->port.self, records, FIRST));
    desk_check(desk, desk->port.record(desk->port.self, &records[FIRST], ALL - FIRST));
    desk_commit(desk);
    assert_int_equal(
        number(f,
               "SELECT count(*) FROM delivery d JOIN attempt a ON a.id = last_attempt"
               " JOIN peer ON peer.id = peer"
               " WHERE delivery = d.id AND previous = 999 + d.id"
               " AND at_ms = 99 + d.id AND a.state = 'delivered'"
               " AND stage = iif(d.id > 20, 'rcpt', 'dot')"
               " AND code = iif(d.id = 10, 251, 250) AND enhanced = '2.0.0'"
               " AND class = 'Test' AND text = 't' || d.id"
               " AND remote_id = CAST(d.id AS TEXT)"
               " AND host = iif(d.id = 20, 'other.example:25', 'mx.example:25')"),
        ALL);
    assert_int_equal(number(f, "SELECT count(*) FROM attempt"), ALL);
    desk_shut(f, desk, CAMPAIGN_FINISHED);
    free(desk);
}

/* All rows together, as SQLite's table of pages counts them. */
static int64_t row_bytes(struct fixture *f)
{
    return number(f, "SELECT sum(payload) FROM dbstat WHERE name = 'delivery'");
}

/* However long the number of its attempt is. */
static void ledger_record__a_row_keeps_its_length_until_it_is_final(void **state)
{
    static const char *const last_attempts[] = {
        "INSERT INTO attempt VALUES(1, 0, 0, 0, '', '', 0, '', '', '', 0, '')",
        "UPDATE attempt SET id = 127", "UPDATE attempt SET id = 32767",
        "UPDATE attempt SET id = 8388607"};
    enum { CASES = sizeof last_attempts / sizeof last_attempts[0] };
    const int64_t now_ms = 1764300000000;
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, CASES - 1);
    struct lane lane;
    assert_int_equal(lanes_of(desk, &f->arena, &lane, 1, 0), 1);
    int64_t bytes = row_bytes(f);
    struct job *jobs = desk_claim(desk, lane.id, now_ms, CASES);
    assert_int_equal(desk->batch.n, CASES);
    for (size_t i = 0; i < CASES; i++) {
        assert_err_none(f, db_exec(f->store, last_attempts[i], &f->error));
        assert_true(desk_arm(desk, &jobs[i], now_ms));
        assert_int_equal(row_bytes(f), bytes);
        desk_record(desk, desk_outcome(&jobs[i], now_ms, OUTCOME_DELIVERED));
        assert_int_equal(row_bytes(f), bytes);
        assert_err_none(
            f, db_exec(f->store, "DELETE FROM attempt WHERE delivery > 0", &f->error));
    }
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_FINISHED);
    free(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(ledger_record__of_a_run_those_suppressed_meanwhile_are_not_armed),
        fixture_test(ledger_record__arming_a_run_twice_is_a_bug),
        fixture_test(ledger_record__each_delivery_has_its_own_history),
        fixture_test(ledger_record__neighbours_keep_their_own_outcome),
        fixture_test(ledger_record__a_run_with_one_that_is_over_is_a_bug),
        fixture_test(ledger_record__an_attempt_keeps_all_of_its_verdict),
        fixture_test(ledger_record__many_alike_keep_what_is_their_own),
        fixture_test(ledger_record__a_row_keeps_its_length_until_it_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
