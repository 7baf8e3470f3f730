/*
 * run.h - a campaign run: from pending deliveries to outcomes
 *
 * One ledger thread owns the store; N workers, each with its own event loop, claim
 * deliveries, have them composed and send them over persistent connections to the
 * relay, within the limits; what became of each goes back to the ledger. The caller's
 * thread only watches.
 *
 * Owns:    its threads and everything they use, from run_new to run_free.
 * Keeps:   the settings' strings and arrays, and the ports, until run_free.
 * Thread:  run_new, run_start, run_wait, run_free from one thread; run_drain,
 *          run_stop, run_progress_read from any (but not from a signal handler).
 * Time:    settings in milliseconds; progress in wall milliseconds.
 * Errors:  what this program could not do comes out of run_wait. What a server said
 *          is in the store, never here.
 * Limits:  RUN_WORKERS_MAX, RUN_RELAYS_MAX, RUN_CONNECTIONS_MAX.
 */
#ifndef BROADSIDE_SEND_RUN_H
#define BROADSIDE_SEND_RUN_H

#include "core/send/limits.h"
#include "core/send/ports.h"

#define RUN_WORKERS_MAX     64
#define RUN_RELAYS_MAX      16
#define RUN_CONNECTIONS_MAX 1024

struct run;

/* REQUIRED and IMPLICIT need the TLS layer; until it is there run_new refuses them
 * with ERR_CONFIG. OPPORTUNISTIC goes in clear until then. */
enum relay_tls {
    RELAY_TLS_NONE,
    RELAY_TLS_OPPORTUNISTIC,
    RELAY_TLS_REQUIRED,
    RELAY_TLS_IMPLICIT
};

struct relay_settings {
    /* A name or an address (IPv6 without brackets). */
    struct str host;
    uint16_t port;
    enum relay_tls tls;
    /* At once, over all workers; 1..RUN_CONNECTIONS_MAX. */
    unsigned connections;
    /* Before a connection is closed and opened anew; 0: no limit. */
    unsigned messages_per_connection;
    /* Use PIPELINING where it is offered. */
    bool pipelining;
    /* What we call ourselves; a host name or an address literal. */
    struct str helo;
};

struct retry_settings {
    int64_t first_ms;
    /* Each further pause is the one before times this; at least 1. */
    double factor;
    int64_t longest_ms;
    /* Counted from the first arming; a retry that would fall behind it is expired. */
    int64_t give_up_ms;
};

struct run_settings {
    /* 0: one less than there are cores. Never more than a relay's connections. */
    unsigned workers;
    /* In order: the next one is used while one is down. */
    const struct relay_settings *relays;
    size_t relay_count;
    const struct limit_rule *limits;
    size_t limit_count;
    struct retry_settings retry;
    /* Lost after the last octet, no reply: false: held in doubt; true: sent again. */
    bool retry_in_doubt;
    /* Messages armed whose outcome is not durable yet, over all workers. */
    uint32_t unconfirmed_max;
    /* Stay for deferred deliveries; otherwise leave with RUN_ONLY_DEFERRED. */
    bool wait_for_deferred;
    /* How long a drain waits for the replies to what is on the wire. */
    int64_t drain_ms;
    /* How long all relays may be down before the run gives up: before any of them has
     * been reached, and after. */
    int64_t patience_first_ms, patience_ms;
    /* How long relays that limit what they take may take nothing before a run that is
     * not to wait for the deferred ends; one that is stays for retry.give_up_ms. */
    int64_t patience_limit_ms;
    int64_t connect_timeout_ms;
    /* Times the SMTP timeouts, and the pauses of a relay that limits what it takes, by
     * percent/100; 0 means 100. For tests. */
    unsigned timeout_percent;
};

/* The defaults of the contract; no relay, no limits. */
void run_settings_init(struct run_settings *settings);

/* Why a run ended. */
enum run_end {
    RUN_FINISHED,       /* every delivery is in a terminal state */
    RUN_ONLY_DEFERRED,  /* only deferred ones are left and it was not to wait */
    RUN_DRAINED,        /* run_drain or run_stop was called */
    RUN_PAUSED,         /* another terminal asked for it */
    RUN_CANCELLED,      /* another terminal asked for it; the rest is the caller's */
    RUN_LIMITED,        /* the relays take nothing for now; nobody was charged for it */
    RUN_RELAY_UNUSABLE, /* no relay could be reached; nobody was charged for it */
    RUN_FAILED          /* run_wait's error says what */
};

enum relay_state { RELAY_UNTRIED, RELAY_UP, RELAY_DOWN };

/* Counts of this run alone, since run_start. */
struct run_progress {
    int64_t started_ms, now_ms;
    /* Attempts with an outcome, and what the final outcomes were. */
    uint64_t attempts, delivered, failed, in_doubt, invalid, suppressed, expired;
    /* How many more are deferred now than at the start. */
    int64_t deferred;
    /* On the wire, or given to a connection. */
    uint64_t in_flight;
    /* Delivered, deferred and failed per second over the last few seconds. */
    double rate_per_s;
    unsigned connections;
    bool draining;
    size_t relay_count;
    enum relay_state relays[RUN_RELAYS_MAX];
    /* The last thing that kept a relay from being used, empty if none. */
    char relay_trouble[256];
};

/* ERR_CONFIG, ERR_MEMORY, ERR_OS; *run is NULL then. `clock` NULL: the machine's. */
MUST_CHECK enum err run_new(const struct run_settings *settings,
                            const struct store_port *store,
                            const struct compose_port *compose,
                            const struct clock_port *clock, struct run **run,
                            struct error *error);
void run_free(struct run *run);
/* Starts the threads. On failure none is left running. */
MUST_CHECK enum err run_start(struct run *run, struct error *error);

/* Blocks until the run has ended and all its threads are joined. `tick` (may be NULL)
 * is called on this thread every tick_ms with how far it has got. */
MUST_CHECK enum err run_wait(struct run *run, int64_t tick_ms,
                             void (*tick)(void *self,
                                          const struct run_progress *progress),
                             void *self, enum run_end *end, struct error *error);

/* Start nothing new, withhold what is not armed, wait for the replies. */
void run_drain(struct run *run);
/* Close every connection now. */
void run_stop(struct run *run);
void run_progress_read(struct run *run, struct run_progress *progress);

#endif
