/*
 * The whole reply is collected in one buffer, line by line, and judged at each LF:
 * memchr finds it, so a reply costs one copy and one pass, and a split cannot change
 * the result because nothing is looked at before its line is complete. The bounds are
 * checked on what was collected, before the copy.
 */
#include "core/smtp/reply.h"

void smtp_reply_parser_init(struct smtp_reply_parser *parser)
{
    *parser = (struct smtp_reply_parser){0};
    buf_init(&parser->raw, SMTP_REPLY_MAX);
}

void smtp_reply_parser_fini(struct smtp_reply_parser *parser)
{
    buf_fini(&parser->raw);
}

/* The code of a line without its CRLF, 0 if it begins with none. The second digit is
 * 0 to 5 in RFC 5321, but real servers say 571. */
static uint16_t line_code(struct str line)
{
    if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' ||
        !ascii_is_digit(line.p[1]) || !ascii_is_digit(line.p[2]))
        return 0;
    return (uint16_t)((line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + line.p[2] -
                      '0');
}

/* Why a complete line (with its LF) is malformed, NULL if it is not; *is_last and
 * *code are what it says. */
static const char *line_judge(struct str line, bool *is_last, uint16_t *code)
{
    if (line.n < 2 || line.p[line.n - 2] != '\r')
        return "a reply line ends in a bare LF";
    line.n -= 2;
    if (memchr(line.p, '\0', line.n) != NULL)
        return "a reply line holds a NUL";
    *code = line_code(line);
    if (*code == 0)
        return "a reply line does not begin with a reply code";
    if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
        return "a reply code is not followed by a space or a hyphen";
    *is_last = line.n == 3 || line.p[3] == ' ';
    return NULL;
}

static const char *parser_take_line(struct smtp_reply_parser *parser)
{
    struct str line = str_from(buf_str(&parser->raw), parser->line_start);
    uint16_t code = 0;
    const char *why = line_judge(line, &parser->is_whole, &code);
    if (why != NULL)
        return why;
    if (parser->code != 0 && code != parser->code)
        return "the reply code changes between the lines of a reply";
    parser->code = code;
    parser->line_start = parser->raw.n;
    return NULL;
}

/* Collects up to and with the next LF; returns why it cannot. */
static const char *parser_collect(struct smtp_reply_parser *parser, struct str bytes,
                                  size_t *used, bool *has_line)
{
    const char *lf = memchr(bytes.p, '\n', bytes.n);
    size_t take = lf != NULL ? (size_t)(lf - bytes.p) + 1 : bytes.n;
    size_t length = parser->raw.n - parser->line_start + take;
    *used = take;
    *has_line = lf != NULL;
    /* A line that has no LF within the bound is as long as one that has it beyond. */
    if (length > SMTP_REPLY_LINE_MAX || (lf == NULL && length == SMTP_REPLY_LINE_MAX))
        return "a reply line is too long";
    buf_append(&parser->raw, str_head(bytes, take));
    if (parser->raw.failed == ERR_LIMIT)
        return "a reply is too long";
    return parser->raw.failed != ERR_NONE ? "out of memory" : NULL;
}

/* A large reply comes once, to EHLO: its memory is not kept for the small ones. */
static void parser_begin(struct smtp_reply_parser *parser)
{
    if (parser->raw.cap > SMTP_REPLY_KEPT)
        buf_fini(&parser->raw);
    buf_clear(&parser->raw);
    parser->line_start = 0;
    parser->code = 0;
    parser->is_whole = false;
}

enum smtp_reply_result smtp_reply_feed(struct smtp_reply_parser *parser,
                                       struct str bytes, size_t *used,
                                       struct smtp_reply *reply)
{
    *used = 0;
    if (parser->is_whole && parser->why == NULL)
        parser_begin(parser);
    while (parser->why == NULL && *used < bytes.n) {
        size_t took;
        bool has_line;
        parser->why = parser_collect(parser, str_from(bytes, *used), &took, &has_line);
        *used += took;
        if (parser->why != NULL || !has_line)
            continue;
        parser->why = parser_take_line(parser);
        if (parser->why == NULL && parser->is_whole) {
            *reply = (struct smtp_reply){parser->code, buf_str(&parser->raw)};
            return SMTP_REPLY_WHOLE;
        }
    }
    return parser->why != NULL ? SMTP_REPLY_BAD : SMTP_REPLY_MORE;
}

