/*
 * policy.h - which reply or failure means what: the one place where it is decided
 *
 * (stage, reply or local trouble, attempts so far) -> state, class word, scope,
 * suppress. First the status in digits, then the words around it: a text can refine a
 * coarse status (5.7.1 says nothing) and can veto a suppression (a 5.1.1 that talks of
 * a block list is about us, not about the address).
 *
 * The state says what the ledger does. The scope says what core/send does beyond it:
 *   recipient    nothing.
 *   message      the sender, the content or the set-up is refused: the next recipient
 *                will most likely meet the same; after a few of these pause and ask.
 *   session      close this connection, open another.
 *   destination  slow down or back off there. At connect to auth the whole host; from
 *                MAIL on the recipient's domain.
 * A trouble before RCPT is never about the address.
 *
 * Owns:    nothing.
 * Thread:  any; pure.
 * Errors:  none: everything has a verdict.
 * Source:  RFC 5321 section 4.2, RFC 3463, the IANA registry of enhanced status codes,
 *          Postfix's smtp_trouble.c; class words as in KumoMTA's bounce classifier.
 */
#ifndef BROADSIDE_SMTP_POLICY_H
#define BROADSIDE_SMTP_POLICY_H

#include "core/smtp/outcome.h"

/* What can go wrong on our side of the wire, or with the wire itself. */
#define SMTP_TROUBLE_LIST(X)                                                           \
    X(SMTP_TROUBLE_CLOSED, "closed by us")                                             \
    X(SMTP_TROUBLE_WITHDRAWN, "withdrawn before it was sent")                          \
    X(SMTP_TROUBLE_CONNECT, "cannot connect")                                          \
    X(SMTP_TROUBLE_LOST, "connection lost")                                            \
    X(SMTP_TROUBLE_TIMEOUT, "no answer in time")                                       \
    X(SMTP_TROUBLE_PROTOCOL, "protocol error")                                         \
    X(SMTP_TROUBLE_SIZE, "message larger than the server takes")                       \
    X(SMTP_TROUBLE_NO_8BITMIME, "server does not offer 8BITMIME")                      \
    X(SMTP_TROUBLE_NO_SMTPUTF8, "server does not offer SMTPUTF8")                      \
    X(SMTP_TROUBLE_ADDRESS, "address cannot be sent in SMTP")

enum smtp_trouble {
#define SMTP_TROUBLE_ENUM(name, words) name,
    SMTP_TROUBLE_LIST(SMTP_TROUBLE_ENUM)
#undef SMTP_TROUBLE_ENUM
};

/* Judges a reply: reads stage, code, enhanced and text of `outcome`, fills the rest.
 * `attempts` is how many were charged to this delivery before. */
void smtp_policy_judge(struct outcome *outcome, unsigned attempts);
/* True if a refusal says that this connection has carried enough messages. */
bool smtp_policy_is_session_limit(const struct outcome *outcome);
/* True of a temporary refusal at MAIL that whoever comes next will meet as well: the
 * host takes nothing from us for now (so many messages a minute, too busy, no room). */
bool smtp_policy_is_host_limit(const struct outcome *outcome);

/* What a trouble means for a message whose last octet was not handed over. Everything
 * but `text` is filled; text becomes the trouble's words if it is empty. */
void smtp_policy_trouble(struct outcome *outcome, enum smtp_stage stage,
                         enum smtp_trouble trouble);
/* False for what is unsent because we wanted it so. */
bool smtp_policy_is_trouble(const struct outcome *outcome);
/* The outcome of a message whose last octet was handed over and whose reply never came:
 * in doubt, whatever happened. Keeps text. */
void smtp_policy_in_doubt(struct outcome *outcome);

#endif
