/*
 * date_words.h - a date's words, and what is known of it; for the date files only
 *
 * A text is cut into numbers, letters and single signs. What has been recognised is
 * marked as used and is not seen again.
 *
 * Owns:    nothing: words are slices of the text.
 * Thread:  any.
 * Limits:  40 words.
 */
#ifndef BROADSIDE_TEMPLATES_DATE_WORDS_H
#define BROADSIDE_TEMPLATES_DATE_WORDS_H

#include "templates/date.h"

enum word_kind { WORD_NUMBER, WORD_LETTERS, WORD_SIGN };

struct word {
    enum word_kind kind;
    struct str text;
    bool space_before;
    /* It belongs to what was recognised already. */
    bool is_used;
};

#define WORDS_MAX 40

struct words {
    struct word p[WORDS_MAX];
    size_t n;
};

/* False: too many. */
bool words_cut(struct str text, struct words *words);
/* Of an unused word; where there is none, an empty sign. */
const struct word *word_at(const struct words *words, size_t index);
bool is_number(const struct words *words, size_t index);
bool is_sign(const struct words *words, size_t index, char sign);
bool is_letters(const struct words *words, size_t index, const char *text);
/* The value of up to nine digits; -1 if there are more. */
int number_at(const struct words *words, size_t index);
void words_use(struct words *words, size_t from, size_t to);

/* Zero or false: not yet. */
struct found {
    int64_t year;
    /* -1 where a zero was written; year_day is the day of the year, instead of month
     * and day. */
    int month, day, year_day, hour, minute, second, nanosecond;
    bool has_year, has_time, is_before_era;
    int offset_s;
};

/* Two digits mean a year near ours. */
void found_set_year(struct found *found, const struct words *words, size_t index,
                    bool is_negative);

/* date_clock.c: the first time of day, and a zone at a word; +hh, +hhmm, +hh:mm alone.
 */
void take_time(struct words *words, struct found *found);
void take_zone(struct words *words, size_t at, struct found *found);
bool take_offset(struct words *words, size_t at, struct found *found);
/* ".345" or ",345", and its nanoseconds. */
bool has_fraction(const struct words *words, size_t at);
int fraction_of(struct str digits);

/* date_forms.c: forms that are no year, month and day. Each takes the first of its
 * kind and says whether it tells a date. */
bool take_era(struct words *words, struct found *found);
bool take_year_day(struct words *words, struct found *found);
/* A week: of no use to the reference's clock, so that its words are only used up. */
void drop_week(struct words *words);
bool take_short_year(struct words *words, struct found *found);

#endif
