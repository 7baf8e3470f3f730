/*
 * The reply halves: each takes one complete reply to its step and returns the state
 * that follows. Without PIPELINING a positive reply leaves the state as it is: the
 * pump then runs the next send half, because the FIFO is empty.
 */
#include "core/smtp/session_state.h"

static bool is_positive(const struct smtp_reply *reply)
{
    return reply->code / 100 == 2;
}

static bool is_refusal(const struct smtp_reply *reply)
{
    return reply->code >= 400;
}

static bool is_go_ahead(const struct smtp_reply *reply)
{
    return reply->code / 100 == 3;
}

/* What is said when a command came that was not understood, or not where it stands. */
static bool is_out_of_step(const struct smtp_reply *reply)
{
    return reply->code == 500 || reply->code == 502 || reply->code == 503;
}

static struct outcome reply_outcome(const struct smtp_reply *reply,
                                    enum smtp_stage stage, char text[OUTCOME_TEXT_MAX])
{
    struct outcome outcome = {.stage = stage, .code = reply->code};
    outcome.text = smtp_reply_text(reply, outcome.enhanced, text);
    outcome.remote_id = STR("");
    return outcome;
}

/* What the reply decides for the message waits in a slot for the end of its group. */
static const struct outcome *verdict_add(struct smtp_session *session,
                                         struct smtp_message *message,
                                         enum smtp_stage stage,
                                         const struct smtp_reply *reply)
{
    CHECK(session->verdict_count < SMTP_VERDICTS_MAX);
    struct session_verdict *verdict = &session->verdicts[session->verdict_count++];
    verdict->message = message;
    verdict->outcome = reply_outcome(reply, stage, verdict->text);
    smtp_policy_judge(&verdict->outcome, message->attempts);
    if (verdict->outcome.state == OUTCOME_DELIVERED)
        verdict->outcome.remote_id = smtp_remote_id(verdict->outcome.text);
    /* A server that takes so many messages a connection is not cross with this one. It
     * counts those that it refused as well (Exim: MAIL commands). */
    if (session->answered > 0 && smtp_policy_is_session_limit(&verdict->outcome)) {
        verdict->outcome.state = OUTCOME_UNSENT;
        verdict->outcome.scope = OUTCOME_SCOPE_SESSION;
    } else if (smtp_policy_is_host_limit(&verdict->outcome)) {
        verdict->outcome.state = OUTCOME_UNSENT;
        verdict->outcome.scope = OUTCOME_SCOPE_DESTINATION;
    }
    session->answered++;
    return &verdict->outcome;
}

/* One more reply that the server counts against the connection. */
static void count_error(struct smtp_session *session)
{
    session->errors++;
    if (session->errors >= SMTP_ERRORS_MAX)
        session->is_quitting = true;
}

/* The replies that are still to come for the message are nobody's. */
static void awaited_disown(struct smtp_session *session,
                           const struct smtp_message *message)
{
    for (unsigned i = 0; i < session->awaited_count; i++) {
        unsigned at = (session->awaited_first + i) % SMTP_AWAITED_MAX;
        if (session->awaited[at].message == message)
            session->awaited[at].message = NULL;
    }
}

static void envelope_drop(struct smtp_session *session)
{
    awaited_disown(session, session->envelope);
    session->envelope = NULL;
    session->needs_rset = true;
}

void session_withdraw_envelope(struct smtp_session *session)
{
    envelope_drop(session);
    session->is_withdrawn = true;
    /* Lock-step, and DATA not sent: no more of this transaction goes out. */
    if (session->state != SMTP_DATA)
        session_set_state(session, SMTP_IDLE);
}

/* The envelope was refused at MAIL, RCPT or DATA. */
static void envelope_refused(struct smtp_session *session,
                             const struct smtp_awaited *awaited,
                             const struct smtp_reply *reply)
{
    session->needs_rset = true;
    session->is_contestable = false;
    count_error(session);
    if (awaited->message == NULL)
        return;
    const struct outcome *outcome =
        verdict_add(session, awaited->message, session_stage(awaited->step), reply);
    if (outcome->scope == OUTCOME_SCOPE_SESSION || outcome->state == OUTCOME_UNSENT)
        session->is_quitting = true;
    session->has_broken_pipelining |= awaited->is_behind && is_out_of_step(reply);
    envelope_drop(session);
}

