/* html_to_text.c - standard input through html_to_text, for trying it out and tests */
#include "core/mail/html_text.h"

#include <stdio.h>

int main(void)
{
    struct buf html, text;
    struct error error;
    char bytes[65536];
    buf_init(&html, HTML_SOURCE_MAX);
    buf_init(&text, HTML_SOURCE_MAX);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, stdin)) > 0;)
        buf_append(&html, str_slice(bytes, n));
    enum err err = html_to_text(buf_str(&html), NULL, &text, &error);
    if (err != ERR_NONE)
        fprintf(stderr, "%s\n", error.text);
    else
        fwrite(text.p, 1, text.n, stdout);
    buf_fini(&html);
    buf_fini(&text);
    return err_exit_code(err);
}
