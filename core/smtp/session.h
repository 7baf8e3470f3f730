/*
 * session.h - an SMTP client session as a pure state machine
 *
 * Feed it the bytes that came, send the bytes it has, tell it how many the kernel
 * took. It opens no socket and reads no clock (times come in), so every scenario is
 * a script (tests/dialog). Replies are matched to commands by one FIFO; after any
 * anomaly the session classifies what it holds and asks to be closed.
 *
 * With PIPELINING the next MAIL, RCPT and DATA ride in the group that begins with the
 * previous message's body (RFC 2920 section 3.1): one round trip per message.
 *
 * The terminator gate: the last octets of a message are not offered by
 * smtp_session_output before smtp_session_armed was called for it. Arming is asked
 * for (events.arm) as soon as the message is submitted.
 *
 * Within an event the caller may ask for room, submit, arm, withdraw, quit or abort,
 * but not feed, and not free the session before the call that reported `over` has
 * returned. smtp_session_wrote must be told of written bytes before bytes that came
 * later are fed: a reply to what was never written is taken for a server out of step.
 *
 * Owns:    its buffers. A submitted message stays the caller's but must not change or
 *          move until events.done was called for it.
 * Thread:  one at a time.
 * Time:    now_ns is monotonic nanoseconds; deadlines are RFC 5321 section 4.5.3.2's.
 * Errors:  what the server did is an outcome; nothing here fails otherwise.
 * Limits:  SMTP_REPLY_LINE_MAX, SMTP_REPLY_MAX (reply.h); params.depth messages at
 *          once; it quits by itself after some refusals in a row (session_state.h,
 *          SMTP_ERRORS_MAX).
 * Source:  RFC 5321, 2920, 1870, 6152, 3463, 2034.
 */
#ifndef BROADSIDE_SMTP_SESSION_H
#define BROADSIDE_SMTP_SESSION_H

#include "core/base/list.h"
#include "core/smtp/outcome.h"

struct smtp_session;

struct smtp_params {
    /* What we call ourselves in EHLO: a host name or an address literal, printable
     * ASCII (the configuration sees to it; anything else is a broken invariant). */
    struct str helo;
    /* Use PIPELINING where it is offered. */
    bool pipelining;
    /* How many messages it accepts at once (on the wire and behind), 1..64. */
    unsigned depth;
    /* Times every timeout of RFC 5321 by percent/100; 0 means 100. For tests. */
    unsigned timeout_percent;
};

struct smtp_message {
    /* For the caller; the session does not look at it. */
    void *owner;
    /* Bare addr-specs as they go on the wire, checked by core/mail/address.h. */
    struct str mail_from, rcpt;
    /* The content: slices that end in CRLF, with no bare CR or LF, no NUL, and no line
     * that begins with a dot (core/mail/message.h sees to it). */
    const struct str *slices;
    size_t slice_count;
    uint64_t bytes;
    bool needs_8bitmime, needs_smtputf8;
    /* True once arming is durable; may already be set at submission. */
    bool armed;
    /* It has a pace to keep: it goes before those that wait and have none. */
    bool is_paced;

    /* Attempts charged before this one: some refusals are final only when repeated. */
    unsigned attempts;

    /* The session's own, zero at submission. */
    struct list link;
    uint64_t terminator_end;
    unsigned phase;
};

struct smtp_events {
    void *self;
    /* Make it durable that this message may go out, then smtp_session_armed. */
    void (*arm)(void *self, struct smtp_message *message);
    /* The message's outcome; the session no longer knows it: neither armed nor withdraw
     * may be called for it any more. Its strings are valid during the call. Scope
     * SESSION: the session quits by itself; DESTINATION: the caller decides. UNSENT
     * with a reply's code: the server's own limit, of this connection (scope SESSION)
     * or of all (DESTINATION); the session quits. */
    void (*done)(void *self, struct smtp_message *message,
                 const struct outcome *outcome);
    /* The greeting and EHLO are through, messages can be submitted. */
    void (*ready)(void *self);
    /* The session is over: everything it held has had its done. Close the connection
     * (after sending what smtp_session_output still has, if was_orderly). `why` is the
     * session's own outcome; its scope says how far the trouble reaches. */
    void (*over)(void *self, const struct outcome *why, bool was_orderly);
};

/* NULL without memory. `params` and `events` are copied; params.helo is kept. */
struct smtp_session *smtp_session_new(const struct smtp_params *params,
                                      const struct smtp_events *events);
void smtp_session_free(struct smtp_session *session);

/* The connection stands: waits for the greeting. */
void smtp_session_start(struct smtp_session *session, uint64_t now_ns);

/* How many more messages it would take now; 0 before ready, when full, when closing. */
unsigned smtp_session_room(const struct smtp_session *session);
/* Only with room. What the server said it cannot take (SIZE, 8BITMIME, SMTPUTF8) and
 * what cannot be said in SMTP has its done before this returns, unarmed. */
void smtp_session_submit(struct smtp_session *session, struct smtp_message *message,
                         uint64_t now_ns);
/* Whether a message with a pace overtakes this one: nothing of it is on the wire yet,
 * and it has no pace itself. */
bool smtp_message_is_overtaken(const struct smtp_message *message);
/* Whether anything of it was put on the wire; holds within its done, too. */
bool smtp_message_has_begun(const struct smtp_message *message);
/* The arming of a submitted message is durable: opens its gate. */
void smtp_session_armed(struct smtp_session *session, struct smtp_message *message);
/* Arming was refused (suppressed, cancelled): the message will not go out. Its done
 * comes with OUTCOME_UNSENT at once (or, if the server has refused it already or is
 * closing, with that); if the server waits for its content the connection has to end.
 * Not for an armed message. */
void smtp_session_withdraw(struct smtp_session *session, struct smtp_message *message);

/* Bytes from the server. */
void smtp_session_feed(struct smtp_session *session, struct str bytes, uint64_t now_ns);
/* What may be sent now: up to `max` slices into `slices`, their count. They are valid
 * until the next call of any function here. */
size_t smtp_session_output(struct smtp_session *session, struct str *slices,
                           size_t max);
/* The kernel took the first `bytes` of what smtp_session_output offered. */
void smtp_session_wrote(struct smtp_session *session, size_t bytes, uint64_t now_ns);
/* The connection ended (EOF, reset, write error), `why` in a few words. First feed what
 * was read before it: a complete reply counts. */
void smtp_session_lost(struct smtp_session *session, struct str why);
/* Stop: no more submissions, what waits is unsent, finish what is on the wire, QUIT. */
void smtp_session_quit(struct smtp_session *session, uint64_t now_ns);
/* Stop at once: messages whose last octet was handed over are in doubt, the others
 * unsent. */
void smtp_session_abort(struct smtp_session *session, struct str why);

/* The monotonic time at which smtp_session_timeout must be called; UINT64_MAX: none. */
uint64_t smtp_session_deadline_ns(const struct smtp_session *session);
void smtp_session_timeout(struct smtp_session *session, uint64_t now_ns);

/* True if the server offered PIPELINING and it is in use. */
bool smtp_session_is_pipelined(const struct smtp_session *session);
/* True if the server did not answer, or took for out of place, a command that was sent
 * before the reply to the one in front of it: it offers PIPELINING but cannot do it,
 * or so it seems, and is better spoken to without. */
bool smtp_session_has_broken_pipelining(const struct smtp_session *session);
/* True if the connection was lost when the first commands had been sent ahead of their
 * replies and none of them was answered: by accident, or because of it. */
bool smtp_session_was_lost_ahead(const struct smtp_session *session);

#endif
