#include "core/send/channel.h"

#include "core/smtp/policy.h"

#include <stdio.h>
#include <stdlib.h>

#define CHANNEL_SLICES NET_SLICES_MAX

static void channel_changed(struct channel *channel)
{
    channel->events.changed(channel->events.self, channel);
}

static void channel_set_trouble(struct channel *channel, struct str why)
{
    if (channel->trouble[0] == '\0')
        snprintf(channel->trouble, sizeof channel->trouble, "%.*s", STR_ARG(why));
}

static void channel_on_arm(void *self, struct smtp_message *message)
{
    struct channel *channel = self;
    channel->events.arm(channel->events.self, message->owner);
}

/* The message at which the connection broke without a word may be why it did. Where the
 * server said why (421: to that message; so many messages a connection), where nothing
 * of the message was sent (it closed because of the one before) or where we left by
 * ourselves, those that come back have nothing to do with it. */
static void channel_suspect(struct channel *channel, struct flight *flight,
                            const struct outcome *outcome)
{
    bool is_unsent = outcome->state == OUTCOME_UNSENT;
    /* It was the server's answer, or its silence, to this very message. */
    bool is_blamed = outcome->code == 0 && (outcome->state == OUTCOME_DEFERRED ||
                                            outcome->state == OUTCOME_IN_DOUBT);
    flight->is_suspect = is_unsent && !channel->has_suspect && outcome->code == 0 &&
                         smtp_policy_is_trouble(outcome) &&
                         smtp_message_has_begun(&flight->message) &&
                         channel->flights.next == &flight->link;
    channel->has_suspect |= is_unsent || is_blamed || outcome->code == 421;
}

static void channel_on_done(void *self, struct smtp_message *message,
                            const struct outcome *outcome)
{
    struct channel *channel = self;
    struct flight *flight = message->owner;
    channel_suspect(channel, flight, outcome);
    list_remove(&flight->link);
    channel->in_flight--;
    if (outcome->code != 0)
        channel->completed++;
    channel->events.landed(channel->events.self, channel, flight, outcome);
}

static void channel_on_ready(void *self)
{
    struct channel *channel = self;
    channel->was_ready = true;
    if (channel->state == CHANNEL_CONNECTING)
        channel->state = CHANNEL_READY;
    channel_changed(channel);
}

static void channel_on_over(void *self, const struct outcome *why, bool was_orderly)
{
    struct channel *channel = self;
    if (!was_orderly && why != NULL) {
        char text[CHANNEL_TROUBLE_BYTES];
        if (why->code != 0)
            snprintf(text, sizeof text, "%u %.*s", why->code, STR_ARG(why->text));
        else
            snprintf(text, sizeof text, "%.*s", STR_ARG(why->text));
        channel_set_trouble(channel, str_of(text));
    }
    channel->state = CHANNEL_OVER;
    channel_changed(channel);
}

static void channel_on_connected(void *self, struct str peer)
{
    struct channel *channel = self;
    snprintf(channel->peer, sizeof channel->peer, "%.*s", STR_ARG(peer));
    channel->is_started = true;
    channel->active_ns = net_loop_now_ns(channel->loop);
    smtp_session_start(channel->session, channel->active_ns);
    channel_changed(channel);
}

static void channel_on_readable(void *self, struct str bytes)
{
    struct channel *channel = self;
    channel->active_ns = net_loop_now_ns(channel->loop);
    smtp_session_feed(channel->session, bytes, channel->active_ns);
    channel_changed(channel);
}

static void channel_on_writable(void *self)
{
    struct channel *channel = self;
    channel->is_write_blocked = false;
    channel_changed(channel);
}

static void channel_on_lost(void *self, struct str why)
{
    struct channel *channel = self;
    if (channel->state == CHANNEL_OVER)
        return;
    if (channel->is_started)
        smtp_session_lost(channel->session, why);
    else
        channel_set_trouble(channel, why);
    channel->state = CHANNEL_OVER;
    channel_changed(channel);
}