struct str smtp_reply_fragment(const struct smtp_reply_parser *parser)
{
    return parser->is_whole ? STR("") : buf_str(&parser->raw);
}

bool smtp_reply_line(const struct smtp_reply *reply, size_t *at, struct str *line)
{
    struct str rest = str_from(reply->raw, *at);
    const char *lf = rest.n > 0 ? memchr(rest.p, '\n', rest.n) : NULL;
    if (lf == NULL)
        return false;
    size_t length = (size_t)(lf - rest.p) + 1;
    *at += length;
    *line = str_from(str_head(rest, length - 2), 4);
    return true;
}

/* A number of one to three digits off the front; false if there is none. */
static bool number_take(struct str *text, uint16_t *number)
{
    size_t n = 0;
    *number = 0;
    while (n < text->n && n < 3 && ascii_is_digit(text->p[n]))
        *number = (uint16_t)(*number * 10 + (text->p[n++] - '0'));
    *text = str_from(*text, n);
    return n > 0;
}

static bool char_take(struct str *text, char c)
{
    if (text->n == 0 || text->p[0] != c)
        return false;
    *text = str_from(*text, 1);
    return true;
}

bool smtp_enhanced_take(struct str *text, uint16_t enhanced[3])
{
    struct str rest = *text;
    uint16_t got[3];
    /* IronPort writes "#5.1.0". */
    (void)char_take(&rest, '#');
    if (!number_take(&rest, &got[0]) || !char_take(&rest, '.') ||
        !number_take(&rest, &got[1]) || !char_take(&rest, '.') ||
        !number_take(&rest, &got[2]))
        return false;
    if ((got[0] != 2 && got[0] != 4 && got[0] != 5) ||
        (rest.n > 0 && ascii_is_digit(rest.p[0])))
        return false;
    /* "5.1.1.2" is an address, not a status; "5.1.1:" and "5.1.1 " are. */
    if (rest.n > 1 && rest.p[0] == '.' && ascii_is_digit(rest.p[1]))
        return false;
    memcpy(enhanced, got, sizeof got);
    *text = str_trim(rest);
    return true;
}

size_t smtp_text_append(char to[OUTCOME_TEXT_MAX], size_t n, struct str s)
{
    static const char hex[] = "0123456789abcdef";
    if (s.n > 0 && s.n <= OUTCOME_TEXT_MAX - n && str_is_printable_ascii(s)) {
        memcpy(to + n, s.p, s.n);
        return n + s.n;
    }
    while (s.n > 0) {
        size_t length = str_printable_length(s);
        size_t need = length > 0 ? length : 4;
        if (need > OUTCOME_TEXT_MAX - n)
            return n;
        unsigned char byte = (unsigned char)s.p[0];
        if (length > 0)
            memcpy(to + n, s.p, length);
        else
            memcpy(to + n, (char[4]){'\\', 'x', hex[byte >> 4], hex[byte & 15]}, 4);
        n += need;
        s = str_from(s, length > 0 ? length : 1);
    }
    return n;
}

struct str smtp_reply_text(const struct smtp_reply *reply, uint16_t enhanced[3],
                           char to[OUTCOME_TEXT_MAX])
{
    size_t at = 0, n = 0;
    struct str line;
    uint16_t again[3];
    memset(enhanced, 0, 3 * sizeof *enhanced);
    for (bool is_first = true; smtp_reply_line(reply, &at, &line); is_first = false) {
        if (is_first || enhanced[0] != 0)
            (void)smtp_enhanced_take(&line, is_first ? enhanced : again);
        line = str_trim(line);
        if (n > 0 && line.n > 0)
            n = smtp_text_append(to, n, STR(" / "));
        n = smtp_text_append(to, n, line);
    }
    return str_slice(to, n);
}
