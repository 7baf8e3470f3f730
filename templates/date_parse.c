#include "templates/date_words.h"

/*
 * Parsing: a text is cut into words (numbers, letters, single signs) first; then the
 * time is taken out, then a day of the week, and what is left decides by its shape
 * which way round day, month and year stand.
 */

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const day_names[] = {"sun", "mon", "tue", "wed",
                                        "thu", "fri", "sat"};

static int name_index(struct str text, const char *const *names, int count)
{
    if (text.n < 3)
        return -1;
    for (int i = 0; i < count; i++) {
        if (str_equal_nocase(str_head(text, 3), str_of(names[i])))
            return i;
    }
    return -1;
}

static int month_at(const struct words *words, size_t index)
{
    const struct word *word = word_at(words, index);
    return word->kind == WORD_LETTERS ? name_index(word->text, month_names, 12) + 1 : 0;
}

static void drop_day_name(struct words *words)
{
    for (size_t i = 0; i < words->n; i++) {
        const struct word *word = word_at(words, i);
        if (word->kind != WORD_LETTERS || name_index(word->text, day_names, 7) < 0)
            continue;
        size_t end = i + 1;
        if (is_sign(words, end, ',') || is_sign(words, end, '.'))
            end++;
        words_use(words, i, end);
        return;
    }
}

static bool is_ordinal(const struct words *words, size_t index)
{
    return is_letters(words, index, "st") || is_letters(words, index, "nd") ||
           is_letters(words, index, "rd") || is_letters(words, index, "th");
}

/* A year behind a day or month, over a comma, dash or apostrophe. */
static void take_year_after(struct words *words, size_t at, struct found *found)
{
    while (is_sign(words, at, ',') || is_sign(words, at, '-') ||
           is_sign(words, at, '.') || is_sign(words, at, '\'') ||
           is_sign(words, at, '/') || is_letters(words, at, "of") ||
           (at < words->n && words->p[at].is_used))
        at++;
    if (!is_number(words, at) || words->p[at].text.n > 5)
        return;
    found_set_year(found, words, at, false);
    words_use(words, at, at + 1);
}

/* A day or a year before the month; true: it was a day. */
static bool take_before_month(struct words *words, size_t month, struct found *found)
{
    size_t at = month;
    while (at > 0 && (is_sign(words, at - 1, '-') || is_sign(words, at - 1, '.') ||
                      is_letters(words, at - 1, "of")))
        at--;
    if (at > 0 && is_ordinal(words, at - 1))
        at--;
    if (at == 0 || !is_number(words, at - 1))
        return false;
    bool is_day =
        words->p[at - 1].text.n <= 2 && (at < 2 || !is_sign(words, at - 2, '\''));
    if (is_day)
        found->day = number_at(words, at - 1);
    else
        found_set_year(found, words, at - 1, false);
    words_use(words, at - 1, month + 1);
    return is_day;
}

/* A day and a year behind it. */
static void take_after_month(struct words *words, size_t month, struct found *found)
{
    size_t at = month + 1;
    while (is_sign(words, at, '.') || is_sign(words, at, '-') ||
           is_sign(words, at, '/') || is_sign(words, at, ','))
        at++;
    bool has_day = is_number(words, at) && words->p[at].text.n <= 2;
    if (has_day) {
        found->day = number_at(words, at++);
        if (is_ordinal(words, at))
            at++;
    } else if (found->has_year) {
        return;
    }
    words_use(words, month, at);
    take_year_after(words, at, found);
}

/* "14 March 2016", "March 14th, 2016", "March 2016", "2016 March". */
static bool take_named_month(struct words *words, struct found *found)
{
    size_t i = 0;
    while (i < words->n && month_at(words, i) == 0)
        i++;
    if (i == words->n)
        return false;
    found->month = month_at(words, i);
    if (take_before_month(words, i, found))
        take_year_after(words, i + 1, found);
    else
        take_after_month(words, i, found);
    return true;
}

/* "12-05": a day with a zone to the reference; after two dashes a month and a day. */
static bool take_day_and_offset(struct words *words, size_t at, struct found *found)
{
    if (words->p[at].text.n != 2)
        return false;
    found->day = number_at(words, at);
    if (at > 1 && is_sign(words, at - 1, '-') && is_sign(words, at - 2, '-')) {
        found->month = found->day;
        found->day = number_at(words, at + 2);
    } else {
        (void)take_offset(words, at + 1, found);
    }
    words_use(words, at, at + 3);
    return true;
}

