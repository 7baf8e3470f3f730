/* Any HTML becomes text or an error, as a whole and as a partial; control tags come out
 * in order. */
#include "core/mail/html_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned lines_of(void *self, struct str name)
{
    (void)self;
    return (unsigned)name.n % 3;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text;
    struct error error;
    buf_init(&text, 1 << 22);
    struct str html = str_slice((const char *)data, size);
    struct html_partials partials = {.lines = lines_of};
    unsigned lines = 0;
    (void)!html_to_text(html, &partials, &text, &error);
    (void)!html_partial_to_text(html, NULL, &text, &lines, &error);
    buf_fini(&text);
    return 0;
}
