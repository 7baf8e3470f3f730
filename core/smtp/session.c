/*
 * The session's life, its one state setter, and the pump that runs the send halves.
 * What is written stands in session_send.c, what replies do in session_reply.c, how it
 * ends in session_end.c; session_state.h explains the whole.
 */
#include "core/smtp/session_state.h"

#include "core/base/log.h"

#include <stdlib.h>

#define DEPTH_MAX 64u
/* smtp_session.deadline_end where the deadline is for no reply. */
#define DEADLINE_NONE    UINT64_MAX
#define DEADLINE_WRITING (UINT64_MAX - 1)
#define DEADLINE_STALE   (UINT64_MAX - 2)
#define DEADLINE_SETTLE  (UINT64_MAX - 3)

static const struct {
    const char *word;
    enum smtp_stage stage;
    unsigned seconds;
} steps[] = {
#define STEP(name, word, stage, seconds) [name] = {word, stage, seconds},
    SMTP_STATE_LIST(STEP)
#undef STEP
};

enum smtp_stage session_stage(enum smtp_state step)
{
    return steps[step].stage;
}

enum smtp_stage session_stage_now(const struct smtp_session *session)
{
    return session->awaited_count > 0
               ? session_stage(session->awaited[session->awaited_first].step)
               : session_stage(session->state);
}

const struct smtp_awaited *session_awaited_now(const struct smtp_session *session)
{
    const struct smtp_awaited *head = &session->awaited[session->awaited_first];
    bool has_left = session->awaited_count > 0 && head->end <= session->written;
    return has_left ? head : NULL;
}

static bool edge_is_legal(enum smtp_state from, enum smtp_state to)
{
    switch (from) {
    case SMTP_NEW: return to == SMTP_GREETING;
    case SMTP_GREETING: return to == SMTP_EHLO || to == SMTP_HELO;
    case SMTP_EHLO: return to == SMTP_HELO || to == SMTP_IDLE;
    case SMTP_HELO: return to == SMTP_IDLE;
    case SMTP_IDLE:
        return to == SMTP_RSET || to == SMTP_MAIL || to == SMTP_QUIT ||
               to == SMTP_CLOSING;
    case SMTP_RSET: return to == SMTP_MAIL || to == SMTP_IDLE;
    case SMTP_MAIL: return to == SMTP_RCPT || to == SMTP_IDLE;
    case SMTP_RCPT: return to == SMTP_DATA || to == SMTP_IDLE;
    case SMTP_DATA: return to == SMTP_BODY || to == SMTP_IDLE || to == SMTP_CLOSING;
    case SMTP_BODY: return to == SMTP_IDLE;
    case SMTP_DOT:
    case SMTP_QUIT:
    case SMTP_CLOSING:
    case SMTP_OVER: return false;
    }
    return false;
}

void session_set_state(struct smtp_session *session, enum smtp_state state)
{
    if (session->state == state)
        return;
    CHECK(state == SMTP_OVER || edge_is_legal(session->state, state));
    if (log_is_on(LOG_DEBUG))
        log_line(LOG_DEBUG, "smtp-state", "%p: %s > %s", (void *)session,
                 steps[session->state].word, steps[state].word);
    session->state = state;
}

struct smtp_message *session_message_in(const struct smtp_session *session,
                                        enum smtp_phase phase)
{
    /* Those that are not queued are in front, and at most three. */
    LIST_FOREACH(node, &session->messages)
    {
        struct smtp_message *message = container_of(node, struct smtp_message, link);
        if (message->phase == phase)
            return message;
    }
    return NULL;
}

struct smtp_session *smtp_session_new(const struct smtp_params *params,
                                      const struct smtp_events *events)
{
    CHECK(params->depth >= 1 && params->depth <= DEPTH_MAX);
    struct smtp_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return NULL;
    session->params = *params;
    session->events = *events;
    smtp_reply_parser_init(&session->parser);
    list_init(&session->messages);
    buf_init(&session->out, SMTP_OUT_MAX);
    session->deadline_ns = UINT64_MAX;
    session->deadline_end = DEADLINE_NONE;
    /* All the memory it will need for its own lines, now: none later, none can fail. */
    if (buf_reserve(&session->out, SMTP_OUT_MAX) == NULL) {
        smtp_session_free(session);
        return NULL;
    }
    return session;
}

void smtp_session_free(struct smtp_session *session)
{
    if (session == NULL)
        return;
    smtp_reply_parser_fini(&session->parser);
    buf_fini(&session->out);
    free(session);
}

/* Whether every message held has been answered: a refusal that may still be
 * contradicted waits for the reply to QUIT. */
static bool is_answered(const struct smtp_session *session)
{
    return session->awaited_count == 0 &&
           session->held == session->verdict_count - session->verdicts_reported;
}

/* Between two transactions: the next one, or QUIT. */
static bool send_from_idle(struct smtp_session *session)
{
    if (session_message_in(session, SMTP_PHASE_QUEUED) != NULL)
        session_set_state(session, session->needs_rset ? session_send_rset(session)
                                                       : session_send_mail(session));
    else if (session->is_quitting && is_answered(session))
        session_set_state(session, session_send_quit(session));
    else
        return false;
    return true;
}

