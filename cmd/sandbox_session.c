#include "cmd/sandbox_session.h"

#include "cmd/sandbox_maildir.h"
#include "cmd/sandbox_message.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/net/connection.h"

#include <stdlib.h>

/*
 * session_advance is the one place where things move: input that was left is fed,
 * replies that may go are written, until neither does anything more. Everything else
 * (bytes, room to write, a timer, a log that advanced) ends in a call of it, as its
 * last statement, because the session may be gone afterwards.
 *
 * Latency is a delay line: what the server has to say at a time may leave latency
 * later, whatever comes after it. So it costs a client one wait a round trip, as
 * distance does, and not one a message.
 */
#define DELAYS_MAX 64
#define QUEUED_MAX 64

struct session_delay {
    /* Replies up to this place in their stream... */
    uint64_t position;
    /* ...may leave at this time. */
    uint64_t due_ns;
};

/* A gate of the server that opens when the log is durable up to `position`. */
struct session_wait {
    uint64_t gate, position;
};

struct sandbox_session {
    struct list link, waiting_link;
    struct sandbox_desk *desk;
    struct net_connection *connection;
    struct smtp_server *server;
    /* Input the server did not take yet; nothing is read meanwhile. */
    struct buf pending;

    uint64_t sent;
    struct session_delay delays[DELAYS_MAX];
    unsigned delay_count;
    struct net_timer delay_timer;

    struct session_wait waits[SMTP_SERVER_GATES_MAX];
    unsigned wait_first, wait_count;

    uint64_t slow_gate;
    struct net_timer slow_timer;
    struct net_timer linger_timer;
    bool is_lingering;

    struct sandbox_message message;
    struct sandbox_file file;
    struct buf lines;
    char reply[QUEUED_MAX];
};

static void session_free(struct sandbox_session *session)
{
    struct net_loop *loop = session->desk->loop;
    list_remove(&session->link);
    list_remove(&session->waiting_link);
    net_timer_stop(loop, &session->delay_timer);
    net_timer_stop(loop, &session->slow_timer);
    net_timer_stop(loop, &session->linger_timer);
    sandbox_file_abandon(&session->file, session->desk->shop->maildir);
    net_connection_close(session->connection);
    smtp_server_free(session->server);
    buf_fini(&session->pending);
    buf_fini(&session->lines);
    sandbox_message_fini(&session->message);
    free(session);
}

/* --- moving bytes --- */

/* How much of the output may leave by now, and a timer for the rest. */
static size_t session_due(struct sandbox_session *session, size_t ready)
{
    uint64_t latency_ns = session->desk->shop->latency_ns;
    if (latency_ns == 0)
        return ready;
    struct net_loop *loop = session->desk->loop;
    uint64_t now_ns = net_loop_now_ns(loop), end = session->sent + ready;
    unsigned last = session->delay_count;
    if (ready > 0 && (last == 0 || session->delays[last - 1].position < end)) {
        if (last < DELAYS_MAX)
            session->delay_count = ++last;
        session->delays[last - 1] = (struct session_delay){end, now_ns + latency_ns};
    }
    uint64_t due = session->sent;
    unsigned passed = 0;
    for (; passed < last && session->delays[passed].due_ns <= now_ns; passed++)
        due = session->delays[passed].position;
    /* The last one stays to say what has been noted already. */
    if (passed < last)
        net_timer_start(loop, &session->delay_timer, session->delays[passed].due_ns);
    else if (passed > 0)
        passed--;
    memmove(session->delays, session->delays + passed,
            (last - passed) * sizeof session->delays[0]);
    session->delay_count = last - passed;
    return due > session->sent ? (size_t)(due - session->sent) : 0;
}

static size_t session_write(struct sandbox_session *session)
{
    struct str out = smtp_server_output(session->server);
    out = str_head(out, session_due(session, out.n));
    if (out.n == 0)
        return 0;
    size_t taken = net_connection_write(session->connection, &out, 1);
    smtp_server_sent(session->server, taken);
    session->sent += taken;
    return taken;
}

static size_t session_feed_pending(struct sandbox_session *session)
{
    if (session->pending.n == 0)
        return 0;
    size_t taken = smtp_server_feed(session->server, buf_str(&session->pending));
    buf_consume(&session->pending, taken);
    return taken;
}

/* The last reply is out. A close now, with input that was not read, would reset the
 * connection and take that reply away from the client: let the client close. */
