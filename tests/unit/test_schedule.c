#include "core/send/schedule.h"

#include "core/base/clock.h"
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

/* A schedule whose claims are answered from lanes with so many jobs left. */
struct world {
    struct schedule schedule;
    uint64_t now_ns;
    size_t left[64];
    struct batch *taken[4096];
    size_t taken_count;
};

static struct world *world_new(const struct limit_rule *rules, size_t rule_count)
{
    struct world *world = calloc(1, sizeof *world);
    world->now_ns = NS_PER_S;
    assert_int_equal(schedule_init(&world->schedule, rules, rule_count, 8), ERR_NONE);
    return world;
}

static void world_free(struct world *world)
{
    for (size_t i = 0; i < world->taken_count; i++)
        batch_unref(world->taken[i]);
    schedule_fini(&world->schedule);
    free(world);
}

static void world_add(struct world *world, int64_t id, const char *domain, size_t jobs)
{
    struct lane lane = {.id = id, .domain = str_of(domain), .pending = jobs};
    world->left[id] = jobs;
    assert_int_equal(schedule_add(&world->schedule, &lane), ERR_NONE);
}

static void world_answer_claims(struct world *world)
{
    struct destination *d;
    size_t max;
    while ((d = schedule_claimant(&world->schedule, &max)) != NULL) {
        size_t *left = &world->left[d->lane_id];
        struct batch *batch = batch_new(max);
        size_t count = max < *left ? max : *left;
        for (size_t i = 0; i < count; i++)
            batch->jobs[batch->claim.n++] = (struct job){.lane_id = d->lane_id};
        *left -= count;
        if (count == 0) {
            batch_unref(batch);
            batch = NULL;
        }
        schedule_claimed(&world->schedule, d, batch, count == max);
    }
}

/* Sends one message if one may go: its lane, or 0. It has its outcome at once. */
static int64_t world_send(struct world *world)
{
    schedule_wake(&world->schedule, world->now_ns);
    struct destination *d = schedule_next(&world->schedule, world->now_ns);
    world_answer_claims(world);
    if (d == NULL)
        d = schedule_next(&world->schedule, world->now_ns);
    if (d == NULL)
        return 0;
    int64_t lane_id = d->lane_id;
    struct batch *batch;
    assert_non_null(schedule_take(&world->schedule, d, &batch));
    world->taken[world->taken_count++] = batch;
    schedule_spend(&world->schedule, d, world->now_ns);
    schedule_landed(&world->schedule, d, false);
    return lane_id;
}

static void schedule__destinations_take_turns_in_chunks(void **state)
{
    (void)state;
    struct world *world = world_new(NULL, 0);
    world_add(world, 1, "a.example", 1000);
    world_add(world, 2, "b.example", 1000);
    int64_t before = 0;
    unsigned turns = 0, counts[3] = {0};
    for (int i = 0; i < 640; i++) {
        int64_t lane = world_send(world);
        assert_true(lane > 0);
        counts[lane]++;
        turns += lane != before;
        before = lane;
    }
    assert_int_equal(counts[1], 320);
    assert_int_equal(counts[2], 320);
    assert_in_range(turns, 640 / SCHEDULE_CHUNK - 1, 640 / SCHEDULE_CHUNK + 1);
    world_free(world);
}

