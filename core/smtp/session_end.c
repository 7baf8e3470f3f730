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
                 enum smtp_anomaly anomaly, bool was_orderly)
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
    if (anomaly == SMTP_DESYNCHRONISED)
        session->verdict_count = session->verdicts_reported = 0;
    session_release_verdicts(session);
    report_the_rest(session, why);
    session->events.over(session->events.self, why, was_orderly);
}

static void end_by_trouble(struct smtp_session *session, enum smtp_trouble trouble,
                           struct str text, enum smtp_anomaly anomaly, bool was_orderly)
{
    struct outcome why = {.text = text, .remote_id = STR("")};
    smtp_policy_trouble(&why, session_stage_now(session), trouble);
    session_end(session, &why, anomaly, was_orderly);
}

/* Whether a refusal of the dot was followed by something that is not plainly an end:
 * it may be the beginning of another answer. */
static bool is_contradicted(const struct smtp_session *session,
                            enum smtp_trouble trouble)
{
    return session->is_contestable && (trouble == SMTP_TROUBLE_PROTOCOL ||
                                       smtp_reply_fragment(&session->parser).n > 0);
}

void session_fail(struct smtp_session *session, enum smtp_trouble trouble,
                  struct str why)
{
    enum smtp_anomaly anomaly =
        is_contradicted(session, trouble) ? SMTP_DESYNCHRONISED : SMTP_ENDED;
    if (session->state == SMTP_CLOSING && anomaly == SMTP_ENDED) {
        struct outcome closing = session->verdicts[session->verdict_count - 1].outcome;
        session_end(session, &closing, SMTP_ENDED, false);
        return;
    }
    struct str fragment = smtp_reply_fragment(&session->parser);
    char text[OUTCOME_TEXT_MAX];
    size_t n = smtp_text_append(text, 0, why);
    if (n > 0 && fragment.n > 0) {
        n = smtp_text_append(text, n, STR(" (the reply began with: "));
        n = smtp_text_append(text, n, fragment);
        n = smtp_text_append(text, n, STR(")"));
    }
    end_by_trouble(session, trouble, str_slice(text, n), anomaly, false);
}

void session_desync(struct smtp_session *session, const char *why)
{
    end_by_trouble(session, SMTP_TROUBLE_PROTOCOL, str_of(why), SMTP_DESYNCHRONISED,
                   false);
}

void session_close_orderly(struct smtp_session *session)
{
    end_by_trouble(session, SMTP_TROUBLE_CLOSED, STR(""), SMTP_ENDED, true);
}

/* The message that was made to wait is charged, or it would come back at once to the
 * same tar pit; in doubt if it was its dot that was not answered. */
static void blame_head(struct smtp_session *session)
{
    const struct smtp_awaited *head = &session->awaited[session->awaited_first];
    struct smtp_message *message = head->message;
    if (session->awaited_count == 0 || head->end > session->written)
        return;
    /* It has answered what stood in front of it, and lost the rest (S19)? */
    session->has_broken_pipelining |= head->is_behind;
    if (message == NULL || session_is_handed_over(session, message))
        return;
    CHECK(session->verdict_count < SMTP_VERDICTS_MAX);
    struct session_verdict *verdict = &session->verdicts[session->verdict_count++];
    verdict->message = message;
    verdict->outcome = (struct outcome){.text = STR(""), .remote_id = STR("")};
    smtp_policy_trouble(&verdict->outcome, session_stage(head->step),
                        SMTP_TROUBLE_TIMEOUT);
}

void session_time_out(struct smtp_session *session)
{
    if (session->state == SMTP_QUIT) {
        session_close_orderly(session);
        return;
    }
    blame_head(session);
    session_fail(session, SMTP_TROUBLE_TIMEOUT, STR("no answer in time"));
}

void smtp_session_lost(struct smtp_session *session, struct str why)
{
    if (session->state == SMTP_QUIT)
        session_close_orderly(session);
    else if (session->state != SMTP_OVER)
        session_fail(session, SMTP_TROUBLE_LOST, why);
}

void smtp_session_abort(struct smtp_session *session, struct str why)
{
    if (session->state != SMTP_OVER)
        session_fail(session, SMTP_TROUBLE_CLOSED, why);
}
