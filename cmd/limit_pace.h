/*
 * limit_pace.h - a campaign's limits as they are set, and as they go in fact
 *
 * Owns:    a limit_table owns all it shows, from read to free.
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

/* One pace per rule of the campaign file, in its order. */
struct limit_table {
    struct limit_pace *paces;
    size_t count;
    /* What the rules point into. */
    struct campaign_file file;
    struct arena arena;
};

/* On an error there is nothing to free. */
MUST_CHECK enum err limit_table_read(struct store *store,
                                     const struct campaign *campaign,
                                     const char *settings_path,
                                     struct limit_table *table, struct error *error);
void limit_table_free(struct limit_table *table);

json_t *limit_table_json(const struct limit_table *table);
/* Nothing without limits. */
void limit_table_print(const struct limit_table *table, FILE *to);

#endif
