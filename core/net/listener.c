#include "core/net/listener.h"

#include "core/base/clock.h"
#include "core/net/loop_uv.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENER_BACKLOG 1024

struct net_listener {
    struct net_loop *loop;
    uv_poll_t poll;
    int socket;
    void (*accepted)(void *self, int socket);
    void *self;
    struct net_timer rest;
    char address[NI_MAXHOST + NI_MAXSERV + 4];
};

static void listener_ready(uv_poll_t *poll, int status, int events);

static void listener_watch(void *self)
{
    struct net_listener *listener = self;
    uv_poll_start(&listener->poll, UV_READABLE, listener_ready);
}

/* The poll is level-triggered: with no descriptor left it would fire for ever. */
static void listener_rest(struct net_listener *listener)
{
    uv_poll_stop(&listener->poll);
    net_timer_start(listener->loop, &listener->rest,
                    net_loop_now_ns(listener->loop) + NET_LISTENER_REST_MS * NS_PER_MS);
}

static void listener_ready(uv_poll_t *poll, int status, int events)
{
    struct net_listener *listener = container_of(poll, struct net_listener, poll);
    (void)status;
    (void)events;
    for (int i = 0; i < NET_ACCEPTS_MAX; i++) {
        int socket =
            accept4(listener->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                errno == ENOMEM)
                listener_rest(listener);
            return; /* also for a connection that is gone again */
        }
        listener->accepted(listener->self, socket);
    }
}

/* A listening socket at `at`; -1 with errno. */
static int listen_at(const struct addrinfo *at)
{
    int on = 1,
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, LISTENER_BACKLOG) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

/* Whose fault it is, and what helps. */
static enum err refuse_address(const char *host, const char *service, int number,
                               struct error *error)
{
    enum err err = ERR_OS;
    const char *advice = "free some of it and try again";
    if (number == EADDRINUSE) {
        advice = "another program listens there: stop it, or take another port (0 "
                 "takes any that is free)";
    } else if (number == EADDRNOTAVAIL || number == EAFNOSUPPORT) {
        err = ERR_USAGE;
        advice = "give an address of this machine, such as 127.0.0.1";
    } else if (number == EACCES || number == EPERM) {
        err = ERR_PERMISSION;
        advice = "ports below 1024 are root's: take a higher one";
    }
    return error_set(error, err, "cannot listen: %s:%s: %s; %s", host, service,
                     strerror(number), advice);
}

static int listen_on(const char *host, const char *service, struct error *error)
{
    struct addrinfo *addresses;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    int failed = getaddrinfo(host, service, &hints, &addresses);
    if (failed != 0) {
        (void)error_set(error, ERR_USAGE,
                        "cannot listen: %s: %s; give an address of this machine, such "
                        "as 127.0.0.1",
                        host, gai_strerror(failed));
        return -1;
    }
    int fd = -1;
    for (struct addrinfo *at = addresses; at != NULL && fd < 0; at = at->ai_next)
        fd = listen_at(at);
    if (fd < 0)
        (void)refuse_address(host, service, errno, error);
    freeaddrinfo(addresses);
    return fd;
}

static void listener_name(struct net_listener *listener)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    char host[NI_MAXHOST] = "?", service[NI_MAXSERV] = "?";
    if (getsockname(listener->socket, (struct sockaddr *)&bound, &size) == 0)
        getnameinfo((struct sockaddr *)&bound, size, host, sizeof host, service,
                    sizeof service, NI_NUMERICHOST | NI_NUMERICSERV);
    bool is_v6 = strchr(host, ':') != NULL;
    snprintf(listener->address, sizeof listener->address, "%s%s%s:%s", is_v6 ? "[" : "",
             host, is_v6 ? "]" : "", service);
}

enum err net_listener_open(struct net_loop *loop, struct str host, uint16_t port,
                           void (*accepted)(void *self, int socket), void *self,
                           struct net_listener **to, struct error *error)
{
    char name[NI_MAXHOST], service[8];
    if (host.n == 0 || host.n >= sizeof name)
        return error_set(error, ERR_USAGE, "cannot listen: %.*s: no host name",
                         STR_ARG(host));
    memcpy(name, host.p, host.n);
    name[host.n] = '\0';
    snprintf(service, sizeof service, "%u", port);
    struct net_listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return error_set(error, ERR_MEMORY, "cannot listen: %s: out of memory", name);
    listener->loop = loop;
    listener->accepted = accepted;
    listener->self = self;
    net_timer_init(&listener->rest, listener_watch, listener);
    listener->socket = listen_on(name, service, error);
    if (listener->socket < 0)
        goto fail_listen;
    if (uv_poll_init_socket(net_loop_uv(loop), &listener->poll, listener->socket) != 0)
        goto fail_poll;
    listener_name(listener);
    listener_watch(listener);
    *to = listener;
    return ERR_NONE;

fail_poll:
    close(listener->socket);
    (void)error_set(error, ERR_OS, "cannot listen: %s: the socket cannot be watched",
                    name);
fail_listen:
    free(listener);
    return error != NULL ? error->code : ERR_OS;
}

static void listener_closed(uv_handle_t *handle)
{
    free(container_of((uv_poll_t *)handle, struct net_listener, poll));
}

void net_listener_close(struct net_listener *listener)
{
    if (listener == NULL)
        return;
    net_timer_stop(listener->loop, &listener->rest);
    uv_close((uv_handle_t *)&listener->poll, listener_closed);
    close(listener->socket);
}

const char *net_listener_address(const struct net_listener *listener)
{
    return listener->address;
}
