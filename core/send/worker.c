#include "core/send/worker.h"

#include "core/base/clock.h"
#include "core/send/worker_state.h"

#include <stdlib.h>

/* How often timeouts, idle connections and the phase are looked at. */
#define WORKER_TICK_NS (100 * NS_PER_MS)
/* At the cap of unconfirmed messages another worker's outcome may make room. */
#define WORKER_CAP_RETRY_NS (2 * NS_PER_MS)
/* Saying QUIT when nothing is in flight. */
#define WORKER_GOODBYE_NS NS_PER_S

static void worker_arm(void *self, struct flight *flight)
{
    struct worker *worker = self;
    list_append(&worker->to_arm, &flight->arm_link);
}

static void worker_ready(void *self)
{
    struct worker *worker = self;
    worker->has_new_connection = true;
}

/* Messages that are not durably armed do not go out any more. */
static void worker_withhold(struct list *channels)
{
    LIST_FOREACH(node, channels)
    {
        struct channel *channel = container_of(node, struct channel, link);
        for (struct list *at = channel->flights.next; at != &channel->flights;) {
            struct flight *flight = container_of(at, struct flight, link);
            at = at->next;
            if (flight->arming == FLIGHT_GRANTED || flight->is_withdrawn)
                continue;
            flight->is_withdrawn = true;
            channel_withdraw(channel, flight);
            /* Withdrawing one may have ended the session and emptied the list. */
            at = channel->flights.next;
        }
    }
}

static void worker_begin_drain(struct worker *worker)
{
    int64_t drain_ms = worker->shared->settings->drain_ms;
    worker->is_draining = true;
    worker->has_jobs_to_return = true;
    worker->drain_until_ns = worker->now_ns + (uint64_t)drain_ms * NS_PER_MS;
    if (worker->flights.in_use == 0)
        worker->drain_until_ns = worker->now_ns + WORKER_GOODBYE_NS;
    worker_withhold(&worker->pool.roomy);
    worker_withhold(&worker->pool.full);
    pool_quit(&worker->pool, worker->now_ns);
}

static void worker_follow_phase(struct worker *worker)
{
    enum run_phase phase = run_shared_phase(worker->shared);
    if (phase == RUN_SENDING)
        return;
    if (!worker->is_draining)
        worker_begin_drain(worker);
    if (!worker->is_aborted &&
        (phase == RUN_STOPPING || worker->now_ns >= worker->drain_until_ns)) {
        worker->is_aborted = true;
        pool_abort(&worker->pool, STR("closed by this side"));
    }
}

static void worker_tick(struct worker *worker)
{
    worker->tick_ns = worker->now_ns + WORKER_TICK_NS;
    pool_tick(&worker->pool, worker->schedule.ring_count > 0, worker->now_ns);
}

static void worker_set_timer(struct worker *worker)
{
    uint64_t at_ns = worker->tick_ns;
    uint64_t wake_ns = schedule_wake_ns(&worker->schedule);
    if (!worker->is_draining && wake_ns < at_ns)
        at_ns = wake_ns;
    if (worker->is_at_unconfirmed_max && worker->now_ns + WORKER_CAP_RETRY_NS < at_ns)
        at_ns = worker->now_ns + WORKER_CAP_RETRY_NS;
    net_timer_start(worker->loop, &worker->timer, at_ns);
}

static void worker_turn(void *self)
{
    struct worker *worker = self;
    worker->now_ns = net_loop_now_ns(worker->loop);
    worker->wall_ms = run_shared_wall_ms(worker->shared);
    worker_take_answers(worker);
    worker_follow_phase(worker);
    if (worker->now_ns >= worker->tick_ns)
        worker_tick(worker);
    if (worker->has_new_connection)
        schedule_unblock_all(&worker->schedule);
    worker->has_new_connection = false;
    schedule_wake(&worker->schedule, worker->now_ns);
    if (!worker->is_draining)
        worker_send(worker);
    pool_flush(&worker->pool, worker->now_ns);
    worker_post_orders(worker);
    worker_set_timer(worker);
    if (atomic_load_explicit(&worker->is_cancelled, memory_order_relaxed))
        net_loop_stop(worker->loop);
}

/* The turn hook does it all; the timer only ends the wait. */
static void worker_timer_fired(void *self)
{
    (void)self;
}

static void *worker_main(void *self)
{
    struct worker *worker = self;
    net_loop_run(worker->loop);
    return NULL;
}

static enum err worker_make_orders(struct worker *worker)
{
    for (unsigned i = 0; i < LEDGER_ORDERS_PER_WORKER; i++) {
        struct order *order = order_new(worker->index);
        if (order == NULL)
            return ERR_MEMORY;
        list_append(&worker->orders, &order->mail.link);
    }
    return ERR_NONE;
}

static void worker_free_orders(struct worker *worker)
{
    struct list *node;
    while ((node = list_shift(&worker->orders)) != NULL)
        order_free(container_of(node, struct order, mail.link));
}

/* Rings are wide enough to fill all connections twice. */
static size_t worker_ring_max(const struct run_shared *shared)
{
    size_t ring_max = 2 * shared->settings->relays[0].connections / shared->workers;
    return ring_max < 16 ? 16 : ring_max;
}

enum err worker_new(struct run_shared *shared, unsigned index, struct worker **to)
{
    const struct run_settings *settings = shared->settings;
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return ERR_MEMORY;
    worker->shared = shared;
    worker->index = index;
    list_init(&worker->to_arm);
    list_init(&worker->to_record);
    list_init(&worker->orders);
    enum err err = net_loop_new(&worker->loop);
    if (err != ERR_NONE)
        goto fail_loop;
    err = schedule_init(&worker->schedule, settings->limits, settings->limit_count,
                        worker_ring_max(shared));
    if (err == ERR_NONE)
        err = worker_make_orders(worker);
    if (err != ERR_NONE)
        goto fail_orders;
    err = ERR_MEMORY;
    worker->composer = shared->compose.open(shared->compose.self);
    if (worker->composer == NULL)
        goto fail_orders;
    struct pool_events events = {worker, worker_arm, worker_landed, worker_ready};
    pool_init(&worker->pool, worker->loop, shared, index, &events);
    flights_init(&worker->flights, WORKER_FLIGHTS_MAX);
    mailbox_init(&worker->inbox, LEDGER_ORDERS_PER_WORKER, net_loop_wake, worker->loop);
    net_timer_init(&worker->timer, worker_timer_fired, worker);
    net_loop_on_turn(worker->loop, worker_turn, worker);
    *to = worker;
    return ERR_NONE;

fail_orders:
    worker_free_orders(worker);
    schedule_fini(&worker->schedule);
    net_loop_free(worker->loop);
fail_loop:
    free(worker);
    return err;
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    schedule_fini(&worker->schedule);
    pool_fini(&worker->pool);
    flights_fini(&worker->flights);
    worker_free_orders(worker);
    net_timer_stop(worker->loop, &worker->timer);
    net_loop_free(worker->loop);
    mailbox_fini(&worker->inbox);
    worker->shared->compose.close(worker->composer);
    free(worker);
}

struct mailbox *worker_inbox(struct worker *worker)
{
    return &worker->inbox;
}

enum err worker_start(struct worker *worker)
{
    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
        return ERR_OS;
    return ERR_NONE;
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
}

void worker_cancel(struct worker *worker)
{
    atomic_store(&worker->is_cancelled, true);
    net_loop_wake(worker->loop);
    pthread_join(worker->thread, NULL);
}

void worker_wake(struct worker *worker)
{
    net_loop_wake(worker->loop);
}
