#include "core/send/relay.h"

#include "core/base/clock.h"
#include "core/base/log.h"

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

bool relay_may_be_tried(const struct relay *relay, uint64_t now_ns)
{
    return now_ns >= relay->retry_ns &&
           (relay->failures == 0 || relay->connecting == 0);
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
    while (open < relay->settings->connections)
        if (atomic_compare_exchange_weak(&relay->shared->open, &open, open + 1)) {
            relay->open++;
            atomic_store(is_hungry, false);
            return true;
        }
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
        has_failed |= relays[i].failures > 0;
        ready += relays[i].ready;
    }
    atomic_store(&run->is_starving[worker], is_wanted && has_failed && ready == 0);
    if (!is_wanted)
        atomic_store(&run->is_hungry[worker], false);
}

/* ---- the breaker --------------------------------------------------------------- */

void relay_answered(struct relay *relay, bool is_first)
{
    atomic_fetch_add_explicit(&relay->shared->completed, 1, memory_order_relaxed);
    /* Later answers say nothing about whether it takes new connections. */
    if (is_first)
        relay->failures = 0;
}

void relay_became_ready(struct relay *relay)
{
    atomic_store(&relay->run->was_reached, true);
    atomic_store(&relay->shared->failures_logged, 0);
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

static unsigned relay_pause_s(const struct relay *relay)
{
    unsigned pause_s = relay->failures < 6 ? 1u << relay->failures : RELAY_PAUSE_MAX_S;
    if (atomic_load(&relay->shared->ready) > 0 && pause_s > RELAY_PAUSE_FULL_S)
        return RELAY_PAUSE_FULL_S;
    return pause_s;
}

/* Opens the breaker; failures within one pause count once. */
static void relay_failed(struct relay *relay, const struct channel *channel,
                         uint64_t now_ns)
{
    char text[sizeof relay->name + sizeof channel->trouble];
    relay_explain(relay, channel, text, sizeof text);
    atomic_store(&relay->shared->has_failed, true);
    run_shared_set_trouble(relay->run, "%s", text);
    if (now_ns < relay->retry_ns)
        return;
    unsigned pause_s = relay_pause_s(relay);
    relay->failures++;
    relay->retry_ns = now_ns + pause_s * NS_PER_S;
    unsigned logged = atomic_load(&relay->shared->failures_logged);
    if (relay->failures > logged &&
        atomic_compare_exchange_strong(&relay->shared->failures_logged, &logged,
                                       relay->failures))
        log_line(LOG_WARN, "relay-trouble", "%s; next attempt in %u s", text, pause_s);
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
    if (relay_is_blamed(relay, channel))
        relay_failed(relay, channel, now_ns);
}

void relay_learn_pipelining(struct relay *relay, const struct channel *channel)
{
    if (!smtp_session_has_broken_pipelining(channel->session) ||
        atomic_exchange(&relay->shared->is_lock_step, true))
        return;
    log_line(LOG_WARN, "relay-lock-step",
             "%s offers PIPELINING and loses commands; one at a time from now on",
             relay->name);
}

bool relay_is_lock_step(const struct relay *relay)
{
    return atomic_load_explicit(&relay->shared->is_lock_step, memory_order_relaxed);
}

void relay_tick(struct relay *relay, uint64_t now_ns)
{
    /* A pause from before it came up again is over. */
    if (relay->retry_ns > now_ns + RELAY_PAUSE_FULL_S * NS_PER_S &&
        atomic_load(&relay->shared->ready) > 0)
        relay->retry_ns = now_ns;
}
