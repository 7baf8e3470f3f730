/*
 * spam_lint.h - a few of a campaign's messages, as a spam filter sees them
 *
 * `check --lint`: the first recipient's message, the smallest and the largest are given
 * to rspamd (rspamc, if its daemon answers) or to SpamAssassin (local tests only).
 *
 * Owns:    nothing; strings lie in the survey's arena.
 * Thread:  main; blocks, seconds a message.
 * Errors:  the store's and composer's. That no filter can be run, or does not answer,
 *          is a finding: `trouble`.
 * Limits:  SPAM_FINDINGS_MAX rules, messages of SPAM_LINT_BYTES_MAX.
 */
#ifndef BROADSIDE_CMD_SPAM_LINT_H
#define BROADSIDE_CMD_SPAM_LINT_H

#include "cmd/opened.h"
#include "cmd/spam_report.h"
#include "cmd/survey.h"

#include <jansson.h>

#define SPAM_FINDINGS_MAX   128
#define SPAM_LINT_BYTES_MAX (4u << 20)

struct spam_finding {
    struct spam_rule rule;
    unsigned messages;
    /* The first one's recipient. */
    struct str sample;
};

struct spam_lint {
    /* "rspamd", "SpamAssassin", NULL if neither could be used: `trouble` says why. */
    const char *program;
    char trouble[ERROR_TEXT_MAX];
    unsigned messages;
    /* The worst message's, and whose it is. */
    double score, required;
    struct str worst;
    struct spam_finding findings[SPAM_FINDINGS_MAX];
    size_t finding_count;
};

MUST_CHECK enum err spam_lint_run(struct opened *opened, struct survey *survey,
                                  struct spam_lint *lint, struct error *error);
void spam_lint_print(const struct spam_lint *lint);
/* null if there was no program to ask. */
json_t *spam_lint_json(const struct spam_lint *lint);

#endif
