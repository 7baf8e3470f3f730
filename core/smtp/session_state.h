/*
 * session_state.h - the inside of a session, shared by its files only
 *
 * The sending side is the state: what was sent last and what that lets us send next.
 * The receiving side is one FIFO of steps whose reply is awaited: sending pushes, a
 * reply pops. There is no second set of counters. With PIPELINING a whole envelope is
 * pushed at once and the state runs ahead of the FIFO; without it every send half
 * waits until the FIFO is empty.
 *
 *   NEW > GREETING > EHLO (> HELO) > IDLE > [RSET >] MAIL > RCPT > DATA > BODY > IDLE
 *                                    IDLE > QUIT;  any > OVER
 *   a 421 to a final dot, with PIPELINING also from DATA:  IDLE > CLOSING > OVER
 *
 * DOT is no state but only a step that is awaited: with PIPELINING the next envelope
 * follows it in the same group.
 *
 * If you add a state (STARTTLS and AUTH go between EHLO and IDLE, BDAT beside DATA):
 * a line in SMTP_STATE_LIST with its stage and timeout, its edges in edge_is_legal,
 * a send half in session_send.c, a reply half in session_reply.c, dialogues in tests/.
 *
 * What leaves is [out up to split][rest of the body][rest of out]. There is never more
 * than one body there: the next one may not begin before the reply to its DATA, which
 * the server cannot give before it has read the body before it.
 *
 * Outcomes are not reported the moment a reply comes but when the group that carried it
 * has been matched to its end: a group ends in DATA, and only DATA is answered with
 * 354. So a server that slips in one reply too many is found out before anything was
 * said about the messages it confuses. Behind the last message there is no such group;
 * there a reply too many is found out if it came in one piece with the true one, which
 * is why nothing is reported before all that has come was looked at. There are at most
 * two such verdicts: the message before and the one whose envelope it is.
 *
 * A refusal of the last dot waits a little longer, because it is what makes a message
 * go out again: if "250" follows "451", the message may have been taken, and a second
 * copy cannot be called back. It is contestable for SMTP_SETTLE_MS, or until the next
 * DATA is answered, or QUIT, which is sent at once where it is due: only QUIT is
 * answered with 221. After a 421 the server must close (RFC 5321 section 3.8), so there
 * the refusal stands when it has. A 250 is believed at once: with it the server has
 * taken the responsibility, and to hold back each last message would cost everybody.
 * Rejected: a NOOP behind the last dot. It tells "250 451" only, and servers count it
 * against the session (Exim's smtp_accept_max_nonmail is ten).
 *
 * Owns, Keeps, Thread, Time, Errors, Limits: as session.h says.
 */
#ifndef BROADSIDE_SMTP_SESSION_STATE_H
#define BROADSIDE_SMTP_SESSION_STATE_H

#include "core/base/clock.h"
#include "core/smtp/capability.h"
#include "core/smtp/command.h"
#include "core/smtp/policy.h"
#include "core/smtp/session.h"

/* name, word for logs, stage, seconds to wait for the reply (RFC 5321 section 4.5.3.2;
 * QUIT: nobody needs the answer) */
#define SMTP_STATE_LIST(X)                                                             \
    X(SMTP_NEW, "new", SMTP_STAGE_CONNECT, 0)                                          \
    X(SMTP_GREETING, "greeting", SMTP_STAGE_CONNECT, 300)                              \
    X(SMTP_EHLO, "ehlo", SMTP_STAGE_EHLO, 300)                                         \
    X(SMTP_HELO, "helo", SMTP_STAGE_EHLO, 300)                                         \
    X(SMTP_IDLE, "idle", SMTP_STAGE_MAIL, 0)                                           \
    X(SMTP_RSET, "rset", SMTP_STAGE_MAIL, 300)                                         \
    X(SMTP_MAIL, "mail", SMTP_STAGE_MAIL, 300)                                         \
    X(SMTP_RCPT, "rcpt", SMTP_STAGE_RCPT, 300)                                         \
    X(SMTP_DATA, "data", SMTP_STAGE_DATA, 120)                                         \
    X(SMTP_BODY, "body", SMTP_STAGE_DATA, 0)                                           \
    X(SMTP_DOT, "dot", SMTP_STAGE_DOT, 600)                                            \
    X(SMTP_QUIT, "quit", SMTP_STAGE_CONNECT, 5)                                        \
    X(SMTP_CLOSING, "closing", SMTP_STAGE_DOT, 5)                                      \
    X(SMTP_OVER, "over", SMTP_STAGE_CONNECT, 0)

