#include "templates/compiler.h"

#include <stdio.h>

/*
 * render and include, and the partials they ask for. A partial is compiled once for
 * each HTML context it is used in. One that cannot be had or read is no error yet:
 * the reference complains when it gets there, and so does the renderer.
 */

static struct str last_part(struct str name)
{
    struct str rest = name;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '/' && i + 1 < name.n)
            rest = str_from(name, i + 1);
    }
    return rest.n > 0 && rest.p[rest.n - 1] == '/' ? str_head(rest, rest.n - 1) : rest;
}

static bool partial_add(struct compiler *compiler, struct str name, uint32_t *index)
{
    struct template *template = compiler->template;
    struct row row = {template->partials, template->partial_count,
                      template->partial_cap};
    struct partial *partial = row_add(compiler, &row, sizeof *partial);
    if (partial == NULL)
        return false;
    *partial = (struct partial){
        .name = name, .context = compiler->context, .context_after = compiler->context};
    partial->symbol = compiler_set_symbol(compiler, last_part(name));
    partial->name_symbol = compiler_symbol(compiler, name);
    template->partials = row.p;
    template->partial_count = (uint32_t)row.n;
    template->partial_cap = (uint32_t)row.cap;
    *index = (uint32_t)row.n - 1;
    if (partial->symbol == UINT32_MAX || partial->name_symbol == UINT32_MAX)
        return false;
    struct symbol *symbol = &template->symbols[partial->name_symbol];
    partial->next = symbol->partial;
    symbol->partial = *index + 1;
    return true;
}

/* Why a partial cannot be used; false without memory. */
static bool set_problem(struct compiler *compiler, uint32_t index, const char *why)
{
    struct partial *partial = &compiler->template->partials[index];
    partial->is_missing = true;
    partial->problem = arena_copy(compiler->arena, str_of(why));
    return !str_is_null(partial->problem);
}

static enum err load(struct compiler *compiler, struct str name, struct str *source)
{
    const struct template_loader *loader = compiler->options->loader;
    if (loader == NULL)
        return ERR_NOT_FOUND;
    return loader->load(loader->self, name, compiler->arena, source);
}

static bool read_partial(struct compiler *compiler, uint32_t index, struct str source)
{
    struct cutter cutter = {.source = source, .is_lax = compiler_is_lax(compiler)};
    struct builder builder;
    struct stop stop;
    builder_init(&builder);
    compiler->source = source;
    compiler->partial = (uint16_t)(index + 1);
    compiler->at = compiler->line_start = 0;
    compiler->line = 1;
    compiler->trims_next = false;
    compiler->unfed_span = SPAN_NONE;
    if (!parse_body(compiler, &cutter, &builder, &stop))
        return false;
    if (!stop.is_end)
        return parse_unknown_tag(compiler, STR("document"), &stop);
    struct partial *partial = &compiler->template->partials[index];
    partial->body = builder_body(&builder);
    partial->context_after = compiler->context;
    return true;
}

/* With the compiler's state put aside: a refusal is the partial's problem. */
static bool compile_partial(struct compiler *compiler, uint32_t index,
                            struct str source)
{
    struct compiler saved = *compiler;
    struct error problem = {.code = ERR_NONE};
    compiler->error = &problem;
    compiler->depth = compiler->expression_depth = 0;
    compiler->partial_depth++;
    bool ok = compiler->partial_depth <= PARTIAL_NESTING_MAX
                  ? read_partial(compiler, index, source)
                  : compiler_fail(compiler, source.p, "Nesting too deep");
    compiler->error = saved.error;
    compiler->source = saved.source;
    compiler->partial = saved.partial;
    compiler->at = saved.at;
    compiler->line_start = saved.line_start;
    compiler->line = saved.line;
    compiler->depth = saved.depth;
    compiler->expression_depth = saved.expression_depth;
    compiler->partial_depth = saved.partial_depth;
    compiler->trims_next = saved.trims_next;
    compiler->unfed_span = saved.unfed_span;
    compiler->context = saved.context;
    if (ok || compiler->code != ERR_DATA) {
        if (compiler->error != NULL && compiler->code != ERR_NONE)
            *compiler->error = problem;
        return ok;
    }
    compiler->code = ERR_NONE;
    /* Without what the message begins with: "reading a template: ". */
    const char *why = strstr(problem.text, "Liquid syntax error");
    return set_problem(compiler, index, why != NULL ? why : problem.text);
}

