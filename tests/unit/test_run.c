#include "tests/unit/run_fixture.h"

#include <stdatomic.h>

static void run__everybody_is_delivered_exactly_once(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene_add_domains(&scene, 500, 10);
    scene_add(&scene, "user", "large.example", 5000);
    scene_go(&scene);
    assert_int_equal(scene.err, ERR_NONE);
    assert_int_equal(scene.end, RUN_FINISHED);
    assert_int_equal(scene.counts[MEMORY_DELIVERED], 10000);
    assert_int_equal(scene_check_once(&scene), 10000);
    assert_int_equal(scene.progress.delivered, 10000);
    assert_int_equal(scene.progress.in_flight, 0);
    assert_true(sink_connections_peak(scene.sink) <= 8);
    scene_fini(&scene);
}

static void run__without_pipelining_everybody_is_delivered(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.sink_options.has_pipelining = false;
    scene_add_domains(&scene, 50, 10);
    scene_go(&scene);
    assert_int_equal(scene.end, RUN_FINISHED);
    assert_int_equal(scene.counts[MEMORY_DELIVERED], 500);
    assert_int_equal(scene_check_once(&scene), 500);
    scene_fini(&scene);
}

static void run__nothing_to_do_finishes_at_once(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene_go(&scene);
    assert_int_equal(scene.end, RUN_FINISHED);
    assert_true(scene.elapsed_ns < NS_PER_S);
    scene_fini(&scene);
}

static void run__each_kind_of_recipient_ends_in_its_state(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.settings.retry.give_up_ms = 2500;
    scene_add(&scene, "bounce", "a.example", 20);
    scene_add(&scene, "defer", "b.example", 20);
    scene_add(&scene, "spam", "c.example", 20);
    scene_add(&scene, "slow", "d.example", 8);
    scene_add(&scene, "user", "e.example", 500);
    scene_add(&scene, "full", "f.example", 5);
    scene_add(&scene, "drop", "g.example", 6);
    scene_go(&scene);
    assert_int_equal(scene.end, RUN_FINISHED);
    assert_int_equal(scene.counts[MEMORY_FAILED], 40);
    assert_int_equal(scene.counts[MEMORY_EXPIRED], 5);
    assert_int_equal(scene.counts[MEMORY_IN_DOUBT], 6);
    assert_int_equal(scene.counts[MEMORY_DELIVERED], 528);
    /* Recipients, not outcomes: each was deferred more than once, none is now. */
    assert_int_equal(scene.progress.deferred, 0);
    assert_int_equal(scene_check_once(&scene), 528);
    scene_fini(&scene);
}

static void run__limited_domain_keeps_its_rate_and_others_run(void **state)
{
    (void)state;
    struct scene scene;
    struct str limited = STR("limited.example");
    struct limit_rule rule = {.domains = &limited,
                              .domain_count = 1,
                              .rate = {.count = 50, .period_ns = NS_PER_S}};
    scene_init(&scene);
    scene.settings.limits = &rule;
    scene.settings.limit_count = 1;
    scene_add(&scene, "user", "limited.example", 150);
    scene_add_domains(&scene, 200, 50);
    scene_go(&scene);
    assert_int_equal(scene.counts[MEMORY_DELIVERED], 10150);
    size_t count, seen = 0;
    uint64_t first_ns = 0, last_ns = 0;
    const struct sink_entry *log = sink_log(scene.sink, &count);
    for (size_t i = 0; i < count; i++)
        if (strstr(log[i].rcpt, "@limited.example") != NULL) {
            first_ns = seen++ == 0 ? log[i].at_ns : first_ns;
            last_ns = log[i].at_ns;
        }
    double rate = (double)(seen - 1) / ((double)(last_ns - first_ns) / 1e9);
    print_message("limited to 50/s, measured %.2f/s\n", rate);
    assert_true(rate > 49.0 && rate < 51.0);
    scene_fini(&scene);
}

/* A message that did not leave uses up no turn of its domain; one that was refused
 * does. */
