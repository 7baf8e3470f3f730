#include "templates/compiler.h"
#include "templates/filters.h"

/*
 * What reads nothing but the campaign's own data comes out the same for every
 * recipient: a loop over this month's offers, a price, an `if` on a switch in the data
 * file. Such nodes are rendered here, once, and become text; text next to text becomes
 * one span. The renderer then copies nothing and the message has fewer joints.
 *
 * A node is settled if all variables in it are members of the data that neither a
 * column, nor a reserved name, nor anything in the template can take the place of, or
 * variables of loops that lie wholly within it. What may fail, misses a member, reads
 * the clock or leaves a trace (assign, cycle, ifchanged ...) is left as it is, so a
 * settled template renders, fails and reports exactly as before.
 *
 * Cost: one rendering of each settled node; linear in the template otherwise.
 */

/* Loops within loops that may be settled together. */
#define SETTLE_LOOPS_MAX 16
/* More text than this is not worth keeping beside its source. */
#define SETTLE_TEXT_MAX (256u << 10)

struct settling {
    struct compiler *compiler;
    struct template_machine *machine;
    /* The variables of the loops around the node being looked at. */
    uint32_t bound[SETTLE_LOOPS_MAX];
    unsigned bound_count;
    bool has_missing;
};

/* ---- what is settled ----------------------------------------------------------- */

static bool symbol_is_settled(const struct settling *settling, uint32_t symbol)
{
    const struct symbol *s = &settling->compiler->template->symbols[symbol];
    if (symbol == SYMBOL_FORLOOP)
        return settling->bound_count > 0;
    for (unsigned i = 0; i < settling->bound_count; i++)
        if (settling->bound[i] == symbol)
            return true;
    return !s->is_set && s->field == PLACE_NONE && s->reserved == PLACE_NONE &&
           symbol != SYMBOL_RECIPIENT &&
           value_member(settling->compiler->options->statics, s->name) != NULL;
}

static bool expression_is_settled(const struct settling *settling,
                                  const struct expression *expression);

/* A loop around the settled one is out of reach: its numbers are not known. */
static bool lookup_is_settled(const struct settling *settling, uint32_t symbol,
                              const struct lookup *lookup)
{
    if (lookup->key != NULL)
        return symbol != SYMBOL_FORLOOP && expression_is_settled(settling, lookup->key);
    return symbol != SYMBOL_FORLOOP || !str_equal(lookup->name, STR("parentloop"));
}

static bool variable_is_settled(const struct settling *settling,
                                const struct expression *expression)
{
    uint32_t symbol = expression->variable.symbol;
    if (expression->variable.root != NULL || !symbol_is_settled(settling, symbol))
        return false;
    for (uint32_t i = 0; i < expression->variable.lookup_count; i++)
        if (!lookup_is_settled(settling, symbol, &expression->variable.lookups[i]))
            return false;
    return true;
}

static bool expression_is_settled(const struct settling *settling,
                                  const struct expression *expression)
{
    if (expression == NULL)
        return true;
    switch (expression->kind) {
    case EXPRESSION_LITERAL: return true;
    case EXPRESSION_VARIABLE: return variable_is_settled(settling, expression);
    case EXPRESSION_RANGE:
        return expression_is_settled(settling, expression->range.first) &&
               expression_is_settled(settling, expression->range.last);
    }
    return false;
}

static bool filter_is_settled(const struct settling *settling,
                              const struct filter_call *call)
{
    if (call->filter != NULL && call->filter->apply == filter_date)
        return false;
    for (uint32_t i = 0; i < call->argument_count; i++)
        if (!expression_is_settled(settling, &call->arguments[i]))
            return false;
    for (uint32_t i = 0; i < call->keyword_count; i++)
        if (!expression_is_settled(settling, call->keywords[i].value))
            return false;
    return true;
}

static bool output_is_settled(const struct settling *settling,
                              const struct output *output)
{
    for (uint32_t i = 0; i < output->filter_count; i++)
        if (!filter_is_settled(settling, &output->filters[i]))
            return false;
    return expression_is_settled(settling, output->expression);
}

