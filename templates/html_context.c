#include "templates/html_context.h"

static void name_start(struct html_context *context)
{
    context->name_bytes = 0;
}

static void name_add(struct html_context *context, char c)
{
    if (context->name_bytes < HTML_NAME_MAX)
        context->name[context->name_bytes++] = ascii_lower(c);
}

static bool name_is(const struct html_context *context, struct str name)
{
    return str_equal(str_slice(context->name, context->name_bytes), name);
}

static bool name_is_raw_text(const struct html_context *context)
{
    return name_is(context, STR("script")) || name_is(context, STR("style")) ||
           name_is(context, STR("textarea")) || name_is(context, STR("title"));
}

static bool name_is_url(const struct html_context *context)
{
    static const struct str names[] = {
        {"href", 4},        {"src", 3},     {"action", 6}, {"formaction", 10},
        {"background", 10}, {"poster", 6},  {"cite", 4},   {"data", 4},
        {"xlink:href", 10}, {"longdesc", 8}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (name_is(context, names[i]))
            return true;
    }
    return false;
}

static void value_start(struct html_context *context, enum html_state state)
{
    context->state = (uint8_t)state;
    context->url = name_is_url(context) ? HTML_URL_START : HTML_URL_NONE;
}

static void value_end(struct html_context *context, enum html_state state)
{
    context->state = (uint8_t)state;
    context->url = HTML_URL_NONE;
}

static void tag_end(struct html_context *context)
{
    value_end(context, context->raw_bytes > 0 ? HTML_RAW_TEXT : HTML_TEXT);
}

/* In a URL: has the place for a scheme gone by? */
static void value_feed(struct html_context *context, char c)
{
    if (context->url == HTML_URL_NONE || context->url == HTML_URL_REST)
        return;
    if (c == ':' || c == '/' || c == '?' || c == '#')
        context->url = HTML_URL_REST;
    else if (!ascii_is_space(c))
        context->url = HTML_URL_SCHEME;
}

static void tag_open_feed(struct html_context *context, char c)
{
    name_start(context);
    /* An end tag's name is no raw text's: it starts with the slash. */
    if (ascii_is_letter(c) || c == '/' || c == '?' || c == '!') {
        name_add(context, c);
        context->state = HTML_TAG_NAME;
    } else if (c != '<') {
        context->state = HTML_TEXT;
    }
}

static void tag_name_end(struct html_context *context, char c)
{
    if (name_is_raw_text(context)) {
        memcpy(context->raw, context->name, context->name_bytes);
        context->raw_bytes = context->name_bytes;
    }
    if (c == '>')
        tag_end(context);
    else
        context->state = HTML_TAG;
}

static void tag_name_feed(struct html_context *context, char c)
{
    if (ascii_is_space(c) || c == '>' || (c == '/' && context->name_bytes > 0))
        tag_name_end(context, c);
    else
        name_add(context, c);
}

static void tag_feed(struct html_context *context, char c)
{
    if (c == '>') {
        tag_end(context);
    } else if (!ascii_is_space(c) && c != '/') {
        name_start(context);
        name_add(context, c);
        context->state = HTML_ATTRIBUTE_NAME;
    }
}

static void attribute_name_feed(struct html_context *context, char c)
{
    if (c == '=')
        context->state = HTML_BEFORE_VALUE;
    else if (c == '>')
        tag_end(context);
    else if (ascii_is_space(c))
        context->state = HTML_AFTER_NAME;
    else if (c == '/')
        context->state = HTML_TAG;
    else
        name_add(context, c);
}

static void before_value_feed(struct html_context *context, char c)
{
    if (c == '"') {
        value_start(context, HTML_VALUE_DOUBLE);
    } else if (c == '\'') {
        value_start(context, HTML_VALUE_SINGLE);
    } else if (c == '>') {
        tag_end(context);
    } else if (!ascii_is_space(c)) {
        value_start(context, HTML_VALUE_BARE);
        value_feed(context, c);
    }
}

static void after_name_feed(struct html_context *context, char c)
{
    if (c == '=')
        context->state = HTML_BEFORE_VALUE;
    else if (!ascii_is_space(c))
        tag_feed(context, c);
}