static enum smtp_state over_by_reply(struct smtp_session *session,
                                     enum smtp_stage stage,
                                     const struct smtp_reply *reply)
{
    char text[OUTCOME_TEXT_MAX];
    struct outcome why = reply_outcome(reply, stage, text);
    smtp_policy_judge(&why, 0);
    session_end(session, &why, false);
    return SMTP_OVER;
}

static enum smtp_state over_by_desync(struct smtp_session *session,
                                      struct smtp_message *message, const char *why)
{
    session_desync(session, message, why);
    return SMTP_OVER;
}

/* A Cisco PIX in front of the server hides its name behind stars, and breaks ESMTP. */
static bool is_behind_pix(const struct smtp_reply *reply)
{
    size_t at = 0;
    struct str line;
    return smtp_reply_line(reply, &at, &line) &&
           str_has_prefix(str_trim(line), STR("****"));
}

static enum smtp_state reply_greeting(struct smtp_session *session,
                                      const struct smtp_reply *reply)
{
    if (is_go_ahead(reply))
        return over_by_desync(session, NULL, "the greeting is no greeting");
    if (!is_positive(reply))
        return over_by_reply(session, SMTP_STAGE_CONNECT, reply);
    return session_send_hello(session, !is_behind_pix(reply));
}

static enum smtp_state reply_ehlo(struct smtp_session *session,
                                  const struct smtp_reply *reply)
{
    if (is_go_ahead(reply))
        return over_by_desync(session, NULL, "EHLO was answered with 3xx");
    if (reply->code / 100 == 5)
        return session_send_hello(session, false);
    if (!is_positive(reply))
        return over_by_reply(session, SMTP_STAGE_EHLO, reply);
    session->capabilities = smtp_capabilities_of(reply);
    session->is_pipelined = session->params.pipelining &&
                            smtp_can(&session->capabilities, SMTP_CAN_PIPELINING);
    return SMTP_IDLE;
}

static enum smtp_state reply_helo(struct smtp_session *session,
                                  const struct smtp_reply *reply)
{
    if (is_go_ahead(reply))
        return over_by_desync(session, NULL, "HELO was answered with 3xx");
    if (!is_positive(reply))
        return over_by_reply(session, SMTP_STAGE_EHLO, reply);
    return SMTP_IDLE;
}

static enum smtp_state reply_rset(struct smtp_session *session,
                                  const struct smtp_reply *reply)
{
    if (!is_positive(reply)) {
        session_fail(session, SMTP_TROUBLE_PROTOCOL, STR("RSET was refused"));
        return SMTP_OVER;
    }
    return session->state;
}

/* MAIL and RCPT; `step` is the state in which, without PIPELINING, it is awaited. */
static enum smtp_state reply_envelope(struct smtp_session *session,
                                      const struct smtp_awaited *awaited,
                                      const struct smtp_reply *reply)
{
    if (is_go_ahead(reply))
        return over_by_desync(session, awaited->message,
                              "MAIL or RCPT was answered with 3xx");
    if (is_positive(reply)) {
        session->rcpt_accepted = awaited->step == SMTP_RCPT;
        return session->state;
    }
    envelope_refused(session, awaited, reply);
    return session->state == awaited->step ? SMTP_IDLE : session->state;
}

/* 354 for an envelope that was refused or withdrawn. RFC 2920 section 3.1 has us send a
 * single dot, and by section 3.2 a server with no valid recipient must not make a
 * message of it: true where RCPT was refused, whatever became of MAIL. Where RCPT was
 * accepted, by a server that has forgotten its refusal of MAIL or because the message
 * was withdrawn, the dot would deliver an empty message: then the connection ends
 * without it, and a server that never saw the end of the data has no message. */
