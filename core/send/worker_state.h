/*
 * worker_state.h - what the files of the worker share; nobody else includes it
 *
 * worker.c         the thread and its turns
 * worker_send.c    jobs in hand -> messages on connections
 * worker_land.c    outcomes -> records, and what follows for the destination
 * worker_orders.c  the correspondence with the ledger
 *
 * Thread:  the worker's.
 */
#ifndef BROADSIDE_SEND_WORKER_STATE_H
#define BROADSIDE_SEND_WORKER_STATE_H

#include "core/net/loop.h"
#include "core/send/ledger.h"
#include "core/send/pool.h"
#include "core/send/schedule.h"
#include "core/send/worker.h"

/* Messages that came back unsent are remembered so that none does so for ever. */
#define WORKER_UNSENT_REMEMBERED 256

struct unsent {
    int64_t delivery_id;
    unsigned times;
};

struct worker {
    struct run_shared *shared;
    unsigned index;
    pthread_t thread;
    struct net_loop *loop;
    struct net_timer timer;
    struct mailbox inbox;
    struct schedule schedule;
    struct pool pool;
    struct flights flights;
    struct composer *composer;
    /* Of this turn. */
    uint64_t now_ns;
    int64_t wall_ms;
    /* Flights to be armed (arm_link) and to be recorded (link). */
    struct list to_arm, to_record;
    /* Orders at hand, and how many are with the ledger. */
    struct list orders;
    unsigned orders_out;
    /* An order that asks for lanes is under way; no sooner than this is the next. */
    bool is_asking, has_told_idle;
    uint64_t ask_again_ns;
    /* Paused destinations may have jobs in hand that go back. */
    bool has_jobs_to_return;
    /* A connection has become ready: whatever was capped may look again. */
    bool has_new_connection;
    /* Sending stopped at settings.unconfirmed_max. */
    bool is_at_unconfirmed_max;
    atomic_bool is_cancelled;
    bool is_draining, is_aborted, has_posted_last;
    uint64_t drain_until_ns;
    /* When what is done now and then is due. */
    uint64_t tick_ns;
    struct unsent unsent[WORKER_UNSENT_REMEMBERED];
};

/* worker_send.c */
void worker_send(struct worker *worker);

/* worker_land.c */
/* A message has its outcome (pool_events.landed). */
void worker_landed(void *self, struct flight *flight, const struct outcome *outcome);
/* Composing failed: the recipient is invalid. */
void worker_land_invalid(struct worker *worker, struct flight *flight,
                         const struct error *why);
/* The ledger's answers about one flight. */
void worker_arm_answered(struct worker *worker, struct flight *flight, bool granted);
void worker_recorded(struct worker *worker, struct flight *flight);

/* worker_orders.c */
/* Carries out what the ledger has answered. */
void worker_take_answers(struct worker *worker);
/* Posts what has gathered. */
void worker_post_orders(struct worker *worker);

#endif
