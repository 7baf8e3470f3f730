/*
 * survey.h - every recipient of a campaign file rendered, and what was seen
 *
 * Over all cores, without a connection, without writing anything: what `check` and
 * `launch --dry-run` report.
 *
 * Owns:    survey_run fills a struct whose strings lie in its own arena.
 * Thread:  main; threads of its own render.
 * Errors:  the store's, ERR_MEMORY, ERR_OS. That a recipient cannot be rendered is a
 *          finding, no error.
 * Limits:  SURVEY_SAMPLES samples each, SURVEY_MISSING_MAX positions, the first
 *          BODIES_COMPARED bodies: memory does not depend on the size of the list.
 */
#ifndef BROADSIDE_CMD_SURVEY_H
#define BROADSIDE_CMD_SURVEY_H

#include "cmd/content.h"
#include "cmd/progress.h"
#include "storage/lists.h"

#define SURVEY_SAMPLES     5
#define SURVEY_MISSING_MAX 200
#define SURVEY_INVALID_MAX 20

/* The recipients that come first in the list, whatever thread found them. */
struct survey_sample {
    uint64_t ordinal;
    struct str address;
};
struct survey_samples {
    struct survey_sample p[SURVEY_SAMPLES];
    size_t n;
};

/* A field that is printed somewhere and that some recipients do not have. */
struct survey_missing {
    struct str where, name;
    unsigned line, column;
    uint64_t count;
    /* The recipient counted last: a loop misses the same field again and again. */
    uint64_t ordinal;
    struct survey_samples samples;
};

struct survey_invalid {
    uint64_t ordinal;
    struct str address, why;
};

/* Something that counts by messages and, within one, by places. */
struct survey_fault {
    uint64_t messages, places_max;
    struct survey_samples samples;
};

struct survey {
    /* Looked at; left out by `where`; on the suppression list; not renderable. */
    uint64_t recipients, left_out, suppressed, invalid;
    uint64_t rendered;
    /* Of whole messages; 0 if there is none. */
    uint64_t smallest, largest, bytes;
    /* Whose; of several the first in the list. */
    struct survey_sample smallest_of, largest_of;
    /* Subjects of the shortest and longest length, in characters. */
    size_t subject_shortest, subject_longest;
    uint64_t subjects_empty;
    /* Messages whose bytes are above the size at which Gmail clips. */
    uint64_t clipped;
    /* Messages whose List-Unsubscribe header is there and not empty. */
    uint64_t with_unsubscribe_header;
    /* What their HTML was looked at for (html_lint.h): how many of them were, how many
     * show it, the worst and the first ones. */
    uint64_t linted, with_unsubscribe_link;
    struct survey_fault http_links, dead_links, images_without_alt;
    /* References cid:NAME that no inline file answers; the first such name in the list.
     * And which of the inline files some message refers to, in the file's order. */
    struct survey_fault unknown_cids;
    struct survey_sample unknown_cid;
    bool inline_used[CONTENT_FILE_COUNT];
    /* Texts that were written, not made from the HTML. */
    uint64_t texts, texts_with_unsubscribe;
    struct survey_missing missing[SURVEY_MISSING_MAX];
    size_t missing_count;
    struct survey_invalid invalid_rows[SURVEY_INVALID_MAX];
    size_t invalid_count;
    /* Bodies alike where they are meant to be personal; the most of one, and whose. */
    bool is_personal;
    uint64_t bodies_compared, bodies_different, body_sharers, body_sharers_most;
    struct survey_samples body_samples;
    /* The first ones who would get it. */
    struct survey_samples samples;
    double elapsed_s;

    struct arena arena;
};

struct survey_options {
    /* The first `limit` recipients; 0: all. */
    uint64_t limit;
    /* 0: one per core. */
    unsigned workers;
    enum progress_mode progress;
    bool quiet;
    /* Whether bodies of a personal template are compared. */
    bool compares_bodies;
};

MUST_CHECK enum err survey_run(struct store *store, const struct recipient_list *list,
                               const struct content *content,
                               const struct survey_options *options,
                               struct survey *survey, struct error *error);
void survey_free(struct survey *survey);

#endif
