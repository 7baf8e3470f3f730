#include "core/send/run.h"

#include "core/send/ledger.h"
#include "core/send/shared.h"
#include "core/send/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Over which the rate of progress is taken. */
#define RUN_RATE_SAMPLES 32
#define RUN_RATE_MS      5000

struct run_sample {
    int64_t at_ms;
    uint64_t count;
};

struct run {
    struct run_settings settings;
    struct run_shared shared;
    struct ledger ledger;
    struct worker *workers[RUN_WORKERS_MAX];
    struct mailbox *inboxes[RUN_WORKERS_MAX];
    unsigned started;
    bool is_running;
    int64_t started_ms;
    struct run_sample samples[RUN_RATE_SAMPLES];
    size_t sample_count;
};

void run_settings_init(struct run_settings *settings)
{
    const int64_t minute_ms = 60000, hour_ms = 60 * minute_ms;
    *settings = (struct run_settings){
        .retry = {.first_ms = 5 * minute_ms,
                  .factor = 2,
                  .longest_ms = 4 * hour_ms,
                  .give_up_ms = 48 * hour_ms},
        .unconfirmed_max = 1024,
        .wait_for_deferred = true,
        .drain_ms = minute_ms,
        .patience_first_ms = 7000,
        .patience_ms = 15 * minute_ms,
        .patience_limit_ms = 2 * minute_ms,
        .connect_timeout_ms = 15000,
    };
}

static enum err run_check_relay(const struct relay_settings *relay, struct error *error)
{
    if (relay->tls == RELAY_TLS_REQUIRED || relay->tls == RELAY_TLS_IMPLICIT)
        return error_set(
            error, ERR_CONFIG,
            "relay: %.*s: this version cannot speak TLS yet; use tls: none "
            "or tls: opportunistic",
            STR_ARG(relay->host));
    if (relay->host.n == 0 || relay->port == 0 || relay->helo.n == 0)
        return error_set(error, ERR_CONFIG,
                         "relay: %.*s: host, port and helo are needed",
                         STR_ARG(relay->host));
    if (relay->connections == 0 || relay->connections > RUN_CONNECTIONS_MAX)
        return error_set(error, ERR_CONFIG, "relay: %.*s: connections must be 1 to %d",
                         STR_ARG(relay->host), RUN_CONNECTIONS_MAX);
    return ERR_NONE;
}

static enum err run_check(const struct run_settings *settings, struct error *error)
{
    if (settings->relay_count == 0 || settings->relay_count > RUN_RELAYS_MAX)
        return error_set(error, ERR_CONFIG, "relay: 1 to %d relays are needed",
                         RUN_RELAYS_MAX);
    if (settings->unconfirmed_max == 0)
        return error_set(error, ERR_CONFIG, "max-unconfirmed: must be at least 1");
    for (size_t i = 0; i < settings->limit_count; i++)
        if (settings->limits[i].domain_count == 0)
            return error_set(error, ERR_CONFIG, "limits: a rule names no domain");
    for (size_t i = 0; i < settings->relay_count; i++) {
        enum err err = run_check_relay(&settings->relays[i], error);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

/* One core is left to the ledger's thread and to whoever takes the mail
 * (docs/decisions/0007-workers.md). */
static unsigned run_worker_count(const struct run_settings *settings)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned workers = settings->workers;
    if (workers == 0)
        workers = cores > 1 ? (unsigned)cores - 1 : 1;
    if (workers > RUN_WORKERS_MAX)
        workers = RUN_WORKERS_MAX;
    if (workers > settings->relays[0].connections)
        workers = settings->relays[0].connections;
    return workers;
}

static void run_shared_init(struct run *run, const struct store_port *store,
                            const struct compose_port *compose,
                            const struct clock_port *clock)
{
    struct run_shared *shared = &run->shared;
    shared->settings = &run->settings;
    shared->workers = run_worker_count(&run->settings);
    shared->store = *store;
    shared->compose = *compose;
    run_shared_set_clock(shared, clock != NULL ? clock : &clock_port_system);
    atomic_init(&shared->end, -1);
    pthread_mutex_init(&shared->trouble_mutex, NULL);
    mailbox_init(&shared->ledger_inbox, RUN_WORKERS_MAX * LEDGER_ORDERS_PER_WORKER,
                 NULL, NULL);
}

static enum err run_make_workers(struct run *run)
{
    for (unsigned i = 0; i < run->shared.workers; i++) {
        enum err err = worker_new(&run->shared, i, &run->workers[i]);
        if (err != ERR_NONE)
            return err;
        run->inboxes[i] = worker_inbox(run->workers[i]);
    }
    return ERR_NONE;
}

enum err run_new(const struct run_settings *settings, const struct store_port *store,
                 const struct compose_port *compose, const struct clock_port *clock,
                 struct run **to, struct error *error)
{
    enum err err = run_check(settings, error);
    if (err != ERR_NONE)
        return err;
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return error_set(error, ERR_MEMORY, "starting: the run: out of memory");
    run->settings = *settings;
    run_shared_init(run, store, compose, clock);
    err = run_make_workers(run);
    if (err != ERR_NONE) {
        run_free(run);
        return error_set(error, err, "starting: a worker: %s", err_words(err));
    }
    *to = run;
    return ERR_NONE;
}

void run_free(struct run *run)
{
    if (run == NULL)
        return;
    CHECK(!run->is_running);
    for (unsigned i = 0; i < run->shared.workers; i++)
        worker_free(run->workers[i]);
    mailbox_fini(&run->shared.ledger_inbox);
    pthread_mutex_destroy(&run->shared.trouble_mutex);
    free(run);
}

static enum err run_start_workers(struct run *run)
{
    for (unsigned i = 0; i < run->shared.workers; i++) {
        enum err err = worker_start(run->workers[i]);
        if (err != ERR_NONE)
            return err;
        run->started++;
    }
    return ERR_NONE;
}

/* Signals are for the caller's thread: the others are started with all blocked. */
enum err run_start(struct run *run, struct error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    run->started_ms = run_shared_wall_ms(&run->shared);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    enum err err = run_start_workers(run);
    if (err == ERR_NONE)
        err = ledger_start(&run->ledger, &run->shared, run->inboxes);
    else
        run_shared_end(&run->shared, RUN_FAILED, RUN_STOPPING);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err == ERR_NONE) {
        run->is_running = true;
        return ERR_NONE;
    }
    for (unsigned i = 0; i < run->started; i++)
        worker_cancel(run->workers[i]);
    return error_set(error, err, "starting: its threads: %s", err_words(err));
}

