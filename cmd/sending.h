/*
 * sending.h - one run of a campaign, from the lock to the summary: launch and resume
 *
 * Owns:    the run, for as long as it takes.
 * Thread:  main. Signals: INT, TERM and HUP once drain the run, twice stop it.
 * Errors:  ERR_LOCKED (77) if another run is alive; the run's own.
 */
#ifndef BROADSIDE_CMD_SENDING_H
#define BROADSIDE_CMD_SENDING_H

#include "cmd/command.h"
#include "cmd/content.h"
#include "cmd/progress.h"
#include "storage/campaigns.h"

/* Options that launch and resume share. */
struct sending_values {
    uint64_t workers, max_unconfirmed;
    bool no_wait;
    /* resume's alone. */
    bool take_over;
    unsigned progress;
};

#define SENDING_UNCONFIRMED_DEFAULT 1024

/* Their entries in an option table; `base` is the offset of the struct above. */
/* clang-format off */
#define SENDING_OPTIONS(base)                                                          \
    {"workers", OPTION_COUNT, "N", (base) + offsetof(struct sending_values, workers),  \
     "threads that send (default one less than cores)", 1, RUN_WORKERS_MAX},           \
    {"max-unconfirmed", OPTION_COUNT, "N",                                             \
     (base) + offsetof(struct sending_values, max_unconfirmed),                        \
     "messages whose fate a crash may leave in doubt, at most (default 1024)", 1,      \
     1000000},                                                                         \
    {"no-wait", OPTION_FLAG, NULL, (base) + offsetof(struct sending_values, no_wait),  \
     "leave with 75 when only deferred ones remain", 0, 0},                            \
    {"progress", OPTION_CHOICE, PROGRESS_WORDS,                                        \
     (base) + offsetof(struct sending_values, progress), "on standard error", 0, 0}
/* clang-format on */

/* Sends what is left of the campaign; returns the exit code. */
int sending_run(struct store *store, const struct campaign *campaign,
                const struct content *content, const struct sending_values *values,
                bool quiet, struct error *error);
/* The exit code that goes with a campaign's counts, when nothing is left to do. */
int sending_exit_code(struct store *store, int64_t campaign_id, struct error *error);

#endif
