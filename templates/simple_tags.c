#include "templates/compiler.h"

/* Tags without branches and loops. */

static bool is_signature_char(char c)
{
    return is_word_char(c) || c == '-' || c == '.' || c == '[' || c == ']' ||
           c == '(' || c == ')';
}

/* The first run of a variable's characters at or behind *at. */
static struct str next_signature(struct str markup, size_t *at)
{
    while (*at < markup.n && !is_signature_char(markup.p[*at]))
        (*at)++;
    size_t start = *at;
    while (*at < markup.n && is_signature_char(markup.p[*at]))
        (*at)++;
    return str_slice(markup.p + start, *at - start);
}

static bool split_assign(struct str markup, struct str *name, struct str *value)
{
    for (size_t at = 0; at < markup.n;) {
        *name = next_signature(markup, &at);
        size_t after = at;
        while (after < markup.n && ascii_is_space(markup.p[after]))
            after++;
        if (name->n > 0 && after < markup.n && markup.p[after] == '=') {
            *value = str_from(markup, after + 1);
            return true;
        }
    }
    return false;
}

bool parse_assign(struct compiler *compiler, struct cutter *cutter,
                  const struct chunk *chunk, struct builder *builder)
{
    (void)cutter;
    struct str name, value;
    if (!split_assign(chunk->markup, &name, &value))
        return compiler_fail(compiler, chunk->text.p,
                             "Syntax Error in 'assign' - Valid syntax: assign [var] = "
                             "[source] in \"%.*s\"",
                             STR_ARG(strip_both(chunk->markup)));
    struct assignment *assignment = compiler_alloc(compiler, sizeof *assignment);
    struct output *output = compiler_alloc(compiler, sizeof *output);
    if (assignment == NULL || output == NULL ||
        !parse_output(compiler, value, quote_tag(chunk->markup), output))
        return false;
    assignment->value = output;
    assignment->symbol = compiler_set_symbol(compiler, name);
    struct node *node = builder_add(compiler, builder, NODE_ASSIGN, chunk->text.p);
    if (node == NULL)
        return false;
    node->assignment = assignment;
    node->is_blank = true;
    return assignment->symbol != UINT32_MAX;
}

/* A block whose body has no branches. */
static bool parse_simple_block(struct compiler *compiler, struct cutter *cutter,
                               const struct chunk *chunk, struct builder *body)
{
    struct stop stop;
    bool ended;
    builder_init(body);
    if (!parse_block_body(compiler, cutter, chunk->name, body, &stop, &ended))
        return false;
    return ended || parse_unknown_tag(compiler, chunk->name, &stop);
}

/* A tag's one name and nothing else; as a text in quotes where `may_be_text`. */
static bool parse_only_name(struct compiler *compiler, struct str markup,
                            bool may_be_text, struct str *name)
{
    struct lexer lexer;
    if (!parse_start(compiler, &lexer, markup, quote_tag(markup)))
        return false;
    *name = lexer.token.text;
    if (may_be_text && parse_accept(&lexer, TOKEN_STRING))
        *name = str_slice(name->p + 1, name->n - 2);
    else if (!parse_expect(compiler, &lexer, TOKEN_ID))
        return false;
    return parse_end(compiler, &lexer);
}

static bool parse_capture_name(struct compiler *compiler, const struct chunk *chunk,
                               struct str *name)
{
    size_t at = 0;
    if (!compiler_is_lax(compiler))
        return parse_only_name(compiler, chunk->markup, true, name);
    *name = next_signature(chunk->markup, &at);
    return name->n > 0 ||
           compiler_fail(compiler, chunk->text.p,
                         "Syntax Error in 'capture' - Valid syntax: capture [var]");
}

bool parse_capture(struct compiler *compiler, struct cutter *cutter,
                   const struct chunk *chunk, struct builder *builder)
{
    struct str name;
    if (!parse_capture_name(compiler, chunk, &name))
        return false;
    struct html_context before = compiler->context;
    struct assignment *assignment = compiler_alloc(compiler, sizeof *assignment);
    struct builder body;
    /* What is captured is text of its own, wherever it will be printed. */
    compiler->context = (struct html_context){.state = HTML_TEXT};
    if (assignment == NULL || !parse_simple_block(compiler, cutter, chunk, &body))
        return false;
    compiler->context = before;
    assignment->symbol = compiler_set_symbol(compiler, name);
    assignment->body = builder_body(&body);
    struct node *node = builder_add(compiler, builder, NODE_CAPTURE, chunk->text.p);
    if (node == NULL)
        return false;
    node->assignment = assignment;
    node->is_blank = true;
    return assignment->symbol != UINT32_MAX;
}

