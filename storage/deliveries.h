/*
 * deliveries.h - where a campaign's deliveries lie, and finding one of them
 *
 * Thread:  the store's.
 * Errors:  the store's.
 * Cost:    O(log n) each.
 */
#ifndef BROADSIDE_STORAGE_DELIVERIES_H
#define BROADSIDE_STORAGE_DELIVERIES_H

#include "storage/database.h"

/* Bytes of a delivery's `room` (schema.c) until it is armed, and from then on. */
#define DELIVERY_ROOM       "x'000000000000000000000000'"
#define DELIVERY_ROOM_ARMED 8

/* A campaign's deliveries follow each other; `last` is before `first` if there are
 * none. */
struct delivery_range {
    int64_t first, last;
};

MUST_CHECK enum err deliveries_range(struct store *store, int64_t campaign_id,
                                     struct delivery_range *range, struct error *error);

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
