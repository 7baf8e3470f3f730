#include "core/mail/encoded_word.h"

/* =?charset*language?encoding?text?= in its parts. */
struct parts {
    struct str charset, text;
    char encoding;
};

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7F ||
            s.p[i] == '?')
            return false;
    }
    return true;
}

static bool cut(struct str word, struct parts *parts)
{
    struct str rest, encoding;
    if (word.n < 8 || !str_has_prefix(word, STR("=?")) ||
        !str_equal(str_from(word, word.n - 2), STR("?=")))
        return false;
    parts->charset = str_split(str_slice(word.p + 2, word.n - 4), '?', &rest);
    if (str_is_null(rest))
        return false;
    encoding = str_split(rest, '?', &rest);
    if (str_is_null(rest) || encoding.n != 1)
        return false;
    parts->encoding = ascii_lower(encoding.p[0]);
    parts->text = rest;
    return parts->charset.n > 0 && is_plain(parts->charset) && is_plain(rest) &&
           (parts->encoding == 'q' || parts->encoding == 'b');
}

bool is_encoded_word(struct str word)
{
    struct parts parts;
    return cut(word, &parts);
}

static void put(char *to, size_t *n, unsigned char byte, bool is_latin)
{
    if (is_latin && byte >= 0x80) {
        to[(*n)++] = (char)(0xC0 | byte >> 6);
        byte = (unsigned char)(0x80 | (byte & 0x3F));
    }
    to[(*n)++] = (char)byte;
}

static const char *decode_q(struct str text, bool is_latin, char *to, size_t *n)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '=') {
            put(to, n, text.p[i] == '_' ? ' ' : (unsigned char)text.p[i], is_latin);
            continue;
        }
        int high = i + 2 < text.n ? ascii_hex_digit(text.p[i + 1]) : -1;
        int low = i + 2 < text.n ? ascii_hex_digit(text.p[i + 2]) : -1;
        if (high < 0 || low < 0)
            return "an encoded-word with a bad =XX";
        put(to, n, (unsigned char)(high << 4 | low), is_latin);
        i += 2;
    }
    return NULL;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (ascii_is_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static const char *decode_b(struct str text, bool is_latin, char *to, size_t *n)
{
    unsigned bits = 0, held = 0;
    while (text.n > 0 && text.p[text.n - 1] == '=')
        text.n--;
    for (size_t i = 0; i < text.n; i++) {
        int digit = base64_digit(text.p[i]);
        if (digit < 0)
            return "an encoded-word with bad base64";
        bits = (bits << 6 | (unsigned)digit) & 0xFFFF;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        put(to, n, (unsigned char)(bits >> held), is_latin);
    }
    return text.n % 4 == 1 ? "an encoded-word with bad base64" : NULL;
}

const char *encoded_word_decode(struct str word, char *to, size_t *n)
{
    struct parts parts;
    struct str language;
    if (!cut(word, &parts))
        return "no encoded-word";
    struct str charset = str_split(parts.charset, '*', &language);
    bool is_latin = str_equal_nocase(charset, STR("iso-8859-1"));
    if (!is_latin && !str_equal_nocase(charset, STR("utf-8")) &&
        !str_equal_nocase(charset, STR("us-ascii")))
        return "an encoded-word of a character set other than UTF-8 and ISO-8859-1 "
               "(write the name itself, in UTF-8)";
    return parts.encoding == 'q' ? decode_q(parts.text, is_latin, to, n)
                                 : decode_b(parts.text, is_latin, to, n);
}
