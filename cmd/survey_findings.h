/*
 * survey_findings.h - filling a survey; for survey.c
 *
 * Owns:    what it keeps lies in the survey's arena.
 * Thread:  a survey: one at a time.
 * Errors:  none: without memory a sample is left out.
 */
#ifndef BROADSIDE_CMD_SURVEY_FINDINGS_H
#define BROADSIDE_CMD_SURVEY_FINDINGS_H

#include "cmd/survey.h"

struct survey_recipient {
    /* The place in the list, from 1. */
    uint64_t ordinal;
    struct str address;
};

/* `what` says where, name, line and column; `where` has to stay. */
void survey_note_missing(struct survey *survey, const struct survey_recipient *who,
                         const struct survey_missing *what);
void survey_note_invalid(struct survey *survey, const struct survey_recipient *who,
                         struct str why);
void survey_note_rendered(struct survey *survey, const struct survey_recipient *who,
                          uint64_t bytes, struct str subject);
/* A message in which it is so at `places`, which may be none. */
void survey_note_fault(struct survey *survey, struct survey_fault *fault,
                       const struct survey_recipient *who, unsigned places);
/* One reference to no inline file; the first in the list is kept. */
void survey_note_unknown_cid(struct survey *survey, uint64_t ordinal, struct str name);
/* Adds what another thread found. */
void survey_merge(struct survey *into, const struct survey *part);

#endif
