#include "cmocka_all.h"

#include "core/net/connection.h"
#include "core/net/listener.h"

#include <stdlib.h>

/* A client and a server on one loop; the server hears until it has what it wants. */
struct both {
    struct net_loop *loop;
    struct net_listener *listener;
    struct net_connection *client, *server;
    char heard[64];
    size_t heard_bytes, wanted;
    bool client_is_over, server_is_over;
};

static void server_heard(void *self, struct str bytes)
{
    struct both *both = self;
    assert_true(both->heard_bytes + bytes.n <= sizeof both->heard);
    memcpy(both->heard + both->heard_bytes, bytes.p, bytes.n);
    both->heard_bytes += bytes.n;
    if (both->heard_bytes == both->wanted)
        net_loop_stop(both->loop);
}

static void server_lost(void *self, struct str why)
{
    (void)why;
    struct both *both = self;
    both->server_is_over = true;
    net_loop_stop(both->loop);
}

static void nothing(void *self)
{
    (void)self;
}

static void accepted(void *self, int socket)
{
    struct both *both = self;
    struct net_connection_events events = {both, NULL, server_heard, nothing,
                                           server_lost};
    both->server = net_connection_adopt(both->loop, socket, &events);
    assert_non_null(both->server);
    net_loop_stop(both->loop);
}

static void client_connected(void *self, struct str peer)
{
    struct both *both = self;
    struct str hello = STR("hello");
    assert_true(str_equal(peer, str_of(net_listener_address(both->listener))));
    assert_int_equal(net_connection_write(both->client, &hello, 1), 5);
}

static void client_heard(void *self, struct str bytes)
{
    (void)self;
    (void)bytes;
}

static void client_lost(void *self, struct str why)
{
    (void)why;
    ((struct both *)self)->client_is_over = true;
    net_loop_stop(((struct both *)self)->loop);
}

static void both_open(struct both *both)
{
    struct error error;
    struct net_connection_events events = {both, client_connected, client_heard,
                                           nothing, client_lost};
    *both = (struct both){.wanted = 5};
    assert_int_equal(net_loop_new(&both->loop), ERR_NONE);
    assert_int_equal(net_listener_open(both->loop, STR("127.0.0.1"), 0, accepted, both,
                                       &both->listener, &error),
                     ERR_NONE);
    struct str port = str_of(net_listener_address(both->listener));
    struct str host = str_split(port, ':', &port);
    uint64_t number;
    assert_true(str_to_u64(port, &number));
    both->client = net_connection_open(both->loop, host, (uint16_t)number,
                                       UINT64_C(1000000000), &events);
    assert_non_null(both->client);
    net_loop_run(both->loop);
    assert_non_null(both->server);
}

static void both_close(struct both *both)
{
    net_connection_close(both->client);
    net_connection_close(both->server);
    net_listener_close(both->listener);
    net_loop_free(both->loop);
}

static void listener__accepted_connection_hears_the_client(void **state)
{
    (void)state;
    struct both both;
    both_open(&both);
    net_loop_run(both.loop);
    assert_memory_equal(both.heard, "hello", 5);
    both_close(&both);
}

static void stop_loop(void *self)
{
    net_loop_stop(self);
}

static void connection__held_reads_nothing_until_let_go(void **state)
{
    (void)state;
    struct both both;
    struct net_timer timer;
    both_open(&both);
    net_connection_hold(both.server, true);
    net_timer_init(&timer, stop_loop, both.loop);
    net_timer_start(both.loop, &timer, net_loop_now_ns(both.loop) + 50000000);
    net_loop_run(both.loop);
    assert_int_equal(both.heard_bytes, 0);
    net_connection_hold(both.server, false);
    net_loop_run(both.loop);
    assert_int_equal(both.heard_bytes, 5);
    both_close(&both);
}

static void connection__finished_is_still_heard(void **state)
{
    (void)state;
    struct both both;
    struct str more = STR("more");
    both_open(&both);
    net_loop_run(both.loop);
    net_connection_finish(both.client);
    assert_int_equal(net_connection_write(both.server, &more, 1), 4);
    net_loop_run(both.loop);
    assert_true(both.server_is_over);
    assert_false(both.client_is_over);
    both_close(&both);
}

static void listener__taken_port_is_an_error_that_says_so(void **state)
{
    (void)state;
    struct both both;
    struct error error;
    struct net_listener *second;
    uint64_t number;
    both_open(&both);
    struct str port;
    str_split(str_of(net_listener_address(both.listener)), ':', &port);
    assert_true(str_to_u64(port, &number));
    assert_int_equal(net_listener_open(both.loop, STR("127.0.0.1"), (uint16_t)number,
                                       accepted, &both, &second, &error),
                     ERR_OS);
    assert_non_null(strstr(error.text, "in use"));
    assert_int_equal(net_listener_open(both.loop, STR("no such host"), 1, accepted,
                                       &both, &second, &error),
                     ERR_USAGE);
    both_close(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listener__accepted_connection_hears_the_client),
        cmocka_unit_test(connection__held_reads_nothing_until_let_go),
        cmocka_unit_test(connection__finished_is_still_heard),
        cmocka_unit_test(listener__taken_port_is_an_error_that_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
