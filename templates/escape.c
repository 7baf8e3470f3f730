#include "templates/machine.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/*
 * How a result is printed: as it is, as a header's text, or as HTML by where it
 * stands. A table says for each byte how strictly a place has to be to escape it.
 */

/* Places, each of which escapes what the ones before it do. */
enum {
    ESCAPE_TEXT = 1,
    /* Unquoted attribute values: also what would end them. */
    ESCAPE_BARE = 2
};

static const uint8_t escape_classes[256] = {
    ['&'] = ESCAPE_TEXT,  ['<'] = ESCAPE_TEXT,  ['>'] = ESCAPE_TEXT,
    ['"'] = ESCAPE_TEXT,  ['\''] = ESCAPE_TEXT, [' '] = ESCAPE_BARE,
    ['\t'] = ESCAPE_BARE, ['\n'] = ESCAPE_BARE, ['\r'] = ESCAPE_BARE,
    ['\f'] = ESCAPE_BARE, ['='] = ESCAPE_BARE,  ['`'] = ESCAPE_BARE};

static struct str entity_of(char c)
{
    switch (c) {
    case '&': return STR("&amp;");
    case '<': return STR("&lt;");
    case '>': return STR("&gt;");
    case '"': return STR("&quot;");
    case '\'': return STR("&#39;");
    case ' ': return STR("&#32;");
    case '\t': return STR("&#9;");
    case '\n': return STR("&#10;");
    case '\r': return STR("&#13;");
    case '\f': return STR("&#12;");
    case '=': return STR("&#61;");
    default: return STR("&#96;");
    }
}

struct place place_of(enum template_escape escape, const struct html_context *context,
                      bool is_raw)
{
    if (escape == TEMPLATE_ESCAPE_HEADER)
        return (struct place){.escaping = ESCAPING_HEADER};
    if (escape == TEMPLATE_ESCAPE_NONE || is_raw)
        return (struct place){.escaping = ESCAPING_NONE};
    bool is_quoted =
        context->state == HTML_VALUE_DOUBLE || context->state == HTML_VALUE_SINGLE;
    bool is_limited = context->url == HTML_URL_START || context->url == HTML_URL_SCHEME;
    return (struct place){.escaping = !html_context_in_tag(context) ? ESCAPING_TEXT
                                      : is_quoted                   ? ESCAPING_QUOTED
                                                                    : ESCAPING_BARE,
                          .url = is_limited ? context->url : HTML_URL_NONE};
}

/* How many bytes stand before the first that is escaped. */
static size_t plain_length(struct str bytes, int strictness, bool is_html)
{
    for (size_t i = 0; i < bytes.n; i++) {
        int class = escape_classes[(unsigned char)bytes.p[i]];
        if (class != 0 && class <= strictness && !(is_html && bytes.p[i] == '&'))
            return i;
    }
    return bytes.n;
}

#if defined(__SSE2__)
static __m128i load_8(const char *p)
{
    return _mm_loadl_epi64((const __m128i *)(const void *)p);
}

static __m128i load_4(const char *p)
{
    int word;
    memcpy(&word, p, 4);
    return _mm_cvtsi32_si128(word);
}

/* Whether any of sixteen bytes is escaped in text. Of '&' and '\'', and of '<' and '>',
 * one differs from the other by a bit. */
static bool has_special(__m128i bytes)
{
    __m128i ands = _mm_or_si128(bytes, _mm_set1_epi8('&' ^ '\''));
    __m128i angles = _mm_or_si128(bytes, _mm_set1_epi8('<' ^ '>'));
    __m128i found = _mm_or_si128(_mm_cmpeq_epi8(ands, _mm_set1_epi8('\'')),
                                 _mm_cmpeq_epi8(angles, _mm_set1_epi8('>')));
    found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    return _mm_movemask_epi8(found) != 0;
}

/* Whether text in HTML shows them as they are, as it does most values. What is left
 * behind whole blocks is looked at once more with the bytes before it. */
static bool is_plain(struct str bytes)
{
    if (bytes.n < 4)
        return plain_length(bytes, ESCAPE_TEXT, false) == bytes.n;
    const char *p = bytes.p, *end = p + bytes.n;
    if (bytes.n < 8)
        return !has_special(_mm_unpacklo_epi32(load_4(p), load_4(end - 4)));
    for (; end - p > 16; p += 16)
        if (has_special(_mm_loadu_si128((const __m128i *)(const void *)p)))
            return false;
    if (end - p < 8)
        p = end - 8;
    return !has_special(_mm_unpacklo_epi64(load_8(p), load_8(end - 8)));
}
#else
static bool is_plain(struct str bytes)
{
    return plain_length(bytes, ESCAPE_TEXT, false) == bytes.n;
}
#endif