static void session_linger(struct sandbox_session *session)
{
    if (session->is_lingering)
        return;
    struct net_loop *loop = session->desk->loop;
    session->is_lingering = true;
    net_connection_finish(session->connection);
    net_timer_start(loop, &session->linger_timer,
                    net_loop_now_ns(loop) + SANDBOX_LINGER_MS * NS_PER_MS);
}

static void session_advance(struct sandbox_session *session)
{
    size_t moved;
    do {
        moved = session_feed_pending(session);
        moved += session_write(session);
    } while (moved > 0 && session->pending.n > 0);
    net_connection_hold(session->connection, session->pending.n > 0);
    if (smtp_server_is_over(session->server))
        session_linger(session);
}

static void session_readable(void *self, struct str bytes)
{
    struct sandbox_session *session = self;
    if (session->pending.n == 0)
        bytes = str_from(bytes, smtp_server_feed(session->server, bytes));
    buf_append(&session->pending, bytes);
    if (session->pending.failed != ERR_NONE)
        session_free(session);
    else
        session_advance(session);
}

static void session_writable(void *self)
{
    session_advance(self);
}

static void session_lost(void *self, struct str why)
{
    struct sandbox_session *session = self;
    log_line(LOG_DEBUG, "sandbox-closed", "%.*s", STR_ARG(why));
    session_free(session);
}

static void session_delay_over(void *self)
{
    session_advance(self);
}

static void session_slow_over(void *self)
{
    struct sandbox_session *session = self;
    smtp_server_open_gate(session->server, session->slow_gate);
    session_advance(session);
}

static void session_linger_over(void *self)
{
    session_free(self);
}

/* --- what the server asks --- */

static void session_rcpt(void *self, struct str rcpt, struct smtp_verdict *verdict)
{
    struct sandbox_session *session = self;
    struct sandbox_desk *desk = session->desk;
    enum sandbox_personality personality = sandbox_personality_of(rcpt);
    struct str reply = sandbox_personality_reply(personality);
    switch (personality) {
    case SANDBOX_PLAIN:
    case SANDBOX_SPAM:
    case SANDBOX_DROP: return;
    case SANDBOX_DEFER:
        if (!sandbox_memory_is_new(desk->shop->memory, rcpt))
            return;
        break;
    case SANDBOX_SLOW:
        verdict->is_gated = verdict->stops = true;
        session->slow_gate = verdict->gate;
        net_timer_start(desk->loop, &session->slow_timer,
                        net_loop_now_ns(desk->loop) + SANDBOX_SLOW_MS * NS_PER_MS);
        break;
    case SANDBOX_BUSY: verdict->closes = true; break;
    case SANDBOX_BOUNCE:
    case SANDBOX_FULL: break;
    }
    verdict->reply = reply;
    desk->counts.refused += reply.p[0] != '2';
}

static void session_content(void *self, struct str bytes)
{
    struct sandbox_session *session = self;
    const struct sandbox_shop *shop = session->desk->shop;
    if (shop->log != NULL)
        sandbox_message_content(&session->message, bytes);
    if (shop->maildir >= 0)
        sandbox_file_write(&session->file, shop->maildir, bytes);
}

static void session_abandoned(void *self)
{
    struct sandbox_session *session = self;
    sandbox_message_clear(&session->message);
    sandbox_file_abandon(&session->file, session->desk->shop->maildir);
}

/* A recipient of the message that decides about all of it, or SANDBOX_PLAIN. */
static enum sandbox_personality message_personality(struct str rcpts)
{
    while (rcpts.n > 0) {
        struct str rcpt = str_split(rcpts, '\0', &rcpts);
        enum sandbox_personality personality = sandbox_personality_of(rcpt);
        if (personality == SANDBOX_SPAM || personality == SANDBOX_DROP)
            return personality;
    }
    return SANDBOX_PLAIN;
}

static void session_refuse(struct sandbox_session *session, struct str reply,
                           struct smtp_verdict *verdict)
{
    session->desk->counts.refused++;
    verdict->reply = reply;
    session_abandoned(session);
}

