#include "cmocka_all.h"

#include "core/smtp/data_scan.h"

#include <stdio.h>
#include <stdlib.h>

struct taken {
    char content[8192];
    size_t n;
};

static void take(void *self, struct str bytes)
{
    struct taken *taken = self;
    assert_true(taken->n + bytes.n <= sizeof taken->content);
    memcpy(taken->content + taken->n, bytes.p, bytes.n);
    taken->n += bytes.n;
}

/* Feeds s in pieces of `step` bytes, each a copy of its own so that a read beyond it
 * shows under ASan; returns what was consumed. */
static size_t feed(struct smtp_data_scan *scan, struct str s, size_t step,
                   struct taken *taken)
{
    struct smtp_data_sink sink = {taken, take};
    size_t used = 0;
    taken->n = 0;
    smtp_data_scan_init(scan);
    while (used < s.n && scan->place != SMTP_DATA_END) {
        struct str piece = str_head(str_from(s, used), step);
        char *copy = malloc(piece.n);
        assert_non_null(copy);
        memcpy(copy, piece.p, piece.n);
        used += smtp_data_scan_feed(scan, str_slice(copy, piece.n), &sink);
        free(copy);
    }
    return used;
}

static const struct {
    const char *name;
    struct str input, content, rest;
    bool ends, bare, nul;
} cases[] = {
    {"empty message", STR(".\r\n"), STR(""), STR(""), true, false, false},
    {"one line", STR("a\r\n.\r\n"), STR("a\r\n"), STR(""), true, false, false},
    {"stuffed dots", STR("..\r\n..a\r\n.b\r\n...\r\n.\r\n"),
     STR(".\r\n.a\r\nb\r\n..\r\n"), STR(""), true, false, false},
    {"dots elsewhere", STR("a.b.\r\n.\r\n"), STR("a.b.\r\n"), STR(""), true, false,
     false},
    {"what follows is left", STR("a\r\n.\r\nMAIL"), STR("a\r\n"), STR("MAIL"), true,
     false, false},
    {"LF . LF is no end", STR("a\n.\nb\r\n.\r\n"), STR("a\n.\nb\r\n"), STR(""), true,
     true, false},
    {"LF . CRLF is no end", STR("a\n.\r\nb\r\n.\r\n"), STR("a\n.\r\nb\r\n"), STR(""),
     true, true, false},
    {"CRLF . LF is no end", STR("a\r\n.\nb\r\n.\r\n"), STR("a\r\n\nb\r\n"), STR(""),
     true, true, false},
    {"CR . CR is no end", STR("a\r.\rb\r\n.\r\n"), STR("a\r.\rb\r\n"), STR(""), true,
     true, false},
    {"CRLF . CR is no end", STR("a\r\n.\rb\r\n.\r\n"), STR("a\r\n\rb\r\n"), STR(""),
     true, true, false},
    {"CRLF . CR CR LF is no end", STR("a\r\n.\r\r\nb\r\n.\r\n"),
     STR("a\r\n\r\r\nb\r\n"), STR(""), true, true, false},
    {"CR CRLF", STR("a\r\r\n.\r\n"), STR("a\r\r\n"), STR(""), true, true, false},
    {"NUL", STR("a\0b\r\n.\r\n"), STR("a\0b\r\n"), STR(""), true, false, true},
    {"not complete", STR("a\r\n."), STR("a\r\n"), STR(""), false, false, false},
};

static void data_scan__however_it_is_cut_finds_the_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t step = 1; step <= cases[i].input.n; step++) {
            struct smtp_data_scan scan;
            struct taken taken;
            size_t used = feed(&scan, cases[i].input, step, &taken);
            if (!str_equal(str_slice(taken.content, taken.n), cases[i].content))
                fail_msg("%s, cut at %zu: %.*s", cases[i].name, step, (int)taken.n,
                         taken.content);
            assert_true(str_equal(str_from(cases[i].input, used), cases[i].rest));
            assert_int_equal(scan.place == SMTP_DATA_END, cases[i].ends);
            assert_int_equal(scan.has_bare, cases[i].bare);
            assert_int_equal(scan.has_nul, cases[i].nul);
        }
    }
}

