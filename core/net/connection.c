#include "core/net/connection.h"

#include "core/net/loop_uv.h"
#include "core/net/uv_reserve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * A non-blocking socket of our own, watched by a uv_poll. libuv's streams were not
 * taken because a uv_write queues what the kernel did not take, and then nobody knows
 * whether the last octet of a message has left this process.
 *
 * The watch is level-triggered: one recv per event, no recv that only finds out that
 * there is no more. Writability is watched only while a write is blocked, so in the
 * steady state a message costs one sendmsg, one recv and its share of one epoll_wait.
 *
 * transport_read and transport_write are the only places that touch the socket's
 * data: TLS takes their place without anything above noticing.
 */
enum connection_state {
    CONNECTION_RESOLVING,
    CONNECTION_CONNECTING,
    CONNECTION_UP,
    CONNECTION_LOST,
    CONNECTION_CLOSING
};

/* Data that is sent but not acknowledged for so long means a dead path (ms). */
#define CONNECTION_USER_TIMEOUT_MS 120000u
/* A turn's readings of a connection that breaks: what came before the break. */
#define CONNECTION_LAST_READS 64

struct net_connection {
    struct net_loop *loop;
    struct net_connection_events events;
    enum connection_state state;
    uv_getaddrinfo_t lookup;
    bool lookup_is_open;
    struct addrinfo *addresses, *address;
    size_t addresses_left;
    uv_poll_t poll;
    bool poll_is_open;
    /* What the poll watches. */
    int watched;
    bool is_held;
    int socket;
    struct net_timer deadline;
    uint64_t give_up_ns;
    uint16_t port;
    char host[NET_HOST_MAX + 1];
    char why[160];
};

static void connection_attempt(struct net_connection *c);

static void connection_free_if_done(struct net_connection *c)
{
    if (c->state != CONNECTION_CLOSING || c->lookup_is_open || c->poll_is_open)
        return;
    if (c->addresses != NULL)
        uv_freeaddrinfo(c->addresses);
    free(c);
}

static void connection_poll_closed(uv_handle_t *handle)
{
    struct net_connection *c =
        container_of((uv_poll_t *)handle, struct net_connection, poll);
    c->poll_is_open = false;
    if (c->state == CONNECTION_CONNECTING)
        connection_attempt(c);
    else
        connection_free_if_done(c);
}

/* Gives up the socket; connection_poll_closed follows if there was one. */
static void connection_drop_socket(struct net_connection *c)
{
    net_timer_stop(c->loop, &c->deadline);
    if (c->socket < 0)
        return;
    if (c->poll_is_open)
        uv_close((uv_handle_t *)&c->poll, connection_poll_closed);
    close(c->socket);
    c->socket = -1;
}

static void connection_lose(struct net_connection *c, const char *why)
{
    c->state = CONNECTION_LOST;
    connection_drop_socket(c);
    c->events.lost(c->events.self, str_of(why));
}

void net_connection_close(struct net_connection *c)
{
    if (c == NULL || c->state == CONNECTION_CLOSING)
        return;
    c->state = CONNECTION_CLOSING;
    connection_drop_socket(c);
    if (c->lookup_is_open)
        uv_cancel((uv_req_t *)&c->lookup);
    connection_free_if_done(c);
}

