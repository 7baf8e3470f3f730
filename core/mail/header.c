#include "core/mail/header.h"

#include "core/base/err.h"
#include "core/mail/encoding.h"

/*
 * A value is taken apart at single spaces. Words that can stand as they are do; a run
 * of neighbours that cannot is encoded together, spaces included, because the white
 * space between two encoded-words is not part of the text (RFC 2047 section 6.2).
 */

/* ---- lines --------------------------------------------------------------------- */

static void header_fold(struct header_writer *writer)
{
    header_glue(writer, STR("\r\n"));
    writer->column = 0;
    writer->is_fresh = true;
}

void header_end(struct header_writer *writer)
{
    header_fold(writer);
}

void header_word(struct header_writer *writer, struct str word)
{
    if (writer->column + 1 + word.n > HEADER_FOLD && !writer->is_fresh)
        header_fold(writer);
    header_glue(writer, STR(" "));
    header_glue(writer, word);
}

/* ---- encoded-words ------------------------------------------------------------- */

#define ENCODED_FRAME 12 /* =?utf-8?Q? and ?= */
/* Less room than this on a line is not worth a short encoded-word. */
#define ENCODED_ROOM_MIN 12

/* What Q may leave alone even in a phrase, the strictest place. */
static bool is_q_plain(char c)
{
    return ascii_is_letter_or_digit(c) || c == '!' || c == '*' || c == '+' ||
           c == '-' || c == '/';
}

/* An octet as '=' or '%' and two digits. */
static struct str hex_escape(char sign, char c, char to[3])
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char byte = (unsigned char)c;
    to[0] = sign;
    to[1] = digits[byte >> 4];
    to[2] = digits[byte & 15];
    return str_slice(to, 3);
}

static size_t q_length(char c)
{
    return is_q_plain(c) || c == ' ' ? 1 : 3;
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t utf8_sequence(struct str s)
{
    size_t length = 1;
    while (length < s.n && is_continuation(s.p[length]))
        length++;
    return length;
}

static size_t encoded_length(struct str s, bool is_q)
{
    size_t length = 0;
    if (!is_q)
        return (s.n + 2) / 3 * 4;
    for (size_t i = 0; i < s.n; i++)
        length += q_length(s.p[i]);
    return length;
}

/* The most whole characters of s, at least one, that fit in `room` when encoded. */
static size_t encoded_fit(struct str s, bool is_q, size_t room)
{
    size_t n = 0, used = 0;
    while (n < s.n) {
        size_t length = utf8_sequence(str_from(s, n));
        size_t need = is_q ? used + encoded_length(str_slice(s.p + n, length), true)
                           : encoded_length(str_head(s, n + length), false);
        if (need > room && n > 0)
            break;
        n += length;
        used = need;
    }
    return n;
}

/* Where to cut s at n or before: behind the last space of the second half, if there is
 * one. Readers that keep the white space between two encoded-words, which is no part of
 * the text, then show it between two words and not inside of one. */
static size_t encoded_cut(struct str s, size_t n)
{
    for (size_t at = n; at > n / 2; at--)
        if (s.p[at - 1] == ' ')
            return at;
    return n;
}

static void encoded_word_q(struct header_writer *writer, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char hex[3];
        if (s.p[i] == ' ')
            header_glue(writer, STR("_"));
        else
            header_glue(writer, is_q_plain(s.p[i]) ? str_slice(s.p + i, 1)
                                                   : hex_escape('=', s.p[i], hex));
    }
}

static void encoded_word(struct header_writer *writer, struct str s, bool is_q)
{
    header_glue(writer, is_q ? STR(" =?utf-8?Q?") : STR(" =?utf-8?B?"));
    if (is_q) {
        encoded_word_q(writer, s);
    } else {
        char *end = base64_plain(s, writer->to);
        writer->column += (size_t)(end - writer->to);
        writer->to = end;
    }
    header_glue(writer, STR("?="));
}

/* s as one encoded-word or as many as it takes. A line with one has 76 octets at most
 * (RFC 2047 section 2); the space before the word leaves it the 75 that it may have. */
static void header_encoded(struct header_writer *writer, struct str s)
{
    bool is_q = encoded_length(s, true) <= encoded_length(s, false);
    while (s.n > 0) {
        size_t used = writer->column + 1 + ENCODED_FRAME;
        if (used + ENCODED_ROOM_MIN > ENCODING_LINE_MAX) {
            header_fold(writer);
            used = 1 + ENCODED_FRAME;
        }
        size_t n = encoded_fit(s, is_q, ENCODING_LINE_MAX - used);
        if (n < s.n)
            n = encoded_cut(s, n);
        encoded_word(writer, str_head(s, n), is_q);
        s = str_from(s, n);
    }
}

/* ---- free text ----------------------------------------------------------------- */

/* How many octets at the front of s, `max` at most, are words that can stand as they
 * are, with one space between each two; behind them is one space or nothing. */
