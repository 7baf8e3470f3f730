#include "templates/compiler.h"

/* for and tablerow. */

static bool set_attribute(struct compiler *compiler, struct loop_node *loop,
                          struct str key, const struct expression *value)
{
    (void)compiler;
    if (str_equal(key, STR("limit")))
        loop->limit = value;
    else if (str_equal(key, STR("offset")))
        loop->offset = value;
    else if (str_equal(key, STR("cols")))
        loop->cols = value;
    return true;
}

/* The number of a loop's name, under which its offset is remembered. */
static bool set_name(struct compiler *compiler, struct loop_node *loop,
                     struct str variable, struct str collection)
{
    size_t n = variable.n + 1 + collection.n;
    char *p = compiler_alloc(compiler, n + 1);
    if (p == NULL)
        return false;
    memcpy(p, variable.p, variable.n);
    p[variable.n] = '-';
    memcpy(p + variable.n + 1, collection.p, collection.n);
    loop->name = str_slice(p, n);
    uint32_t index = compiler_symbol(compiler, loop->name);
    if (index == UINT32_MAX)
        return false;
    struct symbol *symbol = &compiler->template->symbols[index];
    if (symbol->loop == 0)
        symbol->loop = ++compiler->template->loop_name_count;
    loop->name_index = symbol->loop - 1;
    return true;
}

/* The reference writes an expression without the white space between its words. */
static bool normal_text(struct compiler *compiler, struct str markup, size_t from,
                        size_t to, struct str *text)
{
    struct lexer lexer;
    char *p = compiler_alloc(compiler, to - from + 1);
    size_t n = 0;
    if (p == NULL)
        return false;
    lexer_init(&lexer, str_slice(markup.p + from, to - from));
    for (; lexer.token.kind != TOKEN_END; lexer_next(&lexer)) {
        memcpy(p + n, lexer.token.text.p, lexer.token.text.n);
        n += lexer.token.text.n;
    }
    *text = str_slice(p, n);
    return true;
}

/* An expression and its text. */
static const struct expression *parse_collection(struct compiler *compiler,
                                                 struct lexer *lexer, struct str *text)
{
    size_t from = (size_t)(lexer->token.text.p - lexer->markup.p);
    const struct expression *collection = parse_expression(compiler, lexer, false);
    if (collection == NULL)
        return NULL;
    size_t to = (size_t)(lexer->token.text.p - lexer->markup.p);
    return normal_text(compiler, lexer->markup, from, to, text) ? collection : NULL;
}

static bool parse_in(struct compiler *compiler, struct lexer *lexer,
                     struct loop_node *loop)
{
    struct str variable = lexer->token.text, text;
    if (!parse_expect(compiler, lexer, TOKEN_ID))
        return false;
    if (!parse_accept_id(lexer, "in"))
        return compiler_fail(compiler, lexer->token.text.p,
                             "For loops require an 'in' clause%s%.*s%s",
                             QUOTE_ARG(lexer->quote));
    loop->collection = parse_collection(compiler, lexer, &text);
    loop->symbol = compiler_set_symbol(compiler, variable);
    return loop->collection != NULL && loop->symbol != UINT32_MAX &&
           set_name(compiler, loop, variable, text);
}

static bool is_continue(const struct lexer *lexer)
{
    return lexer->token.kind == TOKEN_ID &&
           str_equal(lexer->token.text, STR("continue")) &&
           lexer->ahead.kind != TOKEN_DOT && lexer->ahead.kind != TOKEN_OPEN_SQUARE;
}

