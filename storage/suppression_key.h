/*
 * suppression_key.h - how an address is written in the suppression table, and found
 *
 * An address in lower case, or "@domain". An address's domain key is its own tail.
 *
 * Owns:    nothing.
 * Thread:  any; suppression_find the store's.
 * Limits:  SUPPRESSION_KEY_MAX bytes: no valid address or domain is longer.
 */
#ifndef BROADSIDE_STORAGE_SUPPRESSION_KEY_H
#define BROADSIDE_STORAGE_SUPPRESSION_KEY_H

#include "storage/database.h"

#define SUPPRESSION_KEY_MAX 512

/* Writes the key of a normalised address of at most SUPPRESSION_KEY_MAX bytes. */
struct str suppression_fold(struct str address, char *to);

/* "@domain" of a key; a quoted local part may hold an @, a domain cannot. */
static inline struct str suppression_domain_key(struct str key)
{
    size_t at = key.n;
    while (at > 0 && key.p[at - 1] != '@')
        at--;
    return at > 0 ? str_from(key, at - 1) : key;
}

/* SQLITE_ROW of a prepared SUPPRESSION_FIND if an address or its domain is on the list,
 * SQLITE_DONE if not, else what SQLite says. */
#define SUPPRESSION_FIND "SELECT 1 FROM suppression WHERE address IN (?1, ?2)"
int suppression_find(sqlite3_stmt *find, struct str address);

#endif