static void run_wake(struct run *run)
{
    for (unsigned i = 0; i < run->shared.workers; i++)
        worker_wake(run->workers[i]);
}

void run_drain(struct run *run)
{
    run_shared_end(&run->shared, RUN_DRAINED, RUN_DRAINING);
    run_wake(run);
}

void run_stop(struct run *run)
{
    run_shared_end(&run->shared, RUN_DRAINED, RUN_STOPPING);
    run_wake(run);
}

static void run_read_relays(struct run *run, struct run_progress *progress)
{
    progress->relay_count = run->settings.relay_count;
    for (size_t i = 0; i < progress->relay_count; i++) {
        struct relay_shared *relay = &run->shared.relays[i];
        unsigned ready = atomic_load(&relay->ready);
        progress->connections += ready;
        progress->relays[i] = ready > 0                         ? RELAY_UP
                              : atomic_load(&relay->has_failed) ? RELAY_DOWN
                                                                : RELAY_UNTRIED;
    }
    run_shared_trouble(&run->shared, progress->relay_trouble,
                       sizeof progress->relay_trouble);
}

void run_progress_read(struct run *run, struct run_progress *progress)
{
    struct run_tally *tally = &run->shared.tally;
    *progress = (struct run_progress){
        .started_ms = run->started_ms,
        .now_ms = run_shared_wall_ms(&run->shared),
        .attempts = atomic_load(&tally->attempts),
        .delivered = atomic_load(&tally->delivered),
        .deferred = atomic_load(&tally->deferred),
        .failed = atomic_load(&tally->failed),
        .in_doubt = atomic_load(&tally->in_doubt),
        .invalid = atomic_load(&tally->invalid),
        .suppressed = atomic_load(&tally->suppressed),
        .expired = atomic_load(&tally->expired),
        .in_flight = atomic_load(&tally->in_flight),
        .draining = run_shared_phase(&run->shared) != RUN_SENDING,
    };
    run_read_relays(run, progress);
}

/* The rate over the last RUN_RATE_MS, from samples taken at each tick. */
static double run_rate(struct run *run, const struct run_progress *progress)
{
    struct run_sample now = {progress->now_ms, progress->attempts};
    struct run_sample *samples = run->samples;
    size_t drop = 0;
    while (drop < run->sample_count && (now.at_ms - samples[drop].at_ms > RUN_RATE_MS ||
                                        run->sample_count - drop == RUN_RATE_SAMPLES))
        drop++;
    run->sample_count -= drop;
    memmove(samples, samples + drop, run->sample_count * sizeof *samples);
    samples[run->sample_count++] = now;
    int64_t elapsed_ms = now.at_ms - samples[0].at_ms;
    if (elapsed_ms <= 0)
        return 0;
    return (double)(now.count - samples[0].count) * 1000 / (double)elapsed_ms;
}

static void run_tick(struct run *run,
                     void (*tick)(void *self, const struct run_progress *progress),
                     void *self)
{
    struct run_progress progress;
    if (tick == NULL)
        return;
    run_progress_read(run, &progress);
    progress.rate_per_s = run_rate(run, &progress);
    tick(self, &progress);
}

enum err run_wait(struct run *run, int64_t tick_ms,
                  void (*tick)(void *self, const struct run_progress *progress),
                  void *self, enum run_end *end, struct error *error)
{
    CHECK(run->is_running);
    if (tick_ms <= 0)
        tick_ms = 1000;
    while (!ledger_join(&run->ledger, tick_ms))
        run_tick(run, tick, self);
    ledger_fini(&run->ledger);
    for (unsigned i = 0; i < run->shared.workers; i++)
        worker_join(run->workers[i]);
    run->is_running = false;
    run_tick(run, tick, self);
    *end = (enum run_end)atomic_load(&run->shared.end);
    if (*end != RUN_FAILED && run->shared.failure.code == ERR_NONE)
        return ERR_NONE;
    *end = RUN_FAILED;
    if (error != NULL)
        *error = run->shared.failure;
    return run->shared.failure.code;
}