static void schedule__exhausted_destination_is_closed(void **state)
{
    (void)state;
    struct world *world = world_new(NULL, 0);
    world_add(world, 1, "a.example", 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(world_send(world), 1);
    assert_int_equal(world_send(world), 0);
    struct destination *d = schedule_closed(&world->schedule);
    assert_non_null(d);
    assert_int_equal(d->lane_id, 1);
    destination_free(&world->schedule, d);
    assert_null(schedule_closed(&world->schedule));
    assert_int_equal(world->schedule.count, 0);
    world_free(world);
}

/* Though the next message might go only tomorrow. */
static void schedule__slow_destination_is_closed_behind_its_last_one(void **state)
{
    (void)state;
    struct str slow = STR("slow.example");
    struct limit_rule rule = {
        .domains = &slow, .domain_count = 1, .rate = {1, 86400 * NS_PER_S}};
    struct world *world = world_new(&rule, 1);
    world_add(world, 1, "slow.example", 1);
    assert_int_equal(world_send(world), 1);
    assert_int_equal(world_send(world), 0);
    assert_non_null(schedule_closed(&world->schedule));
    world_free(world);
}

static void schedule__limited_destination_keeps_its_pace_beside_others(void **state)
{
    (void)state;
    struct str slow = STR("slow.example");
    struct limit_rule rule = {
        .domains = &slow, .domain_count = 1, .rate = {50, NS_PER_S}};
    struct world *world = world_new(&rule, 1);
    world_add(world, 1, "slow.example", 1000);
    world_add(world, 2, "fast.example", 3000);
    unsigned counts[3] = {0};
    for (int ms = 0; ms < 1000; ms++) {
        world->now_ns += NS_PER_MS;
        for (int i = 0; i < 3; i++)
            counts[world_send(world)]++;
    }
    assert_in_range(counts[1], 49, 51);
    assert_true(counts[2] > 2900);
    world_free(world);
}

static void schedule__domains_of_one_rule_share_its_pace_evenly(void **state)
{
    (void)state;
    struct str together[] = {STR("a.example"), STR("b.example")};
    struct limit_rule rule = {
        .domains = together, .domain_count = 2, .rate = {100, NS_PER_S}};
    struct world *world = world_new(&rule, 1);
    world_add(world, 1, "a.example", 1000);
    world_add(world, 2, "b.example", 1000);
    unsigned counts[3] = {0};
    for (int ms = 0; ms < 2000; ms++) {
        world->now_ns += NS_PER_MS;
        int64_t lane;
        while ((lane = world_send(world)) != 0)
            counts[lane]++;
    }
    assert_in_range(counts[1] + counts[2], 199, 202);
    assert_in_range(counts[1], 99, 102);
    world_free(world);
}

static void schedule__star_holds_for_each_domain_by_itself(void **state)
{
    (void)state;
    struct str any = STR("*");
    struct limit_rule rule = {
        .domains = &any, .domain_count = 1, .rate = {10, NS_PER_S}};
    struct world *world = world_new(&rule, 1);
    world_add(world, 1, "a.example", 1000);
    world_add(world, 2, "b.example", 1000);
    unsigned counts[3] = {0};
    for (int ms = 0; ms < 2000; ms++) {
        world->now_ns += NS_PER_MS;
        int64_t lane;
        while ((lane = world_send(world)) != 0)
            counts[lane]++;
    }
    assert_in_range(counts[1], 20, 21);
    assert_in_range(counts[2], 20, 21);
    world_free(world);
}

static void schedule__paused_destination_waits_and_gives_its_jobs_back(void **state)
{
    (void)state;
    struct world *world = world_new(NULL, 0);
    world_add(world, 1, "a.example", 10);
    assert_int_equal(world_send(world), 1);
    struct destination *d = schedule_next(&world->schedule, world->now_ns);
    schedule_pause(&world->schedule, d, world->now_ns + NS_PER_S);
    struct batch *batch;
    unsigned given_back = 0;
    while (schedule_give_back(&world->schedule, d, &batch) != NULL) {
        batch_unref(batch);
        given_back++;
    }
    assert_int_equal(given_back, 9);
    world->left[1] += given_back;
    assert_int_equal(world_send(world), 0);
    assert_int_equal(schedule_wake_ns(&world->schedule), world->now_ns + NS_PER_S);
    world->now_ns += NS_PER_S;
    assert_int_equal(world_send(world), 1);
    world_free(world);
}

static void schedule__refunded_turn_is_taken_at_once(void **state)
{
    (void)state;
    struct str slow = STR("slow.example");
    struct limit_rule rule = {.domains = &slow,
                              .domain_count = 1,
                              .rate = {.count = 1, .period_ns = NS_PER_S}};
    struct world *world = world_new(&rule, 1);
    world_add(world, 1, "slow.example", 3);
    assert_int_equal(world_send(world), 1);
    assert_int_equal(world_send(world), 0);
    schedule_refund(&world->schedule, &world->schedule.shared[0]);
    assert_int_equal(world_send(world), 1);
    assert_int_equal(world_send(world), 0);
    world_free(world);
}

static void schedule__blocked_limit_waits_for_its_release(void **state)
{
    (void)state;
    struct str any = STR("*");
    struct limit_rule rule = {.domains = &any, .domain_count = 1, .connections = 1};
    struct world *world = world_new(&rule, 1);
    world_add(world, 1, "a.example", 10);
    world_add(world, 2, "b.example", 10);
    assert_int_equal(world_send(world), 1);
    struct destination *d = schedule_next(&world->schedule, world->now_ns);
    assert_int_equal(d->lane_id, 1);
    schedule_block(&world->schedule, d);
    assert_int_equal(world_send(world), 2);
    schedule_unblock(&world->schedule, d->limit);
    assert_int_equal(world_send(world), 1);
    world_free(world);
}

static void schedule__message_that_came_back_is_claimed_again(void **state)
{
    (void)state;
    struct world *world = world_new(NULL, 0);
    world_add(world, 1, "a.example", 1);
    schedule_wake(&world->schedule, world->now_ns);
    assert_null(schedule_next(&world->schedule, world->now_ns));
    world_answer_claims(world);
    struct destination *d = schedule_next(&world->schedule, world->now_ns);
    struct batch *batch;
    schedule_take(&world->schedule, d, &batch);
    batch_unref(batch);
    schedule_spend(&world->schedule, d, world->now_ns);
    assert_null(schedule_next(&world->schedule, world->now_ns));
    assert_int_equal(d->state, DESTINATION_DRY);
    world->left[1] = 1;
    schedule_landed(&world->schedule, d, true);
    assert_int_equal(world_send(world), 1);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedule__destinations_take_turns_in_chunks),
        cmocka_unit_test(schedule__exhausted_destination_is_closed),
        cmocka_unit_test(schedule__slow_destination_is_closed_behind_its_last_one),
        cmocka_unit_test(schedule__limited_destination_keeps_its_pace_beside_others),
        cmocka_unit_test(schedule__domains_of_one_rule_share_its_pace_evenly),
        cmocka_unit_test(schedule__star_holds_for_each_domain_by_itself),
        cmocka_unit_test(schedule__paused_destination_waits_and_gives_its_jobs_back),
        cmocka_unit_test(schedule__refunded_turn_is_taken_at_once),
        cmocka_unit_test(schedule__blocked_limit_waits_for_its_release),
        cmocka_unit_test(schedule__message_that_came_back_is_claimed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
