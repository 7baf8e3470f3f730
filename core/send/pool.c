#include "core/send/pool.h"

#include "core/base/clock.h"
#include "core/base/log.h"

#include <stdio.h>

/* Connections that are not used for so long are closed. */
#define POOL_IDLE_NS (20 * NS_PER_S)
/* Idle for so long: look for a goodbye before writing. */
#define POOL_STALE_NS (100 * NS_PER_MS)
/* A worker gives up connections for another one no faster. */
#define POOL_SHARE_NS (200 * NS_PER_MS)
/* Messages that a worker's connections hold together; what each holds at least, so
 * that arming is durable in time, and at most. */
#define POOL_MESSAGES  512u
#define POOL_DEPTH_MIN 4u
#define POOL_DEPTH_MAX 32u

static void pool_arm(void *self, struct flight *flight)
{
    struct pool *pool = self;
    pool->events.arm(pool->events.self, flight);
}

static uint_fast64_t pool_completed(const struct pool *pool)
{
    uint_fast64_t completed = 0;
    for (size_t i = 0; i < pool->relay_count; i++)
        completed += atomic_load(&pool->relays[i].shared->completed);
    return completed;
}

/* The relay has said that it takes nothing for now. A run that stays for the deferred
 * stays for that, and as long; one that does not leaves a little later. */
static void pool_limited(struct pool *pool, struct relay *relay, struct flight *flight,
                         const struct outcome *why)
{
    const struct run_settings *settings = pool->shared->settings;
    int64_t patience_ms = settings->wait_for_deferred ? settings->retry.give_up_ms
                                                      : settings->patience_limit_ms;
    uint64_t now_ns = net_loop_now_ns(pool->loop);
    uint_fast64_t completed = pool_completed(pool);
    flight->is_suspect = relay_limited(relay, why, now_ns);
    if (pool->limited_since_ns == 0 || completed > pool->completed_before_limit) {
        pool->limited_since_ns = now_ns;
        pool->completed_before_limit = completed;
    } else if (now_ns - pool->limited_since_ns >= (uint64_t)patience_ms * NS_PER_MS) {
        run_shared_end(pool->shared, RUN_LIMITED, RUN_DRAINING);
    }
}

static void pool_landed(void *self, struct channel *channel, struct flight *flight,
                        const struct outcome *outcome)
{
    struct pool *pool = self;
    struct relay *relay = &pool->relays[channel->relay_index];
    if (outcome_is_host_limit(outcome)) {
        pool_limited(pool, relay, flight, outcome);
    } else if (outcome->code != 0) {
        relay_answered(relay, channel);
        pool->down_since_ns = 0;
    }
    pool->events.landed(pool->events.self, flight, outcome);
}

static void pool_changed(void *self, struct channel *channel)
{
    struct pool *pool = self;
    if (list_is_empty(&channel->dirty_link))
        list_append(&pool->dirty, &channel->dirty_link);
}

static unsigned pool_depth(const struct run_settings *settings)
{
    unsigned connections = 0;
    for (size_t i = 0; i < settings->relay_count; i++)
        if (settings->relays[i].connections > connections)
            connections = settings->relays[i].connections;
    unsigned depth = POOL_MESSAGES / (connections > 0 ? connections : 1);
    if (depth < POOL_DEPTH_MIN)
        depth = POOL_DEPTH_MIN;
    return depth < POOL_DEPTH_MAX ? depth : POOL_DEPTH_MAX;
}

void pool_init(struct pool *pool, struct net_loop *loop, struct run_shared *shared,
               unsigned worker, const struct pool_events *events)
{
    const struct run_settings *settings = shared->settings;
    *pool = (struct pool){.loop = loop,
                          .shared = shared,
                          .events = *events,
                          .relay_count = settings->relay_count};
    pool->options = (struct channel_options){
        .depth = pool_depth(settings),
        .timeout_percent = settings->timeout_percent,
        .connect_timeout_ns = (uint64_t)settings->connect_timeout_ms * NS_PER_MS};
    for (size_t i = 0; i < pool->relay_count; i++)
        relay_init(&pool->relays[i], shared, i, worker, net_loop_now_ns(loop));
    list_init(&pool->connecting);
    list_init(&pool->roomy);
    list_init(&pool->full);
    list_init(&pool->leaving);
    list_init(&pool->over);
    list_init(&pool->dirty);
}

