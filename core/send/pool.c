#include "core/send/pool.h"

#include "core/base/clock.h"
#include "core/base/log.h"

#include <stdio.h>

/* Connections that are not used for so long are closed. */
#define POOL_IDLE_NS (20 * NS_PER_S)
/* Idle for so long: look for a goodbye before writing. */
#define POOL_STALE_NS       (100 * NS_PER_MS)
#define POOL_BACKOFF_MAX_S  60u
#define POOL_BACKOFF_FULL_S 4u
/* Connections that may break in a row at their first message before the relay is held
 * to be in trouble. */
#define POOL_LOSSES_MAX 4u
/* A worker gives up connections for another one no faster. */
#define POOL_SHARE_NS NS_PER_S
/* Messages that a worker's connections hold together; what each holds at least, so
 * that arming is durable in time, and at most. */
#define POOL_MESSAGES  256u
#define POOL_DEPTH_MIN 4u
#define POOL_DEPTH_MAX 32u

static void pool_arm(void *self, struct flight *flight)
{
    struct pool *pool = self;
    pool->events.arm(pool->events.self, flight);
}

static void pool_landed(void *self, struct channel *channel, struct flight *flight,
                        const struct outcome *outcome)
{
    struct pool *pool = self;
    struct relay *relay = &pool->relays[channel->relay_index];
    if (outcome->code != 0)
        atomic_fetch_add_explicit(&relay->shared->completed, 1, memory_order_relaxed);
    /* The first real answer on a connection: the relay works. Later ones say nothing
     * about whether it takes new connections. */
    if (outcome->code != 0 && channel->completed == 1)
        relay->failures = 0;
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
                          .worker = worker,
                          .events = *events,
                          .relay_count = settings->relay_count};
    pool->options = (struct channel_options){
        .depth = pool_depth(settings),
        .timeout_percent = settings->timeout_percent,
        .connect_timeout_ns = (uint64_t)settings->connect_timeout_ms * NS_PER_MS};
    for (size_t i = 0; i < pool->relay_count; i++) {
        struct relay *relay = &pool->relays[i];
        relay->settings = &settings->relays[i];
        relay->shared = &shared->relays[i];
        snprintf(relay->name, sizeof relay->name, "%.*s:%u",
                 STR_ARG(relay->settings->host), relay->settings->port);
    }
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
            pool->down_since_ns = 0;
            atomic_store(&pool->shared->was_reached, true);
            atomic_store(&pool->relays[channel->relay_index].shared->failures_logged,
                         0);
            pool->events.ready(pool->events.self);
        }
    }
    list_remove(&channel->link);
    list_append(pool_list(pool, channel), &channel->link);
}

/* "host:port: why", and only "host:port ..." where the reason begins with it. */
static void relay_explain(const struct relay *relay, const struct channel *channel,
                          char *text, size_t size)
{
    if (str_has_prefix(str_of(channel->trouble), str_of(relay->name)))
        snprintf(text, size, "%s", channel->trouble);
    else
        snprintf(text, size, "%s: %s", relay->name, channel->trouble);
}

/* The breaker: failures within one pause count once. */
static void relay_failed(struct pool *pool, struct relay *relay,
                         const struct channel *channel, uint64_t now_ns)
{
    char text[sizeof relay->name + sizeof channel->trouble];
    relay_explain(relay, channel, text, sizeof text);
    atomic_store(&relay->shared->has_failed, true);
    run_shared_set_trouble(pool->shared, "%s", text);
    if (now_ns < relay->retry_ns)
        return;
    unsigned pause_s = relay->failures < 6 ? 1u << relay->failures : POOL_BACKOFF_MAX_S;
    /* It works for others: it is only full, and they make room. */
    if (atomic_load(&relay->shared->ready) > 0 && pause_s > POOL_BACKOFF_FULL_S)
        pause_s = POOL_BACKOFF_FULL_S;
    relay->failures++;
    relay->retry_ns = now_ns + pause_s * NS_PER_S;
    unsigned logged = atomic_load(&relay->shared->failures_logged);
    if (relay->failures > logged &&
        atomic_compare_exchange_strong(&relay->shared->failures_logged, &logged,
                                       relay->failures))
        log_line(LOG_WARN, "relay-trouble", "%s; next attempt in %u s", text, pause_s);
}

/* Whether a connection's end says something about its relay. One that broke at its
 * first message does not, it may have been the message; several in a row do, with
 * nothing that came through between them. */
static bool pool_is_relay_failure(struct pool *pool, const struct channel *channel)
{
    struct relay *relay = &pool->relays[channel->relay_index];
    if (pool->is_closing || channel->has_withdrawn || channel->completed > 0 ||
        channel->trouble[0] == '\0')
        return false;
    if (!channel->was_ready)
        return true;
    uint_fast64_t completed = atomic_load(&relay->shared->completed);
    if (completed > relay->completed_before)
        relay->losses = 0;
    relay->completed_before = completed;
    relay->losses += channel->submitted > 0;
    return relay->losses > POOL_LOSSES_MAX;
}