enum smtp_state {
#define SMTP_STATE_ENUM(name, word, stage, seconds) name,
    SMTP_STATE_LIST(SMTP_STATE_ENUM)
#undef SMTP_STATE_ENUM
};

/* So long a refusal of the last dot can be contradicted. */
#define SMTP_SETTLE_MS 100u
/* While octets wait to be sent: so long without the kernel taking any (RFC 5321's for a
 * block of DATA). */
#define SMTP_WRITE_SECONDS 180u
/* For a whole body: so long, or as many octets a second at least, whichever gives it
 * more time. A server that takes a segment every three minutes keeps to RFC 5321, and
 * would hold the connection for hours. */
#define SMTP_BODY_SECONDS     600u
#define SMTP_BODY_BYTES_PER_S 1024u
/* Refusals in a row after which another connection is cheaper. Servers count them: from
 * the tenth on Postfix answers everything a second late, and closes at the twentieth;
 * Exim closes at the eleventh RSET. A recipient that was refused makes two with
 * PIPELINING, because DATA was sent as well. A dead domain of 60 recipients, over two
 * connections, took 72 s at a Postfix before there was this limit. */
#define SMTP_ERRORS_MAX 8u
/* [DOT RSET MAIL RCPT DATA] is the longest group. */
#define SMTP_AWAITED_MAX  8u
#define SMTP_OUT_MAX      4096u
#define SMTP_VERDICTS_MAX 2u

/* smtp_message.phase */
enum smtp_phase {
    SMTP_PHASE_QUEUED,
    SMTP_PHASE_ENVELOPE,
    SMTP_PHASE_BODY,
    SMTP_PHASE_DOT,
};

struct smtp_awaited {
    enum smtp_state step;
    /* NULL: for nobody (the session's own commands, a refused or withdrawn message). */
    struct smtp_message *message;
    /* The octet of the stream behind the command: no reply can come before it left. */
    uint64_t end;
    /* It was sent before the reply to the one in front of it had come. */
    bool is_behind;
};

/* An outcome that waits for the end of its group. */
struct session_verdict {
    struct smtp_message *message;
    struct outcome outcome;
    char text[OUTCOME_TEXT_MAX];
};

struct smtp_session {
    struct smtp_params params;
    struct smtp_events events;
    enum smtp_state state;
    struct smtp_capabilities capabilities;
    bool is_pipelined, is_quitting, has_broken_pipelining, was_lost_ahead;
    /* The transaction on the wire failed: RSET before the next MAIL. */
    bool needs_rset;
    /* The envelope on the wire was accepted so far: its DATA may be followed by a body;
     * and it was withdrawn: then it must not, and the connection cannot go on. */
    bool rcpt_accepted, is_withdrawn;

    struct smtp_reply_parser parser;
    struct smtp_awaited awaited[SMTP_AWAITED_MAX];
    unsigned awaited_first, awaited_count;

    /* Every message held, in the order of submission. */
    struct list messages;
    unsigned held, answered;
    /* Refusals, of whatever, since the server last took a message. */
    unsigned errors;
    /* The one whose MAIL went out last, until its DATA is answered; else NULL. */
    struct smtp_message *envelope;

    struct buf out;
    size_t out_taken, split;
    /* The one whose body is being sent; slice and offset of the next octet. */
    struct smtp_message *body;
    size_t slice, slice_taken;
    /* It has to be with the kernel by then. */
    uint64_t body_until_ns;
    /* Octets of the stream that were put into the output, and that the kernel took. */
    uint64_t queued, written;