bool parse_echo(struct compiler *compiler, struct cutter *cutter,
                const struct chunk *chunk, struct builder *builder)
{
    (void)cutter;
    struct output *output = compiler_alloc(compiler, sizeof *output);
    html_context_enter(&compiler->context);
    if (output == NULL ||
        !parse_output(compiler, chunk->markup, quote_output(chunk->markup), output))
        return false;
    struct node *node = builder_add(compiler, builder, NODE_OUTPUT, chunk->text.p);
    if (node == NULL)
        return false;
    node->output = output;
    builder->is_blank = false;
    html_context_output(&compiler->context);
    return true;
}

static bool add_counter(struct compiler *compiler, const struct chunk *chunk,
                        struct builder *builder, enum node_kind kind)
{
    struct str name = strip_both(chunk->markup);
    if (!compiler_is_lax(compiler) &&
        !parse_only_name(compiler, chunk->markup, false, &name))
        return false;
    struct node *node = builder_add(compiler, builder, kind, chunk->text.p);
    if (node == NULL)
        return false;
    node->symbol = compiler_set_symbol(compiler, name);
    builder->is_blank = false;
    return node->symbol != UINT32_MAX;
}

bool parse_increment(struct compiler *compiler, struct cutter *cutter,
                     const struct chunk *chunk, struct builder *builder)
{
    (void)cutter;
    return add_counter(compiler, chunk, builder, NODE_INCREMENT);
}

bool parse_decrement(struct compiler *compiler, struct cutter *cutter,
                     const struct chunk *chunk, struct builder *builder)
{
    (void)cutter;
    return add_counter(compiler, chunk, builder, NODE_DECREMENT);
}

bool parse_break(struct compiler *compiler, struct cutter *cutter,
                 const struct chunk *chunk, struct builder *builder)
{
    (void)cutter;
    builder->is_blank = false;
    return builder_add(compiler, builder, NODE_BREAK, chunk->text.p) != NULL;
}

bool parse_continue(struct compiler *compiler, struct cutter *cutter,
                    const struct chunk *chunk, struct builder *builder)
{
    (void)cutter;
    builder->is_blank = false;
    return builder_add(compiler, builder, NODE_CONTINUE, chunk->text.p) != NULL;
}

static bool add_nothing(struct compiler *compiler, const struct chunk *chunk,
                        struct builder *builder)
{
    struct node *node = builder_add(compiler, builder, NODE_NOTHING, chunk->text.p);
    if (node == NULL)
        return false;
    node->is_blank = true;
    return true;
}

static bool never_closed(struct compiler *compiler, const struct chunk *opener,
                         const char *name)
{
    return compiler_fail(compiler, opener->text.p, "'%s' tag was never closed", name);
}

/* The inside of a {% raw %} within a comment, whose {% endcomment %} does not count. */
static bool skip_raw(struct compiler *compiler, struct cutter *cutter,
                     const struct chunk *opener)
{
    struct chunk chunk;
    struct str name, before;
    while (cutter_next(cutter, &chunk)) {
        if (chunk_last_tag(&chunk, &name, &before) && str_equal(name, STR("endraw")))
            return true;
    }
    return never_closed(compiler, opener, "raw");
}

bool parse_comment(struct compiler *compiler, struct cutter *cutter,
                   const struct chunk *chunk, struct builder *builder)
{
    struct chunk inner;
    unsigned depth = 1;
    while (cutter_next(cutter, &inner)) {
        if (inner.kind != CHUNK_TAG)
            continue;
        if (str_equal(inner.name, STR("raw")) && !skip_raw(compiler, cutter, chunk))
            return false;
        depth += str_equal(inner.name, STR("comment"));
        if (str_equal(inner.name, STR("endcomment")) && --depth == 0) {
            if (!cutter->is_lines)
                compiler->trims_next = inner.trims_after;
            return add_nothing(compiler, chunk, builder);
        }
    }
    return never_closed(compiler, chunk, "comment");
}

