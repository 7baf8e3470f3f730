#include "core/send/desk.h"

#include "core/send/run.h"

#include <stdlib.h>

/* Out of memory inside a table is an answer, not an exit. */
#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->is_lost = true)
#include <uthash.h>

/*
 * New lanes: each worker has a cursor of its own over the store's lanes and picks its
 * own from what passes; at the end it starts over at its next asking, because jobs
 * that were given back make a lane new again. Due lanes are few: one query for all,
 * and what belongs to another worker waits for it in `due`.
 */
struct handed {
    int64_t lane_id;
    /* A bit per worker. */
    uint64_t workers;
    bool is_lost;
    UT_hash_handle hh;
};

struct due_lane {
    int64_t lane_id;
    uint64_t deferred, pending;
    size_t domain_bytes;
    char domain[256];
};

struct desk_worker {
    /* Lanes up to here have been looked at. */
    int64_t cursor;
    struct due_lane *due;
    size_t due_count;
};

struct desk {
    const struct limit_rule *rules;
    size_t rule_count;
    unsigned workers;
    struct handed *handed;
    /* The store is asked for due lanes no earlier. */
    int64_t due_again_ms;
    struct desk_worker worker[RUN_WORKERS_MAX];
};

/* Lanes looked at for one order. */
#define DESK_SCAN_MAX 1024
/* Between two queries for due lanes. */
#define DESK_DUE_PAUSE_MS 100

struct desk *desk_new(const struct limit_rule *rules, size_t rule_count,
                      unsigned workers)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return NULL;
    *desk = (struct desk){.rules = rules, .rule_count = rule_count, .workers = workers};
    for (unsigned i = 0; i < workers; i++) {
        desk->worker[i].cursor = -1;
        desk->worker[i].due = calloc(DESK_DUE_MAX, sizeof(struct due_lane));
        if (desk->worker[i].due == NULL) {
            desk_free(desk);
            return NULL;
        }
    }
    return desk;
}

void desk_free(struct desk *desk)
{
    if (desk == NULL)
        return;
    struct handed *handed, *following;
    HASH_ITER(hh, desk->handed, handed, following)
    {
        HASH_DEL(desk->handed, handed);
        free(handed);
    }
    for (unsigned i = 0; i < desk->workers; i++)
        free(desk->worker[i].due);
    free(desk);
}

static struct handed *desk_find(const struct desk *desk, int64_t lane_id)
{
    struct handed *handed = NULL;
    HASH_FIND(hh, desk->handed, &lane_id, sizeof lane_id, handed);
    return handed;
}

static enum err desk_mark(struct desk *desk, unsigned worker, int64_t lane_id)
{
    struct handed *handed = desk_find(desk, lane_id);
    if (handed == NULL) {
        handed = calloc(1, sizeof *handed);
        if (handed == NULL)
            return ERR_MEMORY;
        handed->lane_id = lane_id;
        HASH_ADD(hh, desk->handed, lane_id, sizeof lane_id, handed);
        if (handed->is_lost) {
            free(handed);
            return ERR_MEMORY;
        }
    }
    handed->workers |= UINT64_C(1) << worker;
    return ERR_NONE;
}

void desk_take_back(struct desk *desk, unsigned worker, int64_t lane_id)
{
    struct handed *handed = desk_find(desk, lane_id);
    CHECK(handed != NULL);
    handed->workers &= ~(UINT64_C(1) << worker);
    if (handed->workers != 0)
        return;
    HASH_DEL(desk->handed, handed);
    free(handed);
}

bool desk_is_empty(const struct desk *desk)
{
    for (unsigned i = 0; i < desk->workers; i++)
        if (desk->worker[i].due_count > 0)
            return false;
    return desk->handed == NULL;
}

/* The worker a lane belongs to. *is_free: it has no limit at all. */
static unsigned desk_owner(const struct desk *desk, struct str domain, bool *is_free)
{
    bool together;
    const struct limit_rule *rule =
        limit_rule_find(desk->rules, desk->rule_count, domain, &together);
    *is_free = rule == NULL;
    uint64_t hash =
        rule != NULL && together ? str_hash(rule->domains[0]) : str_hash(domain);
    return (unsigned)(hash % desk->workers);
}

static bool desk_is_for(const struct desk *desk, unsigned worker,
                        const struct lane *lane)
{
    const struct handed *handed = desk_find(desk, lane->id);
    if (handed != NULL && (handed->workers >> worker & 1) != 0)
        return false;
    bool is_free;
    if (desk_owner(desk, lane->domain, &is_free) == worker)
        return true;
    return is_free && lane->pending >= DESK_SHARED_PENDING;
}

