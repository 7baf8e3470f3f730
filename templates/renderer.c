#include "templates/machine.h"

#include <stdio.h>

/*
 * Walks the nodes of bodies. An error belongs to the node it happened in: a strict
 * template ends there, a lax one prints it in the node's place and goes on. After a
 * node that may have met {% break %} or {% continue %} a body looks for it; text is
 * printed in any case, as in the reference.
 */

bool scope_enter(struct template_machine *machine)
{
    if (machine->base_depth + machine->scope_depth < machine->limits.depth_max) {
        machine->scope_depth++;
        return true;
    }
    machine_fail(machine, "Nesting too deep");
    return false;
}

void scope_leave(struct template_machine *machine)
{
    machine->scope_depth--;
}

struct frame *frame_new(struct template_machine *machine, bool is_isolated)
{
    const struct template *template = machine->template;
    size_t bytes = sizeof(struct frame) +
                   template->symbol_count * sizeof(struct binding) +
                   template->loop_name_count * sizeof(int64_t);
    struct frame *frame = machine->free_frames;
    if (frame != NULL)
        machine->free_frames = frame->next_free;
    else
        frame = machine_alloc(machine, bytes);
    if (frame == NULL)
        return NULL;
    memset(frame, 0, bytes);
    frame->offsets = (int64_t *)(void *)&frame->bindings[template->symbol_count];
    frame->is_isolated = is_isolated;
    return frame;
}

/* Most outputs are of a column, or of a reserved name, as it is; false: it is empty, or
 * more has to be worked out. */
static bool find_text(struct template_machine *machine, const struct output *output,
                      struct str *text)
{
    const struct template_input *input = machine->input;
    if (!output->is_plain)
        return false;
    uint32_t index = output->expression->variable.symbol;
    const struct symbol *symbol = &machine->template->symbols[index];
    if (symbol->is_set)
        return false;
    if (symbol->field != PLACE_NONE && input->fields != NULL)
        *text = input->fields[symbol->field];
    else if (symbol->reserved != PLACE_NONE && input->reserved_values != NULL)
        *text = input->reserved_values[symbol->reserved];
    else
        return false;
    return text->n > 0 &&
           (output->filter_count == 0 || machine_step(machine, 1 + text->n / 8));
}

APART static void render_value(struct template_machine *machine,
                               const struct output *output)
{
    struct value value = evaluate_output(machine, output);
    if (machine->hole != NULL)
        missing_report(machine);
    machine_put_escaped(machine, value, output->place);
}

static void render_output(struct template_machine *machine, const struct output *output)
{
    struct str text;
    if (find_text(machine, output, &text))
        machine_put_text(machine, text, output->place);
    else
        render_value(machine, output);
}

/* Nothing is missed yet: only what is printed can leave a hole. */
static void render_assign(struct template_machine *machine,
                          const struct assignment *assignment)
{
    struct value value = evaluate_output(machine, assignment->value);
    if (value.type == VALUE_ABSENT)
        value = value_nil();
    if (machine->hole != NULL)
        value.flags |= VALUE_HAS_HOLE;
    if (!machine->failed)
        machine->frame->bindings[assignment->symbol].assigned = value;
}

static bool render_capture(struct template_machine *machine,
                           const struct assignment *assignment)
{
    bool was_capturing;
    struct run before = machine_capture_start(machine, &was_capturing);
    bool ok = render_body(machine, &assignment->body);
    struct value captured =
        value_string(machine_capture_end(machine, before, was_capturing));
    if (machine->template->escape == TEMPLATE_ESCAPE_HTML)
        captured.flags = VALUE_IS_HTML;
    machine->frame->bindings[assignment->symbol].assigned = captured;
    return ok;
}

static bool branch_holds(struct template_machine *machine,
                         const struct branches *branches, uint32_t index)
{
    const struct condition *condition = branches->branches[index].condition;
    if (condition == NULL)
        return true;
    bool holds = evaluate_condition(machine, condition);
    return index == 0 && branches->is_negated ? !holds : holds;
}

APART static bool render_if(struct template_machine *machine,
                            const struct branches *branches)
{
    for (uint32_t i = 0; i < branches->count; i++) {
        bool holds = branch_holds(machine, branches, i);
        if (machine->failed)
            return true;
        if (holds)
            return render_body(machine, &branches->branches[i].body);
    }
    return true;
}

/* Every `when` that matches is rendered; an `else`, if none has matched before it. */
static bool render_case(struct template_machine *machine, const struct choice *choice)
{
    bool matched = false;
    for (uint32_t i = 0; i < choice->count; i++) {
        const struct when *when = &choice->whens[i];
        bool renders = !matched;
        if (when->value != NULL) {
            renders = compare(machine, evaluate(machine, choice->subject),
                              COMPARE_EQUAL, evaluate(machine, when->value));
            matched = matched || renders;
        }
        if (machine->failed)
            return true;
        if (renders && !render_body(machine, when->body))
            return false;
    }
    return true;
}

