#include "core/net/connection.h"
#include "core/net/listener.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * This program's own malloc, in the place of the C library's for libuv too. Once the
 * allocations that are left are used up, none succeeds any more.
 */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);

static atomic_long allocs_left = LONG_MAX;

static bool alloc_may_succeed(void)
{
    if (atomic_fetch_sub(&allocs_left, 1) > 0)
        return true;
    errno = ENOMEM;
    return false;
}

void *malloc(size_t bytes)
{
    return alloc_may_succeed() ? __libc_malloc(bytes) : NULL;
}

void *calloc(size_t count, size_t bytes)
{
    return alloc_may_succeed() ? __libc_calloc(count, bytes) : NULL;
}

void *realloc(void *memory, size_t bytes)
{
    return alloc_may_succeed() ? __libc_realloc(memory, bytes) : NULL;
}

/* A connection of which only the end matters. */
struct client {
    struct net_loop *loop;
    struct net_connection *connection;
    bool is_connected;
};

static void client_connected(void *self, struct str peer)
{
    (void)peer;
    struct client *client = self;
    client->is_connected = true;
    net_loop_stop(client->loop);
}

static void client_readable(void *self, struct str bytes)
{
    (void)self;
    (void)bytes;
}

static void client_writable(void *self)
{
    (void)self;
}

static void client_lost(void *self, struct str why)
{
    (void)why;
    net_loop_stop(((struct client *)self)->loop);
}

static void peer_accepted(void *self, int socket)
{
    (void)self;
    close(socket);
}

/* With so many allocations a loop is made and a connection opened, as far as it goes;
 * true if that was enough. */
static bool try_with(long count, uint16_t port)
{
    struct client client = {0};
    struct net_connection_events events = {&client, client_connected, client_readable,
                                           client_writable, client_lost};
    atomic_store(&allocs_left, count);
    if (net_loop_new(&client.loop) == ERR_NONE) {
        client.connection = net_connection_open(client.loop, STR("127.0.0.1"), port,
                                                5000000000, &events);
        if (client.connection != NULL)
            net_loop_run(client.loop);
        net_connection_close(client.connection);
        net_loop_free(client.loop);
    }
    atomic_store(&allocs_left, LONG_MAX);
    return client.is_connected;
}

static void uv_reserve__no_memory_is_an_error_not_an_abort(void **state)
{
    (void)state;
    struct net_loop *loop;
    struct net_listener *listener;
    assert_int_equal(net_loop_new(&loop), ERR_NONE);
    assert_int_equal(net_listener_open(loop, STR("127.0.0.1"), 0, peer_accepted, NULL,
                                       &listener, NULL),
                     ERR_NONE);
    uint16_t port = (uint16_t)atoi(strrchr(net_listener_address(listener), ':') + 1);
    long count = 0;
    while (count < 1000 && !try_with(count, port))
        count++;
    /* The loop, its heap of timers and table, and four threads at the least. */
    assert_in_range(count, 7, 999);
    net_listener_close(listener);
    net_loop_free(loop);
}

/* libuv's table begins with a few entries and would be enlarged several times. */
static void uv_reserve__watching_many_needs_no_memory(void **state)
{
    (void)state;
    enum { PIPES = 200 };
    struct client client = {0};
    struct net_connection_events events = {&client, client_connected, client_readable,
                                           client_writable, client_lost};
    struct net_loop *loop;
    int pipes[PIPES][2], socket = -1;
    assert_int_equal(net_loop_new(&loop), ERR_NONE);
    client.loop = loop;
    for (int i = 0; i < PIPES; i++)
        assert_int_equal(pipe(pipes[i]), 0);
    socket = dup(pipes[0][0]);
    atomic_store(&allocs_left, 1); /* the connection itself */
    client.connection = net_connection_adopt(loop, socket, &events);
    atomic_store(&allocs_left, LONG_MAX);
    assert_non_null(client.connection);
    net_connection_close(client.connection);
    for (int i = 0; i < PIPES; i++) {
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
    net_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uv_reserve__no_memory_is_an_error_not_an_abort),
        cmocka_unit_test(uv_reserve__watching_many_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
