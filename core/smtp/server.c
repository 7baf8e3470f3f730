#include "core/smtp/server_state.h"

#include <stdlib.h>

/*
 * Input is taken by the part that the state names: a command line, the content after
 * DATA, or a chunk of BDAT. Replies gather in one stream (server_out.h), so a group of
 * pipelined commands is answered by one write.
 *
 * One thing depends on how the input is cut, and must: a client that sends on after
 * DATA (or, without PIPELINING, after any command) before it can have read the reply
 * is at fault, and what came in the same piece as the command shows it.
 */

/* --- replies --- */

static void server_close(struct smtp_server *server)
{
    server->state = SERVER_CLOSING;
}

void server_reply(struct smtp_server *server, struct str reply)
{
    server_out_line(&server->out, reply);
    if (server_out_has_failed(&server->out))
        server_close(server);
}

void server_complain(struct smtp_server *server, struct str reply)
{
    server_reply(server, reply);
    server->errors += str_has_prefix(reply, STR("5"));
    if (server->errors < SMTP_SERVER_ERRORS_MAX)
        return;
    server_reply(server, STR("421 4.7.0 too many errors"));
    server_close(server);
}

void server_break_off(struct smtp_server *server, struct str reply)
{
    server_reply(server, reply);
    server_close(server);
}

void server_decide(struct smtp_server *server, const struct smtp_verdict *verdict)
{
    if (verdict->is_gated)
        server_out_gate(&server->out, verdict->stops);
    if (verdict->reply.n > 0)
        server_reply(server, verdict->reply);
    if (verdict->closes)
        server_close(server);
}

struct smtp_verdict server_verdict(const struct smtp_server *server, struct str reply)
{
    return (struct smtp_verdict){.reply = reply, .gate = server->out.gate_next};
}

void smtp_server_open_gate(struct smtp_server *server, uint64_t gate)
{
    server_out_open(&server->out, gate);
}

struct str smtp_server_output(const struct smtp_server *server)
{
    return server_out_ready(&server->out);
}

void smtp_server_sent(struct smtp_server *server, size_t bytes)
{
    server_out_sent(&server->out, bytes);
}

bool smtp_server_is_over(const struct smtp_server *server)
{
    return server->state == SERVER_CLOSING && server_out_is_empty(&server->out);
}

/* --- the transaction --- */

void server_reset(struct smtp_server *server)
{
    if (server->has_content)
        server->events.abandoned(server->events.self);
    server->has_content = server->has_mail = false;
    server->rcpt_count = 0;
    server->message_bytes = 0;
    buf_clear(&server->mail_from);
    buf_clear(&server->rcpts);
    smtp_data_scan_init(&server->scan);
}

struct str smtp_server_mail_from(const struct smtp_server *server)
{
    return buf_str(&server->mail_from);
}

struct str smtp_server_rcpts(const struct smtp_server *server)
{
    return buf_str(&server->rcpts);
}

unsigned smtp_server_rcpt_count(const struct smtp_server *server)
{
    return server->rcpt_count;
}

uint64_t smtp_server_message_bytes(const struct smtp_server *server)
{
    return server->message_bytes;
}

static bool message_is_too_big(const struct smtp_server *server)
{
    return server->settings.bytes_max != 0 &&
           server->message_bytes > server->settings.bytes_max;
}

/* What is wrong with a message that is complete; STR_NULL if nothing is. */
static struct str message_fault(const struct smtp_server *server)
{
    const struct smtp_data_scan *scan = &server->scan;
    if (message_is_too_big(server))
        return STR("552 5.3.4 the message is larger than SIZE allows");
    if (scan->has_bare || scan->last == '\r')
        return STR("550 5.5.2 a CR or LF stands alone in the message");
    if (scan->has_nul)
        return STR("550 5.6.0 a NUL is in the message");
    if (scan->has_long_line)
        return STR("550 5.6.0 a line of the message is longer than 1000 octets");
    /* SMTPUTF8 allows it in the header; where the header ends is not looked for. */
    if (scan->has_8bit && !server->is_8bitmime && !server->is_smtputf8)
        return STR("554 5.6.1 8-bit content without BODY=8BITMIME");
    return STR_NULL;
}

static void message_end(struct smtp_server *server)
{
    server->state = SERVER_COMMAND;
    struct str fault = message_fault(server);
    if (str_is_null(fault)) {
        struct smtp_verdict verdict = server_verdict(server, STR("250 2.0.0 ok"));
        server->events.message(server->events.self, &verdict);
        server->has_content = false;
        server_decide(server, &verdict);
    } else if (server->scan.has_bare) {
        /* What we took for the end another server might not, or the other way round:
         * the rest of the stream is not to be trusted. */
        server_break_off(server, fault);
    } else {
        server_complain(server, fault);
    }
    server_reset(server);
}

