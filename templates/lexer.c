#include "templates/lexer.h"

struct str strip_start(struct str s)
{
    while (s.n > 0 && (ascii_is_space(s.p[0]) || s.p[0] == '\0'))
        s = str_from(s, 1);
    return s;
}

struct str strip_end(struct str s)
{
    while (s.n > 0 && (ascii_is_space(s.p[s.n - 1]) || s.p[s.n - 1] == '\0'))
        s.n--;
    return s;
}

struct str strip_both(struct str s)
{
    return strip_end(strip_start(s));
}

/* The next "{{" or "{%", or the end. */
static size_t find_start(struct str source, size_t at)
{
    while (at + 1 < source.n) {
        const char *brace = memchr(source.p + at, '{', source.n - at - 1);
        if (brace == NULL)
            return source.n;
        at = (size_t)(brace - source.p);
        if (brace[1] == '{' || brace[1] == '%')
            return at;
        at++;
    }
    return source.n;
}

/* Behind the next "%}", or 0. */
static size_t find_tag_end(struct str source, size_t at)
{
    for (; at + 1 < source.n; at++) {
        if (source.p[at] == '%' && source.p[at + 1] == '}')
            return at + 2;
    }
    return 0;
}

/* Behind the next "}}" with no brace opening before it, or 0. */
static size_t find_double_brace(struct str source, size_t at)
{
    for (; at + 1 < source.n && source.p[at] != '{'; at++) {
        if (source.p[at] == '}' && source.p[at + 1] == '}')
            return at + 2;
    }
    return 0;
}

/*
 * Behind the end of an output that starts at `start`, or 0. A single closing brace
 * ends it too (and is refused afterwards, unless a lax template has opened a brace
 * before it), and a "{%" in it swallows all up to the "%}", as in the reference.
 */
static size_t find_output_end(const struct cutter *cutter, size_t start)
{
    struct str source = cutter->source;
    bool has_brace = false;
    for (size_t at = start + 2; at < source.n; at++) {
        char c = source.p[at];
        if (c == '}') {
            bool is_double = at + 1 < source.n && source.p[at + 1] == '}';
            size_t later = has_brace && cutter->is_lax && !is_double
                               ? find_double_brace(source, at)
                               : 0;
            return later > 0 ? later : at + (is_double ? 2 : 1);
        }
        has_brace = has_brace || c == '{';
        if (c == '{' && at + 1 < source.n && source.p[at + 1] == '%')
            return find_tag_end(source, at + 2);
    }
    return 0;
}

static void split_tag(struct chunk *chunk, struct str inside)
{
    struct str rest = strip_start(inside);
    size_t n = 0;
    if (rest.n > 0 && rest.p[0] == '#')
        n = 1;
    else
        while (n < rest.n && is_word_char(rest.p[n]))
            n++;
    chunk->name = str_head(rest, n);
    chunk->markup = str_from(rest, n);
    while (chunk->markup.n > 0 && ascii_is_space(chunk->markup.p[0]))
        chunk->markup = str_from(chunk->markup, 1);
    if (n == 0)
        chunk->kind = CHUNK_NAMELESS;
}

/* The inside without the dashes, which may be one and the same: "{%-%}". */
static struct str inside_of(struct chunk *chunk)
{
    struct str text = chunk->text;
    size_t start = 2, end = text.n - 2;
    chunk->trims_before = text.n > 4 && text.p[2] == '-';
    chunk->trims_after = text.n > 4 && text.p[text.n - 3] == '-';
    if (chunk->trims_before)
        start++;
    if (chunk->trims_after && end > start)
        end--;
    return str_slice(text.p + start, end - start);
}

static void cut_tag(struct cutter *cutter, struct chunk *chunk)
{
    size_t start = cutter->at, end = find_tag_end(cutter->source, start + 2);
    if (end == 0) {
        chunk->kind = CHUNK_OPEN_TAG;
        chunk->text = str_from(cutter->source, start);
        cutter->at = cutter->source.n;
        return;
    }
    cutter->at = end;
    chunk->kind = CHUNK_TAG;
    chunk->text = str_slice(cutter->source.p + start, end - start);
    split_tag(chunk, inside_of(chunk));
}

static void cut_output(struct cutter *cutter, struct chunk *chunk)
{
    size_t start = cutter->at, end = find_output_end(cutter, start);
    bool is_closed = end != 0;
    if (!is_closed)
        end = cutter->source.n;
    chunk->text = str_slice(cutter->source.p + start, end - start);
    cutter->at = end;
    size_t n = chunk->text.n;
    if (!is_closed || n < 4 || memcmp(chunk->text.p + n - 2, "}}", 2) != 0) {
        chunk->kind = CHUNK_OPEN_OUTPUT;
        return;
    }
    chunk->kind = CHUNK_OUTPUT;
    chunk->markup = inside_of(chunk);
}

static bool cut_line(struct cutter *cutter, struct chunk *chunk)
{
    while (cutter->at < cutter->source.n) {
        struct str rest = str_from(cutter->source, cutter->at), after;
        struct str line = str_split(rest, '\n', &after);
        cutter->at += line.n + (str_is_null(after) ? 0 : 1);
        if (strip_both(line).n == 0)
            continue;
        chunk->kind = CHUNK_TAG;
        chunk->text = line;
        split_tag(chunk, line);
        return true;
    }
    return false;
}