static struct cycle_state *cycle_find(struct template_machine *machine,
                                      const struct cycle_node *cycle)
{
    struct value name = value_nil();
    if (cycle->name != NULL)
        name = evaluate(machine, cycle->name);
    if (machine->failed)
        return NULL;
    struct cycle_state *state = machine->frame->cycles;
    for (; state != NULL && machine_step(machine, 1); state = state->next) {
        bool same = cycle->name != NULL
                        ? state->key.p == NULL && values_identical(state->name, name)
                        : str_equal(state->key, cycle->key) && state->key.p != NULL;
        if (same)
            return state;
    }
    state = machine_alloc(machine, sizeof *state);
    if (state == NULL)
        return NULL;
    *state = (struct cycle_state){.name = name,
                                  .key = cycle->name != NULL ? STR_NULL : cycle->key,
                                  .next = machine->frame->cycles};
    machine->frame->cycles = state;
    return state;
}

static void render_cycle(struct template_machine *machine,
                         const struct cycle_node *cycle)
{
    struct cycle_state *state = cycle_find(machine, cycle);
    if (state == NULL)
        return;
    struct value value = value_nil();
    machine->hole = NULL;
    if (state->index < cycle->count) {
        value = evaluate(machine, &cycle->values[state->index]);
        if (value_is_missing(value))
            missing_note(machine, &cycle->values[state->index]);
    }
    if (machine->failed)
        return;
    missing_report(machine);
    machine_put_escaped(machine, value, cycle->place);
    state->index++;
    if (state->index >= cycle->count)
        state->index = 0;
}

static void render_counter(struct template_machine *machine, uint32_t symbol,
                           int64_t change)
{
    struct binding *binding = &machine->frame->bindings[symbol];
    if (binding->counter.type == VALUE_ABSENT) {
        struct value start = variable_in_data(machine, symbol);
        binding->counter = start.type == VALUE_INTEGER ? start : value_integer(0);
    }
    int64_t before = binding->counter.integer, after;
    if (__builtin_add_overflow(before, change, &after)) {
        machine_fail(machine, "too large a counter");
        return;
    }
    binding->counter.integer = after;
    machine_put_value(machine, value_integer(change > 0 ? before : after));
}

static bool render_ifchanged(struct template_machine *machine, const struct body *body)
{
    bool was_capturing;
    struct run before = machine_capture_start(machine, &was_capturing);
    bool ok = render_body(machine, body);
    struct value now =
        value_string(machine_capture_end(machine, before, was_capturing));
    struct frame *frame = machine->frame;
    if (frame->ifchanged.type == VALUE_ABSENT || !values_equal(frame->ifchanged, now)) {
        frame->ifchanged = now;
        machine_put(machine, value_str(now));
    }
    return ok;
}

APART static bool render_tag(struct template_machine *machine, const struct node *node)
{
    switch ((enum node_kind)node->kind) {
    case NODE_ASSIGN: render_assign(machine, node->assignment); break;
    case NODE_CAPTURE: return render_capture(machine, node->assignment);
    case NODE_CASE: return render_case(machine, node->choice);
    case NODE_FOR: return render_for(machine, node->loop);
    case NODE_TABLEROW: return render_tablerow(machine, node->loop);
    case NODE_CYCLE: render_cycle(machine, node->cycle); break;
    case NODE_INCREMENT: render_counter(machine, node->symbol, 1); break;
    case NODE_DECREMENT: render_counter(machine, node->symbol, -1); break;
    case NODE_BREAK: machine->interrupt = INTERRUPT_BREAK; break;
    case NODE_CONTINUE: machine->interrupt = INTERRUPT_CONTINUE; break;
    case NODE_RENDER: return render_partial(machine, node->call);
    case NODE_INCLUDE: return render_include(machine, node->call);
    case NODE_IFCHANGED: return render_ifchanged(machine, node->body);
    case NODE_TEXT:
    case NODE_RAW:
    case NODE_OUTPUT:
    case NODE_IF:
    case NODE_NOTHING: break;
    }
    return true;
}

static bool render_node(struct template_machine *machine, const struct node *node)
{
    if (node->kind == NODE_TEXT || node->kind == NODE_RAW)
        machine_put_span(machine, node->span);
    else if (node->kind == NODE_OUTPUT)
        render_output(machine, node->output);
    else if (node->kind == NODE_IF)
        return render_if(machine, node->branches);
    else if (node->kind != NODE_NOTHING)
        return render_tag(machine, node);
    return true;
}

