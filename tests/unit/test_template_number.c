#include "templates/huge.h"
#include "templates/number.h"

#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <stdio.h>

static struct arena arena;

static void assert_prints(struct value value, const char *want)
{
    char text[HUGE_TEXT_MAX + 1];
    size_t n = value.type == VALUE_HUGE ? huge_format(value.huge, text)
                                        : number_format(value, text);
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
    return number_of(value_string(str_of(text)), &arena);
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
                 {"170141183460469231731687303715884105727", NUMBER_PLUS, "1",
                  "170141183460469231731687303715884105728"},
                 {"170141183460469231731687303715884105728", NUMBER_MINUS, "1",
                  "170141183460469231731687303715884105727"},
                 {"-340282366920938463463374607431768211456", NUMBER_DIVIDE, "7",
                  "-48611766702991209066196372490252601637"},
                 {"-340282366920938463463374607431768211456", NUMBER_MODULO, "7", "3"},
                 {"-170141183460469231731687303715884105727", NUMBER_MINUS, "1",
                  "-170141183460469231731687303715884105728"},
                 {"-170141183460469231731687303715884105727", NUMBER_MODULO,
                  "1736134525106833915609503136896776370", "491998044003699999978533"},
                 {"340282366920938463463374607431768211456", NUMBER_MODULO, "-7", "-3"},
                 {"1000000000000000000000000000000", NUMBER_TIMES,
                  "-1000000000000000000000000000000",
                  "-1000000000000000000000000000000000000000000000000000000000000"},
                 {"1000000000000000000000000000000000000000000000000000000000000",
                  NUMBER_DIVIDE, "0.5", "2.0e+60"},
                 {" 12abc", NUMBER_PLUS, "1_000", "1012"},
                 {"x", NUMBER_MINUS, "", "0"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_prints(number_value(number_apply(of(cases[i].a), cases[i].operation,
                                                of(cases[i].b), &arena),
                                   &arena),
                      cases[i].want);
}

static void number__integer_by_zero_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(number_apply(of("1"), NUMBER_DIVIDE, of("0"), &arena).kind,
                     NUMBER_ERROR);
    assert_int_equal(number_apply(of("1.5"), NUMBER_MODULO, of("0"), &arena).kind,
                     NUMBER_ERROR);
}

static void number__rounds_half_away_from_zero(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        int64_t digits;
        const char *want;
    } cases[] = {{"2.5", 0, "3"},
                 {"-2.5", 0, "-3"},
                 {"2.4999", 0, "2"},
                 {"1.005", 2, "1.01"},
                 {"183.357", 2, "183.36"},
                 {"15", -1, "20"},
                 {"-15", -1, "-20"},
                 {"7", 3, "7"},
                 {"1.5", -3, "0"},
                 {"0.5", 0, "1"},
                 {"1.25", 1, "1.3"},
                 {"-123456789012345678901234567890123456789055", -2,
                  "-123456789012345678901234567890123456789100"},
                 {"-0.04", 1, "-0.0"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_prints(
            number_value(number_round(of(cases[i].number), cases[i].digits, &arena),
                         &arena),
            cases[i].want);
}

static void number__floor_and_ceil(void **state)
{
    (void)state;
    assert_prints(number_value(number_floor(of("-5.4"), &arena), &arena), "-6");
    assert_prints(number_value(number_ceil(of("-5.4"), &arena), &arena), "-5");
    assert_prints(number_value(number_ceil(of("5.0"), &arena), &arena), "5");
    assert_prints(number_value(number_truncate(of("-0.5"), &arena), &arena), "0");
    assert_prints(number_value(number_truncate(of("1.9"), &arena), &arena), "1");
}

/* Brought to one scale the second does not fit; that spoilt the comparison once. */
static void number__compares_what_has_no_common_scale(void **state)
{
    (void)state;
    const char *large = "1000000000000000000000000000000000000";
    assert_int_equal(number_compare(of("0.8008247332292833"), of(large), &arena), -1);
    assert_int_equal(number_compare(of(large), of("0.8008247332292833"), &arena), 1);
}

/* (q * b + r) is a, and r is on b's side of zero and smaller: for numbers of all sizes,
 * with limbs that make the guesses of a division go wrong. */
static void number__huge_division_is_exact(void **state)
{
    uint32_t seed = 7;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[2][200];
        for (int k = 0; k < 2; k++) {
            seed = seed * 1664525 + 1013904223;
            size_t n = seed >> 8, digits = 1 + n % (k == 0 ? 180 : 120);
            text[k][0] = n & 1 ? '-' : '+';
            text[k][1] = '1';
            for (size_t at = 2; at <= digits; at++) {
                seed = seed * 1664525 + 1013904223;
                bool is_edge = (seed >> 16 & 3) != 0;
                text[k][at] = is_edge ? (seed >> 20 & 8 ? '9' : '0')
                                      : (char)('0' + (seed >> 20) % 10);
            }
            text[k][digits + 1] = '\0';
        }
        struct number a = of(text[0]), b = of(text[1]);
        struct number q = number_apply(a, NUMBER_DIVIDE, b, &arena);
        struct number r = number_apply(a, NUMBER_MODULO, b, &arena);
        struct number back = number_apply(number_apply(q, NUMBER_TIMES, b, &arena),
                                          NUMBER_PLUS, r, &arena);
        struct number zero = of("0");
        int b_sign = number_compare(b, zero, &arena);
        int r_sign = number_compare(r, zero, &arena);
        if (number_compare(back, a, &arena) != 0 || (r_sign != 0 && r_sign != b_sign) ||
            number_compare(number_abs(r, &arena), number_abs(b, &arena), &arena) >= 0)
            fail_msg("%s / %s", text[0], text[1]);
        arena_reset(&arena);
    }
}

static void number__beyond_the_limit_is_a_float(void **state)
{
    (void)state;
    struct number number = of("10");
    for (int i = 0; i < 12; i++)
        number = number_apply(number, NUMBER_TIMES, number, &arena);
    assert_int_equal(number.kind, NUMBER_FLOAT);
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
        cmocka_unit_test(number__huge_division_is_exact),
        cmocka_unit_test(number__beyond_the_limit_is_a_float),
        cmocka_unit_test(number__compares_what_has_no_common_scale),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
