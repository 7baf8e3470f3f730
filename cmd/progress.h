/*
 * progress.h - how far a run has got, on standard error
 *
 * On a terminal one line that is redrawn; otherwise a plain line every few seconds, for
 * a log. Nothing with --quiet or --progress never.
 *
 * Owns:    nothing.
 * Thread:  main.
 * Errors:  ignored: talk must not stop a campaign.
 */
#ifndef BROADSIDE_CMD_PROGRESS_H
#define BROADSIDE_CMD_PROGRESS_H

#include "core/send/run.h"

#define PROGRESS_WORDS "auto|always|never"
enum progress_mode { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER };

/* How often progress_show wants to be called. */
#define PROGRESS_TICK_MS 200

/* How the campaign stood when this run began: the line is about all of it. */
struct progress_before {
    /* In a terminal state, whichever. */
    uint64_t done;
    uint64_t delivered, deferred, failed, in_doubt;
};

struct progress {
    bool is_on, is_live, has_colour, has_drawn;
    uint64_t audience;
    struct progress_before before;
    int64_t started_ms, last_ms;
};

/* `audience`: deliveries of the campaign. `before`: NULL if there is none. */
void progress_init(struct progress *progress, enum progress_mode mode, bool quiet,
                   uint64_t audience, const struct progress_before *before);
void progress_show(struct progress *progress, const struct run_progress *now);
/* For work without a connection: `count` things so far, `part` of `whole` done (whole
 * 0: not known). */
void progress_show_work(struct progress *progress, const char *what, uint64_t count,
                        uint64_t part, uint64_t whole);
/* Takes the live line away. */
void progress_clear(struct progress *progress);

#endif
