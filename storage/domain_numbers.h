/*
 * domain_numbers.h - the number that stands for a domain in the tables
 *
 * Owns:    the names it remembers and its statements.
 * Keeps:   the store, until domain_numbers_close.
 * Thread:  the store's.
 * Errors:  the store's.
 * Limits:  DOMAINS_KEPT names remembered; with more, all are forgotten and it starts
 *          again.
 * Cost:    a hash look-up for the usual domain, a search in the table for a new one.
 */
#ifndef BROADSIDE_STORAGE_DOMAIN_NUMBERS_H
#define BROADSIDE_STORAGE_DOMAIN_NUMBERS_H

#include "storage/database.h"

#define DOMAINS_KEPT 32768

struct domain_number;

struct domain_numbers {
    struct store *store;
    sqlite3_stmt *find, *add;
    struct domain_number *kept;
    struct arena arena;
};

MUST_CHECK enum err domain_numbers_open(struct domain_numbers *numbers,
                                        struct store *store, struct error *error);
void domain_numbers_close(struct domain_numbers *numbers);
/* Adds the domain to the table if it is not there. */
MUST_CHECK enum err domain_numbers_get(struct domain_numbers *numbers,
                                       struct str domain, int64_t *number,
                                       struct error *error);

#endif
