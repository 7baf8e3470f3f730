/*
 * survey_bodies.c - digests of bodies, and the largest group of equal ones
 *
 * Spans are digested by number: equal digests mean equal bodies, while two branches
 * of a template that happen to write the same words count as different. That costs
 * nothing beside the rendering, where a hash over a page of 15 KB would double it.
 */
#include "cmd/survey_bodies.h"

#include <stdlib.h>

#define FIRST_MARKS 1024

struct body_repeats {
    /* Bodies compared, different ones among them. */
    uint64_t compared, different;
    /* Recipients who share theirs with somebody, and the most who share one. */
    uint64_t recipients, most;
    /* The first of those most. */
    int64_t samples[SURVEY_SAMPLES];
    size_t sample_count;
};

struct personal_search {
    const struct content *content;
    bool is_personal;
};

static void look_at_read(void *self, struct str name, unsigned line, unsigned column)
{
    struct personal_search *search = self;
    const struct str_list *columns = &search->content->columns;
    (void)line;
    (void)column;
    if (str_equal(name, STR("email")) || str_equal(name, STR("recipient")))
        search->is_personal = true;
    for (size_t i = 0; i < columns->n && !search->is_personal; i++)
        search->is_personal = str_equal(columns->p[i], name);
}

bool body_is_personal(const struct content *content)
{
    struct personal_search search = {.content = content};
    if (content->html != NULL)
        template_reads(content->html, &search, look_at_read);
    if (content->text != NULL)
        template_reads(content->text, &search, look_at_read);
    return search.is_personal;
}

/* The mixing of MurmurHash3's finalizer: every bit of h reaches every other. */
static uint64_t mix(uint64_t h, uint64_t value)
{
    h = (h ^ value) + UINT64_C(0x9E3779B97F4A7C15);
    h = (h ^ (h >> 33)) * UINT64_C(0xFF51AFD7ED558CCD);
    h = (h ^ (h >> 33)) * UINT64_C(0xC4CEB9FE1A85EC53);
    return h ^ (h >> 33);
}

static uint64_t mix_pieces(uint64_t h, const struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->n; i++) {
        const struct piece *piece = &pieces->p[i];
        h = mix(h, piece->span);
        if (piece->span == PIECE_VALUE)
            h = mix(mix(h, piece->text.n), str_hash(piece->text));
    }
    return mix(h, pieces->n);
}

uint64_t body_digest(const struct rendering *rendering)
{
    return mix_pieces(mix_pieces(0, &rendering->html), &rendering->text);
}

static bool body_log_reserve(struct body_log *log, size_t count)
{
    size_t cap = log->cap > 0 ? log->cap : FIRST_MARKS;
    if (count <= log->cap)
        return true;
    while (cap < count)
        cap *= 2;
    struct body_mark *p = realloc(log->p, cap * sizeof(*p));
    if (p == NULL)
        return false;
    log->p = p;
    log->cap = cap;
    return true;
}

bool body_log_add(struct body_log *log, struct body_mark mark)
{
    if (!body_log_reserve(log, log->n + 1))
        return false;
    log->p[log->n++] = mark;
    return true;
}

bool body_log_append(struct body_log *log, const struct body_log *from)
{
    if (from->n == 0)
        return true;
    if (!body_log_reserve(log, log->n + from->n))
        return false;
    memcpy(log->p + log->n, from->p, from->n * sizeof(*from->p));
    log->n += from->n;
    return true;
}

static int compare_marks(const void *a_, const void *b_)
{
    const struct body_mark *a = a_, *b = b_;
    if (a->digest != b->digest)
        return a->digest < b->digest ? -1 : 1;
    return a->recipient_id < b->recipient_id ? -1 : a->recipient_id > b->recipient_id;
}

/* Takes a group of equal digests into account; of equally large ones, that with the
 * earlier recipient is shown. */
static void note_group(struct body_repeats *found, const struct body_mark *group,
                       size_t n)
{
    found->different++;
    if (n < 2)
        return;
    found->recipients += n;
    if (n < found->most ||
        (n == found->most && group[0].recipient_id > found->samples[0]))
        return;
    found->most = n;
    found->sample_count = n < SURVEY_SAMPLES ? n : SURVEY_SAMPLES;
    for (size_t i = 0; i < found->sample_count; i++)
        found->samples[i] = group[i].recipient_id;
}

static struct body_repeats find_repeats(struct body_log *log)
{
    struct body_repeats found = {.compared = log->n};
    if (log->n > 0)
        qsort(log->p, log->n, sizeof(*log->p), compare_marks);
    for (size_t i = 0, next; i < log->n; i = next) {
        next = i + 1;
        while (next < log->n && log->p[next].digest == log->p[i].digest)
            next++;
        note_group(&found, log->p + i, next - i);
    }
    return found;
}

/* The addresses of the sample: a walk from just before each. */
static enum err name_samples(struct store *store, int64_t list_id,
                             const struct body_repeats *repeats, struct survey *survey,
                             struct error *error)
{
    enum err err = ERR_NONE;
    for (size_t i = 0; i < repeats->sample_count && err == ERR_NONE; i++) {
        struct survey_sample *sample = &survey->body_samples.p[survey->body_samples.n];
        struct recipient_walk *walk;
        struct recipient_row row;
        err =
            recipient_walk_open(store, list_id, repeats->samples[i] - 1, &walk, error);
        if (err != ERR_NONE)
            return err;
        if (recipient_walk_next(walk, &row)) {
            *sample = (struct survey_sample){(uint64_t)row.id,
                                             arena_copy(&survey->arena, row.address)};
            survey->body_samples.n += !str_is_null(sample->address);
        }
        err = recipient_walk_close(walk, error);
    }
    return err;
}

enum err survey_note_bodies(struct survey *survey, struct body_log *log,
                            struct store *store, int64_t list_id, struct error *error)
{
    struct body_repeats repeats = find_repeats(log);
    survey->bodies_compared = repeats.compared;
    survey->bodies_different = repeats.different;
    survey->body_sharers = repeats.recipients;
    survey->body_sharers_most = repeats.most;
    return name_samples(store, list_id, &repeats, survey, error);
}

void body_log_fini(struct body_log *log)
{
    free(log->p);
    *log = (struct body_log){0};
}
