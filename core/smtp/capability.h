/*
 * capability.h - what a server says it can do, from its reply to EHLO
 *
 * Owns:    nothing; a value.
 * Thread:  any.
 * Errors:  none: a keyword that is unknown or malformed is as if it were not there.
 * Source:  RFC 5321 section 4.1.1.1, 2920, 1870, 6152, 6531, 3030, 3207, 4954, 2034.
 */
#ifndef BROADSIDE_SMTP_CAPABILITY_H
#define BROADSIDE_SMTP_CAPABILITY_H

#include "core/smtp/reply.h"

/* name, EHLO keyword */
#define SMTP_CAPABILITY_LIST(X)                                                        \
    X(PIPELINING, "PIPELINING")                                                        \
    X(SIZE, "SIZE")                                                                    \
    X(8BITMIME, "8BITMIME")                                                            \
    X(SMTPUTF8, "SMTPUTF8")                                                            \
    X(CHUNKING, "CHUNKING")                                                            \
    X(STARTTLS, "STARTTLS")                                                            \
    X(AUTH, "AUTH")                                                                    \
    X(ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES")

enum smtp_capability {
#define SMTP_CAPABILITY_ENUM(name, keyword) SMTP_CAN_##name,
    SMTP_CAPABILITY_LIST(SMTP_CAPABILITY_ENUM)
#undef SMTP_CAPABILITY_ENUM
};

#define SMTP_AUTH_LIST(X)                                                              \
    X(PLAIN, "PLAIN")                                                                  \
    X(LOGIN, "LOGIN")                                                                  \
    X(CRAM_MD5, "CRAM-MD5")

enum smtp_auth {
#define SMTP_AUTH_ENUM(name, keyword) SMTP_AUTH_##name,
    SMTP_AUTH_LIST(SMTP_AUTH_ENUM)
#undef SMTP_AUTH_ENUM
};

struct smtp_capabilities {
    /* Bits by enum smtp_capability and by enum smtp_auth. */
    unsigned offered, auth;
    /* The largest message in bytes, 0: not said. */
    uint64_t size_max;
};

/* The lines after the first of a positive reply to EHLO. */
struct smtp_capabilities smtp_capabilities_of(const struct smtp_reply *reply);

static inline bool smtp_can(const struct smtp_capabilities *capabilities,
                            enum smtp_capability what)
{
    return (capabilities->offered >> what & 1) != 0;
}

#endif