static bool parse_for_attribute(struct compiler *compiler, struct lexer *lexer,
                                struct loop_node *loop)
{
    parse_accept(lexer, TOKEN_COMMA);
    struct str key = lexer->token.text;
    if (!parse_accept_id(lexer, "limit") && !parse_accept_id(lexer, "offset"))
        return compiler_fail(compiler, key.p,
                             "Invalid attribute in for loop. Valid attributes are "
                             "limit and offset%s%.*s%s",
                             QUOTE_ARG(lexer->quote));
    if (!parse_expect(compiler, lexer, TOKEN_COLON))
        return false;
    if (str_equal(key, STR("offset"))) {
        loop->continues = is_continue(lexer);
        loop->offset = NULL;
        if (loop->continues) {
            compiler->template->has_continued_loops = true;
            lexer_next(lexer);
            return true;
        }
    }
    const struct expression *value = parse_expression(compiler, lexer, false);
    return value != NULL && set_attribute(compiler, loop, key, value);
}

static bool parse_for_strict(struct compiler *compiler, struct str markup,
                             struct loop_node *loop)
{
    struct lexer lexer;
    if (!parse_start(compiler, &lexer, markup, quote_tag(markup)) ||
        !parse_in(compiler, &lexer, loop))
        return false;
    loop->is_reversed = parse_accept_id(&lexer, "reversed");
    while (lexer.token.kind == TOKEN_COMMA || lexer.token.kind == TOKEN_ID) {
        if (!parse_for_attribute(compiler, &lexer, loop))
            return false;
    }
    return parse_end(compiler, &lexer);
}

static bool add_lax_attribute(struct compiler *compiler, void *self, struct str key,
                              struct str value)
{
    struct loop_node *loop = self;
    if (str_equal(key, STR("offset"))) {
        loop->continues = str_equal(value, STR("continue"));
        if (loop->continues)
            return true;
    }
    const struct expression *expression = lax_expression_new(compiler, value, false);
    return expression != NULL && set_attribute(compiler, loop, key, expression);
}

/* "variable in collection" and what follows it. */
static bool lax_in(struct compiler *compiler, struct str markup, const char *why,
                   struct loop_node *loop, size_t *at)
{
    struct str variable, word, collection;
    *at = 0;
    while (*at < markup.n && ascii_is_space(markup.p[*at]))
        (*at)++;
    size_t start = *at;
    while (*at < markup.n && (is_word_char(markup.p[*at]) || markup.p[*at] == '-'))
        (*at)++;
    variable = str_slice(markup.p + start, *at - start);
    if (variable.n == 0 || !lax_fragment(markup, at, &word) ||
        !str_equal(word, STR("in")) || !lax_fragment(markup, at, &collection))
        return compiler_fail(compiler, markup.p, "%s", why);
    loop->symbol = compiler_set_symbol(compiler, variable);
    loop->collection = lax_expression_new(compiler, collection, false);
    return loop->symbol != UINT32_MAX && loop->collection != NULL &&
           set_name(compiler, loop, variable, collection);
}

static bool parse_for_lax(struct compiler *compiler, struct str markup,
                          struct loop_node *loop)
{
    size_t at;
    if (!lax_in(compiler, markup,
                "Syntax Error in 'for loop' - Valid syntax: for [item] in [collection]",
                loop, &at))
        return false;
    while (at < markup.n && ascii_is_space(markup.p[at]))
        at++;
    loop->is_reversed = str_has_prefix(str_from(markup, at), STR("reversed"));
    return lax_attributes(compiler, markup, loop, add_lax_attribute);
}

static bool parse_for_bodies(struct compiler *compiler, struct cutter *cutter,
                             const struct chunk *chunk, struct loop_node *loop)
{
    struct builder body, otherwise;
    struct stop stop;
    bool ended;
    struct html_context before = compiler->context;
    builder_init(&body);
    builder_init(&otherwise);
    if (!parse_block_body(compiler, cutter, chunk->name, &body, &stop, &ended))
        return false;
    struct html_context after = compiler->context;
    while (!ended) {
        if (!str_equal(stop.name, STR("else")))
            return parse_unknown_tag(compiler, chunk->name, &stop);
        loop->has_otherwise = true;
        compiler->context = before;
        builder_init(&otherwise);
        if (!parse_block_body(compiler, cutter, chunk->name, &otherwise, &stop, &ended))
            return false;
        after = html_context_merge(after, compiler->context);
    }
    compiler->context = html_context_merge(before, after);
    if (body.is_blank && otherwise.is_blank) {
        builder_drop_blanks(&body);
        builder_drop_blanks(&otherwise);
    } else {
        body.is_blank = false;
    }
    loop->body = builder_body(&body);
    loop->otherwise = builder_body(&otherwise);
    return true;
}

