/* cmd/report_pages.h: a report in every format, from numbers and hostile texts. */
#include "cmd/report_pages.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

/* What a hostile list, server or person might have put anywhere. */
#define HOSTILE "<script>alert('x')</script>&\"\x1b[2J\xff"

static const struct reply_report replies[] = {
    {DELIVERY_FAILED,
     550,
     {"5.1.1", 5},
     {HOSTILE, sizeof(HOSTILE) - 1},
     3,
     {"\"<b>\"@example.org", 17}},
    {DELIVERY_IN_DOUBT, 0, {"", 0}, {"connection lost", 15}, 1, {"c@example.org", 13}},
};

static void report_fill(struct report *report, struct domain_report *domain)
{
    *domain = (struct domain_report){
        .domain = STR("example.org"), .first_ms = 1000, .last_ms = 3000};
    domain->counts.audience = 10;
    domain->counts.by_state[DELIVERY_DELIVERED] = 6;
    domain->counts.by_state[DELIVERY_FAILED] = 3;
    domain->counts.by_state[DELIVERY_IN_DOUBT] = 1;
    *report = (struct report){
        .domains = {domain, 1, 1},
        .replies = {(struct reply_report *)(uintptr_t)replies, 2},
        .made_ms = 1767225600000,
    };
    struct campaign *campaign = &report->summary.campaign;
    campaign->name = STR("spring");
    campaign->list_name = str_slice(HOSTILE, sizeof(HOSTILE) - 1);
    campaign->state = CAMPAIGN_FINISHED;
    campaign->started_ms = 1767225600000;
    campaign->finished_ms = 1767225603000;
    report->summary.counts = domain->counts;
    report->summary.attempts = 12;
    report->summary.elapsed_s = 3;
    report->summary.rate_per_s = 2;
}

/* What `write` makes of it; in a buffer of the next call's. */
static const char *written(void (*write)(const struct report *report, FILE *to))
{
    static char text[100000];
    struct domain_report domain;
    struct report report;
    report_fill(&report, &domain);
    FILE *to = tmpfile();
    write(&report, to);
    rewind(to);
    size_t n = fread(text, 1, sizeof text - 1, to);
    text[n] = '\0';
    (void)fclose(to);
    assert_true(str_is_utf8(str_slice(text, n)));
    return text;
}

static void report_html__escapes_everything(void **state)
{
    (void)state;
    const char *page = written(report_write_html);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<b>"));
    assert_null(strchr(page, '\x1b'));
    assert_non_null(
        strstr(page, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;"));
    assert_non_null(strstr(page, "default-src 'none'"));
    assert_null(strstr(page, "http://"));
    assert_null(strstr(page, "https://"));
}

static void report_html__bar_holds_final_states_only(void **state)
{
    (void)state;
    const char *page = written(report_write_html);
    assert_non_null(strstr(page, "class=\"delivered\" style=\"width:60.000%\""));
    assert_non_null(strstr(page, "class=\"in_doubt\" style=\"width:10.000%\""));
    assert_null(strstr(page, "class=\"pending\""));
}

static void report_json__has_the_contracts_keys(void **state)
{
    static const char *const keys[] = {"campaign",    "list",          "state",
                                       "counts",      "attempts",      "started_at",
                                       "finished_at", "elapsed_s",     "rate_per_s",
                                       "domains",     "domains_total", "replies"};
    (void)state;
    json_error_t error;
    json_t *report =
        json_loads(written(report_write_json), JSON_REJECT_DUPLICATES, &error);
    assert_non_null(report);
    assert_int_equal(json_object_size(report), COUNT_OF(keys));
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_non_null(json_object_get(report, keys[i]));
    const json_t *counts = json_object_get(report, "counts");
    assert_int_equal(json_object_size(counts), 1 + DELIVERY_STATE_COUNT);
    assert_int_equal(json_integer_value(json_object_get(counts, "delivered")), 6);
    assert_string_equal(json_string_value(json_object_get(report, "started_at")),
                        "2026-01-01T00:00:00Z");
    const json_t *domain = json_array_get(json_object_get(report, "domains"), 0);
    assert_true(json_real_value(json_object_get(domain, "rate_per_s")) == 3.0);
    const json_t *reply = json_array_get(json_object_get(report, "replies"), 0);
    assert_int_equal(json_object_size(reply), 6);
    json_decref(report);
}

static void report_text__drives_no_terminal_and_says_what_to_do(void **state)
{
    (void)state;
    const char *text = written(report_write_text);
    assert_null(strchr(text, '\x1b'));
    assert_non_null(strstr(text, "broadside resolve spring --list"));
    assert_non_null(strstr(text, "60.0 %"));
}

static void format_grouped__sets_off_thousands(void **state)
{
    (void)state;
    char to[FORMAT_GROUPED_BYTES];
    assert_true(str_equal(format_grouped(0, to), STR("0")));
    assert_true(str_equal(format_grouped(999, to), STR("999")));
    assert_true(str_equal(format_grouped(1000, to), STR("1,000")));
    assert_true(str_equal(format_grouped(1234567, to), STR("1,234,567")));
    assert_true(
        str_equal(format_grouped(UINT64_MAX, to), STR("18,446,744,073,709,551,615")));
}

static void format_span__uses_two_units(void **state)
{
    static const struct {
        double seconds;
        const char *want;
    } cases[] = {
        {-1, "0.0 s"},      {0, "0.0 s"},          {0.04, "0.0 s"},
        {9.94, "9.9 s"},    {10, "10 s"},          {59.4, "59 s"},
        {60, "1 min 0 s"},  {3599, "59 min 59 s"}, {3600, "1 h 0 min"},
        {90000, "1 d 1 h"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char to[FORMAT_SPAN_BYTES];
        assert_true(
            str_equal(format_span(cases[i].seconds, to), str_of(cases[i].want)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_html__escapes_everything),
        cmocka_unit_test(report_html__bar_holds_final_states_only),
        cmocka_unit_test(report_json__has_the_contracts_keys),
        cmocka_unit_test(report_text__drives_no_terminal_and_says_what_to_do),
        cmocka_unit_test(format_grouped__sets_off_thousands),
        cmocka_unit_test(format_span__uses_two_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
