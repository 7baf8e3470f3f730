/*
 * fuzz_template_convert.c - any bytes from either dialect into Liquid, which a campaign
 * can read
 */
#include "templates/convert.h"
#include "templates/template.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_note(void *self, unsigned line, unsigned column, struct str text,
                       const char *why)
{
    (void)self, (void)text;
    if (line == 0 || column == 0 || why == NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str source = {(const char *)data, size};
    struct buf liquid;
    struct template *template = NULL;
    const struct template_options options = {.name = STR("fuzz")};
    for (int i = 0; i < 2; i++) {
        buf_init(&liquid, 1u << 20);
        if (convert_template(source, i == 0 ? CONVERT_MAILCHIMP : CONVERT_HANDLEBARS,
                             &liquid, NULL, check_note) == ERR_NONE) {
            if (template_compile(buf_str(&liquid), &options, &template, NULL) ==
                ERR_DATA)
                abort();
            template_free(template);
            template = NULL;
        }
        buf_fini(&liquid);
    }
    return 0;
}
