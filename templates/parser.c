#include "templates/compiler.h"

/*
 * Bodies: a row of nodes up to a tag that is none of the registered ones, which is
 * the business of the block around it. White space control and the tracking of the
 * HTML context happen here: a text is final, and is fed to the context, only when
 * the chunk behind it is known, since a dash there may shorten it.
 */

static const struct {
    struct str name;
    parse_tag *parse;
} tags[] = {{{"assign", 6}, parse_assign},
            {{"capture", 7}, parse_capture},
            {{"if", 2}, parse_if},
            {{"unless", 6}, parse_unless},
            {{"case", 4}, parse_case},
            {{"for", 3}, parse_for},
            {{"tablerow", 8}, parse_tablerow},
            {{"cycle", 5}, parse_cycle},
            {{"increment", 9}, parse_increment},
            {{"decrement", 9}, parse_decrement},
            {{"break", 5}, parse_break},
            {{"continue", 8}, parse_continue},
            {{"raw", 3}, parse_raw},
            {{"comment", 7}, parse_comment},
            {{"#", 1}, parse_inline_comment},
            {{"echo", 4}, parse_echo},
            {{"render", 6}, parse_render},
            {{"include", 7}, parse_include},
            {{"ifchanged", 9}, parse_ifchanged},
            {{"doc", 3}, parse_doc}};

static parse_tag *tag_find(struct str name)
{
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (str_equal(tags[i].name, name))
            return tags[i].parse;
    }
    return NULL;
}

void builder_init(struct builder *builder)
{
    *builder = (struct builder){.is_blank = true};
}

void builder_drop_blanks(struct builder *builder)
{
    struct node *nodes = builder->nodes.p;
    size_t kept = 0;
    if (!builder->is_blank)
        return;
    for (size_t i = 0; i < builder->nodes.n; i++) {
        if (nodes[i].kind != NODE_TEXT)
            nodes[kept++] = nodes[i];
    }
    builder->nodes.n = kept;
}

struct body builder_body(const struct builder *builder)
{
    return (struct body){.nodes = builder->nodes.p,
                         .count = (uint32_t)builder->nodes.n,
                         .is_blank = builder->is_blank};
}

struct node *builder_add(struct compiler *compiler, struct builder *builder,
                         enum node_kind kind, const char *at)
{
    struct node *node = row_add(compiler, &builder->nodes, sizeof *node);
    if (node != NULL) {
        node->kind = (uint8_t)kind;
        node->position = compiler_position(compiler, at);
    }
    return node;
}

static bool add_text(struct compiler *compiler, struct builder *builder,
                     struct str text)
{
    if (compiler->trims_next)
        text = strip_start(text);
    compiler->trims_next = false;
    struct node *node = builder_add(compiler, builder, NODE_TEXT, text.p);
    if (node == NULL)
        return false;
    node->span = compiler->unfed_span = compiler_add_span(compiler, text);
    if (strip_both(text).n > 0)
        builder->is_blank = false;
    return node->span != UINT32_MAX;
}

/* The text at the end of the body is final now. */
static void finish_text(struct compiler *compiler, struct builder *builder, bool trims)
{
    if (builder->nodes.n == 0)
        return;
    struct node *nodes = builder->nodes.p, *last = &nodes[builder->nodes.n - 1];
    if (last->kind != NODE_TEXT)
        return;
    struct str *span = &compiler->template->spans[last->span];
    if (trims)
        *span = strip_end(*span);
    if (compiler->template->escape == TEMPLATE_ESCAPE_HTML &&
        compiler->unfed_span == last->span)
        html_context_feed(&compiler->context, *span);
    compiler->unfed_span = SPAN_NONE;
}