bool cutter_next(struct cutter *cutter, struct chunk *chunk)
{
    *chunk = (struct chunk){.kind = CHUNK_TEXT};
    if (cutter->is_lines)
        return cut_line(cutter, chunk);
    if (cutter->at >= cutter->source.n)
        return false;
    size_t start = find_start(cutter->source, cutter->at);
    if (start > cutter->at) {
        chunk->text = str_slice(cutter->source.p + cutter->at, start - cutter->at);
        cutter->at = start;
    } else if (cutter->source.p[start + 1] == '%') {
        cut_tag(cutter, chunk);
    } else {
        cut_output(cutter, chunk);
    }
    return true;
}

bool chunk_last_tag(const struct chunk *chunk, struct str *name, struct str *before)
{
    struct str text = chunk->text;
    if (text.n < 4 || memcmp(text.p + text.n - 2, "%}", 2) != 0)
        return false;
    for (size_t at = text.n - 3; at-- > 0;) {
        if (text.p[at] != '{' || text.p[at + 1] != '%')
            continue;
        size_t p = at + 2, n = 0;
        if (p < text.n && text.p[p] == '-')
            p++;
        while (p < text.n && ascii_is_space(text.p[p]))
            p++;
        while (p + n < text.n && is_word_char(text.p[p + n]))
            n++;
        if (n == 0)
            continue;
        *name = str_slice(text.p + p, n);
        *before = str_slice(text.p, at);
        return true;
    }
    return false;
}

const char *token_kind_name(enum token_kind kind)
{
    static const char *const names[] = {
        "end_of_string", "id",           "string",     "number",      "comparison",
        "dotdot",        "pipe",         "dot",        "colon",       "comma",
        "open_square",   "close_square", "open_round", "close_round", "question",
        "dash",          "character"};
    return names[kind];
}

static size_t scan_number(struct str rest)
{
    size_t n = rest.p[0] == '-' ? 1 : 0;
    while (n < rest.n && ascii_is_digit(rest.p[n]))
        n++;
    size_t point = n;
    if (n + 1 < rest.n && rest.p[n] == '.' && ascii_is_digit(rest.p[n + 1])) {
        n++;
        while (n < rest.n && ascii_is_digit(rest.p[n]))
            n++;
    }
    return n > point ? n : point;
}

static size_t scan_id(struct str rest)
{
    size_t n = 1;
    while (n < rest.n && (is_word_char(rest.p[n]) || rest.p[n] == '-'))
        n++;
    return n < rest.n && rest.p[n] == '?' ? n + 1 : n;
}

static struct token scan_special(struct str rest)
{
    static const struct {
        char c;
        enum token_kind kind;
    } specials[] = {{'|', TOKEN_PIPE},        {'.', TOKEN_DOT},
                    {':', TOKEN_COLON},       {',', TOKEN_COMMA},
                    {'[', TOKEN_OPEN_SQUARE}, {']', TOKEN_CLOSE_SQUARE},
                    {'(', TOKEN_OPEN_ROUND},  {')', TOKEN_CLOSE_ROUND},
                    {'?', TOKEN_QUESTION},    {'-', TOKEN_DASH}};
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        if (rest.p[0] == specials[i].c)
            return (struct token){specials[i].kind, str_head(rest, 1)};
    }
    size_t n = 1;
    while (n < rest.n && ((unsigned char)rest.p[n] & 0xC0) == 0x80)
        n++;
    return (struct token){TOKEN_UNEXPECTED, str_head(rest, n)};
}

static bool scan_comparison(struct str rest, struct token *token)
{
    static const struct str operators[] = {{"==", 2}, {"!=", 2}, {"<>", 2}, {"<=", 2},
                                           {">=", 2}, {"<", 1},  {">", 1}};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (str_has_prefix(rest, operators[i])) {
            *token = (struct token){TOKEN_COMPARISON, str_head(rest, operators[i].n)};
            return true;
        }
    }
    return false;
}

static struct token scan_token(struct str rest, enum token_kind before)
{
    struct token token;
    char c = rest.p[0];
    if (c == '"' || c == '\'') {
        const char *end = memchr(rest.p + 1, c, rest.n - 1);
        if (end == NULL)
            return (struct token){TOKEN_UNEXPECTED, str_head(rest, 1)};
        return (struct token){TOKEN_STRING, str_head(rest, (size_t)(end - rest.p) + 1)};
    }
    bool digit_follows = rest.n > 1 && ascii_is_digit(rest.p[1]);
    if (ascii_is_digit(c) || (c == '-' && digit_follows))
        return (struct token){TOKEN_NUMBER, str_head(rest, scan_number(rest))};
    if (is_word_char(c)) {
        token = (struct token){TOKEN_ID, str_head(rest, scan_id(rest))};
        if (str_equal(token.text, STR("contains")) && before != TOKEN_DOT)
            token.kind = TOKEN_COMPARISON;
        return token;
    }
    if (c == '.' && rest.n > 1 && rest.p[1] == '.')
        return (struct token){TOKEN_DOTDOT, str_head(rest, 2)};
    if (scan_comparison(rest, &token))
        return token;
    return scan_special(rest);
}

void lexer_next(struct lexer *lexer)
{
    lexer->token = lexer->ahead;
    struct str rest = str_from(lexer->markup, lexer->at);
    while (rest.n > 0 && ascii_is_space(rest.p[0]))
        rest = str_from(rest, 1);
    if (rest.n == 0) {
        lexer->ahead = (struct token){TOKEN_END, rest};
        return;
    }
    lexer->ahead = scan_token(rest, lexer->token.kind);
    lexer->at = (size_t)(rest.p - lexer->markup.p) + lexer->ahead.text.n;
}

void lexer_init(struct lexer *lexer, struct str markup)
{
    *lexer = (struct lexer){.markup = markup};
    lexer_next(lexer);
    lexer_next(lexer);
}