bool parse_for(struct compiler *compiler, struct cutter *cutter,
               const struct chunk *chunk, struct builder *builder)
{
    struct loop_node *loop = compiler_alloc(compiler, sizeof *loop);
    if (loop == NULL)
        return false;
    bool ok = compiler_is_lax(compiler)
                  ? parse_for_lax(compiler, chunk->markup, loop)
                  : parse_for_strict(compiler, chunk->markup, loop);
    if (!ok || !parse_for_bodies(compiler, cutter, chunk, loop))
        return false;
    struct node *node = builder_add(compiler, builder, NODE_FOR, chunk->text.p);
    if (node == NULL)
        return false;
    node->loop = loop;
    node->is_blank = loop->body.is_blank;
    builder->is_blank = builder->is_blank && loop->body.is_blank;
    return true;
}

static bool is_tablerow_attribute(struct str key)
{
    return str_equal(key, STR("cols")) || str_equal(key, STR("limit")) ||
           str_equal(key, STR("offset")) || str_equal(key, STR("range"));
}

static bool parse_tablerow_strict(struct compiler *compiler, struct str markup,
                                  struct loop_node *loop)
{
    struct lexer lexer;
    if (!parse_start(compiler, &lexer, markup, quote_tag(markup)) ||
        !parse_in(compiler, &lexer, loop))
        return false;
    parse_accept(&lexer, TOKEN_COMMA);
    while (lexer.token.kind == TOKEN_ID) {
        struct str key = lexer.token.text;
        if (!is_tablerow_attribute(key))
            return compiler_fail(compiler, key.p,
                                 "Invalid attribute '%.*s' in tablerow loop. Valid "
                                 "attributes are cols, limit, offset, and "
                                 "range%s%.*s%s",
                                 STR_ARG(key), QUOTE_ARG(lexer.quote));
        lexer_next(&lexer);
        if (!parse_expect(compiler, &lexer, TOKEN_COLON))
            return false;
        const struct expression *value = parse_expression(compiler, &lexer, false);
        if (value == NULL || !set_attribute(compiler, loop, key, value))
            return false;
        parse_accept(&lexer, TOKEN_COMMA);
    }
    return parse_end(compiler, &lexer);
}

static bool parse_tablerow_lax(struct compiler *compiler, struct str markup,
                               struct loop_node *loop)
{
    size_t at;
    return lax_in(
               compiler, markup,
               "Syntax Error in 'table_row loop' - Valid syntax: table_row [item] in "
               "[collection] cols=3",
               loop, &at) &&
           lax_attributes(compiler, markup, loop, add_lax_attribute);
}

bool parse_tablerow(struct compiler *compiler, struct cutter *cutter,
                    const struct chunk *chunk, struct builder *builder)
{
    struct loop_node *loop = compiler_alloc(compiler, sizeof *loop);
    struct builder body;
    struct stop stop;
    bool ended;
    if (loop == NULL)
        return false;
    bool ok = compiler_is_lax(compiler)
                  ? parse_tablerow_lax(compiler, chunk->markup, loop)
                  : parse_tablerow_strict(compiler, chunk->markup, loop);
    builder_init(&body);
    if (!ok || !parse_block_body(compiler, cutter, chunk->name, &body, &stop, &ended))
        return false;
    if (!ended)
        return parse_unknown_tag(compiler, chunk->name, &stop);
    loop->body = builder_body(&body);
    struct node *node = builder_add(compiler, builder, NODE_TABLEROW, chunk->text.p);
    if (node == NULL)
        return false;
    node->loop = loop;
    node->is_blank = body.is_blank;
    builder->is_blank = builder->is_blank && body.is_blank;
    return true;
}
