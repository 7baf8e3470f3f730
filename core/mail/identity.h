/*
 * identity.h - what is different and unforgeable in every message, and yet repeatable
 *
 * One HMAC-SHA-256 of (recipient row, wave) under the campaign's secret. Message-ID and
 * MIME boundaries are cut from it, so that a retry has the same ones, and nobody who
 * writes a value for the list can know the boundary of the message it will stand in.
 *
 * Owns:    the key's precomputed state.
 * Thread:  any number may derive at once.
 * Errors:  NULL without memory.
 * Source:  RFC 2104, RFC 4648 section 6 (base32, in lower case, without padding).
 */
#ifndef BROADSIDE_MAIL_IDENTITY_H
#define BROADSIDE_MAIL_IDENTITY_H

#include "core/base/str.h"

/* 16 bytes of the digest each, in base32. */
#define IDENTITY_TEXT 26

struct identity {
    char message[IDENTITY_TEXT], boundary[IDENTITY_TEXT];
};

struct identity_key;

struct identity_key *identity_key_new(struct str secret);
/* Wipes the key. */
void identity_key_free(struct identity_key *key);
void identity_derive(const struct identity_key *key, int64_t recipient_id,
                     uint32_t wave, struct identity *identity);

#endif
