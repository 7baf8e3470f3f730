#include "tests/dialog/dialog.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

bool dialog_option(const char *args, const char *name, char value[256])
{
    size_t n = strlen(name);
    for (const char *at = args; *at != '\0';) {
        size_t length = strcspn(at, " ");
        if (length > n && at[n] == '=' && memcmp(at, name, n) == 0) {
            snprintf(value, 256, "%.*s", (int)(length - n - 1), at + n + 1);
            return true;
        }
        at += length + (at[length] == ' ' ? 1 : 0);
    }
    return false;
}

unsigned dialog_option_number(const char *args, const char *name, unsigned otherwise)
{
    char value[256];
    if (!dialog_option(args, name, value))
        return otherwise;
    return (unsigned)strtoul(value, NULL, 10);
}

static bool is_hex_escape(const char *s)
{
    return s[0] == 'x' && isxdigit((unsigned char)s[1]) &&
           isxdigit((unsigned char)s[2]);
}

static char escaped(char c)
{
    switch (c) {
    case 'r': return '\r';
    case 'n': return '\n';
    case '0': return '\0';
    default: return c;
    }
}

size_t dialog_unescape(char *s)
{
    size_t n = 0;
    for (size_t i = 0; s[i] != '\0'; i++) {
        if (s[i] != '\\' || s[i + 1] == '\0') {
            s[n++] = s[i];
        } else if (is_hex_escape(s + i + 1)) {
            char hex[3] = {s[i + 2], s[i + 3], '\0'};
            s[n++] = (char)strtoul(hex, NULL, 16);
            i += 3;
        } else {
            s[n++] = escaped(s[++i]);
        }
    }
    return n;
}

unsigned dialog_message_number(const char *args)
{
    unsigned long number = strtoul(args, NULL, 10);
    CHECK(number >= 1 && number <= DIALOG_MESSAGES_MAX);
    return (unsigned)number;
}

static void content_make(struct dialog_message *test, unsigned number, size_t bytes)
{
    test->content_bytes = (size_t)snprintf(
        test->content, sizeof test->content,
        "Subject: number %u\r\n\r\nHello, number %u.\r\n", number, number);
    while (test->content_bytes + 40 < bytes)
        test->content_bytes +=
            (size_t)snprintf(test->content + test->content_bytes,
                             sizeof test->content - test->content_bytes,
                             "This line has exactly forty octets....\r\n");
    size_t third = test->content_bytes / 3;
    struct str all = str_slice(test->content, test->content_bytes);
    test->slices[0] = str_head(all, third);
    test->slices[1] = str_head(str_from(all, third), third);
    test->slices[2] = str_from(all, 2 * third);
}

struct smtp_message dialog_message_make(struct dialog *dialog, unsigned number,
                                        const char *args)
{
    struct dialog_message *test = &dialog->messages[number - 1];
    char ignored[256];
    memset(test, 0, sizeof *test);
    content_make(test, number, dialog_option_number(args, "bytes", 0));
    if (!dialog_option(args, "from", test->from))
        snprintf(test->from, sizeof test->from, "news@acme.example");
    if (!dialog_option(args, "rcpt", test->rcpt))
        snprintf(test->rcpt, sizeof test->rcpt, "user%u@example.net", number);
    return (struct smtp_message){
        .mail_from = str_of(test->from),
        .rcpt = str_of(test->rcpt),
        .slices = test->slices,
        .slice_count = 3,
        .bytes = test->content_bytes,
        .armed = !dialog_option(args, "armed", ignored),
        .needs_8bitmime = dialog_option(args, "8bit", ignored),
        .needs_smtputf8 = dialog_option(args, "utf8", ignored),
        .is_paced = dialog_option(args, "paced", ignored),
        .attempts = dialog_option_number(args, "attempts", 0),
    };
}
