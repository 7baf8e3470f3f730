#include "core/send/relay.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/send/retry.h"

#include <stdio.h>

void relay_init(struct relay *relay, struct run_shared *run, size_t index,
                unsigned worker, uint64_t now_ns)
{
    const struct relay_settings *settings = &run->settings->relays[index];
    *relay = (struct relay){.settings = settings,
                            .shared = &run->relays[index],
                            .run = run,
                            .worker = worker,
                            .started_ns = now_ns};
    snprintf(relay->name, sizeof relay->name, "%.*s:%u", STR_ARG(settings->host),
             settings->port);
}

/* Messages have got through since the last failure, whichever worker's. */
static bool relay_has_answered(const struct relay *relay)
{
    return atomic_load(&relay->shared->completed) > relay->completed_at_failure;
}

bool relay_may_be_tried(const struct relay *relay, uint64_t now_ns)
{
    if (now_ns < relay->retry_ns)
        return false;
    if (relay->failures == 0)
        return true;
    /* One at a time; and where connecting is not what fails, up to its first answer. */
    return relay->connecting == 0 &&
           (!relay->is_limiting || relay->ready == 0 || relay_has_answered(relay));
}

bool relay_is_down(const struct relay *relay)
{
    return relay->failures > 0 && (atomic_load(&relay->shared->ready) == 0 ||
                                   relay->losses > RELAY_LOSSES_MAX);
}

/* ---- shares -------------------------------------------------------------------- */

static unsigned relay_share(const struct relay *relay)
{
    unsigned workers = relay->run->workers, cap = relay->settings->connections;
    return cap / workers + (relay->worker < cap % workers);
}

/* Whether a flag is up for another worker. */
static bool relay_any_other(const struct relay *relay, atomic_bool *flags)
{
    for (unsigned i = 0; i < relay->run->workers; i++)
        if (i != relay->worker && atomic_load(&flags[i]))
            return true;
    return false;
}

static bool relay_others_are_hungry(const struct relay *relay)
{
    return relay_any_other(relay, relay->run->is_hungry);
}

static bool relay_others_are_starving(const struct relay *relay)
{
    return relay_any_other(relay, relay->run->is_starving);
}

/* How many connections may be open over all workers, when `open` are. */
static unsigned relay_cap(const struct relay *relay, unsigned open, uint64_t now_ns)
{
    struct relay_shared *shared = relay->shared;
    unsigned most = relay->settings->connections, peak = atomic_load(&shared->peak);
    uint_fast64_t probe_ns = atomic_load(&shared->probe_ns);
    if (probe_ns == 0 || peak >= most)
        return most;
    bool is_probe = open == peak && now_ns >= probe_ns &&
                    atomic_compare_exchange_strong(&shared->probe_ns, &probe_ns,
                                                   now_ns + RELAY_PROBE_NS);
    return is_probe ? peak + 1 : peak;
}

bool relay_reserve(struct relay *relay, uint64_t now_ns)
{
    bool has_share = relay->open < relay_share(relay);
    if (!has_share && (now_ns < relay->started_ns + RELAY_BORROW_AFTER_NS ||
                       relay_others_are_hungry(relay)))
        return false;
    if (relay->open > 0 && relay_others_are_starving(relay))
        return false;
    atomic_bool *is_hungry = &relay->run->is_hungry[relay->worker];
    unsigned open = atomic_load(&relay->shared->open);
    unsigned cap = relay_cap(relay, open, now_ns);
    while (open < cap)
        if (atomic_compare_exchange_weak(&relay->shared->open, &open, open + 1)) {
            relay->open++;
            relay->is_capped = false;
            atomic_store(is_hungry, false);
            return true;
        }
    relay->is_capped = has_share && cap < relay->settings->connections;
    atomic_store(is_hungry, has_share);
    return false;
}

void relay_release(struct relay *relay)
{
    relay->open--;
    atomic_fetch_sub(&relay->shared->open, 1);
}

bool relay_can_spare(const struct relay *relay, bool is_wanted)
{
    if (relay->open > relay_share(relay) && relay_others_are_hungry(relay))
        return true;
    return relay_others_are_starving(relay) && (!is_wanted || relay->ready > 1);
}

void relay_tell_hunger(const struct relay *relays, size_t count, bool is_wanted)
{
    bool has_failed = false;
    unsigned ready = 0, worker = relays[0].worker;
    struct run_shared *run = relays[0].run;
    for (size_t i = 0; i < count; i++) {
        has_failed |= relays[i].failures > 0 || relays[i].is_capped;
        ready += relays[i].ready;
    }
    atomic_store(&run->is_starving[worker], is_wanted && has_failed && ready == 0);
    if (!is_wanted)
        atomic_store(&run->is_hungry[worker], false);
}

/* ---- pipelining ---------------------------------------------------------------- */

static bool relay_pipelining_turns(struct relay *relay, enum relay_pipelining from,
                                   enum relay_pipelining to)
{
    int expected = (int)from;
    return atomic_compare_exchange_strong(&relay->shared->pipelining, &expected,
                                          (int)to);
}

