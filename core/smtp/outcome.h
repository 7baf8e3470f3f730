/*
 * outcome.h - what became of one message, or of a session: the vocabulary
 *
 * What a server said is data and flows to the store as it is. What it MEANS is
 * decided in one pure module (policy.h): (stage, reply or local failure) -> state,
 * class, scope. Protocol code reports facts, core/send acts on scope.
 *
 * Owns:    nothing; `text` is a slice that is valid during the call it came with.
 * Limits:  OUTCOME_TEXT_MAX bytes of reply text, made printable, truncated beyond.
 * Source:  RFC 5321 section 4.2, RFC 3463 (enhanced status codes), Postfix's
 *          smtp_trouble.c (scope).
 */
#ifndef BROADSIDE_SMTP_OUTCOME_H
#define BROADSIDE_SMTP_OUTCOME_H

#include "core/base/str.h"

#define OUTCOME_TEXT_MAX 512

/* Where in the dialogue it was decided. A 5xx before RCPT is never about the address.
 */
#define SMTP_STAGE_LIST(X)                                                             \
    X(SMTP_STAGE_CONNECT, "connect")                                                   \
    X(SMTP_STAGE_EHLO, "ehlo")                                                         \
    X(SMTP_STAGE_TLS, "tls")                                                           \
    X(SMTP_STAGE_AUTH, "auth")                                                         \
    X(SMTP_STAGE_MAIL, "mail")                                                         \
    X(SMTP_STAGE_RCPT, "rcpt")                                                         \
    X(SMTP_STAGE_DATA, "data")                                                         \
    X(SMTP_STAGE_DOT, "dot")

enum smtp_stage {
#define SMTP_STAGE_ENUM(name, word) name,
    SMTP_STAGE_LIST(SMTP_STAGE_ENUM)
#undef SMTP_STAGE_ENUM
};

/* What the ledger does with the recipient. UNSENT is no state of the ledger: the
 * message certainly did not leave, nothing is charged, it may go out again at once. */
#define OUTCOME_STATE_LIST(X)                                                          \
    X(OUTCOME_DELIVERED, "delivered")                                                  \
    X(OUTCOME_DEFERRED, "deferred")                                                    \
    X(OUTCOME_FAILED, "failed")                                                        \
    X(OUTCOME_IN_DOUBT, "in_doubt")                                                    \
    X(OUTCOME_UNSENT, "unsent")                                                        \
    X(OUTCOME_SUPPRESSED, "suppressed")                                                \
    X(OUTCOME_INVALID, "invalid")                                                      \
    X(OUTCOME_EXPIRED, "expired")                                                      \
    X(OUTCOME_CANCELLED, "cancelled")

enum outcome_state {
#define OUTCOME_STATE_ENUM(name, word) name,
    OUTCOME_STATE_LIST(OUTCOME_STATE_ENUM)
#undef OUTCOME_STATE_ENUM
};

/* How far a trouble reaches: what core/send does about it beyond this recipient. */
#define OUTCOME_SCOPE_LIST(X)                                                          \
    X(OUTCOME_SCOPE_RECIPIENT, "recipient") /* this address only */                    \
    X(OUTCOME_SCOPE_MESSAGE, "message") /* what we send, or as whom: fix the sender */ \
    X(OUTCOME_SCOPE_SESSION, "session") /* this connection: close it */                \
    X(OUTCOME_SCOPE_DESTINATION, "destination") /* slow down, back off there */

enum outcome_scope {
#define OUTCOME_SCOPE_ENUM(name, word) name,
    OUTCOME_SCOPE_LIST(OUTCOME_SCOPE_ENUM)
#undef OUTCOME_SCOPE_ENUM
};

struct outcome {
    enum outcome_state state;
    enum outcome_scope scope;
    enum smtp_stage stage;
    /* The class word of policy.h, such as "InvalidRecipient"; never NULL. */
    const char *class_word;
    /* True if the address should go on the suppression list. */
    bool suppress;
    /* The reply code, 0 if there was no reply. */
    uint16_t code;
    /* Enhanced status (RFC 3463), all 0 if there was none. */
    uint16_t enhanced[3];
    /* The reply's text without code and enhanced status, lines joined by " / ", or
     * our own words where there was no reply. */
    struct str text;
    /* The receiver's queue id if the final reply names one, else empty. */
    struct str remote_id;
};

/* It was given back because the server takes nothing from us for now. */
static inline bool outcome_is_host_limit(const struct outcome *outcome)
{
    return outcome->state == OUTCOME_UNSENT && outcome->code != 0 &&
           outcome->scope == OUTCOME_SCOPE_DESTINATION;
}

const char *smtp_stage_word(enum smtp_stage stage);
/* False if `word` names no stage. */
bool smtp_stage_of(struct str word, enum smtp_stage *stage);
const char *outcome_state_word(enum outcome_state state);
const char *outcome_scope_word(enum outcome_scope scope);

#endif
