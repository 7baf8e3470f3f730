#include "templates/converter.h"
#include "templates/template.h"

/*
 * Each converted tag is read as a campaign would read it before it is taken, blocks are
 * kept in balance, and what is left over becomes text or a comment: so the whole can be
 * read, whatever the source was.
 */

/* A tag longer than this is none that anybody wrote. */
#define TAG_BYTES_MAX 4000

void converter_add(struct converter *converter, struct str text)
{
    buf_append(converter->liquid, text);
}

/* Where Liquid sees a tag begin: "{{" or "{%"; the end if nowhere. */
static size_t tag_start(struct str text)
{
    for (size_t i = 0; i + 1 < text.n; i++) {
        if (text.p[i] == '{' && (text.p[i + 1] == '{' || text.p[i + 1] == '%'))
            return i;
    }
    return text.n;
}

/* A brace at the end may meet another one that is added next. */
static size_t plain_bytes(struct str text)
{
    size_t start = tag_start(text);
    return start == text.n && text.n > 0 && text.p[text.n - 1] == '{' ? start - 1
                                                                      : start;
}

void converter_add_text(struct converter *converter, struct str text)
{
    while (text.n > 0) {
        size_t plain = plain_bytes(text);
        converter_add(converter, str_head(text, plain));
        text = str_from(text, plain);
        if (text.n == 0)
            return;
        converter_add(converter, STR("{{ \"{\" }}"));
        text = str_from(text, 1);
    }
}

void converter_add_comment(struct converter *converter, struct str text)
{
    converter_add(converter, STR("{% comment %}"));
    while (text.n > 0) {
        size_t plain = plain_bytes(text);
        converter_add(converter, str_head(text, plain));
        text = str_from(text, plain);
        if (text.n == 0)
            break;
        converter_add(converter, STR("{ "));
        text = str_from(text, 1);
    }
    converter_add(converter, STR("{% endcomment %}"));
}

void converter_report(struct converter *converter, struct str text, const char *why)
{
    unsigned line = 1, column = 1;
    for (const char *p = converter->source.p; p < text.p; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    converter->note(converter->self, line, column, text, why);
}

/* "{{name}}" alone needs no change to stand in a comment. */
static bool is_one_tag(struct str text)
{
    size_t braces = 0;
    while (braces < text.n && text.p[braces] == '{')
        braces++;
    return braces >= 2 && braces <= 3 && text.n >= 2 * braces &&
           text.p[braces] != '%' && memcmp(text.p + text.n - 2, "}}", 2) == 0 &&
           memchr(text.p + braces, '{', text.n - braces) == NULL;
}

void converter_keep(struct converter *converter, struct str text, const char *why)
{
    converter_report(converter, text, why);
    if (!is_one_tag(text)) {
        converter_add_comment(converter, text);
        return;
    }
    converter_add(converter, STR("{% comment %}"));
    converter_add(converter, text);
    converter_add(converter, STR("{% endcomment %}"));
}

static bool is_liquid(struct str text, const char *end)
{
    char whole[TAG_BYTES_MAX + 32];
    struct template *template = NULL;
    const struct template_options options = {.name = STR("tag")};
    if (text.n > TAG_BYTES_MAX)
        return false;
    memcpy(whole, text.p, text.n);
    size_t n = text.n + strlen(end);
    memcpy(whole + text.n, end, n - text.n);
    if (template_compile(str_slice(whole, n), &options, &template, NULL) != ERR_NONE)
        return false;
    template_free(template);
    return true;
}

bool converter_accept(struct converter *converter, size_t start, const char *end,
                      struct str tag, const char *why)
{
    struct buf *liquid = converter->liquid;
    if (liquid->failed != ERR_NONE ||
        is_liquid(str_slice(liquid->p + start, liquid->n - start), end))
        return true;
    liquid->n = start;
    converter_keep(converter, tag, why);
    return false;
}

static bool is_identifier(struct str name)
{
    if (name.n == 0 || ascii_is_digit(name.p[0]) || name.p[0] == '-')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if (!is_word_char(name.p[i]) && name.p[i] != '-')
            return false;
    }
    return true;
}

void converter_add_name(struct converter *converter, struct str name)
{
    if (name.n == 0 || is_identifier(name)) {
        converter_add(converter, name);
        return;
    }
    converter_add(converter, STR("recipient["));
    converter_add_quoted(converter, name);
    converter_add(converter, STR("]"));
}

void converter_add_quoted(struct converter *converter, struct str text)
{
    char quote = memchr(text.p, '"', text.n) != NULL ? '\'' : '"';
    buf_append_char(converter->liquid, quote);
    converter_add(converter, text);
    buf_append_char(converter->liquid, quote);
}

struct block *converter_open(struct converter *converter, struct str name,
                             struct str tag, const char *end)
{
    if (converter->depth == CONVERT_DEPTH_MAX)
        return NULL;
    struct block *block = &converter->blocks[converter->depth];
    *block = (struct block){.name = name, .tag = tag, .end = end};
    if (converter->depth > 0)
        memcpy(block->prefix, block[-1].prefix, sizeof block->prefix);
    converter->depth++;
    return block;
}

static void add_end(struct converter *converter, const struct block *block)
{
    if (block->end == NULL || block->end[0] == '\0')
        return;
    converter_add(converter, STR("{% "));
    converter_add(converter, str_of(block->end));
    converter_add(converter, STR(" %}"));
}

void converter_close(struct converter *converter, struct str tag)
{
    const struct block *block = &converter->blocks[--converter->depth];
    if (block->end != NULL && block->end[0] == '\0')
        converter_keep(converter, tag, "ends what was not converted");
    else
        add_end(converter, block);
}

bool converter_else(struct converter *converter, struct str tag, bool has_condition)
{
    struct block *block =
        converter->depth > 0 ? &converter->blocks[converter->depth - 1] : NULL;
    bool is_loop = block != NULL && block->end != NULL &&
                   str_equal(str_of(block->end), STR("endfor"));
    if (block == NULL || block->end == NULL || block->end[0] == '\0' ||
        block->has_else || (is_loop && has_condition)) {
        converter_keep(converter, tag, "belongs to nothing that was converted");
        return false;
    }
    block->has_else = !has_condition;
    return true;
}

static bool contains(struct str source, struct str part)
{
    return source.n >= part.n && memmem(source.p, source.n, part.p, part.n) != NULL;
}

bool convert_recognise(struct str source, enum convert_dialect *dialect)
{
    if (contains(source, STR("*|")) && contains(source, STR("|*"))) {
        *dialect = CONVERT_MAILCHIMP;
        return true;
    }
    *dialect = CONVERT_HANDLEBARS;
    return contains(source, STR("{{"));
}

enum err convert_template(struct str source, enum convert_dialect dialect,
                          struct buf *liquid, void *self, convert_note *note)
{
    struct converter converter = {
        .source = source, .liquid = liquid, .self = self, .note = note};
    if (dialect == CONVERT_MAILCHIMP)
        convert_mailchimp(&converter);
    else
        convert_handlebars(&converter);
    while (converter.depth > 0) {
        const struct block *block = &converter.blocks[--converter.depth];
        converter_report(&converter, block->tag, "is never closed");
        add_end(&converter, block);
    }
    return liquid->failed;
}
