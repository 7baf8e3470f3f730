/*
 * spam_report.h - what SpamAssassin or rspamd said of one message
 *
 * Owns:    nothing; strings are copied into the given arena.
 * Thread:  any.
 * Errors:  ERR_DATA if it cannot be understood; ERR_MEMORY.
 * Limits:  SPAM_RULES_MAX rules, those that come first.
 */
#ifndef BROADSIDE_CMD_SPAM_REPORT_H
#define BROADSIDE_CMD_SPAM_REPORT_H

#include "core/base/arena.h"
#include "core/base/err.h"

#define SPAM_RULES_MAX 64
/* Stands before the score and the threshold in the report that spamassassin is told to
 * print behind the message. */
#define SPAM_REPORT_MARK "broadside-lint: "

struct spam_rule {
    struct str name, description;
    double score;
};

struct spam_report {
    double score, required;
    /* Without those that do not count. */
    struct spam_rule rules[SPAM_RULES_MAX];
    size_t rule_count;
};

/* The message, which may hold anything, with the report behind it. */
MUST_CHECK enum err spam_report_read_spamassassin(struct str text, struct arena *arena,
                                                  struct spam_report *report);
/* The JSON that `rspamc --json` prints. */
MUST_CHECK enum err spam_report_read_rspamd(struct str text, struct arena *arena,
                                            struct spam_report *report);

#endif
