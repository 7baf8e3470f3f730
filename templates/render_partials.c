#include "templates/machine.h"

/* render, which sees only its arguments and what is everybody's, and include, which
 * sees and sets what its surroundings do. */

static bool partial_is_usable(struct template_machine *machine,
                              const struct partial *partial)
{
    if (!partial->is_missing)
        return true;
    machine_fail(machine, "%.*s", STR_ARG(partial->problem));
    machine->is_message = str_has_prefix(partial->problem, STR("Liquid syntax error"));
    return false;
}

/* Of a name from run time; NULL after machine_fail. */
static const struct partial *partial_by_name(struct template_machine *machine,
                                             const struct partial_call *call)
{
    const struct template *template = machine->template;
    struct value name = evaluate(machine, call->name);
    if (machine->failed)
        return NULL;
    if (name.type != VALUE_STRING) {
        machine_fail(machine,
                     "Argument error in tag 'include' - Illegal template name");
        return NULL;
    }
    uint32_t index;
    if (!machine_step(machine, 1 + name.n / 32))
        return NULL;
    if (template_partial(template, value_str(name), call->context, &index))
        return &template->partials[index];
    machine_fail(machine, "Could not find partial '%.*s'",
                 STR_ARG(str_head(value_str(name), 100)));
    return NULL;
}

static const struct partial *partial_of(struct template_machine *machine,
                                        const struct partial_call *call)
{
    const struct partial *partial = call->partial != PARTIAL_DYNAMIC
                                        ? &machine->template->partials[call->partial]
                                        : partial_by_name(machine, call);
    return partial != NULL && partial_is_usable(machine, partial) ? partial : NULL;
}

/* One rendering of a partial in a frame of its own, whose one scope holds the
 * arguments: what the partial assigns replaces them. */
static bool render_once(struct template_machine *machine,
                        const struct partial_call *call, const struct partial *partial,
                        struct value variable, struct loop *loop)
{
    struct frame *outer = machine->frame, *inner = frame_new(machine, true);
    if (inner == NULL)
        return true;
    if (loop != NULL)
        inner->bindings[SYMBOL_FORLOOP].assigned =
            (struct value){.type = VALUE_LOOP, .loop = loop};
    for (uint32_t i = 0; i < call->argument_count; i++) {
        struct value value = evaluate(machine, call->arguments[i].value);
        inner->bindings[call->arguments[i].symbol].assigned =
            value.type == VALUE_ABSENT ? value_nil() : value;
    }
    if (machine->failed)
        return true;
    if (!value_is_nil(variable))
        inner->bindings[call->symbol].assigned = variable;
    unsigned scope_depth = machine->scope_depth;
    machine->base_depth++;
    machine->scope_depth = 1;
    machine->frame = inner;
    bool ok = render_body(machine, &partial->body);
    machine->frame = outer;
    machine->scope_depth = scope_depth;
    machine->base_depth--;
    machine->interrupt = INTERRUPT_NONE;
    inner->next_free = machine->free_frames;
    machine->free_frames = inner;
    return ok;
}

static bool can_go_through(struct value value)
{
    return value.type == VALUE_ARRAY || value.type == VALUE_OBJECT ||
           value.type == VALUE_RANGE;
}

bool render_partial(struct template_machine *machine, const struct partial_call *call)
{
    const struct partial *partial = partial_of(machine, call);
    if (partial == NULL)
        return true;
    if (machine->base_depth + machine->scope_depth > machine->limits.depth_max) {
        machine_fail(machine, "Nesting too deep");
        return true;
    }
    struct value variable =
        call->variable != NULL ? evaluate(machine, call->variable) : value_nil();
    if (!call->is_for || !can_go_through(variable))
        return render_once(machine, call, partial, variable, NULL);
    struct items items = items_of(variable);
    struct loop *loop = machine_alloc(machine, sizeof *loop);
    if (loop == NULL)
        return true;
    *loop = (struct loop){.length = (int64_t)items.count, .name = partial->name};
    for (size_t i = 0; i < items.count && !machine->failed; i++, loop->index++) {
        if (!machine_step(machine, 1))
            return true;
        if (!render_once(machine, call, partial, items_at(machine, &items, i), loop))
            return false;
    }
    return true;
}

/* Renders the partial with its variable set to a value. */
static bool include_once(struct template_machine *machine,
                         const struct partial *partial, uint32_t symbol,
                         struct value value)
{
    machine->frame->bindings[symbol].local =
        value.type == VALUE_ABSENT ? value_nil() : value;
    return render_body(machine, &partial->body);
}

static bool include_all(struct template_machine *machine, const struct partial *partial,
                        uint32_t symbol, struct value variable)
{
    if (variable.type != VALUE_ARRAY)
        return include_once(machine, partial, symbol, variable);
    for (uint32_t i = 0; i < variable.n && !machine->failed; i++) {
        if (!include_once(machine, partial, symbol, variable.items[i]))
            return false;
    }
    return true;
}

/* The arguments are set one after the other: the later ones see the earlier. */
static bool include_in_scope(struct template_machine *machine,
                             const struct partial_call *call,
                             const struct partial *partial, struct value variable)
{
    struct binding *bindings = machine->frame->bindings;
    uint32_t symbol = call->has_alias ? call->symbol : partial->symbol;
    struct value *before =
        machine_alloc(machine, (call->argument_count + 1) * sizeof *before);
    if (before == NULL)
        return true;
    for (uint32_t i = 0; i < call->argument_count; i++) {
        struct value *local = &bindings[call->arguments[i].symbol].local;
        struct value value = evaluate(machine, call->arguments[i].value);
        before[i] = *local;
        *local = value.type == VALUE_ABSENT ? value_nil() : value;
    }
    before[call->argument_count] = bindings[symbol].local;
    bool ok = machine->failed || include_all(machine, partial, symbol, variable);
    bindings[symbol].local = before[call->argument_count];
    for (uint32_t i = call->argument_count; i-- > 0;)
        bindings[call->arguments[i].symbol].local = before[i];
    return ok;
}

bool render_include(struct template_machine *machine, const struct partial_call *call)
{
    if (machine->frame->is_isolated) {
        machine_fail(machine, "include usage is not allowed in this context");
        return true;
    }
    const struct partial *partial = partial_of(machine, call);
    if (partial == NULL)
        return true;
    struct value variable = call->variable != NULL
                                ? evaluate(machine, call->variable)
                                : variable_get(machine, partial->name_symbol);
    if (machine->failed || !scope_enter(machine))
        return true;
    bool ok = include_in_scope(machine, call, partial, variable);
    scope_leave(machine);
    return ok;
}