static void quoted_value_feed(struct html_context *context, char c, char quote)
{
    if (c == quote)
        value_end(context, HTML_TAG);
    else
        value_feed(context, c);
}

static void bare_value_feed(struct html_context *context, char c)
{
    if (c == '>')
        tag_end(context);
    else if (ascii_is_space(c))
        value_end(context, HTML_TAG);
    else
        value_feed(context, c);
}

/* One byte of text whose meaning does not depend on what follows it. */
static void feed(struct html_context *context, char c)
{
    switch ((enum html_state)context->state) {
    case HTML_TEXT:
        if (c == '<')
            context->state = HTML_TAG_OPEN;
        break;
    case HTML_TAG_OPEN: tag_open_feed(context, c); break;
    case HTML_TAG_NAME: tag_name_feed(context, c); break;
    case HTML_TAG: tag_feed(context, c); break;
    case HTML_ATTRIBUTE_NAME: attribute_name_feed(context, c); break;
    case HTML_AFTER_NAME: after_name_feed(context, c); break;
    case HTML_BEFORE_VALUE: before_value_feed(context, c); break;
    case HTML_VALUE_DOUBLE: quoted_value_feed(context, c, '"'); break;
    case HTML_VALUE_SINGLE: quoted_value_feed(context, c, '\''); break;
    case HTML_VALUE_BARE: bare_value_feed(context, c); break;
    case HTML_COMMENT:
    case HTML_RAW_TEXT: break;
    }
}

/* Where raw text ends: at "</name". */
static size_t raw_text_end(const struct html_context *context, struct str text)
{
    struct str name = str_slice(context->raw, context->raw_bytes);
    for (size_t i = 0; i + 1 < text.n; i++) {
        if (text.p[i] == '<' && text.p[i + 1] == '/' &&
            str_has_prefix_nocase(str_from(text, i + 2), name))
            return i;
    }
    return text.n;
}

static size_t comment_end(struct str text)
{
    for (size_t i = 0; i + 2 < text.n; i++) {
        if (memcmp(text.p + i, "-->", 3) == 0)
            return i + 3;
    }
    return text.n;
}

/* Steps over a whole comment or run of raw text; 0 if there is none here. */
static size_t feed_run(struct html_context *context, struct str text)
{
    if (context->state == HTML_COMMENT) {
        size_t end = comment_end(text);
        if (end < text.n || (end >= 3 && memcmp(text.p + end - 3, "-->", 3) == 0))
            context->state = HTML_TEXT;
        return end;
    }
    if (context->state == HTML_RAW_TEXT) {
        size_t end = raw_text_end(context, text);
        if (end < text.n) {
            context->state = HTML_TEXT;
            context->raw_bytes = 0;
        }
        return end;
    }
    if (context->state == HTML_TEXT && str_has_prefix(text, STR("<!--"))) {
        context->state = HTML_COMMENT;
        return 4;
    }
    return 0;
}

void html_context_feed(struct html_context *context, struct str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t run = feed_run(context, str_from(text, i));
        i += run;
        if (run == 0)
            feed(context, text.p[i++]);
    }
}

void html_context_enter(struct html_context *context)
{
    if (context->state == HTML_BEFORE_VALUE)
        value_start(context, HTML_VALUE_BARE);
}

void html_context_output(struct html_context *context)
{
    if (context->url == HTML_URL_START)
        context->url = HTML_URL_SCHEME;
}

bool html_context_equal(struct html_context a, struct html_context b)
{
    return a.state == b.state && a.url == b.url && a.raw_bytes == b.raw_bytes &&
           memcmp(a.raw, b.raw, a.raw_bytes) == 0;
}

/* How much can go wrong at a place; larger is stricter. */
static int strictness(struct html_context context)
{
    static const uint8_t of_url[] = {0, 3, 2, 1};
    return (html_context_in_tag(&context) ? 10 : 0) + of_url[context.url];
}

struct html_context html_context_merge(struct html_context a, struct html_context b)
{
    return strictness(b) > strictness(a) ? b : a;
}
