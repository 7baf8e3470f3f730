/*
 * listener.h - a listening TCP socket on a loop
 *
 * Owns:    the listening socket. An accepted one belongs to whom it is told, who may
 *          adopt it on another loop (net_connection_adopt).
 * Keeps:   the loop.
 * Thread:  the loop's.
 * Errors:  a struct error from open; without a free descriptor it rests
 *          NET_LISTENER_REST_MS and tries again.
 * Limits:  NET_ACCEPTS_MAX connections a turn.
 */
#ifndef BROADSIDE_NET_LISTENER_H
#define BROADSIDE_NET_LISTENER_H

#include "core/base/str.h"
#include "core/net/loop.h"

#define NET_ACCEPTS_MAX      64
#define NET_LISTENER_REST_MS 100

struct net_listener;

/* Looks `host` up (blocking), binds the first address of it that can be had and
 * listens; port 0 takes any. `accepted` gets each connection, non-blocking. */
MUST_CHECK enum err net_listener_open(struct net_loop *loop, struct str host,
                                      uint16_t port,
                                      void (*accepted)(void *self, int socket),
                                      void *self, struct net_listener **to,
                                      struct error *error);
/* No event comes after it. */
void net_listener_close(struct net_listener *listener);
/* "127.0.0.1:2525" or "[::1]:2525", terminated; valid until it is closed. */
const char *net_listener_address(const struct net_listener *listener);

#endif