static bool condition_is_settled(const struct settling *settling,
                                 const struct condition *condition)
{
    for (; condition != NULL; condition = condition->next)
        if (!expression_is_settled(settling, condition->left) ||
            !expression_is_settled(settling, condition->right))
            return false;
    return true;
}

static bool node_is_settled(struct settling *settling, const struct node *node);

static bool body_is_settled(struct settling *settling, const struct body *body)
{
    for (uint32_t i = 0; i < body->count; i++)
        if (!node_is_settled(settling, &body->nodes[i]))
            return false;
    return true;
}

static bool branches_are_settled(struct settling *settling,
                                 const struct branches *branches)
{
    for (uint32_t i = 0; i < branches->count; i++)
        if (!condition_is_settled(settling, branches->branches[i].condition) ||
            !body_is_settled(settling, &branches->branches[i].body))
            return false;
    return true;
}

static bool choice_is_settled(struct settling *settling, const struct choice *choice)
{
    for (uint32_t i = 0; i < choice->count; i++)
        if (!expression_is_settled(settling, choice->whens[i].value) ||
            !body_is_settled(settling, choice->whens[i].body))
            return false;
    return expression_is_settled(settling, choice->subject);
}

static bool loop_is_settled(struct settling *settling, const struct loop_node *loop)
{
    if (settling->compiler->template->has_continued_loops ||
        settling->bound_count == SETTLE_LOOPS_MAX ||
        !expression_is_settled(settling, loop->collection) ||
        !expression_is_settled(settling, loop->limit) ||
        !expression_is_settled(settling, loop->offset) ||
        !body_is_settled(settling, &loop->otherwise))
        return false;
    settling->bound[settling->bound_count++] = loop->symbol;
    bool is_settled = body_is_settled(settling, &loop->body);
    settling->bound_count--;
    return is_settled;
}

static bool node_is_settled(struct settling *settling, const struct node *node)
{
    switch ((enum node_kind)node->kind) {
    case NODE_TEXT:
    case NODE_RAW:
    case NODE_NOTHING: return true;
    case NODE_OUTPUT: return output_is_settled(settling, node->output);
    case NODE_IF: return branches_are_settled(settling, node->branches);
    case NODE_CASE: return choice_is_settled(settling, node->choice);
    case NODE_FOR: return loop_is_settled(settling, node->loop);
    /* Within a settled loop they end that loop and nothing else. */
    case NODE_BREAK:
    case NODE_CONTINUE: return settling->bound_count > 0;
    case NODE_ASSIGN:
    case NODE_CAPTURE:
    case NODE_TABLEROW:
    case NODE_CYCLE:
    case NODE_INCREMENT:
    case NODE_DECREMENT:
    case NODE_RENDER:
    case NODE_INCLUDE:
    case NODE_IFCHANGED: return false;
    }
    return false;
}

/* ---- settling ------------------------------------------------------------------ */

static void note_missing(void *self, struct str partial, struct str name, unsigned line,
                         unsigned column)
{
    struct settling *settling = self;
    (void)partial, (void)name, (void)line, (void)column;
    settling->has_missing = true;
}

/* STR_NULL if it fails or misses something: then it does so for each recipient. */
static struct str render_node_once(struct settling *settling, const struct node *node)
{
    struct arena *arena = settling->compiler->arena;
    struct template probe = *settling->compiler->template;
    probe.body = (struct body){.nodes = node, .count = 1};
    const struct template_input input = {.statics =
                                             settling->compiler->options->statics,
                                         .missing = note_missing,
                                         .missing_self = settling};
    struct pieces pieces = {0};
    settling->has_missing = false;
    if (template_render(&probe, settling->machine, &input, &pieces, NULL) != ERR_NONE ||
        settling->has_missing || pieces_bytes(&pieces) > SETTLE_TEXT_MAX)
        return STR_NULL;
    return pieces_join(&pieces, arena);
}

static bool settle_node(struct settling *settling, struct node *node)
{
    struct str text = render_node_once(settling, node);
    if (str_is_null(text))
        return true;
    uint32_t span = compiler_add_span(settling->compiler, text);
    node->kind = text.n > 0 ? NODE_RAW : NODE_NOTHING;
    node->span = span;
    return span != SPAN_NONE;
}

