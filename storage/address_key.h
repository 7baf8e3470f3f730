/*
 * address_key.h - finding a recipient by address without an index of text
 *
 * recipient_key is an open hash table that lives in a B-tree: its row id is the list's
 * number and 40 bits of a salted hash of the address, and where that place is taken by
 * another address the next one is tried. So a lookup reads places until one is empty,
 * comparing addresses (a hash proves nothing), and places are never freed singly: a
 * list is deleted as a whole. Addresses that differ only in ASCII case have the same
 * hash, which is how a suppression finds all spellings.
 *
 * Thread:  the store's.
 * Errors:  the store's.
 * Limits:  2^23 lists, 2^40 places each: with ten million recipients some fifty
 *          collide.
 * Cost:    one B-tree search in nearly all cases.
 */
#ifndef BROADSIDE_STORAGE_ADDRESS_KEY_H
#define BROADSIDE_STORAGE_ADDRESS_KEY_H

#include "storage/database.h"

#define ADDRESS_KEY_BITS 40
#define ADDRESS_KEY_MASK ((INT64_C(1) << ADDRESS_KEY_BITS) - 1)

/* The first place of an address in a list. */
int64_t address_key(uint64_t salt, int64_t list_id, struct str address);

/* The next place to try; it wraps round within the list. */
static inline int64_t address_key_next(int64_t key)
{
    return (key & ~ADDRESS_KEY_MASK) | ((key + 1) & ADDRESS_KEY_MASK);
}

static inline int64_t address_key_first(int64_t list_id)
{
    return list_id << ADDRESS_KEY_BITS;
}

static inline int64_t address_key_last(int64_t list_id)
{
    return list_id << ADDRESS_KEY_BITS | ADDRESS_KEY_MASK;
}

/* Calls found(self, recipient) for every recipient of the list whose address equals
 * `address` but for ASCII case, until one call returns false. */
MUST_CHECK enum err
address_key_find(struct store *store, int64_t list_id, struct str address,
                 bool (*found)(void *self, int64_t recipient, struct str address),
                 void *self, struct error *error);

#endif