static void run__only_what_reached_the_server_uses_up_the_rate(void **state)
{
    (void)state;
    struct str limited = STR("a.example");
    struct limit_rule rule = {.domains = &limited,
                              .domain_count = 1,
                              .rate = {.count = 10, .period_ns = 50 * NS_PER_S}};
    struct scene scene;
    scene_init(&scene);
    scene.settings.limits = &rule;
    scene.settings.limit_count = 1;
    scene.settings.retry.give_up_ms = 100;
    /* It breaks the connection five times before it is deferred. */
    scene_add(&scene, "hangup", "a.example", 1);
    scene_go(&scene);
    assert_int_equal(scene.counts[MEMORY_EXPIRED], 1);
    assert_true(scene.elapsed_ns < 5 * NS_PER_S);
    scene_fini(&scene);

    scene_init(&scene);
    rule.rate = (struct rate){.count = 10, .period_ns = NS_PER_S};
    scene.settings.limits = &rule;
    scene.settings.limit_count = 1;
    scene_add(&scene, "bounce", "a.example", 4);
    scene_go(&scene);
    assert_int_equal(scene.counts[MEMORY_FAILED], 4);
    assert_true(scene.elapsed_ns >= 300 * NS_PER_MS);
    scene_fini(&scene);
}

/* The turn after the last one is waited for by nobody. */
static void run__ends_with_its_last_outcome_however_slow_a_domain_is(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    struct str any = STR("*");
    struct limit_rule rule = {
        .domains = &any, .domain_count = 1, .rate = {1, 2 * NS_PER_S}};
    scene.settings.limits = &rule;
    scene.settings.limit_count = 1;
    scene_add(&scene, "defer", "a.example", 1);
    scene_go(&scene);
    assert_int_equal(scene.end, RUN_FINISHED);
    assert_int_equal(scene.counts[MEMORY_DELIVERED], 1);
    assert_in_range(scene.elapsed_ns, 2 * NS_PER_S, 39 * NS_PER_S / 10);
    scene_fini(&scene);
}

static void run__without_waiting_no_slow_domain_is_waited_for(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    struct str any = STR("*");
    struct limit_rule rule = {
        .domains = &any, .domain_count = 1, .rate = {1, 4 * NS_PER_S}};
    scene.settings.limits = &rule;
    scene.settings.limit_count = 1;
    scene.settings.wait_for_deferred = false;
    scene.settings.retry.first_ms = 3600000;
    scene.settings.retry.longest_ms = 3600000;
    scene_add(&scene, "defer", "a.example", 1);
    scene_go(&scene);
    assert_int_equal(scene.end, RUN_ONLY_DEFERRED);
    assert_true(scene.elapsed_ns < 35 * NS_PER_S / 10);
    scene_fini(&scene);
}

static void run__connections_of_a_domain_are_capped(void **state)
{
    (void)state;
    struct scene scene;
    struct str any = STR("*");
    struct limit_rule rule = {.domains = &any,
                              .domain_count = 1,
                              .connections = 2,
                              .messages_per_connection = 25};
    scene_init(&scene);
    scene.settings.limits = &rule;
    scene.settings.limit_count = 1;
    scene_add_domains(&scene, 4, 500);
    scene_go(&scene);
    assert_int_equal(scene.end, RUN_FINISHED);
    assert_int_equal(scene.counts[MEMORY_DELIVERED], 2000);
    size_t count;
    const struct sink_entry *log = sink_log(scene.sink, &count);
    unsigned total = sink_connections_total(scene.sink) + 1;
    unsigned *carried = calloc(4 * (size_t)total, sizeof *carried);
    for (size_t i = 0; i < count; i++) {
        size_t lane = (size_t)(strchr(log[i].rcpt, '@')[2] - '0');
        assert_true(++carried[lane * total + log[i].connection] <= 25);
    }
    free(carried);
    scene_fini(&scene);
}

static void run__unconfirmed_never_exceed_the_cap(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.settings.unconfirmed_max = 5;
    scene_add_domains(&scene, 20, 20);
    scene_go(&scene);
    assert_int_equal(scene.counts[MEMORY_DELIVERED], 400);
    assert_true(memory_store_armed_peak(scene.store) <= 5);
    scene_fini(&scene);
}

static void run__what_the_store_denies_is_not_sent(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    memory_store_deny_every(scene.store, 10);
    scene_add_domains(&scene, 20, 50);
    scene_go(&scene);
    assert_int_equal(scene.end, RUN_FINISHED);
    assert_int_equal(scene.counts[MEMORY_SUPPRESSED], 100);
    assert_int_equal(scene.counts[MEMORY_DELIVERED], 900);
    assert_int_equal(scene_check_once(&scene), 900);
    scene_fini(&scene);
}

/* While commits are slow, servers answer before there was room to ask for arming: that
 * is asked all the same, and somebody suppressed meanwhile has no outcome. */
