#include "templates/compiler.h"

#include <stdio.h>

/* The key of an unnamed cycle: its values as text. One that reads variables is its
 * own, wherever the same text stands again. */
static bool set_cycle_key(struct compiler *compiler, struct cycle_node *cycle,
                          struct str text)
{
    bool has_variable = false;
    for (uint32_t i = 0; i < cycle->count; i++)
        has_variable = has_variable || cycle->values[i].kind != EXPRESSION_LITERAL;
    size_t cap = text.n + 32;
    char *p = compiler_alloc(compiler, cap);
    if (p == NULL)
        return false;
    size_t n =
        has_variable ? (size_t)snprintf(p, cap, "#%u", ++compiler->cycle_serial) : 0;
    struct lexer lexer;
    lexer_init(&lexer, text);
    for (; lexer.token.kind != TOKEN_END; lexer_next(&lexer)) {
        struct str word = lexer.token.text;
        memcpy(p + n, word.p, word.n);
        /* 'a' and "a" are the same. */
        if (lexer.token.kind == TOKEN_STRING)
            p[n] = p[n + word.n - 1] = '"';
        n += word.n;
    }
    cycle->key = str_slice(p, n);
    return true;
}

static bool parse_cycle_strict(struct compiler *compiler, struct str markup,
                               struct cycle_node *cycle)
{
    struct lexer lexer;
    struct row values = {0};
    if (!parse_start(compiler, &lexer, markup, quote_tag(markup)))
        return false;
    struct expression *value = row_add(compiler, &values, sizeof *value);
    if (value == NULL || !parse_expression_into(compiler, &lexer, false, value))
        return false;
    if (parse_accept(&lexer, TOKEN_COLON)) {
        struct expression *name = compiler_alloc(compiler, sizeof *name);
        if (name == NULL)
            return false;
        *name = *value;
        cycle->name = name;
        if (!parse_expression_into(compiler, &lexer, false, value))
            return false;
    }
    while (parse_accept(&lexer, TOKEN_COMMA) && lexer.token.kind != TOKEN_END) {
        value = row_add(compiler, &values, sizeof *value);
        if (value == NULL || !parse_expression_into(compiler, &lexer, false, value))
            return false;
    }
    cycle->values = values.p;
    cycle->count = (uint32_t)values.n;
    return parse_end(compiler, &lexer) && set_cycle_key(compiler, cycle, markup);
}

static bool parse_cycle_lax(struct compiler *compiler, struct str markup,
                            struct cycle_node *cycle)
{
    struct row values = {0};
    struct str fragment, text = markup;
    size_t at = 0;
    if (!lax_fragment(markup, &at, &fragment))
        return compiler_fail(compiler, markup.p,
                             "Syntax Error in 'cycle' - Valid syntax: cycle [name :] "
                             "var [, var2, var3 ...]");
    while (at < markup.n && ascii_is_space(markup.p[at]))
        at++;
    bool glued = fragment.n > 1 && fragment.p[fragment.n - 1] == ':';
    if (glued || (at < markup.n && markup.p[at] == ':')) {
        if (glued)
            fragment.n--;
        else
            at++;
        cycle->name = lax_expression_new(compiler, fragment, false);
        if (cycle->name == NULL)
            return false;
        text = str_from(markup, at);
    }
    while (!str_is_null(text)) {
        struct str part = str_split(text, ',', &text);
        size_t from = 0;
        if (!lax_fragment(part, &from, &fragment))
            continue;
        struct expression *value = row_add(compiler, &values, sizeof *value);
        if (value == NULL || !lax_expression(compiler, fragment, false, value))
            return false;
        /* The lax reading drops what is nil already. */
        if (value->kind == EXPRESSION_LITERAL && value_is_nil(value->literal))
            values.n--;
    }
    cycle->values = values.p;
    cycle->count = (uint32_t)values.n;
    return set_cycle_key(compiler, cycle, markup);
}

bool parse_cycle(struct compiler *compiler, struct cutter *cutter,
                 const struct chunk *chunk, struct builder *builder)
{
    (void)cutter;
    struct cycle_node *cycle = compiler_alloc(compiler, sizeof *cycle);
    if (cycle == NULL)
        return false;
    if (strip_both(chunk->markup).n == 0)
        return compiler_fail(compiler, chunk->text.p,
                             "Syntax Error in 'cycle' - Valid syntax: cycle [name :] "
                             "var [, var2, var3 ...]%s",
                             compiler_is_lax(compiler) ? "" : " in \"\"");
    bool ok = compiler_is_lax(compiler)
                  ? parse_cycle_lax(compiler, chunk->markup, cycle)
                  : parse_cycle_strict(compiler, chunk->markup, cycle);
    if (!ok)
        return false;
    html_context_enter(&compiler->context);
    cycle->place = place_of(compiler->template->escape, &compiler->context, false);
    html_context_output(&compiler->context);
    struct node *node = builder_add(compiler, builder, NODE_CYCLE, chunk->text.p);
    if (node == NULL)
        return false;
    node->cycle = cycle;
    builder->is_blank = false;
    return true;
}
