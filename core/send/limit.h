/*
 * limit.h - one limit as it is kept: the pace, and the connections that carry it
 *
 * The pace is a GCRA without burst: message k may go at start + k * interval. One that
 * is late because the loop or all connections were busy is made up for if it was no
 * later than LIMIT_CATCH_UP_NS: so the rate is exact over seconds, and in no 10 s is it
 * exceeded by more than 1 %. Time in which nothing waited is never made up.
 *
 * Owns:    nothing; destinations that wait for it hang on `waiting`.
 * Keeps:   the rule.
 * Thread:  the one worker that owns the domain.
 * Time:    monotonic nanoseconds.
 * Source:  ITU-T I.371 (generic cell rate algorithm), with tau = LIMIT_CATCH_UP_NS.
 */
#ifndef BROADSIDE_SEND_LIMIT_H
#define BROADSIDE_SEND_LIMIT_H

#include "core/base/heap.h"
#include "core/base/list.h"
#include "core/send/limits.h"

#define LIMIT_CATCH_UP_NS UINT64_C(90000000)

struct limit {
    /* Unique in a run: connections remember by it what they carried. */
    uint64_t key;
    /* NULL: nothing is limited. */
    const struct limit_rule *rule;
    uint64_t interval_ns, next_ns;
    /* Something has waited for next_ns: lateness may be made up for. */
    bool is_waited_for;
    /* Distinct connections that carry it now. */
    unsigned connections;
    /* No connection may carry more of it: waits for one to be done. */
    bool is_blocked;
    struct list blocked_link;
    struct list waiting;
    struct heap_node wake;
};

void limit_init(struct limit *limit, const struct limit_rule *rule, uint64_t key);
/* When the next message may go. */
static inline uint64_t limit_ready_ns(const struct limit *limit)
{
    return limit->next_ns;
}
/* A message goes now; only when it may. */
void limit_take(struct limit *limit, uint64_t now_ns);
/* The last message that was taken did not leave: another may go in its place. */
void limit_refund(struct limit *limit);
/* Something is going to wait for limit_ready_ns. */
void limit_wait(struct limit *limit);
/* Nothing wants to go any more: no credit is built up. */
void limit_rest(struct limit *limit);

#endif
