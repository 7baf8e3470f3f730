#include "core/smtp/server_path.h"
#include "core/smtp/server_state.h"

/*
 * What each command does. To add one: a function here, a row in the table below, a
 * line in the reply to EHLO if it is an extension.
 */
static void command_helo(struct smtp_server *server, struct str argument)
{
    if (str_trim(argument).n == 0) {
        server_complain(server, STR("501 5.5.4 syntax: HELO host"));
        return;
    }
    server_reset(server);
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
    server_reset(server);
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

static void command_data(struct smtp_server *server, struct str argument)
{
    struct str refusal = server_content_refusal(server);
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
        server_chunk_end(server);
}

static void command_rset(struct smtp_server *server, struct str argument)
{
    (void)argument;
    server_reset(server);
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

void server_command(struct smtp_server *server, struct str line)
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