void pool_fini(struct pool *pool)
{
    CHECK(pool->count == 0);
}

struct str pool_relay_name(const struct pool *pool, const struct channel *channel)
{
    return str_of(pool->relays[channel->relay_index].name);
}

static bool channel_is_ready(const struct channel *channel)
{
    return channel->state == CHANNEL_READY || channel->state == CHANNEL_RETIRING;
}

static struct list *pool_list(struct pool *pool, const struct channel *channel)
{
    switch (channel->state) {
    case CHANNEL_CONNECTING: return &pool->connecting;
    case CHANNEL_READY: return channel_room(channel) > 0 ? &pool->roomy : &pool->full;
    case CHANNEL_RETIRING: return &pool->full;
    case CHANNEL_LEAVING: return &pool->leaving;
    case CHANNEL_OVER: return &pool->over;
    }
    return NULL;
}

/* The state that the relay's counts were last made for. */
static void pool_count(struct pool *pool, struct channel *channel, int by)
{
    struct relay *relay = &pool->relays[channel->relay_index];
    if (channel->counted_as == CHANNEL_CONNECTING)
        relay->connecting += (unsigned)by;
    if (channel->counted_as == CHANNEL_READY) {
        relay->ready += (unsigned)by;
        atomic_fetch_add(&relay->shared->ready, (unsigned)by);
    }
}

/* Puts a channel on the list of its state and keeps the counts. */
static void pool_place(struct pool *pool, struct channel *channel)
{
    enum channel_state counted_as =
        channel_is_ready(channel) ? CHANNEL_READY : channel->state;
    if (counted_as != channel->counted_as) {
        pool_count(pool, channel, -1);
        channel->counted_as = counted_as;
        pool_count(pool, channel, 1);
        if (counted_as == CHANNEL_READY) {
            relay_became_ready(&pool->relays[channel->relay_index]);
            pool->events.ready(pool->events.self);
        }
    }
    list_remove(&channel->link);
    list_append(pool_list(pool, channel), &channel->link);
}

static void pool_bury(struct pool *pool, struct channel *channel, uint64_t now_ns)
{
    struct relay *relay = &pool->relays[channel->relay_index];
    log_line(LOG_DEBUG, "connection-closed", "%s: %u messages, %u answered%s%s",
             relay->name, channel->submitted, channel->completed,
             channel->trouble[0] != '\0' ? ": " : "", channel->trouble);
    relay_learn_pipelining(relay, channel, now_ns);
    if (!pool->is_closing)
        relay_lost(relay, channel, now_ns);
    relay_release(relay);
    pool->count--;
    channel_free(channel);
}

void pool_flush(struct pool *pool, uint64_t now_ns)
{
    struct list *node;
    while ((node = list_shift(&pool->dirty)) != NULL) {
        struct channel *channel = container_of(node, struct channel, dirty_link);
        channel_flush(channel, now_ns);
        pool_place(pool, channel);
    }
    while ((node = list_shift(&pool->over)) != NULL)
        pool_bury(pool, container_of(node, struct channel, link), now_ns);
}

/* It may have changed since it was put on its list; and if it has been idle, its peer
 * may have closed it meanwhile. False: it takes nothing now. */
static bool pool_is_fresh(struct pool *pool, struct channel *channel, uint64_t now_ns)
{
    bool is_stale = list_is_empty(&channel->flights) &&
                    now_ns >= channel->active_ns + POOL_STALE_NS;
    if (is_stale)
        channel_poke(channel);
    if (channel_room(channel) > 0)
        return true;
    pool_place(pool, channel);
    return false;
}

/* The first that will do is taken: they are in the order in which they became free. A
 * message that has a pace to keep gets the emptiest, so as not to wait behind others.
 */
enum pool_answer pool_pick(struct pool *pool, const struct limit *limit,
                           uint64_t now_ns, struct channel **to)
{
    enum pool_answer answer = POOL_NO_ROOM;
    *to = NULL;
    LIST_FOREACH_SAFE(node, following, &pool->roomy)
    {
        struct channel *channel = container_of(node, struct channel, link);
        if (!pool_is_fresh(pool, channel, now_ns))
            continue;
        answer = POOL_CAPPED;
        if (!channel_may_carry(channel, limit) ||
            (*to != NULL && channel->in_flight >= (*to)->in_flight))
            continue;
        *to = channel;
        if (limit->interval_ns == 0 || channel->in_flight == 0)
            break;
    }
    if (*to != NULL)
        return POOL_PICKED;
    const struct limit_rule *rule = limit->rule;
    if (rule != NULL && rule->connections > 0 &&
        limit->connections >= rule->connections)
        answer = POOL_CAPPED;
    return answer;
}

