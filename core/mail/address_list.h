/*
 * address_list.h - From and the like: an address list read, and written encoded
 *
 * Reads what RFC 5322 section 3.4 lets a person write: display names in UTF-8, with or
 * without quotation marks, or in encoded-words outside of them, groups, comments
 * (dropped, but for one behind an address without a name, which is its name). The
 * addresses themselves are judged as strictly as any other.
 *
 * Owns:    nothing; a list lies in the given arena.
 * Keeps:   the input, which the names may point into.
 * Thread:  any.
 * Errors:  the reason as a fixed phrase, NULL if the list is good.
 * Limits:  ADDRESS_LIST_MAX mailboxes and group marks, HEADER_VALUE_MAX octets.
 * Source:  RFC 5322 section 3.4, 6532, 6854.
 */
#ifndef BROADSIDE_MAIL_ADDRESS_LIST_H
#define BROADSIDE_MAIL_ADDRESS_LIST_H

#include "core/mail/address.h"
#include "core/mail/header.h"

#define ADDRESS_LIST_MAX 100

struct address_item {
    enum { ITEM_MAILBOX, ITEM_GROUP_BEGIN, ITEM_GROUP_END } kind;
    /* Unquoted; empty if there is none. The name of a group at its begin. */
    struct str name;
    /* Of a mailbox. */
    struct address address;
};

struct address_list {
    struct address_item *items;
    size_t count, mailbox_count;
    bool needs_smtputf8;
};

const char *address_list_parse(struct str text, struct arena *arena,
                               struct address_list *list);
/* The first mailbox, NULL if there is none: of From, the sender of the envelope. */
const struct address_item *address_list_first(const struct address_list *list);
/* Room for address_list_bytes(list). */
void address_list_write(const struct address_list *list, struct header_writer *writer);
size_t address_list_bytes(const struct address_list *list);

#endif
