#include "templates/date.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>

/* 2024-01-01T00:01:58Z */
#define NOW 1704067318

struct gathered {
    char text[512];
};

static void gather(void *self, struct str bytes)
{
    struct gathered *gathered = self;
    size_t n = strlen(gathered->text);
    snprintf(gathered->text + n, sizeof gathered->text - n, "%.*s", STR_ARG(bytes));
}

static struct gathered formatted(const struct date *date, const char *format)
{
    struct gathered gathered = {{0}};
    assert_true(date_format(date, str_of(format), &gathered, gather));
    return gathered;
}

static void date__seconds_there_and_back(void **state)
{
    (void)state;
    for (int64_t seconds = -62135596800; seconds < 253402300800;
         seconds += 86399 * 977) {
        struct date date = date_of_seconds(seconds);
        assert_int_equal(date_seconds(&date), seconds);
    }
}

static void date__reads_what_people_write(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {{"2020-06-15", "2020-06-15 00:00:00 +0000"},
                 {"2020-06-15T14:30:45Z", "2020-06-15 14:30:45 +0000"},
                 {"2020-06-15 14:30:45.5 -04:00", "2020-06-15 14:30:45 -0400"},
                 {"20200615T143045Z", "2020-06-15 14:30:45 +0000"},
                 {"March 14th, 2016", "2016-03-14 00:00:00 +0000"},
                 {"14 mar 2016 3:05 PM", "2016-03-14 15:05:00 +0000"},
                 {"Fri Jul 16 01:00:00 2004", "2004-07-16 01:00:00 +0000"},
                 {"Mon, 15 Jun 2020 14:30:45 GMT", "2020-06-15 14:30:45 +0000"},
                 {"2016/3/4", "2016-03-04 00:00:00 +0000"},
                 {"12:00 AM", "2024-01-01 00:00:00 +0000"},
                 {"June 2020", "2020-06-01 00:00:00 +0000"},
                 {"2020-166", "2020-06-14 00:00:00 +0000"},
                 {"20-366", "2020-12-31 00:00:00 +0000"},
                 {"H31.04.30", "2019-04-30 00:00:00 +0000"},
                 {"'14", "2014-01-01 00:00:00 +0000"},
                 {"2020-06-15 1:02 A", "2020-06-15 01:02:00 +0100"},
                 {"2020-06-15 1:02 JST", "2020-06-15 01:02:00 +0000"},
                 {"2020-06-15 1:02 GMT+2", "2020-06-15 01:02:00 +0000"},
                 {"2020-02-30", "2020-03-01 00:00:00 +0000"},
                 {"20160314T101112.5Z", "2016-03-14 10:11:12 +0000"},
                 {"'16 Mar 14", "2016-03-14 00:00:00 +0000"},
                 {"1995-12-25 at 15h30", "1995-12-25 15:30:00 +0000"},
                 {"15h30m20s", "2024-01-01 15:30:20 +0000"},
                 {"2016-03-14 10", "2016-03-14 10:00:00 +0000"},
                 {"14 Mar 2016 7", "2016-03-14 07:00:00 +0000"},
                 {"2016-03-14 10:11:12 (EST)", "2016-03-14 10:11:12 -0500"},
                 {"25.12.'95", "1995-12-25 00:00:00 +0000"},
                 {"Sep/25/2019", "2019-09-25 00:00:00 +0000"},
                 {"11/1941", "1941-11-01 00:00:00 +0000"},
                 {"12-05", "2023-12-12 00:00:00 -0500"},
                 {"14 March 44 BC", "-0043-03-14 00:00:00 +0000"},
                 {"10:00 EST", "2023-12-31 10:00:00 -0500"}};
    const struct date now = date_of_seconds(NOW);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct date date;
        if (!date_parse(str_of(cases[i].text), &now, &date))
            fail_msg("%s is no date", cases[i].text);
        assert_string_equal(formatted(&date, "%Y-%m-%d %H:%M:%S %z").text,
                            cases[i].want);
    }
}

static void date__refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"hello",
                                        "2020-13-01",
                                        "25:00",
                                        "",
                                        "-",
                                        "1.5.5.",
                                        "2020-06-15 10:99",
                                        "3.1",
                                        "99999999999999999999",
                                        "2020-W10-3",
                                        "W10",
                                        "2021-366",
                                        "2016-00-10",
                                        "2016-03-00",
                                        "12-25",
                                        "1-2"};
    const struct date now = date_of_seconds(NOW);
    struct date date;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (date_parse(str_of(texts[i]), &now, &date) && (i < 5 || i > 11))
            fail_msg("%s is a date", texts[i]);
    }
}

static void date__formats_every_directive(void **state)
{
    (void)state;
    static const struct {
        const char *format, *want;
    } cases[] = {
        {"%a %A %b %B %h", "Fri Friday Jun June Jun"},
        {"%d %-d %e %_d %3d", "05 5  5  5 005"},
        {"%H %I %k %l %M %S %L %N %3N %12N",
         "04 04  4  4 03 02 007 007000000 007 007000000000"},
        {"%p %P %#p %^B %#B", "AM am am JUNE JUNE"},
        {"%Y %C %y %G %g %V %U %W %u %w %j", "2020 20 20 2020 20 23 22 22 5 5 157"},
        {"%z %:z %::z %Z %s", "-0330 -03:30 -03:30:00  1591342382"},
        {"%c|%x|%X|%D|%F|%T|%R|%r|%v",
         "Fri Jun  5 04:03:02 2020|06/05/20|04:03:02|06/05/20|2020-06-05|04:03:02|"
         "04:03|04:03:02 AM| 5-JUN-2020"},
        {"%% %n%t %Q % ", "% \n\t %Q % "},
        {"%Ex|%Od|%Ea|%3Od|%:Y|%5-d|%-05d", "06/05/20|05|%Ea|005|%:Y|%5-d|5"},
        {"%12z|%_12:z|%010::z|%:::z|%-20F|%#c|%10Z|",
         "-00000000330|       -3:30|-003:30:00|-03:30|          2020-06-05|"
         "Fri Jun  5 04:03:02 2020||"},
        {"%10A|%-m|%010Y|%_5H", "    Friday|6|0000002020|    4"}};
    struct date date = {.year = 2020,
                        .month = 6,
                        .day = 5,
                        .hour = 4,
                        .minute = 3,
                        .second = 2,
                        .nanosecond = 7000000,
                        .zone = ZONE_OFFSET,
                        .offset_s = -12600};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(formatted(&date, cases[i].format).text, cases[i].want);
}

static void date__iso_weeks_around_new_year(void **state)
{
    (void)state;
    static const struct {
        int year, month, day;
        const char *want;
    } cases[] = {{2019, 12, 30, "2020-01"},
                 {2021, 1, 3, "2020-53"},
                 {2016, 1, 1, "2015-53"},
                 {2018, 1, 1, "2018-01"},
                 {2022, 1, 1, "2021-52"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct date date = {
            .year = cases[i].year, .month = cases[i].month, .day = cases[i].day};
        assert_string_equal(formatted(&date, "%G-%V").text, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(date__seconds_there_and_back),
        cmocka_unit_test(date__reads_what_people_write),
        cmocka_unit_test(date__refuses_what_is_none),
        cmocka_unit_test(date__formats_every_directive),
        cmocka_unit_test(date__iso_weeks_around_new_year),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