/* The bytes read, 0 at the end, -errno. */
static ssize_t transport_read(struct net_connection *c, char *to, size_t max)
{
    ssize_t got;
    do
        got = recv(c->socket, to, max, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

/* A message is some thirty slices, and each costs the kernel about as much as copying
 * 500 octets: what is not too long is put together first. Returns how many vectors. */
static size_t transport_gather(struct net_connection *c, const struct str *slices,
                               size_t count, size_t total, struct iovec *vectors)
{
    if (count == 1 || total > NET_WRITE_BYTES) {
        for (size_t i = 0; i < count; i++)
            vectors[i] = (struct iovec){(char *)slices[i].p, slices[i].n};
        return count;
    }
    char *to = net_loop_write_buffer(c->loop);
    vectors[0] = (struct iovec){to, total};
    for (size_t i = 0; i < count; to += slices[i].n, i++)
        memcpy(to, slices[i].p, slices[i].n);
    return 1;
}

/* The bytes taken, -errno. */
static ssize_t transport_write(struct net_connection *c, const struct str *slices,
                               size_t count, size_t total)
{
    struct iovec vectors[NET_SLICES_MAX];
    count = transport_gather(c, slices, count, total, vectors);
    struct msghdr header = {.msg_iov = vectors, .msg_iovlen = count};
    ssize_t taken;
    do
        taken = sendmsg(c->socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (taken < 0 && errno == EINTR);
    return taken < 0 ? -errno : taken;
}

static const char *connection_words(int error)
{
    return uv_strerror(-error);
}

/* One reading; false if there was nothing, or nothing more will come. */
static bool connection_read(struct net_connection *c)
{
    char *buffer = net_loop_read_buffer(c->loop);
    ssize_t got = transport_read(c, buffer, NET_READ_BYTES);
    if (got == -EAGAIN || got == -EWOULDBLOCK)
        return false;
    if (got > 0)
        c->events.readable(c->events.self, str_slice(buffer, (size_t)got));
    else
        connection_lose(c, got == 0 ? "connection closed by the other side"
                                    : connection_words((int)-got));
    return got > 0;
}

static int connection_socket_error(struct net_connection *c)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(c->socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return errno;
    return error;
}

/* libuv stops watching a socket with a pending error: read what came before it. */
static void connection_broke(struct net_connection *c)
{
    for (int i = 0; i < CONNECTION_LAST_READS && c->state == CONNECTION_UP; i++)
        if (!connection_read(c))
            break;
    if (c->state != CONNECTION_UP)
        return;
    int error = connection_socket_error(c);
    connection_lose(c, error != 0 ? connection_words(error) : "connection broke");
}

static void connection_event(uv_poll_t *poll, int status, int events);

static void connection_watch(struct net_connection *c, int events)
{
    if (c->is_held)
        events &= ~UV_READABLE;
    if (c->watched == events)
        return;
    c->watched = events;
    uv_poll_start(&c->poll, events, connection_event);
}

static enum err connection_poll_open(struct net_connection *c, int events)
{
    if (uv_poll_init_socket(net_loop_uv(c->loop), &c->poll, c->socket) != 0)
        return ERR_OS;
    c->poll_is_open = true;
    c->watched = 0;
    connection_watch(c, events);
    return ERR_NONE;
}

static void connection_peer(struct net_connection *c, char *text, size_t size)
{
    char name[INET6_ADDRSTRLEN] = "";
    struct sockaddr *address = c->address->ai_addr;
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, name, sizeof name);
        snprintf(text, size, "[%s]:%u", name, c->port);
    } else {
        struct sockaddr_in *in4 = (struct sockaddr_in *)(void *)address;
        inet_ntop(AF_INET, &in4->sin_addr, name, sizeof name);
        snprintf(text, size, "%s:%u", name, c->port);
    }
}

/* This address failed: on to the next one, or lost with the last one's reason. */
static void connection_attempt_failed(struct net_connection *c, const char *why)
{
    char peer[NET_PEER_BYTES];
    connection_peer(c, peer, sizeof peer);
    snprintf(c->why, sizeof c->why, "%s: %s", peer, why);
    c->address = c->address->ai_next;
    bool waits_for_poll = c->poll_is_open;
    connection_drop_socket(c);
    if (!waits_for_poll)
        connection_attempt(c);
}

static void connection_connected(struct net_connection *c)
{
    int error = connection_socket_error(c);
    if (error != 0) {
        connection_attempt_failed(c, connection_words(error));
        return;
    }
    char peer[NET_PEER_BYTES];
    connection_peer(c, peer, sizeof peer);
    net_timer_stop(c->loop, &c->deadline);
    c->state = CONNECTION_UP;
    connection_watch(c, UV_READABLE);
    c->events.connected(c->events.self, str_of(peer));
}

static void connection_event(uv_poll_t *poll, int status, int events)
{
    struct net_connection *c = container_of(poll, struct net_connection, poll);
    if (c->state == CONNECTION_CONNECTING) {
        connection_connected(c);
        return;
    }
    if (status < 0) {
        connection_broke(c);
        return;
    }
    if ((events & UV_READABLE) != 0)
        connection_read(c);
    if ((events & UV_WRITABLE) != 0 && c->state == CONNECTION_UP) {
        connection_watch(c, UV_READABLE);
        c->events.writable(c->events.self);
    }
}

static void connection_timed_out(void *self)
{
    connection_attempt_failed(self, "connection timed out");
}

static void connection_set_options(int socket)
{
    int on = 1;
    unsigned timeout_ms = CONNECTION_USER_TIMEOUT_MS;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

/* The addresses that are left share the time that is left. */
static void connection_deadline_start(struct net_connection *c)
{
    uint64_t now_ns = net_loop_now_ns(c->loop), left_ns = 0;
    if (c->give_up_ns > now_ns)
        left_ns = (c->give_up_ns - now_ns) / c->addresses_left;
    c->addresses_left--;
    net_timer_start(c->loop, &c->deadline, now_ns + left_ns);
}

/* Tries c->address and what follows it. */
static void connection_attempt(struct net_connection *c)
{
    if (c->address == NULL) {
        connection_lose(c, c->why);
        return;
    }
    connection_deadline_start(c);
    struct addrinfo *to = c->address;
    c->socket = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->socket < 0) {
        connection_attempt_failed(c, connection_words(errno));
        return;
    }
    connection_set_options(c->socket);
    if (connect(c->socket, to->ai_addr, to->ai_addrlen) != 0 && errno != EINPROGRESS)
        connection_attempt_failed(c, connection_words(errno));
    else if (connection_poll_open(c, UV_WRITABLE) != ERR_NONE)
        connection_attempt_failed(c, "the socket cannot be watched");
}

static void connection_resolved(uv_getaddrinfo_t *lookup, int status,
                                struct addrinfo *addresses)
{
    struct net_connection *c = container_of(lookup, struct net_connection, lookup);
    c->lookup_is_open = false;
    c->addresses = addresses;
    if (c->state == CONNECTION_CLOSING) {
        connection_free_if_done(c);
        return;
    }
    if (c->state != CONNECTION_RESOLVING)
        return; /* it took too long and was given up */
    if (status != 0) {
        snprintf(c->why, sizeof c->why, "looking up %.80s: %s", c->host,
                 uv_strerror(status));
        connection_lose(c, c->why);
        return;
    }
    net_timer_stop(c->loop, &c->deadline);
    net_timer_init(&c->deadline, connection_timed_out, c);
    c->state = CONNECTION_CONNECTING;
    c->address = addresses;
    for (struct addrinfo *a = addresses; a != NULL; a = a->ai_next)
        c->addresses_left++;
    connection_attempt(c);
}

static void connection_lookup_timed_out(void *self)
{
    struct net_connection *c = self;
    snprintf(c->why, sizeof c->why, "looking up %.80s: timed out", c->host);
    connection_lose(c, c->why);
}

static struct net_connection *connection_new(struct net_loop *loop,
                                             const struct net_connection_events *events)
{
    struct net_connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->loop = loop;
    c->events = *events;
    c->socket = -1;
    net_timer_init(&c->deadline, connection_lookup_timed_out, c);
    return c;
}

struct net_connection *net_connection_open(struct net_loop *loop, struct str host,
                                           uint16_t port, uint64_t timeout_ns,
                                           const struct net_connection_events *events)
{
    if (host.n == 0 || host.n > NET_HOST_MAX)
        return NULL;
    struct net_connection *c = connection_new(loop, events);
    if (c == NULL)
        return NULL;
    memcpy(c->host, host.p, host.n);
    c->port = port;
    c->give_up_ns = net_loop_now_ns(loop) + timeout_ns;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    if (uv_reserve_getaddrinfo(net_loop_uv(loop), &c->lookup, connection_resolved,
                               c->host, service, &hints) != 0) {
        free(c);
        return NULL;
    }
    c->lookup_is_open = true;
    net_timer_start(loop, &c->deadline, c->give_up_ns);
    return c;
}

struct net_connection *net_connection_adopt(struct net_loop *loop, int socket,
                                            const struct net_connection_events *events)
{
    struct net_connection *c = connection_new(loop, events);
    if (c == NULL) {
        close(socket);
        return NULL;
    }
    c->socket = socket;
    c->state = CONNECTION_UP;
    connection_set_options(socket);
    if (connection_poll_open(c, UV_READABLE) != ERR_NONE) {
        net_connection_close(c);
        return NULL;
    }
    return c;
}

size_t net_connection_write(struct net_connection *c, const struct str *slices,
                            size_t count)
{
    if (c->state != CONNECTION_UP)
        return 0;
    size_t total = 0;
    if (count > NET_SLICES_MAX)
        count = NET_SLICES_MAX;
    for (size_t i = 0; i < count; i++)
        total += slices[i].n;
    ssize_t taken = transport_write(c, slices, count, total);
    if (taken < 0)
        taken = 0;
    /* After an error too: the watch finds the socket broken and reads what came first.
     */
    if ((size_t)taken < total)
        connection_watch(c, UV_READABLE | UV_WRITABLE);
    return (size_t)taken;
}

void net_connection_poke(struct net_connection *c)
{
    if (c->state == CONNECTION_UP)
        connection_read(c);
}

void net_connection_hold(struct net_connection *c, bool is_held)
{
    c->is_held = is_held;
    if (c->state == CONNECTION_UP)
        connection_watch(c, (c->watched & UV_WRITABLE) | UV_READABLE);
}

void net_connection_finish(struct net_connection *c)
{
    if (c->state == CONNECTION_UP)
        shutdown(c->socket, SHUT_WR);
}
