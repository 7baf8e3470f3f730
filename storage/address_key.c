#include "storage/address_key.h"

int64_t address_key(uint64_t salt, int64_t list_id, struct str address)
{
    /* FNV-1a from a secret start, finished by a mixer: who writes a list cannot choose
     * addresses that share a place. */
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ salt;
    for (size_t i = 0; i < address.n; i++)
        hash =
            (hash ^ (unsigned char)ascii_lower(address.p[i])) * UINT64_C(0x100000001b3);
    hash ^= salt >> 7;
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    hash ^= hash >> 32;
    return list_id << ADDRESS_KEY_BITS | (int64_t)(hash & (uint64_t)ADDRESS_KEY_MASK);
}

enum err address_key_find(struct store *store, int64_t list_id, struct str address,
                          bool (*found)(void *self, int64_t recipient,
                                        struct str address),
                          void *self, struct error *error)
{
    sqlite3_stmt *place;
    enum err err = db_query(store, &place, error,
                            "SELECT recipient, address FROM recipient_key"
                            " JOIN recipient ON recipient.id = recipient"
                            " WHERE key = ?",
                            "");
    if (err != ERR_NONE)
        return err;
    int64_t key = address_key(store->salt, list_id, address);
    int rc;
    for (;; key = address_key_next(key)) {
        (void)sqlite3_reset(place);
        (void)sqlite3_bind_int64(place, 1, key);
        if ((rc = sqlite3_step(place)) != SQLITE_ROW)
            break;
        struct str there = db_text(place, 1);
        if (str_equal_nocase(there, address) &&
            !found(self, sqlite3_column_int64(place, 0), there))
            break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        err = db_fail(store, error, "find address");
    sqlite3_finalize(place);
    return err;
}