    struct session_verdict verdicts[SMTP_VERDICTS_MAX];
    unsigned verdict_count, verdicts_reported;
    /* The last verdict is a refusal of a dot that no reply behind it confirms yet. */
    bool is_contestable;

    uint64_t deadline_ns, now_ns;
    /* What the deadline was set for: the `end` of the head of the FIFO. */
    uint64_t deadline_end;
};

/* session.c */
void session_set_state(struct smtp_session *session, enum smtp_state state);
enum smtp_stage session_stage(enum smtp_state step);
/* The stage of what is awaited now, or of the state. */
enum smtp_stage session_stage_now(const struct smtp_session *session);
/* The first message in that phase, NULL if there is none. */
struct smtp_message *session_message_in(const struct smtp_session *session,
                                        enum smtp_phase phase);
/* The step whose reply is awaited now; NULL if there is none or its command has not
 * left. */
const struct smtp_awaited *session_awaited_now(const struct smtp_session *session);
/* What has not begun when it was decided to quit does not begin. */
void session_report_queued(struct smtp_session *session);
/* What is awaited now has a deadline of its own, though its octet be the same. */
void session_forget_deadline(struct smtp_session *session);
/* `seconds` from now, as timeouts go in this session. */
uint64_t session_seconds_from_now(const struct smtp_session *session, uint64_t seconds);
/* Octets were taken: the deadline for writing begins anew. */
void session_write_progressed(struct smtp_session *session);
/* Starts what can be started, sets the deadline. The last thing of every entry. */
void session_pump(struct smtp_session *session);

/* session_send.c: each writes, pushes what it awaits and returns the next state. */
enum smtp_state session_send_hello(struct smtp_session *session, bool is_ehlo);
enum smtp_state session_send_rset(struct smtp_session *session);
enum smtp_state session_send_mail(struct smtp_session *session);
enum smtp_state session_send_rcpt(struct smtp_session *session);
enum smtp_state session_send_data(struct smtp_session *session);
enum smtp_state session_send_body(struct smtp_session *session,
                                  struct smtp_message *message);
enum smtp_state session_send_dot(struct smtp_session *session,
                                 struct smtp_message *message);
enum smtp_state session_send_quit(struct smtp_session *session);
void session_await(struct smtp_session *session, enum smtp_state step,
                   struct smtp_message *message);
bool session_has_output(const struct smtp_session *session);
void session_drop_output(struct smtp_session *session);
/* True if the kernel has the last octet of the message. */
bool session_is_handed_over(const struct smtp_session *session,
                            const struct smtp_message *message);

/* session_reply.c */
/* The message of the envelope on the wire is not to go out. */
void session_withdraw_envelope(struct smtp_session *session);
void session_take_reply(struct smtp_session *session, const struct smtp_reply *reply);
/* All that has come was taken: reports what no reply can still call in question. */
void session_settle(struct smtp_session *session);
/* Nothing has contradicted the refusal in time. */
void session_settle_refusal(struct smtp_session *session);

/* session_end.c */
/* Takes the message off the session's books and reports it. */
void session_report(struct smtp_session *session, struct smtp_message *message,
                    const struct outcome *outcome);
/* Reports everything held and ends the session; `why` is the session's outcome. */
void session_end(struct smtp_session *session, const struct outcome *why,
                 bool was_orderly);
/* The same for a trouble of our own; `why` may be empty. */
void session_fail(struct smtp_session *session, enum smtp_trouble trouble,
                  struct str why);
/* A reply was matched to the wrong command, or none: nothing since the last certain
 * match is decided. `message` is the one that the server was busy with, or NULL. */
void session_desync(struct smtp_session *session, struct smtp_message *message,
                    const char *why);
/* What came is no reply. */
void session_malformed(struct smtp_session *session);
/* The deadline has passed, and it was for the server. */
void session_time_out(struct smtp_session *session);
void session_close_orderly(struct smtp_session *session);
void session_release_verdicts(struct smtp_session *session);

#endif
