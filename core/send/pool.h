/*
 * pool.h - a worker's connections to the relays
 *
 * Opens them as they are wanted, within each relay's cap (global to the run: a worker
 * has a fair share of it and may borrow what the others do not want); picks one for
 * each message; replaces the ones that have done their number; goes to the next relay
 * while one is down and comes back when it is up (relay.h).
 *
 * Owns:    its channels. State = which list a channel is on; pool_place is the mover.
 * Keeps:   the loop, the shared state and the events.
 * Thread:  one worker.
 * Time:    monotonic nanoseconds.
 * Limits:  relay_settings.connections over all workers.
 */
#ifndef BROADSIDE_SEND_POOL_H
#define BROADSIDE_SEND_POOL_H

#include "core/send/relay.h"

struct pool_events {
    void *self;
    void (*arm)(void *self, struct flight *flight);
    void (*landed)(void *self, struct flight *flight, const struct outcome *outcome);
    /* A connection has become ready: what was capped may go on. */
    void (*ready)(void *self);
};

struct pool {
    struct net_loop *loop;
    struct run_shared *shared;
    struct channel_options options;
    struct pool_events events;
    struct relay relays[RUN_RELAYS_MAX];
    size_t relay_count, count;
    /* The channels by state; `roomy` and `full` are both READY. */
    struct list connecting, roomy, full, leaving, over;
    struct list dirty;
    bool is_closing;
    /* Since when nothing could be sent though it was wanted; 0: it can. */
    uint64_t down_since_ns;
    /* Since when there is no connection because none could be made here; 0: not so. */
    uint64_t starved_since_ns;
    /* Since when relays have limited what they take, with nothing taken in between by
     * any worker (all that had been answered for at that time); 0: they do not. */
    uint64_t limited_since_ns;
    uint_fast64_t completed_before_limit;
    /* When a connection was last given up for another worker. */
    uint64_t shared_ns;
};

enum pool_answer {
    POOL_PICKED,
    POOL_NO_ROOM, /* every connection is full, or there is none */
    POOL_CAPPED   /* there is room, but not for this limit */
};

void pool_init(struct pool *pool, struct net_loop *loop, struct run_shared *shared,
               unsigned worker, const struct pool_events *events);
/* All channels are gone. */
void pool_fini(struct pool *pool);

/* A connection for one message of `limit`. */
enum pool_answer pool_pick(struct pool *pool, const struct limit *limit,
                           uint64_t now_ns, struct channel **channel);
void pool_submit(struct pool *pool, struct channel *channel, struct flight *flight,
                 struct limit *limit, uint64_t now_ns);
/* `wanted` messages wait for connections: opens as many as it may. */
void pool_open(struct pool *pool, size_t wanted, uint64_t now_ns);
/* Writes what is to be written, buries what is over. */
void pool_flush(struct pool *pool, uint64_t now_ns);
/* Now and then: timeouts, idle connections, fair shares. `is_wanted`: there is
 * something to send. */
void pool_tick(struct pool *pool, bool is_wanted, uint64_t now_ns);
/* Opens no more; finishes what is on the wire. */
void pool_quit(struct pool *pool, uint64_t now_ns);
void pool_abort(struct pool *pool, struct str why);

static inline bool pool_is_empty(const struct pool *pool)
{
    return pool->count == 0;
}

/* "host:port" of the channel's relay. */
struct str pool_relay_name(const struct pool *pool, const struct channel *channel);

#endif
