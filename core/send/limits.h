/*
 * limits.h - what a campaign may do to a recipient domain: the settings
 *
 * A rule names domains; all of them together share its numbers. A rule that names
 * "*" holds for every domain that no other rule names, each by itself.
 *
 * Owns:    nothing; the strings and arrays are the caller's, as long as the run lives.
 * Thread:  any (immutable).
 * Time:    nanoseconds, monotonic.
 */
#ifndef BROADSIDE_SEND_LIMITS_H
#define BROADSIDE_SEND_LIMITS_H

#include "core/base/str.h"

/* So many messages in so much time, evenly paced; count 0: no limit. */
struct rate {
    uint64_t count;
    uint64_t period_ns;
};

struct limit_rule {
    /* Recipient domains in lower-case A-labels, or "*". */
    const struct str *domains;
    size_t domain_count;
    struct rate rate;
    /* Distinct connections that carry these domains at once; 0: no limit. */
    unsigned connections;
    /* Messages to these domains on one connection; 0: no limit. */
    unsigned messages_per_connection;
};

/* The first rule that names the domain, else the first that names "*"; NULL: none.
 * *together: the rule's domains share one limit (false for "*"). */
const struct limit_rule *limit_rule_find(const struct limit_rule *rules, size_t count,
                                         struct str domain, bool *together);

#endif
