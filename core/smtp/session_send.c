/*
 * The send halves: what goes on the wire, and the accounting of what the kernel took.
 *
 * `queued` and `written` count octets of the stream since the connection stood. A
 * command's reply may come when `written` has passed its end, a message may have been
 * accepted when `written` has reached its terminator's: both questions are one
 * comparison, whatever was pipelined around it.
 */
#include "core/smtp/session_state.h"

void session_await(struct smtp_session *session, enum smtp_state step,
                   struct smtp_message *message)
{
    CHECK(session->awaited_count < SMTP_AWAITED_MAX);
    unsigned at = (session->awaited_first + session->awaited_count) % SMTP_AWAITED_MAX;
    session->awaited[at] = (struct smtp_awaited){step, message, session->queued,
                                                 session->awaited_count > 0};
    session->awaited_count++;
}

/* After the command writer: it refuses nothing here, because names and paths were
 * checked when they came in. */
static void command_sent(struct smtp_session *session, bool was_written,
                         size_t bytes_before, enum smtp_state step,
                         struct smtp_message *message)
{
    CHECK(was_written);
    session->queued += session->out.n - bytes_before;
    session_await(session, step, message);
}

enum smtp_state session_send_hello(struct smtp_session *session, bool is_ehlo)
{
    enum smtp_state step = is_ehlo ? SMTP_EHLO : SMTP_HELO;
    size_t before = session->out.n;
    bool written = smtp_command_hello(&session->out, is_ehlo, session->params.helo);
    command_sent(session, written, before, step, NULL);
    return step;
}

enum smtp_state session_send_rset(struct smtp_session *session)
{
    size_t before = session->out.n;
    bool written = smtp_command_bare(&session->out, STR("RSET"));
    command_sent(session, written, before, SMTP_RSET, NULL);
    session->needs_rset = false;
    return SMTP_RSET;
}

enum smtp_state session_send_mail(struct smtp_session *session)
{
    struct smtp_message *message = session_message_in(session, SMTP_PHASE_QUEUED);
    /* Withdrawn while RSET was on its way. */
    if (message == NULL)
        return SMTP_IDLE;
    struct smtp_mail_params mail = {
        .from = message->mail_from,
        .size = message->bytes,
        .has_size = smtp_can(&session->capabilities, SMTP_CAN_SIZE),
        .is_8bitmime = message->needs_8bitmime,
        .is_smtputf8 = message->needs_smtputf8,
    };
    size_t before = session->out.n;
    bool written = smtp_command_mail(&session->out, &mail);
    command_sent(session, written, before, SMTP_MAIL, message);
    message->phase = SMTP_PHASE_ENVELOPE;
    session->envelope = message;
    session->rcpt_accepted = session->is_withdrawn = false;
    return SMTP_MAIL;
}

enum smtp_state session_send_rcpt(struct smtp_session *session)
{
    struct smtp_message *message = session->envelope;
    size_t before = session->out.n;
    bool written =
        smtp_command_rcpt(&session->out, message->rcpt, message->needs_smtputf8);
    command_sent(session, written, before, SMTP_RCPT, message);
    return SMTP_RCPT;
}

enum smtp_state session_send_data(struct smtp_session *session)
{
    size_t before = session->out.n;
    bool written = smtp_command_bare(&session->out, STR("DATA"));
    command_sent(session, written, before, SMTP_DATA, session->envelope);
    return SMTP_DATA;
}

static uint64_t content_bytes(const struct smtp_message *message)
{
    uint64_t total = 0;
    for (size_t i = 0; i < message->slice_count; i++)
        total += message->slices[i].n;
    return total;
}

/* Or it is empty: else the terminator would be no line. */
static bool content_ends_in_crlf(const struct smtp_message *message)
{
    char end[2];
    size_t n = 0;
    for (size_t i = message->slice_count; i-- > 0 && n < 2;)
        for (size_t at = message->slices[i].n; at-- > 0 && n < 2;)
            end[n++] = message->slices[i].p[at];
    return n == 0 || (n == 2 && end[0] == '\n' && end[1] == '\r');
}

