#include "core/send/ledger.h"

#include "core/base/clock.h"
#include "core/base/log.h"

#include <time.h>

/*
 * A commit costs a constant (0.1-0.3 ms and 50 us of CPU) whatever is in it, so what
 * arrives within a while of the last one goes into one. The while is in proportion to
 * what the last group brought: with few messages on their way a worker is soon stopped
 * by the gate, with many it has others to go on with (one connection: 3,200 messages/s
 * with a fixed 2 ms). The first order after a quiet time is committed at once.
 */
#define LEDGER_GATHER_MAX_NS  UINT64_C(2000000)
#define LEDGER_GATHER_MIN_NS  UINT64_C(200000)
#define LEDGER_GATHER_ITEM_NS UINT64_C(25000)
#define LEDGER_COMMAND_NS     UINT64_C(500000000)
/* Rows that are left though no lane leads to them: a broken invariant after so long. */
#define LEDGER_STUCK_NS UINT64_C(5000000000)

static void ledger_fail(struct ledger *ledger, const char *what)
{
    struct error error = {.code = ERR_STORAGE};
    if (!ledger->has_failed) {
        ledger->shared->store.explain(ledger->shared->store.self, &error);
        if (error.code == ERR_NONE)
            error_set(&error, ERR_STORAGE, "%s failed", what);
        log_line(LOG_ERROR, "store-failed", "%s: %s", what, error.text);
        run_shared_fail(ledger->shared, &error);
    }
    ledger->has_failed = true;
}

static enum err ledger_claim(struct ledger *ledger, struct claim *claim, int64_t now_ms)
{
    const struct store_port *store = &ledger->shared->store;
    struct job_batch *batch = &claim->batch->claim;
    size_t from = batch->n;
    enum err err = store->claim(store->self, claim->lane_id, now_ms, claim->max, batch);
    for (size_t i = from; err == ERR_NONE && i < batch->n; i++)
        if (batch->jobs[i].was_deferred)
            atomic_fetch_sub(&ledger->shared->tally.deferred, 1);
    return err;
}

/* One order, within the group. */
static enum err ledger_apply(struct ledger *ledger, struct order *order, int64_t now_ms)
{
    const struct store_port *store = &ledger->shared->store;
    enum err err = ERR_NONE;
    if (order->arm_count > 0)
        err = store->arm(store->self, order->arms, order->arm_count);
    if (err == ERR_NONE && order->record_count > 0)
        err = store->record(store->self, order->records, order->record_count);
    for (size_t i = 0; i < order->closed_count; i++)
        desk_take_back(ledger->desk, order->worker, order->closed[i]);
    for (size_t i = 0; err == ERR_NONE && i < order->claim_count; i++)
        err = ledger_claim(ledger, &order->claims[i], now_ms);
    if (err == ERR_NONE)
        err = desk_hand_out(ledger->desk, store, now_ms, order);
    return err;
}

static struct order *ledger_order(struct list *node)
{
    return container_of(node, struct order, mail.link);
}

/* The group is lost: no order of it was armed or claimed. */
static void ledger_undo(struct list *orders)
{
    LIST_FOREACH(node, orders)
    {
        struct order *order = ledger_order(node);
        order->lane_count = 0;
        for (size_t i = 0; i < order->arm_count; i++)
            order->arms[i].granted = false;
        for (size_t i = 0; i < order->claim_count; i++)
            order->claims[i].batch->claim.n = 0;
    }
}

/* After a failure: what is already known should not be lost if it can be helped. */
static void ledger_save_records(struct ledger *ledger, struct list *orders)
{
    const struct store_port *store = &ledger->shared->store;
    enum err err = ERR_NONE;
    LIST_FOREACH(node, orders)
    {
        struct order *order = ledger_order(node);
        if (err == ERR_NONE && order->record_count > 0)
            err = store->record(store->self, order->records, order->record_count);
    }
    if (err == ERR_NONE)
        err = store->commit(store->self);
    if (err != ERR_NONE)
        log_line(LOG_DEBUG, "store-failed", "outcomes could not be saved");
}

/* How long the next group may gather, from what is in this one. */
static void ledger_set_gather(struct ledger *ledger, struct list *orders)
{
    uint64_t items = 0;
    LIST_FOREACH(node, orders)
    items += ledger_order(node)->arm_count + ledger_order(node)->record_count;
    uint64_t gather_ns = items * LEDGER_GATHER_ITEM_NS;
    if (gather_ns < LEDGER_GATHER_MIN_NS)
        gather_ns = LEDGER_GATHER_MIN_NS;
    ledger->gather_ns =
        gather_ns < LEDGER_GATHER_MAX_NS ? gather_ns : LEDGER_GATHER_MAX_NS;
}

static void ledger_carry_out(struct ledger *ledger, struct list *orders)
{
    const struct store_port *store = &ledger->shared->store;
    int64_t now_ms = run_shared_wall_ms(ledger->shared);
    enum err err = ledger->has_failed ? ERR_STORAGE : ERR_NONE;
    LIST_FOREACH(node, orders)
    if (err == ERR_NONE)
        err = ledger_apply(ledger, ledger_order(node), now_ms);
    if (err == ERR_NONE)
        err = store->commit(store->self);
    ledger->commits++;
    ledger_set_gather(ledger, orders);
    ledger->commit_ns = clock_mono_ns();
    if (err == ERR_NONE)
        return;
    ledger_fail(ledger, "writing the ledger");
    ledger_undo(orders);
    ledger_save_records(ledger, orders);
}