static enum smtp_state go_ahead_for_nobody(struct smtp_session *session)
{
    if (!session->rcpt_accepted)
        return session_send_dot(session, NULL);
    if (session->is_withdrawn)
        session_fail(session, SMTP_TROUBLE_WITHDRAWN, STR(""));
    else
        session_fail(session, SMTP_TROUBLE_PROTOCOL,
                     STR("DATA was accepted although MAIL was refused"));
    return SMTP_OVER;
}

static enum smtp_state reply_data(struct smtp_session *session,
                                  const struct smtp_awaited *awaited,
                                  const struct smtp_reply *reply)
{
    if (is_positive(reply))
        return over_by_desync(session, awaited->message, "DATA was answered with 2xx");
    session->is_contestable = false;
    if (!is_go_ahead(reply)) {
        envelope_refused(session, awaited, reply);
        return SMTP_IDLE;
    }
    return awaited->message != NULL ? session_send_body(session, awaited->message)
                                    : go_ahead_for_nobody(session);
}

static enum smtp_state reply_dot(struct smtp_session *session,
                                 const struct smtp_awaited *awaited,
                                 const struct smtp_reply *reply)
{
    if (is_go_ahead(reply))
        return over_by_desync(session, awaited->message,
                              "the final dot was answered with 3xx");
    /* Without a message it was the lone dot behind a refused envelope: its reply
     * delivers nobody, whatever it says. */
    if (awaited->message == NULL)
        return session->state;
    const struct outcome *outcome =
        verdict_add(session, awaited->message, SMTP_STAGE_DOT, reply);
    if (outcome->state == OUTCOME_DELIVERED)
        session->errors = 0;
    else
        count_error(session);
    if (outcome->scope == OUTCOME_SCOPE_SESSION)
        session->is_quitting = true;
    session->is_contestable = is_refusal(reply);
    return session->state;
}

/* After the 421 to a dot. Some servers give one to each command that was pipelined
 * behind it; anything else may be the dot's true answer. */
static enum smtp_state reply_closing(struct smtp_session *session,
                                     const struct smtp_awaited *awaited,
                                     const struct smtp_reply *reply)
{
    if (!is_refusal(reply))
        return over_by_desync(session, awaited->message,
                              "421 to the final dot was not the last word");
    session_await(session, SMTP_CLOSING, awaited->message);
    return SMTP_CLOSING;
}

/* 221 alone answers QUIT: it confirms a refusal that QUIT was sent behind. */
static enum smtp_state reply_quit(struct smtp_session *session,
                                  const struct smtp_reply *reply)
{
    if (session->is_contestable && is_positive(reply) && reply->code != 221)
        return over_by_desync(session, NULL, "QUIT was answered with another 2xx");
    session_close_orderly(session);
    return SMTP_OVER;
}

static enum smtp_state dispatch(struct smtp_session *session,
                                const struct smtp_awaited *awaited,
                                const struct smtp_reply *reply)
{
    switch (awaited->step) {
    case SMTP_GREETING: return reply_greeting(session, reply);
    case SMTP_EHLO: return reply_ehlo(session, reply);
    case SMTP_HELO: return reply_helo(session, reply);
    case SMTP_RSET: return reply_rset(session, reply);
    case SMTP_MAIL:
    case SMTP_RCPT: return reply_envelope(session, awaited, reply);
    case SMTP_DATA: return reply_data(session, awaited, reply);
    case SMTP_DOT: return reply_dot(session, awaited, reply);
    case SMTP_QUIT: return reply_quit(session, reply);
    case SMTP_CLOSING: return reply_closing(session, awaited, reply);
    case SMTP_NEW:
    case SMTP_IDLE:
    case SMTP_BODY:
    case SMTP_OVER: break;
    }
    CHECK(false && "a step that awaits no reply");
    return SMTP_OVER;
}

/* 421 to the dot. The server may have meant its shutdown, not the message, and still
 * take it: whether it does is known when it has closed. Nothing more is said to it. */
