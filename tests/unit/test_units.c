#include "cmd/config/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void units_count__takes_whole_numbers_and_multiples(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t want;
    } cases[] = {
        {"0", true, 0},
        {"16", true, 16},
        {"08", true, 8},
        {"2k", true, 2000},
        {"3M", true, 3000000},
        {"", false, 0},
        {"k", false, 0},
        {"-1", false, 0},
        {"1e3", false, 0},
        {"1.5", false, 0},
        {" 1", false, 0},
        {"1 k", false, 0},
        {"18446744073709551615k", false, 0},
        {"+1", false, 0},
        {"1K", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t value = 0;
        const char *why = units_count(str_of(cases[i].text), &value);
        assert_int_equal(why == NULL, cases[i].ok);
        if (cases[i].ok)
            assert_int_equal(value, cases[i].want);
    }
}

static void units_time__needs_a_unit_and_a_sane_range(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        {"1s", 1000},      {"90s", 90000},
        {"5m", 300000},    {"4h", 14400000},
        {"2d", 172800000}, {"366d", INT64_C(31622400000)},
        {"367d", -1},      {"0s", -1},
        {"5", -1},         {"", -1},
        {"m", -1},         {"-5m", -1},
        {"1e3s", -1},      {"5 m", -1},
        {"5min", -1},      {"99999999999999999999s", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -1;
        const char *why = units_time(str_of(cases[i].text), &ms);
        assert_int_equal(why == NULL, cases[i].want >= 0);
        if (cases[i].want >= 0)
            assert_int_equal(ms, cases[i].want);
    }
}

static void units_rate__refuses_zero_negative_huge_and_unitless(void **state)
{
    static const struct {
        const char *text;
        uint64_t count, seconds;
    } cases[] = {
        {"100/s", 100, 1},
        {"20/m", 20, 60},
        {"500/h", 500, 3600},
        {"5/d", 5, 86400},
        {"1000000/s", 1000000, 1},
        {"1000001/s", 0, 0},
        {"0/s", 0, 0},
        {"-1/s", 0, 0},
        {"1e30/s", 0, 0},
        {"20", 0, 0},
        {"20/", 0, 0},
        {"/s", 0, 0},
        {"20/w", 0, 0},
        {"20/s/s", 0, 0},
        {"20 / s", 0, 0},
        {"0.5/s", 0, 0},
        {"", 0, 0},
        {"inf/s", 0, 0},
        {"nan", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rate rate = {0, 0};
        const char *why = units_rate(str_of(cases[i].text), &rate);
        assert_int_equal(why == NULL, cases[i].count > 0);
        if (cases[i].count > 0) {
            assert_int_equal(rate.count, cases[i].count);
            assert_int_equal(rate.period_ns, cases[i].seconds * UINT64_C(1000000000));
        }
    }
}

static void units_factor__is_from_one_to_a_hundred(void **state)
{
    static const struct {
        const char *text;
        double want;
    } cases[] = {
        {"1", 1}, {"2", 2},   {"1.5", 1.5}, {"1.000001", 1.000001}, {"100", 100},
        {"0", 0}, {"0.5", 0}, {"101", 0},   {"100.1", 0},           {"1e2", 0},
        {"", 0},  {"1.", 0},  {".5", 0},    {"1.0000001", 0},       {"-2", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double factor = 0;
        const char *why = units_factor(str_of(cases[i].text), &factor);
        assert_int_equal(why == NULL, cases[i].want > 0);
        if (cases[i].want > 0)
            assert_true(factor > cases[i].want - 1e-9 && factor < cases[i].want + 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_count__takes_whole_numbers_and_multiples),
        cmocka_unit_test(units_time__needs_a_unit_and_a_sane_range),
        cmocka_unit_test(units_rate__refuses_zero_negative_huge_and_unitless),
        cmocka_unit_test(units_factor__is_from_one_to_a_hundred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