enum smtp_state session_send_body(struct smtp_session *session,
                                  struct smtp_message *message)
{
    /* DATA was answered, and nothing may stand behind DATA in a group. */
    CHECK(session->out.n == 0 && session->body == NULL);
    CHECK(content_ends_in_crlf(message));
    uint64_t bytes = content_bytes(message);
    message->phase = SMTP_PHASE_BODY;
    session->envelope = NULL;
    session->queued += bytes;
    session->body = bytes > 0 ? message : NULL;
    session->slice = session->slice_taken = 0;
    session->split = 0;
    uint64_t seconds = bytes / SMTP_BODY_BYTES_PER_S;
    session->body_until_ns = session_seconds_from_now(
        session, seconds > SMTP_BODY_SECONDS ? seconds : SMTP_BODY_SECONDS);
    return SMTP_BODY;
}

enum smtp_state session_send_dot(struct smtp_session *session,
                                 struct smtp_message *message)
{
    size_t before = session->out.n;
    bool written = smtp_command_bare(&session->out, STR("."));
    command_sent(session, written, before, SMTP_DOT, message);
    if (message != NULL) {
        message->phase = SMTP_PHASE_DOT;
        message->terminator_end = session->queued;
    }
    return SMTP_IDLE;
}

enum smtp_state session_send_quit(struct smtp_session *session)
{
    size_t before = session->out.n;
    bool written = smtp_command_bare(&session->out, STR("QUIT"));
    command_sent(session, written, before, SMTP_QUIT, NULL);
    return SMTP_QUIT;
}

bool session_is_handed_over(const struct smtp_session *session,
                            const struct smtp_message *message)
{
    return message->phase == SMTP_PHASE_DOT &&
           session->written >= message->terminator_end;
}

bool session_has_output(const struct smtp_session *session)
{
    return session->body != NULL || session->out_taken < session->out.n;
}

void session_drop_output(struct smtp_session *session)
{
    buf_clear(&session->out);
    session->out_taken = session->split = 0;
    session->body = NULL;
}

static void slice_add(struct str *slices, size_t *count, struct str slice)
{
    if (slice.n > 0)
        slices[(*count)++] = slice;
}

size_t smtp_session_output(struct smtp_session *session, struct str *slices, size_t max)
{
    struct str out = buf_str(&session->out);
    size_t split = session->body != NULL ? session->split : out.n;
    size_t count = 0;
    if (max == 0)
        return 0;
    slice_add(slices, &count, str_from(str_head(out, split), session->out_taken));
    if (session->body == NULL)
        return count;
    const struct smtp_message *body = session->body;
    size_t taken = session->slice_taken;
    for (size_t i = session->slice; i < body->slice_count; i++) {
        if (count == max)
            return count;
        slice_add(slices, &count, str_from(body->slices[i], taken));
        taken = 0;
    }
    if (count < max)
        slice_add(slices, &count, str_from(out, split));
    return count;
}

/* The kernel took up to `bytes` of the body; returns how many that accounts for. */
static size_t body_took(struct smtp_session *session, size_t bytes)
{
    const struct smtp_message *body = session->body;
    size_t left = bytes;
    while (session->slice < body->slice_count) {
        size_t rest = body->slices[session->slice].n - session->slice_taken;
        if (left < rest) {
            session->slice_taken += left;
            return bytes;
        }
        left -= rest;
        session->slice++;
        session->slice_taken = 0;
    }
    session->body = NULL;
    return bytes - left;
}

static size_t out_took(struct smtp_session *session, size_t end, size_t bytes)
{
    size_t rest = end - session->out_taken;
    size_t take = bytes < rest ? bytes : rest;
    session->out_taken += take;
    return take;
}

void smtp_session_wrote(struct smtp_session *session, size_t bytes, uint64_t now_ns)
{
    session->now_ns = now_ns;
    if (bytes == 0)
        return;
    session->written += bytes;
    CHECK(session->written <= session->queued);
    if (session->body != NULL) {
        bytes -= out_took(session, session->split, bytes);
        if (session->out_taken == session->split)
            bytes -= body_took(session, bytes);
    }
    if (session->body == NULL)
        (void)out_took(session, session->out.n, bytes);
    if (session->out_taken == session->out.n && session->out.n > 0) {
        buf_clear(&session->out);
        session->out_taken = session->split = 0;
    }
    session_write_progressed(session);
    session_pump(session);
}
