/*
 * survey_worker.h - a thread of a survey: renders recipients and notes what it finds
 *
 * Rows come in batches through its mailbox and go back, empty, through `outbox`. It has
 * SURVEY_BATCHES of them, which bounds the memory and is the back-pressure.
 *
 * Owns:    from survey_worker_init to survey_worker_fini all of it but `outbox`.
 * Keeps:   the content.
 * Thread:  main inits and finis; in between it is its own thread's, but for the
 *          mailboxes.
 * Errors:  `err` and `error`, when the thread has ended.
 */
#ifndef BROADSIDE_CMD_SURVEY_WORKER_H
#define BROADSIDE_CMD_SURVEY_WORKER_H

#include "cmd/compose.h"
#include "cmd/survey.h"
#include "cmd/survey_bodies.h"
#include "cmd/survey_findings.h"
#include "core/base/mailbox.h"

#include <pthread.h>

#define SURVEY_BATCH_ROWS 64
#define SURVEY_BATCHES    3
/* For the samples of what was found. */
#define SURVEY_FINDINGS_MEMORY (16u << 20)

struct survey_batch {
    struct mail mail;
    struct arena arena;
    struct recipient_row rows[SURVEY_BATCH_ROWS];
    bool is_suppressed[SURVEY_BATCH_ROWS];
    size_t n;
    uint64_t first_ordinal;
    bool is_last;
};

struct survey_worker {
    const struct content *content;
    struct mailbox inbox, *outbox;
    struct composer *composer;
    struct arena arena;
    struct survey found;
    size_t unsubscribe_header;
    bool compares_bodies;
    struct body_log bodies;
    /* Of the recipient at hand, for note_missing. */
    struct survey_recipient who;
    int64_t now_ms;
    enum err err;
    struct error error;
    pthread_t thread;
    bool is_started;
    struct survey_batch batches[SURVEY_BATCHES], last;
};

/* ERR_MEMORY; survey_worker_fini is due in any case. */
MUST_CHECK enum err survey_worker_init(struct survey_worker *worker,
                                       const struct content *content,
                                       struct mailbox *outbox, int64_t now_ms);
void survey_worker_fini(struct survey_worker *worker);
/* What its thread does, up to the batch that is the last; `self` is the worker. */
void *survey_worker_main(void *self);

#endif
