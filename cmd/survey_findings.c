/*
 * survey_findings.c - what was seen of one recipient, and two surveys added up
 *
 * Samples are ordered by their place in the list, so that the result does not depend
 * on which thread saw whom.
 */
#include "cmd/survey_findings.h"

/* Above this size Gmail shows a message in part. */
#define CLIPPED_BYTES 102400

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

void survey_note_missing(struct survey *survey, const struct survey_recipient *who,
                         const struct survey_missing *what)
{
    struct survey_missing *entry =
        missing_entry(survey, what->where, what->name, what->line, what->column);
    if (entry == NULL || (entry->count > 0 && entry->ordinal == who->ordinal))
        return;
    entry->count++;
    entry->ordinal = who->ordinal;
    take_sample(survey, &entry->samples, who->ordinal, who->address);
}

void survey_note_invalid(struct survey *survey, const struct survey_recipient *who,
                         struct str why)
{
    survey->invalid++;
    if (survey->invalid_count == SURVEY_INVALID_MAX)
        return;
    survey->invalid_rows[survey->invalid_count++] =
        (struct survey_invalid){who->ordinal, arena_copy(&survey->arena, who->address),
                                arena_copy(&survey->arena, why)};
}

static void note_subject(struct survey *survey, struct str subject)
{
    size_t n = str_characters(subject);
    if (n == 0)
        survey->subjects_empty++;
    if (survey->rendered == 1 || n < survey->subject_shortest)
        survey->subject_shortest = n;
    if (n > survey->subject_longest)
        survey->subject_longest = n;
}

/* One recipient's size, or the extremes of another thread's. */
static void note_smallest(struct survey *survey, uint64_t bytes,
                          struct survey_sample who)
{
    if (survey->smallest != 0 &&
        (bytes > survey->smallest ||
         (bytes == survey->smallest && who.ordinal > survey->smallest_of.ordinal)))
        return;
    survey->smallest = bytes;
    who.address = arena_copy(&survey->arena, who.address);
    survey->smallest_of = who;
}

static void note_largest(struct survey *survey, uint64_t bytes,
                         struct survey_sample who)
{
    if (bytes < survey->largest ||
        (bytes == survey->largest && who.ordinal > survey->largest_of.ordinal))
        return;
    survey->largest = bytes;
    who.address = arena_copy(&survey->arena, who.address);
    survey->largest_of = who;
}

static void note_size(struct survey *survey, uint64_t bytes,
                      const struct survey_recipient *who)
{
    struct survey_sample sample = {who->ordinal, who->address};
    survey->bytes += bytes;
    survey->clipped += bytes > CLIPPED_BYTES;
    note_smallest(survey, bytes, sample);
    note_largest(survey, bytes, sample);
}

void survey_note_rendered(struct survey *survey, const struct survey_recipient *who,
                          uint64_t bytes, struct str subject)
{
    survey->rendered++;
    note_size(survey, bytes, who);
    note_subject(survey, subject);
    take_sample(survey, &survey->samples, who->ordinal, who->address);
}

void survey_note_fault(struct survey *survey, struct survey_fault *fault,
                       const struct survey_recipient *who, unsigned places)
{
    if (places == 0)
        return;
    fault->messages++;
    if (places > fault->places_max)
        fault->places_max = places;
    take_sample(survey, &fault->samples, who->ordinal, who->address);
}

void survey_note_unknown_cid(struct survey *survey, uint64_t ordinal, struct str name)
{
    struct survey_sample *first = &survey->unknown_cid;
    if (first->ordinal == 0 || ordinal < first->ordinal)
        *first = (struct survey_sample){ordinal, arena_copy(&survey->arena, name)};
}

static void merge_cids(struct survey *into, const struct survey *part)
{
    for (size_t i = 0; i < CONTENT_FILE_COUNT; i++)
        into->inline_used[i] |= part->inline_used[i];
    if (part->unknown_cid.ordinal != 0)
        survey_note_unknown_cid(into, part->unknown_cid.ordinal,
                                part->unknown_cid.address);
}

static void merge_samples(struct survey *into, struct survey_samples *samples,
                          const struct survey_samples *from)
{
    for (size_t i = 0; i < from->n; i++)
        take_sample(into, samples, from->p[i].ordinal, from->p[i].address);
}

static void merge_fault(struct survey *into, struct survey_fault *fault,
                        const struct survey_fault *from)
{
    fault->messages += from->messages;
    if (from->places_max > fault->places_max)
        fault->places_max = from->places_max;
    merge_samples(into, &fault->samples, &from->samples);
}

static void merge_missing(struct survey *into, const struct survey *part)
{
    for (size_t i = 0; i < part->missing_count; i++) {
        const struct survey_missing *from = &part->missing[i];
        struct survey_missing *entry =
            missing_entry(into, from->where, from->name, from->line, from->column);
        if (entry == NULL)
            continue;
        entry->count += from->count;
        merge_samples(into, &entry->samples, &from->samples);
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
    note_smallest(into, part->smallest, part->smallest_of);
    note_largest(into, part->largest, part->largest_of);
    if (is_first || part->subject_shortest < into->subject_shortest)
        into->subject_shortest = part->subject_shortest;
    if (part->subject_longest > into->subject_longest)
        into->subject_longest = part->subject_longest;
    into->bytes += part->bytes;
    into->clipped += part->clipped;
    into->subjects_empty += part->subjects_empty;
    into->rendered += part->rendered;
}

void survey_merge(struct survey *into, const struct survey *part)
{
    merge_sizes(into, part);
    merge_missing(into, part);
    merge_invalid(into, part);
    into->left_out += part->left_out;
    into->suppressed += part->suppressed;
    into->with_unsubscribe_header += part->with_unsubscribe_header;
    into->linted += part->linted;
    into->with_unsubscribe_link += part->with_unsubscribe_link;
    merge_fault(into, &into->http_links, &part->http_links);
    merge_fault(into, &into->dead_links, &part->dead_links);
    merge_fault(into, &into->images_without_alt, &part->images_without_alt);
    merge_fault(into, &into->unknown_cids, &part->unknown_cids);
    merge_cids(into, part);
    into->texts += part->texts;
    into->texts_with_unsubscribe += part->texts_with_unsubscribe;
    merge_samples(into, &into->samples, &part->samples);
}
