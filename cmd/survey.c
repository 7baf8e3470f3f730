/*
 * survey.c - the main thread reads the list, workers render, parts are added up
 *
 * Rows travel in batches: out through each worker's mailbox, back through the main
 * thread's. Each worker fills a survey of its own; they are merged at the end.
 */
#include "cmd/survey.h"

#include "cmd/survey_findings.h"
#include "cmd/survey_worker.h"
#include "core/base/clock.h"
#include "core/base/mailbox.h"
#include "storage/suppressions.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS_MAX 64

/* The main thread's side. */
struct crew {
    struct survey_worker *workers;
    size_t n;
    struct mailbox done;
    struct list idle;
    /* Being filled; NULL: none. */
    struct survey_batch *batch;
};

static enum err no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "cannot check: the campaign: out of memory");
}

static struct survey_batch *crew_idle_batch(struct crew *crew)
{
    if (list_is_empty(&crew->idle))
        (void)mailbox_wait(&crew->done, &crew->idle, UINT64_MAX);
    struct survey_batch *batch =
        container_of(list_shift(&crew->idle), struct survey_batch, mail.link);
    arena_reset(&batch->arena);
    batch->n = 0;
    return batch;
}

/* Hands over the batch being filled: to the worker in whose array it lies. */
static void crew_post(struct crew *crew)
{
    struct survey_batch *batch = crew->batch;
    crew->batch = NULL;
    for (size_t i = 0; i < crew->n; i++) {
        struct survey_worker *worker = &crew->workers[i];
        if (batch >= worker->batches && batch < worker->batches + SURVEY_BATCHES)
            mailbox_post(&worker->inbox, &batch->mail);
    }
}

static enum err crew_start(struct crew *crew, const struct content *content,
                           bool compares_bodies, struct error *error)
{
    int64_t now_ms = clock_wall_ms();
    for (size_t i = 0; i < crew->n; i++) {
        if (survey_worker_init(&crew->workers[i], content, &crew->done, now_ms) !=
            ERR_NONE)
            return no_memory(error);
        crew->workers[i].compares_bodies = compares_bodies;
    }
    for (size_t i = 0; i < crew->n; i++) {
        struct survey_worker *worker = &crew->workers[i];
        if (pthread_create(&worker->thread, NULL, survey_worker_main, worker) != 0)
            return error_set(error, ERR_OS,
                             "cannot check: the campaign: no more threads");
        worker->is_started = true;
        for (size_t b = 0; b < SURVEY_BATCHES; b++)
            list_append(&crew->idle, &worker->batches[b].mail.link);
    }
    return ERR_NONE;
}

/* Ends the workers: each gets a last batch, empty, of its own. */
static void crew_join(struct crew *crew)
{
    for (size_t i = 0; i < crew->n; i++) {
        struct survey_worker *worker = &crew->workers[i];
        worker->last.is_last = true;
        if (worker->is_started)
            mailbox_post(&worker->inbox, &worker->last.mail);
    }
    for (size_t i = 0; i < crew->n; i++) {
        if (crew->workers[i].is_started)
            (void)pthread_join(crew->workers[i].thread, NULL);
    }
}

static bool batch_add(struct survey_batch *batch, const struct recipient_row *row,
                      bool is_suppressed)
{
    struct recipient_row *copy = &batch->rows[batch->n];
    batch->is_suppressed[batch->n] = is_suppressed;
    copy->id = row->id;
    copy->address = arena_copy(&batch->arena, row->address);
    copy->domain = arena_copy(&batch->arena, row->domain);
    copy->record = arena_copy(&batch->arena, row->record);
    batch->n++;
    return !str_is_null(copy->address) && !str_is_null(copy->domain) &&
           !str_is_null(copy->record);
}

/* Whether a recipient counts towards the limit. Only where there is one is it worked
 * out before a worker sees him; what goes wrong then is the worker's to tell. */
static bool is_meant(struct composer *chooser, const struct recipient_row *row,
                     int64_t now_ms)
{
    bool keeps = true;
    struct error ignored;
    if (chooser == NULL)
        return true;
    enum err err =
        composer_keeps(chooser, row->address, row->record, now_ms, &keeps, &ignored);
    return err != ERR_NONE || keeps;
}

/* What is handed out. */
struct tour {
    struct store *store;
    const struct recipient_list *list;
    const struct survey_options *options;
    /* Says who counts towards the limit; NULL: everybody does. */
    struct composer *chooser;
};

