/* Reports of spam filters: what they look like, every truncation, and other bytes. */
#include "cmd/spam_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const char assassin[] =
    "Subject: broadside-lint: 1.0 9.0\n\nbody\nbroadside-lint: 5.4 5.0\n"
    "-0.0 NO_RELAYS              Informational: message was not relayed\n"
    " 2.8 DRUG_ED_CAPS           BODY: Mentions an E.D. drug\n"
    "                            [score: 0.1]\n"
    "-1.9 BAYES_00               BODY: ...\n"
    "1000 GTUBE                  \n\n";
static const char rspamd[] =
    "Results:\n{\"score\": 7.25, \"required_score\": 15.0, \"symbols\": {"
    "\"A\": {\"name\": \"A\", \"score\": 0.0}, \"B\": {\"score\": 1.5, "
    "\"description\": \"what\"}, \"C\": {\"score\": \"x\"}, \"D\": 3}}\n";

static void report__of_spamassassin_is_behind_the_last_mark(void **state)
{
    struct arena arena;
    struct spam_report report;
    (void)state;
    arena_init(&arena, 1u << 16);
    assert_int_equal(spam_report_read_spamassassin(str_of(assassin), &arena, &report),
                     ERR_NONE);
    assert_true(report.score > 5.39 && report.score < 5.41);
    assert_true(report.required > 4.99 && report.required < 5.01);
    assert_int_equal(report.rule_count, 3);
    assert_true(str_equal(report.rules[0].name, STR("DRUG_ED_CAPS")));
    assert_true(
        str_equal(report.rules[0].description, STR("BODY: Mentions an E.D. drug")));
    assert_true(report.rules[1].score < -1.8);
    assert_true(str_equal(report.rules[2].name, STR("GTUBE")));
    assert_int_equal(spam_report_read_spamassassin(STR("x"), &arena, &report),
                     ERR_DATA);
    arena_fini(&arena);
}

static void report__of_rspamd_is_json(void **state)
{
    struct arena arena;
    struct spam_report report;
    (void)state;
    arena_init(&arena, 1u << 16);
    assert_int_equal(spam_report_read_rspamd(str_of(rspamd), &arena, &report),
                     ERR_NONE);
    assert_true(report.score > 7.24 && report.required > 14.9);
    assert_int_equal(report.rule_count, 1);
    assert_true(str_equal(report.rules[0].name, STR("B")));
    assert_true(str_equal(report.rules[0].description, STR("what")));
    assert_int_equal(spam_report_read_rspamd(STR("{\"score\": null}"), &arena, &report),
                     ERR_DATA);
    arena_fini(&arena);
}

static void report__every_truncation_is_read_or_refused(void **state)
{
    struct arena arena;
    struct spam_report report;
    (void)state;
    arena_init(&arena, 1u << 16);
    for (size_t n = 0; n < sizeof assassin; n++) {
        char *exact = malloc(n + 1);
        assert_non_null(exact);
        memcpy(exact, assassin, n);
        (void)!spam_report_read_spamassassin(str_slice(exact, n), &arena, &report);
        if (n < sizeof rspamd) {
            memcpy(exact, rspamd, n);
            (void)!spam_report_read_rspamd(str_slice(exact, n), &arena, &report);
        }
        free(exact);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report__of_spamassassin_is_behind_the_last_mark),
        cmocka_unit_test(report__of_rspamd_is_json),
        cmocka_unit_test(report__every_truncation_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
