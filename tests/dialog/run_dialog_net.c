/*
 * run_dialog_net - plays the same scripts through core/send's channel and core/net
 *
 * The server is a socket of this process on 127.0.0.1; the channel connects to it as
 * to any relay. Everything happens in one thread: a step lets the loop turn until what
 * was sent has arrived, so a run is as exact as one over the pure session. What cannot
 * be told from a socket (how much the kernel took) stays with scripts that say
 * "only session".
 *
 * Four functions are replaced at the link (--wrap), so that nothing in core/ needs to
 * know of it: the clock, by the script's; the session's making, to hear why it is over;
 * and what it is fed and has written, to know when everything has arrived.
 */
#include "core/send/channel.h"
#include "tests/dialog/dialog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* So long a step may take in real time before it is a failure. */
#define PATIENCE_S 10

struct net_carried {
    struct dialog *dialog;
    struct net_loop *loop;
    struct relay_settings relay;
    struct channel *channel;
    int listener, server;
    /* Of messages without a pace, and with one. */
    struct limit limit, pace;
    struct flight flights[DIALOG_MESSAGES_MAX];
    /* The channel's own handlers of the session's events. */
    struct smtp_events inner;
    /* Octets that the server has sent, and that the session was given. */
    uint64_t sent, fed;
    /* Octets that the session has written, and that the server has read. */
    uint64_t written, received;
    /* Read by the server, not taken by the script. */
    char said[DIALOG_TEXT_MAX * 8];
    size_t said_bytes;
    bool was_ready;
};

static struct net_carried net;

/* ---- what is replaced at the link ---- */

uint64_t __wrap_clock_mono_ns(void);
struct smtp_session *__real_smtp_session_new(const struct smtp_params *params,
                                             const struct smtp_events *events);
struct smtp_session *__wrap_smtp_session_new(const struct smtp_params *params,
                                             const struct smtp_events *events);
void __real_smtp_session_feed(struct smtp_session *session, struct str bytes,
                              uint64_t now_ns);
void __wrap_smtp_session_feed(struct smtp_session *session, struct str bytes,
                              uint64_t now_ns);
void __real_smtp_session_wrote(struct smtp_session *session, size_t bytes,
                               uint64_t now_ns);
void __wrap_smtp_session_wrote(struct smtp_session *session, size_t bytes,
                               uint64_t now_ns);

uint64_t __wrap_clock_mono_ns(void)
{
    return net.dialog->now_ns;
}

static void net_on_over(void *self, const struct outcome *why, bool was_orderly)
{
    dialog_on_over(net.dialog, why, was_orderly);
    net.inner.over(self, why, was_orderly);
}

struct smtp_session *__wrap_smtp_session_new(const struct smtp_params *params,
                                             const struct smtp_events *events)
{
    struct smtp_events mine = *events;
    net.inner = *events;
    mine.over = net_on_over;
    return __real_smtp_session_new(params, &mine);
}

void __wrap_smtp_session_feed(struct smtp_session *session, struct str bytes,
                              uint64_t now_ns)
{
    net.fed += bytes.n;
    __real_smtp_session_feed(session, bytes, now_ns);
}

void __wrap_smtp_session_wrote(struct smtp_session *session, size_t bytes,
                               uint64_t now_ns)
{
    net.written += bytes;
    __real_smtp_session_wrote(session, bytes, now_ns);
}

/* ---- the loop and the server's socket ---- */

static void stop_each_turn(void *self)
{
    net_loop_stop(self);
}

static int64_t real_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Lets the loop handle what is there, never waiting, until `is_done`. */
static void turn_until(bool (*is_done)(void), const char *what)
{
    int64_t give_up_s = real_s() + PATIENCE_S;
    while (!is_done()) {
        net_loop_run(net.loop);
        if (real_s() > give_up_s) {
            dialog_fail(net.dialog, "waited in vain for", str_of(what));
            return;
        }
    }
}

static bool is_started(void)
{
    return net.channel->is_started;
}

static bool is_fed(void)
{
    return net.fed == net.sent;
}

static bool is_over(void)
{
    return net.channel->state == CHANNEL_OVER;
}

/* What the pool does after a change: let the channel write. */
static void flush(void)
{
    channel_flush(net.channel, net.dialog->now_ns);
}

static void server_listen(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    net.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(net.listener >= 0);
    CHECK(bind(net.listener, (void *)&address, size) == 0);
    CHECK(listen(net.listener, 1) == 0);
    CHECK(getsockname(net.listener, (void *)&address, &size) == 0);
    net.relay.port = ntohs(address.sin_port);
}