/* "Liquid error (line 3): why", with the partial's name if it is in one. */
static int describe(const struct template_machine *machine, struct position position,
                    char *text, size_t cap)
{
    if (machine->is_message)
        return snprintf(text, cap, "%s", machine->why);
    if (position.partial == 0)
        return snprintf(text, cap, "Liquid error (line %u): %s", position.line,
                        machine->why);
    struct str name = template_source_name(machine->template, position);
    return snprintf(text, cap, "Liquid error (%.*s line %u): %s", STR_ARG(name),
                    position.line, machine->why);
}

/* True if rendering goes on behind the node that failed. */
COLD static bool recover(struct template_machine *machine, const struct node *node)
{
    char text[600];
    if (machine->fatal == ERR_NONE && machine->template->mode == TEMPLATE_LAX) {
        int n = describe(machine, node->position, text, sizeof text);
        machine->failed = false;
        if (!node->is_blank)
            machine_put_message(machine, str_slice(text, n < 600 ? (size_t)n : 599));
        return !machine->failed;
    }
    if (!machine->is_located) {
        machine->is_located = true;
        machine->position = node->position;
    }
    return false;
}

bool render_body(struct template_machine *machine, const struct body *body)
{
    if (++machine->nesting > MACHINE_NESTING_MAX) {
        machine->nesting--;
        machine_fail(machine, "Nesting too deep");
        return true;
    }
    bool ok = true;
    const struct node *node = body->nodes;
    for (uint32_t left = body->count; left > 0; left--, node++) {
        machine_step(machine, 1);
        ok = render_node(machine, node) && (!machine->failed || recover(machine, node));
        if (!ok || (machine->interrupt != INTERRUPT_NONE && node->kind != NODE_TEXT))
            break;
    }
    machine->nesting--;
    return ok;
}

static enum err render_failed(struct template_machine *machine, struct error *error)
{
    char text[600];
    describe(machine, machine->position, text, sizeof text);
    struct str name = template_source_name(machine->template, machine->position);
    return error_set(error, machine->fatal != ERR_NONE ? machine->fatal : ERR_DATA,
                     "rendering a template: %.*s:%u:%u: %s", STR_ARG(name),
                     machine->position.line, machine->position.column, text);
}

/* A fresh start; false if not even that fits the limits. */
static bool machine_start(struct template_machine *machine,
                          const struct template *template,
                          const struct template_input *input)
{
    arena_reset(&machine->arena);
    machine->template = template;
    machine->input = input;
    machine->run = (struct run){0};
    machine->is_capturing = false;
    machine->interrupt = INTERRUPT_NONE;
    machine->steps = machine->output_bytes = 0;
    machine->base_depth = 0;
    machine->scope_depth = 1;
    machine->nesting = 0;
    machine->recipient = (struct value){0};
    machine->free_frames = NULL;
    machine->failed = machine->is_message = machine->is_located = false;
    machine->fatal = ERR_NONE;
    machine->position = (struct position){.line = 1, .column = 1};
    machine->frame = frame_new(machine, false);
    return machine->frame != NULL;
}

/* Emptied, with room for as many as the last rendering had. */
static void empty_pieces(struct template_machine *machine, struct pieces *pieces)
{
    bool has_arena = pieces->arena != NULL && pieces->arena != &machine->arena;
    size_t cap = machine->pieces_before + machine->pieces_before / 8;
    pieces_init(pieces, has_arena ? pieces->arena : &machine->arena,
                pieces->max > 0 ? pieces->max : MACHINE_PIECES_MAX);
    machine->pieces = pieces;
    if (cap > pieces->max)
        cap = pieces->max;
    pieces->p = cap > 0 ? arena_alloc(pieces->arena, cap * sizeof *pieces->p) : NULL;
    pieces->cap = pieces->p != NULL ? cap : 0;
}

enum err template_render(const struct template *template,
                         struct template_machine *machine,
                         const struct template_input *input, struct pieces *pieces,
                         struct error *error)
{
    if (!machine_start(machine, template, input))
        return render_failed(machine, error);
    empty_pieces(machine, pieces);
    bool ok = render_body(machine, &template->body);
    if (ok && machine->run.n > 0)
        machine_flush(machine);
    machine->pieces_before = pieces->n;
    return ok && !machine->failed ? ERR_NONE : render_failed(machine, error);
}

enum err template_holds(const struct template *condition,
                        struct template_machine *machine,
                        const struct template_input *input, bool *holds,
                        struct error *error)
{
    *holds = false;
    if (!machine_start(machine, condition, input))
        return render_failed(machine, error);
    *holds = evaluate_condition(machine, condition->condition);
    return machine->failed ? render_failed(machine, error) : ERR_NONE;
}
