#include "templates/date_words.h"

/* Rare forms of dates: Japanese eras, days of the year, weeks, a year alone. */

static bool is_glued(const struct words *words, size_t index)
{
    return index < words->n && !words->p[index].space_before;
}

static bool has_digits(const struct words *words, size_t index, size_t digits)
{
    return is_number(words, index) && words->p[index].text.n == digits;
}

/* The year before an era's first. */
static int era_start(struct str text)
{
    switch (text.n == 1 ? ascii_lower(text.p[0]) : '\0') {
    case 'm': return 1867;
    case 't': return 1911;
    case 's': return 1925;
    case 'h': return 1988;
    case 'r': return 2018;
    default: return 0;
    }
}

/* H31.04.30 */
bool take_era(struct words *words, struct found *found)
{
    for (size_t i = 0; i + 5 < words->n; i++) {
        int start = word_at(words, i)->kind == WORD_LETTERS
                        ? era_start(word_at(words, i)->text)
                        : 0;
        if (start == 0 || !is_number(words, i + 1) || !is_glued(words, i + 1) ||
            !is_sign(words, i + 2, '.') || !is_number(words, i + 3) ||
            !is_sign(words, i + 4, '.') || !is_number(words, i + 5))
            continue;
        found->has_year = true;
        found->year = start + number_at(words, i + 1);
        found->month = number_at(words, i + 3);
        found->day = number_at(words, i + 5);
        words_use(words, i, i + 6);
        return true;
    }
    return false;
}

/* 2020-166, 20-166, -166 */
bool take_year_day(struct words *words, struct found *found)
{
    for (size_t i = 0; i + 1 < words->n; i++) {
        if (!is_sign(words, i, '-') || !has_digits(words, i + 1, 3) ||
            !is_glued(words, i + 1))
            continue;
        bool has_year = i > 0 && is_glued(words, i) &&
                        (has_digits(words, i - 1, 4) || has_digits(words, i - 1, 2));
        if (!has_year && i > 0 && words->p[i - 1].kind == WORD_NUMBER)
            continue;
        if (has_year)
            found_set_year(found, words, i - 1, false);
        found->year_day = number_at(words, i + 1);
        words_use(words, has_year ? i - 1 : i, i + 2);
        return found->year_day > 0;
    }
    return false;
}

/* 2020-W10-3, 2020W10, W10 */
void drop_week(struct words *words)
{
    for (size_t i = 0; i + 1 < words->n; i++) {
        size_t start = i, end = i + 2;
        bool is_long = has_digits(words, i + 1, 3);
        if (!is_letters(words, i, "w") || !is_glued(words, i + 1) ||
            (!has_digits(words, i + 1, 2) && !is_long))
            continue;
        if (!is_long && is_sign(words, end, '-') && has_digits(words, end + 1, 1))
            end += 2;
        if (start > 0 && is_sign(words, start - 1, '-'))
            start--;
        if (start > 0 && is_glued(words, start) &&
            (has_digits(words, start - 1, 4) || has_digits(words, start - 1, 2)))
            start--;
        words_use(words, start, end);
        return;
    }
}

/* '14 */
bool take_short_year(struct words *words, struct found *found)
{
    for (size_t i = 0; i + 1 < words->n; i++) {
        if (!is_sign(words, i, '\'') || !is_number(words, i + 1) ||
            !is_glued(words, i + 1))
            continue;
        found_set_year(found, words, i + 1, false);
        words_use(words, i, i + 2);
        return true;
    }
    return false;
}