/* The same, as simply as can be: one byte at a time, no tricks. */
struct plain {
    char content[8192];
    size_t n, used;
    bool ends, bare, nul, high, is_long;
};

static void plain_scan(struct str s, struct plain *plain)
{
    size_t line = 0;
    memset(plain, 0, sizeof *plain);
    bool begins = true;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], before = i > 0 ? s.p[i - 1] : '\n';
        if (begins && c == '.' && i + 2 < s.n && s.p[i + 1] == '\r' &&
            s.p[i + 2] == '\n') {
            plain->ends = true;
            plain->used = i + 3;
            return;
        }
        plain->bare |= (c == '\n') != (before == '\r') && !(i == 0 && c != '\n');
        plain->nul |= c == '\0';
        plain->high |= (unsigned char)c >= 0x80;
        line++;
        plain->is_long |= line > SMTP_TEXT_LINE_MAX + 1;
        if (c == '\n')
            line = 0;
        if (!(begins && c == '.'))
            plain->content[plain->n++] = c;
        begins = c == '\n' && before == '\r';
    }
    plain->used = s.n;
}

static size_t random_text(char *to, size_t max)
{
    static const char *const parts[] = {"\r\n", "\r\n.", "\r\n..", "\n", "\r", "."};
    size_t n = 0, want = (size_t)rand() % max;
    while (n < want) {
        size_t run = (size_t)rand() % (rand() % 4 == 0 ? 1200 : 90);
        for (; run > 0 && n < want; run--)
            to[n++] = (char)('a' + rand() % 26);
        int kind = rand() % 40;
        const char *part = parts[kind < 6 ? kind : kind % 3];
        for (; *part != '\0' && n < want; part++)
            to[n++] = *part;
        if (rand() % 100 == 0 && n < want)
            to[n++] = '\0';
        if (rand() % 100 == 0 && n < want)
            to[n++] = (char)0xe9;
    }
    memcpy(to + n, "\r\n.\r\n", 5);
    return n + 5;
}

static void data_scan__random_texts_judged_as_by_the_plain_one(void **state)
{
    (void)state;
    static char text[5000];
    static struct plain plain;
    static struct taken taken;
    srand(1);
    for (int round = 0; round < 3000; round++) {
        struct str s = {text, random_text(text, sizeof text - 5)};
        struct smtp_data_scan scan;
        plain_scan(s, &plain);
        size_t used = feed(&scan, s, 1 + (size_t)rand() % s.n, &taken);
        assert_int_equal(used, plain.used);
        assert_int_equal(scan.place == SMTP_DATA_END, plain.ends);
        assert_int_equal(taken.n, plain.n);
        assert_memory_equal(taken.content, plain.content, plain.n);
        assert_int_equal(scan.has_bare, plain.bare);
        assert_int_equal(scan.has_nul, plain.nul);
        assert_int_equal(scan.has_8bit, plain.high);
        assert_int_equal(scan.has_long_line, plain.is_long);
    }
}

static void data_scan__chunk_keeps_its_dots(void **state)
{
    (void)state;
    struct smtp_data_scan scan;
    struct taken taken = {.n = 0};
    struct smtp_data_sink sink = {&taken, take};
    smtp_data_scan_init(&scan);
    smtp_data_scan_chunk(&scan, STR("..\r\n.\r"), &sink);
    smtp_data_scan_chunk(&scan, STR("\nMAIL\r\n"), &sink);
    assert_true(
        str_equal(str_slice(taken.content, taken.n), STR("..\r\n.\r\nMAIL\r\n")));
    assert_false(scan.has_bare);
    smtp_data_scan_chunk(&scan, STR("\n"), &sink);
    assert_true(scan.has_bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_scan__however_it_is_cut_finds_the_end),
        cmocka_unit_test(data_scan__random_texts_judged_as_by_the_plain_one),
        cmocka_unit_test(data_scan__chunk_keeps_its_dots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
