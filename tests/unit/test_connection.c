#include "core/base/clock.h"
#include "core/net/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* The other side: a listening socket, and what a thread does with one connection. */
struct peer {
    int listener;
    uint16_t port;
    pthread_t thread;
    size_t received;
};

static void peer_listen(struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    peer->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(peer->listener, (void *)&address, size), 0);
    assert_int_equal(listen(peer->listener, 5), 0);
    assert_int_equal(getsockname(peer->listener, (void *)&address, &size), 0);
    peer->port = ntohs(address.sin_port);
}

struct client {
    struct net_loop *loop;
    struct net_connection *connection;
    char got[256], peer[NET_PEER_BYTES], why[256];
    size_t got_bytes, to_write, written;
    int connected, lost, writable;
};

static void client_pump(struct client *client)
{
    static char block[65536];
    while (client->written < client->to_write) {
        size_t left = client->to_write - client->written;
        struct str slices[2] = {{block, left < sizeof block ? left : sizeof block},
                                {block, 0}};
        size_t taken = net_connection_write(client->connection, slices, 2);
        client->written += taken;
        if (taken < slices[0].n)
            break;
    }
}

static void client_connected(void *self, struct str peer)
{
    struct client *client = self;
    client->connected++;
    memcpy(client->peer, peer.p, peer.n);
    client_pump(client);
}

static void client_readable(void *self, struct str bytes)
{
    struct client *client = self;
    assert_true(client->got_bytes + bytes.n < sizeof client->got);
    memcpy(client->got + client->got_bytes, bytes.p, bytes.n);
    client->got_bytes += bytes.n;
}

static void client_writable(void *self)
{
    struct client *client = self;
    client->writable++;
    client_pump(client);
}

static void client_lost(void *self, struct str why)
{
    struct client *client = self;
    client->lost++;
    memcpy(client->why, why.p, why.n);
    net_loop_stop(client->loop);
}

static void client_run(struct client *client, struct str host, uint16_t port)
{
    struct net_connection_events events = {client, client_connected, client_readable,
                                           client_writable, client_lost};
    assert_int_equal(net_loop_new(&client->loop), ERR_NONE);
    client->connection =
        net_connection_open(client->loop, host, port, 2 * NS_PER_S, &events);
    assert_non_null(client->connection);
    net_loop_run(client->loop);
    net_connection_close(client->connection);
    net_loop_free(client->loop);
}

static void *peer_greet_and_close(void *self)
{
    struct peer *peer = self;
    int socket = accept(peer->listener, NULL, NULL);
    ssize_t sent = send(socket, "220 hello\r\n", 11, MSG_NOSIGNAL);
    assert_int_equal(sent, 11);
    close(socket);
    return NULL;
}

static void connection__bytes_before_a_close_arrive_before_lost(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct client client = {0};
    peer_listen(&peer);
    pthread_create(&peer.thread, NULL, peer_greet_and_close, &peer);
    client_run(&client, STR("127.0.0.1"), peer.port);
    pthread_join(peer.thread, NULL);
    close(peer.listener);
    assert_int_equal(client.connected, 1);
    assert_int_equal(client.lost, 1);
    assert_memory_equal(client.got, "220 hello\r\n", 11);
    assert_memory_equal(client.peer, "127.0.0.1:", 10);
}

static void connection__refused_is_lost_with_the_address(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct client client = {0};
    peer_listen(&peer);
    close(peer.listener);
    client_run(&client, STR("127.0.0.1"), peer.port);
    assert_int_equal(client.connected, 0);
    assert_int_equal(client.lost, 1);
    assert_non_null(strstr(client.why, "127.0.0.1:"));
    assert_non_null(strstr(client.why, "refused"));
}

static void connection__name_with_several_addresses_is_tried_in_turn(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct client client = {0};
    peer_listen(&peer);
    pthread_create(&peer.thread, NULL, peer_greet_and_close, &peer);
    client_run(&client, STR("localhost"), peer.port);
    pthread_join(peer.thread, NULL);
    close(peer.listener);
    assert_int_equal(client.connected, 1);
    assert_int_equal(client.got_bytes, 11);
}

static void connection__unknown_name_is_lost_with_the_name(void **state)
{
    (void)state;
    struct client client = {0};
    client_run(&client, STR("no-such-host.invalid"), 25);
    assert_int_equal(client.lost, 1);
    assert_non_null(strstr(client.why, "no-such-host.invalid"));
}

#define MUCH (8u << 20)

static void *peer_read_slowly(void *self)
{
    struct peer *peer = self;
    static char block[65536];
    int socket = accept(peer->listener, NULL, NULL);
    usleep(50000);
    while (peer->received < MUCH) {
        ssize_t got = recv(socket, block, sizeof block, 0);
        if (got <= 0)
            break;
        peer->received += (size_t)got;
    }
    close(socket);
    return NULL;
}

static void connection__blocked_write_goes_on_when_there_is_room(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct client client = {.to_write = MUCH};
    peer_listen(&peer);
    pthread_create(&peer.thread, NULL, peer_read_slowly, &peer);
    client_run(&client, STR("127.0.0.1"), peer.port);
    pthread_join(peer.thread, NULL);
    close(peer.listener);
    assert_int_equal(peer.received, MUCH);
    assert_int_equal(client.written, MUCH);
    assert_true(client.writable > 0);
}

static void *peer_reply_and_reset(void *self)
{
    struct peer *peer = self;
    int socket = accept(peer->listener, NULL, NULL);
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    ssize_t sent = send(socket, "421 no\r\n", 8, MSG_NOSIGNAL);
    assert_int_equal(sent, 8);
    usleep(20000);
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(socket);
    return NULL;
}

static void connection__reset_while_writing_delivers_the_reply_first(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct client client = {.to_write = MUCH};
    peer_listen(&peer);
    pthread_create(&peer.thread, NULL, peer_reply_and_reset, &peer);
    client_run(&client, STR("127.0.0.1"), peer.port);
    pthread_join(peer.thread, NULL);
    close(peer.listener);
    assert_int_equal(client.lost, 1);
    assert_memory_equal(client.got, "421 no\r\n", 8);
    assert_true(client.written < MUCH);
}

static void connection__host_name_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char host[300];
    memset(host, 'a', sizeof host);
    struct net_loop *loop;
    struct net_connection_events events = {0};
    assert_int_equal(net_loop_new(&loop), ERR_NONE);
    assert_null(net_connection_open(loop, str_slice(host, 300), 25, NS_PER_S, &events));
    net_loop_free(loop);
}

static void connection__close_during_lookup_lets_go(void **state)
{
    (void)state;
    struct net_loop *loop;
    struct net_connection_events events = {0};
    assert_int_equal(net_loop_new(&loop), ERR_NONE);
    net_connection_close(
        net_connection_open(loop, STR("localhost"), 25, NS_PER_S, &events));
    net_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection__bytes_before_a_close_arrive_before_lost),
        cmocka_unit_test(connection__refused_is_lost_with_the_address),
        cmocka_unit_test(connection__name_with_several_addresses_is_tried_in_turn),
        cmocka_unit_test(connection__unknown_name_is_lost_with_the_name),
        cmocka_unit_test(connection__blocked_write_goes_on_when_there_is_room),
        cmocka_unit_test(connection__reset_while_writing_delivers_the_reply_first),
        cmocka_unit_test(connection__host_name_that_is_too_long_is_refused),
        cmocka_unit_test(connection__close_during_lookup_lets_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
