#include "core/smtp/server.h"

#include "core/base/buf.h"
#include "core/smtp/data_scan.h"
#include "core/smtp/server_out.h"
#include "core/smtp/server_path.h"

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

/* --- replies --- */

static void server_close(struct smtp_server *server)
{
    server->state = SERVER_CLOSING;
}

static void server_reply(struct smtp_server *server, struct str reply)
{
    server_out_line(&server->out, reply);
    if (server_out_has_failed(&server->out))
        server_close(server);
}

/* The client's fault, unless it says 4xx; too many of them end the session. */
static void server_complain(struct smtp_server *server, struct str reply)
{
    server_reply(server, reply);
    server->errors += str_has_prefix(reply, STR("5"));
    if (server->errors < SMTP_SERVER_ERRORS_MAX)
        return;
    server_reply(server, STR("421 4.7.0 too many errors"));
    server_close(server);
}

/* The client's fault after which nobody knows where it is. */
static void server_break_off(struct smtp_server *server, struct str reply)
{
    server_reply(server, reply);
    server_close(server);
}

static void server_decide(struct smtp_server *server,
                          const struct smtp_verdict *verdict)
{
    if (verdict->is_gated)
        server_out_gate(&server->out, verdict->stops);
    if (verdict->reply.n > 0)
        server_reply(server, verdict->reply);
    if (verdict->closes)
        server_close(server);
}

static struct smtp_verdict server_verdict(const struct smtp_server *server,
                                          struct str reply)
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

bool smtp_server_is_closing(const struct smtp_server *server)
{
    return server->state == SERVER_CLOSING;
}

bool smtp_server_is_over(const struct smtp_server *server)
{
    return server->state == SERVER_CLOSING && server_out_is_empty(&server->out);
}

/* --- the transaction --- */

static void transaction_reset(struct smtp_server *server)
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
    if (scan->has_8bit && !server->is_8bitmime)
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
    transaction_reset(server);
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

/* --- the commands --- */

static void command_helo(struct smtp_server *server, struct str argument)
{
    if (str_trim(argument).n == 0) {
        server_complain(server, STR("501 5.5.4 syntax: HELO host"));
        return;
    }
    transaction_reset(server);
    server->has_greeted = true;
    server->is_extended = false;
    server_out_text(&server->out, STR("250 "));
    server_reply(server, server->settings.host);
}

static void command_ehlo(struct smtp_server *server, struct str argument)
{
    if (str_trim(argument).n == 0) {
        server_complain(server, STR("501 5.5.4 syntax: EHLO host"));
        return;
    }
    transaction_reset(server);
    server->has_greeted = server->is_extended = true;
    server_out_text(&server->out, STR("250-"));
    server_reply(server, server->settings.host);
    if (server->settings.offers_pipelining)
        server_reply(server, STR("250-PIPELINING"));
    if (server->settings.offers_chunking)
        server_reply(server, STR("250-CHUNKING"));
    server_out_text(&server->out, STR("250-SIZE "));
    buf_append_u64(&server->out.bytes, server->settings.bytes_max);
    server_reply(server, STR(""));
    server_reply(server, STR("250-8BITMIME"));
    server_reply(server, STR("250-SMTPUTF8"));
    server_reply(server, STR("250 ENHANCEDSTATUSCODES"));
}

/* Why MAIL is not in order now; STR_NULL if it is. */
static struct str mail_refusal(const struct smtp_server *server)
{
    if (!server->has_greeted)
        return STR("503 5.5.1 EHLO or HELO first");
    if (server->has_mail)
        return STR("503 5.5.1 nested MAIL");
    return STR_NULL;
}

static struct str mail_parse(struct smtp_server *server, struct str argument)
{
    struct smtp_path path;
    struct smtp_mail_params params;
    struct str refusal = smtp_path_parse(argument, STR("FROM:"), &path);
    if (str_is_null(refusal))
        refusal = smtp_mail_params_parse(path.params, &params);
    if (!str_is_null(refusal))
        return refusal;
    if (path.params.n > 0 && !server->is_extended)
        return STR("555 5.5.4 parameters need EHLO");
    if (!str_is_ascii(path.address) && !params.is_smtputf8)
        return STR("553 5.6.7 the address needs SMTPUTF8");
    if (server->settings.bytes_max != 0 && params.size > server->settings.bytes_max)
        return STR("552 5.3.4 the message is larger than SIZE allows");
    server->is_8bitmime = params.is_8bitmime;
    server->is_smtputf8 = params.is_smtputf8;
    buf_append(&server->mail_from, path.address);
    return STR_NULL;
}

static void command_mail(struct smtp_server *server, struct str argument)
{
    struct str refusal = mail_refusal(server);
    if (str_is_null(refusal))
        refusal = mail_parse(server, argument);
    if (!str_is_null(refusal)) {
        server_complain(server, refusal);
        return;
    }
    server->has_mail = true;
    server_reply(server, STR("250 2.1.0 ok"));
}

static struct str rcpt_parse(const struct smtp_server *server, struct str argument,
                             struct str *address)
{
    if (!server->has_mail)
        return STR("503 5.5.1 MAIL first");
    struct smtp_path path;
    struct str refusal = smtp_path_parse(argument, STR("TO:"), &path);
    if (!str_is_null(refusal))
        return refusal;
    if (path.address.n == 0)
        return STR("501 5.1.3 bad address syntax");
    if (path.params.n > 0)
        return STR("555 5.5.4 unknown parameter");
    if (!str_is_ascii(path.address) && !server->is_smtputf8)
        return STR("553 5.6.7 the address needs SMTPUTF8");
    if (server->rcpt_count == SMTP_SERVER_RCPTS_MAX)
        return STR("452 4.5.3 too many recipients");
    *address = path.address;
    return STR_NULL;
}

