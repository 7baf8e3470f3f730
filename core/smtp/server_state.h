/*
 * server_state.h - what the files of the server share; nobody else includes it
 *
 * Owns:    struct smtp_server, opaque outside.
 * Thread:  one at a time.
 */
#ifndef BROADSIDE_SMTP_SERVER_STATE_H
#define BROADSIDE_SMTP_SERVER_STATE_H

#include "core/smtp/data_scan.h"
#include "core/smtp/server_out.h"

enum server_state { SERVER_COMMAND, SERVER_DATA, SERVER_CHUNK, SERVER_CLOSING };

struct smtp_server {
    struct smtp_server_settings settings;
    struct smtp_server_events events;
    enum server_state state;

    struct server_out out;

    char line[SMTP_SERVER_LINE_MAX];
    size_t line_bytes;
    bool line_is_too_long;
    /* More input stood behind the command when it was read. */
    bool more_follows;
    unsigned errors;

    bool has_greeted, is_extended;
    bool has_mail, is_8bitmime, is_smtputf8;
    struct buf mail_from, rcpts;
    unsigned rcpt_count;

    struct smtp_data_scan scan;
    uint64_t message_bytes, chunk_left;
    bool has_content, chunk_is_last;
};

/* One command, without its CRLF. */
void server_command(struct smtp_server *server, struct str line);

void server_reply(struct smtp_server *server, struct str reply);
/* The client's fault, unless it says 4xx; too many of them end the session. */
void server_complain(struct smtp_server *server, struct str reply);
/* The client's fault after which nobody knows where it is. */
void server_break_off(struct smtp_server *server, struct str reply);

/* Acceptance, to be changed by an event. */
struct smtp_verdict server_verdict(const struct smtp_server *server, struct str reply);
void server_decide(struct smtp_server *server, const struct smtp_verdict *verdict);

/* Back to before MAIL. */
void server_reset(struct smtp_server *server);
/* Why content is not in order now; STR_NULL if it is. */
struct str server_content_refusal(const struct smtp_server *server);
/* All octets of a chunk were taken. */
void server_chunk_end(struct smtp_server *server);

#endif
