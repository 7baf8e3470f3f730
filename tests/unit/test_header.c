/* Header fields: names, values, folding and encoded-words, as they are on the wire. */
#include "core/base/err.h"
#include "core/mail/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char wire[HEADER_BYTES_MAX(2000)];

static void assert_wire(const struct header_writer *writer, const char *want)
{
    size_t bytes = (size_t)(writer->to - wire);
    if (bytes != strlen(want) || memcmp(wire, want, bytes) != 0)
        fail_msg("got  %.*s\nwant %s", (int)bytes, wire, want);
}

static void text__plain_words_stay(void **state)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"", "S:\r\n"},
        {"hello", "S: hello\r\n"},
        {"  hello world\t", "S: hello world\r\n"},
        {"a  b", "S: =?utf-8?Q?a_?= b\r\n"},
        {"tab\tbed", "S: =?utf-8?Q?tab=09bed?=\r\n"},
        {"=?utf-8?Q?x?=", "S: =?utf-8?B?PT91dGYtOD9RP3g/PQ==?=\r\n"},
        {"caf\xC3\xA9 noir", "S: =?utf-8?B?Y2Fmw6k=?= noir\r\n"},
        {"\xC3\xA9t\xC3\xA9 \xC3\xA9t\xC3\xA9 x",
         "S: =?utf-8?B?w6l0w6kgw6l0w6k=?= x\r\n"},
        {"\xE5\xB1\xB1\xE7\x94\xB0", "S: =?utf-8?B?5bGx55Sw?=\r\n"},
        {"Re: 100% a_b", "S: Re: 100% a_b\r\n"},
        {"one two  three four", "S: one =?utf-8?Q?two_?= three four\r\n"},
        {"one =? two ?= three", "S: one =?utf-8?B?PT8=?= two ?= three\r\n"},
        {"caf\xC3\xA9, spring has come", "S: =?utf-8?B?Y2Fmw6ks?= spring has come\r\n"},
        {"x23456789 123456789 123456789 123456789 123456789 123456789 123456789 1234 a",
         "S: x23456789 123456789 123456789 123456789 123456789 123456789 123456789 "
         "1234\r\n"
         " a\r\n"},
        {"x23456789 123456789 123456789 123456789 123456789 123456789 123456789 12345 "
         "a",
         "S: x23456789 123456789 123456789 123456789 123456789 123456789 123456789 "
         "12345\r\n"
         " a\r\n"},
        {"x23456789 123456789 123456789 123456789 123456789 123456789 123456789 123456",
         "S: x23456789 123456789 123456789 123456789 123456789 123456789 123456789\r\n"
         " 123456\r\n"},
        {"one two three four five six seven eight nine ten eleven twelve thirteen "
         "fourteen",
         "S: one two three four five six seven eight nine ten eleven twelve "
         "thirteen\r\n"
         " fourteen\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct header_writer writer = {.to = wire};
        header_begin(&writer, STR("S"));
        header_text(&writer, str_of(cases[i].value), 75);
        header_end(&writer);
        assert_wire(&writer, cases[i].want);
    }
}

static void assert_lines(const char *end, size_t max)
{
    size_t column = 0;
    for (const char *p = wire; p < end; p++) {
        if (*p == '\r') {
            assert_true(p[1] == '\n');
            assert_true(column > 1);
            column = 0;
            p++;
        } else {
            assert_true((unsigned char)*p >= ' ' && (unsigned char)*p < 0x7F);
            assert_true(++column <= max);
        }
    }
}

static void text__long_values_keep_to_the_limits(void **state)
{
    static const char *const units[] = {"a",     "\xC3\xA4",     "\xF0\x9F\x98\x80",
                                        "word ", "\xC3\xA4 a ",  "=?",
                                        "a  ",   "\xE5\xB1\xB1 "};
    (void)state;
    for (size_t unit = 0; unit < sizeof units / sizeof units[0]; unit++) {
        char value[1000];
        size_t n = 0, length = strlen(units[unit]);
        for (; n + length <= sizeof value; n += length) {
            memcpy(value + n, units[unit], length);
            struct header_writer writer = {.to = wire};
            header_begin(&writer, STR("Subject"));
            header_text(&writer, str_slice(value, n + length), 75);
            header_end(&writer);
            assert_true((size_t)(writer.to - wire) <= HEADER_BYTES_MAX(n + length + 7));
            assert_lines(writer.to, HEADER_FOLD);
        }
    }
}

static void structured__urls_stay_whole(void **state)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"<https://x.org/u>, <mailto:u@x.org?subject=a b>",
         "S: <https://x.org/u>, <mailto:u@x.org?subject=a%20b>\r\n"},
        {"<https://x.org/\xC3\xBC>", "S: <https://x.org/%C3%BC>\r\n"},
        {"One-Click", "S: One-Click\r\n"},
        {"\xC3\x9C Li \xC3\xBC \xC3\xA4 <l.x.org>",
         "S: =?utf-8?B?w5w=?= Li =?utf-8?B?w7wgw6Q=?= <l.x.org>\r\n"},
        {"<unclosed and more", "S: <unclosed and more\r\n"},
        {"=?utf-8?Q?x?= <https://x.org/?a=?utf-8?Q?x?=>",
         "S: =?utf-8?B?PT91dGYtOD9RP3g/PQ==?= <https://x.org/?a=%3Futf-8?Q?x?=>\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct header_writer writer = {.to = wire};
        assert_null(header_structured_check(str_of(cases[i].value)));
        header_begin(&writer, STR("S"));
        header_structured(&writer, str_of(cases[i].value));
        header_end(&writer);
        assert_wire(&writer, cases[i].want);
    }
}

