/*
 * policy_rules.h - the tables behind policy.h, as data
 *
 * A verdict is said twice: for 4xx and for 5xx. The first rule that matches wins, so a
 * table's order is part of its meaning; the .c says what comes first and why.
 *
 * Thread:  any; immutable.
 */
#ifndef BROADSIDE_SMTP_POLICY_RULES_H
#define BROADSIDE_SMTP_POLICY_RULES_H

#include "core/smtp/outcome.h"

/* What a permanent (5xx) refusal of this kind means. A temporary one is always
 * deferred and never suppresses. */
enum policy_verdict {
    /* The address is gone: failed, and on the suppression list. */
    POLICY_HARD,
    /* Failed, but says nothing final about the address. */
    POLICY_FAIL,
    /* Whatever the first digit: try again later. */
    POLICY_RETRY,
    /* Deferred once, failed if it is said again. */
    POLICY_RETRY_ONCE,
    /* RETRY_ONCE, then HARD. */
    POLICY_HARD_IF_REPEATED,
};

struct policy_rule {
    const char *class_word;
    enum policy_verdict verdict;
    enum outcome_scope scope;
};

/* By enhanced status (subject and detail), NULL if it says nothing by itself. */
const struct policy_rule *policy_rule_of_status(unsigned subject, unsigned detail);
/* True if the status is so coarse that the words decide. */
bool policy_status_is_coarse(unsigned subject, unsigned detail);
/* By the words. `text` is lower case, addresses taken out. Rules that are about us (a
 * block list, a rate, a relay) and rules that are about the address. */
const struct policy_rule *policy_rule_about_us(struct str text, bool is_after_rcpt);
const struct policy_rule *policy_rule_about_address(struct str text);
/* Exchange Online says 5.4.1 "access denied" of an address its directory lacks. */
const struct policy_rule *policy_rule_of_directory(unsigned subject, unsigned detail,
                                                   struct str text);
/* Gmail says 5.2.2 "over quota and inactive" of a mailbox that nobody empties. */
const struct policy_rule *policy_rule_of_abandoned(unsigned subject, unsigned detail,
                                                   struct str text);
/* By reply code alone, NULL if it says nothing by itself. */
const struct policy_rule *policy_rule_of_code(unsigned code, enum smtp_stage stage);
/* A set-up that needs authentication or TLS first. */
bool policy_text_wants_auth(struct str text);
bool policy_text_is_session_limit(struct str text);
/* The host's own trouble, as it is said at MAIL. */
bool policy_text_is_host_trouble(struct str text);

#endif
