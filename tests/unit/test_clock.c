/* clock.h: both clocks, both ways to write a time. */
#include "core/base/clock.h"

#include "tests/unit/cmocka_all.h"

#include <locale.h>
#include <stdlib.h>
#include <time.h>

static void clock_mono__never_goes_back(void **state)
{
    (void)state;
    uint64_t last = clock_mono_ns();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_mono_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void clock_wall__is_the_systems_time(void **state)
{
    (void)state;
    int64_t seconds = (int64_t)time(NULL), now = clock_wall_ms() / 1000;
    assert_in_range(now - seconds + 2, 1, 4);
}

static void clock__times_are_written_as_the_rfcs_say(void **state)
{
    static const struct {
        int64_t wall_ms;
        const char *rfc3339, *rfc5322;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"},
        {999, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"},
        {-1, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 +0000"},
        {-1000, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 +0000"},
        {951782399000, "2000-02-28T23:59:59Z", "Mon, 28 Feb 2000 23:59:59 +0000"},
        {951782400000, "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 +0000"},
        {1767225600000, "2026-01-01T00:00:00Z", "Thu, 01 Jan 2026 00:00:00 +0000"},
        {2147483648000, "2038-01-19T03:14:08Z", "Tue, 19 Jan 2038 03:14:08 +0000"},
        {4107542400000, "2100-03-01T00:00:00Z", "Mon, 01 Mar 2100 00:00:00 +0000"},
        {253402300799000, "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 +0000"},
    };
    (void)state;
    /* Whatever the locale and the time zone. */
    setenv("TZ", "Asia/Kolkata", 1);
    setlocale(LC_ALL, "de_DE.UTF-8");
    tzset();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char rfc3339[CLOCK_RFC3339_BYTES], rfc5322[CLOCK_RFC5322_BYTES];
        assert_string_equal(clock_rfc3339(cases[i].wall_ms, rfc3339), cases[i].rfc3339);
        assert_string_equal(clock_rfc5322(cases[i].wall_ms, rfc5322), cases[i].rfc5322);
    }
}

static void clock__absurd_times_fit(void **state)
{
    (void)state;
    char rfc3339[CLOCK_RFC3339_BYTES], rfc5322[CLOCK_RFC5322_BYTES];
    static const int64_t absurd[] = {INT64_MAX, INT64_MIN, INT64_MAX - 999};
    for (size_t i = 0; i < COUNT_OF(absurd); i++) {
        assert_true(strlen(clock_rfc3339(absurd[i], rfc3339)) > 10);
        assert_true(strlen(clock_rfc5322(absurd[i], rfc5322)) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_mono__never_goes_back),
        cmocka_unit_test(clock_wall__is_the_systems_time),
        cmocka_unit_test(clock__times_are_written_as_the_rfcs_say),
        cmocka_unit_test(clock__absurd_times_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
