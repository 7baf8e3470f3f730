/* Any HTML becomes text or an error; control tags come out in order. */
#include "core/mail/html_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text;
    struct error error;
    buf_init(&text, 1 << 22);
    (void)!html_to_text(str_slice((const char *)data, size), &text, &error);
    buf_fini(&text);
    return 0;
}
