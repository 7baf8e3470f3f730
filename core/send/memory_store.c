#include "core/send/memory_store.h"

#include "core/base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Deliveries are numbered from 1 in lane order; a lane is a range of them. */
struct memory_lane {
    struct str local, domain;
    size_t first, count;
    /* Nothing before it is pending. */
    size_t cursor;
    uint64_t pending, deferred;
};

struct memory_delivery {
    int64_t next_attempt_ms, first_armed_ms;
    uint32_t attempts;
    uint8_t state;
};

struct memory_store {
    struct memory_lane *lanes;
    size_t lane_count, delivery_count, delivery_room;
    struct memory_delivery *deliveries;
    uint64_t counts[MEMORY_STATES];
    uint64_t latency_ns, fail_at, deny_every, commits, armed_peak;
    atomic_int command;
};

struct memory_store *memory_store_new(void)
{
    return calloc(1, sizeof(struct memory_store));
}

void memory_store_free(struct memory_store *store)
{
    if (store == NULL)
        return;
    free(store->lanes);
    free(store->deliveries);
    free(store);
}

/* Doubles: an allocator that copies would make many small additions quadratic. */
static bool deliveries_reserve(struct memory_store *store, size_t total)
{
    if (total <= store->delivery_room)
        return true;
    size_t room = total < 2 * store->delivery_room ? 2 * store->delivery_room : total;
    struct memory_delivery *deliveries =
        reallocarray(store->deliveries, room, sizeof *deliveries);
    if (deliveries == NULL)
        return false;
    store->deliveries = deliveries;
    store->delivery_room = room;
    return true;
}

bool memory_store_add(struct memory_store *store, struct str local, struct str domain,
                      size_t count)
{
    struct memory_lane *lanes =
        reallocarray(store->lanes, store->lane_count + 1, sizeof *lanes);
    if (lanes == NULL)
        return false;
    store->lanes = lanes;
    size_t total = store->delivery_count + count;
    if (!deliveries_reserve(store, total))
        return false;
    memset(store->deliveries + store->delivery_count, 0,
           count * sizeof *store->deliveries);
    lanes[store->lane_count++] = (struct memory_lane){.local = local,
                                                      .domain = domain,
                                                      .first = store->delivery_count,
                                                      .count = count,
                                                      .cursor = store->delivery_count,
                                                      .pending = count};
    store->delivery_count = total;
    store->counts[MEMORY_PENDING] += count;
    return true;
}

static struct memory_lane *memory_lane_of(struct memory_store *store, int64_t lane_id)
{
    CHECK(lane_id >= 1 && (size_t)lane_id <= store->lane_count);
    return &store->lanes[lane_id - 1];
}

/* The one place that changes a state; keeps every count. */
static void memory_move(struct memory_store *store, struct memory_lane *lane,
                        size_t index, enum memory_state state)
{
    struct memory_delivery *delivery = &store->deliveries[index];
    store->counts[delivery->state]--;
    store->counts[state]++;
    lane->pending -= delivery->state == MEMORY_PENDING;
    lane->deferred -= delivery->state == MEMORY_DEFERRED;
    lane->pending += state == MEMORY_PENDING;
    lane->deferred += state == MEMORY_DEFERRED;
    if (state == MEMORY_PENDING && index < lane->cursor)
        lane->cursor = index;
    delivery->state = (uint8_t)state;
}

static bool memory_fill_lane(const struct memory_store *store, size_t index,
                             struct arena *arena, struct lane *lane)
{
    const struct memory_lane *from = &store->lanes[index];
    *lane = (struct lane){.id = (int64_t)index + 1,
                          .domain = arena_copy(arena, from->domain),
                          .pending = from->pending,
                          .deferred = from->deferred,
                          .due_ms = INT64_MAX};
    return lane->domain.p != NULL;
}

static enum err memory_lanes(void *self, int64_t after, struct lane_batch *batch)
{
    struct memory_store *store = self;
    batch->n = 0;
    for (size_t i = after < 0 ? 0 : (size_t)after; i < store->lane_count; i++) {
        if (batch->n == batch->max)
            break;
        if (store->lanes[i].pending == 0)
            continue;
        if (!memory_fill_lane(store, i, batch->arena, &batch->lanes[batch->n]))
            return ERR_MEMORY;
        batch->n++;
    }
    return ERR_NONE;
}

static int64_t memory_lane_due(const struct memory_store *store,
                               const struct memory_lane *lane)
{
    int64_t due_ms = INT64_MAX;
    for (size_t i = lane->first; lane->deferred > 0 && i < lane->first + lane->count;
         i++)
        if (store->deliveries[i].state == MEMORY_DEFERRED &&
            store->deliveries[i].next_attempt_ms < due_ms)
            due_ms = store->deliveries[i].next_attempt_ms;
    return due_ms;
}

