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

/* "pm" behind an hour of twelve. */
static bool take_meridian(struct words *words, size_t *at, struct found *found)
{
    const struct word *word = word_at(words, *at);
    if (word->kind != WORD_LETTERS)
        return false;
    size_t n = word->text.n;
    char c = ascii_lower(word->text.p[0]);
    bool dotted =
        n == 1 && is_sign(words, *at + 1, '.') && is_letters(words, *at + 2, "m");
    bool plain = n == 2 && ascii_lower(word->text.p[1]) == 'm';
    if ((c != 'a' && c != 'p') || (!dotted && !plain))
        return false;
    found->hour = found->hour % 12 + (c == 'p' ? 12 : 0);
    size_t end = *at + (dotted ? 3 : 1);
    if (dotted && is_sign(words, end, '.'))
        end++;
    words_use(words, *at, end);
    *at = end;
    return true;
}

/* +hh, +hhmm, +hh:mm. */
static bool take_offset(struct words *words, size_t at, struct found *found)
{
    bool minus = is_sign(words, at, '-');
    if ((!minus && !is_sign(words, at, '+')) || !is_number(words, at + 1))
        return false;
    size_t digits = words->p[at + 1].text.n, end = at + 2;
    int number = number_at(words, at + 1), hours = number, minutes = 0;
    if (digits == 4) {
        hours = number / 100;
        minutes = number % 100;
    } else if (digits != 2) {
        /* "+5" is read as a zone, and not known as one. */
        words_use(words, at, digits == 1 ? end : at);
        return digits == 1;
    } else if (is_sign(words, at + 2, ':') && is_number(words, at + 3)) {
        minutes = number_at(words, at + 3);
        end = at + 4;
    }
    found->offset_s = (hours * 3600 + minutes * 60) * (minus ? -1 : 1);
    words_use(words, at, end);
    return true;
}

/* The zones that the reference's clock knows by name: those of RFC 822. Any other is
 * read, and means our own. */
static const struct {
    const char *name;
    int hours;
} zones[] = {{"utc", 0},  {"gmt", 0},  {"ut", 0},   {"est", -5},
             {"edt", -4}, {"cst", -6}, {"cdt", -5}, {"mst", -7},
             {"mdt", -6}, {"pst", -8}, {"pdt", -7}};

/* A to M are east, N to Y west, J is nowhere. */
static bool military_zone(struct str text, int *hours)
{
    char c = text.n == 1 ? ascii_lower(text.p[0]) : 'j';
    if (c < 'a' || c > 'z' || c == 'j')
        return false;
    if (c == 'z')
        *hours = 0;
    else
        *hours = c > 'm' ? 'm' - c : c - 'a' + (c < 'j');
    return true;
}

static void take_zone(struct words *words, size_t at, struct found *found)
{
    int hours = 0;
    if (take_offset(words, at, found) || word_at(words, at)->kind != WORD_LETTERS)
        return;
    bool is_known = military_zone(word_at(words, at)->text, &hours);
    for (size_t i = 0; i < sizeof zones / sizeof *zones && !is_known; i++) {
        is_known = is_letters(words, at, zones[i].name);
        hours = zones[i].hours;
    }
    if (!is_known)
        return;
    words_use(words, at, at + 1);
    struct found unknown = {0};
    /* "GMT+2" is none of them. */
    if (!take_offset(words, at + 1, &unknown))
        found->offset_s = hours * 3600;
}

static int fraction_of(struct str digits)
{
    int nanosecond = 0;
    for (size_t i = 0; i < 9; i++)
        nanosecond = nanosecond * 10 + (i < digits.n ? digits.p[i] - '0' : 0);
    return nanosecond;
}

/* h:mm[:ss[.fraction]] [am|pm] [zone] from the word at `at`. */
static void take_clock(struct words *words, size_t at, struct found *found)
{
    size_t end = at + 3;
    found->has_time = true;
    found->hour = number_at(words, at);
    found->minute = number_at(words, at + 2);
    if (is_sign(words, end, ':') && is_number(words, end + 1)) {
        found->second = number_at(words, end + 1);
        end += 2;
        if ((is_sign(words, end, '.') || is_sign(words, end, ',')) &&
            is_number(words, end + 1)) {
            found->nanosecond = fraction_of(words->p[end + 1].text);
            end += 2;
        }
    }
    /* The T of ISO 8601 goes too. */
    if (at > 0 && is_letters(words, at - 1, "t"))
        words_use(words, at - 1, at);
    words_use(words, at, end);
    take_meridian(words, &end, found);
    take_zone(words, end, found);
}