/* The terminator gate. */
static bool send_dot_if_armed(struct smtp_session *session)
{
    struct smtp_message *message = session_message_in(session, SMTP_PHASE_BODY);
    CHECK(message != NULL);
    if (!message->armed)
        return false;
    session_set_state(session, session_send_dot(session, message));
    return true;
}

/* Runs the one send half that may run now; false if there is none. */
static bool send_one(struct smtp_session *session)
{
    if (session->awaited_count > 0 && !session->is_pipelined)
        return false;
    switch (session->state) {
    case SMTP_IDLE: return send_from_idle(session);
    case SMTP_RSET: session_set_state(session, session_send_mail(session)); return true;
    case SMTP_MAIL: session_set_state(session, session_send_rcpt(session)); return true;
    case SMTP_RCPT: session_set_state(session, session_send_data(session)); return true;
    case SMTP_BODY: return send_dot_if_armed(session);
    case SMTP_NEW:
    case SMTP_GREETING:
    case SMTP_EHLO:
    case SMTP_HELO:
    case SMTP_DATA:
    case SMTP_DOT:
    case SMTP_QUIT:
    case SMTP_CLOSING:
    case SMTP_OVER: return false;
    }
    return false;
}

static uint64_t from_now(const struct smtp_session *session, uint64_t in_ns)
{
    unsigned percent = session->params.timeout_percent;
    return session->now_ns + in_ns / 100 * (percent > 0 ? percent : 100);
}

uint64_t session_seconds_from_now(const struct smtp_session *session, uint64_t seconds)
{
    return from_now(session, seconds * NS_PER_S);
}

/* Nothing moves a deadline but that it is for something else now; in_ns 0: none. */
static void deadline_set(struct smtp_session *session, uint64_t end, uint64_t in_ns)
{
    if (session->deadline_end == end)
        return;
    session->deadline_end = end;
    session->deadline_ns = in_ns == 0 ? UINT64_MAX : from_now(session, in_ns);
}

/* Each time that octets are taken there is more of it, up to the body's own end. */
static void deadline_set_writing(struct smtp_session *session)
{
    deadline_set(session, DEADLINE_WRITING, SMTP_WRITE_SECONDS * NS_PER_S);
    if (session->body != NULL && session->body_until_ns < session->deadline_ns)
        session->deadline_ns = session->body_until_ns;
}

/* One deadline for each reply, from when its command had left and it was its turn; it
 * does not move because bytes of the reply, or of something else, come in. */
static void deadline_update(struct smtp_session *session)
{
    const struct smtp_awaited *now = session_awaited_now(session);
    if (now != NULL)
        deadline_set(session, now->end, steps[now->step].seconds * NS_PER_S);
    else if (session_has_output(session))
        deadline_set_writing(session);
    else if (session->is_contestable)
        deadline_set(session, DEADLINE_SETTLE, SMTP_SETTLE_MS * NS_PER_MS);
    else
        deadline_set(session, DEADLINE_NONE, 0);
}

void session_forget_deadline(struct smtp_session *session)
{
    session->deadline_end = DEADLINE_STALE;
}

void session_write_progressed(struct smtp_session *session)
{
    if (session->deadline_end == DEADLINE_WRITING)
        session_forget_deadline(session);
}

static void report_trouble(struct smtp_session *session, struct smtp_message *message,
                           enum smtp_trouble trouble)
{
    struct outcome outcome = {.text = STR(""), .remote_id = STR("")};
    smtp_policy_trouble(&outcome, SMTP_STAGE_MAIL, trouble);
    session_report(session, message, &outcome);
}

void session_report_queued(struct smtp_session *session)
{
    struct smtp_message *message;
    while ((message = session_message_in(session, SMTP_PHASE_QUEUED)) != NULL)
        report_trouble(session, message, SMTP_TROUBLE_CLOSED);
}

void session_pump(struct smtp_session *session)
{
    if (session->state == SMTP_OVER)
        return;
    while (send_one(session))
        ;
    deadline_update(session);
}

void smtp_session_start(struct smtp_session *session, uint64_t now_ns)
{
    session->now_ns = now_ns;
    session_set_state(session, SMTP_GREETING);
    session_await(session, SMTP_GREETING, NULL);
    session_pump(session);
}

static bool is_ready(const struct smtp_session *session)
{
    return session->state >= SMTP_IDLE && session->state < SMTP_QUIT;
}

unsigned smtp_session_room(const struct smtp_session *session)
{
    return is_ready(session) && !session->is_quitting
               ? session->params.depth - session->held
               : 0;
}

