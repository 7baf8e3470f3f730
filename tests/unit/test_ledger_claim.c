/* In which order work is found again: what was given back, what is due. */
#include "ledger_fixture.h"

static struct lane first_lane(struct fixture *f, struct desk *desk)
{
    struct lane lane;
    assert_int_equal(lanes_of(desk, &f->arena, &lane, 1, 0), 1);
    return lane;
}

static int64_t next_due(struct desk *desk)
{
    int64_t due_ms;
    desk_check(desk, desk->port.next_due(desk->port.self, &due_ms));
    return due_ms;
}

/* An earlier one first, then a later one: the lane must still begin at the earlier. */
static void ledger_claim__giving_back_a_later_one_skips_none(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 6);
    struct lane lane = first_lane(f, desk);
    struct job *jobs = desk_claim(desk, lane.id, 0, 10);
    assert_int_equal(desk->batch.n, 7);
    int64_t second = jobs[1].delivery_id, fourth = jobs[3].delivery_id;
    desk_record(desk, desk_outcome(&jobs[1], 1, OUTCOME_UNSENT));
    desk_record(desk, desk_outcome(&jobs[3], 1, OUTCOME_UNSENT));
    desk_commit(desk);
    jobs = desk_claim(desk, lane.id, 0, 10);
    assert_int_equal(desk->batch.n, 2);
    assert_int_equal(jobs[0].delivery_id, second);
    assert_int_equal(jobs[1].delivery_id, fourth);
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    free(desk);
}

/* The times, in the order in which they are recorded, and what is claimed one by one.
 */
static void ledger_claim__those_that_are_due_come_earliest_first(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 3);
    struct lane lane = first_lane(f, desk);
    static const int64_t due_ms[] = {3000, 5000, 2000, 4000};
    static const size_t order[] = {2, 0, 3, 1};
    struct job *jobs = desk_claim(desk, lane.id, 0, 4);
    int64_t ids[4];
    for (size_t i = 0; i < 4; i++) {
        struct attempt_record record = desk_outcome(&jobs[i], 1, OUTCOME_DEFERRED);
        record.next_attempt_ms = due_ms[i];
        ids[i] = jobs[i].delivery_id;
        desk_record(desk, record);
        assert_int_equal(next_due(desk), i < 2 ? 3000 : 2000);
    }
    desk_commit(desk);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(next_due(desk), due_ms[order[i]]);
        jobs = desk_claim(desk, lane.id, 9000, 1);
        assert_int_equal(desk->batch.n, 1);
        assert_int_equal(jobs[0].delivery_id, ids[order[i]]);
    }
    assert_true(next_due(desk) == INT64_MAX);
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    free(desk);
}

/* Many at once and few: nobody twice, and nobody who lies between them. */
static void ledger_claim__those_between_are_left_alone(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 9);
    struct lane lane = first_lane(f, desk);
    struct suppression s = {.address = STR("u3@d0.example"), .cause = STR("manual")};
    static const size_t sizes[] = {5, 2, 9};
    uint64_t claimed = 0;
    int64_t last = 0;
    struct store *other;
    bool added;
    assert_err_none(f, store_open(f->db, &other, &f->error));
    assert_err_none(f, suppression_add(other, &s, &added, &f->error));
    for (size_t i = 0; i < 3; i++) {
        struct job *jobs = desk_claim(desk, lane.id, 0, sizes[i]);
        assert_int_equal(desk->batch.n, i < 2 ? sizes[i] : 2);
        for (size_t k = 0; k < desk->batch.n; k++) {
            assert_true(jobs[k].delivery_id > last);
            last = jobs[k].delivery_id;
        }
        claimed += desk->batch.n;
        assert_count(f, desk, DELIVERY_CLAIMED, claimed);
        assert_count(f, desk, DELIVERY_SUPPRESSED, 1);
        assert_count(f, desk, DELIVERY_PENDING, 9 - claimed);
    }
    desk_commit(desk);
    assert_store_sound(f);
    desk_shut(f, desk, CAMPAIGN_INTERRUPTED);
    assert_count(f, desk, DELIVERY_PENDING, 9);
    store_close(other);
    free(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(ledger_claim__giving_back_a_later_one_skips_none),
        fixture_test(ledger_claim__those_that_are_due_come_earliest_first),
        fixture_test(ledger_claim__those_between_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