static enum err desk_give(struct desk *desk, struct order *order,
                          const struct lane *lane)
{
    enum err err = desk_mark(desk, order->worker, lane->id);
    if (err == ERR_NONE)
        order->lanes[order->lane_count++] = *lane;
    return err;
}

/* What earlier queries found for this worker. */
static enum err desk_give_waiting(struct desk *desk, struct order *order)
{
    struct desk_worker *worker = &desk->worker[order->worker];
    enum err err = ERR_NONE;
    while (err == ERR_NONE && worker->due_count > 0 &&
           order->lane_count < order->lanes_wanted) {
        const struct due_lane *due = &worker->due[--worker->due_count];
        struct lane lane = {
            .id = due->lane_id, .pending = due->pending, .deferred = due->deferred};
        lane.domain =
            arena_copy(&order->arena, str_slice(due->domain, due->domain_bytes));
        err = lane.domain.p != NULL ? desk_give(desk, order, &lane) : ERR_MEMORY;
    }
    return err;
}

static bool desk_skip(void *self, int64_t lane_id)
{
    const struct desk *desk = self;
    if (desk_find(desk, lane_id) != NULL)
        return true;
    for (unsigned i = 0; i < desk->workers; i++)
        for (size_t k = 0; k < desk->worker[i].due_count; k++)
            if (desk->worker[i].due[k].lane_id == lane_id)
                return true;
    return false;
}

/* Keeps a due lane for its owner; if too many wait for it, another query finds it. */
static void desk_keep(struct desk *desk, unsigned owner, const struct lane *lane)
{
    struct desk_worker *worker = &desk->worker[owner];
    if (worker->due_count == DESK_DUE_MAX)
        return;
    struct due_lane *due = &worker->due[worker->due_count++];
    CHECK(lane->domain.n < sizeof due->domain);
    due->lane_id = lane->id;
    due->pending = lane->pending;
    due->deferred = lane->deferred;
    due->domain_bytes = lane->domain.n;
    memcpy(due->domain, lane->domain.p, lane->domain.n);
}

static enum err desk_look_for_due(struct desk *desk, const struct store_port *store,
                                  int64_t now_ms, struct order *order)
{
    struct lane lanes[ORDER_LANES_MAX];
    struct lane_batch batch = {&order->arena, lanes, 0, ORDER_LANES_MAX};
    if (now_ms < desk->due_again_ms)
        return ERR_NONE;
    enum err err = store->due_lanes(store->self, now_ms, desk_skip, desk, &batch);
    if (err != ERR_NONE)
        return err;
    if (batch.n < batch.max)
        desk->due_again_ms = now_ms + DESK_DUE_PAUSE_MS;
    bool is_free;
    for (size_t i = 0; i < batch.n; i++)
        desk_keep(desk, desk_owner(desk, lanes[i].domain, &is_free), &lanes[i]);
    return desk_give_waiting(desk, order);
}

static enum err desk_look_for_new(struct desk *desk, const struct store_port *store,
                                  struct order *order)
{
    struct desk_worker *worker = &desk->worker[order->worker];
    for (size_t seen = 0; seen < DESK_SCAN_MAX;) {
        struct lane lanes[ORDER_LANES_MAX];
        struct lane_batch batch = {&order->arena, lanes, 0, ORDER_LANES_MAX};
        enum err err = store->lanes(store->self, worker->cursor, &batch);
        for (size_t i = 0; err == ERR_NONE && i < batch.n; i++) {
            if (order->lane_count == order->lanes_wanted)
                break;
            worker->cursor = lanes[i].id;
            if (desk_is_for(desk, order->worker, &lanes[i]))
                err = desk_give(desk, order, &lanes[i]);
        }
        if (err != ERR_NONE)
            return err;
        order->has_more_lanes = true;
        if (order->lane_count == order->lanes_wanted)
            return ERR_NONE;
        if (batch.n == 0) {
            order->has_more_lanes = false;
            worker->cursor = -1;
            return ERR_NONE;
        }
        seen += batch.n;
    }
    return ERR_NONE;
}

enum err desk_hand_out(struct desk *desk, const struct store_port *store,
                       int64_t now_ms, struct order *order)
{
    if (order->lanes_wanted > ORDER_LANES_MAX)
        order->lanes_wanted = ORDER_LANES_MAX;
    if (order->lanes_wanted == 0)
        return ERR_NONE;
    enum err err = desk_give_waiting(desk, order);
    if (err == ERR_NONE && order->lane_count < order->lanes_wanted)
        err = desk_look_for_due(desk, store, now_ms, order);
    if (err == ERR_NONE && order->lane_count < order->lanes_wanted)
        err = desk_look_for_new(desk, store, order);
    return err;
}
