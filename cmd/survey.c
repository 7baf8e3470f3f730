/*
 * survey.c - the main thread reads the list, workers render, parts are added up
 *
 * Rows travel in batches: out through each worker's mailbox, back through the main
 * thread's. There are BATCHES_PER_WORKER of them a worker, which bounds the memory and
 * is the back-pressure. Each worker fills a survey of its own; they are merged at the
 * end.
 */
#include "cmd/survey.h"

#include "cmd/compose.h"
#include "cmd/files.h"
#include "cmd/html_lint.h"
#include "cmd/survey_bodies.h"
#include "cmd/survey_findings.h"
#include "core/base/clock.h"
#include "core/base/mailbox.h"
#include "storage/suppressions.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH_ROWS         64
#define BATCHES_PER_WORKER 3
#define BATCH_MEMORY_MAX   (64u << 20)
#define FINDINGS_MEMORY    (16u << 20)
#define MESSAGE_MEMORY_MAX (160u << 20)
#define WORKERS_MAX        64

struct batch {
    struct mail mail;
    struct arena arena;
    struct recipient_row rows[BATCH_ROWS];
    bool is_suppressed[BATCH_ROWS];
    size_t n;
    uint64_t first_ordinal;
    bool is_last;
};

struct worker {
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
    struct batch batches[BATCHES_PER_WORKER], last;
};

static void note_missing(void *self, struct str where, struct str name, unsigned line,
                         unsigned column)
{
    struct worker *worker = self;
    struct survey_missing what = {
        .where = where, .name = name, .line = line, .column = column};
    survey_note_missing(&worker->found, &worker->who, &what);
}

struct cid_search {
    struct worker *worker;
    unsigned unknown;
};

static void note_cid(void *self, struct str name)
{
    struct cid_search *search = self;
    struct worker *worker = search->worker;
    const struct str_list *files = &worker->content->campaign->inline_files;
    for (size_t i = 0; i < files->n && i < CONTENT_FILE_COUNT; i++) {
        if (str_equal(file_name(files->p[i]), name)) {
            worker->found.inline_used[i] = true;
            return;
        }
    }
    search->unknown++;
    survey_note_unknown_cid(&worker->found, worker->who.ordinal, name);
}

static void look_at_text(struct worker *worker, const struct rendering *rendering)
{
    if (worker->content->campaign->text.n == 0)
        return;
    struct str text = pieces_join(&rendering->text, &worker->arena);
    worker->found.texts++;
    worker->found.texts_with_unsubscribe += says_unsubscribe(text);
}

static void look_at_html(struct worker *worker, const struct rendering *rendering)
{
    struct survey *found = &worker->found;
    struct cid_search search = {.worker = worker};
    if (worker->content->html == NULL)
        return;
    struct str html = pieces_join(&rendering->html, &worker->arena);
    html_cids(html, &search, note_cid);
    survey_note_fault(found, &found->unknown_cids, &worker->who, search.unknown);
    struct html_lint seen = html_lint(html);
    found->linted++;
    found->with_unsubscribe_link += seen.has_unsubscribe;
    survey_note_fault(found, &found->http_links, &worker->who, seen.http_links);
    survey_note_fault(found, &found->dead_links, &worker->who, seen.dead_links);
    survey_note_fault(found, &found->images_without_alt, &worker->who,
                      seen.images_without_alt);
}

/* The first of the list, so that they are the same with any number of threads. */
static enum err note_body(struct worker *worker, const struct rendering *rendering,
                          int64_t recipient_id)
{
    struct body_mark mark = {.recipient_id = recipient_id};
    if (!worker->compares_bodies || worker->who.ordinal > BODIES_COMPARED)
        return ERR_NONE;
    mark.digest = body_digest(rendering);
    if (body_log_add(&worker->bodies, mark))
        return ERR_NONE;
    return error_set(&worker->error, ERR_MEMORY,
                     "cannot check: the campaign: out of memory");
}

static void note_rendered(struct worker *worker, const struct message *message)
{
    const struct rendering *rendering = composer_last(worker->composer);
    struct survey *found = &worker->found;
    survey_note_rendered(found, &worker->who, message->bytes, rendering->subject);
    if (worker->unsubscribe_header < worker->content->campaign->header_count)
        found->with_unsubscribe_header +=
            rendering->header_values[worker->unsubscribe_header].n > 0;
    look_at_html(worker, rendering);
    look_at_text(worker, rendering);
}

