#include "templates/compiler.h"

/*
 * if, unless and case. Each branch starts in the HTML context before the tag; behind
 * it the strictest of the branches' ends goes on.
 */

struct branching {
    struct str block;
    struct html_context before, after;
    bool has_after, is_blank;
};

static void branch_start(struct compiler *compiler, struct branching *branching)
{
    compiler->context = branching->before;
}

static void branch_end(struct compiler *compiler, struct branching *branching,
                       const struct builder *body)
{
    branching->after = branching->has_after
                           ? html_context_merge(branching->after, compiler->context)
                           : compiler->context;
    branching->has_after = true;
    branching->is_blank = branching->is_blank && body->is_blank;
}

/* All branches print nothing but white space: none of them does. */
static void drop_blanks(const struct branching *branching, struct row *builders)
{
    struct builder *bodies = builders->p;
    for (size_t i = 0; branching->is_blank && i < builders->n; i++)
        builder_drop_blanks(&bodies[i]);
}

static bool add_branch(struct compiler *compiler, struct cutter *cutter,
                       struct branching *branching, struct row *bodies,
                       struct stop *stop, bool *ended)
{
    struct builder *body = row_add(compiler, bodies, sizeof *body);
    if (body == NULL)
        return false;
    builder_init(body);
    branch_start(compiler, branching);
    /* The row may move while inner blocks are read. */
    struct builder inner = *body;
    if (!parse_block_body(compiler, cutter, branching->block, &inner, stop, ended))
        return false;
    branch_end(compiler, branching, &inner);
    ((struct builder *)bodies->p)[bodies->n - 1] = inner;
    return true;
}

static bool parse_branches(struct compiler *compiler, struct cutter *cutter,
                           const struct chunk *chunk, struct branching *branching,
                           struct row *rows)
{
    struct row *branches = &rows[0], *bodies = &rows[1];
    struct stop stop = {
        .name = chunk->name, .markup = chunk->markup, .at = chunk->text.p};
    for (bool ended = false; !ended;) {
        struct branch *branch = row_add(compiler, branches, sizeof *branch);
        if (branch == NULL)
            return false;
        if (!str_equal(stop.name, STR("else"))) {
            branch->condition = parse_condition(compiler, stop.markup);
            if (branch->condition == NULL)
                return false;
        }
        if (!add_branch(compiler, cutter, branching, bodies, &stop, &ended))
            return false;
        if (!ended && !str_equal(stop.name, STR("else")) &&
            !str_equal(stop.name, STR("elsif")))
            return parse_unknown_tag(compiler, chunk->name, &stop);
    }
    return true;
}

static bool parse_if_or_unless(struct compiler *compiler, struct cutter *cutter,
                               const struct chunk *chunk, struct builder *builder,
                               bool is_negated)
{
    struct row rows[2] = {{0}};
    struct branching branching = {
        .block = chunk->name, .before = compiler->context, .is_blank = true};
    struct branches *branches = compiler_alloc(compiler, sizeof *branches);
    if (branches == NULL || !parse_branches(compiler, cutter, chunk, &branching, rows))
        return false;
    drop_blanks(&branching, &rows[1]);
    struct branch *branch = rows[0].p;
    const struct builder *bodies = rows[1].p;
    for (size_t i = 0; i < rows[0].n; i++)
        branch[i].body = builder_body(&bodies[i]);
    *branches = (struct branches){
        .branches = branch, .count = (uint32_t)rows[0].n, .is_negated = is_negated};
    compiler->context = branching.after;
    struct node *node = builder_add(compiler, builder, NODE_IF, chunk->text.p);
    if (node == NULL)
        return false;
    node->branches = branches;
    node->is_blank = branching.is_blank;
    builder->is_blank = builder->is_blank && branching.is_blank;
    return true;
}

bool parse_if(struct compiler *compiler, struct cutter *cutter,
              const struct chunk *chunk, struct builder *builder)
{
    return parse_if_or_unless(compiler, cutter, chunk, builder, false);
}

bool parse_unless(struct compiler *compiler, struct cutter *cutter,
                  const struct chunk *chunk, struct builder *builder)
{
    return parse_if_or_unless(compiler, cutter, chunk, builder, true);
}

struct case_reading {
    struct branching branching;
    struct choice choice;
    struct row whens, bodies;
};

static bool add_when(struct compiler *compiler, struct case_reading *reading,
                     const struct expression *value)
{
    struct when *when = row_add(compiler, &reading->whens, sizeof *when);
    if (when == NULL)
        return false;
    /* Which of the bodies: an index, until all of them are read. */
    *when = (struct when){.value = value, .body_index = reading->bodies.n};
    return true;
}

static bool parse_when_strict(struct compiler *compiler, struct case_reading *reading,
                              struct str markup)
{
    struct lexer lexer;
    if (!parse_start(compiler, &lexer, markup, quote_nothing()))
        return false;
    do {
        const struct expression *value = parse_expression(compiler, &lexer, true);
        if (value == NULL || !add_when(compiler, reading, value))
            return false;
    } while (parse_accept_id(&lexer, "or") || parse_accept(&lexer, TOKEN_COMMA));
    return parse_end(compiler, &lexer);
}

