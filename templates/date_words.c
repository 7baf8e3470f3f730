#include "templates/date_words.h"

/* White space, and every sign that has no meaning in a date, such as parentheses. */
static bool is_space(char c)
{
    return (unsigned char)c < 0x80 && !ascii_is_digit(c) && !ascii_is_letter(c) &&
           (c == '\0' || strchr("-+',./:@[]", c) == NULL);
}

static size_t run_length(struct str text, size_t at, bool (*is)(char))
{
    size_t n = 0;
    while (at + n < text.n && is(text.p[at + n]))
        n++;
    return n;
}

bool words_cut(struct str text, struct words *words)
{
    bool space = true;
    words->n = 0;
    for (size_t at = 0; at < text.n;) {
        char c = text.p[at];
        if (is_space(c)) {
            space = true;
            at++;
            continue;
        }
        if (words->n == WORDS_MAX)
            return false;
        struct word word = {.kind = WORD_SIGN, .space_before = space};
        size_t n = 1;
        if (ascii_is_digit(c)) {
            word.kind = WORD_NUMBER;
            n = run_length(text, at, ascii_is_digit);
        } else if (ascii_is_letter(c)) {
            word.kind = WORD_LETTERS;
            n = run_length(text, at, ascii_is_letter);
        }
        word.text = str_slice(text.p + at, n);
        words->p[words->n++] = word;
        at += n;
        space = false;
    }
    return true;
}

const struct word *word_at(const struct words *words, size_t index)
{
    static const struct word none = {.kind = WORD_SIGN, .text = {"", 0}};
    return index < words->n && !words->p[index].is_used ? &words->p[index] : &none;
}

bool is_number(const struct words *words, size_t index)
{
    return index < words->n && !words->p[index].is_used &&
           words->p[index].kind == WORD_NUMBER;
}

bool is_sign(const struct words *words, size_t index, char sign)
{
    const struct word *word = word_at(words, index);
    return word->kind == WORD_SIGN && word->text.n == 1 && word->text.p[0] == sign;
}

bool is_letters(const struct words *words, size_t index, const char *text)
{
    const struct word *word = word_at(words, index);
    return word->kind == WORD_LETTERS && str_equal_nocase(word->text, str_of(text));
}

int number_at(const struct words *words, size_t index)
{
    struct str text = word_at(words, index)->text;
    int number = 0;
    if (text.n > 9)
        return -1;
    for (size_t i = 0; i < text.n; i++)
        number = number * 10 + (text.p[i] - '0');
    return number;
}

void words_use(struct words *words, size_t from, size_t to)
{
    for (size_t i = from; i < to && i < words->n; i++)
        words->p[i].is_used = true;
}

void found_set_year(struct found *found, const struct words *words, size_t index,
                    bool is_negative)
{
    int year = number_at(words, index);
    size_t digits = words->p[index].text.n;
    found->has_year = true;
    found->year = is_negative ? -year : year;
    if (digits <= 2 && !is_negative && !found->is_before_era)
        found->year = year + (year >= 69 ? 1900 : 2000);
}