static enum err memory_due_lanes(void *self, int64_t now_ms,
                                 bool (*skip)(void *skip_self, int64_t lane_id),
                                 void *skip_self, struct lane_batch *batch)
{
    struct memory_store *store = self;
    batch->n = 0;
    for (size_t i = 0; i < store->lane_count && batch->n < batch->max; i++) {
        if (skip(skip_self, (int64_t)i + 1))
            continue;
        int64_t due_ms = memory_lane_due(store, &store->lanes[i]);
        if (due_ms > now_ms)
            continue;
        if (!memory_fill_lane(store, i, batch->arena, &batch->lanes[batch->n]))
            return ERR_MEMORY;
        batch->lanes[batch->n++].due_ms = due_ms;
    }
    return ERR_NONE;
}

static enum err memory_next_due(void *self, int64_t *due_ms)
{
    struct memory_store *store = self;
    *due_ms = INT64_MAX;
    for (size_t i = 0; i < store->lane_count; i++) {
        int64_t lane_ms = memory_lane_due(store, &store->lanes[i]);
        if (lane_ms < *due_ms)
            *due_ms = lane_ms;
    }
    return ERR_NONE;
}

static bool memory_claim_one(struct memory_store *store, struct memory_lane *lane,
                             size_t index, struct job_batch *batch)
{
    char address[512];
    int length = snprintf(address, sizeof address, "%.*s%zu@%.*s", STR_ARG(lane->local),
                          index - lane->first, STR_ARG(lane->domain));
    const struct memory_delivery *delivery = &store->deliveries[index];
    struct job *job = &batch->jobs[batch->n];
    *job = (struct job){
        .delivery_id = (int64_t)index + 1,
        .recipient_id = (int64_t)index + 1,
        .lane_id = lane - store->lanes + 1,
        .attempts = delivery->attempts,
        .first_armed_ms = delivery->first_armed_ms,
        .was_deferred = delivery->state == MEMORY_DEFERRED,
        .address = arena_copy(&batch->arena, str_slice(address, (size_t)length)),
        .record = STR("{}")};
    if (job->address.p == NULL)
        return false;
    job->domain = str_from(job->address, job->address.n - lane->domain.n);
    job->needs_smtputf8 = !str_is_ascii(job->address);
    batch->n++;
    memory_move(store, lane, index, MEMORY_CLAIMED);
    return true;
}

static enum err memory_claim(void *self, int64_t lane_id, int64_t now_ms, size_t max,
                             struct job_batch *batch)
{
    struct memory_store *store = self;
    struct memory_lane *lane = memory_lane_of(store, lane_id);
    size_t end = lane->first + lane->count, from = batch->n;
    for (size_t i = lane->first; lane->deferred > 0 && i < end && batch->n - from < max;
         i++)
        if (store->deliveries[i].state == MEMORY_DEFERRED &&
            store->deliveries[i].next_attempt_ms <= now_ms &&
            !memory_claim_one(store, lane, i, batch))
            return ERR_MEMORY;
    for (size_t i = lane->cursor; lane->pending > 0 && i < end && batch->n - from < max;
         i++) {
        if (store->deliveries[i].state == MEMORY_PENDING &&
            !memory_claim_one(store, lane, i, batch))
            return ERR_MEMORY;
        lane->cursor = i + 1;
    }
    return ERR_NONE;
}

static struct memory_lane *memory_lane_with(struct memory_store *store, size_t index)
{
    size_t low = 0, high = store->lane_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (store->lanes[middle].first <= index)
            low = middle;
        else
            high = middle;
    }
    return &store->lanes[low];
}

static enum err memory_arm(void *self, struct arm_item *items, size_t count)
{
    struct memory_store *store = self;
    for (size_t i = 0; i < count; i++) {
        size_t index = (size_t)items[i].delivery_id - 1;
        struct memory_delivery *delivery = &store->deliveries[index];
        CHECK(delivery->state == MEMORY_CLAIMED);
        items[i].granted = store->deny_every == 0 ||
                           (uint64_t)items[i].delivery_id % store->deny_every != 0;
        if (delivery->first_armed_ms == 0)
            delivery->first_armed_ms = items[i].at_ms;
        memory_move(store, memory_lane_with(store, index), index,
                    items[i].granted ? MEMORY_ARMED : MEMORY_SUPPRESSED);
    }
    return ERR_NONE;
}

static enum memory_state memory_state_of(enum outcome_state state)
{
    switch (state) {
    case OUTCOME_DELIVERED: return MEMORY_DELIVERED;
    case OUTCOME_DEFERRED: return MEMORY_DEFERRED;
    case OUTCOME_FAILED: return MEMORY_FAILED;
    case OUTCOME_IN_DOUBT: return MEMORY_IN_DOUBT;
    case OUTCOME_UNSENT: return MEMORY_PENDING;
    case OUTCOME_SUPPRESSED: return MEMORY_SUPPRESSED;
    case OUTCOME_INVALID: return MEMORY_INVALID;
    case OUTCOME_EXPIRED: return MEMORY_EXPIRED;
    case OUTCOME_CANCELLED: return MEMORY_CANCELLED;
    }
    return MEMORY_PENDING;
}

