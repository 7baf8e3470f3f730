#include "cmd/message_ids.h"

#include "cmd/campaign_now.h"
#include "core/mail/address_list.h"

#define IDS_MEMORY_MAX ((size_t)1 << 22)

/* Puts "@" and the sender's domain where they will stand. */
static void take_domain(struct message_ids *ids, struct str from)
{
    struct address_list list;
    struct arena scratch;
    arena_init(&scratch, IDS_MEMORY_MAX);
    if (address_list_parse(from, &scratch, &list) == NULL) {
        const struct address_item *first = address_list_first(&list);
        struct str domain = first != NULL ? first->address.domain : STR("");
        if (domain.n > 0 && domain.n <= ADDRESS_DOMAIN_MAX) {
            ids->text[IDENTITY_TEXT] = '@';
            memcpy(ids->text + IDENTITY_TEXT + 1, domain.p, domain.n);
            ids->text_bytes = IDENTITY_TEXT + 1 + domain.n;
        }
    }
    arena_fini(&scratch);
}

void message_ids_open(struct message_ids *ids, struct store *store,
                      const struct campaign *campaign, const char *settings_path)
{
    struct campaign_file file;
    *ids = (struct message_ids){.store = store, .list_id = campaign->list_id};
    ids->key = identity_key_new(
        str_slice((const char *)campaign->secret, CAMPAIGN_SECRET_BYTES));
    if (campaign_file_now(campaign, settings_path, &file) != ERR_NONE)
        return;
    take_domain(ids, file.from);
    campaign_file_free(&file);
}

void message_ids_close(struct message_ids *ids)
{
    identity_key_free(ids->key);
}

struct str message_id_of(struct message_ids *ids, struct str address)
{
    struct recipient_row row;
    struct identity identity;
    struct arena scratch;
    if (ids->key == NULL || ids->text_bytes == 0)
        return STR_NULL;
    arena_init(&scratch, IDS_MEMORY_MAX);
    enum err err =
        recipient_find(ids->store, ids->list_id, address, &scratch, &row, NULL);
    arena_fini(&scratch);
    if (err != ERR_NONE)
        return STR_NULL;
    identity_derive(ids->key, row.id, 0, &identity);
    memcpy(ids->text, identity.message, IDENTITY_TEXT);
    return str_slice(ids->text, ids->text_bytes);
}
