/*
 * survey_bodies.h - who gets the very same body as somebody else
 *
 * A template that prints the recipient's own fields is meant to be personal; where
 * many bodies are alike, a column is empty or a condition never holds. A body is known
 * by a 64-bit digest of its row of pieces (spans by number, values by their bytes).
 *
 * Owns:    a log owns its marks, from zero to body_log_fini.
 * Thread:  a log: one at a time; survey_note_bodies: the store's.
 * Errors:  body_log_add and body_log_append return false without memory; the store's.
 * Limits:  BODIES_COMPARED marks are worth keeping, 16 bytes each; it is for the caller
 *          to leave the rest out, so that it is the same ones whoever renders them.
 * Cost:    O(n log n) in survey_note_bodies.
 */
#ifndef BROADSIDE_CMD_SURVEY_BODIES_H
#define BROADSIDE_CMD_SURVEY_BODIES_H

#include "cmd/compose.h"
#include "cmd/survey.h"

#define BODIES_COMPARED 1000000

struct body_mark {
    uint64_t digest;
    int64_t recipient_id;
};
struct body_log {
    struct body_mark *p;
    size_t n, cap;
};

/* Whether the HTML or the text reads a column or the address. */
bool body_is_personal(const struct content *content);
uint64_t body_digest(const struct rendering *rendering);
MUST_CHECK bool body_log_add(struct body_log *log, struct body_mark mark);
/* Adds all of `from`. */
MUST_CHECK bool body_log_append(struct body_log *log, const struct body_log *from);
void body_log_fini(struct body_log *log);
/* Sorts the log and fills what the survey says of bodies. */
MUST_CHECK enum err survey_note_bodies(struct survey *survey, struct body_log *log,
                                       struct store *store, int64_t list_id,
                                       struct error *error);

#endif
