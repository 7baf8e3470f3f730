/* Any bytes: the replies found are the same whether they come whole or byte by byte,
 * and every bound holds. */
#include "core/base/err.h"
#include "core/smtp/capability.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All that was learnt, folded into one number. */
struct digest {
    uint64_t hash;
    unsigned replies;
    bool is_bad;
};

static void digest_add(struct digest *digest, struct str s)
{
    digest->hash = digest->hash * 31 + str_hash(s);
}

static void check_reply(const struct smtp_reply *reply, struct digest *digest)
{
    char text[OUTCOME_TEXT_MAX];
    uint16_t enhanced[3];
    struct str got = smtp_reply_text(reply, enhanced, text), id = smtp_remote_id(got);
    struct smtp_capabilities capabilities = smtp_capabilities_of(reply);
    CHECK(reply->code >= 200 && reply->code <= 599);
    CHECK(reply->raw.n <= SMTP_REPLY_MAX);
    CHECK(got.n <= OUTCOME_TEXT_MAX && str_is_utf8(got));
    CHECK(memchr(text, '\n', got.n) == NULL && memchr(text, '\0', got.n) == NULL);
    CHECK(id.n <= got.n);
    digest->replies++;
    digest_add(digest, reply->raw);
    digest_add(digest, got);
    digest->hash += reply->code + enhanced[2] + capabilities.offered;
}

static struct digest run(const uint8_t *data, size_t size, size_t piece_bytes)
{
    struct digest digest = {0};
    struct smtp_reply_parser parser;
    smtp_reply_parser_init(&parser);
    for (size_t at = 0; at < size && !digest.is_bad;) {
        size_t n = piece_bytes < size - at ? piece_bytes : size - at, used;
        struct smtp_reply reply;
        enum smtp_reply_result result = smtp_reply_feed(
            &parser, str_slice((const char *)data + at, n), &used, &reply);
        CHECK(used <= n && (used > 0 || result == SMTP_REPLY_BAD));
        at += used;
        digest.is_bad = result == SMTP_REPLY_BAD;
        if (result == SMTP_REPLY_WHOLE)
            check_reply(&reply, &digest);
    }
    CHECK(digest.is_bad == (parser.why != NULL));
    CHECK(smtp_reply_fragment(&parser).n <= SMTP_REPLY_MAX);
    smtp_reply_parser_fini(&parser);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct digest whole = run(data, size, SIZE_MAX), bytes = run(data, size, 1);
    CHECK(whole.hash == bytes.hash && whole.replies == bytes.replies &&
          whole.is_bad == bytes.is_bad);
    return 0;
}
