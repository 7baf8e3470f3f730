#include "core/send/desk.h"

#include "core/send/memory_store.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>

static char names[300][24];

static struct memory_store *store_with(size_t lanes, size_t each)
{
    struct memory_store *store = memory_store_new();
    for (size_t i = 0; i < lanes; i++) {
        snprintf(names[i], sizeof names[i], "d%zu.example", i % COUNT_OF(names));
        assert_true(memory_store_add(store, STR("u"), str_of(names[i]), each));
    }
    return store;
}

/* All that a worker is given until the desk has no more; marks in `seen`. */
static size_t take_all(struct desk *desk, const struct store_port *port,
                       unsigned worker, unsigned char *seen)
{
    struct order *order = order_new(worker);
    size_t count = 0;
    do {
        order_clear(order);
        order->lanes_wanted = 10;
        assert_int_equal(desk_hand_out(desk, port, 0, order), ERR_NONE);
        for (size_t i = 0; i < order->lane_count; i++)
            seen[order->lanes[i].id]++;
        count += order->lane_count;
    } while (order->has_more_lanes || order->lane_count > 0);
    order_free(order);
    return count;
}

static void desk__every_lane_belongs_to_one_worker(void **state)
{
    (void)state;
    struct memory_store *store = store_with(300, 2);
    struct store_port port = memory_store_port(store);
    struct desk *desk = desk_new(NULL, 0, 3);
    unsigned char seen[301] = {0};
    size_t total = 0;
    for (unsigned worker = 0; worker < 3; worker++) {
        size_t count = take_all(desk, &port, worker, seen);
        assert_in_range(count, 60, 140);
        total += count;
    }
    assert_int_equal(total, 300);
    for (size_t i = 1; i <= 300; i++)
        assert_int_equal(seen[i], 1);
    assert_false(desk_is_empty(desk));
    desk_free(desk);
    memory_store_free(store);
}

static void desk__lane_that_was_given_back_is_handed_out_again(void **state)
{
    (void)state;
    struct memory_store *store = store_with(1, 2);
    struct store_port port = memory_store_port(store);
    struct desk *desk = desk_new(NULL, 0, 1);
    unsigned char seen[2] = {0};
    assert_int_equal(take_all(desk, &port, 0, seen), 1);
    assert_int_equal(take_all(desk, &port, 0, seen), 0);
    desk_take_back(desk, 0, 1);
    assert_true(desk_is_empty(desk));
    assert_int_equal(take_all(desk, &port, 0, seen), 1);
    desk_free(desk);
    memory_store_free(store);
}

static void desk__large_lane_without_limits_goes_to_all_workers(void **state)
{
    (void)state;
    struct memory_store *store = store_with(1, DESK_SHARED_PENDING);
    struct store_port port = memory_store_port(store);
    struct desk *desk = desk_new(NULL, 0, 2);
    unsigned char seen[2] = {0};
    take_all(desk, &port, 0, seen);
    take_all(desk, &port, 1, seen);
    assert_int_equal(seen[1], 2);
    desk_take_back(desk, 1, 1);
    assert_false(desk_is_empty(desk));
    desk_take_back(desk, 0, 1);
    assert_true(desk_is_empty(desk));
    desk_free(desk);
    memory_store_free(store);
}

static void desk__domains_that_share_a_limit_stay_on_one_worker(void **state)
{
    (void)state;
    struct memory_store *store = store_with(40, DESK_SHARED_PENDING);
    struct store_port port = memory_store_port(store);
    struct str domains[40];
    for (size_t i = 0; i < 40; i++)
        domains[i] = str_of(names[i]);
    struct limit_rule rule = {.domains = domains, .domain_count = 40};
    struct desk *desk = desk_new(&rule, 1, 4);
    unsigned char seen[41] = {0};
    size_t owners = 0;
    for (unsigned worker = 0; worker < 4; worker++)
        owners += take_all(desk, &port, worker, seen) > 0;
    assert_int_equal(owners, 1);
    desk_free(desk);
    memory_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(desk__every_lane_belongs_to_one_worker),
        cmocka_unit_test(desk__lane_that_was_given_back_is_handed_out_again),
        cmocka_unit_test(desk__large_lane_without_limits_goes_to_all_workers),
        cmocka_unit_test(desk__domains_that_share_a_limit_stay_on_one_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
