/*
 * survey.c - the main thread reads the list, workers render, parts are added up
 *
 * Rows travel in batches: out through each worker's mailbox, back through the main
 * thread's. There are BATCHES_PER_WORKER of them a worker, which bounds the memory and
 * is the back-pressure. Each worker fills a survey of its own; they are merged at the
 * end, samples by their place in the list, so that the result is the same every time.
 */
#include "cmd/survey.h"

#include "cmd/compose.h"
#include "cmd/html_lint.h"
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
/* Above this size Gmail shows a message in part. */
#define CLIPPED_BYTES 102400
/* The HTML of the first ones and of every thousandth is looked at more closely. */
#define LINTED_FIRST 50
#define LINTED_EVERY 1000

struct batch {
    struct mail mail;
    struct arena arena;
    struct recipient_row rows[BATCH_ROWS];
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
    /* Of the recipient at hand, for note_missing. */
    uint64_t ordinal;
    struct str address;
    int64_t now_ms;
    enum err err;
    struct error error;
    pthread_t thread;
    bool is_started;
    struct batch batches[BATCHES_PER_WORKER], last;
};

static void add_sample(struct survey_samples *samples, struct survey_sample sample)
{
    size_t at = samples->n;
    while (at > 0 && samples->p[at - 1].ordinal > sample.ordinal)
        at--;
    if (at == SURVEY_SAMPLES)
        return;
    size_t kept = samples->n < SURVEY_SAMPLES ? samples->n : SURVEY_SAMPLES - 1;
    for (size_t i = kept; i > at; i--)
        samples->p[i] = samples->p[i - 1];
    samples->p[at] = sample;
    samples->n = kept + 1;
}

/* The sample's address is copied only if it will be kept. */
static void take_sample(struct survey *survey, struct survey_samples *samples,
                        uint64_t ordinal, struct str address)
{
    if (samples->n == SURVEY_SAMPLES && samples->p[samples->n - 1].ordinal < ordinal)
        return;
    struct str copy = arena_copy(&survey->arena, address);
    if (!str_is_null(copy))
        add_sample(samples, (struct survey_sample){ordinal, copy});
}

static struct survey_missing *missing_entry(struct survey *survey, struct str where,
                                            struct str name, unsigned line,
                                            unsigned column)
{
    for (size_t i = 0; i < survey->missing_count; i++) {
        struct survey_missing *entry = &survey->missing[i];
        if (entry->line == line && entry->column == column &&
            str_equal(entry->where, where) && str_equal(entry->name, name))
            return entry;
    }
    if (survey->missing_count == SURVEY_MISSING_MAX)
        return NULL;
    struct survey_missing *entry = &survey->missing[survey->missing_count];
    *entry = (struct survey_missing){.where = where, .line = line, .column = column};
    entry->name = arena_copy(&survey->arena, name);
    if (str_is_null(entry->name))
        return NULL;
    survey->missing_count++;
    return entry;
}

static void note_missing(void *self, struct str where, struct str name, unsigned line,
                         unsigned column)
{
    struct worker *worker = self;
    struct survey_missing *entry =
        missing_entry(&worker->found, where, name, line, column);
    if (entry == NULL)
        return;
    entry->count++;
    take_sample(&worker->found, &entry->samples, worker->ordinal, worker->address);
}

static void note_invalid(struct survey *survey, uint64_t ordinal, struct str address,
                         struct str why)
{
    survey->invalid++;
    if (survey->invalid_count == SURVEY_INVALID_MAX)
        return;
    survey->invalid_rows[survey->invalid_count++] = (struct survey_invalid){
        ordinal, arena_copy(&survey->arena, address), arena_copy(&survey->arena, why)};
}