static void ledger_answer(struct ledger *ledger, struct list *orders)
{
    struct list *node;
    while ((node = list_shift(orders)) != NULL) {
        struct order *order = ledger_order(node);
        ledger->is_idle[order->worker] =
            order->is_idle && order->lane_count == 0 && !order->has_more_lanes;
        ledger->last_count += order->is_last;
        mailbox_post(ledger->inboxes[order->worker], &order->mail);
    }
}

static bool ledger_all_idle(const struct ledger *ledger)
{
    for (unsigned i = 0; i < ledger->shared->workers; i++)
        if (!ledger->is_idle[i])
            return false;
    return true;
}

/* Nobody has anything to do, and yet there is something left. */
static enum err ledger_look_for_due(struct ledger *ledger, uint64_t unfinished)
{
    struct run_shared *shared = ledger->shared;
    const struct store_port *store = &shared->store;
    int64_t due_ms = INT64_MAX, now_ms = run_shared_wall_ms(shared);
    enum err err = store->next_due(store->self, &due_ms);
    if (err != ERR_NONE)
        return err;
    if (due_ms != INT64_MAX) {
        ledger->stuck_since_ns = 0;
        if (due_ms > now_ms && !shared->settings->wait_for_deferred)
            run_shared_end(shared, RUN_ONLY_DEFERRED, RUN_DRAINING);
        return ERR_NONE;
    }
    uint64_t now_ns = clock_mono_ns();
    if (ledger->stuck_since_ns == 0 || !desk_is_empty(ledger->desk))
        ledger->stuck_since_ns = now_ns;
    if (now_ns - ledger->stuck_since_ns > LEDGER_STUCK_NS) {
        struct error error;
        error_set(&error, ERR_BUG,
                  "sending: %llu deliveries are left that no domain leads to; "
                  "resume the campaign",
                  (unsigned long long)unfinished);
        run_shared_fail(shared, &error);
    }
    return ERR_NONE;
}

/* That nothing is left is the end, even if a domain is still waiting for its rate. */
static enum err ledger_look_for_end(struct ledger *ledger)
{
    struct run_shared *shared = ledger->shared;
    uint64_t unfinished = 0;
    enum err err = shared->store.unfinished(shared->store.self, &unfinished);
    if (err == ERR_NONE && unfinished == 0)
        run_shared_end(shared, RUN_FINISHED, RUN_DRAINING);
    else if (err == ERR_NONE && ledger_all_idle(ledger))
        err = ledger_look_for_due(ledger, unfinished);
    return err;
}

static enum err ledger_poll_command(struct ledger *ledger)
{
    struct run_shared *shared = ledger->shared;
    enum run_command command = RUN_GO_ON;
    enum err err = shared->store.command(shared->store.self, &command);
    if (err == ERR_NONE && command == RUN_PAUSE)
        run_shared_end(shared, RUN_PAUSED, RUN_DRAINING);
    if (err == ERR_NONE && command == RUN_CANCEL)
        run_shared_end(shared, RUN_CANCELLED, RUN_DRAINING);
    return err;
}

/* Lets a group gather, unless it has been quiet. */
static void ledger_gather(struct ledger *ledger, struct list *orders)
{
    uint64_t now_ns = clock_mono_ns();
    uint64_t until_ns = ledger->commit_ns + ledger->gather_ns;
    if (until_ns > now_ns) {
        struct timespec pause = {.tv_nsec = (long)(until_ns - now_ns)};
        nanosleep(&pause, NULL);
    }
    mailbox_take(&ledger->shared->ledger_inbox, orders);
}

static void ledger_turn(struct ledger *ledger)
{
    struct list orders;
    list_init(&orders);
    if (mailbox_wait(&ledger->shared->ledger_inbox, &orders, LEDGER_COMMAND_NS) > 0) {
        ledger_gather(ledger, &orders);
        ledger_carry_out(ledger, &orders);
        ledger_answer(ledger, &orders);
    }
    if (ledger->has_failed)
        return;
    enum err err = ERR_NONE;
    if (run_shared_phase(ledger->shared) == RUN_SENDING)
        err = ledger_look_for_end(ledger);
    uint64_t now_ns = clock_mono_ns();
    if (err == ERR_NONE && now_ns >= ledger->command_ns + LEDGER_COMMAND_NS) {
        ledger->command_ns = now_ns;
        err = ledger_poll_command(ledger);
    }
    if (err != ERR_NONE)
        ledger_fail(ledger, "reading the ledger");
}

static void *ledger_main(void *self)
{
    struct ledger *ledger = self;
    while (ledger->last_count < ledger->shared->workers)
        ledger_turn(ledger);
    return NULL;
}

enum err ledger_start(struct ledger *ledger, struct run_shared *shared,
                      struct mailbox *const *inboxes)
{
    const struct run_settings *settings = shared->settings;
    *ledger = (struct ledger){.shared = shared, .inboxes = inboxes};
    ledger->desk = desk_new(settings->limits, settings->limit_count, shared->workers);
    if (ledger->desk == NULL)
        return ERR_MEMORY;
    if (pthread_create(&ledger->thread, NULL, ledger_main, ledger) == 0)
        return ERR_NONE;
    desk_free(ledger->desk);
    return ERR_OS;
}

bool ledger_join(struct ledger *ledger, int64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + wait_ms % 1000 * (int64_t)NS_PER_MS;
    until.tv_sec += wait_ms / 1000 + ns / (int64_t)NS_PER_S;
    until.tv_nsec = ns % (int64_t)NS_PER_S;
    return pthread_timedjoin_np(ledger->thread, NULL, &until) == 0;
}

void ledger_fini(struct ledger *ledger)
{
    desk_free(ledger->desk);
    log_line(LOG_DEBUG, "ledger-end", "%llu commits",
             (unsigned long long)ledger->commits);
}