static size_t plain_words(struct str s, size_t max)
{
    size_t end = 0, stop = s.n <= max ? s.n : max + 1;
    for (size_t i = 0; i < stop; i++) {
        char c = s.p[i];
        if (c > '?' && c <= '~')
            continue;
        if (c < ' ' || c > '~' || (c == '?' && i > 0 && s.p[i - 1] == '='))
            return end;
        if (c != ' ')
            continue;
        if (i == 0 || (i + 1 < s.n && s.p[i + 1] == ' '))
            return end;
        end = i;
    }
    return s.n <= max ? s.n : end;
}

/* The word at the front of s, up to a space; *next begins behind that space. A word
 * before a second space counts as not plain: the pair goes into an encoded-word. */
static bool next_word(struct str s, size_t word_max, struct str *word, struct str *next)
{
    *word = str_split(s, ' ', next);
    return plain_words(str_head(s, word->n + 2), word_max) > 0;
}

/* What fits on the line behind a space, `max` at most. */
static size_t line_room(const struct header_writer *writer, size_t max)
{
    size_t column = writer->column + 1;
    size_t room = column < HEADER_FOLD ? HEADER_FOLD - column : 0;
    return room < max ? room : max;
}

void header_text(struct header_writer *writer, struct str value, size_t word_max)
{
    struct str rest = str_trim(value);
    /* Some readers take a value that begins with a fold for one with a space before
     * it, so the first word has to fit behind the name. */
    size_t room = HEADER_FOLD - 1 - writer->column;
    size_t first_max = word_max < HEADER_FOLD && room < word_max ? room : word_max;
    /* It is null behind the last word. */
    while (!str_is_null(rest) && rest.n > 0) {
        struct str word, next, run = rest;
        size_t plain = plain_words(rest, line_room(writer, word_max));
        if (plain > 0) {
            header_word(writer, str_head(rest, plain));
            rest = str_from(rest, plain + 1);
            continue;
        }
        if (next_word(rest, writer->is_fresh ? first_max : word_max, &word, &next)) {
            header_word(writer, word);
            rest = next;
            continue;
        }
        while (!str_is_null(next) && !next_word(next, word_max, &word, &rest))
            next = rest;
        /* `next` is the first plain word behind the run, or nothing. */
        if (!str_is_null(next))
            run.n = (size_t)(next.p - run.p) - 1;
        header_encoded(writer, run);
        rest = next;
    }
}

/* ---- structured values --------------------------------------------------------- */

/* The token at the front of s: up to a space, or to the '>' of what begins with '<'. */
static struct str structured_token(struct str s)
{
    if (s.p[0] == '<') {
        const char *end = memchr(s.p, '>', s.n);
        if (end != NULL) {
            size_t n = (size_t)(end - s.p) + 1;
            while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t' && s.p[n] != '<')
                n++;
            return str_head(s, n);
        }
    }
    size_t n = 1;
    while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t' && s.p[n] != '<')
        n++;
    return str_head(s, n);
}

/* The question mark of "=?" too, which readers would take for an encoded-word's. */
static bool needs_percent(struct str token, size_t at)
{
    char c = token.p[at];
    return c <= ' ' || c > '~' || (c == '?' && at > 0 && token.p[at - 1] == '=');
}

static bool has_mark(struct str s)
{
    const char *at = s.n > 0 ? memchr(s.p, '?', s.n) : NULL;
    while (at != NULL && (at == s.p || at[-1] != '=')) {
        at++;
        at = memchr(at, '?', s.n - (size_t)(at - s.p));
    }
    return at != NULL;
}

static size_t percent_length(struct str token)
{
    size_t length = 0;
    if (str_is_printable_ascii(token) && memchr(token.p, ' ', token.n) == NULL &&
        !has_mark(token))
        return token.n;
    for (size_t i = 0; i < token.n; i++)
        length += needs_percent(token, i) ? 3 : 1;
    return length;
}

static struct str next_token(struct str *rest)
{
    *rest = str_trim(*rest);
    if (rest->n == 0)
        return STR_NULL;
    struct str token = structured_token(*rest);
    *rest = str_from(*rest, token.n);
    return token;
}

#define TOKEN_MAX (HEADER_LINE_MAX - HEADER_NAME_MAX - 3)

const char *header_structured_check(struct str value)
{
    const char *why = header_value_check(value);
    struct str rest = value;
    /* At most three times as long. */
    if (why != NULL || value.n <= TOKEN_MAX / 3)
        return why;
    for (struct str token; token = next_token(&rest), token.n > 0;)
        if (percent_length(token) > TOKEN_MAX)
            return "a word or URL is too long for a line";
    return NULL;
}