/* A year, a month and perhaps a day, at these words; zeros are remembered. */
static void set_date(const struct words *words, const size_t at[3], bool has_day,
                     bool negative, struct found *found)
{
    found_set_year(found, words, at[0], negative);
    found->month = number_at(words, at[1]);
    found->month = found->month == 0 ? -1 : found->month;
    if (has_day)
        found->day = number_at(words, at[2]);
    if (has_day && found->day == 0)
        found->day = -1;
}

/* a/b: a year stands where there are more than two digits, else it is month and day. */
static void take_two_parts(struct words *words, size_t first, struct found *found)
{
    bool negative = first > 0 && is_sign(words, first - 1, '-');
    if (words->p[first].text.n > 2) {
        set_date(words, (const size_t[]){first, first + 2, 0}, false, negative, found);
    } else if (words->p[first + 2].text.n > 2) {
        set_date(words, (const size_t[]){first + 2, first, 0}, false, false, found);
    } else {
        found->month = number_at(words, first);
        found->month = found->month == 0 ? -1 : found->month;
        found->day = number_at(words, first + 2);
    }
    words_use(words, first, first + 3);
}

/* a-b-c, the last from the word at `third`: the year stands first, or is the part that
 * can be no day, by its digits or by an apostrophe before it. */
static void take_three_parts(struct words *words, size_t first, size_t third,
                             struct found *found)
{
    bool negative = first > 0 && is_sign(words, first - 1, '-');
    bool year_is_last = third > first + 4 ||
                        (words->p[first].text.n <= 2 && words->p[third].text.n > 2);
    if (year_is_last)
        set_date(words, (const size_t[]){third, first + 2, first}, true, false, found);
    else
        set_date(words, (const size_t[]){first, first + 2, third}, true, negative,
                 found);
    words_use(words, first, third + 1);
}

/* Numbers between dashes, slashes or full stops. */
static bool take_separated(struct words *words, struct found *found)
{
    for (size_t i = 0; i + 2 < words->n; i++) {
        const struct word *sign = word_at(words, i + 1);
        if (!is_number(words, i) || !is_number(words, i + 2) ||
            sign->kind != WORD_SIGN || sign->text.n != 1)
            continue;
        char c = sign->text.p[0];
        if (c != '-' && c != '/' && c != '.')
            continue;
        size_t third = i + 4 + is_sign(words, i + 4, '\'');
        if (is_sign(words, i + 3, c) && is_number(words, third)) {
            take_three_parts(words, i, third, found);
            return true;
        }
        /* A decimal, or a year and a month: no date to the reference. */
        if (c == '.' || (c == '-' && words->p[i].text.n > 2))
            return false;
        if (c == '-')
            return take_day_and_offset(words, i, found);
        take_two_parts(words, i, found);
        return true;
    }
    return false;
}

static int digits_of(struct str text, size_t at, size_t count)
{
    int number = 0;
    for (size_t i = 0; i < count; i++)
        number = number * 10 + (text.p[at + i] - '0');
    return number;
}

/* hh[mm[ss]], and the fraction from the word at `at`, if there is one. */
static size_t take_compact_time(const struct words *words, struct str digits, size_t at,
                                struct found *found)
{
    found->has_time = true;
    found->hour = digits_of(digits, 0, 2);
    found->minute = digits.n >= 4 ? digits_of(digits, 2, 2) : 0;
    found->second = digits.n >= 6 ? digits_of(digits, 4, 2) : 0;
    if (!has_fraction(words, at))
        return at;
    found->nanosecond = fraction_of(words->p[at + 1].text);
    return at + 2;
}

/* yyyymmdd[hh[mm[ss]]], yymmdd, mmdd, dd: what a run of digits means by its length. */
static bool read_digits(struct words *words, size_t at, struct found *found)
{
    struct str text = words->p[at].text;
    size_t day = text.n == 2 ? 0 : text.n == 4 ? 2 : text.n == 6 ? 4 : 6;
    if (text.n % 2 != 0 || text.n > 14)
        return false;
    if (text.n >= 8) {
        found->has_year = true;
        found->year = digits_of(text, 0, 4);
        if (text.n > 8)
            (void)take_compact_time(words, str_from(text, 8), at + 1, found);
    } else if (text.n == 6) {
        int year = digits_of(text, 0, 2);
        found->has_year = true;
        found->year = year + (year >= 69 ? 1900 : 2000);
    }
    found->day = digits_of(text, day, 2);
    if (text.n > 2)
        found->month = digits_of(text, day - 2, 2);
    return true;
}

