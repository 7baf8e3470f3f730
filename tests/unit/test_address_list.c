/* Address lists: what people write in From and Reply-To, and what goes on the wire. */
#include "core/base/err.h"
#include "core/mail/address_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

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
    {"=?UTF-8?Q?J=C3=BCrgen?= <a@b.c>", " =?utf-8?Q?J=C3=BCrgen?= <a@b.c>", 1},
    {"=?utf-8?q?a?= =?UTF-8*en?B?YmM=?= d =?us-ascii?Q?e_f?= <a@b.c>",
     " abc d e f <a@b.c>", 1},
    {"=?iso-8859-1?Q?=FC?= <a@b.c>", " =?utf-8?B?w7w=?= <a@b.c>", 1},
    {"=?utf-8?Q?=C3?= =?utf-8?Q?=BC?= <a@b.c>", " =?utf-8?B?w7w=?= <a@b.c>", 1},
    {"=?utf-8?Q?Acme=2C_Inc?=: a@b.c;", " \"Acme, Inc\": a@b.c;", 1},
    {"\"=?utf-8?q?a?=\" <a@b.c>", " =?utf-8?B?PT91dGYtOD9xP2E/PQ==?= <a@b.c>", 1},
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
    "=?utf-8?Q?a=0D=0ABcc:_x?= <a@b.c>",
    "=?utf-8?Q?=C3?= <a@b.c>",
    "=?utf-8?Q?=G1?= <a@b.c>",
    "=?utf-8?Q?=C?= <a@b.c>",
    "=?utf-8?B?a?= <a@b.c>",
    "=?utf-8?B?a_b?= <a@b.c>",
    "=?koi8-r?Q?=F0?= <a@b.c>",
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

/* ---- headers of other people's mail -------------------------------------------- */

/* What that suite's parser takes and a sender must not, or reads otherwise. */
static const struct {
    const char *id, *why;
} otherwise[] = {
    {"address/010", "a comment inside an address"},
    {"address/011", "a group without addresses that has a comment for one"},
    {"address/013", "a route, and blanks inside a domain"},
    {"address/028", "an encoded-word in quotation marks is text (RFC 2047, 5)"},
    {"address/031", "the same"},
    {"address/037", "a URL is no address"},
    {"address/042", "NO is no address"},
    {"address/045", "a URL is no address"},
    {"address/047", "a URL is no address"},
};

static bool is_otherwise(const char *id)
{
    for (size_t i = 0; i < sizeof otherwise / sizeof otherwise[0]; i++) {
        if (strcmp(id, otherwise[i].id) == 0)
            return true;
    }
    return false;
}

/* The field's value: up to a line break that no blank follows, unfolded. */
static struct str unfolded(const char *header, char *to)
{
    size_t n = 0;
    for (const char *p = header; *p != '\0'; p++) {
        if (*p == '\n' && p[1] != ' ' && p[1] != '\t')
            break;
        if (*p != '\r' && *p != '\n')
            to[n++] = *p;
    }
    return str_slice(to, n);
}

static void assert_member(json_t *object, const char *key, struct str have,
                          const char *id)
{
    const char *want = json_string_value(json_object_get(object, key));
    if (!str_equal(have, str_of(want != NULL ? want : "")))
        fail_msg("%s: %s is %.*s, wanted %s", id, key, STR_ARG(have), want);
}

/* From *at on, the mailboxes of `want`; the suite keeps the case of domains. */
static void assert_mailboxes(const struct address_list *list, size_t *at, json_t *want,
                             const char *id)
{
    size_t i;
    json_t *mailbox;
    json_array_foreach(want, i, mailbox)
    {
        while (*at < list->count && list->items[*at].kind != ITEM_MAILBOX)
            (*at)++;
        assert_true(*at < list->count);
        const struct address_item *item = &list->items[(*at)++];
        const char *address = json_string_value(json_object_get(mailbox, "address"));
        assert_member(mailbox, "name", item->name, id);
        if (!str_equal_nocase(item->address.text, str_of(address)))
            fail_msg("%s: %.*s", id, STR_ARG(item->address.text));
    }
}

static void check_header(struct arena *arena, json_t *json)
{
    char line[4096];
    const char *id = json_string_value(json_object_get(json, "id"));
    struct address_list list;
    size_t at = 0, i;
    json_t *group, *want = json_object_get(json, "expect");
    if (is_otherwise(id))
        return;
    struct str value =
        unfolded(json_string_value(json_object_get(json, "header")), line);
    const char *why = address_list_parse(value, arena, &list);
    if (why != NULL)
        fail_msg("%s: %s", id, why);
    json_array_foreach(json_object_get(want, "Group"), i, group)
    {
        if (json_is_string(json_object_get(group, "name"))) {
            assert_int_equal(list.items[at].kind, ITEM_GROUP_BEGIN);
            assert_member(group, "name", list.items[at].name, id);
        }
        assert_mailboxes(&list, &at, json_object_get(group, "addresses"), id);
        while (at < list.count && list.items[at].kind == ITEM_GROUP_END)
            at++;
    }
    assert_mailboxes(&list, &at, json_object_get(want, "List"), id);
}

/* The kinds of headers that the program reads: addresses. */
static void list__mailparser_headers(void **state)
{
    struct arena arena;
    char line[65536];
    unsigned count = 0;
    FILE *file =
        fopen(SOURCE_ROOT "/../shared/conformance/mailparser-headers.jsonl", "r");
    (void)state;
    if (file == NULL) {
        print_message("no conformance data (mailparser-headers.jsonl)\n");
        skip();
    }
    arena_init(&arena, 1 << 20);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        json_t *json = json_loads(line, JSON_ALLOW_NUL, NULL);
        assert_non_null(json);
        if (strcmp(json_string_value(json_object_get(json, "kind")), "address") == 0) {
            check_header(&arena, json);
            count++;
        }
        json_decref(json);
        arena_reset(&arena);
    }
    assert_true(count >= 25);
    arena_fini(&arena);
    if (file != NULL)
        fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list__good_ones_are_written_encoded),
        cmocka_unit_test(list__bad_ones_are_refused),
        cmocka_unit_test(list__every_truncation_is_judged),
        cmocka_unit_test(list__no_memory_is_said),
        cmocka_unit_test(list__mailparser_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
