#include "core/base/clock.h"
#include "core/net/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

struct probe {
    struct net_loop *loop;
    struct net_timer timers[3];
    int order[8];
    int fired, turns, signals;
    uint64_t started_ns, elapsed_ns;
};

static void probe_fire_first(void *self)
{
    struct probe *probe = self;
    probe->order[probe->fired++] = 0;
}

static void probe_fire_second(void *self)
{
    struct probe *probe = self;
    probe->order[probe->fired++] = 1;
    probe->elapsed_ns = clock_mono_ns() - probe->started_ns;
    net_loop_stop(probe->loop);
}

static void loop__timers_fire_in_order_and_never_early(void **state)
{
    (void)state;
    struct probe probe = {.started_ns = clock_mono_ns()};
    assert_int_equal(net_loop_new(&probe.loop), ERR_NONE);
    net_timer_init(&probe.timers[0], probe_fire_first, &probe);
    net_timer_init(&probe.timers[1], probe_fire_second, &probe);
    net_timer_init(&probe.timers[2], probe_fire_first, &probe);
    net_timer_start(probe.loop, &probe.timers[1], probe.started_ns + 20 * NS_PER_MS);
    net_timer_start(probe.loop, &probe.timers[0], probe.started_ns + 5 * NS_PER_MS);
    net_timer_start(probe.loop, &probe.timers[2], probe.started_ns + NS_PER_MS);
    net_timer_stop(probe.loop, &probe.timers[2]);
    net_loop_run(probe.loop);
    assert_int_equal(probe.fired, 2);
    assert_int_equal(probe.order[0], 0);
    assert_int_equal(probe.order[1], 1);
    assert_true(probe.elapsed_ns >= 20 * NS_PER_MS);
    net_loop_free(probe.loop);
}

static void probe_restart(void *self)
{
    struct probe *probe = self;
    if (++probe->fired == 100)
        net_loop_stop(probe->loop);
    else
        net_timer_start(probe->loop, &probe->timers[0], 0);
}

static void probe_count_turn(void *self)
{
    ((struct probe *)self)->turns++;
}

static void loop__timer_started_in_the_past_lets_the_loop_turn(void **state)
{
    (void)state;
    struct probe probe = {0};
    assert_int_equal(net_loop_new(&probe.loop), ERR_NONE);
    net_loop_on_turn(probe.loop, probe_count_turn, &probe);
    net_timer_init(&probe.timers[0], probe_restart, &probe);
    net_timer_start(probe.loop, &probe.timers[0], 0);
    net_loop_run(probe.loop);
    assert_int_equal(probe.fired, 100);
    assert_true(probe.turns >= 99);
    net_loop_free(probe.loop);
}

static void probe_turn(void *self)
{
    struct probe *probe = self;
    if (++probe->turns == 2)
        net_loop_stop(probe->loop);
}

static void *probe_wake(void *self)
{
    usleep(5000);
    net_loop_wake(((struct probe *)self)->loop);
    return NULL;
}

static void loop__wake_from_another_thread_runs_the_turn_hook(void **state)
{
    (void)state;
    struct probe probe = {0};
    assert_int_equal(net_loop_new(&probe.loop), ERR_NONE);
    net_loop_on_turn(probe.loop, probe_turn, &probe);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, probe_wake, &probe), 0);
    net_loop_run(probe.loop);
    pthread_join(thread, NULL);
    assert_int_equal(probe.turns, 2);
    net_loop_free(probe.loop);
}

static void probe_signalled(void *self, int signal_number)
{
    struct probe *probe = self;
    probe->signals += signal_number == SIGUSR1;
    net_loop_stop(probe->loop);
}

static void loop__signal_is_caught_in_the_loop(void **state)
{
    (void)state;
    struct probe probe = {0};
    assert_int_equal(net_loop_new(&probe.loop), ERR_NONE);
    assert_int_equal(net_loop_on_signal(probe.loop, SIGUSR1, probe_signalled, &probe),
                     ERR_NONE);
    raise(SIGUSR1);
    net_loop_run(probe.loop);
    assert_int_equal(probe.signals, 1);
    net_loop_free(probe.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loop__timers_fire_in_order_and_never_early),
        cmocka_unit_test(loop__timer_started_in_the_past_lets_the_loop_turn),
        cmocka_unit_test(loop__wake_from_another_thread_runs_the_turn_hook),
        cmocka_unit_test(loop__signal_is_caught_in_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
