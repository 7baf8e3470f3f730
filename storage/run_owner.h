/*
 * run_owner.h - who runs a campaign
 *
 * The lock on a byte of PATH.lock says THAT somebody does, and cannot be left behind by
 * the dead; the row run_owner says WHO, and its token says that it is still us: should
 * the file system's locks be worth nothing (another machine, a restored copy), the
 * second run overwrites the token and the first finds out at its next group.
 *
 * PATH.lock also remembers how many groups each campaign has committed. A database that
 * knows of fewer was restored from a backup: whom the lost groups were sent to is not
 * known, so such a campaign is refused.
 *
 * Thread:  the store's.
 * Errors:  ERR_LOCKED names the other one; else the store's.
 */
#ifndef BROADSIDE_STORAGE_RUN_OWNER_H
#define BROADSIDE_STORAGE_RUN_OWNER_H

#include "storage/database.h"

#define RUN_TOKEN_BYTES 16

struct run_owner {
    struct store *store;
    int64_t campaign_id;
    unsigned char token[RUN_TOKEN_BYTES];
    /* Groups committed so far. */
    int64_t groups;
    sqlite3_stmt *check, *count;
};

/* Takes the lock. Nothing is written yet. */
MUST_CHECK enum err run_owner_lock(struct run_owner *owner, struct store *store,
                                   int64_t campaign_id, struct error *error);
/* Inside a transaction, before signing: ERR_LOCKED if the row is that of a run on
 * another machine which did not end in order. Its lock is not seen from here: it may be
 * alive, with a copy of this database. */
MUST_CHECK enum err run_owner_check_machine(struct run_owner *owner,
                                            struct error *error);
/* Inside a transaction: writes the row, with a fresh token. ERR_STORAGE if the database
 * is older than what was sent from it. */
MUST_CHECK enum err run_owner_sign(struct run_owner *owner, struct error *error);
/* Inside a transaction: whether the row is still ours; ERR_LOCKED if not. */
MUST_CHECK enum err run_owner_check(struct run_owner *owner, struct error *error);
/* Inside a transaction that is about to be committed: counts the group. */
MUST_CHECK enum err run_owner_count(struct run_owner *owner, struct error *error);
/* After the commit: notes the number in PATH.lock. */
void run_owner_note(struct run_owner *owner);
/* Inside a transaction: the row is nobody's any more; its count stays. */
MUST_CHECK enum err run_owner_resign(struct store *store, int64_t campaign_id,
                                     struct error *error);
/* Gives the lock back. */
void run_owner_unlock(struct run_owner *owner);

#endif