static bool is_text(const struct node *node)
{
    return node->kind == NODE_TEXT || node->kind == NODE_RAW;
}

/* Node `first` takes the text of all up to `end`, which become nothing. */
static bool join_text(struct settling *settling, struct node *nodes, uint32_t first,
                      uint32_t end)
{
    struct compiler *compiler = settling->compiler;
    size_t bytes = 0, at = 0;
    for (uint32_t i = first; i < end; i++)
        if (is_text(&nodes[i]))
            bytes += compiler->template->spans[nodes[i].span].n;
    char *joined = compiler_alloc(compiler, bytes + 1);
    if (joined == NULL)
        return false;
    for (uint32_t i = first; i < end; i++) {
        if (!is_text(&nodes[i]))
            continue;
        struct str text = compiler->template->spans[nodes[i].span];
        if (text.n > 0)
            memcpy(joined + at, text.p, text.n);
        at += text.n;
        nodes[i].kind = NODE_NOTHING;
    }
    nodes[first].kind = NODE_RAW;
    nodes[first].span = compiler_add_span(compiler, str_slice(joined, bytes));
    return nodes[first].span != SPAN_NONE;
}

static bool join_neighbours(struct settling *settling, struct node *nodes,
                            uint32_t count)
{
    for (uint32_t first = 0; first < count; first++) {
        uint32_t end = first, texts = 0;
        for (; end < count && (is_text(&nodes[end]) || nodes[end].kind == NODE_NOTHING);
             end++)
            texts += is_text(&nodes[end]);
        if (texts > 1 && !join_text(settling, nodes, first, end))
            return false;
        if (end > first)
            first = end - 1;
    }
    return true;
}

static bool settle_body(struct settling *settling, const struct body *body);

/* A node that is not settled as a whole: what lies within it. */
static bool settle_within(struct settling *settling, const struct node *node)
{
    bool ok = true;
    switch ((enum node_kind)node->kind) {
    case NODE_CAPTURE: return settle_body(settling, &node->assignment->body);
    case NODE_IFCHANGED: return settle_body(settling, node->body);
    case NODE_IF:
        for (uint32_t i = 0; ok && i < node->branches->count; i++)
            ok = settle_body(settling, &node->branches->branches[i].body);
        return ok;
    case NODE_CASE:
        for (uint32_t i = 0; ok && i < node->choice->count; i++)
            ok = settle_body(settling, node->choice->whens[i].body);
        return ok;
    case NODE_FOR:
    case NODE_TABLEROW:
        return settle_body(settling, &node->loop->body) &&
               settle_body(settling, &node->loop->otherwise);
    case NODE_TEXT:
    case NODE_RAW:
    case NODE_OUTPUT:
    case NODE_ASSIGN:
    case NODE_CYCLE:
    case NODE_INCREMENT:
    case NODE_DECREMENT:
    case NODE_BREAK:
    case NODE_CONTINUE:
    case NODE_RENDER:
    case NODE_INCLUDE:
    case NODE_NOTHING: return true;
    }
    return true;
}

static bool settle_body(struct settling *settling, const struct body *body)
{
    /* The compiler's own memory, which a finished body only lends as constant. */
    struct node *nodes = (struct node *)body->nodes;
    for (uint32_t i = 0; i < body->count; i++) {
        bool is_candidate = !is_text(&nodes[i]) && nodes[i].kind != NODE_NOTHING &&
                            node_is_settled(settling, &nodes[i]);
        bool ok = is_candidate ? settle_node(settling, &nodes[i])
                               : settle_within(settling, &nodes[i]);
        if (!ok)
            return false;
    }
    return join_neighbours(settling, nodes, body->count);
}

bool compiler_settle(struct compiler *compiler)
{
    const struct template *template = compiler->template;
    if (compiler->options->statics == NULL || template->mode == TEMPLATE_LAX ||
        template->has_dynamic_partials)
        return true;
    struct settling settling = {.compiler = compiler,
                                .machine = template_machine_new(NULL)};
    if (settling.machine == NULL)
        return compiler_alloc(compiler, SIZE_MAX) != NULL;
    bool ok = settle_body(&settling, &template->body);
    template_machine_free(settling.machine);
    return ok;
}