static enum err hand_out_row(struct crew *crew, const struct tour *tour,
                             const struct recipient_row *row, uint64_t ordinal,
                             struct error *error)
{
    bool covered = false;
    enum err err = suppression_covers(tour->store, row->address, &covered, error);
    if (err != ERR_NONE)
        return err;
    if (crew->batch == NULL) {
        crew->batch = crew_idle_batch(crew);
        crew->batch->first_ordinal = ordinal;
    }
    if (!batch_add(crew->batch, row, covered))
        return no_memory(error);
    if (crew->batch->n == SURVEY_BATCH_ROWS)
        crew_post(crew);
    return ERR_NONE;
}

/* Reads the list and hands it out. */
static enum err hand_out(struct crew *crew, const struct tour *tour,
                         struct survey *survey, struct error *error)
{
    const struct survey_options *options = tour->options;
    struct recipient_walk *walk;
    struct recipient_row row;
    struct progress progress;
    uint64_t meant = 0, all = tour->list->recipient_count;
    if (options->limit > 0 && options->limit < all)
        all = options->limit;
    progress_init(&progress, options->progress, options->quiet, all, NULL);
    enum err err = recipient_walk_open(tour->store, tour->list->id, 0, &walk, error);
    if (err != ERR_NONE)
        return err;
    while (err == ERR_NONE && (options->limit == 0 || meant < options->limit) &&
           recipient_walk_next(walk, &row)) {
        survey->recipients++;
        if (!is_meant(tour->chooser, &row, crew->workers[0].now_ms)) {
            survey->left_out++;
            continue;
        }
        meant++;
        err = hand_out_row(crew, tour, &row, survey->recipients, error);
        progress_show_work(&progress, "rendered", meant, meant, all);
    }
    if (crew->batch != NULL)
        crew_post(crew);
    progress_clear(&progress);
    enum err walk_err = recipient_walk_close(walk, err == ERR_NONE ? error : NULL);
    return err != ERR_NONE ? err : walk_err;
}

static enum err compare_bodies(const struct crew *crew, struct store *store,
                               int64_t list_id, struct survey *survey,
                               struct error *error)
{
    struct body_log all = {0};
    enum err err = ERR_NONE;
    for (size_t i = 0; i < crew->n && err == ERR_NONE; i++) {
        if (!body_log_append(&all, &crew->workers[i].bodies))
            err = no_memory(error);
    }
    if (err == ERR_NONE)
        err = survey_note_bodies(survey, &all, store, list_id, error);
    body_log_fini(&all);
    return err;
}

static unsigned core_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (unsigned)cores;
}

/* Adds up what the workers found. */
static enum err crew_sum_up(struct crew *crew, struct survey *survey,
                            struct error *error)
{
    enum err err = ERR_NONE;
    for (size_t i = 0; i < crew->n; i++) {
        struct survey_worker *worker = &crew->workers[i];
        if (err == ERR_NONE && worker->err != ERR_NONE) {
            err = worker->err;
            *error = worker->error;
        }
        survey_merge(survey, &worker->found);
    }
    return err;
}

enum err survey_run(struct store *store, const struct recipient_list *list,
                    const struct content *content, const struct survey_options *options,
                    struct survey *survey, struct error *error)
{
    struct crew crew = {.n = options->workers > 0 ? options->workers : core_count()};
    struct tour tour = {.store = store, .list = list, .options = options};
    uint64_t start_ns = clock_mono_ns();
    *survey = (struct survey){.is_personal = body_is_personal(content)};
    arena_init(&survey->arena, SURVEY_FINDINGS_MEMORY);
    CHECK(crew.n <= WORKERS_MAX);
    crew.workers = calloc(crew.n, sizeof(*crew.workers));
    if (crew.workers == NULL)
        return no_memory(error);
    list_init(&crew.idle);
    mailbox_init(&crew.done, crew.n * (SURVEY_BATCHES + 1), NULL, NULL);
    enum err err = crew_start(&crew, content,
                              options->compares_bodies && survey->is_personal, error);
    if (err == ERR_NONE && options->limit > 0 && content->where != NULL) {
        tour.chooser = composer_new(content);
        if (tour.chooser == NULL)
            err = no_memory(error);
    }
    if (err == ERR_NONE)
        err = hand_out(&crew, &tour, survey, error);
    crew_join(&crew);
    if (err == ERR_NONE)
        err = crew_sum_up(&crew, survey, error);
    if (err == ERR_NONE)
        err = compare_bodies(&crew, store, list->id, survey, error);
    composer_free(tour.chooser);
    for (size_t i = 0; i < crew.n; i++)
        survey_worker_fini(&crew.workers[i]);
    mailbox_fini(&crew.done);
    free(crew.workers);
    survey->elapsed_s = (double)(clock_mono_ns() - start_ns) / (double)NS_PER_S;
    return err;
}

void survey_free(struct survey *survey)
{
    arena_fini(&survey->arena);
}