void pool_submit(struct pool *pool, struct channel *channel, struct flight *flight,
                 struct limit *limit, uint64_t now_ns)
{
    channel_submit(channel, flight, limit, now_ns);
    pool_place(pool, channel);
}

/* The first relay that is up or may be tried. */
static struct relay *pool_relay(struct pool *pool, uint64_t now_ns)
{
    for (size_t i = 0; i < pool->relay_count; i++) {
        struct relay *relay = &pool->relays[i];
        if (relay_may_be_tried(relay, now_ns))
            return relay;
        if (relay->ready > 0)
            return NULL; /* it goes on with what it has */
    }
    return NULL;
}

/* It was not the relay's doing, so its breaker does not open and the run would wait for
 * ever. What is lacking may come back within a relay's first patience. */
static void pool_starve(struct pool *pool, const struct relay *relay, uint64_t now_ns)
{
    uint64_t patience_ns =
        (uint64_t)pool->shared->settings->patience_first_ms * NS_PER_MS;
    struct error error;
    if (pool->count > 0)
        return;
    if (pool->starved_since_ns == 0)
        pool->starved_since_ns = now_ns;
    if (now_ns - pool->starved_since_ns < patience_ns)
        return;
    error_set(&error, ERR_OS,
              "sending: %s: no memory or no threads are left for a connection; free "
              "some or raise the limit, and `broadside resume` goes on",
              relay->name);
    run_shared_fail(pool->shared, &error);
}

static bool pool_open_one(struct pool *pool, struct relay *relay, uint64_t now_ns)
{
    struct channel_events events = {pool, pool_arm, pool_landed, pool_changed};
    struct channel_options options = pool->options;
    options.is_lock_step = relay_is_lock_step(relay);
    struct channel *channel =
        channel_open(pool->loop, relay->settings, (unsigned)(relay - pool->relays),
                     &options, &events);
    if (channel == NULL) {
        relay_release(relay);
        pool_starve(pool, relay, now_ns);
        return false;
    }
    pool->starved_since_ns = 0;
    pool->count++;
    relay->connecting++;
    list_append(&pool->connecting, &channel->link);
    return true;
}

void pool_open(struct pool *pool, size_t wanted, uint64_t now_ns)
{
    if (pool->is_closing)
        return;
    for (;;) {
        struct relay *relay = pool_relay(pool, now_ns);
        if (relay == NULL || relay->connecting >= wanted ||
            !relay_reserve(relay, now_ns) || !pool_open_one(pool, relay, now_ns))
            return;
    }
}

/* A relay before the last one in use is up again: the later ones are not needed. */
static void pool_prefer_first(struct pool *pool)
{
    size_t first = 0;
    while (first < pool->relay_count && pool->relays[first].ready == 0)
        first++;
    LIST_FOREACH_SAFE(node, following, &pool->roomy)
    {
        struct channel *channel = container_of(node, struct channel, link);
        if (channel->relay_index > first && pool->relays[first].failures == 0)
            channel_retire(channel);
    }
}

/* Connections on which PIPELINING is still spoken to a relay that has broken it on
 * another one end with what is on the wire. */
static void pool_end_pipelined(struct pool *pool, uint64_t now_ns)
{
    struct list *heads[] = {&pool->roomy, &pool->full};
    bool is_any_lock_step = false;
    for (size_t i = 0; i < pool->relay_count; i++)
        is_any_lock_step |= relay_is_lock_step(&pool->relays[i]);
    for (size_t i = 0; is_any_lock_step && i < sizeof heads / sizeof heads[0]; i++)
        LIST_FOREACH_SAFE(node, following, heads[i])
        {
            struct channel *channel = container_of(node, struct channel, link);
            if (relay_is_lock_step(&pool->relays[channel->relay_index]) &&
                smtp_session_is_pipelined(channel->session))
                channel_quit(channel, now_ns);
        }
}

