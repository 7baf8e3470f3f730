#include "templates/compiler.h"

#include <stdlib.h>

/* What the world sees of compiling; rendering is in renderer.c. */

static bool add_fixed_symbols(struct compiler *compiler)
{
    return compiler_set_symbol(compiler, STR("forloop")) == SYMBOL_FORLOOP &&
           compiler_set_symbol(compiler, STR("tablerowloop")) == SYMBOL_TABLEROWLOOP &&
           compiler_symbol(compiler, STR("recipient")) == SYMBOL_RECIPIENT &&
           compiler_set_symbol(compiler, STR("self")) == SYMBOL_SELF;
}

/* The names stay the caller's no longer than this call. */
static const struct str *copy_names(struct compiler *compiler, const struct str *names,
                                    size_t count)
{
    struct str *copies = compiler_alloc(compiler, count * sizeof *copies);
    for (size_t i = 0; copies != NULL && i < count; i++) {
        copies[i] = arena_copy(compiler->arena, names[i]);
        if (str_is_null(copies[i]))
            return compiler_alloc(compiler, SIZE_MAX);
    }
    return copies;
}

static bool copy_inputs(struct compiler *compiler)
{
    const struct template_options *options = compiler->options;
    struct template *template = compiler->template;
    template->fields = copy_names(compiler, options->fields, options->field_count);
    template->field_count = (uint32_t)options->field_count;
    template->reserved_names =
        copy_names(compiler, options->reserved_names, options->reserved_count);
    template->reserved_count = (uint32_t)options->reserved_count;
    return template->fields != NULL && template->reserved_names != NULL;
}

static bool compile_document(struct compiler *compiler)
{
    struct cutter cutter = {.source = compiler->source,
                            .is_lax = compiler_is_lax(compiler)};
    struct builder builder;
    struct stop stop;
    builder_init(&builder);
    if (!parse_body(compiler, &cutter, &builder, &stop))
        return false;
    if (!stop.is_end) {
        if (str_equal(stop.name, STR("else")) || str_equal(stop.name, STR("end")))
            return compiler_fail(compiler, stop.at, "Unexpected outer '%.*s' tag",
                                 STR_ARG(stop.name));
        return compiler_fail(compiler, stop.at, "Unknown tag '%.*s'",
                             STR_ARG(stop.name));
    }
    compiler->template->body = builder_body(&builder);
    return compile_dynamic_partials(compiler);
}

static bool compile_condition(struct compiler *compiler)
{
    compiler->template->condition = parse_condition(compiler, compiler->source);
    return compiler->template->condition != NULL;
}

static enum err compile(struct str source, const struct template_options *options,
                        bool (*read)(struct compiler *compiler),
                        struct template **result, struct error *error)
{
    struct template *template = calloc(1, sizeof *template);
    if (template == NULL)
        return error_set(error, ERR_MEMORY,
                         "reading a template: its source: out of memory");
    arena_init(&template->arena, COMPILE_MEMORY_MAX);
    template->mode = options->mode;
    template->escape = options->escape;
    template->name = arena_copy(&template->arena, options->name);
    struct compiler compiler = {.template = template,
                                .arena = &template->arena,
                                .options = options,
                                .error = error,
                                .source = arena_copy(&template->arena, source),
                                .line = 1,
                                .unfed_span = SPAN_NONE};
    bool ok = !str_is_null(compiler.source) && copy_inputs(&compiler) &&
              add_fixed_symbols(&compiler) && read(&compiler);
    ok = ok && compiler_settle(&compiler);
    if (!ok) {
        enum err code = compiler.code;
        template_free(template);
        return code != ERR_NONE
                   ? code
                   : error_set(error, ERR_LIMIT,
                               "reading a template: its source: too large");
    }
    *result = template;
    return ERR_NONE;
}

enum err template_compile(struct str source, const struct template_options *options,
                          struct template **template, struct error *error)
{
    return compile(source, options, compile_document, template, error);
}

enum err template_compile_condition(struct str source,
                                    const struct template_options *options,
                                    struct template **template, struct error *error)
{
    return compile(source, options, compile_condition, template, error);
}

void template_free(struct template *template)
{
    if (template == NULL)
        return;
    arena_fini(&template->arena);
    free(template);
}

size_t template_span_count(const struct template *template)
{
    return template->span_count;
}

struct str template_span(const struct template *template, size_t index)
{
    return template->spans[index];
}

void template_reads(const struct template *template, void *self,
                    void (*each)(void *self, struct str name, unsigned line,
                                 unsigned column))
{
    for (size_t i = 0; i < template->read_count; i++) {
        const struct read *read = &template->reads[i];
        const struct symbol *symbol = &template->symbols[read->symbol];
        if (!symbol->is_set && !read->is_filter)
            each(self, symbol->name, read->position.line, read->position.column);
    }
}

void template_unknown_filters(const struct template *template, void *self,
                              void (*each)(void *self, struct str name, unsigned line,
                                           unsigned column))
{
    for (size_t i = 0; i < template->read_count; i++) {
        const struct read *read = &template->reads[i];
        if (read->is_filter)
            each(self, template->symbols[read->symbol].name, read->position.line,
                 read->position.column);
    }
}