/* Why the server can never take the message; false if nothing speaks against it. */
static bool is_unfit(const struct smtp_session *session,
                     const struct smtp_message *message, enum smtp_trouble *trouble)
{
    const struct smtp_capabilities *can = &session->capabilities;
    bool is_utf8 = message->needs_smtputf8;
    if (!smtp_path_is_sound(message->mail_from, is_utf8) ||
        !smtp_path_is_sound(message->rcpt, is_utf8) || message->rcpt.n == 0)
        *trouble = SMTP_TROUBLE_ADDRESS;
    else if (is_utf8 && !smtp_can(can, SMTP_CAN_SMTPUTF8))
        *trouble = SMTP_TROUBLE_NO_SMTPUTF8;
    else if (message->needs_8bitmime && !smtp_can(can, SMTP_CAN_8BITMIME))
        *trouble = SMTP_TROUBLE_NO_8BITMIME;
    else if (can->size_max > 0 && message->bytes > can->size_max)
        *trouble = SMTP_TROUBLE_SIZE;
    else
        return false;
    return true;
}

bool smtp_message_is_overtaken(const struct smtp_message *message)
{
    return message->phase == SMTP_PHASE_QUEUED && !message->is_paced;
}

bool smtp_message_has_begun(const struct smtp_message *message)
{
    return message->phase != SMTP_PHASE_QUEUED;
}

/* Behind the others, or behind the last that it does not overtake: a message that waits
 * its turn behind a full queue of others arrives late by as many round trips, and the
 * pace that the receiver sees would be the queue's. */
static void enqueue(struct smtp_session *session, struct smtp_message *message)
{
    struct list *before = &session->messages;
    LIST_FOREACH(node, &session->messages)
    {
        if (!message->is_paced)
            break;
        if (smtp_message_is_overtaken(container_of(node, struct smtp_message, link))) {
            before = node;
            break;
        }
    }
    list_insert_before(before, &message->link);
    session->held++;
}

void smtp_session_submit(struct smtp_session *session, struct smtp_message *message,
                         uint64_t now_ns)
{
    CHECK(smtp_session_room(session) > 0);
    session->now_ns = now_ns;
    message->phase = SMTP_PHASE_QUEUED;
    message->terminator_end = 0;
    list_init(&message->link);
    enqueue(session, message);
    enum smtp_trouble trouble;
    if (is_unfit(session, message, &trouble)) {
        report_trouble(session, message, trouble);
        return;
    }
    if (!message->armed)
        session->events.arm(session->events.self, message);
    session_pump(session);
}

void smtp_session_armed(struct smtp_session *session, struct smtp_message *message)
{
    message->armed = true;
    session_pump(session);
}

void smtp_session_withdraw(struct smtp_session *session, struct smtp_message *message)
{
    CHECK(!message->armed && message->phase != SMTP_PHASE_DOT);
    if (session->state == SMTP_OVER)
        return;
    if (message->phase == SMTP_PHASE_BODY) {
        /* The only way not to deliver what the server is reading. */
        session_fail(session, SMTP_TROUBLE_WITHDRAWN, STR(""));
        return;
    }
    /* Refused already: that verdict stands. */
    if (message->phase == SMTP_PHASE_ENVELOPE && session->envelope != message)
        return;
    if (message->phase == SMTP_PHASE_ENVELOPE)
        session_withdraw_envelope(session);
    report_trouble(session, message, SMTP_TROUBLE_WITHDRAWN);
    session_pump(session);
}

void smtp_session_quit(struct smtp_session *session, uint64_t now_ns)
{
    session->now_ns = now_ns;
    session->is_quitting = true;
    if (session->state < SMTP_IDLE) {
        session_fail(session, SMTP_TROUBLE_CLOSED, STR(""));
        return;
    }
    session_report_queued(session);
    session_pump(session);
}

void smtp_session_feed(struct smtp_session *session, struct str bytes, uint64_t now_ns)
{
    session->now_ns = now_ns;
    while (bytes.n > 0 && session->state != SMTP_OVER) {
        struct smtp_reply reply;
        size_t used;
        enum smtp_reply_result result =
            smtp_reply_feed(&session->parser, bytes, &used, &reply);
        bytes = str_from(bytes, used);
        if (result == SMTP_REPLY_BAD)
            session_malformed(session);
        else if (result == SMTP_REPLY_WHOLE)
            session_take_reply(session, &reply);
    }
    session_settle(session);
    session_pump(session);
}

uint64_t smtp_session_deadline_ns(const struct smtp_session *session)
{
    return session->deadline_ns;
}

void smtp_session_timeout(struct smtp_session *session, uint64_t now_ns)
{
    if (session->state == SMTP_OVER || now_ns < session->deadline_ns)
        return;
    session->now_ns = now_ns;
    if (session->deadline_end == DEADLINE_SETTLE) {
        session_settle_refusal(session);
        session_pump(session);
    } else {
        session_time_out(session);
    }
}

bool smtp_session_is_pipelined(const struct smtp_session *session)
{
    return session->is_pipelined;
}

bool smtp_session_has_broken_pipelining(const struct smtp_session *session)
{
    return session->has_broken_pipelining;
}

bool smtp_session_was_lost_ahead(const struct smtp_session *session)
{
    return session->was_lost_ahead;
}