static void hear_out(struct smtp_session *session, const struct smtp_awaited *dot,
                     const struct smtp_reply *reply)
{
    (void)verdict_add(session, dot->message, SMTP_STAGE_DOT, reply);
    session->is_contestable = true;
    session->envelope = NULL;
    session_drop_output(session);
    session->queued = session->written;
    session->awaited_count = 0;
    session_forget_deadline(session);
    session_await(session, SMTP_CLOSING, dot->message);
    session_set_state(session, SMTP_CLOSING);
}

/* 421: the server closes. It answers the first command that has no reply yet; those
 * behind it were not looked at. */
static void server_closes(struct smtp_session *session,
                          const struct smtp_awaited *awaited,
                          const struct smtp_reply *reply)
{
    if (awaited->message == NULL) {
        (void)over_by_reply(session, session_stage(awaited->step), reply);
        return;
    }
    if (awaited->step == SMTP_DOT) {
        hear_out(session, awaited, reply);
        return;
    }
    struct outcome why =
        *verdict_add(session, awaited->message, session_stage(awaited->step), reply);
    session_end(session, &why, false);
}

/* The message whose content the server is reading, NULL if there is none. */
static struct smtp_message *message_being_read(struct smtp_session *session)
{
    struct smtp_message *message = session_message_in(session, SMTP_PHASE_BODY);
    if (message == NULL)
        message = session_message_in(session, SMTP_PHASE_DOT);
    return message != NULL && !session_is_handed_over(session, message) ? message
                                                                        : NULL;
}

/* A reply although nothing that was written awaits one. A refusal in the middle of the
 * body is one that real servers send: the message stays without its terminator. So is
 * a 421 to a connection that was idle for too long. */
static void take_unasked(struct smtp_session *session, const struct smtp_reply *reply)
{
    struct smtp_message *message = message_being_read(session);
    if (reply->code < 400 || (message == NULL && reply->code != 421)) {
        session_desync(session, message, "a reply that nothing asked for");
        return;
    }
    struct smtp_awaited body = {.step = SMTP_BODY, .message = message};
    server_closes(session, &body, reply);
}

/* The head of the FIFO if its command has left. */
static bool awaited_pop(struct smtp_session *session, struct smtp_awaited *awaited)
{
    const struct smtp_awaited *now = session_awaited_now(session);
    if (now == NULL)
        return false;
    *awaited = *now;
    session->awaited_first = (session->awaited_first + 1) % SMTP_AWAITED_MAX;
    session->awaited_count--;
    return true;
}

/* True while the group that a reply belongs to has not been answered to its end. */
static bool is_inside_group(const struct smtp_session *session)
{
    for (unsigned i = 0; i < session->awaited_count; i++) {
        unsigned at = (session->awaited_first + i) % SMTP_AWAITED_MAX;
        if (session->awaited[at].step == SMTP_DATA)
            return true;
    }
    return false;
}

void session_take_reply(struct smtp_session *session, const struct smtp_reply *reply)
{
    struct smtp_awaited awaited;
    if (!awaited_pop(session, &awaited)) {
        take_unasked(session, reply);
        return;
    }
    if (reply->code == 421 && awaited.step < SMTP_QUIT) {
        server_closes(session, &awaited, reply);
        return;
    }
    enum smtp_state next = dispatch(session, &awaited, reply);
    if (next == SMTP_OVER)
        return;
    session_set_state(session, next);
    if (next == SMTP_IDLE && (awaited.step == SMTP_EHLO || awaited.step == SMTP_HELO))
        session->events.ready(session->events.self);
}

void session_settle(struct smtp_session *session)
{
    if (session->state == SMTP_OVER || is_inside_group(session))
        return;
    if (!session->is_contestable)
        session_release_verdicts(session);
    if (session->is_quitting && session->state != SMTP_OVER)
        session_report_queued(session);
}

void session_settle_refusal(struct smtp_session *session)
{
    session->is_contestable = false;
    session_settle(session);
}
