/* str.h: slices, comparisons, splitting, numbers, UTF-8. */
#include "core/base/str.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

static void str__absent_is_not_empty(void **state)
{
    (void)state;
    assert_true(str_is_null(STR_NULL));
    assert_true(str_is_null(str_of(NULL)));
    assert_false(str_is_null(STR("")));
    assert_false(str_is_null(str_of("")));
    assert_true(str_equal(STR_NULL, STR("")));
}

static void str__slices_are_clamped(void **state)
{
    (void)state;
    struct str s = STR("abcdef");
    assert_true(str_equal(str_from(s, 2), STR("cdef")));
    assert_true(str_equal(str_from(s, 6), STR("")));
    assert_true(str_equal(str_from(s, 7), STR("")));
    assert_true(str_equal(str_from(s, SIZE_MAX), STR("")));
    assert_true(str_equal(str_head(s, 2), STR("ab")));
    assert_true(str_equal(str_head(s, SIZE_MAX), s));
    assert_true(str_is_null(str_from(STR_NULL, 0)));
    assert_true(str_is_null(str_from(STR_NULL, 3)));
    assert_true(str_is_null(str_head(STR_NULL, 3)));
}

static void str__comparison_follows_table(void **state)
{
    static const struct {
        const char *name;
        struct str a, b;
        bool equal, nocase, prefix, prefix_nocase;
        int order;
    } cases[] = {
        {"both empty", STR(""), STR(""), true, true, true, true, 0},
        {"empty is a prefix", STR("a"), STR(""), false, false, true, true, 1},
        {"same", STR("abc"), STR("abc"), true, true, true, true, 0},
        {"case", STR("aBc"), STR("AbC"), false, true, false, true, 1},
        {"prefix", STR("Subject"), STR("Sub"), false, false, true, true, 1},
        {"prefix in another case", STR("subject"), STR("SUB"), false, false, false,
         true, 1},
        {"shorter first", STR("ab"), STR("abc"), false, false, false, false, -1},
        {"high bytes are unsigned", STR("\x80"), STR("a"), false, false, false, false,
         1},
        {"high bytes have no case", STR("\xc4"), STR("\xe4"), false, false, false,
         false, -1},
        {"NUL inside", STR("a\0b"), STR("a\0c"), false, false, false, false, -1},
        {"@ and ` are no letters", STR("@["), STR("`{"), false, false, false, false,
         -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str a = cases[i].a, b = cases[i].b;
        int order = str_compare(a, b), back = str_compare(b, a);
        print_message("%s\n", cases[i].name);
        assert_int_equal(str_equal(a, b), cases[i].equal);
        assert_int_equal(str_equal_nocase(a, b), cases[i].nocase);
        assert_int_equal(str_has_prefix(a, b), cases[i].prefix);
        assert_int_equal(str_has_prefix_nocase(a, b), cases[i].prefix_nocase);
        assert_int_equal((order > 0) - (order < 0), cases[i].order);
        assert_int_equal((back > 0) - (back < 0), -cases[i].order);
    }
}

static void str_trim__takes_spaces_and_tabs_only(void **state)
{
    (void)state;
    assert_true(str_equal(str_trim(STR(" \t a b\t ")), STR("a b")));
    assert_true(str_equal(str_trim(STR("\r\na\n")), STR("\r\na\n")));
    assert_true(str_equal(str_trim(STR(" \t ")), STR("")));
    assert_true(str_is_null(str_trim(STR_NULL)));
}

static void str_split__walks_every_part(void **state)
{
    (void)state;
    struct str rest;
    assert_true(str_equal(str_split(STR("a,,b"), ',', &rest), STR("a")));
    assert_true(str_equal(rest, STR(",b")));
    assert_true(str_equal(str_split(rest, ',', &rest), STR("")));
    assert_true(str_equal(str_split(rest, ',', &rest), STR("b")));
    assert_true(str_is_null(rest));
}

static void str_split__trailing_separator_leaves_empty_rest(void **state)
{
    (void)state;
    struct str rest;
    assert_true(str_equal(str_split(STR("a,"), ',', &rest), STR("a")));
    assert_false(str_is_null(rest));
    assert_int_equal(rest.n, 0);
    assert_true(str_is_null(str_split(STR_NULL, ',', &rest)));
    assert_true(str_is_null(rest));
}

static void str_of_u64__is_what_str_to_u64_reads(void **state)
{
    static const struct {
        uint64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {9, "9"},
                 {10, "10"},
                 {65535, "65535"},
                 {UINT64_MAX, "18446744073709551615"}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char digits[STR_U64_MAX];
        struct str text = str_of_u64(cases[i].value, digits);
        uint64_t back = 1;
        assert_true(str_equal(text, str_of(cases[i].text)));
        assert_true(str_to_u64(text, &back));
        assert_true(back == cases[i].value);
    }
}

static void str_characters__counts_what_begins_one(void **state)
{
    (void)state;
    assert_int_equal(str_characters(STR("")), 0);
    assert_int_equal(str_characters(STR("Chloe")), 5);
    assert_int_equal(str_characters(STR("Chlo\xC3\xA9 \xF0\x9F\x8C\xB8")), 7);
}

static void str_is_digits__wants_one_at_least(void **state)
{
    (void)state;
    assert_true(str_is_digits(STR("0123456789")));
    assert_false(str_is_digits(STR("")));
    assert_false(str_is_digits(STR("12a")));
    assert_false(str_is_digits(STR("-1")));
}

static void str_to_u64__takes_whole_decimal_only(void **state)
{
    static const struct {
        struct str text;
        bool ok;
        uint64_t value;
    } cases[] = {
        {STR("0"), true, 0},
        {STR("007"), true, 7},
        {STR("18446744073709551615"), true, UINT64_MAX},
        {STR("18446744073709551616"), false, 0},
        {STR("18446744073709551620"), false, 0},
        {STR("99999999999999999999"), false, 0},
        {STR(""), false, 0},
        {STR("-1"), false, 0},
        {STR("+1"), false, 0},
        {STR(" 1"), false, 0},
        {STR("1 "), false, 0},
        {STR("0x10"), false, 0},
        {STR("1e3"), false, 0},
        {STR("1\0"), false, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t value = 42;
        print_message("%.*s\n", STR_ARG(cases[i].text));
        assert_int_equal(str_to_u64(cases[i].text, &value), cases[i].ok);
        assert_true(value == (cases[i].ok ? cases[i].value : 42));
    }
    uint64_t value;
    assert_false(str_to_u64(STR_NULL, &value));
}

static void str_is_printable_ascii__knows_each_octet_at_each_position(void **state)
{
    (void)state;
    char text[24];
    for (size_t at = 0; at < sizeof text; at++)
        for (int c = 0; c < 256; c++) {
            memset(text, '~', sizeof text);
            text[at] = (char)c;
            for (size_t n = at + 1; n <= sizeof text; n++)
                assert_int_equal(str_is_printable_ascii(str_slice(text, n)),
                                 c >= ' ' && c <= '~');
            assert_true(str_is_printable_ascii(str_slice(text, at)));
        }
    assert_true(str_is_printable_ascii(STR_NULL));
}

static void str_is_ascii__sees_every_position(void **state)
{
    (void)state;
    char text[40];
    for (size_t n = 0; n <= sizeof text; n++) {
        memset(text, 0x7f, sizeof text);
        assert_true(str_is_ascii(str_slice(text, n)));
        for (size_t at = 0; at < n; at++) {
            text[at] = (char)0x80;
            assert_false(str_is_ascii(str_slice(text, n)));
            text[at] = 0;
        }
    }
    assert_true(str_is_ascii(STR_NULL));
}

static void str_is_utf8__follows_table(void **state)
{
    static const struct {
        const char *name;
        struct str text;
        bool ok;
    } cases[] = {
        {"empty", STR(""), true},
        {"NUL is a character", STR("a\0b"), true},
        {"first of two bytes", STR("\xc2\x80"), true},
        {"last of two bytes", STR("\xdf\xbf"), true},
        {"first of three bytes", STR("\xe0\xa0\x80"), true},
        {"before the surrogates", STR("\xed\x9f\xbf"), true},
        {"behind the surrogates", STR("\xee\x80\x80"), true},
        {"first of four bytes", STR("\xf0\x90\x80\x80"), true},
        {"U+10FFFF", STR("\xf4\x8f\xbf\xbf"), true},
        {"overlong NUL", STR("\xc0\x80"), false},
        {"overlong of two", STR("\xc1\xbf"), false},
        {"overlong of three", STR("\xe0\x9f\xbf"), false},
        {"overlong of four", STR("\xf0\x8f\xbf\xbf"), false},
        {"first surrogate", STR("\xed\xa0\x80"), false},
        {"last surrogate", STR("\xed\xbf\xbf"), false},
        {"U+110000", STR("\xf4\x90\x80\x80"), false},
        {"five bytes", STR("\xf8\x88\x80\x80\x80"), false},
        {"lone continuation", STR("a\x80"), false},
        {"second byte is a letter", STR("\xc3o"), false},
        {"third byte is a letter", STR("\xe2\x82o"), false},
        {"Latin-1", STR("caf\xe9"), false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        print_message("%s\n", cases[i].name);
        assert_int_equal(str_is_utf8(cases[i].text), cases[i].ok);
    }
    assert_true(str_is_utf8(STR_NULL));
}

/* The text flush against the end of its allocation, so that a sanitizer sees one
 * byte too many. */
static bool utf8_alone(struct str text)
{
    char *copy = malloc(text.n > 0 ? text.n : 1);
    assert_non_null(copy);
    memcpy(copy, text.p, text.n);
    bool ok = str_is_utf8(str_slice(copy, text.n));
    free(copy);
    return ok;
}

static void str_is_utf8__truncated_anywhere_is_refused(void **state)
{
    (void)state;
    struct str text = STR("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    for (size_t n = 0; n <= text.n; n++) {
        bool whole = n == 0 || n == 2 || n == 5 || n == 9;
        assert_int_equal(utf8_alone(str_head(text, n)), whole);
    }
}

static void str_utf8_length__agrees_with_every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x10000; c += c < 0x900 ? 1 : 13) {
        char p[3] = {(char)c, 0, 0};
        size_t want = c < 0x80 ? 1 : c < 0x800 ? 2 : c >= 0xd800 && c < 0xe000 ? 0 : 3;
        if (c >= 0x800) {
            p[0] = (char)(0xe0 | c >> 12);
            p[1] = (char)(0x80 | (c >> 6 & 63));
            p[2] = (char)(0x80 | (c & 63));
        } else if (c >= 0x80) {
            p[0] = (char)(0xc0 | c >> 6);
            p[1] = (char)(0x80 | (c & 63));
        }
        assert_int_equal(str_utf8_length(str_slice(p, 3)), want);
    }
}

static void str_make_printable__neutralises_what_drives_a_terminal(void **state)
{
    static const struct {
        struct str text, want;
    } cases[] = {
        {STR(""), STR("")},
        {STR("plain"), STR("plain")},
        {STR("a\r\nb\tc"), STR("a??b?c")},
        {STR("\x1b[31mred"), STR("?[31mred")},
        {STR("del\x7f"), STR("del?")},
        {STR("c1 \xc2\x9b"
             "31m"),
         STR("c1 ??31m")},
        {STR("\xc2\xa0 kept"), STR("\xc2\xa0 kept")},
        {STR("caf\xc3\xa9"), STR("caf\xc3\xa9")},
        {STR("caf\xe9"), STR("caf?")},
        {STR("cut \xe2\x82"), STR("cut ??")},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[32];
        memcpy(text, cases[i].text.p, cases[i].text.n);
        str_make_printable(text, cases[i].text.n);
        assert_true(str_equal(str_slice(text, cases[i].text.n), cases[i].want));
    }
}

static void str_hash__differs_for_near_texts(void **state)
{
    (void)state;
    assert_true(str_hash(STR("a")) == str_hash(STR("a")));
    assert_true(str_hash(STR("a")) != str_hash(STR("b")));
    assert_true(str_hash(STR("ab")) != str_hash(STR("ba")));
    assert_true(str_hash(STR("")) == str_hash(STR_NULL));
    /* No two of 65,536 numbers share the low 32 bits more often than chance allows. */
    enum { BUCKETS = 4096, KEYS = 65536 };
    static unsigned short counts[BUCKETS];
    for (unsigned key = 0; key < KEYS; key++) {
        unsigned char text[2] = {(unsigned char)key, (unsigned char)(key >> 8)};
        counts[str_hash(str_slice((char *)text, 2)) % BUCKETS]++;
    }
    for (size_t i = 0; i < BUCKETS; i++)
        assert_in_range(counts[i], 1, 4 * KEYS / BUCKETS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(str__absent_is_not_empty),
        cmocka_unit_test(str__slices_are_clamped),
        cmocka_unit_test(str__comparison_follows_table),
        cmocka_unit_test(str_trim__takes_spaces_and_tabs_only),
        cmocka_unit_test(str_split__walks_every_part),
        cmocka_unit_test(str_split__trailing_separator_leaves_empty_rest),
        cmocka_unit_test(str_of_u64__is_what_str_to_u64_reads),
        cmocka_unit_test(str_characters__counts_what_begins_one),
        cmocka_unit_test(str_is_digits__wants_one_at_least),
        cmocka_unit_test(str_to_u64__takes_whole_decimal_only),
        cmocka_unit_test(str_is_ascii__sees_every_position),
        cmocka_unit_test(str_is_printable_ascii__knows_each_octet_at_each_position),
        cmocka_unit_test(str_is_utf8__follows_table),
        cmocka_unit_test(str_is_utf8__truncated_anywhere_is_refused),
        cmocka_unit_test(str_utf8_length__agrees_with_every_code_point),
        cmocka_unit_test(str_make_printable__neutralises_what_drives_a_terminal),
        cmocka_unit_test(str_hash__differs_for_near_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