static void pool_bury(struct pool *pool, struct channel *channel, uint64_t now_ns)
{
    struct relay *relay = &pool->relays[channel->relay_index];
    log_line(LOG_DEBUG, "connection-closed", "%s: %u messages, %u answered%s%s",
             relay->name, channel->submitted, channel->completed,
             channel->trouble[0] != '\0' ? ": " : "", channel->trouble);
    if (pool_is_relay_failure(pool, channel))
        relay_failed(pool, relay, channel, now_ns);
    relay->open--;
    atomic_fetch_sub(&relay->shared->open, 1);
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

static unsigned relay_share(const struct pool *pool, const struct relay *relay)
{
    unsigned workers = pool->shared->workers, cap = relay->settings->connections;
    return cap / workers + (pool->worker < cap % workers);
}

/* Whether a flag is up for another worker. */
static bool pool_any_other(const struct pool *pool, atomic_bool *flags)
{
    for (unsigned i = 0; i < pool->shared->workers; i++)
        if (i != pool->worker && atomic_load(&flags[i]))
            return true;
    return false;
}

static bool pool_others_are_hungry(const struct pool *pool)
{
    return pool_any_other(pool, pool->shared->is_hungry);
}

static bool pool_others_are_starving(const struct pool *pool)
{
    return pool_any_other(pool, pool->shared->is_starving);
}

/* One more of the relay's connections, within its cap. */
static bool relay_reserve(struct pool *pool, struct relay *relay)
{
    bool has_share = relay->open < relay_share(pool, relay);
    if ((!has_share && pool_others_are_hungry(pool)) ||
        (relay->open > 0 && pool_others_are_starving(pool)))
        return false;
    unsigned open = atomic_load(&relay->shared->open);
    while (open < relay->settings->connections)
        if (atomic_compare_exchange_weak(&relay->shared->open, &open, open + 1)) {
            relay->open++;
            atomic_store(&pool->shared->is_hungry[pool->worker], false);
            return true;
        }
    atomic_store(&pool->shared->is_hungry[pool->worker], has_share);
    return false;
}

/* After a failure not before the pause is over; while failures go on, one connection
 * at a time. */
static bool relay_may_be_tried(const struct relay *relay, uint64_t now_ns)
{
    return now_ns >= relay->retry_ns &&
           (relay->failures == 0 || relay->connecting == 0);
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

static bool pool_open_one(struct pool *pool, struct relay *relay)
{
    struct channel_events events = {pool, pool_arm, pool_landed, pool_changed};
    struct channel *channel =
        channel_open(pool->loop, relay->settings, (unsigned)(relay - pool->relays),
                     &pool->options, &events);
    if (channel == NULL) {
        relay->open--;
        atomic_fetch_sub(&relay->shared->open, 1);
        return false;
    }
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
            !relay_reserve(pool, relay) || !pool_open_one(pool, relay))
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

/* Whether a worker that wants this connection more may have it. */
static bool pool_can_spare(struct pool *pool, const struct channel *channel,
                           bool is_wanted)
{
    const struct relay *relay = &pool->relays[channel->relay_index];
    if (relay->open > relay_share(pool, relay) && pool_others_are_hungry(pool))
        return true;
    return pool_others_are_starving(pool) && (!is_wanted || relay->ready > 1);
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
            if (channel->state != CHANNEL_READY ||
                !pool_can_spare(pool, channel, is_wanted))
                continue;
            channel_retire(channel);
            pool->shared_ns = now_ns;
            return;
        }
}

/* Tells the others how badly this worker wants a connection. */
static void pool_tell_hunger(struct pool *pool, bool is_wanted)
{
    bool has_failed = false;
    unsigned ready = 0;
    for (size_t i = 0; i < pool->relay_count; i++) {
        has_failed |= pool->relays[i].failures > 0;
        ready += pool->relays[i].ready;
    }
    atomic_store(&pool->shared->is_starving[pool->worker],
                 is_wanted && has_failed && ready == 0);
    if (!is_wanted)
        atomic_store(&pool->shared->is_hungry[pool->worker], false);
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
        if (atomic_load(&pool->relays[i].shared->ready) > 0 ||
            pool->relays[i].failures == 0) {
            pool->down_since_ns = 0;
            return;
        }
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
    is_wanted = is_wanted && !pool->is_closing;
    pool_tell_hunger(pool, is_wanted);
    pool_share(pool, is_wanted, now_ns);
    if (is_wanted)
        pool_watch_relays(pool, now_ns);
    else
        pool->down_since_ns = 0;
}

void pool_quit(struct pool *pool, uint64_t now_ns)
{
    struct list *heads[] = {&pool->connecting, &pool->roomy, &pool->full};
    pool->is_closing = true;
    pool_tell_hunger(pool, false);
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
