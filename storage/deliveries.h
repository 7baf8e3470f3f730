/*
 * deliveries.h - finding one delivery of a campaign
 *
 * Thread:  the store's.
 * Errors:  the store's.
 * Cost:    O(log n) each.
 */
#ifndef BROADSIDE_STORAGE_DELIVERIES_H
#define BROADSIDE_STORAGE_DELIVERIES_H

#include "storage/database.h"

/* id 0: the campaign has nobody at that domain. */
struct lane_range {
    int64_t id, first, last;
};

MUST_CHECK enum err deliveries_lane(struct store *store, int64_t campaign_id,
                                    struct str domain, struct lane_range *lane,
                                    struct error *error);
/* The delivery of a recipient, 0 if the lane has none. */
MUST_CHECK enum err deliveries_find(struct store *store, const struct lane_range *lane,
                                    int64_t recipient, int64_t *delivery,
                                    struct error *error);

#endif
