#include "core/send/schedule.h"

#include <stdlib.h>

/*
 * schedule_move is the only place that changes a destination's state, and with it the
 * list it is on. A limit wakes one destination at a time: the one that has waited
 * longest goes to the front of the ring, sends one message and waits behind the
 * others, so domains that share a limit share it evenly.
 *
 * Invariants: a limit with somebody on `waiting` is in the heap, or blocked, or one of
 * its destinations is in the ring (and arms the heap when it leaves). `jobs` counts the
 * jobs of the destinations in the ring.
 */

/* A claim of a limited destination reaches for so long. */
#define SCHEDULE_CLAIM_NS UINT64_C(1000000000)
/* With a longer interval a job is claimed only when its time has come. */
#define SCHEDULE_PREFETCH_NS UINT64_C(1000000000)

enum err schedule_init(struct schedule *schedule, const struct limit_rule *rules,
                       size_t rule_count, size_t ring_max)
{
    *schedule = (struct schedule){
        .rules = rules, .rule_count = rule_count, .ring_max = ring_max};
    list_init(&schedule->backlog);
    list_init(&schedule->ring);
    list_init(&schedule->hungry);
    list_init(&schedule->paused);
    list_init(&schedule->dry);
    list_init(&schedule->closed);
    list_init(&schedule->wanting);
    list_init(&schedule->all);
    list_init(&schedule->blocked);
    heap_init(&schedule->limit_wakes);
    heap_init(&schedule->pause_wakes);
    limit_init(&schedule->unlimited, NULL, UINT64_MAX);
    schedule->shared = calloc(rule_count + 1, sizeof *schedule->shared);
    if (schedule->shared == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < rule_count; i++)
        limit_init(&schedule->shared[i], &rules[i], UINT64_MAX - 1 - i);
    /* So that pushing in the middle of something cannot fail. */
    enum err err = heap_reserve(&schedule->limit_wakes,
                                SCHEDULE_DESTINATIONS_MAX + rule_count + 1);
    if (err != ERR_NONE)
        return err;
    return heap_reserve(&schedule->pause_wakes, SCHEDULE_DESTINATIONS_MAX);
}

void destination_free(struct schedule *schedule, struct destination *destination)
{
    struct list *node;
    while ((node = list_shift(&destination->batches)) != NULL)
        batch_unref(container_of(node, struct batch, link));
    list_remove(&destination->link);
    list_remove(&destination->want);
    list_remove(&destination->all_link);
    list_remove(&destination->own_limit.blocked_link);
    heap_remove(&schedule->limit_wakes, &destination->own_limit.wake);
    heap_remove(&schedule->pause_wakes, &destination->wake);
    free(destination);
    schedule->count--;
}

void schedule_fini(struct schedule *schedule)
{
    while (!list_is_empty(&schedule->all))
        destination_free(
            schedule, container_of(schedule->all.next, struct destination, all_link));
    heap_fini(&schedule->limit_wakes);
    heap_fini(&schedule->pause_wakes);
    free(schedule->shared);
    schedule->shared = NULL;
}

/* A limit with somebody waiting is woken at its time. */
static void schedule_arm(struct schedule *schedule, struct limit *limit)
{
    if (list_is_empty(&limit->waiting) || limit->is_blocked)
        return;
    if (limit->wake.place != HEAP_NOWHERE)
        heap_update(&schedule->limit_wakes, &limit->wake, limit_ready_ns(limit));
    else
        CHECK(heap_push(&schedule->limit_wakes, &limit->wake, limit_ready_ns(limit)) ==
              ERR_NONE);
}

static struct list *schedule_list(struct schedule *schedule, struct destination *d,
                                  enum destination_state state)
{
    switch (state) {
    case DESTINATION_BACKLOG: return &schedule->backlog;
    case DESTINATION_RING: return &schedule->ring;
    case DESTINATION_HUNGRY: return &schedule->hungry;
    case DESTINATION_HELD: return &d->limit->waiting;
    case DESTINATION_PAUSED: return &schedule->paused;
    case DESTINATION_DRY: return &schedule->dry;
    case DESTINATION_CLOSED: return &schedule->closed;
    }
    return NULL;
}

