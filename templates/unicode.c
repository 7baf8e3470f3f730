#include "templates/unicode.h"

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

/*
 * Upper case letters from `first` to `last`, every `step`; the lower case one is
 * `distance` further. Step 2 with distance 1: the two cases take turns.
 */
static const struct {
    uint32_t first, last;
    int32_t distance;
    uint32_t step;
} ranges[] = {{'A', 'Z', 32, 1},      {0xC0, 0xD6, 32, 1},     {0xD8, 0xDE, 32, 1},
              {0x100, 0x12E, 1, 2},   {0x132, 0x136, 1, 2},    {0x139, 0x147, 1, 2},
              {0x14A, 0x176, 1, 2},   {0x178, 0x178, -121, 1}, {0x179, 0x17D, 1, 2},
              {0x1CD, 0x1DB, 1, 2},   {0x1DE, 0x1EE, 1, 2},    {0x1F8, 0x21E, 1, 2},
              {0x222, 0x232, 1, 2},   {0x386, 0x386, 38, 1},   {0x388, 0x38A, 37, 1},
              {0x38C, 0x38C, 64, 1},  {0x38E, 0x38F, 63, 1},   {0x391, 0x3A1, 32, 1},
              {0x3A3, 0x3AB, 32, 1},  {0x400, 0x40F, 80, 1},   {0x410, 0x42F, 32, 1},
              {0x460, 0x480, 1, 2},   {0x48A, 0x4BE, 1, 2},    {0x4C1, 0x4CD, 1, 2},
              {0x4D0, 0x52E, 1, 2},   {0x531, 0x556, 48, 1},   {0x1E00, 0x1E94, 1, 2},
              {0x1EA0, 0x1EFE, 1, 2}, {0x2160, 0x216F, 16, 1}, {0x24B6, 0x24CF, 26, 1},
              {0xFF21, 0xFF3A, 32, 1}};

#define RANGE_COUNT (sizeof ranges / sizeof *ranges)

uint32_t unicode_lower(uint32_t code)
{
    for (size_t i = 0; i < RANGE_COUNT; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last &&
            (code - ranges[i].first) % ranges[i].step == 0)
            return (uint32_t)((int32_t)code + ranges[i].distance);
    }
    return code;
}

uint32_t unicode_upper(uint32_t code)
{
    if (code == 0x3C2)
        return 0x3A3;
    if (code == 0xB5)
        return 0x39C;
    if (code == 0x131)
        return 'I';
    if (code == 0x17F)
        return 'S';
    for (size_t i = 0; i < RANGE_COUNT; i++) {
        uint32_t upper = (uint32_t)((int32_t)code - ranges[i].distance);
        if (upper >= ranges[i].first && upper <= ranges[i].last &&
            (upper - ranges[i].first) % ranges[i].step == 0)
            return upper;
    }
    return code;
}
