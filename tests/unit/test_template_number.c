#include "templates/number.h"

#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <stdio.h>

static struct arena arena;

static void assert_prints(struct value value, const char *want)
{
    char text[NUMBER_TEXT_MAX];
    size_t n = number_format(value, text);
    assert_in_range(n, 1, sizeof text - 1);
    text[n] = '\0';
    assert_string_equal(text, want);
}

static void number__floats_print_as_few_digits_as_read_back(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *want;
    } cases[] = {{0, "0.0"},
                 {-0.0, "-0.0"},
                 {1, "1.0"},
                 {0.1, "0.1"},
                 {1.0 / 3, "0.3333333333333333"},
                 {19.99, "19.99"},
                 {-2.5e-7, "-2.5e-07"},
                 {0.0001, "0.0001"},
                 {0.00012345, "0.00012345"},
                 {1e14, "100000000000000.0"},
                 {1e15, "1.0e+15"},
                 {1234567890123456.8, "1234567890123456.8"},
                 {1e100, "1.0e+100"},
                 {5e-324, "5.0e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {123456.789, "123456.789"},
                 {INFINITY, "Infinity"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_prints(value_float(cases[i].number), cases[i].want);
}

static void number__every_short_decimal_prints_as_it_was_written(void **state)
{
    (void)state;
    for (int whole = 0; whole < 400; whole++) {
        for (int cents = 0; cents < 100; cents++) {
            char text[32];
            snprintf(text, sizeof text, "%d.%02d", whole * 97, cents);
            double number = number_parse_float(str_of(text));
            /* A zero at the end is not printed, except behind the point. */
            if (cents % 10 == 0)
                text[strlen(text) - 1] = '\0';
            assert_prints(value_float(number), text);
        }
    }
}

static struct number of(const char *text)
{
    return number_of(value_string(str_of(text)));
}

static void number__decimals_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        enum number_operation operation;
        const char *b, *want;
    } cases[] = {{"0.1", NUMBER_PLUS, "0.2", "0.3"},
                 {"10.1", NUMBER_PLUS, "2.2", "12.3"},
                 {"1.1", NUMBER_TIMES, "3", "3.3"},
                 {"0.3", NUMBER_DIVIDE, "0.1", "3.0"},
                 {"20", NUMBER_DIVIDE, "7.0", "2.857142857142857"},
                 {"1", NUMBER_DIVIDE, "3.0", "0.3333333333333333"},
                 {"7", NUMBER_DIVIDE, "2", "3"},
                 {"-7", NUMBER_DIVIDE, "2", "-4"},
                 {"-7", NUMBER_MODULO, "3", "2"},
                 {"7.5", NUMBER_MODULO, "2", "1.5"},
                 {"10.0", NUMBER_DIVIDE, "0", "Infinity"},
                 {"-2.75", NUMBER_TIMES, "0", "-0.0"},
                 {"9223372036854775807", NUMBER_PLUS, "1", "9223372036854775808"},
                 {"9223372036854775807", NUMBER_TIMES, "9223372036854775807",
                  "85070591730234615847396907784232501249"},
                 {"0", NUMBER_DIVIDE, "-2.5", "-0.0"},
                 {"-0.0", NUMBER_TIMES, "3", "-0.0"},
                 {"-0.5", NUMBER_TIMES, "9007199254740991", "-4503599627370495.5"},
                 {" 12abc", NUMBER_PLUS, "1_000", "1012"},
                 {"x", NUMBER_MINUS, "", "0"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_prints(number_value(number_apply(of(cases[i].a), cases[i].operation,
                                                of(cases[i].b)),
                                   &arena),
                      cases[i].want);
}

static void number__integer_by_zero_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(number_apply(of("1"), NUMBER_DIVIDE, of("0")).kind, NUMBER_ERROR);
    assert_int_equal(number_apply(of("1.5"), NUMBER_MODULO, of("0")).kind,
                     NUMBER_ERROR);
}

static void number__rounds_half_away_from_zero(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        int64_t digits;
        const char *want;
    } cases[] = {{"2.5", 0, "3"},          {"-2.5", 0, "-3"},
                 {"2.4999", 0, "2"},       {"1.005", 2, "1.01"},
                 {"183.357", 2, "183.36"}, {"15", -1, "20"},
                 {"-15", -1, "-20"},       {"7", 3, "7"},
                 {"1.5", -3, "0"},         {"0.5", 0, "1"},
                 {"1.25", 1, "1.3"},       {"-0.04", 1, "-0.0"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_prints(
            number_value(number_round(of(cases[i].number), cases[i].digits), &arena),
            cases[i].want);
}

static void number__floor_and_ceil(void **state)
{
    (void)state;
    assert_prints(number_value(number_floor(of("-5.4")), &arena), "-6");
    assert_prints(number_value(number_ceil(of("-5.4")), &arena), "-5");
    assert_prints(number_value(number_ceil(of("5.0")), &arena), "5");
    assert_prints(number_value(number_truncate(of("-0.5")), &arena), "0");
    assert_prints(number_value(number_truncate(of("1.9")), &arena), "1");
}

/* Brought to one scale the second does not fit; that spoilt the comparison once. */
static void number__compares_what_has_no_common_scale(void **state)
{
    (void)state;
    const char *large = "1000000000000000000000000000000000000";
    assert_int_equal(number_compare(of("0.8008247332292833"), of(large)), -1);
    assert_int_equal(number_compare(of(large), of("0.8008247332292833")), 1);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number__floats_print_as_few_digits_as_read_back),
        cmocka_unit_test(number__every_short_decimal_prints_as_it_was_written),
        cmocka_unit_test(number__decimals_are_exact),
        cmocka_unit_test(number__integer_by_zero_is_an_error),
        cmocka_unit_test(number__rounds_half_away_from_zero),
        cmocka_unit_test(number__floor_and_ceil),
        cmocka_unit_test(number__compares_what_has_no_common_scale),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
