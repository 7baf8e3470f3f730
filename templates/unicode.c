#include "templates/unicode.h"

#include "templates/case_table.h"

static size_t sequence_length(struct str s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0xC2 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 1;
    if (n > s.n)
        return 1;
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s.p[i] & 0xC0) != 0x80)
            return 1;
    }
    return n;
}

size_t utf8_count(struct str s)
{
    size_t count = 0;
    while (s.n > 0) {
        s = str_from(s, sequence_length(s));
        count++;
    }
    return count;
}

size_t utf8_bytes(struct str s, size_t count)
{
    size_t at = 0;
    while (at < s.n && count-- > 0)
        at += sequence_length(str_from(s, at));
    return at;
}

uint32_t utf8_get(struct str s, size_t *bytes)
{
    static const unsigned char masks[] = {0, 0xFF, 0x1F, 0x0F, 0x07};
    *bytes = sequence_length(s);
    uint32_t code = (unsigned char)s.p[0] & masks[*bytes];
    for (size_t i = 1; i < *bytes; i++)
        code = code << 6 | ((unsigned char)s.p[i] & 0x3F);
    /* A stray byte must come out as it went in: no character has such a number. */
    return *bytes == 1 && code >= 0x80 ? code | 0x80000000u : code;
}

size_t utf8_set(char *p, uint32_t code)
{
    if (code < 0x80 || code >= 0x80000000u) {
        p[0] = (char)(code & 0xFF);
        return 1;
    }
    if (code < 0x800) {
        p[0] = (char)(0xC0 | code >> 6);
        p[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        p[0] = (char)(0xE0 | code >> 12);
        p[1] = (char)(0x80 | (code >> 6 & 0x3F));
        p[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    p[0] = (char)(0xF0 | code >> 18);
    p[1] = (char)(0x80 | (code >> 12 & 0x3F));
    p[2] = (char)(0x80 | (code >> 6 & 0x3F));
    p[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static const struct case_range *range_of(const struct case_range *ranges, size_t count,
                                         uint32_t code)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && code >= ranges[low].first &&
                   (code - ranges[low].first) % (uint32_t)ranges[low].step == 0
               ? &ranges[low]
               : NULL;
}

static const char *text_of(const struct case_text *texts, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++) {
        if (texts[i].code == code)
            return texts[i].text;
    }
    return NULL;
}

#define COUNT_OF(array) (sizeof array / sizeof *array)

/* How characters are changed: by a distance, or to a text. */
struct case_table {
    const struct case_range *ranges;
    size_t range_count;
    const struct case_text *texts;
    size_t text_count;
};

static const struct case_table lower = {lower_ranges, COUNT_OF(lower_ranges),
                                        lower_texts, COUNT_OF(lower_texts)},
                               upper = {upper_ranges, COUNT_OF(upper_ranges),
                                        upper_texts, COUNT_OF(upper_texts)},
                               title = {title_ranges, COUNT_OF(title_ranges),
                                        title_texts, COUNT_OF(title_texts)};

/* False: the table says nothing of this character. */
static bool change(const struct case_table *table, uint32_t code, char *p,
                   size_t *bytes)
{
    const struct case_range *range = range_of(table->ranges, table->range_count, code);
    const char *text =
        range == NULL ? text_of(table->texts, table->text_count, code) : NULL;
    if (range != NULL) {
        *bytes = utf8_set(p, (uint32_t)((int32_t)code + range->distance));
    } else if (text != NULL) {
        *bytes = strlen(text);
        memcpy(p, text, *bytes);
    }
    return range != NULL || text != NULL;
}

static size_t change_ascii(uint32_t code, enum letter_case letter_case, char *p)
{
    char c = (char)code;
    if (letter_case == CASE_LOWER)
        *p = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    else
        *p = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    return 1;
}

size_t unicode_case(uint32_t code, enum letter_case letter_case, char *p)
{
    size_t bytes;
    if (code < 0x80)
        return change_ascii(code, letter_case, p);
    if (letter_case == CASE_LOWER) {
        if (change(&lower, code, p, &bytes))
            return bytes;
    } else if ((letter_case == CASE_TITLE && change(&title, code, p, &bytes)) ||
               change(&upper, code, p, &bytes)) {
        return bytes;
    }
    return utf8_set(p, code);
}