/* The partial of this name in the compiler's context. */
static bool compiler_partial(struct compiler *compiler, struct str name,
                             uint32_t *index)
{
    struct str source;
    char why[256];
    if (template_partial(compiler->template, name, compiler->context, index))
        return true;
    if (compiler->template->partial_count >= UINT16_MAX - 1)
        return compiler_fail(compiler, name.p, "Too many partials");
    if (!partial_add(compiler, name, index))
        return false;
    enum err err = load(compiler, name, &source);
    if (err == ERR_NONE)
        return compile_partial(compiler, *index, source);
    snprintf(why, sizeof why, "Could not find partial '%.*s'", STR_ARG(name));
    return set_problem(compiler, *index, why);
}

/* What the loader's list calls us back with. */
static enum err add_listed(void *self, struct str name)
{
    struct compiler *compiler = self;
    uint32_t index;
    struct str own = arena_copy(compiler->arena, name);
    if (str_is_null(own))
        return ERR_MEMORY;
    return compiler_partial(compiler, own, &index) ? ERR_NONE : compiler->code;
}

bool compile_dynamic_partials(struct compiler *compiler)
{
    const struct template_loader *loader = compiler->options->loader;
    struct html_context context = compiler->context;
    if (loader == NULL || loader->list == NULL)
        return true;
    /* Reading partials may add contexts: the row grows while we go through it. */
    for (size_t i = 0; i < compiler->dynamic_contexts.n; i++) {
        compiler->context = compiler->dynamic_contexts.p[i];
        enum err err = loader->list(loader->self, compiler, add_listed);
        if (err == ERR_NONE)
            continue;
        if (compiler->code == ERR_NONE)
            compiler->code = error_set(compiler->error, err,
                                       "reading a template: %.*s: its partials cannot "
                                       "be listed",
                                       STR_ARG(compiler->template->name));
        return false;
    }
    compiler->context = context;
    return true;
}

static bool add_dynamic_context(struct compiler *compiler)
{
    struct row_of_contexts *contexts = &compiler->dynamic_contexts;
    for (size_t i = 0; i < contexts->n; i++) {
        if (html_context_equal(contexts->p[i], compiler->context))
            return true;
    }
    struct row row = {contexts->p, contexts->n, contexts->cap};
    struct html_context *context = row_add(compiler, &row, sizeof *context);
    if (context == NULL)
        return false;
    *context = compiler->context;
    *contexts = (struct row_of_contexts){row.p, row.n, row.cap};
    return true;
}

static bool add_argument(struct compiler *compiler, struct row *arguments,
                         struct str key, const struct expression *value)
{
    struct argument *argument = row_add(compiler, arguments, sizeof *argument);
    if (argument == NULL)
        return false;
    *argument = (struct argument){compiler_set_symbol(compiler, key), value};
    return argument->symbol != UINT32_MAX;
}

static bool parse_arguments(struct compiler *compiler, struct lexer *lexer,
                            struct row *arguments)
{
    parse_accept(lexer, TOKEN_COMMA);
    while (lexer->token.kind == TOKEN_ID) {
        struct str key = lexer->token.text;
        lexer_next(lexer);
        if (!parse_expect(compiler, lexer, TOKEN_COLON))
            return false;
        const struct expression *value = parse_expression(compiler, lexer, false);
        if (value == NULL || !add_argument(compiler, arguments, key, value))
            return false;
        parse_accept(lexer, TOKEN_COMMA);
    }
    return parse_end(compiler, lexer);
}

static bool set_alias(struct compiler *compiler, struct partial_call *call,
                      struct str alias)
{
    call->has_alias = true;
    call->symbol = compiler_set_symbol(compiler, alias);
    return call->symbol != UINT32_MAX;
}

static bool parse_call_strict(struct compiler *compiler, struct str markup,
                              bool is_render, struct partial_call *call,
                              struct row *arguments)
{
    struct lexer lexer;
    if (!parse_start(compiler, &lexer, markup, quote_tag(markup)))
        return false;
    if (is_render && lexer.token.kind != TOKEN_STRING)
        return parse_expect(compiler, &lexer, TOKEN_STRING);
    call->name = parse_expression(compiler, &lexer, false);
    if (call->name == NULL)
        return false;
    call->is_for = parse_accept_id(&lexer, "for");
    if (call->is_for || parse_accept_id(&lexer, "with")) {
        call->variable = parse_expression(compiler, &lexer, false);
        if (call->variable == NULL)
            return false;
    }
    if (parse_accept_id(&lexer, "as")) {
        struct str alias = lexer.token.text;
        if (!parse_expect(compiler, &lexer, TOKEN_ID) ||
            !set_alias(compiler, call, alias))
            return false;
    }
    return parse_arguments(compiler, &lexer, arguments);
}