static void take_time(struct words *words, struct found *found)
{
    for (size_t i = 0; i < words->n; i++) {
        if (!is_number(words, i))
            continue;
        if (words->p[i].text.n <= 2 && is_sign(words, i + 1, ':') &&
            is_number(words, i + 2)) {
            take_clock(words, i, found);
            return;
        }
        size_t after = i + 1;
        int hour = number_at(words, i);
        found->hour = hour;
        if (words->p[i].text.n <= 2 && take_meridian(words, &after, found)) {
            found->has_time = true;
            words_use(words, i, i + 1);
            take_zone(words, after, found);
            return;
        }
        found->hour = 0;
    }
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
           is_letters(words, at, "of") || (at < words->n && words->p[at].is_used))
        at++;
    if (!is_number(words, at) || words->p[at].text.n > 5)
        return;
    found_set_year(found, words, at, false);
    words_use(words, at, at + 1);
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
    size_t before = i, after = i + 1;
    while (before > 0 &&
           (is_sign(words, before - 1, '-') || is_sign(words, before - 1, '.') ||
            is_letters(words, before - 1, "of")))
        before--;
    if (before > 0 && is_ordinal(words, before - 1))
        before--;
    if (before > 0 && is_number(words, before - 1)) {
        bool is_day = words->p[before - 1].text.n <= 2;
        if (is_day)
            found->day = number_at(words, before - 1);
        else
            found_set_year(found, words, before - 1, false);
        words_use(words, before - 1, after);
        if (is_day) {
            take_year_after(words, after, found);
            return true;
        }
    }
    while (is_sign(words, after, '.') || is_sign(words, after, '-'))
        after++;
    if (is_number(words, after) && words->p[after].text.n <= 2) {
        found->day = number_at(words, after++);
        if (is_ordinal(words, after))
            after++;
        words_use(words, i, after);
        take_year_after(words, after, found);
    } else if (!found->has_year) {
        words_use(words, i, after);
        take_year_after(words, after, found);
    }
    return true;
}

/* a-b-c, a/b/c, a.b.c: the year stands first, or is the part that can be no day. */
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
        bool has_third = is_sign(words, i + 3, c) && is_number(words, i + 4);
        bool negative = i > 0 && is_sign(words, i - 1, '-');
        /* A decimal, or a year and a month: no date to the reference. */
        if (!has_third && (c == '.' || (c == '-' && words->p[i].text.n > 2)))
            return false;
        if (has_third && words->p[i].text.n <= 2 && words->p[i + 4].text.n > 2) {
            /* "14/03/2016": read as year, month, day by the reference, and refused
             * unless the last can be a year and the first a day. */
            found->day = number_at(words, i);
            found->month = number_at(words, i + 2);
            found_set_year(found, words, i + 4, false);
        } else if (has_third) {
            found_set_year(found, words, i, negative);
            found->month = number_at(words, i + 2);
            found->day = number_at(words, i + 4);
        } else if (words->p[i].text.n > 2) {
            found_set_year(found, words, i, negative);
            found->month = number_at(words, i + 2);
        } else {
            found->month = number_at(words, i);
            found->day = number_at(words, i + 2);
        }
        words_use(words, i, i + (has_third ? 5 : 3));
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

static void take_compact_time(struct str digits, struct found *found)
{
    found->has_time = true;
    found->hour = digits_of(digits, 0, 2);
    found->minute = digits.n >= 4 ? digits_of(digits, 2, 2) : 0;
    found->second = digits.n >= 6 ? digits_of(digits, 4, 2) : 0;
}

/* yyyymmdd[hh[mm[ss]]], yymmdd, mmdd, dd: what a run of digits means by its length. */
static bool read_digits(struct str text, struct found *found)
{
    size_t day = text.n == 2 ? 0 : text.n == 4 ? 2 : text.n == 6 ? 4 : 6;
    if (text.n % 2 != 0 || text.n > 14)
        return false;
    if (text.n >= 8) {
        found->has_year = true;
        found->year = digits_of(text, 0, 4);
        if (text.n > 8)
            take_compact_time(str_from(text, 8), found);
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
        if (!read_digits(words->p[i].text, found))
            continue;
        if (is_letters(words, i + 1, "t") && is_number(words, i + 2) &&
            words->p[i + 2].text.n % 2 == 0 && words->p[i + 2].text.n <= 6) {
            take_compact_time(words->p[i + 2].text, found);
            take_zone(words, i + 3, found);
        }
        return true;
    }
    return false;
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
    bool has_month = found->month > 0, has_day = found->day > 0;
    *date = (struct date){.year = found->has_year ? found->year : now->year,
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
    bool has_date = take_named_month(&words, &found) || take_era(&words, &found) ||
                    take_year_day(&words, &found) || take_separated(&words, &found) ||
                    take_short_year(&words, &found) || take_digits(&words, &found);
    if (!has_date && !found.has_time)
        return false;
    if (found.year_day > 0 && !set_year_day(&found, now))
        return false;
    fill(&found, now, date);
    if (!is_valid(date))
        return false;
    normalise(date);
    return true;
}
