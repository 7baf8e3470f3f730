/*
 * connection.h - a TCP connection on a loop: resolve, connect, read, write
 *
 * Tells exactly how many bytes the kernel took, because that is what decides whether
 * a message may have left (design section 4). It buffers nothing: what the kernel did
 * not take stays the caller's, who offers it again at `writable`.
 *
 * Owns:    its socket, until net_connection_close.
 * Keeps:   the loop and a copy of the events; the host name is copied.
 * Thread:  the loop's.
 * Time:    nanoseconds.
 * Errors:  `lost` with the reason in words, once; then only net_connection_close.
 *          Replies that came before a reset are delivered before `lost`.
 * Limits:  NET_SLICES_MAX slices a write, NET_HOST_MAX octets of host name.
 * Source:  tcp(7), RFC 5482 (user timeout).
 */
#ifndef BROADSIDE_NET_CONNECTION_H
#define BROADSIDE_NET_CONNECTION_H

#include "core/base/str.h"
#include "core/net/loop.h"

#define NET_SLICES_MAX 64
#define NET_HOST_MAX   253
#define NET_PEER_BYTES 64

struct net_connection;

struct net_connection_events {
    void *self;
    /* Connected; `peer` is "192.0.2.1:25" or "[2001:db8::1]:25". Not for an adopted
     * socket. */
    void (*connected)(void *self, struct str peer);
    /* Bytes came; valid during the call. */
    void (*readable)(void *self, struct str bytes);
    /* After a write that was not taken whole: there is room again. */
    void (*writable)(void *self);
    /* It failed to connect, the peer closed, or it broke; `why` in a few words. */
    void (*lost)(void *self, struct str why);
};

/* Looks `host` up and tries its addresses in turn, timeout_ns for all together. NULL
 * without memory or with a name that is too long. */
struct net_connection *net_connection_open(struct net_loop *loop, struct str host,
                                           uint16_t port, uint64_t timeout_ns,
                                           const struct net_connection_events *events);
/* Takes over a connected socket. NULL (and the socket is closed) without memory. */
struct net_connection *net_connection_adopt(struct net_loop *loop, int socket,
                                            const struct net_connection_events *events);
/* No event comes after it; the memory goes when the loop has let go of it. */
void net_connection_close(struct net_connection *connection);

/* Hands the slices to the kernel: how many bytes of them it took, 0 also when the
 * connection is broken (`lost` follows). */
size_t net_connection_write(struct net_connection *connection, const struct str *slices,
                            size_t count);
/* Reads what is there now, before writing on a connection that has been idle: its
 * peer may have said goodbye. The events come within the call. */
void net_connection_poke(struct net_connection *connection);
/* While held, nothing is read: back-pressure on the other side. */
void net_connection_hold(struct net_connection *connection, bool is_held);
/* Nothing will be written any more: the other side sees the end, and can still be
 * heard until it closes too. */
void net_connection_finish(struct net_connection *connection);

#endif