APART static void put_html(struct template_machine *machine, struct str bytes,
                           int strictness, bool is_html)
{
    for (;;) {
        size_t n = plain_length(bytes, strictness, is_html);
        machine_put(machine, str_head(bytes, n));
        if (n == bytes.n || machine->failed)
            return;
        machine_put(machine, entity_of(bytes.p[n]));
        bytes = str_from(bytes, n + 1);
    }
}

void text_add_html(struct text *text, struct str bytes)
{
    for (;;) {
        size_t n = plain_length(bytes, ESCAPE_TEXT, false);
        text_add(text, str_head(bytes, n));
        if (n == bytes.n || text->machine->failed)
            return;
        text_add(text, entity_of(bytes.p[n]));
        bytes = str_from(bytes, n + 1);
    }
}

/* The length of what stands before a ':' that makes it a scheme; 0 if there is none:
 * the URL is relative. Bytes that a browser skips make the length of no use. */
static size_t scheme_length(struct str url)
{
    for (size_t i = 0; i < url.n; i++) {
        char c = url.p[i];
        if (c == '/' || c == '?' || c == '#')
            return 0;
        if (c == ':')
            return i;
    }
    return 0;
}

static bool is_known_scheme(struct str scheme)
{
    return str_equal_nocase(scheme, STR("http")) ||
           str_equal_nocase(scheme, STR("https")) ||
           str_equal_nocase(scheme, STR("mailto")) ||
           str_equal_nocase(scheme, STR("tel"));
}

/* In HTML an entity could hide a colon. */
static bool hides_entity(struct str url)
{
    for (size_t i = 0; i < url.n; i++) {
        if (url.p[i] == '&')
            return true;
        if (url.p[i] == '/' || url.p[i] == '?' || url.p[i] == '#')
            return false;
    }
    return false;
}

/* Browsers drop control bytes and spaces in front. */
APART static bool url_is_allowed(struct str url, enum html_url place, bool is_html)
{
    while (url.n > 0 && (unsigned char)url.p[0] <= ' ')
        url = str_from(url, 1);
    if (is_html && hides_entity(url))
        return false;
    if (url.n > 0 && url.p[0] == ':')
        return false;
    size_t n = scheme_length(url);
    return n == 0 || (place == HTML_URL_START && is_known_scheme(str_head(url, n)));
}

static void put_in_html(struct template_machine *machine, struct str bytes,
                        bool is_html, struct place place)
{
    if (place.url != HTML_URL_NONE &&
        !url_is_allowed(bytes, (enum html_url)place.url, is_html))
        bytes = STR("#");
    int strictness = place.escaping == ESCAPING_BARE ? ESCAPE_BARE : ESCAPE_TEXT;
    if ((is_html && place.escaping == ESCAPING_TEXT) ||
        (strictness == ESCAPE_TEXT && is_plain(bytes)))
        machine_put_lasting(machine, bytes);
    else
        put_html(machine, bytes, strictness, is_html);
}

/* A list as one string: its items' texts behind each other. */
static struct value flat_text(struct template_machine *machine, struct value value)
{
    bool was_capturing;
    struct run before = machine_capture_start(machine, &was_capturing);
    machine_put_value(machine, value);
    return value_string(machine_capture_end(machine, before, was_capturing));
}

static bool has_line_break(struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] == '\r' || bytes.p[i] == '\n' || bytes.p[i] == '\0')
            return true;
    }
    return false;
}

static void put_in_header(struct template_machine *machine, struct str bytes)
{
    if (has_line_break(bytes))
        machine_fail(machine, "a line break or NUL in a header's value");
    else
        machine_put_lasting(machine, bytes);
}

APART static void put_escaped(struct template_machine *machine, struct str text,
                              bool is_html, struct place place)
{
    if (place.escaping == ESCAPING_NONE)
        machine_put_lasting(machine, text);
    else if (place.escaping == ESCAPING_HEADER)
        put_in_header(machine, text);
    else
        put_in_html(machine, text, is_html, place);
}

void machine_put_text(struct template_machine *machine, struct str text,
                      struct place place)
{
    bool is_usual = place.escaping <= ESCAPING_QUOTED && place.url == HTML_URL_NONE;
    if (is_usual && (place.escaping == ESCAPING_NONE || is_plain(text)))
        machine_put_lasting(machine, text);
    else
        put_escaped(machine, text, false, place);
}

void machine_put_escaped(struct template_machine *machine, struct value value,
                         struct place place)
{
    if (value_is_nil(value))
        return;
    if (value.type != VALUE_STRING &&
        (place.escaping == ESCAPING_NONE || value.type == VALUE_INTEGER)) {
        machine_put_value(machine, value);
        return;
    }
    if (value.type != VALUE_STRING)
        value = flat_text(machine, value);
    put_escaped(machine, value_str(value), (value.flags & VALUE_IS_HTML) != 0, place);
}

void machine_put_message(struct template_machine *machine, struct str message)
{
    if (machine->template->escape == TEMPLATE_ESCAPE_HTML)
        put_html(machine, message, ESCAPE_TEXT, false);
    else
        machine_put(machine, message);
}
