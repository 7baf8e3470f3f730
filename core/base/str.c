#include "core/base/str.h"

bool str_equal_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
            return false;
    return true;
}

bool str_has_prefix(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_equal(str_head(s, prefix.n), prefix);
}

bool str_has_prefix_nocase(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_equal_nocase(str_head(s, prefix.n), prefix);
}

int str_compare(struct str a, struct str b)
{
    size_t common = a.n < b.n ? a.n : b.n;
    int order = common > 0 ? memcmp(a.p, b.p, common) : 0;
    if (order != 0)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_from(s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

struct str str_split(struct str s, char separator, struct str *rest)
{
    const char *at = s.n > 0 ? memchr(s.p, separator, s.n) : NULL;
    if (at == NULL) {
        *rest = STR_NULL;
        return s;
    }
    size_t before = (size_t)(at - s.p);
    *rest = str_from(s, before + 1);
    return str_head(s, before);
}

bool str_to_u64(struct str s, uint64_t *value)
{
    uint64_t sum = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!ascii_is_digit(s.p[i]))
            return false;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

struct str str_of_u64(uint64_t value, char to[STR_U64_MAX])
{
    size_t at = STR_U64_MAX;
    do {
        to[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return str_slice(to + at, STR_U64_MAX - at);
}

bool str_is_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_digit(s.p[i]))
            return false;
    return s.n > 0;
}

bool str_is_ascii(struct str s)
{
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t word;
        memcpy(&word, s.p + i, 8);
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            return false;
    }
    for (; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* Marks octets that are not printable. Of those below 0x80, the ones from 0x20 on reach
 * 0x80 when 0x60 is added, and 0x7F does when 1 is. */
static uint64_t unprintable(const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = 0x80 * ones;
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return (word | (word + ones) | ~(word + 0x60 * ones)) & high;
}

bool str_is_printable_ascii(struct str s)
{
    uint64_t marks = 0;
    if (s.n >= 8) {
        size_t last = s.n - 8;
        for (size_t i = 0; i < last; i += 8)
            marks |= unprintable(s.p + i);
        return (marks | unprintable(s.p + last)) == 0;
    }
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~')
            return false;
    return true;
}

/* The second byte's range is what excludes overlongs, surrogates and the planes
 * beyond U+10FFFF (table 3-7 of the Unicode standard). */
size_t str_utf8_length(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    unsigned char low = 0x80, high = 0xBF;
    if (s.n == 0 || p[0] < 0x80)
        return s.n > 0;
    unsigned char lead = p[0];
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (lead == 0xE0)
        low = 0xA0;
    else if (lead == 0xED)
        high = 0x9F;
    else if (lead == 0xF0)
        low = 0x90;
    else if (lead == 0xF4)
        high = 0x8F;
    if (s.n < length || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

bool str_is_utf8(struct str s)
{
    if (str_is_ascii(s))
        return true;
    while (s.n > 0) {
        size_t length = str_utf8_length(s);
        if (length == 0)
            return false;
        s = str_from(s, length);
    }
    return true;
}

size_t str_characters(struct str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.n; i++)
        count += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return count;
}

size_t str_printable_length(struct str s)
{
    size_t length = str_utf8_length(s);
    if (length == 0)
        return 0;
    unsigned char first = (unsigned char)s.p[0];
    /* The C1 controls are the two bytes C2 80 to C2 9F. */
    if (first < 0x20 || first == 0x7f ||
        (first == 0xC2 && (unsigned char)s.p[1] < 0xA0))
        return 0;
    return length;
}

void str_make_printable(char *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        size_t length = str_printable_length(str_slice(p + at, n - at));
        if (length == 0)
            p[at] = '?';
        at += length > 0 ? length : 1;
    }
}

uint64_t str_hash(struct str s)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < s.n; i++) {
        hash ^= (unsigned char)s.p[i];
        hash *= UINT64_C(0x100000001b3);
    }
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    hash ^= hash >> 32;
    return hash;
}
