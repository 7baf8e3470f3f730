/* Address lists: what people write in From and Reply-To, and what goes on the wire. */
#include "core/base/err.h"
#include "core/mail/address_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *input, *want;
    size_t mailboxes;
} good[] = {
    {"a@b.c", " a@b.c", 1},
    {" <a@B.c> ", " a@b.c", 1},
    {"Acme News <news@acme.example>", " Acme News <news@acme.example>", 1},
    {"\"Acme, Inc.\" <a@b.c>", " \"Acme, Inc.\" <a@b.c>", 1},
    {"Joe Q. Public <j@x.org>", " \"Joe Q. Public\" <j@x.org>", 1},
    {"Gr\xC3\xBC\xC3\x9F"
     "e <a@b.c>",
     " =?utf-8?B?R3LDvMOfZQ==?= <a@b.c>", 1},
    {"a@b.c, , d@e.f,", " a@b.c, d@e.f", 2},
    {"A Group: Ed <c@a.test>, joe@where.test;",
     " A Group: Ed <c@a.test>, joe@where.test;", 2},
    {"Undisclosed recipients:;, a@b.c", " Undisclosed recipients:;, a@b.c", 1},
    {"(one) Pete (two(nested \\) )) <a@b.c> (three)", " Pete <a@b.c>", 1},
    {"a@b.c (J\\(o\xC3\xABl (x)), <d@e.f>( two )",
     " =?utf-8?B?Sihvw6tsICh4KQ==?= <a@b.c>, two <d@e.f>", 2},
    {"a@b.c (), g: d@e.f (g (h));", " a@b.c, g: \"g (h)\" <d@e.f>;", 2},
    {"\"a@b\"@c.d", " \"a@b\"@c.d", 1},
    {"a@[127.0.0.1]", " a@[127.0.0.1]", 1},
    {"x <a@b\xC3\xBC"
     "cher.de>",
     " x <a@xn--bcher-kva.de>", 1},
    {"\"q\\\"x\" y <a@b.c>", " \"q\\\"x y\" <a@b.c>", 1},
};

static const char *const bad[] = {
    "\"\t \":;",
    "a",
    "Acme, Inc <a@b.c>",
    "a@b.c d@e.f",
    "a b@c.d",
    "<a@b.c",
    "<a@b.c> x",
    "\"open <a@b.c>",
    "(open <a@b.c>",
    "a@b.c;",
    "g: a@b.c",
    "g: h: a@b.c;;",
    "<@route.example:a@b.c>",
    "a@b@c",
    "<>",
    "a@b.c\nBcc: x@y.z",
    "a@-b.c",
    ":;",
};

static void list__good_ones_are_written_encoded(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char wire[4096];
        struct header_writer writer = {.to = wire};
        struct address_list list;
        const char *why = address_list_parse(str_of(good[i].input), &arena, &list);
        if (why != NULL)
            fail_msg("%s: %s", good[i].input, why);
        assert_int_equal(list.mailbox_count, good[i].mailboxes);
        address_list_write(&list, &writer);
        assert_true((size_t)(writer.to - wire) <= address_list_bytes(&list));
        *writer.to = '\0';
        assert_string_equal(wire, good[i].want);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static void list__bad_ones_are_refused(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct address_list list;
        if (address_list_parse(str_of(bad[i]), &arena, &list) == NULL)
            fail_msg("accepted: %s", bad[i]);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static void list__every_truncation_is_judged(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        for (size_t n = 0; n <= strlen(good[i].input); n++) {
            struct address_list list;
            char *exact = malloc(n + 1);
            assert_non_null(exact);
            memcpy(exact, good[i].input, n);
            (void)address_list_parse(str_slice(exact, n), &arena, &list);
            free(exact);
            arena_reset(&arena);
        }
    }
    arena_fini(&arena);
}

static void list__no_memory_is_said(void **state)
{
    struct arena none;
    struct address_list list;
    (void)state;
    arena_init(&none, 0);
    assert_string_equal(address_list_parse(STR("a@b.c"), &none, &list),
                        "out of memory");
    arena_fini(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list__good_ones_are_written_encoded),
        cmocka_unit_test(list__bad_ones_are_refused),
        cmocka_unit_test(list__every_truncation_is_judged),
        cmocka_unit_test(list__no_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