/* As launch does: first who is meant, then who of them is on the suppression list. */
static enum err look_at_row(struct worker *worker, const struct recipient_row *row,
                            bool is_suppressed)
{
    struct message message;
    struct error why = {ERR_NONE, ""};
    struct job job = {.recipient_id = row->id,
                      .address = row->address,
                      .domain = row->domain,
                      .record = row->record};
    bool keeps = true;
    worker->who.address = row->address;
    arena_reset(&worker->arena);
    enum err err = composer_keeps(worker->composer, row->address, row->record,
                                  worker->now_ms, &keeps, &why);
    if (err == ERR_NONE && !keeps) {
        worker->found.left_out++;
        return ERR_NONE;
    }
    if (err == ERR_NONE && is_suppressed) {
        worker->found.suppressed++;
        return ERR_NONE;
    }
    if (err == ERR_NONE)
        err = composer_compose(worker->composer, &job, worker->now_ms, &worker->arena,
                               &message, &why);
    if (err == ERR_NONE) {
        note_rendered(worker, &message);
        err = note_body(worker, composer_last(worker->composer), row->id);
    } else if (err == ERR_DATA || err == ERR_LIMIT) {
        survey_note_invalid(&worker->found, &worker->who, str_of(why.text));
        err = ERR_NONE;
    } else {
        worker->error = why;
    }
    return err;
}

static void *worker_main(void *self)
{
    struct worker *worker = self;
    struct list mails;
    bool is_last = false;
    list_init(&mails);
    while (!is_last) {
        (void)mailbox_wait(&worker->inbox, &mails, UINT64_MAX);
        struct list *node;
        while ((node = list_shift(&mails)) != NULL) {
            struct batch *batch = container_of(node, struct batch, mail.link);
            for (size_t i = 0; i < batch->n && worker->err == ERR_NONE; i++) {
                worker->who.ordinal = batch->first_ordinal + i;
                worker->err =
                    look_at_row(worker, &batch->rows[i], batch->is_suppressed[i]);
            }
            is_last = is_last || batch->is_last;
            mailbox_post(worker->outbox, &batch->mail);
        }
    }
    return NULL;
}

static size_t find_unsubscribe_header(const struct campaign_file *campaign)
{
    size_t i = 0;
    while (i < campaign->header_count &&
           !str_equal_nocase(campaign->headers[i].name, STR("List-Unsubscribe")))
        i++;
    return i;
}

/* The main thread's side. */
struct crew {
    struct worker *workers;
    size_t n;
    struct mailbox done;
    struct list idle;
};

static enum err worker_init(struct worker *worker, const struct content *content,
                            struct mailbox *done, int64_t now_ms)
{
    worker->content = content;
    worker->outbox = done;
    worker->now_ms = now_ms;
    worker->unsubscribe_header = find_unsubscribe_header(content->campaign);
    mailbox_init(&worker->inbox, BATCHES_PER_WORKER + 1, NULL, NULL);
    arena_init(&worker->arena, MESSAGE_MEMORY_MAX);
    arena_init(&worker->found.arena, FINDINGS_MEMORY);
    for (size_t i = 0; i < BATCHES_PER_WORKER; i++)
        arena_init(&worker->batches[i].arena, BATCH_MEMORY_MAX);
    worker->composer = composer_new(content);
    if (worker->composer == NULL)
        return ERR_MEMORY;
    composer_on_missing(worker->composer, note_missing, worker);
    return ERR_NONE;
}

static void worker_fini(struct worker *worker)
{
    composer_free(worker->composer);
    arena_fini(&worker->arena);
    arena_fini(&worker->found.arena);
    body_log_fini(&worker->bodies);
    for (size_t i = 0; i < BATCHES_PER_WORKER; i++)
        arena_fini(&worker->batches[i].arena);
    mailbox_fini(&worker->inbox);
}

static struct batch *crew_idle_batch(struct crew *crew)
{
    if (list_is_empty(&crew->idle))
        (void)mailbox_wait(&crew->done, &crew->idle, UINT64_MAX);
    struct batch *batch =
        container_of(list_shift(&crew->idle), struct batch, mail.link);
    arena_reset(&batch->arena);
    batch->n = 0;
    return batch;
}

/* A batch belongs to the worker in whose array it lies. */
static void crew_post(struct crew *crew, struct batch *batch)
{
    for (size_t i = 0; i < crew->n; i++) {
        struct worker *worker = &crew->workers[i];
        if (batch >= worker->batches && batch < worker->batches + BATCHES_PER_WORKER)
            mailbox_post(&worker->inbox, &batch->mail);
    }
}