static struct smtp_session *channel_session(struct channel *channel,
                                            const struct channel_options *options)
{
    const struct relay_settings *relay = channel->relay;
    struct smtp_params params = {.helo = relay->helo,
                                 .pipelining =
                                     relay->pipelining && !options->is_lock_step,
                                 .depth = options->depth,
                                 .timeout_percent = options->timeout_percent};
    struct smtp_events events = {channel, channel_on_arm, channel_on_done,
                                 channel_on_ready, channel_on_over};
    return smtp_session_new(&params, &events);
}

struct channel *channel_open(struct net_loop *loop, const struct relay_settings *relay,
                             unsigned relay_index,
                             const struct channel_options *options,
                             const struct channel_events *events)
{
    struct channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL)
        return NULL;
    *channel = (struct channel){.relay = relay,
                                .relay_index = relay_index,
                                .loop = loop,
                                .events = *events,
                                .opened_ns = net_loop_now_ns(loop)};
    list_init(&channel->link);
    list_init(&channel->dirty_link);
    list_init(&channel->flights);
    struct net_connection_events net = {channel, channel_on_connected,
                                        channel_on_readable, channel_on_writable,
                                        channel_on_lost};
    channel->session = channel_session(channel, options);
    if (channel->session == NULL)
        goto fail;
    channel->connection = net_connection_open(loop, relay->host, relay->port,
                                              options->connect_timeout_ns, &net);
    if (channel->connection == NULL)
        goto fail;
    return channel;

fail:
    channel_free(channel);
    return NULL;
}

void channel_free(struct channel *channel)
{
    CHECK(list_is_empty(&channel->flights));
    net_connection_close(channel->connection);
    smtp_session_free(channel->session);
    list_remove(&channel->link);
    list_remove(&channel->dirty_link);
    free(channel);
}

unsigned channel_room(const struct channel *channel)
{
    return channel->state == CHANNEL_READY ? smtp_session_room(channel->session) : 0;
}

static bool limit_is_capped(const struct limit *limit)
{
    return limit->rule != NULL &&
           (limit->rule->connections > 0 || limit->rule->messages_per_connection > 0);
}

static struct carried *channel_find(const struct channel *channel, uint64_t key)
{
    for (size_t i = 0; i < channel->carried_count; i++)
        if (channel->carried[i].key == key)
            return (struct carried *)&channel->carried[i];
    return NULL;
}

bool channel_may_carry(const struct channel *channel, const struct limit *limit)
{
    if (!limit_is_capped(limit))
        return true;
    const struct limit_rule *rule = limit->rule;
    const struct carried *carried = channel_find(channel, limit->key);
    if (carried == NULL && channel->carried_count == CHANNEL_CARRIED_MAX)
        return false;
    if (rule->messages_per_connection > 0 && carried != NULL &&
        carried->messages >= rule->messages_per_connection)
        return false;
    return rule->connections == 0 || (carried != NULL && carried->in_flight > 0) ||
           limit->connections < rule->connections;
}

static void channel_carry(struct channel *channel, struct limit *limit)
{
    if (!limit_is_capped(limit))
        return;
    struct carried *carried = channel_find(channel, limit->key);
    if (carried == NULL) {
        CHECK(channel->carried_count < CHANNEL_CARRIED_MAX);
        carried = &channel->carried[channel->carried_count++];
        *carried = (struct carried){.key = limit->key};
    }
    if (carried->in_flight++ == 0)
        limit->connections++;
    carried->messages++;
    /* It can carry no more of this, or no more that is capped: a fresh one can. */
    unsigned messages_max = limit->rule->messages_per_connection;
    if ((messages_max > 0 && carried->messages >= messages_max) ||
        channel->carried_count == CHANNEL_CARRIED_MAX)
        channel_retire(channel);
}

