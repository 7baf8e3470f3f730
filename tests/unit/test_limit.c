#include "core/send/limit.h"

#include "core/base/clock.h"
#include "tests/unit/cmocka_all.h"

static struct limit limit_of(struct limit_rule *rule, uint64_t count,
                             uint64_t period_ns)
{
    struct limit limit;
    *rule = (struct limit_rule){.rate = {count, period_ns}};
    limit_init(&limit, rule, 1);
    return limit;
}

/* Takes as often as it may, looking every step_ns, for a time; always wanting more. */
static uint64_t limit_count(struct limit *limit, uint64_t from_ns, uint64_t for_ns,
                            uint64_t step_ns)
{
    uint64_t taken = 0;
    for (uint64_t now_ns = from_ns; now_ns < from_ns + for_ns; now_ns += step_ns) {
        while (limit_ready_ns(limit) <= now_ns) {
            limit_take(limit, now_ns);
            taken++;
        }
        limit_wait(limit);
    }
    return taken;
}

static void limit__rate_is_exact_over_ten_seconds(void **state)
{
    (void)state;
    static const struct {
        uint64_t count, period_ns, want;
    } cases[] = {{50, NS_PER_S, 500},     {1, NS_PER_S, 10},
                 {1000, NS_PER_S, 10000}, {7, NS_PER_S, 70},
                 {90, 60 * NS_PER_S, 15}, {20000, NS_PER_S, 200000}};
    /* Looked at once in 1.3 ms, as a loop with timers of 1 ms does. */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct limit_rule rule;
        struct limit limit = limit_of(&rule, cases[i].count, cases[i].period_ns);
        uint64_t taken = limit_count(&limit, NS_PER_S, 10 * NS_PER_S, 1300000);
        assert_in_range(taken, cases[i].want - cases[i].want / 100,
                        cases[i].want + cases[i].want / 100 + 1);
    }
}

static void limit__time_in_which_nothing_waited_is_not_made_up_for(void **state)
{
    (void)state;
    struct limit_rule rule;
    struct limit limit = limit_of(&rule, 1000, NS_PER_S);
    limit_count(&limit, NS_PER_S, NS_PER_S, NS_PER_MS);
    limit_rest(&limit);
    uint64_t now_ns = 60 * NS_PER_S;
    limit_take(&limit, now_ns);
    assert_int_equal(limit_ready_ns(&limit), now_ns + NS_PER_MS);
}

static void limit__lateness_is_made_up_for_within_bounds(void **state)
{
    (void)state;
    struct limit_rule rule;
    struct limit limit = limit_of(&rule, 1000, NS_PER_S);
    limit_take(&limit, NS_PER_S);
    limit_wait(&limit);
    /* The loop stands still for a second. */
    uint64_t now_ns = 2 * NS_PER_S, taken = 0;
    while (limit_ready_ns(&limit) <= now_ns) {
        limit_take(&limit, now_ns);
        taken++;
    }
    assert_in_range(taken, 2, LIMIT_CATCH_UP_NS / NS_PER_MS + 1);
}

static void limit__without_a_rate_nothing_waits(void **state)
{
    (void)state;
    struct limit limit;
    limit_init(&limit, NULL, 1);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(limit_ready_ns(&limit), 0);
        limit_take(&limit, NS_PER_S);
    }
}

/* Another goes in the place of one that did not leave, at the time that was its. */
static void limit__refund_gives_the_turn_back(void **state)
{
    (void)state;
    struct limit_rule rule;
    struct limit limit = limit_of(&rule, 1000, NS_PER_S);
    limit_take(&limit, NS_PER_S);
    assert_int_equal(limit_ready_ns(&limit), NS_PER_S + NS_PER_MS);
    limit_refund(&limit);
    assert_int_equal(limit_ready_ns(&limit), NS_PER_S);
    limit_take(&limit, NS_PER_S + NS_PER_MS / 2);
    assert_int_equal(limit_ready_ns(&limit), NS_PER_S + NS_PER_MS);
}

static void limits__specific_rule_wins_over_the_general_one(void **state)
{
    (void)state;
    struct str any = STR("*"), gmail[] = {STR("gmail.com"), STR("googlemail.com")};
    struct limit_rule rules[] = {{.domains = &any, .domain_count = 1},
                                 {.domains = gmail, .domain_count = 2}};
    bool together;
    assert_ptr_equal(limit_rule_find(rules, 2, STR("googlemail.com"), &together),
                     &rules[1]);
    assert_true(together);
    assert_ptr_equal(limit_rule_find(rules, 2, STR("example.org"), &together),
                     &rules[0]);
    assert_false(together);
    assert_null(limit_rule_find(&rules[1], 1, STR("example.org"), &together));
    assert_false(together);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit__rate_is_exact_over_ten_seconds),
        cmocka_unit_test(limit__time_in_which_nothing_waited_is_not_made_up_for),
        cmocka_unit_test(limit__lateness_is_made_up_for_within_bounds),
        cmocka_unit_test(limit__without_a_rate_nothing_waits),
        cmocka_unit_test(limit__refund_gives_the_turn_back),
        cmocka_unit_test(limits__specific_rule_wins_over_the_general_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