static void run__what_was_answered_before_it_was_armed_may_be_suppressed(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    memory_store_set_latency(scene.store, 20 * NS_PER_MS);
    memory_store_deny_every(scene.store, 10);
    for (size_t i = 0; i < 20; i++) {
        snprintf(domains[i], sizeof domains[i], "d%zu.example", i);
        scene_add(&scene, "bounce", domains[i], 20);
    }
    scene_go(&scene);
    assert_int_equal(scene.end, RUN_FINISHED);
    assert_int_equal(scene.counts[MEMORY_SUPPRESSED], 40);
    assert_int_equal(scene.counts[MEMORY_FAILED], 360);
    assert_int_equal(memory_store_charged(scene.store), 360);
    scene_fini(&scene);
}

/* Nor was it asked for what the session itself refuses: here SMTPUTF8 is wanting. */
static void run__what_never_was_to_be_armed_has_its_outcome(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.sink_options.has_pipelining = false; /* the sink then offers nothing at all */
    memory_store_deny_every(scene.store, 10);
    scene_add(&scene, "m\xC3\xBCller", "d0.example", 20);
    scene_go(&scene);
    assert_int_equal(scene.end, RUN_FINISHED);
    assert_int_equal(scene.counts[MEMORY_SUPPRESSED], 2);
    assert_int_equal(scene.counts[MEMORY_FAILED], 18);
    scene_fini(&scene);
}

static void tick_drain(struct scene *scene)
{
    if (scene->progress.delivered >= 300)
        run_drain(scene->run);
}

static void tick_stop(struct scene *scene)
{
    if (scene->progress.delivered >= 300)
        run_stop(scene->run);
}

static void tick_pause(struct scene *scene)
{
    if (scene->progress.delivered >= 300)
        memory_store_command(scene->store, RUN_PAUSE);
}

/* Nothing is left half-way, and what arrived is what is known. */
static void scene_check_ended_early(struct scene *scene, enum run_end end)
{
    assert_int_equal(scene->err, ERR_NONE);
    assert_int_equal(scene->end, end);
    assert_int_equal(scene->counts[MEMORY_CLAIMED], 0);
    assert_int_equal(scene->counts[MEMORY_ARMED], 0);
    assert_true(scene->counts[MEMORY_PENDING] > 0);
    size_t arrived = scene_check_once(scene);
    assert_true(arrived >= scene->counts[MEMORY_DELIVERED]);
    assert_true(arrived <=
                scene->counts[MEMORY_DELIVERED] + scene->counts[MEMORY_IN_DOUBT]);
}

static void run__drain_finishes_what_is_on_the_wire(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.tick = tick_drain;
    scene_add_domains(&scene, 3000, 100);
    scene_go(&scene);
    scene_check_ended_early(&scene, RUN_DRAINED);
    assert_int_equal(scene.counts[MEMORY_IN_DOUBT], 0);
    scene_fini(&scene);
}

static void run__stop_leaves_what_was_sent_in_doubt(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.tick = tick_stop;
    scene_add_domains(&scene, 3000, 100);
    scene_go(&scene);
    scene_check_ended_early(&scene, RUN_DRAINED);
    scene_fini(&scene);
}

static void run__pause_from_another_terminal_drains(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.tick = tick_pause;
    scene_add_domains(&scene, 3000, 100);
    scene_go(&scene);
    scene_check_ended_early(&scene, RUN_PAUSED);
    assert_int_equal(scene.counts[MEMORY_IN_DOUBT], 0);
    scene_fini(&scene);
}

static void run__only_deferred_left_ends_it_without_waiting(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.settings.wait_for_deferred = false;
    scene.settings.retry.first_ms = scene.settings.retry.longest_ms = 60000;
    scene_add(&scene, "full", "a.example", 10);
    scene_add_domains(&scene, 10, 10);
    scene_go(&scene);
    assert_int_equal(scene.end, RUN_ONLY_DEFERRED);
    assert_int_equal(scene.counts[MEMORY_DEFERRED], 10);
    assert_int_equal(scene.progress.deferred, 10);
    assert_int_equal(scene.counts[MEMORY_DELIVERED], 100);
    assert_true(scene.elapsed_ns < 3 * NS_PER_S);
    scene_fini(&scene);
}

/* A wall clock that somebody sets while the first retries wait. */
static _Atomic int64_t clock_jump_ms;

static uint64_t jumping_boot_ns(void *self)
{
    (void)self;
    return clock_boot_ns();
}

static int64_t jumping_wall_ms(void *self)
{
    (void)self;
    return clock_wall_ms() + atomic_load(&clock_jump_ms);
}