void channel_uncarry(struct channel *channel, struct limit *limit)
{
    struct carried *carried = channel_find(channel, limit->key);
    if (carried == NULL)
        return;
    CHECK(carried->in_flight > 0);
    if (--carried->in_flight == 0)
        limit->connections--;
    /* Only messages_per_connection needs to remember it. */
    if (carried->in_flight == 0 && limit->rule->messages_per_connection == 0)
        *carried = channel->carried[--channel->carried_count];
}

/* In the order in which the session sends them. */
static void channel_enqueue(struct channel *channel, struct flight *flight)
{
    struct list *before = &channel->flights;
    LIST_FOREACH(node, &channel->flights)
    {
        const struct flight *other = container_of(node, struct flight, link);
        if (!flight->message.is_paced)
            break;
        if (smtp_message_is_overtaken(&other->message)) {
            before = node;
            break;
        }
    }
    list_insert_before(before, &flight->link);
}

void channel_submit(struct channel *channel, struct flight *flight, struct limit *limit,
                    uint64_t now_ns)
{
    flight->channel = channel;
    flight->message.is_paced = limit->interval_ns > 0;
    channel_enqueue(channel, flight);
    memcpy(flight->peer, channel->peer, sizeof flight->peer);
    channel->submitted++;
    channel->in_flight++;
    channel->active_ns = now_ns;
    channel_carry(channel, limit);
    unsigned messages_max = channel->relay->messages_per_connection;
    if (messages_max > 0 && channel->submitted >= messages_max)
        channel_retire(channel);
    smtp_session_submit(channel->session, &flight->message, now_ns);
    channel_changed(channel);
}

void channel_armed(struct channel *channel, struct flight *flight)
{
    smtp_session_armed(channel->session, &flight->message);
    channel_changed(channel);
}

void channel_withdraw(struct channel *channel, struct flight *flight)
{
    channel->has_withdrawn = true;
    smtp_session_withdraw(channel->session, &flight->message);
    channel_changed(channel);
}

void channel_retire(struct channel *channel)
{
    if (channel->state == CHANNEL_READY)
        channel->state = CHANNEL_RETIRING;
    channel_changed(channel);
}

void channel_quit(struct channel *channel, uint64_t now_ns)
{
    if (channel->state == CHANNEL_CONNECTING) {
        channel_abort(channel, STR("no longer needed"));
        return;
    }
    if (channel->state == CHANNEL_LEAVING || channel->state == CHANNEL_OVER)
        return;
    channel->state = CHANNEL_LEAVING;
    smtp_session_quit(channel->session, now_ns);
    channel_changed(channel);
}

void channel_abort(struct channel *channel, struct str why)
{
    if (channel->state == CHANNEL_OVER)
        return;
    if (channel->is_started)
        smtp_session_abort(channel->session, why);
    channel->state = CHANNEL_OVER;
    channel_changed(channel);
}

static bool channel_write_once(struct channel *channel, uint64_t now_ns)
{
    struct str slices[CHANNEL_SLICES];
    size_t count = smtp_session_output(channel->session, slices, CHANNEL_SLICES);
    if (count == 0)
        return false;
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += slices[i].n;
    size_t taken = net_connection_write(channel->connection, slices, count);
    if (taken > 0)
        smtp_session_wrote(channel->session, taken, now_ns);
    channel->is_write_blocked = taken < total;
    return !channel->is_write_blocked;
}

void channel_flush(struct channel *channel, uint64_t now_ns)
{
    if (channel->state == CHANNEL_RETIRING && list_is_empty(&channel->flights))
        channel_quit(channel, now_ns);
    while (channel->is_started && channel->state != CHANNEL_OVER &&
           !channel->is_write_blocked)
        if (!channel_write_once(channel, now_ns))
            break;
}

void channel_tick(struct channel *channel, uint64_t now_ns)
{
    if (!channel->is_started || channel->state == CHANNEL_OVER ||
        smtp_session_deadline_ns(channel->session) > now_ns)
        return;
    smtp_session_timeout(channel->session, now_ns);
    channel_changed(channel);
}

void channel_poke(struct channel *channel)
{
    net_connection_poke(channel->connection);
}