static void schedule_move(struct schedule *schedule, struct destination *d,
                          enum destination_state state)
{
    list_remove(&d->link);
    if (d->state == DESTINATION_RING) {
        schedule->ring_count--;
        schedule->jobs -= d->jobs;
    }
    if (d->state == DESTINATION_PAUSED)
        heap_remove(&schedule->pause_wakes, &d->wake);
    schedule->resting -= d->is_resting;
    d->is_resting = false;
    bool left_ring = d->state == DESTINATION_RING;
    d->state = state;
    list_append(schedule_list(schedule, d, state), &d->link);
    if (state == DESTINATION_RING) {
        d->in_a_row = 0;
        schedule->ring_count++;
        schedule->jobs += d->jobs;
    }
    if (left_ring)
        schedule_arm(schedule, d->limit);
}

static void schedule_want(struct schedule *schedule, struct destination *d)
{
    if (d->may_have_more && !d->is_claiming && list_is_empty(&d->want))
        list_append(&schedule->wanting, &d->want);
}

static struct limit *schedule_limit(struct schedule *schedule, struct destination *d,
                                    struct str domain)
{
    bool together;
    const struct limit_rule *rule =
        limit_rule_find(schedule->rules, schedule->rule_count, domain, &together);
    limit_init(&d->own_limit, rule, (uint64_t)d->lane_id);
    if (rule == NULL)
        return &schedule->unlimited;
    return together ? &schedule->shared[rule - schedule->rules] : &d->own_limit;
}

enum err schedule_add(struct schedule *schedule, const struct lane *lane)
{
    CHECK(schedule_room(schedule) > 0);
    struct destination *d = malloc(sizeof *d);
    if (d == NULL)
        return ERR_MEMORY;
    *d = (struct destination){.lane_id = lane->id,
                              .state = DESTINATION_BACKLOG,
                              .expected = lane->pending + lane->deferred,
                              .may_have_more = true,
                              .may_return = lane->deferred > 0};
    list_init(&d->link);
    list_init(&d->want);
    list_init(&d->batches);
    list_init(&d->all_link);
    heap_node_init(&d->wake);
    d->limit = schedule_limit(schedule, d, lane->domain);
    list_append(&schedule->all, &d->all_link);
    list_append(&schedule->backlog, &d->link);
    schedule->count++;
    return ERR_NONE;
}

size_t schedule_room(const struct schedule *schedule)
{
    return SCHEDULE_DESTINATIONS_MAX - schedule->count;
}

/* Nothing in hand and nothing more to claim: closed, unless something of it is still
 * in flight, or its pace counts on. */
static void schedule_settle_dry(struct schedule *schedule, struct destination *d)
{
    if (d->in_flight > 0 || d->is_claiming) {
        schedule_move(schedule, d, DESTINATION_DRY);
        return;
    }
    if (d->may_return && d->own_limit.next_ns > schedule->now_ns) {
        d->may_return = false;
        schedule_pause(schedule, d, d->own_limit.next_ns);
        d->is_resting = true;
        schedule->resting++;
        return;
    }
    schedule_move(schedule, d, DESTINATION_CLOSED);
}

static void schedule_hold(struct schedule *schedule, struct destination *d)
{
    limit_wait(d->limit);
    schedule_move(schedule, d, DESTINATION_HELD);
}

static void schedule_starve(struct schedule *schedule, struct destination *d)
{
    if (!d->may_have_more) {
        if (list_is_empty(&d->limit->waiting))
            limit_rest(d->limit);
        schedule_settle_dry(schedule, d);
        return;
    }
    schedule_move(schedule, d, DESTINATION_HUNGRY);
    schedule_want(schedule, d);
}

static void schedule_fill_ring(struct schedule *schedule)
{
    while (schedule->ring_count < schedule->ring_max &&
           !list_is_empty(&schedule->backlog))
        schedule_move(schedule,
                      container_of(schedule->backlog.next, struct destination, link),
                      DESTINATION_RING);
}

