/*
 * recovery.h - putting a campaign's deliveries right when no run is on it
 *
 * For whoever holds the campaign's lock, inside a transaction: after a crash, at the
 * end of a run, for a cancel from another terminal.
 *
 * Keeps:   the store.
 * Thread:  the store's.
 * Errors:  the store's.
 * Cost:    O(deliveries of the campaign), a scan.
 */
#ifndef BROADSIDE_STORAGE_RECOVERY_H
#define BROADSIDE_STORAGE_RECOVERY_H

#include "storage/campaigns.h"
#include "storage/deliveries.h"
#include "storage/reports.h"

struct recovery {
    struct store *store;
    int64_t campaign_id;
    struct delivery_range deliveries;
    /* What each of the calls below leaves in the database. */
    struct delivery_counts counts;
    /* Deliveries that had been armed, after recovery_settle. */
    uint64_t armed;
};

MUST_CHECK enum err recovery_init(struct recovery *recovery, struct store *store,
                                  int64_t campaign_id, struct error *error);
/* claimed -> pending; armed -> in_doubt, or deferred and due at once. */
MUST_CHECK enum err recovery_settle(struct recovery *recovery, bool retry_in_doubt,
                                    struct error *error);
/* Deferred ones are due at latest_ms at the latest. After recovery_settle. */
MUST_CHECK enum err recovery_cap_waits(struct recovery *recovery, int64_t latest_ms,
                                       struct error *error);
/* Whatever is in no terminal state -> cancelled. After recovery_settle. */
MUST_CHECK enum err recovery_cancel_rest(struct recovery *recovery,
                                         struct error *error);
/* Writes the campaign's state; FINISHED and CANCELLED have a time. INTERRUPTED is
 * stored as running without an owner. */
MUST_CHECK enum err recovery_set_state(struct recovery *recovery,
                                       enum campaign_state state, struct error *error);

#endif
