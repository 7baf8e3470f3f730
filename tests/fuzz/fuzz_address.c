/* Any bytes are judged without a fault; what is accepted is accepted again, unchanged,
 * in its normalised form, and holds nothing that could end a line. */
#include "core/base/err.h"
#include "core/mail/address.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct address first, second;
    arena_init(&arena, 1 << 16);
    if (address_parse(str_slice((const char *)data, size), &arena, &first) == NULL) {
        CHECK(first.text.n <= ADDRESS_MAX);
        CHECK(memchr(first.text.p, '\r', first.text.n) == NULL);
        CHECK(memchr(first.text.p, '\n', first.text.n) == NULL);
        CHECK(memchr(first.text.p, '\0', first.text.n) == NULL);
        CHECK(str_is_ascii(first.text) == !first.needs_smtputf8);
        CHECK(address_parse(first.text, &arena, &second) == NULL);
        CHECK(str_equal(first.text, second.text));
    }
    arena_fini(&arena);
    return 0;
}
