/*
 * sandbox_desk.h - one thread of the sandbox: a loop and the sessions on it
 *
 * What all desks share is `struct sandbox_shop`, constant while they run but for what
 * says otherwise. A session (sandbox_session.h) lives on one desk.
 *
 * Owns:    a desk owns its loop and its sessions.
 * Thread:  the desk's own; sandbox_desk_take, _wake and _stop from any.
 * Limits:  SANDBOX_ARRIVALS_MAX sockets that were not yet taken; more are closed.
 */
#ifndef BROADSIDE_CMD_SANDBOX_DESK_H
#define BROADSIDE_CMD_SANDBOX_DESK_H

#include "cmd/sandbox_log.h"
#include "cmd/sandbox_personality.h"
#include "core/base/mailbox.h"
#include "core/net/loop.h"
#include "core/smtp/server.h"

#define SANDBOX_ARRIVALS_MAX 4096

struct sandbox_shop {
    struct smtp_server_settings server;
    uint64_t latency_ns;
    /* NULL without --log. Thread-safe. */
    struct sandbox_log *log;
    /* The open Maildir, -1 without --dir. */
    int maildir;
    /* Thread-safe. */
    struct sandbox_memory *memory;
    /* Numbers the accepted messages. */
    _Atomic uint64_t accepted;
};

struct sandbox_counts {
    uint64_t connections, messages, rcpts, bytes, refused;
};

struct sandbox_desk {
    struct sandbox_shop *shop;
    struct net_loop *loop;
    struct mailbox arrivals;
    /* Every session, and those of them that wait for the log. */
    struct list sessions, waiting;
    uint64_t durable;
    _Atomic bool stops;
    struct sandbox_counts counts;
};

MUST_CHECK enum err sandbox_desk_init(struct sandbox_desk *desk,
                                      struct sandbox_shop *shop);
/* Closes what is left. */
void sandbox_desk_fini(struct sandbox_desk *desk);
/* Runs until sandbox_desk_stop and until what was accepted has been acknowledged. */
void sandbox_desk_run(struct sandbox_desk *desk);

/* Hands an accepted socket over. */
void sandbox_desk_take(struct sandbox_desk *desk, int socket);
/* The log has news. */
void sandbox_desk_wake(struct sandbox_desk *desk);
void sandbox_desk_stop(struct sandbox_desk *desk);

#endif