static void command_rcpt(struct smtp_server *server, struct str argument)
{
    struct str address;
    struct str refusal = rcpt_parse(server, argument, &address);
    if (!str_is_null(refusal)) {
        server_complain(server, refusal);
        return;
    }
    struct smtp_verdict verdict = server_verdict(server, STR("250 2.1.5 ok"));
    server->events.rcpt(server->events.self, address, &verdict);
    if (str_has_prefix(verdict.reply, STR("2"))) {
        buf_append(&server->rcpts, address);
        buf_append_char(&server->rcpts, '\0');
        server->rcpt_count++;
    }
    server_decide(server, &verdict);
}

static struct str content_refusal(const struct smtp_server *server)
{
    if (!server->has_mail)
        return STR("503 5.5.1 MAIL first");
    if (server->rcpt_count == 0)
        return STR("554 5.5.1 no valid recipients");
    return STR_NULL;
}

static void command_data(struct smtp_server *server, struct str argument)
{
    struct str refusal = content_refusal(server);
    if (argument.n > 0) {
        server_complain(server, STR("501 5.5.4 DATA takes no argument"));
    } else if (server->has_content) {
        server_complain(server, STR("503 5.5.1 DATA after BDAT"));
    } else if (!str_is_null(refusal)) {
        /* No fault of a client that pipelines: its recipients were refused. */
        server_reply(server, refusal);
    } else {
        server_reply(server, STR("354 end with <CRLF>.<CRLF>"));
        server->state = SERVER_DATA;
    }
}

static void chunk_end(struct smtp_server *server)
{
    server->state = SERVER_COMMAND;
    struct str refusal = content_refusal(server);
    if (!str_is_null(refusal))
        server_reply(server, refusal);
    else if (server->chunk_is_last)
        message_end(server);
    else
        server_reply(server, STR("250 2.0.0 ok"));
}

static void command_bdat(struct smtp_server *server, struct str argument)
{
    struct str last;
    struct str count = str_split(str_trim(argument), ' ', &last);
    uint64_t octets;
    if (!str_to_u64(count, &octets) ||
        (!str_is_null(last) && !str_equal_nocase(str_trim(last), STR("LAST")))) {
        /* How much follows is not known. */
        server_break_off(server, STR("501 5.5.4 syntax: BDAT octets [LAST]"));
        return;
    }
    server->chunk_is_last = !str_is_null(last);
    server->chunk_left = octets;
    server->state = SERVER_CHUNK;
    if (octets == 0)
        chunk_end(server);
}

/* A chunk is taken to its end whether it is wanted or not (RFC 3030 section 2). */
static size_t feed_chunk(struct smtp_server *server, struct str bytes)
{
    if (bytes.n > server->chunk_left)
        bytes.n = (size_t)server->chunk_left;
    struct smtp_data_sink sink = {server, content_arrived};
    if (str_is_null(content_refusal(server)))
        smtp_data_scan_chunk(&server->scan, bytes, &sink);
    server->chunk_left -= bytes.n;
    if (server->chunk_left == 0)
        chunk_end(server);
    return bytes.n;
}

static void command_rset(struct smtp_server *server, struct str argument)
{
    (void)argument;
    transaction_reset(server);
    server_reply(server, STR("250 2.0.0 ok"));
}

static void command_noop(struct smtp_server *server, struct str argument)
{
    (void)argument;
    server_reply(server, STR("250 2.0.0 ok"));
}

static void command_vrfy(struct smtp_server *server, struct str argument)
{
    (void)argument;
    server_reply(server, STR("252 2.1.5 send some mail, and see"));
}

static void command_quit(struct smtp_server *server, struct str argument)
{
    (void)argument;
    server_break_off(server, STR("221 2.0.0 bye"));
}

/* What a command is, and whether it must be the last of a pipelined group (RFC 2920
 * section 3.1). A chunk follows its BDAT at once, pipelining or not. */
static const struct command {
    struct str verb;
    void (*run)(struct smtp_server *server, struct str argument);
    bool ends_group, is_followed;
} commands[] = {
    {{"RCPT", 4}, command_rcpt, false, false},
    {{"MAIL", 4}, command_mail, false, false},
    {{"DATA", 4}, command_data, true, false},
    {{"BDAT", 4}, command_bdat, false, true},
    {{"RSET", 4}, command_rset, false, false},
    {{"EHLO", 4}, command_ehlo, true, false},
    {{"HELO", 4}, command_helo, true, false},
    {{"NOOP", 4}, command_noop, false, false},
    {{"VRFY", 4}, command_vrfy, false, false},
    {{"QUIT", 4}, command_quit, false, true},
};

static const struct command *command_find(struct str verb)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands)[0]; i++)
        if (str_equal_nocase(verb, commands[i].verb))
            return &commands[i];
    return NULL;
}

static bool is_pipelining_wrongly(const struct smtp_server *server,
                                  const struct command *command)
{
    bool may_pipeline = server->settings.offers_pipelining && server->is_extended;
    return server->more_follows && !command->is_followed &&
           (command->ends_group || !may_pipeline);
}

static void server_command(struct smtp_server *server, struct str line)
{
    struct str argument;
    struct str verb = str_split(line, ' ', &argument);
    const struct command *command = command_find(verb);
    if (command == NULL)
        server_complain(server, STR("502 5.5.1 unknown command"));
    else if (is_pipelining_wrongly(server, command))
        server_break_off(server, STR("503 5.5.0 improper command pipelining"));
    else
        command->run(server, argument);
    if (server->mail_from.failed != ERR_NONE || server->rcpts.failed != ERR_NONE)
        server_break_off(server, STR("421 4.3.0 out of memory"));
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
