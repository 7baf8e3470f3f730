/*
 * order.h - what a worker and the ledger tell each other: a form that goes to and fro
 *
 * The worker fills in what is to be made durable and what it needs; the ledger carries
 * it out within one group commit and sends the same form back with the answers. Orders
 * of one worker are carried out in the order in which they were posted; within an
 * order: arm, record, give back lanes, claim, hand out lanes.
 *
 * Owns:    the batches that are claimed into, and the arena of the lanes' names, until
 *          the worker takes them out.
 * Thread:  whoever holds it.
 * Limits:  the array sizes below.
 */
#ifndef BROADSIDE_SEND_ORDER_H
#define BROADSIDE_SEND_ORDER_H

#include "core/base/mailbox.h"
#include "core/send/batch.h"
#include "core/send/flight.h"

#define ORDER_ARMS_MAX    512
#define ORDER_RECORDS_MAX 512
#define ORDER_CLAIMS_MAX  64
#define ORDER_CLOSED_MAX  256
#define ORDER_LANES_MAX   64
/* The lanes' domain names. */
#define ORDER_ARENA_BYTES (1u << 20)

struct claim {
    struct destination *destination;
    int64_t lane_id;
    size_t max;
    /* NULL after the answer: nothing was claimed. */
    struct batch *batch;
};

struct order {
    struct mail mail;
    unsigned worker;
    size_t arm_count, record_count, claim_count, closed_count;
    struct arm_item arms[ORDER_ARMS_MAX];
    struct flight *arm_flights[ORDER_ARMS_MAX];
    struct attempt_record records[ORDER_RECORDS_MAX];
    /* NULL for a job that was given back without having been sent. */
    struct flight *record_flights[ORDER_RECORDS_MAX];
    struct claim claims[ORDER_CLAIMS_MAX];
    int64_t closed[ORDER_CLOSED_MAX];
    /* How many lanes the worker would take; the answer. */
    size_t lanes_wanted, lane_count;
    struct lane lanes[ORDER_LANES_MAX];
    struct arena arena;
    /* There may be more lanes at once. */
    bool has_more_lanes;
    /* The worker has nothing in hand, in flight or to be recorded. */
    bool is_idle;
    /* The worker has ended: nothing follows. */
    bool is_last;
};

struct order *order_new(unsigned worker);
void order_free(struct order *order);
/* As new. */
void order_clear(struct order *order);
/* Nothing in it needs the ledger. */
bool order_is_empty(const struct order *order);

#endif