static bool memory_has_failed(const struct memory_store *store)
{
    return store->fail_at > 0 && store->commits >= store->fail_at;
}

/* Nothing of it has left. */
static bool memory_needs_no_arming(enum outcome_state state)
{
    return state == OUTCOME_UNSENT || state == OUTCOME_INVALID;
}

static enum err memory_record(void *self, const struct attempt_record *records,
                              size_t count)
{
    struct memory_store *store = self;
    for (size_t i = 0; i < count; i++) {
        size_t index = (size_t)records[i].delivery_id - 1;
        struct memory_delivery *delivery = &store->deliveries[index];
        if (memory_has_failed(store))
            continue; /* the group that armed it was not undone */
        CHECK(delivery->state == MEMORY_ARMED ||
              (delivery->state == MEMORY_CLAIMED &&
               memory_needs_no_arming(records[i].outcome.state)));
        delivery->attempts += records[i].charged;
        delivery->next_attempt_ms = records[i].next_attempt_ms;
        memory_move(store, memory_lane_with(store, index), index,
                    memory_state_of(records[i].outcome.state));
    }
    return ERR_NONE;
}

static enum err memory_commit(void *self)
{
    struct memory_store *store = self;
    struct timespec pause = {.tv_sec = (time_t)(store->latency_ns / NS_PER_S),
                             .tv_nsec = (long)(store->latency_ns % NS_PER_S)};
    if (store->latency_ns > 0)
        nanosleep(&pause, NULL);
    store->commits++;
    if (store->counts[MEMORY_ARMED] > store->armed_peak)
        store->armed_peak = store->counts[MEMORY_ARMED];
    return memory_has_failed(store) ? ERR_STORAGE : ERR_NONE;
}

static enum err memory_command(void *self, enum run_command *command)
{
    struct memory_store *store = self;
    *command = (enum run_command)atomic_load(&store->command);
    return ERR_NONE;
}

static enum err memory_unfinished(void *self, uint64_t *count)
{
    const struct memory_store *store = self;
    *count = store->counts[MEMORY_PENDING] + store->counts[MEMORY_CLAIMED] +
             store->counts[MEMORY_ARMED] + store->counts[MEMORY_DEFERRED];
    return ERR_NONE;
}

static void memory_explain(void *self, struct error *error)
{
    (void)self;
    error_set(error, ERR_STORAGE, "memory store: told to fail");
}

struct store_port memory_store_port(struct memory_store *store)
{
    return (struct store_port){.self = store,
                               .lanes = memory_lanes,
                               .due_lanes = memory_due_lanes,
                               .next_due = memory_next_due,
                               .claim = memory_claim,
                               .arm = memory_arm,
                               .record = memory_record,
                               .commit = memory_commit,
                               .command = memory_command,
                               .unfinished = memory_unfinished,
                               .explain = memory_explain};
}

void memory_store_set_latency(struct memory_store *store, uint64_t ns)
{
    store->latency_ns = ns;
}

void memory_store_fail_at(struct memory_store *store, uint64_t n)
{
    store->fail_at = n > 0 ? store->commits + n : 0;
}

void memory_store_deny_every(struct memory_store *store, uint64_t n)
{
    store->deny_every = n;
}

void memory_store_command(struct memory_store *store, enum run_command command)
{
    atomic_store(&store->command, (int)command);
}

void memory_store_counts(const struct memory_store *store,
                         uint64_t counts[MEMORY_STATES])
{
    memcpy(counts, store->counts, sizeof store->counts);
}

uint64_t memory_store_charged(const struct memory_store *store)
{
    uint64_t charged = 0;
    for (size_t i = 0; i < store->delivery_count; i++)
        charged += store->deliveries[i].attempts;
    return charged;
}

uint64_t memory_store_commits(const struct memory_store *store)
{
    return store->commits;
}

uint64_t memory_store_armed_peak(const struct memory_store *store)
{
    return store->armed_peak;
}

static struct composer *constant_open(void *self)
{
    return self;
}

static void constant_close(struct composer *composer)
{
    (void)composer;
}

static enum err constant_compose(struct composer *composer, const struct job *job,
                                 int64_t date_ms, struct arena *arena,
                                 struct smtp_message *message, struct error *why)
{
    const struct constant_message *constant = (const void *)composer;
    (void)date_ms;
    (void)arena;
    (void)why;
    *message = (struct smtp_message){.mail_from = STR("sender@broadside.example"),
                                     .rcpt = job->address,
                                     .needs_smtputf8 = job->needs_smtputf8,
                                     .slices = &constant->content,
                                     .slice_count = 1,
                                     .bytes = constant->content.n};
    return ERR_NONE;
}

struct compose_port constant_compose_port(const struct constant_message *message)
{
    return (struct compose_port){.self = (void *)message,
                                 .open = constant_open,
                                 .close = constant_close,
                                 .compose = constant_compose};
}
