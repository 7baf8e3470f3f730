/* Transfer encodings: fixed cases, and every split of an input against the whole. */
#include "core/mail/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_text(const char *want, const char *got, const char *end)
{
    assert_int_equal(strlen(want), end - got);
    assert_memory_equal(want, got, strlen(want));
}

static void qp__known_texts(void **state)
{
    static const struct {
        const char *input, *want;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"a=b", "a=3Db"},
        {"caf\xC3\xA9", "caf=C3=A9"},
        {"trail ", "trail=20"},
        {"trail \nx", "trail=20\r\nx"},
        {"trail\t\nx", "trail=09\r\nx"},
        {"in the middle\t x", "in the middle\t x"},
        {".dot\n..\na.b", "=2Edot\r\n=2E.\r\na.b"},
        {"From me\nFrom\n From x\nFro", "=46rom me\r\nFrom\r\n From x\r\n=46ro"},
        {"a\rb\nc\r\nd\n\r", "a\r\nb\r\nc\r\nd\r\n\r\n"},
        {"\x7F\x01", "=7F=01"},
        {"0123456789012345678901234567890123456789012345678901234567890123456789012345",
         "012345678901234567890123456789012345678901234567890123456789012345678901234="
         "\r\n5"},
        {"01234567890123456789012345678901234567890123456789012345678901234567890123"
         "\xC3"
         "\xA9",
         "01234567890123456789012345678901234567890123456789012345678901234567890123="
         "\r\n"
         "=C3=A9"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[QP_BYTES_MAX(200)];
        struct qp qp = {0};
        char *end = qp_encode(&qp, str_of(cases[i].input), out);
        assert_text(cases[i].want, out, qp_finish(&qp, end));
    }
}

static int hex_value(char c)
{
    return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* A decoder as simple as can be: what it gives has CRLF line ends. */
static size_t qp_decode(const char *p, size_t n, char *to)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] != '=') {
            to[out++] = p[i];
        } else if (p[i + 1] == '\r') {
            i += 2;
        } else {
            to[out++] = (char)(hex_value(p[i + 1]) * 16 + hex_value(p[i + 2]));
            i += 2;
        }
    }
    return out;
}

static void assert_qp_lines(const char *p, size_t n)
{
    size_t column = 0;
    for (size_t i = 0; i < n; i++) {
        assert_false(column == 0 && line_is_delicate(str_slice(p + i, n - i)));
        if (p[i] == '\r') {
            assert_true(i + 1 < n && p[i + 1] == '\n');
            assert_true(i == 0 || (p[i - 1] != ' ' && p[i - 1] != '\t'));
            column = 0;
            i++;
        } else {
            assert_true(++column <= ENCODING_LINE_MAX);
        }
    }
}

static void qp__every_split_decodes_to_the_same(void **state)
{
    static const char input[] =
        "From J\xC3\xBCrgen,  \t\r\n.hidden dot and a line that is quite long, longer "
        "than seventy-six columns for sure \xE2\x80\x93 = \r\nFrom a \n\r\n"
        "0123456789012345678901234567890123456789012345678901234567890123456789012 45 ";
    char want[CRLF_BYTES_MAX(sizeof input)], out[QP_BYTES_MAX(sizeof input) * 3];
    char got[sizeof out];
    size_t n = sizeof input - 1;
    size_t want_bytes = (size_t)(crlf_copy(str_slice(input, n), want) - want);
    (void)state;
    for (size_t a = 0; a <= n; a++) {
        for (size_t b = a; b <= n; b += 7) {
            /* CR and LF in two pieces are two line ends: not split here. */
            if ((a > 0 && input[a - 1] == '\r') || (b > 0 && input[b - 1] == '\r'))
                continue;
            struct qp qp = {0};
            char *end = qp_encode(&qp, str_slice(input, a), out);
            end = qp_encode(&qp, str_slice(input + a, b - a), end);
            if (a % 3 == 0)
                end = qp_soft_break(&qp, end);
            end = qp_encode(&qp, str_slice(input + b, n - b), end);
            end = qp_finish(&qp, end);
            assert_qp_lines(out, (size_t)(end - out));
            assert_int_equal(qp_decode(out, (size_t)(end - out), got), want_bytes);
            assert_memory_equal(got, want, want_bytes);
        }
    }
}