static void relay_say_lock_step(const struct relay *relay, const char *why)
{
    log_line(LOG_WARN, "relay-lock-step",
             "%s offers PIPELINING and %s; one at a time from now on", relay->name,
             why);
}

/* The first answer on a connection. */
static void relay_learn_from_answer(struct relay *relay, const struct channel *channel)
{
    if (smtp_session_is_pipelined(channel->session))
        (void)relay_pipelining_turns(relay, RELAY_PIPELINING_UNPROVEN,
                                     RELAY_PIPELINING_PROVEN);
    else if (relay_pipelining_turns(relay, RELAY_PIPELINING_DOUBTED,
                                    RELAY_PIPELINING_BROKEN))
        relay_say_lock_step(relay, "hangs up when commands are sent ahead");
}

/* Those that were open at the same time went down together: that is one. */
static void relay_learn_from_loss(struct relay *relay, const struct channel *channel,
                                  uint64_t now_ns)
{
    struct relay_shared *shared = relay->shared;
    if (channel->opened_ns <= atomic_load(&shared->lost_ahead_ns))
        return;
    atomic_store(&shared->lost_ahead_ns, now_ns);
    if (atomic_fetch_add(&shared->lost_ahead, 1) + 1 >= RELAY_LOST_AHEAD_MAX)
        (void)relay_pipelining_turns(relay, RELAY_PIPELINING_UNPROVEN,
                                     RELAY_PIPELINING_DOUBTED);
}

void relay_learn_pipelining(struct relay *relay, const struct channel *channel,
                            uint64_t now_ns)
{
    if (smtp_session_has_broken_pipelining(channel->session)) {
        if (atomic_exchange(&relay->shared->pipelining, RELAY_PIPELINING_BROKEN) !=
            RELAY_PIPELINING_BROKEN)
            relay_say_lock_step(relay, "loses commands");
    } else if (smtp_session_was_lost_ahead(channel->session)) {
        relay_learn_from_loss(relay, channel, now_ns);
    } else if (channel->submitted > 0 && channel->completed == 0 &&
               !smtp_session_is_pipelined(channel->session) &&
               relay_pipelining_turns(relay, RELAY_PIPELINING_DOUBTED,
                                      RELAY_PIPELINING_UNPROVEN)) {
        /* In lock-step it is no better. */
        atomic_store(&relay->shared->lost_ahead, 0);
    }
}

bool relay_is_lock_step(const struct relay *relay)
{
    return atomic_load_explicit(&relay->shared->pipelining, memory_order_relaxed) >=
           RELAY_PIPELINING_DOUBTED;
}

/* ---- the breaker --------------------------------------------------------------- */

void relay_answered(struct relay *relay, const struct channel *channel)
{
    atomic_fetch_add_explicit(&relay->shared->completed, 1, memory_order_relaxed);
    /* Later answers say nothing about whether it takes new connections. */
    if (channel->completed > 1)
        return;
    relay->failures = 0;
    relay->is_limiting = false;
    relay_learn_from_answer(relay, channel);
}

void relay_became_ready(struct relay *relay)
{
    atomic_store(&relay->run->was_reached, true);
    atomic_store(&relay->shared->failures_logged, 0);
    struct relay_shared *shared = relay->shared;
    unsigned ready = atomic_load(&shared->ready), peak = atomic_load(&shared->peak);
    while (ready > peak)
        if (atomic_compare_exchange_weak(&shared->peak, &peak, ready)) {
            /* It takes more than it was known for: try the next one at once. */
            if (atomic_load(&shared->probe_ns) > 0)
                atomic_store(&shared->probe_ns, 1);
            return;
        }
}

/* "host:port: why", and only "host:port ..." where the reason begins with it. */
static void relay_explain(const struct relay *relay, const struct channel *channel,
                          char *text, size_t size)
{
    if (str_has_prefix(str_of(channel->trouble), str_of(relay->name)))
        snprintf(text, size, "%s", channel->trouble);
    else
        snprintf(text, size, "%s: %s", relay->name, channel->trouble);
}

/* Whether it works for somebody, or has since the last failure. */
static bool relay_works(const struct relay *relay)
{
    return atomic_load(&relay->shared->ready) > 0 || relay_has_answered(relay);
}

static unsigned relay_pause_ms(const struct relay *relay)
{
    bool is_working = relay_works(relay);
    unsigned first_ms = is_working ? RELAY_PAUSE_FULL_MS : 1000;
    unsigned most_ms = 1000 * (is_working ? RELAY_PAUSE_FULL_S : RELAY_PAUSE_MAX_S);
    return retry_doubled(first_ms, relay->failures, most_ms);
}

/* One connection more was refused than it has been seen to take. */
static bool relay_is_full(const struct relay *relay, const struct channel *channel)
{
    unsigned peak = atomic_load(&relay->shared->peak);
    return !channel->was_ready && peak > 0 && atomic_load(&relay->shared->ready) > 0 &&
           atomic_load(&relay->shared->open) > peak;
}

