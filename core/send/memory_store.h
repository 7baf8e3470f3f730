/*
 * memory_store.h - a store port without a store, and a composer without a template
 *
 * The twins that tests and benchmarks of a run use: what they cost is next to nothing,
 * so what is measured is the run. Recipients are not stored: number k of a lane is
 * LOCALk@DOMAIN.
 *
 * Owns:    its lanes and one state per delivery.
 * Thread:  the port's functions on the ledger's; the settings before the run, the
 *          counts after it.
 * Errors:  as the port. An error set with memory_store_fail_at does not undo the group.
 */
#ifndef BROADSIDE_SEND_MEMORY_STORE_H
#define BROADSIDE_SEND_MEMORY_STORE_H

#include "core/send/ports.h"

struct memory_store;

enum memory_state {
    MEMORY_PENDING,
    MEMORY_CLAIMED,
    MEMORY_ARMED,
    MEMORY_DEFERRED,
    MEMORY_DELIVERED,
    MEMORY_FAILED,
    MEMORY_IN_DOUBT,
    MEMORY_SUPPRESSED,
    MEMORY_INVALID,
    MEMORY_EXPIRED,
    MEMORY_CANCELLED,
    MEMORY_STATES
};

struct memory_store *memory_store_new(void);
void memory_store_free(struct memory_store *store);
/* A lane with `count` recipients; false without memory. Both strings are kept. */
bool memory_store_add(struct memory_store *store, struct str local, struct str domain,
                      size_t count);
struct store_port memory_store_port(struct memory_store *store);

/* A commit takes so long. */
void memory_store_set_latency(struct memory_store *store, uint64_t ns);
/* The n-th commit from now and all after it fail; 0: none does. */
void memory_store_fail_at(struct memory_store *store, uint64_t n);
/* Arming is refused for every n-th delivery; 0: for none. */
void memory_store_deny_every(struct memory_store *store, uint64_t n);
/* What another terminal asks for; from any thread. */
void memory_store_command(struct memory_store *store, enum run_command command);

/* How many deliveries are in each state. */
void memory_store_counts(const struct memory_store *store,
                         uint64_t counts[MEMORY_STATES]);
/* Attempts that were charged, of all deliveries. */
uint64_t memory_store_charged(const struct memory_store *store);
uint64_t memory_store_commits(const struct memory_store *store);
/* The most deliveries that were armed at once after a commit. */
uint64_t memory_store_armed_peak(const struct memory_store *store);

/* Every message is the same; the envelope sender is sender@broadside.example. */
struct constant_message {
    struct str content;
};
/* `message` is kept. */
struct compose_port constant_compose_port(const struct constant_message *message);

#endif