static void server_accept(void)
{
    int on = 1;
    net.server = accept(net.listener, NULL, NULL);
    CHECK(net.server >= 0);
    CHECK(setsockopt(net.server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
}

/* Reads until it has all that the session has written. */
static void server_read(void)
{
    struct pollfd readable = {net.server, POLLIN, 0};
    while (net.received < net.written && net.server >= 0) {
        if (poll(&readable, 1, PATIENCE_S * 1000) != 1)
            break;
        ssize_t n = recv(net.server, net.said + net.said_bytes,
                         sizeof net.said - net.said_bytes, 0);
        if (n <= 0)
            break;
        net.said_bytes += (size_t)n;
        net.received += (uint64_t)n;
    }
    if (net.received < net.written && net.server >= 0)
        dialog_fail(net.dialog, "what was written did not arrive", STR(""));
}

/* ---- what the channel tells ---- */

static unsigned number_of(const struct flight *flight)
{
    return (unsigned)(flight - net.flights) + 1;
}

static void net_on_arm(void *self, struct flight *flight)
{
    dialog_on_arm(self, number_of(flight));
}

static void net_on_landed(void *self, struct channel *channel, struct flight *flight,
                          const struct outcome *outcome)
{
    (void)channel;
    dialog_on_done(self, number_of(flight), outcome);
    memset(&flight->message, 0xee, sizeof flight->message);
}

static void net_on_changed(void *self, struct channel *channel)
{
    if (channel->was_ready && !net.was_ready)
        dialog_on_ready(self);
    net.was_ready = channel->was_ready;
}

/* ---- the carrier ---- */

static void net_begin(struct dialog *dialog)
{
    net = (struct net_carried){.dialog = dialog, .server = -1};
    net.relay = (struct relay_settings){.host = STR("127.0.0.1"),
                                        .connections = 1,
                                        .pipelining = dialog->params.pipelining,
                                        .helo = dialog->params.helo};
    limit_init(&net.limit, NULL, 1);
    limit_init(&net.pace, NULL, 2);
    net.pace.interval_ns = NS_PER_S;
    server_listen();
    CHECK(net_loop_new(&net.loop) == ERR_NONE);
    net_loop_on_turn(net.loop, stop_each_turn, net.loop);
    struct channel_options options = {.depth = dialog->params.depth,
                                      .timeout_percent = dialog->params.timeout_percent,
                                      .connect_timeout_ns = 60 * NS_PER_S};
    struct channel_events events = {dialog, net_on_arm, net_on_landed, net_on_changed};
    net.channel = channel_open(net.loop, &net.relay, 0, &options, &events);
    CHECK(net.channel != NULL);
    dialog->session = net.channel->session;
    turn_until(is_started, "the connection");
    server_accept();
}

static void net_end(struct dialog *dialog)
{
    (void)dialog;
    channel_abort(net.channel, STR("end of script"));
    channel_free(net.channel);
    net_loop_free(net.loop);
    if (net.server >= 0)
        close(net.server);
    close(net.listener);
}

static void net_feed(struct dialog *dialog, struct str bytes)
{
    (void)dialog;
    CHECK(net.server >= 0);
    while (bytes.n > 0) {
        ssize_t n = send(net.server, bytes.p, bytes.n, MSG_NOSIGNAL);
        CHECK(n > 0);
        net.sent += (uint64_t)n;
        bytes = str_from(bytes, (size_t)n);
        turn_until(is_fed, "what the server said");
        flush();
    }
}

static size_t net_peek(struct dialog *dialog, char *to, size_t max)
{
    (void)dialog;
    server_read();
    size_t n = net.said_bytes < max ? net.said_bytes : max;
    memcpy(to, net.said, n);
    return n;
}

static void net_take(struct dialog *dialog, size_t bytes)
{
    (void)dialog;
    CHECK(bytes <= net.said_bytes);
    net.said_bytes -= bytes;
    memmove(net.said, net.said + bytes, net.said_bytes);
}

static unsigned net_room(const struct dialog *dialog)
{
    (void)dialog;
    return channel_room(net.channel);
}

static void net_submit(struct dialog *dialog, unsigned number,
                       const struct smtp_message *message)
{
    struct flight *flight = &net.flights[number - 1];
    *flight = (struct flight){.message = *message};
    flight->message.owner = flight;
    list_init(&flight->link);
    list_init(&flight->arm_link);
    channel_submit(net.channel, flight, message->is_paced ? &net.pace : &net.limit,
                   dialog->now_ns);
    flush();
}

static void net_armed(struct dialog *dialog, unsigned number)
{
    (void)dialog;
    channel_armed(net.channel, &net.flights[number - 1]);
    flush();
}

static void net_withdraw(struct dialog *dialog, unsigned number)
{
    (void)dialog;
    channel_withdraw(net.channel, &net.flights[number - 1]);
    flush();
}

/* "close connection reset": what the peer's kernel says when its process dies. */
static bool is_reset(struct str why)
{
    return str_equal(why, STR("connection reset"));
}

static void net_lost(struct dialog *dialog, struct str why)
{
    (void)dialog;
    /* With something unread a close would be a reset. */
    server_read();
    if (is_reset(why)) {
        struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        CHECK(setsockopt(net.server, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) ==
              0);
    }
    close(net.server);
    net.server = -1;
    turn_until(is_over, "the end of the connection");
}

static void net_quit(struct dialog *dialog)
{
    channel_quit(net.channel, dialog->now_ns);
    flush();
}

static void net_abort(struct dialog *dialog, struct str why)
{
    (void)dialog;
    channel_abort(net.channel, why);
}

static void net_tick(struct dialog *dialog)
{
    net_loop_run(net.loop);
    channel_tick(net.channel, dialog->now_ns);
    flush();
}

int main(int argc, char **argv)
{
    static const struct dialog_carrier carrier = {
        .name = "net",
        .begin = net_begin,
        .end = net_end,
        .feed = net_feed,
        .peek = net_peek,
        .take = net_take,
        .room = net_room,
        .submit = net_submit,
        .armed = net_armed,
        .withdraw = net_withdraw,
        .lost = net_lost,
        .quit = net_quit,
        .abort = net_abort,
        .tick = net_tick,
    };
    return dialog_main(argc, argv, &carrier, NULL);
}
