/*
 * channel.h - one connection to a relay with the session that is spoken on it
 *
 * Joins smtp_session (which moves no bytes) and net_connection (which understands
 * none), and keeps what this connection carries of which limit.
 *
 * Owns:    its session and its connection, until channel_free.
 * Keeps:   the relay's settings and the host's events.
 * Thread:  one worker.
 * Time:    monotonic nanoseconds.
 * Errors:  when it is over, `trouble` says why in words, empty if all was in order.
 * Limits:  CHANNEL_CARRIED_MAX limits with a cap of their own at once.
 */
#ifndef BROADSIDE_SEND_CHANNEL_H
#define BROADSIDE_SEND_CHANNEL_H

#include "core/net/connection.h"
#include "core/send/flight.h"
#include "core/send/limit.h"
#include "core/send/run.h"

#define CHANNEL_CARRIED_MAX   64
#define CHANNEL_TROUBLE_BYTES 200

enum channel_state {
    CHANNEL_CONNECTING, /* up to the end of EHLO */
    CHANNEL_READY,      /* takes messages */
    CHANNEL_RETIRING,   /* takes none; QUIT when it has none */
    CHANNEL_LEAVING,    /* QUIT was asked for */
    CHANNEL_OVER        /* to be freed */
};

struct channel;

/* What a channel tells the pool. */
struct channel_events {
    void *self;
    void (*arm)(void *self, struct flight *flight);
    /* The flight has left the channel. */
    void (*landed)(void *self, struct channel *channel, struct flight *flight,
                   const struct outcome *outcome);
    /* Its state, its room or its output may have changed. */
    void (*changed)(void *self, struct channel *channel);
};

/* What it has carried of a limit that caps connections or messages on one. */
struct carried {
    uint64_t key;
    unsigned in_flight, messages;
};

struct channel {
    /* On the pool's list for its state; on the pool's list of those to be flushed. */
    struct list link, dirty_link;
    enum channel_state state;
    /* The state that the pool counts it under. */
    enum channel_state counted_as;
    unsigned relay_index;
    const struct relay_settings *relay;
    struct net_loop *loop;
    struct net_connection *connection;
    struct smtp_session *session;
    struct channel_events events;
    struct list flights;
    /* The kernel's buffer is full. */
    bool is_write_blocked, is_started;
    /* It has been ready once; it was told to let go of a message, which may end it; the
     * message that may be why it ends has been found (flight.is_suspect). */
    bool was_ready, has_withdrawn, has_suspect;
    /* Messages given to it, and those that the server has answered for. */
    unsigned submitted, completed;
    /* Messages on it now. */
    unsigned in_flight;
    /* When it was opened; the last time something came or was given to it. */
    uint64_t opened_ns, active_ns;
    struct carried carried[CHANNEL_CARRIED_MAX];
    size_t carried_count;
    char peer[FLIGHT_PEER_MAX];
    char trouble[CHANNEL_TROUBLE_BYTES];
};

struct channel_options {
    /* No PIPELINING, whatever the relay's settings and the server say. */
    bool is_lock_step;
    unsigned depth, timeout_percent;
    uint64_t connect_timeout_ns;
};

/* Starts to connect; NULL without memory or with an impossible host name. */
struct channel *channel_open(struct net_loop *loop, const struct relay_settings *relay,
                             unsigned relay_index,
                             const struct channel_options *options,
                             const struct channel_events *events);
/* It is over, or nothing is in flight on it. */
void channel_free(struct channel *channel);

/* How many messages it takes now. */
unsigned channel_room(const struct channel *channel);
/* Whether it may carry one more message of a capped limit. */
bool channel_may_carry(const struct channel *channel, const struct limit *limit);
void channel_submit(struct channel *channel, struct flight *flight, struct limit *limit,
                    uint64_t now_ns);
/* A message of the limit has left the channel. */
void channel_uncarry(struct channel *channel, struct limit *limit);
void channel_armed(struct channel *channel, struct flight *flight);
void channel_withdraw(struct channel *channel, struct flight *flight);

/* Takes no more; quits when it has nothing in flight. */
void channel_retire(struct channel *channel);
/* Finishes what is on the wire, gives the rest back unsent, quits. */
void channel_quit(struct channel *channel, uint64_t now_ns);
/* Closes now. */
void channel_abort(struct channel *channel, struct str why);
/* Hands the kernel what the session has to say. */
void channel_flush(struct channel *channel, uint64_t now_ns);
/* Timeouts. */
void channel_tick(struct channel *channel, uint64_t now_ns);
/* Reads a goodbye that may have come while it was idle. */
void channel_poke(struct channel *channel);

#endif
