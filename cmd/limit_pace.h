/*
 * limit_pace.h - a campaign's limits as they are set, and as they go in fact
 *
 * Owns:    nothing; arrays lie in the arena given.
 * Thread:  main.
 * Errors:  the store's. Without a readable campaign file there are no limits to show.
 */
#ifndef BROADSIDE_CMD_LIMIT_PACE_H
#define BROADSIDE_CMD_LIMIT_PACE_H

#include "cmd/config/campaign.h"
#include "storage/campaigns.h"

#include <jansson.h>
#include <stdio.h>

struct limit_pace {
    const struct limit_rule *rule;
    /* Attempts per second in the last LIMIT_PACE_MS; of a rule for "*" those of its
     * busiest domain. 0 if there were fewer than two. */
    double effective_per_s;
};

#define LIMIT_PACE_MS       10000
#define LIMIT_PACE_ATTEMPTS 200000

/* One per rule of the campaign file, in its order; *file is what they point into and
 * is the caller's to free if *count > 0. */
MUST_CHECK enum err limit_paces(struct store *store, const struct campaign *campaign,
                                const char *settings_path, struct campaign_file *file,
                                struct arena *arena, struct limit_pace **paces,
                                size_t *count, struct error *error);

json_t *limit_paces_json(const struct limit_pace *paces, size_t count);
void limit_paces_print(const struct limit_pace *paces, size_t count, FILE *to);

#endif
