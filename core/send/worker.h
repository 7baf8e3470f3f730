/*
 * worker.h - one thread that sends: its loop, destinations and connections
 *
 * Each turn of its loop: take the ledger's answers, wake what is due, compose and
 * submit while there is room, write, post an order. Back-pressure: no room on a
 * connection, no composing; no free order, no recording; jobs in hand, no claiming.
 *
 * Owns:    its thread, loop, schedule, pool, flights, composer and orders.
 * Keeps:   the shared state.
 * Thread:  its own; new, start, join and free from one other.
 * Limits:  WORKER_FLIGHTS_MAX messages between composing and a durable outcome.
 */
#ifndef BROADSIDE_SEND_WORKER_H
#define BROADSIDE_SEND_WORKER_H

#include "core/send/shared.h"

struct worker;

#define WORKER_FLIGHTS_MAX 2048

/* ERR_MEMORY, ERR_OS. */
MUST_CHECK enum err worker_new(struct run_shared *shared, unsigned index,
                               struct worker **worker);
void worker_free(struct worker *worker);
/* Where the ledger's answers go. */
struct mailbox *worker_inbox(struct worker *worker);
MUST_CHECK enum err worker_start(struct worker *worker);
/* After the run has been ended (run_shared_end); returns when all is recorded. */
void worker_join(struct worker *worker);
/* Ends and joins a started worker that never had a ledger. */
void worker_cancel(struct worker *worker);
/* Has the loop turn, so that it sees a new phase. */
void worker_wake(struct worker *worker);

#endif