static void relay_found_full(struct relay *relay, const struct channel *channel,
                             uint64_t now_ns)
{
    char text[sizeof relay->name + sizeof channel->trouble];
    relay_explain(relay, channel, text, sizeof text);
    relay->is_capped = true;
    if (atomic_exchange(&relay->shared->probe_ns, now_ns + RELAY_PROBE_NS) == 0)
        log_line(LOG_WARN, "relay-full", "%s; going on with the connections it takes",
                 text);
}

/* Opens the breaker; failures within one pause count once: false. */
static bool relay_open_breaker(struct relay *relay, const char *why, unsigned pause_ms,
                               uint64_t now_ns)
{
    atomic_store(&relay->shared->has_failed, true);
    run_shared_set_trouble(relay->run, "%s", why);
    if (now_ns < relay->retry_ns)
        return false;
    relay->failures++;
    relay->retry_ns = now_ns + pause_ms * NS_PER_MS;
    relay->completed_at_failure = atomic_load(&relay->shared->completed);
    return true;
}

static void relay_failed(struct relay *relay, const struct channel *channel,
                         uint64_t now_ns)
{
    char text[sizeof relay->name + sizeof channel->trouble];
    relay_explain(relay, channel, text, sizeof text);
    unsigned pause_ms = relay_pause_ms(relay);
    if (!relay_open_breaker(relay, text, pause_ms, now_ns))
        return;
    relay->is_limiting = false;
    if (pause_ms < 1000)
        return;
    unsigned logged = atomic_load(&relay->shared->failures_logged);
    if (relay->failures > logged &&
        atomic_compare_exchange_strong(&relay->shared->failures_logged, &logged,
                                       relay->failures))
        log_line(LOG_WARN, "relay-trouble", "%s; next attempt in %u s", text,
                 pause_ms / 1000);
}

/* A limit over all connections and workers is said once. */
static bool relay_may_say_limit(const struct relay *relay, uint64_t now_ns)
{
    uint_fast64_t after_ns = atomic_load(&relay->shared->limit_said_ns);
    return now_ns >= after_ns &&
           atomic_compare_exchange_strong(&relay->shared->limit_said_ns, &after_ns,
                                          now_ns + RELAY_LIMIT_SAID_NS);
}

/* Whether others get through makes no difference: they will meet it as well. */
static unsigned relay_limit_pause_ms(const struct relay *relay)
{
    unsigned pause_s = retry_doubled(1, relay->failures, RELAY_PAUSE_MAX_S);
    unsigned percent = relay->run->settings->timeout_percent;
    return pause_s * (percent > 0 ? 10 * percent : 1000);
}

bool relay_limited(struct relay *relay, const struct outcome *why, uint64_t now_ns)
{
    char text[sizeof relay->name + CHANNEL_TROUBLE_BYTES];
    snprintf(text, sizeof text, "%s limits what it takes: %u %.*s", relay->name,
             why->code, STR_ARG(str_head(why->text, CHANNEL_TROUBLE_BYTES / 2)));
    unsigned pause_ms = relay_limit_pause_ms(relay);
    atomic_store(&relay->shared->limited_ns, now_ns);
    if (!relay_open_breaker(relay, text, pause_ms, now_ns))
        return false;
    relay->is_limiting = true;
    if (relay_may_say_limit(relay, now_ns))
        log_line(LOG_WARN, "relay-limit", "%s; nobody is charged, next attempt in %u s",
                 text, pause_ms / 1000);
    return true;
}

/* Whether a connection's end says something about its relay. One that broke at its
 * first message does not, it may have been the message; several in a row do, with
 * nothing that came through between them. */
static bool relay_is_blamed(struct relay *relay, const struct channel *channel)
{
    if (channel->has_withdrawn || channel->completed > 0 || channel->trouble[0] == '\0')
        return false;
    if (!channel->was_ready)
        return true;
    uint_fast64_t completed = atomic_load(&relay->shared->completed);
    if (completed > relay->completed_before)
        relay->losses = 0;
    relay->completed_before = completed;
    relay->losses += channel->submitted > 0;
    return relay->losses > RELAY_LOSSES_MAX;
}

void relay_lost(struct relay *relay, const struct channel *channel, uint64_t now_ns)
{
    if (!relay_is_blamed(relay, channel))
        return;
    if (relay_is_full(relay, channel))
        relay_found_full(relay, channel, now_ns);
    else
        relay_failed(relay, channel, now_ns);
}

void relay_tick(struct relay *relay, uint64_t now_ns)
{
    bool is_up = relay->is_limiting ? relay_has_answered(relay)
                                    : atomic_load(&relay->shared->ready) > 0;
    /* A pause from before it came up again is over. */
    if (is_up && relay->retry_ns > now_ns + RELAY_PAUSE_FULL_S * NS_PER_S)
        relay->retry_ns = now_ns;
}