static void phrase__as_it_needs(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"Jane Doe", " Jane Doe"},
        {"J. Doe", " \"J. Doe\""},
        {"Acme, Inc \"x\" \\", " \"Acme, Inc \\\"x\\\" \\\\\""},
        {"J\xC3\xBC", " =?utf-8?B?SsO8?="},
        {"=?x?=", " =?utf-8?B?PT94Pz0=?="},
        {"a  b", " \"a  b\""},
        /* Cut between words, not at the last character that fits. */
        {"\xC3\x9C"
         "berraschend g\xC3\xBCnstige Angebote der gro\xC3\x9F"
         "en Gesellschaft",
         " =?utf-8?Q?=C3=9Cberraschend_g=C3=BCnstige_Angebote_der_gro=C3=9Fen_?=\r\n"
         " =?utf-8?Q?Gesellschaft?="},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct header_writer writer = {.to = wire};
        header_phrase(&writer, str_of(cases[i].name));
        assert_wire(&writer, cases[i].want);
    }
}

static void parameter__plain_or_extended(void **state)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"a.pdf", "; name=\"a.pdf\""},
        {"a\"b.pdf", "; name=\"a\\\"b.pdf\""},
        {"\xC3\xA9t\xC3\xA9.pdf", ";\r\n name*=utf-8''%C3%A9t%C3%A9.pdf"},
        {"0123456789012345678901234567890123456789012345678901234567890.pdf",
         ";\r\n "
         "name*0*=utf-8''012345678901234567890123456789012345678901234567890123456789;"
         "\r\n name*1*=0.pdf"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct header_writer writer = {.to = wire};
        header_parameter(&writer, STR("name"), str_of(cases[i].value));
        assert_wire(&writer, cases[i].want);
    }
}

/* Sections end between characters, and with their semicolon none is too long. */
static void parameter__sections_keep_to_the_limit(void **state)
{
    static const char *const units[] = {"\xE6\x97\xA5", "a\xC3\xA9", " ",
                                        "\xF0\x9F\x98\x80", "ab%\xE6\x97\xA5"};
    char value[256];
    (void)state;
    for (size_t unit = 0; unit < sizeof units / sizeof units[0]; unit++) {
        size_t length = strlen(units[unit]);
        for (size_t n = 0; n + length < sizeof value; n += length) {
            memcpy(value + n, units[unit], length);
            struct header_writer writer = {.to = wire};
            header_begin(&writer, STR("Content-Disposition"));
            header_parameter(&writer, STR("filename"), str_slice(value, n + length));
            header_end(&writer);
            assert_lines(writer.to, HEADER_FOLD);
        }
    }
}

static void name__own_and_malformed_ones_are_refused(void **state)
{
    static const char *const bad[] = {
        "From",     "to",        "SUBJECT",       "Bcc",    "Message-id",
        "",         "X Y",       "X:Y",           "X\r\nY", "Content-X",
        "Received", "X\xC3\xA4", "DKIM-Signature"};
    static const char *const good[] = {"X-Campaign", "List-Unsubscribe", "Precedence",
                                       "X_under.score"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(header_name_check(str_of(bad[i])));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_null(header_name_check(str_of(good[i])));
}

static void value__line_breaks_of_any_kind_are_refused(void **state)
{
    static const struct str bad[] = {
        {"a\nb", 3},     {"a\rb", 3},         {"a\0b", 3},         {"\x0B", 1},
        {"\xC2\x85", 2}, {"\xE2\x80\xA8", 3}, {"\xE2\x80\xA9", 3}, {"\x7F", 1},
        {"\xFF", 1},     {"\xC3", 1},         {"\xED\xA0\x80", 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_non_null(header_value_check(bad[i]));
        assert_non_null(header_structured_check(bad[i]));
    }
    /* A line break is named whatever else is wrong, and bad UTF-8 before controls. */
    assert_string_equal(header_value_check(STR("\xFF\n")), "line break");
    assert_string_equal(header_value_check(STR("\xC2\x85\xFF")), "not valid UTF-8");
    assert_null(header_value_check(STR("t\tab \xC3\xA4 \xE2\x80\x93")));
    assert_null(header_value_check(STR_NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text__plain_words_stay),
        cmocka_unit_test(text__long_values_keep_to_the_limits),
        cmocka_unit_test(structured__urls_stay_whole),
        cmocka_unit_test(phrase__as_it_needs),
        cmocka_unit_test(parameter__plain_or_extended),
        cmocka_unit_test(parameter__sections_keep_to_the_limit),
        cmocka_unit_test(name__own_and_malformed_ones_are_refused),
        cmocka_unit_test(value__line_breaks_of_any_kind_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
