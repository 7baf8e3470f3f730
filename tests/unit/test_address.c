/* Mailboxes: the published is_email cases, and tables of our own. */
#include "core/mail/address.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL)
        return 1;
    arena_init(arena, 1 << 20);
    *state = arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(*state);
    free(*state);
    return 0;
}

static const char *check(void **state, struct str input, struct address *address)
{
    arena_reset(*state);
    return address_parse(input, *state, address);
}

static void address__good_ones_fold_the_domain_only(void **state)
{
    static const struct {
        const char *input, *text;
        bool smtputf8, literal;
    } cases[] = {
        {"Jane.Doe@Example.COM", "Jane.Doe@example.com", false, false},
        {"a+tag@b.c", "a+tag@b.c", false, false},
        {"-oQ/x@d.example", "-oQ/x@d.example", false, false},
        {"a%b@c.example", "a%b@c.example", false, false},
        {"\"a>b c\\\"\"@x.org", "\"a>b c\\\"\"@x.org", false, false},
        {"\"a@b\"@x.org", "\"a@b\"@x.org", false, false},
        {"J\xC3\xBCrgen@x.org", "J\xC3\xBCrgen@x.org", true, false},
        {"a@B\xC3\x9C"
         "cher.example",
         "a@xn--bcher-kva.example", false, false},
        {"a@fa\xC3\x9F.de", "a@xn--fa-hia.de", false, false},
        {"a@XN--bcher-KVA.example", "a@xn--bcher-kva.example", false, false},
        {"a@xn--i-7iq.ws", "a@xn--i-7iq.ws", false, false},
        {"a@[127.0.0.1]", "a@[127.0.0.1]", false, true},
        {"a@[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8::1]", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address address;
        const char *why = check(state, str_of(cases[i].input), &address);
        if (why != NULL)
            fail_msg("%s: %s", cases[i].input, why);
        assert_string_equal(address.text.p, cases[i].text);
        assert_int_equal(address.needs_smtputf8, cases[i].smtputf8);
        assert_int_equal(address.is_literal, cases[i].literal);
        assert_int_equal(address.local.n + 1 + address.domain.n, address.text.n);
    }
}

static void address__bad_ones_say_why(void **state)
{
    static const struct {
        struct str input;
        const char *why;
    } cases[] = {
        {{"", 0}, "empty"},
        {{"a", 1}, "no @ sign"},
        {{"a b@c.d", 7}, "space in the address"},
        {{"a@b@c", 5}, "more than one @ sign"},
        {{"<a@b>", 5}, "no local part"},
        {{"A <a@b>", 7}, "space in the address"},
        {{"a@b.", 4}, "domain ends with a dot"},
        {{"a@b_c.d", 7}, "character not allowed in the domain"},
        {{"a\0b@c", 5}, "character not allowed in the local part"},
        {{"a@b\0c", 5}, "character not allowed in the domain"},
        {{"\xFF@b.c", 5}, "not valid UTF-8"},
        {{"\xC2\x85@b.c", 6}, "invisible character in the local part"},
        {{"\xE2\x80\xA8@b.c", 7}, "invisible character in the local part"},
        {{"a@b.c\xC2\xA0", 7}, "character not allowed in the domain"},
        {{"a@b\xE3\x80\x82"
          "c",
          7},
         "character not allowed in the domain"},
        {{"a@\xFF.c", 5}, "not valid UTF-8"},
        {{"a@-\xC3\xBC.c", 7}, "not a valid internationalised domain"},
        {{"a@xn--\x7a\x7a\x7a\x7a\x7a\x7a\x7a\x7a\x7a.c", 17},
         "not a valid internationalised domain (bad A-label)"},
        {{"@a.example:b@c.example", 22}, "no local part"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address address;
        const char *why = check(state, cases[i].input, &address);
        if (why == NULL)
            fail_msg("case %zu is accepted", i);
        assert_string_equal(why, cases[i].why);
    }
}

/* Calls `each` for every line of a conformance file; skips without one. */
static void for_each_case(void **state, const char *name,
                          void (*each)(void **state, json_t *json))
{
    char path[1024], line[65536];
    snprintf(path, sizeof path, SOURCE_ROOT "/../shared/conformance/%s", name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        print_message("no conformance data (%s)\n", name);
        skip();
    }
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        json_t *json = json_loads(line, JSON_ALLOW_NUL, NULL);
        assert_non_null(json);
        each(state, json);
        json_decref(json);
    }
    if (file != NULL)
        fclose(file);
}

static void check_isemail(void **state, json_t *json)
{
    json_t *input = json_object_get(json, "address");
    json_t *want = json_object_get(json, "smtp");
    struct address address;
    if (json_is_null(want))
        return;
    const char *why =
        check(state, str_slice(json_string_value(input), json_string_length(input)),
              &address);
    if ((why == NULL) != json_is_true(want))
        fail_msg("%s: %s", json_string_value(input), why != NULL ? why : "accepted");
}

static void address__isemail_cases(void **state)
{
    for_each_case(state, "addresses-isemail.jsonl", check_isemail);
}

static unsigned punycode_agreed;

static void check_punycode(void **state, json_t *json)
{
    const char *decoded = json_string_value(json_object_get(json, "decoded"));
    const char *encoded = json_string_value(json_object_get(json, "encoded"));
    char name[1024], want[1024];
    struct str ascii;
    arena_reset(*state);
    snprintf(name, sizeof name, "%s.example", decoded);
    snprintf(want, sizeof want, "xn--%s.example", encoded);
    bool is_folded = true;
    for (const char *p = decoded; *p != '\0'; p++)
        is_folded &= ascii_lower(*p) == *p;
    /* What has capitals, blanks or symbols is text of the punycode suite and no
     * label; it may be refused but not turned into something else. */
    const char *why = domain_parse(str_of(name), *state, &ascii);
    if (why != NULL || !is_folded || str_is_ascii(str_of(decoded)))
        return;
    assert_string_equal(ascii.p, want);
    assert_null(domain_parse(str_of(want), *state, &ascii));
    punycode_agreed++;
}

static void domain__punycode_cases(void **state)
{
    for_each_case(state, "punycode.jsonl", check_punycode);
    assert_true(punycode_agreed >= 9);
}

static void address__every_truncation_is_judged(void **state)
{
    static const char *inputs[] = {
        "\"a\\\"b\"@[IPv6:1:2:3:4:5:6:7.8.9.10]",
        "\xC3\xA4.\xF0\x9F\x98\x80@\xE4\xBE\x8B\xE3\x81\x88.xn--wgv71a",
    };
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        size_t whole = strlen(inputs[i]);
        for (size_t n = 0; n <= whole; n++) {
            struct address address;
            char *exact = malloc(n + 1);
            assert_non_null(exact);
            memcpy(exact, inputs[i], n);
            const char *why = check(state, str_slice(exact, n), &address);
            if (n == whole)
                assert_null(why);
            free(exact);
        }
    }
}

static void address__no_memory_is_said(void **state)
{
    struct arena none;
    struct address address;
    (void)state;
    arena_init(&none, 0);
    assert_string_equal(address_parse(STR("a@b.c"), &none, &address), "out of memory");
    assert_string_equal(address_parse(STR("a@[1.2.3.4]"), &none, &address),
                        "out of memory");
    arena_fini(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(address__good_ones_fold_the_domain_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(address__bad_ones_say_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(address__isemail_cases, set_up, tear_down),
        cmocka_unit_test_setup_teardown(domain__punycode_cases, set_up, tear_down),
        cmocka_unit_test_setup_teardown(address__every_truncation_is_judged, set_up,
                                        tear_down),
        cmocka_unit_test(address__no_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