static bool refuse_arguments(struct compiler *compiler, const struct chunk *chunk)
{
    if (strip_both(chunk->markup).n == 0)
        return true;
    /* The reference words it in two ways. */
    return compiler_fail(compiler, chunk->text.p,
                         str_equal(chunk->name, STR("doc"))
                             ? "Syntax Error in 'doc' - Valid syntax: {%% doc %%}{%% "
                               "enddoc %%}"
                             : "Syntax Error in 'raw' - Valid syntax: raw");
}

/* All up to the end tag, from the source as it stands there. */
static bool parse_verbatim(struct compiler *compiler, struct cutter *cutter,
                           const struct chunk *opener, struct str end_name,
                           struct str *text)
{
    struct chunk chunk;
    struct str name, before;
    const char *start = cutter->source.p + cutter->at;
    while (cutter_next(cutter, &chunk)) {
        if (cutter->is_lines || !chunk_last_tag(&chunk, &name, &before))
            continue;
        if (str_equal(end_name, STR("enddoc")) && str_equal(name, STR("doc")))
            return compiler_fail(compiler, chunk.text.p,
                                 "Syntax Error in 'doc' - Nested doc tags are not "
                                 "allowed");
        if (!str_equal(name, end_name))
            continue;
        *text = str_slice(start, (size_t)(before.p + before.n - start));
        compiler->trims_next = chunk.text.p[chunk.text.n - 3] == '-';
        return true;
    }
    return never_closed(compiler, opener,
                        str_equal(end_name, STR("enddoc")) ? "doc" : "raw");
}

bool parse_raw(struct compiler *compiler, struct cutter *cutter,
               const struct chunk *chunk, struct builder *builder)
{
    struct str text;
    if (!refuse_arguments(compiler, chunk) ||
        !parse_verbatim(compiler, cutter, chunk, STR("endraw"), &text))
        return false;
    if (text.n == 0)
        return add_nothing(compiler, chunk, builder);
    struct node *node = builder_add(compiler, builder, NODE_RAW, chunk->text.p);
    if (node == NULL)
        return false;
    node->span = compiler_add_span(compiler, text);
    builder->is_blank = false;
    if (compiler->template->escape == TEMPLATE_ESCAPE_HTML)
        html_context_feed(&compiler->context, text);
    return node->span != UINT32_MAX;
}

bool parse_doc(struct compiler *compiler, struct cutter *cutter,
               const struct chunk *chunk, struct builder *builder)
{
    struct str text = STR_NULL;
    if (!refuse_arguments(compiler, chunk) ||
        !parse_verbatim(compiler, cutter, chunk, STR("enddoc"), &text) ||
        !add_nothing(compiler, chunk, builder))
        return false;
    if (text.n > 0)
        builder->is_blank = false;
    return true;
}

/* Every line of the comment starts with '#'. */
bool parse_inline_comment(struct compiler *compiler, struct cutter *cutter,
                          const struct chunk *chunk, struct builder *builder)
{
    (void)cutter;
    struct str rest = chunk->markup;
    str_split(rest, '\n', &rest);
    while (!str_is_null(rest)) {
        struct str line = strip_start(str_split(rest, '\n', &rest));
        if (line.n > 0 && line.p[0] != '#')
            return compiler_fail(compiler, line.p,
                                 "Syntax error in tag '#' - Each line of comments must "
                                 "be prefixed by the '#' character");
    }
    return add_nothing(compiler, chunk, builder);
}

bool parse_ifchanged(struct compiler *compiler, struct cutter *cutter,
                     const struct chunk *chunk, struct builder *builder)
{
    struct builder inner;
    struct body *body = compiler_alloc(compiler, sizeof *body);
    if (body == NULL || !parse_simple_block(compiler, cutter, chunk, &inner))
        return false;
    *body = builder_body(&inner);
    struct node *node = builder_add(compiler, builder, NODE_IFCHANGED, chunk->text.p);
    if (node == NULL)
        return false;
    node->body = body;
    node->is_blank = inner.is_blank;
    builder->is_blank = builder->is_blank && inner.is_blank;
    return true;
}
