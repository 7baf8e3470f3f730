/*
 * summary.h - how a campaign stands, in the numbers that status and report share
 *
 * Owns:    nothing; strings lie in the arena given to summary_read.
 * Thread:  main.
 * Errors:  the store's.
 * Cost:    O(deliveries of the campaign).
 */
#ifndef BROADSIDE_CMD_SUMMARY_H
#define BROADSIDE_CMD_SUMMARY_H

#include "cmd/format.h"
#include "storage/reports.h"

struct summary {
    struct campaign campaign;
    struct delivery_counts counts;
    uint64_t attempts;
    /* From the start of the first run to the end of the last one, or to now while one
     * is alive; pauses included. */
    double elapsed_s;
    /* Delivered over elapsed. */
    double rate_per_s;
};

/* `campaign` as found by campaign_find or campaigns_all. */
MUST_CHECK enum err summary_read(struct store *store, const struct campaign *campaign,
                                 struct summary *summary, struct error *error);

/* "audience" and every state, zero or not. */
json_t *json_out_counts(const struct delivery_counts *counts);
/* Into `object`: campaign, list, state, counts, attempts, started_at, finished_at,
 * elapsed_s, rate_per_s. */
void summary_to_json(const struct summary *summary, json_t *object);
/* The same as text, one labelled line each, and the states that are not zero. */
void summary_print(const struct summary *summary, FILE *to);

#endif