/* Hands the lines to the log; the reply waits for them. */
static void session_log(struct sandbox_session *session, struct smtp_verdict *verdict)
{
    struct sandbox_desk *desk = session->desk;
    struct sandbox_envelope envelope = {
        .mail_from = smtp_server_mail_from(session->server),
        .rcpts = smtp_server_rcpts(session->server),
        .bytes = smtp_server_message_bytes(session->server),
        .wall_ms = clock_wall_ms(),
    };
    buf_clear(&session->lines);
    sandbox_message_lines(&session->message, &envelope, &session->lines);
    sandbox_message_clear(&session->message);
    CHECK(session->lines.failed == ERR_NONE);
    uint64_t position = sandbox_log_append(desk->shop->log, buf_str(&session->lines));
    unsigned at = (session->wait_first + session->wait_count) % SMTP_SERVER_GATES_MAX;
    session->waits[at] = (struct session_wait){verdict->gate, position};
    verdict->is_gated = true;
    if (session->wait_count++ == 0)
        list_append(&desk->waiting, &session->waiting_link);
}

static void session_accept(struct sandbox_session *session,
                           struct smtp_verdict *verdict)
{
    struct sandbox_desk *desk = session->desk;
    desk->counts.messages++;
    desk->counts.rcpts += smtp_server_rcpt_count(session->server);
    desk->counts.bytes += smtp_server_message_bytes(session->server);
    int n =
        snprintf(session->reply, sizeof session->reply, "250 2.0.0 queued as SBX%08llX",
                 (unsigned long long)++desk->shop->accepted);
    verdict->reply = str_slice(session->reply, (size_t)n);
    if (desk->shop->log != NULL)
        session_log(session, verdict);
}

static void session_message(void *self, struct smtp_verdict *verdict)
{
    struct sandbox_session *session = self;
    int maildir = session->desk->shop->maildir;
    enum sandbox_personality personality =
        message_personality(smtp_server_rcpts(session->server));
    if (personality != SANDBOX_PLAIN) {
        verdict->closes = personality == SANDBOX_DROP;
        session_refuse(session, sandbox_personality_reply(personality), verdict);
        return;
    }
    int failed = maildir >= 0 ? sandbox_file_commit(&session->file, maildir) : 0;
    if (failed != 0) {
        log_line(LOG_ERROR, "sandbox-maildir", "cannot store a message: %s",
                 strerror(failed));
        session_refuse(session, STR("452 4.3.1 cannot store the message"), verdict);
        return;
    }
    session_accept(session, verdict);
}

/* --- the desk's view --- */

void sandbox_session_log_advanced(struct list *waiting_link, uint64_t durable)
{
    struct sandbox_session *session =
        container_of(waiting_link, struct sandbox_session, waiting_link);
    unsigned opened = 0;
    while (session->wait_count > 0 &&
           session->waits[session->wait_first].position <= durable) {
        smtp_server_open_gate(session->server,
                              session->waits[session->wait_first].gate);
        session->wait_first = (session->wait_first + 1) % SMTP_SERVER_GATES_MAX;
        session->wait_count--;
        opened++;
    }
    if (session->wait_count == 0)
        list_remove(&session->waiting_link);
    if (opened > 0)
        session_advance(session);
}

bool sandbox_session_may_close(struct list *link)
{
    struct sandbox_session *session = container_of(link, struct sandbox_session, link);
    net_connection_hold(session->connection, true);
    return session->wait_count == 0;
}

void sandbox_session_close(struct list *link)
{
    session_free(container_of(link, struct sandbox_session, link));
}

static bool session_init(struct sandbox_session *session, struct sandbox_desk *desk)
{
    struct smtp_server_events events = {session, session_rcpt, session_content,
                                        session_message, session_abandoned};
    session->desk = desk;
    list_init(&session->link);
    list_init(&session->waiting_link);
    buf_init(&session->pending, SANDBOX_PENDING_MAX);
    buf_init(&session->lines, 64u << 20);
    net_timer_init(&session->delay_timer, session_delay_over, session);
    net_timer_init(&session->slow_timer, session_slow_over, session);
    net_timer_init(&session->linger_timer, session_linger_over, session);
    session->server = smtp_server_new(&desk->shop->server, &events);
    return sandbox_message_init(&session->message) && session->server != NULL;
}

void sandbox_session_open(struct sandbox_desk *desk, int socket)
{
    struct sandbox_session *session = calloc(1, sizeof *session);
    struct net_connection_events events = {session, NULL, session_readable,
                                           session_writable, session_lost};
    CHECK(session != NULL);
    session->connection = net_connection_adopt(desk->loop, socket, &events);
    if (!session_init(session, desk) || session->connection == NULL) {
        log_line(LOG_ERROR, "sandbox-full", "no memory for a connection");
        session_free(session);
        return;
    }
    desk->counts.connections++;
    list_append(&desk->sessions, &session->link);
    session_advance(session);
}