/* A value of every length, with every kind of byte at every place, behind a line's
 * beginning that leaves more or less room, with a blank before it or not. */
static void qp__a_short_value_encodes_as_amid_the_whole_text(void **state)
{
    static const char kinds[] = "z =\t\r\n\x1F\x7F\x80\xFF~!";
    char text[160], whole[QP_BYTES_MAX(sizeof text)], out[sizeof whole * 3];
    (void)state;
    for (size_t n = 1; n <= 40; n++) {
        for (size_t at = 0; at < n * sizeof kinds; at++) {
            for (size_t before = 1; before <= 75; before += before < 32 ? 29 : 1) {
                memset(text, 'x', sizeof text);
                if (at % 2 == 0)
                    text[before - 1] = ' ';
                text[before + at / sizeof kinds] = kinds[at % sizeof kinds];
                struct qp one = {0}, pieces = {0};
                char *end = qp_encode(&one, str_slice(text, before + n + 9), whole);
                char *to = qp_encode(&pieces, str_slice(text, before), out);
                to = qp_encode(&pieces, str_slice(text + before, n), to);
                to = qp_encode(&pieces, str_slice(text + before + n, 9), to);
                assert_int_equal(to - out, end - whole);
                assert_memory_equal(out, whole, (size_t)(to - out));
                assert_int_equal(pieces.column, one.column);
            }
        }
    }
}

static void base64__known_texts(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"f", "Zg==\r\n"},
        {"fo", "Zm8=\r\n"},
        {"foo", "Zm9v\r\n"},
        {"foob", "Zm9vYg==\r\n"},
        {"fooba", "Zm9vYmE=\r\n"},
        {"foobar", "Zm9vYmFy\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[64];
        struct base64 base64 = {0};
        char *end = base64_encode(&base64, str_of(cases[i][0]), out);
        assert_text(cases[i][1], out, base64_finish(&base64, end));
        size_t line = strlen(cases[i][1]);
        end = base64_plain(str_of(cases[i][0]), out);
        assert_int_equal(end - out, line > 0 ? line - 2 : 0);
        assert_memory_equal(out, cases[i][1], (size_t)(end - out));
    }
}

static void base64__every_split_is_the_same(void **state)
{
    char input[200], whole[BASE64_BYTES_MAX(sizeof input)], out[sizeof whole];
    struct base64 base64 = {0};
    (void)state;
    for (size_t i = 0; i < sizeof input; i++)
        input[i] = (char)(i * 7);
    char *end = base64_encode(&base64, str_slice(input, sizeof input), whole);
    size_t bytes = (size_t)(base64_finish(&base64, end) - whole);
    for (size_t at = 0; at < bytes; at += 78)
        assert_true(bytes - at <= 78 || memcmp(whole + at + 76, "\r\n", 2) == 0);
    for (size_t a = 0; a <= sizeof input; a++) {
        base64 = (struct base64){0};
        end = base64_encode(&base64, str_slice(input, a), out);
        end = base64_encode(&base64, str_slice(input + a, sizeof input - a), end);
        assert_int_equal(base64_finish(&base64, end) - out, bytes);
        assert_memory_equal(out, whole, bytes);
    }
}

static void crlf__any_line_end(void **state)
{
    char out[64];
    (void)state;
    assert_text("a\r\nb\r\nc\r\n\r\nd\r\n", out,
                crlf_copy(STR("a\rb\nc\r\n\rd\n"), out));
    assert_text("", out, crlf_copy(STR(""), out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qp__known_texts),
        cmocka_unit_test(qp__every_split_decodes_to_the_same),
        cmocka_unit_test(qp__a_short_value_encodes_as_amid_the_whole_text),
        cmocka_unit_test(base64__known_texts),
        cmocka_unit_test(base64__every_split_is_the_same),
        cmocka_unit_test(crlf__any_line_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
