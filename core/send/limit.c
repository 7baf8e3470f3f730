#include "core/send/limit.h"

void limit_init(struct limit *limit, const struct limit_rule *rule, uint64_t key)
{
    *limit = (struct limit){.key = key, .rule = rule};
    if (rule != NULL && rule->rate.count > 0)
        limit->interval_ns = rule->rate.period_ns / rule->rate.count;
    list_init(&limit->waiting);
    list_init(&limit->blocked_link);
    heap_node_init(&limit->wake);
}

void limit_take(struct limit *limit, uint64_t now_ns)
{
    if (limit->interval_ns == 0)
        return;
    CHECK(now_ns >= limit->next_ns);
    uint64_t from_ns = now_ns;
    if (limit->is_waited_for) {
        from_ns = limit->next_ns;
        if (from_ns + LIMIT_CATCH_UP_NS < now_ns)
            from_ns = now_ns - LIMIT_CATCH_UP_NS;
    }
    limit->next_ns = from_ns + limit->interval_ns;
    /* Still late: what follows at once has waited as well. */
    limit->is_waited_for = limit->is_waited_for && limit->next_ns <= now_ns;
}

void limit_refund(struct limit *limit)
{
    if (limit->next_ns < limit->interval_ns)
        return;
    limit->next_ns -= limit->interval_ns;
    limit->is_waited_for = true;
}

void limit_wait(struct limit *limit)
{
    limit->is_waited_for = true;
}

void limit_rest(struct limit *limit)
{
    limit->is_waited_for = false;
}
