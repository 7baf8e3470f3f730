/*
 * OpenSSL 3 calls the plain SHA-256 functions deprecated and would have an EVP_MAC
 * context copied for every message, which allocates three times. The two states of
 * HMAC after its padded key are all that is needed: a message costs two compressions.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/mail/identity.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>

struct identity_key {
    SHA256_CTX inner, outer;
};

static void pad_begin(SHA256_CTX *state, const unsigned char *key, unsigned char pad)
{
    unsigned char block[SHA256_CBLOCK];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ pad;
    SHA256_Init(state);
    SHA256_Update(state, block, sizeof block);
    OPENSSL_cleanse(block, sizeof block);
}

struct identity_key *identity_key_new(struct str secret)
{
    unsigned char block[SHA256_CBLOCK] = {0};
    struct identity_key *key = malloc(sizeof *key);
    if (key == NULL)
        return NULL;
    if (secret.n > sizeof block)
        SHA256((const unsigned char *)secret.p, secret.n, block);
    else if (secret.n > 0)
        memcpy(block, secret.p, secret.n);
    pad_begin(&key->inner, block, 0x36);
    pad_begin(&key->outer, block, 0x5C);
    OPENSSL_cleanse(block, sizeof block);
    return key;
}

void identity_key_free(struct identity_key *key)
{
    if (key != NULL)
        OPENSSL_cleanse(key, sizeof *key);
    free(key);
}

static void big_endian(uint64_t value, size_t bytes, unsigned char *to)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
}

/* 16 bytes: three times 5 that make 8 digits, and one that makes 2. */
static void base32(const unsigned char in[16], char to[IDENTITY_TEXT])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    for (unsigned i = 0; i < 15; i += 5) {
        uint64_t bits = (uint64_t)in[i] << 32 | (uint64_t)in[i + 1] << 24 |
                        (uint64_t)in[i + 2] << 16 | (uint64_t)in[i + 3] << 8 |
                        in[i + 4];
        for (unsigned shift = 40; shift > 0;)
            *to++ = digits[bits >> (shift -= 5) & 31];
    }
    to[0] = digits[in[15] >> 3];
    to[1] = digits[in[15] << 2 & 31];
}

void identity_derive(const struct identity_key *key, int64_t recipient_id,
                     uint32_t wave, struct identity *identity)
{
    unsigned char text[12], digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX state = key->inner;
    big_endian((uint64_t)recipient_id, 8, text);
    big_endian(wave, 4, text + 8);
    SHA256_Update(&state, text, sizeof text);
    SHA256_Final(digest, &state);
    state = key->outer;
    SHA256_Update(&state, digest, sizeof digest);
    SHA256_Final(digest, &state);
    base32(digest, identity->message);
    base32(digest + 16, identity->boundary);
}
