/*
 * survey_worker.c - looks at one recipient after another, as launch would
 */
#include "cmd/survey_worker.h"

#include "cmd/files.h"
#include "cmd/html_lint.h"

#define BATCH_MEMORY_MAX   (64u << 20)
#define MESSAGE_MEMORY_MAX (160u << 20)

static void note_missing(void *self, struct str where, struct str name, unsigned line,
                         unsigned column)
{
    struct survey_worker *worker = self;
    struct survey_missing what = {
        .where = where, .name = name, .line = line, .column = column};
    survey_note_missing(&worker->found, &worker->who, &what);
}

struct cid_search {
    struct survey_worker *worker;
    unsigned unknown;
};

static void note_cid(void *self, struct str name)
{
    struct cid_search *search = self;
    struct survey_worker *worker = search->worker;
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

static void look_at_text(struct survey_worker *worker,
                         const struct rendering *rendering)
{
    if (worker->content->campaign->text.n == 0)
        return;
    struct str text = pieces_join(&rendering->text, &worker->arena);
    worker->found.texts++;
    worker->found.texts_with_unsubscribe += says_unsubscribe(text);
}

static void look_at_html(struct survey_worker *worker,
                         const struct rendering *rendering)
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
static enum err note_body(struct survey_worker *worker,
                          const struct rendering *rendering, int64_t recipient_id)
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

static void note_rendered(struct survey_worker *worker, const struct message *message)
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
static enum err look_at_row(struct survey_worker *worker,
                            const struct recipient_row *row, bool is_suppressed)
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

void *survey_worker_main(void *self)
{
    struct survey_worker *worker = self;
    struct list mails;
    bool is_last = false;
    list_init(&mails);
    while (!is_last) {
        (void)mailbox_wait(&worker->inbox, &mails, UINT64_MAX);
        struct list *node;
        while ((node = list_shift(&mails)) != NULL) {
            struct survey_batch *batch =
                container_of(node, struct survey_batch, mail.link);
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

enum err survey_worker_init(struct survey_worker *worker, const struct content *content,
                            struct mailbox *done, int64_t now_ms)
{
    worker->content = content;
    worker->outbox = done;
    worker->now_ms = now_ms;
    worker->unsubscribe_header = find_unsubscribe_header(content->campaign);
    mailbox_init(&worker->inbox, SURVEY_BATCHES + 1, NULL, NULL);
    arena_init(&worker->arena, MESSAGE_MEMORY_MAX);
    arena_init(&worker->found.arena, SURVEY_FINDINGS_MEMORY);
    for (size_t i = 0; i < SURVEY_BATCHES; i++)
        arena_init(&worker->batches[i].arena, BATCH_MEMORY_MAX);
    worker->composer = composer_new(content);
    if (worker->composer == NULL)
        return ERR_MEMORY;
    composer_on_missing(worker->composer, note_missing, worker);
    return ERR_NONE;
}

void survey_worker_fini(struct survey_worker *worker)
{
    composer_free(worker->composer);
    arena_fini(&worker->arena);
    arena_fini(&worker->found.arena);
    body_log_fini(&worker->bodies);
    for (size_t i = 0; i < SURVEY_BATCHES; i++)
        arena_fini(&worker->batches[i].arena);
    mailbox_fini(&worker->inbox);
}