/* Behind a value: " or " or a comma, with another value following. */
static bool lax_when_goes_on(struct str markup, size_t *at)
{
    size_t p = *at;
    while (p < markup.n && ascii_is_space(markup.p[p]))
        p++;
    if (p < markup.n && markup.p[p] == ',')
        *at = p + 1;
    else if (p > *at && str_has_prefix(str_from(markup, p), STR("or")) &&
             p + 2 < markup.n && ascii_is_space(markup.p[p + 2]))
        *at = p + 2;
    else
        return false;
    return true;
}

static bool parse_when_lax(struct compiler *compiler, struct case_reading *reading,
                           struct str markup)
{
    size_t at = 0;
    struct str fragment;
    if (!lax_fragment(markup, &at, &fragment))
        return compiler_fail(compiler, markup.p,
                             "Syntax Error in tag 'case' - Valid when condition: {%% "
                             "when [condition] [or condition2...] %%}");
    do {
        const struct expression *value = lax_expression_new(compiler, fragment, true);
        if (value == NULL || !add_when(compiler, reading, value))
            return false;
    } while (lax_when_goes_on(markup, &at) && lax_fragment(markup, &at, &fragment));
    return true;
}

/* A when or an else; its body up to the next. */
static bool parse_case_branch(struct compiler *compiler, struct case_reading *reading,
                              const struct stop *stop)
{
    if (str_equal(stop->name, STR("else"))) {
        if (strip_both(stop->markup).n > 0)
            return compiler_fail(compiler, stop->at,
                                 "Syntax Error in tag 'case' - Valid else condition: "
                                 "{%% else %%} (no parameters) ");
        return add_when(compiler, reading, NULL);
    }
    if (!str_equal(stop->name, STR("when")))
        return parse_unknown_tag(compiler, STR("case"), stop);
    return compiler_is_lax(compiler)
               ? parse_when_lax(compiler, reading, stop->markup)
               : parse_when_strict(compiler, reading, stop->markup);
}

static bool parse_subject(struct compiler *compiler, const struct chunk *chunk,
                          const struct expression **subject)
{
    struct lexer lexer;
    struct str fragment;
    size_t at = 0;
    if (compiler_is_lax(compiler)) {
        if (!lax_fragment(chunk->markup, &at, &fragment))
            return compiler_fail(compiler, chunk->text.p,
                                 "Syntax Error in 'case' - Valid syntax: case "
                                 "[condition]");
        *subject = lax_expression_new(compiler, fragment, false);
        return *subject != NULL;
    }
    if (!parse_start(compiler, &lexer, chunk->markup, quote_tag(chunk->markup)))
        return false;
    *subject = parse_expression(compiler, &lexer, false);
    return *subject != NULL && parse_end(compiler, &lexer);
}

static bool finish_case(struct compiler *compiler, struct case_reading *reading)
{
    drop_blanks(&reading->branching, &reading->bodies);
    const struct builder *builders = reading->bodies.p;
    struct body *bodies = compiler_alloc(compiler, reading->bodies.n * sizeof *bodies);
    if (bodies == NULL)
        return false;
    for (size_t i = 0; i < reading->bodies.n; i++)
        bodies[i] = builder_body(&builders[i]);
    struct when *whens = reading->whens.p;
    for (size_t i = 0; i < reading->whens.n; i++)
        whens[i].body = &bodies[whens[i].body_index];
    reading->choice.whens = whens;
    reading->choice.count = (uint32_t)reading->whens.n;
    return true;
}

static bool parse_case_body(struct compiler *compiler, struct cutter *cutter,
                            struct case_reading *reading)
{
    struct stop stop;
    bool ended;
    /* What stands before the first when is read, and never printed. */
    struct row before = {0};
    if (!add_branch(compiler, cutter, &reading->branching, &before, &stop, &ended))
        return false;
    reading->branching.has_after = false;
    while (!ended) {
        if (!parse_case_branch(compiler, reading, &stop) ||
            !add_branch(compiler, cutter, &reading->branching, &reading->bodies, &stop,
                        &ended))
            return false;
    }
    return finish_case(compiler, reading);
}

bool parse_case(struct compiler *compiler, struct cutter *cutter,
                const struct chunk *chunk, struct builder *builder)
{
    struct case_reading reading = {.branching = {.block = chunk->name,
                                                 .before = compiler->context,
                                                 .after = compiler->context,
                                                 .is_blank = true}};
    if (!parse_subject(compiler, chunk, &reading.choice.subject) ||
        !parse_case_body(compiler, cutter, &reading))
        return false;
    if (reading.branching.has_after)
        compiler->context = reading.branching.after;
    struct choice *choice = compiler_alloc(compiler, sizeof *choice);
    struct node *node = builder_add(compiler, builder, NODE_CASE, chunk->text.p);
    if (choice == NULL || node == NULL)
        return false;
    *choice = reading.choice;
    node->choice = choice;
    node->is_blank = reading.branching.is_blank;
    builder->is_blank = builder->is_blank && reading.branching.is_blank;
    return true;
}
