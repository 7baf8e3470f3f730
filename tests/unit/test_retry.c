#include "core/send/retry.h"

#include "tests/unit/cmocka_all.h"

static const struct retry_settings settings = {
    .first_ms = 300000, .factor = 2, .longest_ms = 14400000, .give_up_ms = 172800000};

static void retry__pauses_grow_by_the_factor_up_to_the_longest(void **state)
{
    (void)state;
    int64_t want_ms = settings.first_ms;
    for (uint32_t attempts = 1; attempts < 40; attempts++) {
        int64_t at_ms = retry_at(&settings, attempts, 1000, 1000, 7);
        int64_t pause_ms = at_ms - 1000;
        assert_true(pause_ms >= want_ms);
        assert_true(pause_ms <= want_ms + want_ms / 100 * RETRY_JITTER_PERCENT);
        want_ms = want_ms * 2 < settings.longest_ms ? want_ms * 2 : settings.longest_ms;
    }
}

static void retry__same_delivery_and_attempt_give_the_same_time(void **state)
{
    (void)state;
    int64_t first = retry_at(&settings, 3, 5000, 1000, 42);
    assert_int_equal(retry_at(&settings, 3, 5000, 1000, 42), first);
    int different = 0;
    for (int64_t id = 0; id < 50; id++)
        different += retry_at(&settings, 3, 5000, 1000, id) != first;
    assert_true(different > 30);
}

static void retry__beyond_give_up_it_expires(void **state)
{
    (void)state;
    int64_t first_ms = 1000;
    int64_t late_ms = first_ms + settings.give_up_ms - settings.first_ms / 2;
    assert_int_equal(retry_at(&settings, 1, late_ms, first_ms, 1), -1);
    assert_true(retry_at(&settings, 1, first_ms, first_ms, 1) > 0);
    /* Never armed: nothing to count from. */
    assert_true(retry_at(&settings, 1, late_ms, 0, 1) > 0);
}

static void retry__a_host_is_left_alone_twice_as_long_up_to_the_most(void **state)
{
    (void)state;
    assert_int_equal(retry_doubled(100, 0, 4000), 100);
    assert_int_equal(retry_doubled(100, 5, 4000), 3200);
    assert_int_equal(retry_doubled(100, 6, 4000), 4000);
    assert_int_equal(retry_doubled(1, 1000, 300), 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry__pauses_grow_by_the_factor_up_to_the_longest),
        cmocka_unit_test(retry__same_delivery_and_attempt_give_the_same_time),
        cmocka_unit_test(retry__beyond_give_up_it_expires),
        cmocka_unit_test(retry__a_host_is_left_alone_twice_as_long_up_to_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
