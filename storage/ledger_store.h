/*
 * ledger_store.h - the store behind core/send/ports.h: one campaign's run
 *
 * Opening it makes this process the one run of the campaign: an OS lock on a byte of
 * PATH.lock, which dies with the process, and an owner row whose random token every
 * group commit checks. If the run before it died, its rows are put right first:
 * claimed -> pending; armed -> in_doubt, or with retry_in_doubt due again at once.
 *
 * Owns:    the lock and its prepared statements.
 * Keeps:   the store, until ledger_store_close.
 * Thread:  the store's (ports.h: the ledger thread).
 * Errors:  ERR_LOCKED names process and host of the other run. Any error inside the
 *          port rolls the group back; ports.h says what the run does then.
 * Limits:  LEDGER_BUSY_MS of waiting for another writer (an import, say): what is on
 *          the wire goes on meanwhile, up to the limit of the unconfirmed. Refuses to
 *          begin on a disk that the campaign would fill. The write-ahead log is copied
 *          back from STORE_WAL_BYTES on, by this connection alone.
 * Cost:    claim, arm and record of one message together a few microseconds in groups
 *          of a hundred; docs/decisions/0004-ledger.md has the measurement.
 */
#ifndef BROADSIDE_STORAGE_LEDGER_STORE_H
#define BROADSIDE_STORAGE_LEDGER_STORE_H

#include "core/send/ports.h"
#include "storage/campaigns.h"
#include "storage/reports.h"

#define LEDGER_BUSY_MS 60000
/* Once that has not been enough the run ends, and each further try is as short. */
#define LEDGER_BUSY_AGAIN_MS 500

struct ledger_store;

struct ledger_options {
    /* What a dead run left armed is sent again rather than held. */
    bool retry_in_doubt;
    /* The row of a run on another machine is no reason to refuse. */
    bool take_over;
    /* Nobody waits longer than that for the next attempt, whatever the clock said when
     * it was written down; 0: as it was. */
    int64_t wait_max_ms;
};

/* *recovered: how many deliveries a run before this one left armed. The campaign
 * becomes running; a pause or cancel asked for before is taken back. */
MUST_CHECK enum err ledger_store_open(struct store *store, int64_t campaign_id,
                                      const struct ledger_options *options,
                                      struct ledger_store **ledger, uint64_t *recovered,
                                      struct error *error);
/* The port; valid until ledger_store_close. */
struct store_port ledger_store_port(struct ledger_store *ledger);
/* What the opening found and put right; valid until ledger_store_close. */
const struct delivery_counts *ledger_store_counts(const struct ledger_store *ledger);
/* Gives the campaign up and says how it stands: FINISHED (checked: nothing may be
 * unfinished), PAUSED, CANCELLED (the rest becomes cancelled) or INTERRUPTED. Claimed
 * deliveries become pending; armed ones are in doubt, or with retry_in_doubt due again
 * unless it was cancelled. *counts: what the database then has, unless it fails; NULL
 * if nobody asks. */
enum err ledger_store_close(struct ledger_store *ledger, enum campaign_state state,
                            struct delivery_counts *counts, struct error *error);

#endif
