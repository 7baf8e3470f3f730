#include "templates/date_words.h"

/* The time of a date: h:mm[:ss[.fraction]], 15h30, 3 pm, each with a zone behind it. */

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
bool take_offset(struct words *words, size_t at, struct found *found)
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

void take_zone(struct words *words, size_t at, struct found *found)
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

bool has_fraction(const struct words *words, size_t at)
{
    return (is_sign(words, at, '.') || is_sign(words, at, ',')) &&
           is_number(words, at + 1) && !words->p[at + 1].space_before;
}

int fraction_of(struct str digits)
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
        if (has_fraction(words, end)) {
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

/* 15h, 15h30, 15h30m20s, from the word at `at`. */
static void take_hours(struct words *words, size_t at, struct found *found)
{
    size_t end = at + 2;
    found->has_time = true;
    found->hour = number_at(words, at);
    if (is_number(words, end)) {
        found->minute = number_at(words, end++);
        end += is_letters(words, end, "m");
        if (is_number(words, end)) {
            found->second = number_at(words, end++);
            end += is_letters(words, end, "s");
        }
    }
    words_use(words, at, end);
    take_meridian(words, &end, found);
    take_zone(words, end, found);
}

void take_time(struct words *words, struct found *found)
{
    for (size_t i = 0; i < words->n; i++) {
        if (!is_number(words, i))
            continue;
        if (words->p[i].text.n <= 2 && is_sign(words, i + 1, ':') &&
            is_number(words, i + 2)) {
            take_clock(words, i, found);
            return;
        }
        if (words->p[i].text.n <= 2 && is_letters(words, i + 1, "h")) {
            take_hours(words, i, found);
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
