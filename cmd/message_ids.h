/*
 * message_ids.h - the Message-ID of a recipient's message, without composing it
 *
 * A Message-ID is derived from the campaign's secret and the recipient's row, so it is
 * known before, during and after the sending. With it the relay's log answers what
 * became of a message.
 *
 * Owns:    its key, from message_ids_open to message_ids_close.
 * Thread:  main.
 * Errors:  none: where the sender's domain cannot be told any more (the campaign file
 *          and the settings it came from are gone), there is no Message-ID.
 */
#ifndef BROADSIDE_CMD_MESSAGE_IDS_H
#define BROADSIDE_CMD_MESSAGE_IDS_H

#include "core/mail/address.h"
#include "core/mail/identity.h"
#include "storage/campaigns.h"

struct message_ids {
    struct store *store;
    int64_t list_id;
    struct identity_key *key;
    /* The current one: identity, "@", the sender's domain. */
    char text[IDENTITY_TEXT + 1 + ADDRESS_DOMAIN_MAX];
    /* 0: the domain is not known. */
    size_t text_bytes;
};

/* `settings_path` as --config has it. */
void message_ids_open(struct message_ids *ids, struct store *store,
                      const struct campaign *campaign, const char *settings_path);
void message_ids_close(struct message_ids *ids);
/* Without its angle brackets; STR_NULL if it is not known. Valid until the next call.
 */
struct str message_id_of(struct message_ids *ids, struct str address);

#endif
