/*
 * sending.c - joins the three ports, waits, and says what came of it
 */
#include "cmd/sending.h"

#include "cmd/compose.h"
#include "cmd/progress.h"
#include "core/base/log.h"
#include "core/send/retry.h"
#include "storage/ledger_store.h"
#include "storage/reports.h"

#include <signal.h>

/* How many signals asked us to stop; written by the handler only. */
static volatile sig_atomic_t stop_requests;

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define STOP_SIGNAL_COUNT (sizeof(stop_signals) / sizeof(stop_signals[0]))

/* The second one stops the run, which may still have to wait for a disk that hangs or a
 * database that somebody else keeps locked. The third one is the kernel's: whoever
 * sends it wants the process gone, as by kill -9, and the next run can cope with that.
 */
static void on_signal(int number)
{
    const struct sigaction by_default = {.sa_handler = SIG_DFL};
    (void)number;
    stop_requests = stop_requests + 1;
    for (size_t i = 0; stop_requests == 2 && i < STOP_SIGNAL_COUNT; i++)
        (void)sigaction(stop_signals[i], &by_default, NULL);
}

static void signals_catch(struct sigaction before[STOP_SIGNAL_COUNT])
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    stop_requests = 0;
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < STOP_SIGNAL_COUNT; i++)
        (void)sigaction(stop_signals[i], &action, &before[i]);
}

static void signals_restore(const struct sigaction before[STOP_SIGNAL_COUNT])
{
    for (size_t i = 0; i < STOP_SIGNAL_COUNT; i++)
        (void)sigaction(stop_signals[i], &before[i], NULL);
}

/* What the tick looks at, and what came of the run. */
struct watch {
    struct run *run;
    struct progress progress;
    int obeyed;
    enum run_end end;
    struct run_progress last;
};

static void obey_signals(struct watch *watch)
{
    int asked = stop_requests;
    if (asked > 0 && watch->obeyed == 0) {
        watch->obeyed = 1;
        progress_clear(&watch->progress);
        log_line(LOG_WARN, "stopping",
                 "waiting for the replies to what is on the wire; "
                 "again: stop at once");
        run_drain(watch->run);
    }
    if (asked > 1 && watch->obeyed == 1) {
        watch->obeyed = 2;
        run_stop(watch->run);
    }
}

static void on_tick(void *self, const struct run_progress *now)
{
    struct watch *watch = self;
    obey_signals(watch);
    progress_show(&watch->progress, now);
}

static void settings_of(const struct content *content,
                        const struct sending_values *values,
                        struct run_settings *settings)
{
    const struct campaign_file *campaign = content->campaign;
    run_settings_init(settings);
    settings->workers = (unsigned)values->workers;
    settings->relays = campaign->relays;
    settings->relay_count = campaign->relay_count;
    settings->limits = campaign->limits;
    settings->limit_count = campaign->limit_count;
    settings->retry = campaign->retry;
    settings->retry_in_doubt = campaign->retry_in_doubt;
    settings->wait_for_deferred = !values->no_wait;
    settings->unconfirmed_max = values->max_unconfirmed > 0
                                    ? (uint32_t)values->max_unconfirmed
                                    : SENDING_UNCONFIRMED_DEFAULT;
}

static void warn_of_clear_text(const struct campaign_file *campaign)
{
    for (size_t i = 0; i < campaign->relay_count; i++) {
        const struct relay_settings *relay = &campaign->relays[i];
        if (relay->tls == RELAY_TLS_OPPORTUNISTIC)
            log_line(LOG_WARN, "tls",
                     "%.*s:%u: this version does not speak TLS yet: "
                     "messages go in clear",
                     STR_ARG(relay->host), (unsigned)relay->port);
    }
}

static enum err run_to_end(struct ledger_store *ledger, const struct content *content,
                           const struct sending_values *values, struct watch *watch,
                           struct error *error)
{
    struct run_settings settings;
    struct store_port store_port = ledger_store_port(ledger);
    struct compose_port compose_port = compose_port_of(content);
    struct sigaction before[STOP_SIGNAL_COUNT];
    settings_of(content, values, &settings);
    enum err err =
        run_new(&settings, &store_port, &compose_port, NULL, &watch->run, error);
    if (err != ERR_NONE)
        return err;
    signals_catch(before);
    err = run_start(watch->run, error);
    if (err == ERR_NONE)
        err =
            run_wait(watch->run, PROGRESS_TICK_MS, on_tick, watch, &watch->end, error);
    run_progress_read(watch->run, &watch->last);
    signals_restore(before);
    run_free(watch->run);
    progress_clear(&watch->progress);
    return err;
}

static enum campaign_state state_after(enum run_end end)
{
    switch (end) {
    case RUN_FINISHED: return CAMPAIGN_FINISHED;
    case RUN_PAUSED: return CAMPAIGN_PAUSED;
    case RUN_CANCELLED: return CAMPAIGN_CANCELLED;
    case RUN_ONLY_DEFERRED:
    case RUN_DRAINED:
    case RUN_LIMITED:
    case RUN_RELAY_UNUSABLE:
    case RUN_FAILED: return CAMPAIGN_INTERRUPTED;
    }
    return CAMPAIGN_INTERRUPTED;
}

