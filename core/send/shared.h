/*
 * shared.h - what the threads of a run share: the phase, the counters, the caps
 *
 * Everything that changes is an atomic; the one exception is a line of text for a
 * person (what keeps a relay from being used), behind a mutex that nobody waits on.
 *
 * Owns:    nothing but itself.
 * Keeps:   the settings and the ports.
 * Thread:  any.
 */
#ifndef BROADSIDE_SEND_SHARED_H
#define BROADSIDE_SEND_SHARED_H

#include "core/base/mailbox.h"
#include "core/send/run.h"

#include <stdatomic.h>

/* Only ever goes up. */
enum run_phase {
    RUN_SENDING,
    RUN_DRAINING, /* start nothing new, wait for replies */
    RUN_STOPPING  /* close everything now */
};

/* What is known of a relay's PIPELINING. */
enum relay_pipelining {
    RELAY_PIPELINING_UNPROVEN,
    RELAY_PIPELINING_PROVEN,
    /* Connections were lost at the first commands sent ahead: lock-step is tried. */
    RELAY_PIPELINING_DOUBTED,
    /* It cannot do it: lock-step for the rest of the run. */
    RELAY_PIPELINING_BROKEN
};

struct relay_shared {
    /* Connections that are open or being opened, and those that can take messages. */
    atomic_uint open, ready;
    /* The most that were ready at once; and before when no more than that are tried,
     * because one more was refused while others went on. 0: nothing was refused yet. */
    atomic_uint peak;
    atomic_uint_fast64_t probe_ns;
    /* Messages it has answered for. */
    atomic_uint_fast64_t completed;
    atomic_bool has_failed;
    /* An enum relay_pipelining. */
    atomic_int pipelining;
    /* Connections in a row that were lost at the first commands sent ahead, each opened
     * after the one before had been, and when the last one was. */
    atomic_uint lost_ahead;
    atomic_uint_fast64_t lost_ahead_ns;
    /* When it last said that it takes nothing for now, and from when on that may be
     * said again. */
    atomic_uint_fast64_t limited_ns, limit_said_ns;
    /* Failures in a row that were logged: each once, whichever worker met it. */
    atomic_uint failures_logged;
};

struct run_tally {
    atomic_uint_fast64_t attempts, delivered, failed, in_doubt, invalid, suppressed,
        expired, in_flight;
    /* Deferred by this run, less those that it claimed again: below 0 if an earlier one
     * left more. */
    atomic_int_fast64_t deferred;
};

struct run_shared {
    const struct run_settings *settings;
    unsigned workers;
    struct store_port store;
    struct compose_port compose;
    struct clock_port clock;
    /* When the run began, by both of its clocks. */
    uint64_t began_boot_ns;
    int64_t began_wall_ms;
    /* Orders from the workers. */
    struct mailbox ledger_inbox;
    atomic_int phase;
    /* The first reason to end: an enum run_end, or -1. */
    atomic_int end;
    /* Armed, or about to be, without a durable outcome. */
    atomic_uint unconfirmed;
    /* A relay has answered properly once. */
    atomic_bool was_reached;
    struct relay_shared relays[RUN_RELAYS_MAX];
    /* Workers that have fewer connections than their share and want one; those that
     * want one and have none, because the relay takes no more. */
    atomic_bool is_hungry[RUN_WORKERS_MAX], is_starving[RUN_WORKERS_MAX];
    struct run_tally tally;
    pthread_mutex_t trouble_mutex;
    char trouble[256];
    /* The first thing this program could not do. */
    struct error failure;
};

/* Ends the run for a reason, unless it is ending already; the phase only goes up. */
void run_shared_end(struct run_shared *shared, enum run_end end, enum run_phase phase);
/* The run ends with RUN_FAILED; the first error is kept. */
void run_shared_fail(struct run_shared *shared, const struct error *error);
void run_shared_set_trouble(struct run_shared *shared, const char *format, ...)
    PRINTF_LIKE(2, 3);
void run_shared_trouble(struct run_shared *shared, char *to, size_t size);

static inline enum run_phase run_shared_phase(struct run_shared *shared)
{
    return (enum run_phase)atomic_load_explicit(&shared->phase, memory_order_acquire);
}

/* The run begins now. */
void run_shared_set_clock(struct run_shared *shared, const struct clock_port *clock);
/* The wall clock as it was when the run began, and what has passed since: somebody who
 * sets the clock moves no retry, and expires nobody. */
int64_t run_shared_wall_ms(const struct run_shared *shared);

#endif