static bool add_output(struct compiler *compiler, struct builder *builder,
                       const struct chunk *chunk)
{
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

static bool fail_open(struct compiler *compiler, const struct chunk *chunk)
{
    struct str text = str_head(chunk->text, 60);
    if (chunk->kind == CHUNK_OPEN_OUTPUT)
        return compiler_fail(compiler, chunk->text.p,
                             "Variable '%.*s' was not properly terminated with regexp: "
                             "/\\}\\}/",
                             STR_ARG(text));
    return compiler_fail(
        compiler, chunk->text.p,
        "Tag '%.*s' was not properly terminated with regexp: /\\%%\\}/", STR_ARG(text));
}

/* {% liquid %}: its lines are tags of the same body. */
static bool parse_liquid(struct compiler *compiler, const struct chunk *chunk,
                         struct builder *builder)
{
    struct cutter lines = {.source = chunk->markup, .is_lines = true};
    struct stop stop;
    if (compiler->depth >= COMPILE_DEPTH_MAX)
        return compiler_fail(compiler, chunk->text.p, "Nesting too deep");
    compiler->depth++;
    bool ok = parse_body(compiler, &lines, builder, &stop);
    compiler->depth--;
    if (!ok || stop.is_end)
        return ok;
    return parse_unknown_tag(compiler, STR("liquid"), &stop);
}

static bool parse_chunk(struct compiler *compiler, struct cutter *cutter,
                        const struct chunk *chunk, struct builder *builder,
                        struct stop *stop)
{
    if (chunk->kind == CHUNK_TEXT)
        return add_text(compiler, builder, chunk->text);
    if (!cutter->is_lines) {
        finish_text(compiler, builder, chunk->trims_before);
        compiler->trims_next = chunk->trims_after;
    }
    if (chunk->kind == CHUNK_OUTPUT)
        return add_output(compiler, builder, chunk);
    if (chunk->kind != CHUNK_TAG)
        return fail_open(compiler, chunk);
    if (str_equal(chunk->name, STR("liquid")))
        return parse_liquid(compiler, chunk, builder);
    parse_tag *parse = tag_find(chunk->name);
    if (parse != NULL)
        return parse(compiler, cutter, chunk, builder);
    *stop = (struct stop){
        .name = chunk->name, .markup = chunk->markup, .at = chunk->text.p};
    return true;
}

bool parse_body(struct compiler *compiler, struct cutter *cutter,
                struct builder *builder, struct stop *stop)
{
    struct chunk chunk;
    *stop = (struct stop){.at = cutter->source.p + cutter->source.n};
    while (cutter_next(cutter, &chunk)) {
        if (!parse_chunk(compiler, cutter, &chunk, builder, stop))
            return false;
        if (!str_is_null(stop->name))
            return true;
    }
    if (!cutter->is_lines)
        finish_text(compiler, builder, false);
    stop->is_end = true;
    return true;
}

bool parse_block_body(struct compiler *compiler, struct cutter *cutter,
                      struct str block, struct builder *builder, struct stop *stop,
                      bool *ended)
{
    /* The block's name is a slice of the source: where it opens. */
    if (compiler->depth >= COMPILE_DEPTH_MAX)
        return compiler_fail(compiler, block.p, "Nesting too deep");
    compiler->depth++;
    bool ok = parse_body(compiler, cutter, builder, stop);
    compiler->depth--;
    if (!ok)
        return false;
    if (stop->is_end)
        return compiler_fail(compiler, block.p, "'%.*s' tag was never closed",
                             STR_ARG(block));
    *ended = stop->name.n == block.n + 3 && str_has_prefix(stop->name, STR("end")) &&
             str_equal(str_from(stop->name, 3), block);
    return true;
}

bool parse_unknown_tag(struct compiler *compiler, struct str block,
                       const struct stop *stop)
{
    bool in_liquid = str_equal(block, STR("liquid"));
    if (str_equal(stop->name, STR("else")))
        return compiler_fail(compiler, stop->at, "%.*s tag does not expect 'else' tag",
                             STR_ARG(block));
    if (str_has_prefix(stop->name, STR("end")))
        return compiler_fail(
            compiler, stop->at,
            "'%.*s' is not a valid delimiter for %.*s tags. use %s%.*s",
            STR_ARG(stop->name), STR_ARG(block), in_liquid ? "%}" : "end",
            in_liquid ? 0 : (int)block.n, block.p);
    return compiler_fail(compiler, stop->at, "Unknown tag '%.*s'", STR_ARG(stop->name));
}
