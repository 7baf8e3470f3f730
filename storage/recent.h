/*
 * recent.h - what a run did in its last seconds
 *
 * For status: the pace that limits really have. Attempts are appended in the order of
 * time, so the newest are a scan backwards from the end that stops where they are too
 * old.
 *
 * Thread:  the store's.
 * Errors:  the store's.
 * Cost:    O(attempts looked at), at most `max`.
 */
#ifndef BROADSIDE_STORAGE_RECENT_H
#define BROADSIDE_STORAGE_RECENT_H

#include "storage/store.h"

struct recent_attempt {
    /* Good during the call. */
    struct str domain;
    int64_t at_ms;
};

/* Calls `each` for the attempts of a campaign since `since_ms`, the newest first, after
 * looking at no more than `max` attempts of all campaigns. */
MUST_CHECK enum err
recent_attempts(struct store *store, int64_t campaign_id, int64_t since_ms, int64_t max,
                void (*each)(void *self, const struct recent_attempt *attempt),
                void *self, struct error *error);

#endif
