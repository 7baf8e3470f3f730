#include "templates/converter.h"

void converter_add(struct converter *converter, struct str text)
{
    buf_append(converter->liquid, text);
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

void converter_keep(struct converter *converter, struct str text, const char *why)
{
    converter_report(converter, text, why);
    converter_add(converter, text);
}

static bool is_name(struct str name)
{
    if (name.n == 0 || (name.p[0] >= '0' && name.p[0] <= '9') || name.p[0] == '-')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if (!is_word_char(name.p[i]) && name.p[i] != '-' && name.p[i] != '.')
            return false;
    }
    return true;
}

void converter_add_name(struct converter *converter, struct str name)
{
    if (is_name(name)) {
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
                             const char *end)
{
    if (converter->depth == CONVERT_DEPTH_MAX)
        return NULL;
    struct block *block = &converter->blocks[converter->depth];
    *block = (struct block){.name = name, .end = end};
    if (converter->depth > 0)
        memcpy(block->prefix, block[-1].prefix, sizeof block->prefix);
    converter->depth++;
    return block;
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
    while (converter.depth > 0)
        converter_report(&converter, converter.blocks[--converter.depth].name,
                         "is never closed");
    return liquid->failed;
}
