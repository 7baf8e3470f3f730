/*
 * peer_numbers.h - the number that stands for (host, address, TLS) in the attempts
 *
 * Owns:    what it remembers and its statements.
 * Keeps:   the store, until peer_numbers_fini.
 * Thread:  the store's.
 * Errors:  the store's.
 * Limits:  PEERS_KEPT remembered, the oldest is forgotten; PEER_TEXT_MAX bytes each.
 */
#ifndef BROADSIDE_STORAGE_PEER_NUMBERS_H
#define BROADSIDE_STORAGE_PEER_NUMBERS_H

#include "storage/database.h"

#define PEERS_KEPT    64
#define PEER_TEXT_MAX 512

/* Whom an attempt spoke to. */
struct peer {
    struct str host, address, tls;
};

struct peer_numbers {
    struct store *store;
    sqlite3_stmt *find, *add;
    size_t count, oldest;
    struct peer_number {
        int64_t number;
        uint16_t n, host_n, address_n;
        char text[PEER_TEXT_MAX];
    } kept[PEERS_KEPT];
};

MUST_CHECK enum err peer_numbers_init(struct peer_numbers *numbers, struct store *store,
                                      struct error *error);
void peer_numbers_fini(struct peer_numbers *numbers);
/* 0 if all three are empty. */
MUST_CHECK enum err peer_numbers_get(struct peer_numbers *numbers, struct peer peer,
                                     int64_t *number, struct error *error);

#endif