struct destination *schedule_next(struct schedule *schedule, uint64_t now_ns)
{
    schedule->now_ns = now_ns;
    for (;;) {
        schedule_fill_ring(schedule);
        if (list_is_empty(&schedule->ring))
            return NULL;
        struct destination *d =
            container_of(schedule->ring.next, struct destination, link);
        if (d->in_a_row >= SCHEDULE_CHUNK)
            schedule_move(schedule, d, DESTINATION_RING);
        else if (d->jobs == 0 && !d->may_have_more)
            schedule_starve(schedule, d);
        else if (d->limit->is_blocked || limit_ready_ns(d->limit) > now_ns)
            schedule_hold(schedule, d);
        else if (d->jobs == 0)
            schedule_starve(schedule, d);
        else
            return d;
    }
}

/* How many jobs are worth claiming at once. */
static size_t schedule_claim_size(const struct destination *d)
{
    uint64_t size = BATCH_JOBS_MAX, interval_ns = d->limit->interval_ns;
    if (interval_ns > 0 && SCHEDULE_CLAIM_NS / interval_ns < size)
        size = SCHEDULE_CLAIM_NS / interval_ns;
    /* One more than expected, so that a short answer says that there is no more. */
    if (d->expected + 1 < size)
        size = d->expected + 1;
    return size > 0 ? (size_t)size : 1;
}

static struct job *schedule_pop(struct schedule *schedule, struct destination *d,
                                struct batch **to)
{
    struct batch *batch = container_of(d->batches.next, struct batch, link);
    struct job *job = &batch->claim.jobs[batch->next++];
    d->jobs--;
    if (d->state == DESTINATION_RING)
        schedule->jobs--;
    batch->refs++;
    if (batch_left(batch) == 0) {
        list_remove(&batch->link);
        schedule->claimed_bytes -= batch_bytes(batch);
        batch_unref(batch);
    }
    *to = batch;
    return job;
}

struct job *schedule_give_back(struct schedule *schedule, struct destination *d,
                               struct batch **batch)
{
    if (d->jobs == 0)
        return NULL;
    d->may_have_more = true;
    d->expected++;
    return schedule_pop(schedule, d, batch);
}

struct job *schedule_take(struct schedule *schedule, struct destination *d,
                          struct batch **batch)
{
    CHECK(d->state == DESTINATION_RING && d->jobs > 0);
    struct job *job = schedule_pop(schedule, d, batch);
    d->in_flight++;
    d->in_a_row++;
    if (d->jobs < BATCH_JOBS_MAX / 2 && d->limit->interval_ns < SCHEDULE_PREFETCH_NS)
        schedule_want(schedule, d);
    return job;
}

/* To the front of the ring: its time has come. */
static void schedule_wake_limit(struct schedule *schedule, struct limit *limit)
{
    heap_remove(&schedule->limit_wakes, &limit->wake);
    if (list_is_empty(&limit->waiting))
        return;
    struct destination *d = container_of(limit->waiting.next, struct destination, link);
    schedule_move(schedule, d, DESTINATION_RING);
    list_remove(&d->link);
    list_prepend(&schedule->ring, &d->link);
}

void schedule_spend(struct schedule *schedule, struct destination *d, uint64_t now_ns)
{
    struct limit *limit = d->limit;
    limit_take(limit, now_ns);
    if (limit->interval_ns == 0 || d->state != DESTINATION_RING ||
        (d->jobs == 0 && !d->may_have_more))
        return;
    bool is_late = limit_ready_ns(limit) <= now_ns;
    if (is_late && list_is_empty(&limit->waiting))
        return; /* the next one is due as well */
    schedule_hold(schedule, d);
    if (is_late)
        schedule_wake_limit(schedule, limit);
}

void schedule_refund(struct schedule *schedule, struct limit *limit)
{
    limit_refund(limit);
    schedule_arm(schedule, limit);
}

void schedule_block(struct schedule *schedule, struct destination *d)
{
    d->limit->is_blocked = true;
    list_remove(&d->limit->blocked_link);
    list_append(&schedule->blocked, &d->limit->blocked_link);
    heap_remove(&schedule->limit_wakes, &d->limit->wake);
    schedule_hold(schedule, d);
}

