/*
 * sandbox_personality.h - how the sandbox treats a recipient, by its local part
 *
 * A word of the list, then any digits, then anything behind a plus sign; in any case:
 * bounce@, bounce17@, Bounce+spring@. Everybody else is accepted.
 *
 * Thread:  sandbox_memory any; the rest is pure.
 * Limits:  SANDBOX_MEMORY_MAX addresses are remembered; of more, each is taken for one
 *          that came before.
 */
#ifndef BROADSIDE_CMD_SANDBOX_PERSONALITY_H
#define BROADSIDE_CMD_SANDBOX_PERSONALITY_H

#include "core/base/str.h"

/* name, local part, reply; "" where it is no reply to RCPT */
#define SANDBOX_PERSONALITY_LIST(X)                                                    \
    X(SANDBOX_BOUNCE, "bounce", "550 5.1.1 no such user here")                         \
    X(SANDBOX_FULL, "full", "452 4.2.2 mailbox full")                                  \
    X(SANDBOX_DEFER, "defer", "451 4.7.1 greylisted, try again later")                 \
    X(SANDBOX_BUSY, "busy", "421 4.3.2 too busy, come back later")                     \
    X(SANDBOX_SPAM, "spam", "554 5.7.1 message refused as spam")                       \
    X(SANDBOX_DROP, "drop", "")                                                        \
    X(SANDBOX_SLOW, "slow", "250 2.1.5 ok, at last")

enum sandbox_personality {
    SANDBOX_PLAIN,
#define SANDBOX_PERSONALITY_ENUM(name, word, reply) name,
    SANDBOX_PERSONALITY_LIST(SANDBOX_PERSONALITY_ENUM)
#undef SANDBOX_PERSONALITY_ENUM
};

enum sandbox_personality sandbox_personality_of(struct str rcpt);
struct str sandbox_personality_reply(enum sandbox_personality personality);

#define SANDBOX_MEMORY_MAX (1u << 22)

/* The addresses that have been put off once. */
struct sandbox_memory;

/* NULL without memory. */
struct sandbox_memory *sandbox_memory_new(void);
void sandbox_memory_free(struct sandbox_memory *memory);
/* True the first time. */
bool sandbox_memory_is_new(struct sandbox_memory *memory, struct str rcpt);

#endif
