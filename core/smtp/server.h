/*
 * server.h - the server side of SMTP as a pure state machine, for the sandbox
 *
 * Feed it the bytes that came, send the bytes it has. It opens no socket and reads no
 * clock. It is strict where real servers differ: what it accepts, every server does.
 * Who exists and what becomes of a message is asked of the events, which answer with
 * a verdict; a verdict may be gated: its reply, and what stands behind it, is held
 * back until the gate is opened, while the dialogue goes on.
 *
 * Owns:    its buffers; what it passes to events is valid during the call.
 * Thread:  one at a time.
 * Errors:  what a client does wrong is answered in the dialogue; without memory for
 *          an envelope or a reply the session ends with 421.
 * Limits:  the ones below. When replies are not taken or gates not opened it stops
 *          consuming: back-pressure.
 * Source:  RFC 5321, 1870, 2034, 2920, 3030, 3463, 6152, 6531.
 */
#ifndef BROADSIDE_SMTP_SERVER_H
#define BROADSIDE_SMTP_SERVER_H

#include "core/base/str.h"

#define SMTP_SERVER_LINE_MAX   2048        /* octets of a command with its CRLF */
#define SMTP_SERVER_RCPTS_MAX  1000        /* recipients of a message */
#define SMTP_SERVER_GATES_MAX  64          /* replies that are held back at once */
#define SMTP_SERVER_OUT_MAX    (64u << 10) /* octets of replies that nobody took */
#define SMTP_SERVER_ERRORS_MAX 20          /* protocol errors before 421 */
#define SMTP_SERVER_PATH_MAX   254

struct smtp_server;

struct smtp_server_settings {
    /* Our name in the greeting and the EHLO reply; kept. */
    struct str host;
    bool offers_pipelining, offers_chunking;
    /* The largest message in octets, 0: no limit. */
    uint64_t bytes_max;
};

/* What becomes of a recipient or of a message. Preset to acceptance. */
struct smtp_verdict {
    /* The reply without its CRLF, such as "250 2.1.5 ok"; empty: none. Valid until the
     * event returns and copied then. */
    struct str reply;
    /* Close after it. */
    bool closes;
    /* Hold the reply back until smtp_server_open_gate(server, gate). */
    bool is_gated;
    /* And consume nothing meanwhile. */
    bool stops;
    /* The number of the gate, should it be one: set for the event. */
    uint64_t gate;
};

struct smtp_server_events {
    void *self;
    /* A recipient, well-formed: refused unless the reply begins with a 2. */
    void (*rcpt)(void *self, struct str rcpt, struct smtp_verdict *verdict);
    /* Content of the message, in order, without stuffed dots. */
    void (*content)(void *self, struct str bytes);
    /* The message is complete and acceptable. */
    void (*message)(void *self, struct smtp_verdict *verdict);
    /* A message that had content will not be completed. */
    void (*abandoned)(void *self);
};

/* NULL without memory. The greeting waits in its output. */
struct smtp_server *smtp_server_new(const struct smtp_server_settings *settings,
                                    const struct smtp_server_events *events);
/* Calls no event. */
void smtp_server_free(struct smtp_server *server);

/* Returns how many bytes it took: less than there are only while it stops (a gate
 * that stops, too many gates, replies not taken); feed the rest again later. */
size_t smtp_server_feed(struct smtp_server *server, struct str bytes);
/* The replies that may be sent now; valid until the next call. */
struct str smtp_server_output(const struct smtp_server *server);
/* The first `bytes` of the output were sent. */
void smtp_server_sent(struct smtp_server *server, size_t bytes);
/* Once per gate, in any order; replies still leave in order. */
void smtp_server_open_gate(struct smtp_server *server, uint64_t gate);
/* True when all replies were sent and the connection is to be closed. */
bool smtp_server_is_over(const struct smtp_server *server);

/* The envelope of the message, during `message` and `content`. */
struct str smtp_server_mail_from(const struct smtp_server *server);
/* The accepted recipients, each followed by a NUL. */
struct str smtp_server_rcpts(const struct smtp_server *server);
unsigned smtp_server_rcpt_count(const struct smtp_server *server);
/* Octets of content so far. */
uint64_t smtp_server_message_bytes(const struct smtp_server *server);

#endif