static void content_arrived(void *self, struct str bytes)
{
    struct smtp_server *server = self;
    server->message_bytes += bytes.n;
    server->has_content = true;
    if (!message_is_too_big(server))
        server->events.content(server->events.self, bytes);
}

static size_t feed_data(struct smtp_server *server, struct str bytes)
{
    struct smtp_data_sink sink = {server, content_arrived};
    size_t taken = smtp_data_scan_feed(&server->scan, bytes, &sink);
    if (server->scan.place == SMTP_DATA_END)
        message_end(server);
    return taken;
}

struct str server_content_refusal(const struct smtp_server *server)
{
    if (!server->has_mail)
        return STR("503 5.5.1 MAIL first");
    if (server->rcpt_count == 0)
        return STR("554 5.5.1 no valid recipients");
    return STR_NULL;
}

void server_chunk_end(struct smtp_server *server)
{
    server->state = SERVER_COMMAND;
    struct str refusal = server_content_refusal(server);
    if (!str_is_null(refusal))
        server_reply(server, refusal);
    else if (server->chunk_is_last)
        message_end(server);
    else
        server_reply(server, STR("250 2.0.0 ok"));
}

/* A chunk is taken to its end whether it is wanted or not (RFC 3030 section 2). */
static size_t feed_chunk(struct smtp_server *server, struct str bytes)
{
    if (bytes.n > server->chunk_left)
        bytes.n = (size_t)server->chunk_left;
    struct smtp_data_sink sink = {server, content_arrived};
    if (str_is_null(server_content_refusal(server)))
        smtp_data_scan_chunk(&server->scan, bytes, &sink);
    server->chunk_left -= bytes.n;
    if (server->chunk_left == 0)
        server_chunk_end(server);
    return bytes.n;
}

/* A line with its LF. */
static void server_line(struct smtp_server *server, struct str line)
{
    if (server->line_is_too_long)
        server_complain(server, STR("500 5.5.2 line too long"));
    else if (line.n < 2 || line.p[line.n - 2] != '\r' ||
             memchr(line.p, '\r', line.n - 2) != NULL)
        server_break_off(server, STR("500 5.5.2 a CR or LF stands alone"));
    else if (memchr(line.p, '\0', line.n) != NULL)
        server_complain(server, STR("500 5.5.2 a NUL is in the command"));
    else
        server_command(server, str_head(line, line.n - 2));
}

/* Keeps what is there of a line that is not complete. */
static void line_keep(struct smtp_server *server, struct str bytes)
{
    if (server->line_bytes + bytes.n > sizeof(server->line)) {
        server->line_is_too_long = true;
        return;
    }
    memcpy(server->line + server->line_bytes, bytes.p, bytes.n);
    server->line_bytes += bytes.n;
}

static size_t feed_line(struct smtp_server *server, struct str bytes)
{
    const char *end = memchr(bytes.p, '\n', bytes.n);
    size_t taken = end != NULL ? (size_t)(end - bytes.p) + 1 : bytes.n;
    struct str line = str_head(bytes, taken);
    if (end == NULL || server->line_bytes > 0 || taken > sizeof(server->line)) {
        line_keep(server, line);
        line = str_slice(server->line, server->line_bytes);
    }
    if (end == NULL)
        return taken;
    server->more_follows = bytes.n > taken;
    server_line(server, line);
    server->line_bytes = 0;
    server->line_is_too_long = false;
    return taken;
}

/* --- input --- */

static size_t server_step(struct smtp_server *server, struct str bytes)
{
    switch (server->state) {
    case SERVER_COMMAND: return feed_line(server, bytes);
    case SERVER_DATA: return feed_data(server, bytes);
    case SERVER_CHUNK: return feed_chunk(server, bytes);
    case SERVER_CLOSING: break;
    }
    return bytes.n;
}

size_t smtp_server_feed(struct smtp_server *server, struct str bytes)
{
    size_t taken = 0;
    while (taken < bytes.n && server_out_has_room(&server->out))
        taken += server_step(server, str_from(bytes, taken));
    return taken;
}

struct smtp_server *smtp_server_new(const struct smtp_server_settings *settings,
                                    const struct smtp_server_events *events)
{
    struct smtp_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return NULL;
    server->settings = *settings;
    server->events = *events;
    server_out_init(&server->out);
    buf_init(&server->mail_from, SMTP_SERVER_PATH_MAX);
    buf_init(&server->rcpts, SMTP_SERVER_RCPTS_MAX * (SMTP_SERVER_PATH_MAX + 1));
    smtp_data_scan_init(&server->scan);
    server_out_text(&server->out, STR("220 "));
    server_out_text(&server->out, settings->host);
    server_reply(server, STR(" ESMTP Broadside sandbox"));
    return server;
}

void smtp_server_free(struct smtp_server *server)
{
    if (server == NULL)
        return;
    server_out_fini(&server->out);
    buf_fini(&server->mail_from);
    buf_fini(&server->rcpts);
    free(server);
}
