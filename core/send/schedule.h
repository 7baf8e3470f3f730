/*
 * schedule.h - which destination sends next: fairness, pace, pauses
 *
 * A destination is a worker's hold on one lane of the store. Its state is which list
 * it is on:
 *
 *   backlog   known, not begun: kept back so that only few are worked on at once (the
 *             store's pages are in lane order)
 *   ring      may send now; the head sends SCHEDULE_CHUNK messages, then goes behind
 *   hungry    has no job in hand and wants a claim, or waits for one
 *   held      on its limit's `waiting`: for its next message's time, or for room on a
 *             connection that may carry it
 *   paused    backs off until a time (in the heap)
 *   dry       the store has no more for it; waits for what is in flight
 *   closed    to be given back to the ledger
 *
 * Owns:    its destinations and the limits, from schedule_init to schedule_fini; the
 *          batches in their hands.
 * Keeps:   the rules.
 * Thread:  one worker.
 * Time:    monotonic nanoseconds, given by the caller: no clock is read.
 * Limits:  SCHEDULE_DESTINATIONS_MAX known at once.
 * Cost:    O(1) per message, O(log n) per wake.
 */
#ifndef BROADSIDE_SEND_SCHEDULE_H
#define BROADSIDE_SEND_SCHEDULE_H

#include "core/send/batch.h"
#include "core/send/limit.h"

#define SCHEDULE_DESTINATIONS_MAX 4096
/* Messages of one destination in a row before the next one's turn. */
#define SCHEDULE_CHUNK 32
/* Bytes of claimed jobs in hand beyond which nothing more is claimed. */
#define SCHEDULE_CLAIMED_BYTES_MAX (2u << 20)

enum destination_state {
    DESTINATION_BACKLOG,
    DESTINATION_RING,
    DESTINATION_HUNGRY,
    DESTINATION_HELD,
    DESTINATION_PAUSED,
    DESTINATION_DRY,
    DESTINATION_CLOSED
};

struct destination {
    struct list link, all_link;
    enum destination_state state;
    int64_t lane_id;
    struct limit *limit, own_limit;
    /* Batches with jobs left, the next one first. */
    struct list batches;
    size_t jobs;
    /* How many the store said it has, less what was claimed; at least. */
    uint64_t expected;
    /* The store may have more; a claim is on its way. */
    bool may_have_more, is_claiming;
    /* Some of it is deferred: it may be opened again while its pace still counts. */
    bool may_return;
    /* Paused for that alone: there is nothing to send. */
    bool is_resting;
    /* Wants a claim while it sends (on schedule.wanting through `want`). */
    struct list want;
    unsigned in_flight;
    /* Messages of this turn at the ring's head. */
    unsigned in_a_row;
    /* Pauses in a row without a delivery between them. */
    unsigned pauses;
    /* While paused. */
    struct heap_node wake;
};

struct schedule {
    const struct limit_rule *rules;
    size_t rule_count;
    /* One per rule, for those whose domains share it. */
    struct limit *shared;
    struct limit unlimited;
    struct list backlog, ring, hungry, paused, dry, closed, wanting, all;
    /* Limits that no connection may carry more of. */
    struct list blocked;
    size_t ring_count, ring_max, count;
    /* Of all, those that rest. */
    size_t resting;
    /* Jobs in hand of destinations that may send now. */
    size_t jobs, claimed_bytes;
    /* Limits that are waited for, and destinations that pause. */
    struct heap limit_wakes, pause_wakes;
    /* As of the last schedule_wake or schedule_next. */
    uint64_t now_ns;
};

MUST_CHECK enum err schedule_init(struct schedule *schedule,
                                  const struct limit_rule *rules, size_t rule_count,
                                  size_t ring_max);
/* Gives up all destinations and batches. */
void schedule_fini(struct schedule *schedule);

/* A lane from the ledger; the schedule has room. ERR_MEMORY changes nothing. */
MUST_CHECK enum err schedule_add(struct schedule *schedule, const struct lane *lane);
size_t schedule_room(const struct schedule *schedule);

/* A destination with a job in hand that may go now, NULL if there is none. */
struct destination *schedule_next(struct schedule *schedule, uint64_t now_ns);
/* Its next job; `batch` gets a reference that the caller gives up after the outcome.
 * Only after schedule_next, and the job goes out now (or becomes invalid). */
struct job *schedule_take(struct schedule *schedule, struct destination *destination,
                          struct batch **batch);
/* The job that was taken uses up its limit. */
void schedule_spend(struct schedule *schedule, struct destination *destination,
                    uint64_t now_ns);
/* It did not leave after all. */
void schedule_refund(struct schedule *schedule, struct limit *limit);
/* No connection may carry more of its limit until schedule_unblock. */
void schedule_block(struct schedule *schedule, struct destination *destination);
void schedule_unblock(struct schedule *schedule, struct limit *limit);
void schedule_unblock_all(struct schedule *schedule);
/* One of its messages has its outcome. `again`: it went back to the store. */
void schedule_landed(struct schedule *schedule, struct destination *destination,
                     bool again);
/* Nothing of it before until_ns. The caller gives its jobs in hand back. */
void schedule_pause(struct schedule *schedule, struct destination *destination,
                    uint64_t until_ns);

/* Takes the next destination that wants a claim, and how many jobs; NULL: none. */
struct destination *schedule_claimant(struct schedule *schedule, size_t *max);
/* The answer to its claim: `batch` is the schedule's now, NULL if it brought nothing.
 */
void schedule_claimed(struct schedule *schedule, struct destination *destination,
                      struct batch *batch, bool may_have_more);
/* Takes one job out of hand without sending it (drain, pause); NULL: none. */
struct job *schedule_give_back(struct schedule *schedule,
                               struct destination *destination, struct batch **batch);
/* Takes a destination that is through; the caller tells the ledger and then calls
 * destination_free. */
struct destination *schedule_closed(struct schedule *schedule);
void destination_free(struct schedule *schedule, struct destination *destination);

/* Moves what is due at now_ns to where it may send. */
void schedule_wake(struct schedule *schedule, uint64_t now_ns);
/* When schedule_wake is to be called; UINT64_MAX: nothing waits for a time. */
uint64_t schedule_wake_ns(const struct schedule *schedule);

#endif
