#include "templates/converter.h"

/* Formats of dates: the letters of PHP's date(), and the words of SendGrid. */

struct date_word {
    const char *word, *directive;
};

/* The longest first of those that begin alike. */
static const struct date_word sendgrid_words[] = {
    {"YYYY", "%Y"}, {"YY", "%y"}, {"MMMM", "%B"}, {"MMM", "%b"},  {"MM", "%m"},
    {"M", "%-m"},   {"DD", "%d"}, {"D", "%-d"},   {"dddd", "%A"}, {"ddd", "%a"},
    {"HH", "%H"},   {"H", "%-k"}, {"hh", "%I"},   {"h", "%-l"},   {"mm", "%M"},
    {"m", "%-M"},   {"ss", "%S"}, {"s", "%-S"},   {"A", "%p"},    {"a", "%P"},
    {"ZZ", "%z"},   {"Z", "%:z"}};

static const struct date_word php_words[] = {{"d", "%d"},
                                             {"j", "%-d"},
                                             {"D", "%a"},
                                             {"l", "%A"},
                                             {"N", "%u"},
                                             {"w", "%w"},
                                             {"m", "%m"},
                                             {"n", "%-m"},
                                             {"M", "%b"},
                                             {"F", "%B"},
                                             {"y", "%y"},
                                             {"Y", "%Y"},
                                             {"o", "%G"},
                                             {"W", "%V"},
                                             {"H", "%H"},
                                             {"h", "%I"},
                                             {"g", "%-l"},
                                             {"G", "%-k"},
                                             {"i", "%M"},
                                             {"s", "%S"},
                                             {"a", "%P"},
                                             {"A", "%p"},
                                             {"O", "%z"},
                                             {"P", "%:z"},
                                             {"U", "%s"},
                                             {"c", "%Y-%m-%dT%H:%M:%S%:z"},
                                             {"r", "%a, %d %b %Y %H:%M:%S %z"}};

static const struct date_word *word_at(struct str format, const struct date_word *words,
                                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_has_prefix(format, str_of(words[i].word)))
            return &words[i];
    }
    return NULL;
}

static void add_plain(struct converter *converter, char c)
{
    if (c == '%')
        buf_append_char(converter->liquid, '%');
    buf_append_char(converter->liquid, c);
}

/* A backslash or brackets hold what is no word; a quote would end the argument. */
static bool convert_date(struct converter *converter, struct str format,
                         const struct date_word *words, size_t count)
{
    if (memchr(format.p, '"', format.n) != NULL)
        return false;
    while (format.n > 0) {
        const struct date_word *word = word_at(format, words, count);
        if (word != NULL) {
            converter_add(converter, str_of(word->directive));
            format = str_from(format, strlen(word->word));
            continue;
        }
        const char *end = format.p[0] == '[' ? memchr(format.p, ']', format.n) : NULL;
        if (words == sendgrid_words && end != NULL) {
            for (const char *p = format.p + 1; p < end; p++)
                add_plain(converter, *p);
            format = str_from(format, (size_t)(end - format.p) + 1);
            continue;
        }
        if (words == php_words && format.p[0] == '\\' && format.n > 1)
            format = str_from(format, 1);
        else if (ascii_is_letter(format.p[0]))
            return false;
        add_plain(converter, format.p[0]);
        format = str_from(format, 1);
    }
    return true;
}

bool convert_php_date(struct converter *converter, struct str format)
{
    return convert_date(converter, format, php_words,
                        sizeof php_words / sizeof *php_words);
}

bool convert_sendgrid_date(struct converter *converter, struct str format)
{
    return convert_date(converter, format, sendgrid_words,
                        sizeof sendgrid_words / sizeof *sendgrid_words);
}