/* 20160314, 20160314T1505Z; or "14th", a day of this month. */
static bool take_digits(struct words *words, struct found *found)
{
    for (size_t i = 0; i < words->n; i++) {
        if (!is_number(words, i))
            continue;
        if (is_ordinal(words, i + 1)) {
            found->day = number_at(words, i);
            return true;
        }
        if (!read_digits(words, i, found))
            continue;
        if (is_letters(words, i + 1, "t") && is_number(words, i + 2) &&
            words->p[i + 2].text.n % 2 == 0 && words->p[i + 2].text.n <= 6)
            take_zone(words,
                      take_compact_time(words, words->p[i + 2].text, i + 3, found),
                      found);
        return true;
    }
    return false;
}

/* "44 BC": the year before 1 is the calendar's 0. Such a year is never a short one. */
static void take_era_before(struct words *words, struct found *found)
{
    for (size_t i = 0; i < words->n; i++) {
        if (!is_letters(words, i, "bc") && !is_letters(words, i, "bce"))
            continue;
        found->is_before_era = true;
        words_use(words, i, i + 1);
        return;
    }
}

/* One number of one or two digits that is left is the hour: "2016-03-14 10". */
static void take_rest(const struct words *words, struct found *found)
{
    size_t left = words->n;
    for (size_t i = 0; i < words->n; i++) {
        if (words->p[i].is_used)
            continue;
        if (left < words->n)
            return;
        left = i;
    }
    if (is_number(words, left) && words->p[left].text.n <= 2 && found->day > 0 &&
        !found->has_time && number_at(words, left) <= 24)
        found->hour = number_at(words, left);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool is_valid(const struct date *date)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (date->month < 1 || date->month > 12 || date->day < 1)
        return false;
    int last = days[date->month - 1] + (date->month == 2 && is_leap(date->year));
    /* No zone is a day away. */
    if (date->offset_s <= -86400 || date->offset_s >= 86400)
        return false;
    bool is_midnight = date->hour == 24 && date->minute == 0 && date->second == 0;
    /* Like the reference's clock, February may run over to the 31st. */
    return date->day <= (last < 31 ? 31 : last) && (date->hour < 24 || is_midnight) &&
           date->minute < 60 && date->second <= 60;
}

/* Days that the month does not have, hour 24 and second 60 carry over. */
static void normalise(struct date *date)
{
    int offset_s = date->offset_s, nanosecond = date->nanosecond;
    enum zone_kind zone = date->zone;
    date->offset_s = 0;
    *date = date_of_seconds(date_seconds(date));
    date->offset_s = offset_s;
    date->nanosecond = nanosecond;
    date->zone = zone;
}

/* Month and day of a day of the year; false: the year has no such day. */
static bool set_year_day(struct found *found, const struct date *now)
{
    int64_t year = found->has_year ? found->year : now->year;
    if (found->year_day > 365 + is_leap(year))
        return false;
    struct date first = {.year = year, .month = 1, .day = 1};
    struct date date =
        date_of_seconds(date_seconds(&first) + (found->year_day - 1) * INT64_C(86400));
    found->month = date.month;
    found->day = date.day;
    return true;
}

static void fill(const struct found *found, const struct date *now, struct date *date)
{
    bool has_month = found->month != 0, has_day = found->day != 0;
    int64_t year = found->is_before_era ? 1 - found->year : found->year;
    *date = (struct date){.year = found->has_year ? year : now->year,
                          .month = has_month         ? found->month
                                   : found->has_year ? 1
                                                     : now->month,
                          .day = has_day                        ? found->day
                                 : found->has_year || has_month ? 1
                                                                : now->day,
                          .hour = found->hour,
                          .minute = found->minute,
                          .second = found->second,
                          .nanosecond = found->nanosecond,
                          .zone = found->offset_s != 0 ? ZONE_OFFSET : ZONE_UTC,
                          .offset_s = found->offset_s};
}

bool date_parse(struct str text, const struct date *now, struct date *date)
{
    struct words words;
    struct found found = {0};
    if (!words_cut(text, &words))
        return false;
    take_time(&words, &found);
    drop_day_name(&words);
    drop_week(&words);
    take_era_before(&words, &found);
    bool has_date = take_named_month(&words, &found) || take_era(&words, &found) ||
                    take_year_day(&words, &found) || take_separated(&words, &found) ||
                    take_short_year(&words, &found) || take_digits(&words, &found);
    if (!has_date && !found.has_time)
        return false;
    if (found.year_day > 0 && !set_year_day(&found, now))
        return false;
    take_rest(&words, &found);
    struct date there = date_of_seconds(date_seconds(now) + found.offset_s);
    fill(&found, &there, date);
    if (!is_valid(date))
        return false;
    normalise(date);
    return true;
}
