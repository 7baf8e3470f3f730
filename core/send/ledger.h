/*
 * ledger.h - the store thread: the orders of all workers in group commits
 *
 * Takes what has gathered, carries it out in one transaction, commits, and only then
 * answers: an answer means durable. Also finds out that the run has ended, and what
 * another terminal has asked for.
 *
 * Owns:    its thread and desk.
 * Keeps:   the shared state and the workers' inboxes.
 * Thread:  its own; start and join from one other.
 * Errors:  of the store end the run (run_shared_fail).
 */
#ifndef BROADSIDE_SEND_LEDGER_H
#define BROADSIDE_SEND_LEDGER_H

#include "core/send/desk.h"
#include "core/send/shared.h"

/* Orders of one worker under way at once. */
#define LEDGER_ORDERS_PER_WORKER 4

struct ledger {
    struct run_shared *shared;
    struct mailbox *const *inboxes;
    struct desk *desk;
    pthread_t thread;
    /* Workers that had nothing to do at their last order; that have ended. */
    bool is_idle[RUN_WORKERS_MAX];
    unsigned last_count;
    bool has_failed;
    /* The last commit, and how long after it the next group gathers. */
    uint64_t commit_ns, gather_ns;
    uint64_t command_ns;
    /* Since when rows are left that nothing leads to; 0: not so. */
    uint64_t stuck_since_ns;
    uint64_t commits;
};

/* The workers' inboxes, one each. ERR_MEMORY, ERR_OS. */
MUST_CHECK enum err ledger_start(struct ledger *ledger, struct run_shared *shared,
                                 struct mailbox *const *inboxes);
/* Waits until every worker has sent its last order, at most wait_ms; true: it has
 * ended and is joined. */
bool ledger_join(struct ledger *ledger, int64_t wait_ms);
/* After it was joined. */
void ledger_fini(struct ledger *ledger);

#endif