void schedule_unblock(struct schedule *schedule, struct limit *limit)
{
    if (!limit->is_blocked)
        return;
    limit->is_blocked = false;
    list_remove(&limit->blocked_link);
    schedule_arm(schedule, limit);
}

void schedule_unblock_all(struct schedule *schedule)
{
    while (!list_is_empty(&schedule->blocked))
        schedule_unblock(
            schedule, container_of(schedule->blocked.next, struct limit, blocked_link));
}

void schedule_landed(struct schedule *schedule, struct destination *d, bool again)
{
    CHECK(d->in_flight > 0);
    d->in_flight--;
    if (again) {
        d->may_have_more = true;
        d->expected++;
    }
    if (d->state != DESTINATION_DRY)
        return;
    if (d->may_have_more)
        schedule_move(schedule, d, DESTINATION_BACKLOG);
    else
        schedule_settle_dry(schedule, d);
}

void schedule_pause(struct schedule *schedule, struct destination *d, uint64_t until_ns)
{
    if (d->state == DESTINATION_CLOSED)
        return;
    if (d->state != DESTINATION_PAUSED)
        schedule_move(schedule, d, DESTINATION_PAUSED);
    if (d->wake.place != HEAP_NOWHERE)
        heap_update(&schedule->pause_wakes, &d->wake, until_ns);
    else
        CHECK(heap_push(&schedule->pause_wakes, &d->wake, until_ns) == ERR_NONE);
}

struct destination *schedule_claimant(struct schedule *schedule, size_t *max)
{
    if (schedule->claimed_bytes > SCHEDULE_CLAIMED_BYTES_MAX)
        return NULL;
    struct list *node = list_shift(&schedule->wanting);
    if (node == NULL)
        return NULL;
    struct destination *d = container_of(node, struct destination, want);
    d->is_claiming = true;
    *max = schedule_claim_size(d);
    return d;
}

void schedule_claimed(struct schedule *schedule, struct destination *d,
                      struct batch *batch, bool may_have_more)
{
    d->is_claiming = false;
    d->may_have_more = may_have_more;
    if (batch != NULL) {
        size_t count = batch_left(batch);
        CHECK(count > 0);
        list_append(&d->batches, &batch->link);
        schedule->claimed_bytes += batch_bytes(batch);
        d->jobs += count;
        d->expected -= count < d->expected ? count : d->expected;
        /* No more is expected than there is: a slow domain need not wait for its time
         * to be told so. */
        d->may_have_more &= d->expected > 0;
        if (d->state == DESTINATION_RING)
            schedule->jobs += count;
    }
    if (d->state != DESTINATION_HUNGRY && d->state != DESTINATION_DRY)
        return;
    if (d->jobs == 0 && !d->may_have_more)
        schedule_settle_dry(schedule, d);
    else
        schedule_move(schedule, d, DESTINATION_RING);
}

struct destination *schedule_closed(struct schedule *schedule)
{
    struct list *node = list_shift(&schedule->closed);
    return node != NULL ? container_of(node, struct destination, link) : NULL;
}

void schedule_wake(struct schedule *schedule, uint64_t now_ns)
{
    schedule->now_ns = now_ns;
    struct heap_node *node;
    while ((node = heap_first(&schedule->limit_wakes)) != NULL && node->key <= now_ns)
        schedule_wake_limit(schedule, container_of(node, struct limit, wake));
    while ((node = heap_first(&schedule->pause_wakes)) != NULL && node->key <= now_ns)
        schedule_move(schedule, container_of(node, struct destination, wake),
                      DESTINATION_BACKLOG);
}

uint64_t schedule_wake_ns(const struct schedule *schedule)
{
    struct heap_node *limit = heap_first(&schedule->limit_wakes);
    struct heap_node *pause = heap_first(&schedule->pause_wakes);
    uint64_t at_ns = limit != NULL ? limit->key : UINT64_MAX;
    return pause != NULL && pause->key < at_ns ? pause->key : at_ns;
}