struct lax_call {
    struct row *arguments;
};

static bool add_lax_argument(struct compiler *compiler, void *self, struct str key,
                             struct str value)
{
    struct lax_call *call = self;
    const struct expression *expression = lax_expression_new(compiler, value, false);
    return expression != NULL &&
           add_argument(compiler, call->arguments, key, expression);
}

/* "with x", "for x", "as y" behind the name, where they stand; else they do not. */
static bool lax_call_words(struct compiler *compiler, struct str markup, size_t at,
                           struct partial_call *call)
{
    struct str word, value;
    size_t start = at;
    if (!lax_fragment(markup, &at, &word))
        return true;
    call->is_for = str_equal(word, STR("for"));
    if ((call->is_for || str_equal(word, STR("with"))) &&
        lax_fragment(markup, &at, &value)) {
        call->variable = lax_expression_new(compiler, value, false);
        if (call->variable == NULL)
            return false;
    } else {
        call->is_for = false;
        at = start;
    }
    if (lax_fragment(markup, &at, &word) && str_equal(word, STR("as")) &&
        lax_fragment(markup, &at, &value))
        return set_alias(compiler, call, value);
    return true;
}

static bool parse_call_lax(struct compiler *compiler, struct str markup, bool is_render,
                           struct partial_call *call, struct row *arguments)
{
    size_t at = 0;
    struct str name;
    struct lax_call lax = {arguments};
    if (!lax_fragment(markup, &at, &name) ||
        (is_render && name.p[0] != '"' && name.p[0] != '\''))
        return compiler_fail(compiler, markup.p,
                             is_render
                                 ? "Syntax error in tag 'render' - Template name "
                                   "must be a quoted string"
                                 : "Error in tag 'include' - Valid syntax: include "
                                   "'[template]' (with|for) [object|collection]");
    call->name = lax_expression_new(compiler, name, false);
    return call->name != NULL && lax_call_words(compiler, markup, at, call) &&
           lax_attributes(compiler, markup, &lax, add_lax_argument);
}

static bool resolve_call(struct compiler *compiler, struct partial_call *call)
{
    if (call->name->kind != EXPRESSION_LITERAL ||
        call->name->literal.type != VALUE_STRING) {
        call->partial = PARTIAL_DYNAMIC;
        compiler->template->has_dynamic_partials = true;
        return add_dynamic_context(compiler);
    }
    if (!compiler_partial(compiler, value_str(call->name->literal), &call->partial))
        return false;
    const struct partial *partial = &compiler->template->partials[call->partial];
    if (!call->has_alias)
        call->symbol = partial->symbol;
    compiler->context = partial->context_after;
    return true;
}

static bool parse_call(struct compiler *compiler, const struct chunk *chunk,
                       struct builder *builder, enum node_kind kind)
{
    struct row arguments = {0};
    bool is_render = kind == NODE_RENDER;
    struct partial_call *call = compiler_alloc(compiler, sizeof *call);
    if (call == NULL)
        return false;
    bool ok =
        compiler_is_lax(compiler)
            ? parse_call_lax(compiler, chunk->markup, is_render, call, &arguments)
            : parse_call_strict(compiler, chunk->markup, is_render, call, &arguments);
    if (!ok)
        return false;
    call->context = compiler->context;
    call->arguments = arguments.p;
    call->argument_count = (uint32_t)arguments.n;
    struct node *node = builder_add(compiler, builder, kind, chunk->text.p);
    if (node == NULL || !resolve_call(compiler, call))
        return false;
    node->call = call;
    builder->is_blank = false;
    return true;
}

bool parse_render(struct compiler *compiler, struct cutter *cutter,
                  const struct chunk *chunk, struct builder *builder)
{
    (void)cutter;
    return parse_call(compiler, chunk, builder, NODE_RENDER);
}

bool parse_include(struct compiler *compiler, struct cutter *cutter,
                   const struct chunk *chunk, struct builder *builder)
{
    (void)cutter;
    return parse_call(compiler, chunk, builder, NODE_INCLUDE);
}