static enum err crew_start(struct crew *crew, const struct content *content,
                           bool compares_bodies, struct error *error)
{
    int64_t now_ms = clock_wall_ms();
    for (size_t i = 0; i < crew->n; i++) {
        if (worker_init(&crew->workers[i], content, &crew->done, now_ms) != ERR_NONE)
            return error_set(error, ERR_MEMORY,
                             "cannot check: the campaign: out of memory");
        crew->workers[i].compares_bodies = compares_bodies;
    }
    for (size_t i = 0; i < crew->n; i++) {
        struct worker *worker = &crew->workers[i];
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
            return error_set(error, ERR_OS,
                             "cannot check: the campaign: no more threads");
        worker->is_started = true;
        for (size_t b = 0; b < BATCHES_PER_WORKER; b++)
            list_append(&crew->idle, &worker->batches[b].mail.link);
    }
    return ERR_NONE;
}

/* Ends the workers: each gets a last batch, empty, of its own. */
static void crew_join(struct crew *crew)
{
    for (size_t i = 0; i < crew->n; i++) {
        struct worker *worker = &crew->workers[i];
        worker->last.is_last = true;
        if (worker->is_started)
            mailbox_post(&worker->inbox, &worker->last.mail);
    }
    for (size_t i = 0; i < crew->n; i++) {
        if (crew->workers[i].is_started)
            (void)pthread_join(crew->workers[i].thread, NULL);
    }
}

static bool batch_add(struct batch *batch, const struct recipient_row *row,
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

/* Reads the list and hands it out. */
static enum err hand_out(struct crew *crew, const struct tour *tour,
                         struct survey *survey, struct error *error)
{
    const struct recipient_list *list = tour->list;
    const struct survey_options *options = tour->options;
    struct recipient_walk *walk;
    struct recipient_row row;
    struct progress progress;
    struct batch *batch = NULL;
    uint64_t meant = 0;
    uint64_t all = options->limit > 0 && options->limit < list->recipient_count
                       ? options->limit
                       : list->recipient_count;
    progress_init(&progress, options->progress, options->quiet, all, NULL);
    enum err err = recipient_walk_open(tour->store, list->id, 0, &walk, error);
    if (err != ERR_NONE)
        return err;
    while (err == ERR_NONE && (options->limit == 0 || meant < options->limit) &&
           recipient_walk_next(walk, &row)) {
        bool covered = false;
        survey->recipients++;
        if (!is_meant(tour->chooser, &row, crew->workers[0].now_ms)) {
            survey->left_out++;
            continue;
        }
        meant++;
        err = suppression_covers(tour->store, row.address, &covered, error);
        if (err != ERR_NONE)
            continue;
        if (batch == NULL) {
            batch = crew_idle_batch(crew);
            batch->first_ordinal = survey->recipients;
        }
        if (!batch_add(batch, &row, covered))
            err = error_set(error, ERR_MEMORY,
                            "cannot check: the campaign: out of memory");
        if (batch->n == BATCH_ROWS) {
            crew_post(crew, batch);
            batch = NULL;
        }
        progress_show_work(&progress, "rendered", meant, meant, all);
    }
    if (batch != NULL)
        crew_post(crew, batch);
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
            err = error_set(error, ERR_MEMORY,
                            "cannot check: the campaign: out of memory");
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
        struct worker *worker = &crew->workers[i];
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
    arena_init(&survey->arena, FINDINGS_MEMORY);
    CHECK(crew.n <= WORKERS_MAX);
    crew.workers = calloc(crew.n, sizeof(*crew.workers));
    if (crew.workers == NULL)
        return error_set(error, ERR_MEMORY,
                         "cannot check: the campaign: out of memory");
    list_init(&crew.idle);
    mailbox_init(&crew.done, crew.n * (BATCHES_PER_WORKER + 1), NULL, NULL);
    enum err err = crew_start(&crew, content,
                              options->compares_bodies && survey->is_personal, error);
    if (err == ERR_NONE && options->limit > 0 && content->where != NULL) {
        tour.chooser = composer_new(content);
        if (tour.chooser == NULL)
            err = error_set(error, ERR_MEMORY,
                            "cannot check: the campaign: out of memory");
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
        worker_fini(&crew.workers[i]);
    mailbox_fini(&crew.done);
    free(crew.workers);
    survey->elapsed_s = (double)(clock_mono_ns() - start_ns) / (double)NS_PER_S;
    return err;
}

void survey_free(struct survey *survey)
{
    arena_fini(&survey->arena);
}