static void percent_token(struct header_writer *writer, struct str token)
{
    size_t length = percent_length(token);
    if (writer->column + 1 + length > HEADER_FOLD && !writer->is_fresh)
        header_fold(writer);
    header_glue(writer, STR(" "));
    if (length == token.n) {
        header_glue(writer, token);
        return;
    }
    for (size_t i = 0; i < token.n; i++) {
        char hex[3];
        header_glue(writer, needs_percent(token, i) ? hex_escape('%', token.p[i], hex)
                                                    : str_slice(token.p + i, 1));
    }
}

static bool token_is_raw(struct str token)
{
    return token.n == 0 || token.p[0] == '<' ||
           (str_is_ascii(token) && !has_mark(token));
}

void header_structured(struct header_writer *writer, struct str value)
{
    struct str rest = value, after = value;
    for (struct str token; token = next_token(&rest), token.n > 0;) {
        if (token_is_raw(token)) {
            percent_token(writer, token);
            continue;
        }
        /* Words of a List-Id's phrase: neighbours go together. */
        struct str run = token;
        for (after = rest; token = next_token(&after), !token_is_raw(token);) {
            run.n = (size_t)(token.p + token.n - run.p);
            rest = after;
        }
        header_encoded(writer, run);
    }
}

/* ---- phrases ------------------------------------------------------------------- */

#define QUOTED_MAX 60

static bool is_atext(char c)
{
    return ascii_is_letter_or_digit(c) ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool phrase_is_atoms(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!is_atext(name.p[i]) &&
            !(name.p[i] == ' ' && i > 0 && i + 1 < name.n && name.p[i - 1] != ' '))
            return false;
    return true;
}

/* `s` in quotation marks; at most twice as long, and two. */
static struct str quote(struct str s, char *to)
{
    size_t n = 0;
    to[n++] = '"';
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            to[n++] = '\\';
        to[n++] = s.p[i];
    }
    to[n++] = '"';
    return str_slice(to, n);
}

void header_phrase(struct header_writer *writer, struct str name)
{
    char quoted[2 * QUOTED_MAX + 2];
    name = str_trim(name);
    if (has_mark(name) || name.n > QUOTED_MAX || !str_is_printable_ascii(name))
        header_encoded(writer, name);
    else if (phrase_is_atoms(name))
        header_text(writer, name, QUOTED_MAX);
    else
        header_word(writer, quote(name, quoted));
}

/* ---- parameters ---------------------------------------------------------------- */

static bool is_attribute_char(char c)
{
    return c == '.' || (is_atext(c) && c != '*' && c != '\'' && c != '%');
}

/* s as an extended value has it; `to` may be NULL. Returns its length. */
static size_t extended_text(struct str s, char *to)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char hex[3];
        struct str octet = is_attribute_char(s.p[i]) ? str_slice(s.p + i, 1)
                                                     : hex_escape('%', s.p[i], hex);
        if (to != NULL)
            memcpy(to + n, octet.p, octet.n);
        n += octet.n;
    }
    return n;
}

/* One "attribute*N*=" section of an extended value; returns what is left of it. It ends
 * between characters, for readers that decode each by itself. */
static struct str extended_section(struct header_writer *writer, struct str attribute,
                                   struct str value, unsigned number)
{
    char section[HEADER_FOLD];
    struct str charset = number == 0 ? STR("utf-8''") : STR("");
    /* A space, "*NN*=" and the semicolon behind. */
    size_t room = HEADER_FOLD - 7 - attribute.n - charset.n, n = 0;
    while (value.n > 0) {
        struct str character = str_head(value, utf8_sequence(value));
        if (n + extended_text(character, NULL) > room)
            break;
        n += extended_text(character, section + n);
        value = str_from(value, character.n);
    }
    CHECK(n > 0);
    char head[64];
    size_t head_bytes = 0;
    if (number > 0 || value.n > 0) {
        head[head_bytes++] = '*';
        if (number > 9)
            head[head_bytes++] = (char)('0' + number / 10 % 10);
        head[head_bytes++] = (char)('0' + number % 10);
    }
    header_fold(writer);
    header_glue(writer, STR(" "));
    header_glue(writer, attribute);
    header_glue(writer, str_slice(head, head_bytes));
    header_glue(writer, STR("*="));
    header_glue(writer, charset);
    header_glue(writer, str_slice(section, n));
    return value;
}

void header_parameter(struct header_writer *writer, struct str attribute,
                      struct str value)
{
    char quoted[2 * QUOTED_MAX + 2];
    header_glue(writer, STR(";"));
    if (str_is_printable_ascii(value) && value.n <= QUOTED_MAX - attribute.n) {
        struct str text = quote(value, quoted);
        if (writer->column + attribute.n + text.n + 2 > HEADER_FOLD)
            header_fold(writer);
        header_glue(writer, STR(" "));
        header_glue(writer, attribute);
        header_glue(writer, STR("="));
        header_glue(writer, text);
        return;
    }
    for (unsigned number = 0; value.n > 0; number++) {
        if (number > 0)
            header_glue(writer, STR(";"));
        value = extended_section(writer, attribute, value, number);
    }
}