static void tick_jump(struct scene *scene)
{
    if (scene->progress.attempts > 0)
        atomic_store(&clock_jump_ms, scene->jump_ms);
    if (clock_boot_ns() - scene->started_ns > 8 * NS_PER_S)
        run_stop(scene->run);
}

static void run__setting_the_clock_moves_no_retry(void **state)
{
    (void)state;
    static const struct clock_port jumping = {jumping_boot_ns, jumping_wall_ms, NULL};
    static const int64_t day_ms = 86400000;
    for (int64_t days = -3; days <= 3; days += 6) {
        struct scene scene;
        scene_init(&scene);
        atomic_store(&clock_jump_ms, 0);
        scene.jump_ms = days * day_ms;
        scene.started_ns = clock_boot_ns();
        scene.clock = &jumping;
        scene.tick = tick_jump;
        scene.settings.retry.give_up_ms = 2 * day_ms;
        scene_add(&scene, "defer", "d.example", 5);
        scene_add(&scene, "plain", "e.example", 5);
        scene_go(&scene);
        assert_int_equal(scene.end, RUN_FINISHED);
        assert_int_equal(scene.counts[MEMORY_DELIVERED], 10);
        scene_fini(&scene);
    }
}

static void run__in_doubt_is_sent_again_if_asked_for(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.settings.retry_in_doubt = true;
    scene.settings.retry.give_up_ms = 1500;
    scene_add(&scene, "drop", "a.example", 2);
    scene_add_domains(&scene, 10, 10);
    scene_go(&scene);
    assert_int_equal(scene.end, RUN_FINISHED);
    assert_int_equal(scene.counts[MEMORY_EXPIRED], 2);
    assert_int_equal(scene.counts[MEMORY_IN_DOUBT], 0);
    assert_int_equal(scene.counts[MEMORY_DELIVERED], 100);
    scene_fini(&scene);
}

static void run__store_failure_ends_the_run(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    memory_store_fail_at(scene.store, 20);
    scene_add_domains(&scene, 100, 100);
    scene_go(&scene);
    assert_int_equal(scene.err, ERR_STORAGE);
    assert_int_equal(scene.end, RUN_FAILED);
    assert_string_equal(scene.error.text, "memory store: told to fail");
    scene_fini(&scene);
}

static void run__settings_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    struct store_port store = memory_store_port(scene.store);
    struct compose_port compose = constant_compose_port(&message);
    struct run *run = NULL;
    scene.relays[0].port = 25;
    scene.relays[0].tls = RELAY_TLS_REQUIRED;
    assert_int_equal(
        run_new(&scene.settings, &store, &compose, NULL, &run, &scene.error),
        ERR_CONFIG);
    scene.relays[0].tls = RELAY_TLS_NONE;
    scene.relays[0].connections = 0;
    assert_int_equal(
        run_new(&scene.settings, &store, &compose, NULL, &run, &scene.error),
        ERR_CONFIG);
    assert_null(run);
    scene_fini(&scene);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run__everybody_is_delivered_exactly_once),
        cmocka_unit_test(run__without_pipelining_everybody_is_delivered),
        cmocka_unit_test(run__nothing_to_do_finishes_at_once),
        cmocka_unit_test(run__each_kind_of_recipient_ends_in_its_state),
        cmocka_unit_test(run__limited_domain_keeps_its_rate_and_others_run),
        cmocka_unit_test(run__only_what_reached_the_server_uses_up_the_rate),
        cmocka_unit_test(run__ends_with_its_last_outcome_however_slow_a_domain_is),
        cmocka_unit_test(run__without_waiting_no_slow_domain_is_waited_for),
        cmocka_unit_test(run__connections_of_a_domain_are_capped),
        cmocka_unit_test(run__unconfirmed_never_exceed_the_cap),
        cmocka_unit_test(run__what_the_store_denies_is_not_sent),
        cmocka_unit_test(run__what_was_answered_before_it_was_armed_may_be_suppressed),
        cmocka_unit_test(run__what_never_was_to_be_armed_has_its_outcome),
        cmocka_unit_test(run__drain_finishes_what_is_on_the_wire),
        cmocka_unit_test(run__stop_leaves_what_was_sent_in_doubt),
        cmocka_unit_test(run__pause_from_another_terminal_drains),
        cmocka_unit_test(run__only_deferred_left_ends_it_without_waiting),
        cmocka_unit_test(run__setting_the_clock_moves_no_retry),
        cmocka_unit_test(run__in_doubt_is_sent_again_if_asked_for),
        cmocka_unit_test(run__store_failure_ends_the_run),
        cmocka_unit_test(run__settings_that_make_no_sense_are_refused),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
