/*
 * flight.h - one message on its way: from a job in hand to an outcome that is durable
 *
 * Owns:    the outcome's strings, one reference to the job's batch and, until it has
 *          landed, the composed message's arena. Flights and arenas come from slabs and
 *          go back to them warm, so in the steady state nothing is allocated; an arena
 *          is far larger than a flight and is not kept while the outcome is recorded.
 * Thread:  one worker; while its record is in an order, the ledger reads the record.
 * Limits:  max flights of a slab, FLIGHT_MESSAGE_MAX bytes a message.
 */
#ifndef BROADSIDE_SEND_FLIGHT_H
#define BROADSIDE_SEND_FLIGHT_H

#include "core/send/batch.h"

#define FLIGHT_MESSAGE_MAX   (64u << 20)
#define FLIGHT_REMOTE_ID_MAX 128
#define FLIGHT_PEER_MAX      64

/* How far the ledger has got with its arming. */
enum flight_arming {
    FLIGHT_NOT_ASKED, /* waits for an order */
    FLIGHT_ASKED,
    FLIGHT_GRANTED,
    FLIGHT_DENIED
};

struct flight {
    /* On its channel's list; then on the worker's list of what is to be recorded. */
    struct list link;
    /* On the worker's list of what is to be armed. */
    struct list arm_link;
    struct smtp_message message;
    struct job job;
    struct batch *batch;
    struct destination *destination;
    struct channel *channel;
    enum flight_arming arming;
    /* The session was told to let go of it. */
    bool is_withdrawn;
    /* It was the first to come back unsent when its connection broke, or the relay
     * began to take nothing: perhaps it was because of this one. */
    bool is_suspect;
    /* It has its outcome: `record` is filled. */
    bool is_landed;
    struct attempt_record record;
    struct flight_arena *arena;
    char text[OUTCOME_TEXT_MAX];
    char remote_id[FLIGHT_REMOTE_ID_MAX];
    char peer[FLIGHT_PEER_MAX];
};

/* Where a message is composed. */
struct flight_arena {
    struct list link;
    struct arena arena;
};

struct flights {
    struct list free, free_arenas;
    size_t made, in_use, max;
};

void flights_init(struct flights *flights, size_t max);
/* None is in use any more. */
void flights_fini(struct flights *flights);
/* NULL beyond max or without memory. */
struct flight *flight_new(struct flights *flights);
/* The message is no longer needed: gives its arena back. */
void flight_drop_message(struct flights *flights, struct flight *flight);
/* Gives up its batch reference and its arena. */
void flight_free(struct flights *flights, struct flight *flight);
/* Fills the record with copies of the outcome's strings. */
void flight_land(struct flight *flight, const struct outcome *outcome, int64_t at_ms);

#endif
