/*
 * audience.h - the deliveries of a new campaign
 *
 * Inside the transaction that creates the campaign: one delivery per recipient, the
 * largest domain first, each domain's in import order; those on the suppression list
 * have their final state from the start.
 *
 * Thread:  the store's.
 * Errors:  the store's; ERR_DATA if there is nobody.
 * Cost:    O(n log n), SQLite's sorter on disk; constant memory.
 */
#ifndef BROADSIDE_STORAGE_AUDIENCE_H
#define BROADSIDE_STORAGE_AUDIENCE_H

#include "storage/campaigns.h"
#include "storage/database.h"

MUST_CHECK enum err audience_materialise(struct store *store,
                                         const struct campaign_plan *plan,
                                         int64_t campaign_id, struct error *error);

#endif
