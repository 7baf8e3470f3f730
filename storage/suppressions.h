/*
 * suppressions.h - whom never to write to
 *
 * Addresses, and whole domains written "@example.org". They apply when a campaign is
 * launched and again until the moment a message is armed, to running campaigns as
 * well. The local part is compared without regard to ASCII case: rather one message
 * too few.
 *
 * Thread:  the store's.
 * Errors:  ERR_DATA for what is neither address nor @domain, else the store's.
 * Cost:    O(log n) each.
 */
#ifndef BROADSIDE_STORAGE_SUPPRESSIONS_H
#define BROADSIDE_STORAGE_SUPPRESSIONS_H

#include "core/base/arena.h"
#include "storage/store.h"

struct suppression {
    /* Normalised; "@domain" for a whole one. */
    struct str address;
    /* A word: "manual", "import", "bounce", "complaint", "unsubscribe". */
    struct str cause;
    /* Who or what said so: "command", a file name, a campaign. */
    struct str source;
    /* The campaign whose outcome it was; empty if none. */
    struct str campaign;
    int64_t at_ms;
    struct str note;
};

/* Everything between begin and commit is one transaction; without begin each call is
 * its own. For import. */
MUST_CHECK enum err suppressions_begin(struct store *store, struct error *error);
MUST_CHECK enum err suppressions_commit(struct store *store, struct error *error);
void suppressions_rollback(struct store *store);

/* Adds one; *added is false if it was there already (it then stays as it was).
 * at_ms 0: now. */
MUST_CHECK enum err suppression_add(struct store *store,
                                    const struct suppression *suppression, bool *added,
                                    struct error *error);
/* ERR_NOT_FOUND if it was not there. */
MUST_CHECK enum err suppression_remove(struct store *store, struct str address,
                                       struct error *error);
/* Whether an address is suppressed, by itself or with its domain. `address` as
 * normalised by address.h. */
MUST_CHECK enum err suppression_covers(struct store *store, struct str address,
                                       bool *covered, struct error *error);

/* All of them in the order of their addresses; see lists.h for how a walk works. */
struct suppression_walk;
MUST_CHECK enum err suppression_walk_open(struct store *store,
                                          struct suppression_walk **walk,
                                          struct error *error);
bool suppression_walk_next(struct suppression_walk *walk,
                           struct suppression *suppression);
enum err suppression_walk_close(struct suppression_walk *walk, struct error *error);

#endif
