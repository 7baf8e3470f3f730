/*
 * sandbox_message.h - what the sandbox notes about a message while it comes in
 *
 * Owns:    a digest context and the head of the message; reused for the next one.
 * Thread:  one at a time.
 * Errors:  init returns false without memory.
 * Limits:  SANDBOX_HEAD_MAX bytes are searched for the Message-ID.
 */
#ifndef BROADSIDE_CMD_SANDBOX_MESSAGE_H
#define BROADSIDE_CMD_SANDBOX_MESSAGE_H

#include "core/base/buf.h"

#include <openssl/evp.h>

#define SANDBOX_HEAD_MAX (64u << 10)

struct sandbox_message {
    EVP_MD_CTX *digest;
    struct buf head, message_id;
};

bool sandbox_message_init(struct sandbox_message *message);
void sandbox_message_fini(struct sandbox_message *message);
/* Begins a new one. */
void sandbox_message_clear(struct sandbox_message *message);
void sandbox_message_content(struct sandbox_message *message, struct str bytes);

struct sandbox_envelope {
    struct str mail_from;
    /* Each followed by a NUL. */
    struct str rcpts;
    uint64_t bytes;
    int64_t wall_ms;
};

/* The lines of the accept log, one a recipient. Ends the message. */
void sandbox_message_lines(struct sandbox_message *message,
                           const struct sandbox_envelope *envelope, struct buf *lines);

/* The value of the field Message-ID in the header at the front of `head`, unfolded
 * into `to`; false if there is none. */
bool sandbox_message_id(struct str head, struct buf *to);

#endif