/* In characters, as a mail reader counts them. */
static size_t character_count(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

static void note_subject(struct survey *survey, struct str subject)
{
    size_t n = character_count(subject);
    if (n == 0)
        survey->subjects_empty++;
    if (survey->rendered == 1 || n < survey->subject_shortest)
        survey->subject_shortest = n;
    if (n > survey->subject_longest)
        survey->subject_longest = n;
}

static void note_size(struct survey *survey, uint64_t bytes, struct str address)
{
    survey->bytes += bytes;
    survey->clipped += bytes > CLIPPED_BYTES;
    if (survey->smallest == 0 || bytes < survey->smallest) {
        survey->smallest = bytes;
        survey->smallest_address = arena_copy(&survey->arena, address);
    }
    if (bytes > survey->largest) {
        survey->largest = bytes;
        survey->largest_address = arena_copy(&survey->arena, address);
    }
}

static void lint(struct worker *worker, const struct rendering *rendering)
{
    struct survey *found = &worker->found;
    if (worker->content->html == NULL ||
        (worker->ordinal > LINTED_FIRST && worker->ordinal % LINTED_EVERY != 0))
        return;
    struct str html = pieces_join(&rendering->html, &worker->arena);
    struct html_lint seen = html_lint(html);
    found->linted++;
    found->with_unsubscribe_link += seen.has_unsubscribe;
    if (seen.http_links > found->http_links_max)
        found->http_links_max = seen.http_links;
    if (seen.images_without_alt > found->images_without_alt_max)
        found->images_without_alt_max = seen.images_without_alt;
}

static void note_rendered(struct worker *worker, const struct message *message)
{
    const struct rendering *rendering = composer_last(worker->composer);
    struct survey *found = &worker->found;
    found->rendered++;
    note_size(found, message->bytes, worker->address);
    note_subject(found, rendering->subject);
    take_sample(found, &found->samples, worker->ordinal, worker->address);
    if (worker->unsubscribe_header < worker->content->campaign->header_count)
        found->with_unsubscribe_header +=
            rendering->header_values[worker->unsubscribe_header].n > 0;
    lint(worker, rendering);
}

static enum err look_at_row(struct worker *worker, const struct recipient_row *row)
{
    struct message message;
    struct error why = {ERR_NONE, ""};
    struct job job = {.recipient_id = row->id,
                      .address = row->address,
                      .domain = row->domain,
                      .record = row->record};
    bool keeps = true;
    worker->address = row->address;
    arena_reset(&worker->arena);
    enum err err = composer_keeps(worker->composer, row->address, row->record,
                                  worker->now_ms, &keeps, &why);
    if (err == ERR_NONE && !keeps) {
        worker->found.left_out++;
        return ERR_NONE;
    }
    if (err == ERR_NONE)
        err = composer_compose(worker->composer, &job, worker->now_ms, &worker->arena,
                               &message, &why);
    if (err == ERR_NONE) {
        note_rendered(worker, &message);
    } else if (err == ERR_DATA || err == ERR_LIMIT) {
        note_invalid(&worker->found, worker->ordinal, row->address, str_of(why.text));
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
                worker->ordinal = batch->first_ordinal + i;
                worker->err = look_at_row(worker, &batch->rows[i]);
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
    size_t idle_count;
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
                           struct error *error)
{
    int64_t now_ms = clock_wall_ms();
    for (size_t i = 0; i < crew->n; i++) {
        if (worker_init(&crew->workers[i], content, &crew->done, now_ms) != ERR_NONE)
            return error_set(error, ERR_MEMORY, "cannot check the campaign: no memory");
    }
    for (size_t i = 0; i < crew->n; i++) {
        struct worker *worker = &crew->workers[i];
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
            return error_set(error, ERR_OS, "cannot check the campaign: no threads");
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

static bool batch_add(struct batch *batch, const struct recipient_row *row)
{
    struct recipient_row *copy = &batch->rows[batch->n];
    copy->id = row->id;
    copy->address = arena_copy(&batch->arena, row->address);
    copy->domain = arena_copy(&batch->arena, row->domain);
    copy->record = arena_copy(&batch->arena, row->record);
    batch->n++;
    return !str_is_null(copy->address) && !str_is_null(copy->domain) &&
           !str_is_null(copy->record);
}

/* Reads the list and hands it out. */
static enum err hand_out(struct crew *crew, struct store *store,
                         const struct recipient_list *list,
                         const struct survey_options *options, struct survey *survey,
                         struct error *error)
{
    struct recipient_walk *walk;
    struct recipient_row row;
    struct progress progress;
    struct batch *batch = NULL;
    uint64_t all = options->limit > 0 && options->limit < list->recipient_count
                       ? options->limit
                       : list->recipient_count;
    progress_init(&progress, options->progress, options->quiet, all, 0);
    enum err err = recipient_walk_open(store, list->id, 0, &walk, error);
    if (err != ERR_NONE)
        return err;
    while (err == ERR_NONE &&
           (options->limit == 0 || survey->recipients < options->limit) &&
           recipient_walk_next(walk, &row)) {
        bool covered = false;
        survey->recipients++;
        err = suppression_covers(store, row.address, &covered, error);
        survey->suppressed += covered;
        if (err != ERR_NONE || covered)
            continue;
        if (batch == NULL) {
            batch = crew_idle_batch(crew);
            batch->first_ordinal = survey->recipients;
        }
        if (!batch_add(batch, &row))
            err = error_set(error, ERR_MEMORY, "cannot check the campaign: no memory");
        if (batch->n == BATCH_ROWS) {
            crew_post(crew, batch);
            batch = NULL;
        }
        progress_show_work(&progress, "rendered", survey->recipients,
                           survey->recipients, all);
    }
    if (batch != NULL)
        crew_post(crew, batch);
    progress_clear(&progress);
    enum err walk_err = recipient_walk_close(walk, err == ERR_NONE ? error : NULL);
    return err != ERR_NONE ? err : walk_err;
}

static void merge_missing(struct survey *into, const struct survey *part)
{
    for (size_t i = 0; i < part->missing_count; i++) {
        const struct survey_missing *from = &part->missing[i];
        struct survey_missing *entry =
            missing_entry(into, from->where, from->name, from->line, from->column);
        for (size_t s = 0; entry != NULL && s < from->samples.n; s++)
            take_sample(into, &entry->samples, from->samples.p[s].ordinal,
                        from->samples.p[s].address);
        if (entry != NULL)
            entry->count += from->count;
    }
}

/* The first ones of both by their place in the list. */
static void merge_invalid(struct survey *into, const struct survey *part)
{
    struct survey_invalid merged[SURVEY_INVALID_MAX];
    size_t a = 0, b = 0, n = 0;
    while (n < SURVEY_INVALID_MAX &&
           (a < into->invalid_count || b < part->invalid_count)) {
        bool takes_b = b < part->invalid_count &&
                       (a == into->invalid_count ||
                        part->invalid_rows[b].ordinal < into->invalid_rows[a].ordinal);
        if (!takes_b) {
            merged[n++] = into->invalid_rows[a++];
            continue;
        }
        merged[n] = part->invalid_rows[b++];
        merged[n].address = arena_copy(&into->arena, merged[n].address);
        merged[n].why = arena_copy(&into->arena, merged[n].why);
        n++;
    }
    memcpy(into->invalid_rows, merged, n * sizeof(merged[0]));
    into->invalid_count = n;
    into->invalid += part->invalid;
}

static void merge_sizes(struct survey *into, const struct survey *part)
{
    if (part->rendered == 0)
        return;
    bool is_first = into->rendered == 0;
    if (is_first || part->smallest < into->smallest) {
        into->smallest = part->smallest;
        into->smallest_address = arena_copy(&into->arena, part->smallest_address);
    }
    if (part->largest > into->largest) {
        into->largest = part->largest;
        into->largest_address = arena_copy(&into->arena, part->largest_address);
    }
    if (is_first || part->subject_shortest < into->subject_shortest)
        into->subject_shortest = part->subject_shortest;
    if (part->subject_longest > into->subject_longest)
        into->subject_longest = part->subject_longest;
    into->bytes += part->bytes;
    into->clipped += part->clipped;
    into->subjects_empty += part->subjects_empty;
    into->rendered += part->rendered;
}

static void merge(struct survey *into, const struct survey *part)
{
    merge_sizes(into, part);
    merge_missing(into, part);
    merge_invalid(into, part);
    into->left_out += part->left_out;
    into->with_unsubscribe_header += part->with_unsubscribe_header;
    into->linted += part->linted;
    into->with_unsubscribe_link += part->with_unsubscribe_link;
    if (part->http_links_max > into->http_links_max)
        into->http_links_max = part->http_links_max;
    if (part->images_without_alt_max > into->images_without_alt_max)
        into->images_without_alt_max = part->images_without_alt_max;
    for (size_t i = 0; i < part->samples.n; i++)
        take_sample(into, &into->samples, part->samples.p[i].ordinal,
                    part->samples.p[i].address);
}

static unsigned core_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (unsigned)cores;
}

enum err survey_run(struct store *store, const struct recipient_list *list,
                    const struct content *content, const struct survey_options *options,
                    struct survey *survey, struct error *error)
{
    struct crew crew = {.n = options->workers > 0 ? options->workers : core_count()};
    uint64_t start_ns = clock_mono_ns();
    *survey = (struct survey){0};
    arena_init(&survey->arena, FINDINGS_MEMORY);
    CHECK(crew.n <= WORKERS_MAX);
    crew.workers = calloc(crew.n, sizeof(*crew.workers));
    if (crew.workers == NULL)
        return error_set(error, ERR_MEMORY, "cannot check the campaign: no memory");
    list_init(&crew.idle);
    mailbox_init(&crew.done, crew.n * (BATCHES_PER_WORKER + 1), NULL, NULL);
    enum err err = crew_start(&crew, content, error);
    if (err == ERR_NONE)
        err = hand_out(&crew, store, list, options, survey, error);
    crew_join(&crew);
    for (size_t i = 0; i < crew.n; i++) {
        struct worker *worker = &crew.workers[i];
        if (err == ERR_NONE && worker->err != ERR_NONE) {
            err = worker->err;
            *error = worker->error;
        }
        merge(survey, &worker->found);
        worker_fini(worker);
    }
    mailbox_fini(&crew.done);
    free(crew.workers);
    survey->elapsed_s = (double)(clock_mono_ns() - start_ns) / (double)NS_PER_S;
    return err;
}

void survey_free(struct survey *survey)
{
    arena_fini(&survey->arena);
}