static uint64_t not_reached(const struct delivery_counts *counts)
{
    return delivery_counts_failed(counts) + counts->by_state[DELIVERY_CANCELLED];
}

static int exit_code_of_counts(const struct delivery_counts *counts)
{
    if (delivery_counts_unfinished(counts) > 0)
        return EXIT_WORK_LEFT;
    if (counts->by_state[DELIVERY_IN_DOUBT] > 0)
        return EXIT_SOME_IN_DOUBT;
    return not_reached(counts) > 0 ? EXIT_SOME_FAILED : 0;
}

int sending_exit_code(struct store *store, int64_t campaign_id, struct error *error)
{
    struct delivery_counts counts;
    enum err err = report_counts(store, campaign_id, &counts, error);
    return err != ERR_NONE ? err_exit_code(err) : exit_code_of_counts(&counts);
}

static void print_summary(const struct campaign *campaign, enum campaign_state state,
                          const struct delivery_counts *counts,
                          const struct run_progress *last)
{
    double seconds = (double)(last->now_ms - last->started_ms) / 1000;
    (void)printf("%.*s: %s after %.1f s: %llu recipients", STR_ARG(campaign->name),
                 campaign_state_word(state), seconds,
                 (unsigned long long)counts->audience);
    for (unsigned i = 0; i < DELIVERY_STATE_COUNT; i++) {
        if (counts->by_state[i] > 0)
            (void)printf(", %llu %s", (unsigned long long)counts->by_state[i],
                         delivery_state_word((enum delivery_state)i));
    }
    if (seconds > 0 && last->delivered > 0)
        (void)printf(" (%.0f/s)", (double)last->delivered / seconds);
    (void)putchar('\n');
    uint64_t left = delivery_counts_unfinished(counts);
    if (left > 0 && state != CAMPAIGN_CANCELLED)
        (void)printf("%llu are left: broadside resume %.*s\n", (unsigned long long)left,
                     STR_ARG(campaign->name));
    if (counts->by_state[DELIVERY_IN_DOUBT] > 0)
        (void)printf("%llu are in doubt: broadside resolve %.*s --list\n",
                     (unsigned long long)counts->by_state[DELIVERY_IN_DOUBT],
                     STR_ARG(campaign->name));
}

/* The exit code of a run that ended as such: the contract's order of precedence. */
static int conclude(const struct campaign *campaign, const struct watch *watch,
                    const struct delivery_counts *counts, bool quiet,
                    struct error *error)
{
    const struct run_progress *last = &watch->last;
    if (!quiet)
        print_summary(campaign, state_after(watch->end), counts, last);
    if (watch->end == RUN_LIMITED)
        log_line(LOG_WARN, "relay-limit", "%s; the rest is left for later",
                 last->relay_trouble);
    if (watch->end == RUN_RELAY_UNUSABLE)
        return command_fail(error, ERR_RELAY,
                            "cannot send: %.*s: %s; nobody was charged for it, "
                            "`broadside resume %.*s` tries again",
                            STR_ARG(campaign->name),
                            last->relay_trouble[0] != '\0' ? last->relay_trouble
                                                           : "no relay can be reached",
                            STR_ARG(campaign->name));
    return exit_code_of_counts(counts);
}

static void begin_watch(struct watch *watch, const struct delivery_counts *counts,
                        const struct sending_values *values, bool quiet)
{
    const struct progress_before before = {
        .done = counts->audience - delivery_counts_unfinished(counts),
        .delivered = counts->by_state[DELIVERY_DELIVERED],
        .deferred = counts->by_state[DELIVERY_DEFERRED],
        .failed = not_reached(counts),
        .in_doubt = counts->by_state[DELIVERY_IN_DOUBT],
    };
    *watch = (struct watch){.end = RUN_FAILED};
    progress_init(&watch->progress, (enum progress_mode)values->progress, quiet,
                  counts->audience, &before);
}

int sending_run(struct store *store, const struct campaign *campaign,
                const struct content *content, const struct sending_values *values,
                bool quiet, struct error *error)
{
    struct delivery_counts counts;
    struct ledger_store *ledger;
    struct watch watch;
    struct error close_error = {ERR_NONE, ""};
    uint64_t recovered = 0;
    const struct ledger_options options = {
        .retry_in_doubt = content->campaign->retry_in_doubt,
        .take_over = values->take_over,
        .wait_max_ms = retry_longest_ms(&content->campaign->retry)};
    enum err err =
        ledger_store_open(store, campaign->id, &options, &ledger, &recovered, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    if (recovered > 0)
        log_line(LOG_WARN, "recovered", "the run before this one left %llu in doubt",
                 (unsigned long long)recovered);
    warn_of_clear_text(content->campaign);
    begin_watch(&watch, ledger_store_counts(ledger), values, quiet);
    err = run_to_end(ledger, content, values, &watch, error);
    enum err close_err = ledger_store_close(
        ledger, err == ERR_NONE ? state_after(watch.end) : CAMPAIGN_INTERRUPTED,
        &counts, &close_error);
    if (err == ERR_NONE && close_err != ERR_NONE) {
        *error = close_error;
        err = close_err;
    }
    if (err != ERR_NONE)
        return err_exit_code(err);
    return conclude(campaign, &watch, &counts, quiet, error);
}
