/*
 * How a session ends, and what that means for each message it still holds.
 *
 * Where it stopped decides: a message whose last octet the kernel has and whose reply
 * did not come is in doubt; any other certainly did not leave and is free to go out
 * again. Verdicts that replies have already given stand, unless it was found out that
 * replies and commands do not match.
 */
#include "core/smtp/session_state.h"

void session_report(struct smtp_session *session, struct smtp_message *message,
                    const struct outcome *outcome)
{
    list_remove(&message->link);
    session->held--;
    session->events.done(session->events.self, message, outcome);
}

/* A done may end the session and come back here: each verdict is counted as reported
 * before it is. */
void session_release_verdicts(struct smtp_session *session)
{
    while (session->verdicts_reported < session->verdict_count) {
        struct session_verdict *verdict =
            &session->verdicts[session->verdicts_reported++];
        session_report(session, verdict->message, &verdict->outcome);
    }
    session->verdict_count = session->verdicts_reported = 0;
}

static void report_the_rest(struct smtp_session *session, const struct outcome *why)
{
    while (!list_is_empty(&session->messages)) {
        struct smtp_message *message =
            container_of(session->messages.next, struct smtp_message, link);
        struct outcome outcome = *why;
        outcome.code = 0;
        memset(outcome.enhanced, 0, sizeof outcome.enhanced);
        outcome.suppress = false;
        outcome.state = OUTCOME_UNSENT;
        if (session_is_handed_over(session, message))
            smtp_policy_in_doubt(&outcome);
        session_report(session, message, &outcome);
    }
}

void session_end(struct smtp_session *session, const struct outcome *why,
                 bool was_orderly)
{
    if (session->state == SMTP_OVER)
        return;
    /* First of all, so that nothing is submitted from within a done. */
    session_set_state(session, SMTP_OVER);
    session->awaited_count = 0;
    session->envelope = NULL;
    session->is_contestable = false;
    session->deadline_ns = UINT64_MAX;
    session_drop_output(session);
    session_release_verdicts(session);
    report_the_rest(session, why);
    session->events.over(session->events.self, why, was_orderly);
}

static void end_by_trouble(struct smtp_session *session, enum smtp_trouble trouble,
                           struct str text, bool was_orderly)
{
    struct outcome why = {.text = text, .remote_id = STR("")};
    smtp_policy_trouble(&why, session_stage_now(session), trouble);
    session_end(session, &why, was_orderly);
}

/* `why`, and what came of a reply that was not whole or none at all. */
static struct str explain(const struct smtp_session *session, struct str why,
                          char text[OUTCOME_TEXT_MAX])
{
    struct str fragment = smtp_reply_fragment(&session->parser);
    size_t n = smtp_text_append(text, 0, why);
    if (n > 0 && fragment.n > 0) {
        n = smtp_text_append(text, n, STR(" (the reply began with: "));
        n = smtp_text_append(text, n, fragment);
        n = smtp_text_append(text, n, STR(")"));
    }
    return str_slice(text, n);
}

static void drop_verdicts(struct smtp_session *session)
{
    session->verdict_count = session->verdicts_reported = 0;
}

/* The message at which the server went wrong is charged, or it would come back at once
 * to meet the same again; not if it may have been taken. */
static void blame(struct smtp_session *session, struct smtp_message *message,
                  enum smtp_stage stage, enum smtp_trouble trouble, struct str why)
{
    if (message == NULL || session_is_handed_over(session, message))
        return;
    CHECK(session->verdict_count < SMTP_VERDICTS_MAX);
    struct session_verdict *verdict = &session->verdicts[session->verdict_count++];
    verdict->message = message;
    size_t n = smtp_text_append(verdict->text, 0, why);
    verdict->outcome =
        (struct outcome){.text = str_slice(verdict->text, n), .remote_id = STR("")};
    smtp_policy_trouble(&verdict->outcome, stage, trouble);
}

