/*
 * run_owner.h - who runs a campaign
 *
 * The lock on a byte of PATH.lock says THAT somebody does, and cannot be left behind by
 * the dead; the row run_owner says WHO, and its token says that it is still us: should
 * the file system's locks be worth nothing (another machine, a restored copy), the
 * second run overwrites the token and the first finds out at its next group.
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
    sqlite3_stmt *check;
};

/* Takes the lock. Nothing is written yet. */
MUST_CHECK enum err run_owner_lock(struct run_owner *owner, struct store *store,
                                   int64_t campaign_id, struct error *error);
/* Inside a transaction: writes the row, with a fresh token. */
MUST_CHECK enum err run_owner_sign(struct run_owner *owner, struct error *error);
/* Inside a transaction: whether the row is still ours; ERR_LOCKED if not. */
MUST_CHECK enum err run_owner_check(struct run_owner *owner, struct error *error);
/* Gives the lock back. */
void run_owner_unlock(struct run_owner *owner);

#endif
