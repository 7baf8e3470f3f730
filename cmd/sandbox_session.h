/*
 * sandbox_session.h - one connection to the sandbox
 *
 * Joins the pure server to a connection: latency, slow recipients, and the replies
 * that wait for the log.
 *
 * Owns:    its connection and its server; frees itself when the connection is over.
 * Thread:  its desk's.
 * Limits:  SANDBOX_PENDING_MAX bytes of input that the server does not take yet; a
 *          client that is told to go has SANDBOX_LINGER_MS to do so.
 */
#ifndef BROADSIDE_CMD_SANDBOX_SESSION_H
#define BROADSIDE_CMD_SANDBOX_SESSION_H

#include "cmd/sandbox_desk.h"

#define SANDBOX_PENDING_MAX (512u << 10)
#define SANDBOX_LINGER_MS   2000
#define SANDBOX_SLOW_MS     2000

struct sandbox_session;

/* On the desk's list from now on; without memory the socket is closed. */
void sandbox_session_open(struct sandbox_desk *desk, int socket);
/* These take the link on desk->waiting and on desk->sessions. */
/* Replies whose log lines are durable go out. It may end with that. */
void sandbox_session_log_advanced(struct list *waiting_link, uint64_t durable);
/* The desk closes: true if it can be closed now, with nothing that waits for the log.
 */
bool sandbox_session_may_close(struct list *link);
void sandbox_session_close(struct list *link);

#endif