/* A refusal of the dot was followed by the beginning of another answer; not of QUIT's.
 */
static bool is_contested(const struct smtp_session *session)
{
    struct str fragment = smtp_reply_fragment(&session->parser);
    bool is_quit = session->state == SMTP_QUIT && str_has_prefix(fragment, STR("221"));
    return session->is_contestable && fragment.n > 0 && !is_quit;
}

void session_fail(struct smtp_session *session, enum smtp_trouble trouble,
                  struct str why)
{
    char text[OUTCOME_TEXT_MAX];
    if (is_contested(session)) {
        drop_verdicts(session);
    } else if (session->state == SMTP_CLOSING) {
        struct outcome closing = session->verdicts[session->verdict_count - 1].outcome;
        session_end(session, &closing, false);
        return;
    }
    end_by_trouble(session, trouble, explain(session, why, text), false);
}

void session_desync(struct smtp_session *session, struct smtp_message *message,
                    const char *why)
{
    drop_verdicts(session);
    /* What stands before it was confused as well, and is in doubt: then it is that one
     * at which the server went wrong. */
    if (message != NULL && session->messages.next == &message->link)
        blame(session, message, session_stage_now(session), SMTP_TROUBLE_PROTOCOL,
              str_of(why));
    end_by_trouble(session, SMTP_TROUBLE_PROTOCOL, str_of(why), false);
}

void session_malformed(struct smtp_session *session)
{
    char text[OUTCOME_TEXT_MAX];
    struct str why = explain(session, str_of(session->parser.why), text);
    const struct smtp_awaited *now = session_awaited_now(session);
    if (session->is_contestable)
        drop_verdicts(session);
    else if (now != NULL)
        blame(session, now->message, session_stage(now->step), SMTP_TROUBLE_PROTOCOL,
              why);
    end_by_trouble(session, SMTP_TROUBLE_PROTOCOL, why, false);
}

void session_close_orderly(struct smtp_session *session)
{
    end_by_trouble(session, SMTP_TROUBLE_CLOSED, STR(""), true);
}

void session_time_out(struct smtp_session *session)
{
    if (session->state == SMTP_QUIT && !is_contested(session)) {
        session_close_orderly(session);
        return;
    }
    const struct smtp_awaited *now = session_awaited_now(session);
    if (now != NULL) {
        /* It has answered what stood in front of it, and lost the rest (S19)? One that
         * drips an answer has it. */
        session->has_broken_pipelining |=
            now->is_behind && smtp_reply_fragment(&session->parser).n == 0;
        blame(session, now->message, session_stage(now->step), SMTP_TROUBLE_TIMEOUT,
              STR(""));
    }
    session_fail(session, SMTP_TROUBLE_TIMEOUT,
                 session->body != NULL ? STR("the message is not taken in time")
                                       : STR("no answer in time"));
}

/* Of the first group on the connection nothing was answered. */
static bool is_first_group_unanswered(const struct smtp_session *session)
{
    const struct smtp_awaited *now = session_awaited_now(session);
    unsigned next = (session->awaited_first + 1) % SMTP_AWAITED_MAX;
    return now != NULL && now->step == SMTP_MAIL && session->answered == 0 &&
           session->awaited_count > 1 &&
           session->awaited[next].end <= session->written &&
           smtp_reply_fragment(&session->parser).n == 0;
}

void smtp_session_lost(struct smtp_session *session, struct str why)
{
    session->was_lost_ahead |= is_first_group_unanswered(session);
    if (session->state == SMTP_QUIT && !is_contested(session))
        session_close_orderly(session);
    else if (session->state != SMTP_OVER)
        session_fail(session, SMTP_TROUBLE_LOST, why);
}

void smtp_session_abort(struct smtp_session *session, struct str why)
{
    if (session->state != SMTP_OVER)
        session_fail(session, SMTP_TROUBLE_CLOSED, why);
}