/* Gives up one connection, if another worker has a better right to it. */
static void pool_share(struct pool *pool, bool is_wanted, uint64_t now_ns)
{
    if (now_ns < pool->shared_ns + POOL_SHARE_NS)
        return;
    struct list *heads[] = {&pool->roomy, &pool->full};
    for (size_t i = 0; i < 2; i++)
        LIST_FOREACH_SAFE(node, following, heads[i])
        {
            struct channel *channel = container_of(node, struct channel, link);
            struct relay *relay = &pool->relays[channel->relay_index];
            if (channel->state != CHANNEL_READY || !relay_can_spare(relay, is_wanted))
                continue;
            channel_retire(channel);
            pool->shared_ns = now_ns;
            return;
        }
}

static void pool_tick_list(struct list *head, uint64_t now_ns)
{
    LIST_FOREACH_SAFE(node, following, head)
    channel_tick(container_of(node, struct channel, link), now_ns);
}

static void pool_retire_idle(struct pool *pool, uint64_t now_ns)
{
    LIST_FOREACH_SAFE(node, following, &pool->roomy)
    {
        struct channel *channel = container_of(node, struct channel, link);
        if (list_is_empty(&channel->flights) &&
            now_ns >= channel->active_ns + POOL_IDLE_NS)
            channel_retire(channel);
    }
}

/* All relays have been down for longer than the settings' patience. */
static bool pool_has_no_patience(struct pool *pool, uint64_t now_ns)
{
    const struct run_settings *settings = pool->shared->settings;
    int64_t patience_ms = atomic_load(&pool->shared->was_reached)
                              ? settings->patience_ms
                              : settings->patience_first_ms;
    return now_ns - pool->down_since_ns >= (uint64_t)patience_ms * NS_PER_MS;
}

static void pool_watch_relays(struct pool *pool, uint64_t now_ns)
{
    for (size_t i = 0; i < pool->relay_count; i++) {
        const struct relay *relay = &pool->relays[i];
        if (!relay_is_down(relay)) {
            pool->down_since_ns = 0;
            return;
        }
        /* Whichever worker it said so to: it can be reached. */
        uint_fast64_t limited_ns = atomic_load(&relay->shared->limited_ns);
        if (pool->down_since_ns > 0 && limited_ns > pool->down_since_ns)
            pool->down_since_ns = limited_ns;
    }
    if (pool->down_since_ns == 0)
        pool->down_since_ns = now_ns;
    else if (pool_has_no_patience(pool, now_ns))
        run_shared_end(pool->shared, RUN_RELAY_UNUSABLE, RUN_DRAINING);
}

void pool_tick(struct pool *pool, bool is_wanted, uint64_t now_ns)
{
    pool_tick_list(&pool->roomy, now_ns);
    pool_tick_list(&pool->full, now_ns);
    pool_tick_list(&pool->leaving, now_ns);
    pool_tick_list(&pool->connecting, now_ns);
    pool_retire_idle(pool, now_ns);
    pool_prefer_first(pool);
    pool_end_pipelined(pool, now_ns);
    is_wanted = is_wanted && !pool->is_closing;
    for (size_t i = 0; i < pool->relay_count; i++)
        relay_tick(&pool->relays[i], now_ns);
    relay_tell_hunger(pool->relays, pool->relay_count, is_wanted);
    pool_share(pool, is_wanted, now_ns);
    if (is_wanted)
        pool_watch_relays(pool, now_ns);
    else
        pool->down_since_ns = pool->starved_since_ns = 0;
}

void pool_quit(struct pool *pool, uint64_t now_ns)
{
    struct list *heads[] = {&pool->connecting, &pool->roomy, &pool->full};
    pool->is_closing = true;
    relay_tell_hunger(pool->relays, pool->relay_count, false);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        LIST_FOREACH_SAFE(node, following, heads[i])
    channel_quit(container_of(node, struct channel, link), now_ns);
}

void pool_abort(struct pool *pool, struct str why)
{
    struct list *heads[] = {&pool->connecting, &pool->roomy, &pool->full,
                            &pool->leaving};
    pool->is_closing = true;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        LIST_FOREACH_SAFE(node, following, heads[i])
    channel_abort(container_of(node, struct channel, link), why);
}
