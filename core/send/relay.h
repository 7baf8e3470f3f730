/*
 * relay.h - one relay as a worker sees it: is it up, and may it have a connection more
 *
 * The breaker: a failure opens it for 1, 2, 4 .. 60 s; while failures go on, one
 * connection at a time is tried. The share: a relay's cap is for the whole run; a
 * worker has its part of it for certain and may borrow what the others do not want.
 *
 * A relay that refuses one more connection while others go on is not in trouble but
 * full: it takes as many as have been ready at once. That is its cap then, one more is
 * tried now and then, and what it does take is replaced without a pause. It is shared
 * as well: a worker that has none at all starves, and those that have several give one
 * up.
 *
 * A relay that answers MAIL with "too much mail" takes connections and no messages: the
 * breaker opens for that as well, and what another worker's connection got as far as
 * EHLO says nothing about it, only a message that was taken does.
 *
 * Owns:    nothing.
 * Keeps:   the settings and the shared state.
 * Thread:  one worker; what workers tell each other are atomics.
 * Time:    monotonic nanoseconds.
 * Source:  Nygard, "Release It!" (circuit breaker, half-open probe).
 */
#ifndef BROADSIDE_SEND_RELAY_H
#define BROADSIDE_SEND_RELAY_H

#include "core/send/channel.h"
#include "core/send/shared.h"

/* The pauses after failures; shorter while the relay works: then a server that has not
 * noticed yet that we left is asked again soon. */
#define RELAY_PAUSE_MAX_S   60u
#define RELAY_PAUSE_FULL_S  4u
#define RELAY_PAUSE_FULL_MS 100u
/* How often a relay that is full is asked for one connection more. */
#define RELAY_PROBE_NS UINT64_C(30000000000)
/* That it limits what it takes is said again no sooner. */
#define RELAY_LIMIT_SAID_NS UINT64_C(60000000000)
/* Connections that may break in a row at their first message before the relay is held
 * to be in trouble. */
#define RELAY_LOSSES_MAX 4u
/* Connections that a relay may hang up in a row at the first commands sent ahead. */
#define RELAY_LOST_AHEAD_MAX 2u
/* Until then a worker keeps to its share: the others may not have begun. */
#define RELAY_BORROW_AFTER_NS UINT64_C(1000000000)

struct relay {
    const struct relay_settings *settings;
    struct relay_shared *shared;
    struct run_shared *run;
    unsigned worker;
    uint64_t started_ns;
    char name[NET_HOST_MAX + 8];
    /* This worker's connections. */
    unsigned open, connecting, ready;
    /* Messages it had answered for when a connection last broke. */
    uint_fast64_t completed_before;
    /* Connections that broke since, one after the other. */
    unsigned losses;
    /* Failures in a row, and when it may be tried again. */
    unsigned failures;
    uint64_t retry_ns;
    /* Messages it had answered for at the last failure. */
    uint_fast64_t completed_at_failure;
    /* The last failure was that it takes no messages for now. */
    bool is_limiting;
    /* Full, and this worker would have had a right to one connection more. */
    bool is_capped;
};

void relay_init(struct relay *relay, struct run_shared *run, size_t index,
                unsigned worker, uint64_t now_ns);

/* The breaker is closed, or half open with nothing being tried. */
bool relay_may_be_tried(const struct relay *relay, uint64_t now_ns);
/* It cannot be used, or only to connect: what is sent over it breaks the connection. */
bool relay_is_down(const struct relay *relay);
/* Takes one more of its connections; false if there is none for this worker. */
bool relay_reserve(struct relay *relay, uint64_t now_ns);
void relay_release(struct relay *relay);

/* A message was answered for on the channel. */
void relay_answered(struct relay *relay, const struct channel *channel);
/* It takes no messages for now, and said so (smtp_policy_is_host_limit). False: that
 * was known. */
bool relay_limited(struct relay *relay, const struct outcome *why, uint64_t now_ns);
/* A connection has become ready. */
void relay_became_ready(struct relay *relay);
/* A connection is over that this side did not want to end. */
void relay_lost(struct relay *relay, const struct channel *channel, uint64_t now_ns);
/* What came of its offer of PIPELINING on a connection that is over. Once it has broken
 * it, it is spoken to in lock-step for the rest of the run. One that has never been
 * seen to do it and hangs up at the first commands sent ahead, twice, is spoken to in
 * lock-step as well, if it then answers. */
void relay_learn_pipelining(struct relay *relay, const struct channel *channel,
                            uint64_t now_ns);
bool relay_is_lock_step(const struct relay *relay);
/* Now and then: it may have come up again for another worker. */
void relay_tick(struct relay *relay, uint64_t now_ns);

/* Whether another worker has a better right to one of this worker's connections. */
bool relay_can_spare(const struct relay *relay, bool is_wanted);
/* Tells the other workers how badly this one wants a connection. */
void relay_tell_hunger(const struct relay *relays, size_t count, bool is_wanted);

#endif
