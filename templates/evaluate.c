#include "templates/filters.h"
#include "templates/machine.h"
#include "templates/number.h"

/*
 * Expressions, filters and conditions. A variable is looked for in this order:
 * innermost scope, what assign set, counters, then the input: reserved names, the
 * recipient's columns, data, statics. What the input has by a name alone is looked up
 * once per rendering and kept in the binding.
 */

static struct value field_value(struct str field)
{
    struct value value = value_string(field);
    value.flags = VALUE_IS_FIELD;
    return value;
}

/* All columns that this recipient has, as an object. */
APART static struct value recipient_object(struct template_machine *machine)
{
    const struct template *template = machine->template;
    if (machine->recipient.type != VALUE_ABSENT)
        return machine->recipient;
    struct member *members =
        machine_alloc(machine, template->field_count * sizeof *members);
    if (members == NULL)
        return value_nil();
    uint32_t n = 0;
    for (uint32_t i = 0; i < template->field_count; i++) {
        struct str field = machine->input->fields[i];
        if (!str_is_null(field))
            members[n++] = (struct member){template->fields[i], field_value(field)};
    }
    machine->recipient =
        (struct value){.type = VALUE_OBJECT, .n = n, .members = members};
    return machine->recipient;
}

static struct value object_get(struct template_machine *machine,
                               const struct value *object, struct str name)
{
    if (object == NULL || !machine_step(machine, object->n / 8 + name.n / 64))
        return value_nil();
    const struct value *found = value_member(object, name);
    return found != NULL ? *found : value_nil();
}

static bool has_fields(const struct template_machine *machine)
{
    return machine->template->field_count > 0 && machine->input->fields != NULL;
}

/* What the input has by a name that is no column's nor reserved. */
APART static struct value input_find(struct template_machine *machine, struct str name)
{
    const struct template_input *input = machine->input;
    if (!machine->frame->is_isolated) {
        struct value value = object_get(machine, input->data, name);
        if (!value_is_nil(value))
            return value;
    }
    return object_get(machine, input->statics, name);
}

/* What the input has for a symbol; `found` remembers what took a search. */
static struct value global_get(struct template_machine *machine,
                               const struct symbol *symbol, struct value *found)
{
    const struct template_input *input = machine->input;
    if (symbol->field != PLACE_NONE && input->fields != NULL &&
        !str_is_null(input->fields[symbol->field]))
        return field_value(input->fields[symbol->field]);
    if (symbol->reserved != PLACE_NONE && input->reserved_values != NULL)
        return value_string(input->reserved_values[symbol->reserved]);
    if (symbol == &machine->template->symbols[SYMBOL_RECIPIENT] && has_fields(machine))
        return recipient_object(machine);
    if (found->type == VALUE_ABSENT)
        *found = input_find(machine, symbol->name);
    return *found;
}

static struct value binding_value(const struct binding *binding)
{
    if (binding->local.type != VALUE_ABSENT)
        return binding->local;
    return binding->assigned.type != VALUE_ABSENT ? binding->assigned
                                                  : binding->counter;
}

struct value variable_get(struct template_machine *machine, uint32_t index)
{
    const struct symbol *symbol = &machine->template->symbols[index];
    struct binding *binding = &machine->frame->bindings[index];
    if (symbol->is_set) {
        struct value value = binding_value(binding);
        if (value.type != VALUE_ABSENT)
            return value;
    }
    return global_get(machine, symbol, &binding->global);
}

struct value variable_in_data(struct template_machine *machine, uint32_t symbol)
{
    if (machine->frame->is_isolated)
        return value_nil();
    return object_get(machine, machine->input->data,
                      machine->template->symbols[symbol].name);
}

/* A variable by a name that only run time tells. */
APART static struct value variable_find(struct template_machine *machine,
                                        struct str name)
{
    const struct template *template = machine->template;
    if (!machine_step(machine, (name.n + template->field_count) / 32))
        return value_nil();
    uint32_t slot = *template_symbol_slot(template, name);
    if (slot != 0)
        return variable_get(machine, slot - 1);
    struct symbol symbol = template_symbol(template, name);
    struct value found = {.type = VALUE_ABSENT};
    return global_get(machine, &symbol, &found);
}

struct value self_member(struct template_machine *machine, struct value self,
                         struct value name)
{
    struct frame *frame = machine->frame;
    if (name.type != VALUE_STRING)
        return value_nil();
    machine->frame = self.frame;
    struct value value = variable_find(machine, value_str(name));
    machine->frame = frame;
    return value;
}

static struct value loop_number(const struct loop *loop, struct str name)
{
    static const struct {
        struct str name;
        int kind;
    } names[] = {{{"index", 5}, 0},
                 {{"index0", 6}, 1},
                 {{"rindex", 6}, 2},
                 {{"rindex0", 7}, 3},
                 {{"length", 6}, 4}};
    const int64_t values[] = {loop->index + 1, loop->index, loop->length - loop->index,
                              loop->length - loop->index - 1, loop->length};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_equal(name, names[i].name))
            return value_integer(values[names[i].kind]);
    }
    return value_nil();
}

static struct value table_property(const struct loop *loop, struct str name)
{
    if (str_equal(name, STR("col")))
        return value_integer(loop->col);
    if (str_equal(name, STR("col0")))
        return value_integer(loop->col - 1);
    if (str_equal(name, STR("row")))
        return value_integer(loop->row);
    if (str_equal(name, STR("col_first")))
        return value_bool(loop->col == 1);
    if (str_equal(name, STR("col_last")))
        return value_bool(loop->col == loop->cols);
    return loop_number(loop, name);
}

static struct value loop_property(const struct loop *loop, struct str name)
{
    if (str_equal(name, STR("first")))
        return value_bool(loop->index == 0);
    if (str_equal(name, STR("last")))
        return value_bool(loop->index == loop->length - 1);
    if (loop->is_table)
        return table_property(loop, name);
    if (str_equal(name, STR("name")))
        return value_string(loop->name);
    if (str_equal(name, STR("parentloop")) && loop->parent != NULL)
        return (struct value){.type = VALUE_LOOP, .loop = loop->parent};
    return loop_number(loop, name);
}

static struct value array_at(struct value array, int64_t index)
{
    if (index < 0)
        index += array.n;
    return index >= 0 && index < array.n ? array.items[index] : value_nil();
}

/* first, last, size of what has them. */
static struct value command_value(struct template_machine *machine, struct value object,
                                  enum lookup_command command)
{
    if (object.type == VALUE_STRING && !machine_step(machine, object.n / 32))
        return value_nil();
    bool has_size = object.type >= VALUE_INTEGER && object.type <= VALUE_RANGE &&
                    object.type != VALUE_FLOAT;
    if (command == COMMAND_SIZE)
        return has_size ? filter_size(machine, object, NULL, 0) : value_nil();
    if (command == COMMAND_FIRST)
        return filter_first(machine, object, NULL, 0);
    return filter_last(machine, object, NULL, 0);
}

static struct value lookup_name(struct template_machine *machine, struct value object,
                                const struct lookup *lookup)
{
    if (object.type == VALUE_OBJECT && machine_step(machine, object.n / 8)) {
        const struct value *found = value_member(&object, lookup->name);
        if (found != NULL)
            return *found;
    } else if (object.type == VALUE_LOOP) {
        return loop_property(object.loop, lookup->name);
    } else if (object.type == VALUE_SELF) {
        return self_member(machine, object, value_string(lookup->name));
    }
    return lookup->command != COMMAND_NONE
               ? command_value(machine, object, lookup->command)
               : value_nil();
}

static struct value lookup_key(struct template_machine *machine, struct value object,
                               const struct lookup *lookup)
{
    struct value key = evaluate(machine, lookup->key);
    if (key.type == VALUE_INTEGER && object.type == VALUE_ARRAY)
        return array_at(object, key.integer);
    if (key.type != VALUE_STRING)
        return value_nil();
    if (object.type == VALUE_LOOP)
        return loop_property(object.loop, value_str(key));
    if (object.type == VALUE_SELF)
        return self_member(machine, object, key);
    return object_get(machine, &object, value_str(key));
}

/* The variable that an expression begins with. `self` stands for all of them, unless
 * one is called so: self["x y"]. */
static struct value evaluate_root(struct template_machine *machine,
                                  const struct expression *expression)
{
    if (expression->variable.root == NULL) {
        struct value value = variable_get(machine, expression->variable.symbol);
        if (value_is_nil(value) && expression->variable.symbol == SYMBOL_SELF)
            return (struct value){.type = VALUE_SELF, .frame = machine->frame};
        return value;
    }
    struct value name = evaluate(machine, expression->variable.root);
    return name.type == VALUE_STRING ? variable_find(machine, value_str(name))
                                     : value_nil();
}

APART static struct value look_up(struct template_machine *machine,
                                  const struct expression *expression,
                                  struct value object)
{
    const struct lookup *lookups = expression->variable.lookups;
    for (uint32_t i = 0; i < expression->variable.lookup_count; i++) {
        if (value_is_nil(object) || !machine_step(machine, 1))
            return value_nil();
        object = lookups[i].key != NULL ? lookup_key(machine, object, &lookups[i])
                                        : lookup_name(machine, object, &lookups[i]);
    }
    return object;
}

/* A float or a number too large, cut to 64 bits. */
static int64_t clamp(double number)
{
    if (!(number > -9e18))
        return INT64_MIN;
    return number < 9e18 ? (int64_t)number : INT64_MAX;
}

static int64_t range_end(struct template_machine *machine,
                         const struct expression *expression)
{
    struct value value = evaluate(machine, expression);
    if (value_is_nil(value))
        return 0;
    if (value.type == VALUE_FLOAT && expression->kind == EXPRESSION_LITERAL)
        return clamp(value.number);
    if (value.type != VALUE_STRING)
        return value_to_integer(machine, value);
    struct value number = number_value(
        number_of_text(value_str(value), &machine->arena), &machine->arena);
    return number.type == VALUE_INTEGER ? number.integer : clamp(number.number);
}

APART static struct value evaluate_range(struct template_machine *machine,
                                         const struct expression *expression)
{
    struct range *range = machine_alloc(machine, sizeof *range);
    if (range == NULL)
        return value_nil();
    range->first = range_end(machine, expression->range.first);
    range->last = range_end(machine, expression->range.last);
    return (struct value){.type = VALUE_RANGE, .range = range};
}

struct value evaluate(struct template_machine *machine,
                      const struct expression *expression)
{
    switch (expression->kind) {
    case EXPRESSION_LITERAL: return expression->literal;
    case EXPRESSION_RANGE: return evaluate_range(machine, expression);
    case EXPRESSION_VARIABLE: break;
    }
    struct value value = evaluate_root(machine, expression);
    return expression->variable.lookup_count > 0 ? look_up(machine, expression, value)
                                                 : value;
}

static struct value keywords_object(struct template_machine *machine,
                                    const struct filter_call *call)
{
    struct member *members =
        machine_alloc(machine, call->keyword_count * sizeof *members);
    if (members == NULL)
        return value_nil();
    for (uint32_t i = 0; i < call->keyword_count; i++)
        members[i] = (struct member){call->keywords[i].name,
                                     evaluate(machine, call->keywords[i].value)};
    return (struct value){
        .type = VALUE_OBJECT, .n = call->keyword_count, .members = members};
}

static void fail_count(struct template_machine *machine, const struct filter *filter,
                       uint32_t count)
{
    unsigned min = filter->arguments_min + 1u, max = filter->arguments_max + 1u;
    if (min == max)
        machine_fail(machine, "wrong number of arguments (given %u, expected %u)",
                     count + 1, min);
    else
        machine_fail(machine, "wrong number of arguments (given %u, expected %u..%u)",
                     count + 1, min, max);
}

static struct value apply_filter(struct template_machine *machine, struct value input,
                                 const struct filter_call *call)
{
    struct value arguments[FILTER_ARGUMENTS_MAX];
    const struct filter *filter = call->filter;
    uint32_t count = call->argument_count + (call->keyword_count > 0 ? 1 : 0);
    if (count < filter->arguments_min || count > filter->arguments_max) {
        fail_count(machine, filter, count);
        return value_nil();
    }
    for (uint32_t i = 0; i < call->argument_count; i++)
        arguments[i] = evaluate(machine, &call->arguments[i]);
    if (call->keyword_count > 0)
        arguments[call->argument_count] = keywords_object(machine, call);
    bool is_long = input.type == VALUE_STRING || input.type == VALUE_ARRAY;
    if (machine->failed || !machine_step(machine, 1 + (is_long ? input.n / 8 : 0)))
        return value_nil();
    return filter->apply(machine, input, arguments, count);
}

/* What fills the gap between words: an argument of theirs that is missing is one. */
static bool joins_text(const struct filter *filter)
{
    return filter->apply == filter_append || filter->apply == filter_prepend;
}

static void note_argument(struct template_machine *machine,
                          const struct expression *argument)
{
    if (machine->input->missing != NULL && argument->kind == EXPRESSION_VARIABLE &&
        !machine->failed && value_is_missing(evaluate(machine, argument)))
        missing_note(machine, argument);
}

APART static struct value apply_filters(struct template_machine *machine,
                                        const struct output *output, struct value value)
{
    for (uint32_t i = 0; i < output->filter_count && !machine->failed; i++) {
        const struct filter_call *call = &output->filters[i];
        if (i == output->default_end && value_is_missing(value))
            missing_note(machine, output->expression);
        value = apply_filter(machine, value, call);
        if (i >= output->default_end && joins_text(call->filter) &&
            call->argument_count == 1)
            note_argument(machine, &call->arguments[0]);
    }
    return value;
}

struct value evaluate_output(struct template_machine *machine,
                             const struct output *output)
{
    machine->hole = NULL;
    if (output->expression == NULL)
        return value_nil();
    struct value value = evaluate(machine, output->expression);
    if (output->filter_count > 0)
        value = apply_filters(machine, output, value);
    if (output->filter_count == output->default_end && value_is_missing(value))
        missing_note(machine, output->expression);
    return machine->failed ? value_nil() : value;
}

static bool evaluate_comparison(struct template_machine *machine,
                                const struct condition *condition)
{
    struct value left = evaluate(machine, condition->left);
    if (condition->comparison == COMPARE_TRUTH)
        return value_is_true(left);
    if (condition->comparison == COMPARE_UNKNOWN) {
        machine_fail(machine, "Unknown operator %.*s",
                     STR_ARG(condition->operator_text));
        return false;
    }
    struct value right = evaluate(machine, condition->right);
    if (machine->failed)
        return false;
    /* What most conditions ask. */
    if (condition->comparison == COMPARE_EQUAL && left.type == VALUE_STRING &&
        right.type == VALUE_STRING)
        return machine_step(machine, 1 + value_string_weight(left)) &&
               str_equal(value_str(left), value_str(right));
    return compare(machine, left, condition->comparison, right);
}

bool evaluate_condition(struct template_machine *machine,
                        const struct condition *condition)
{
    for (;; condition = condition->next) {
        bool holds = evaluate_comparison(machine, condition);
        if (machine->failed || !machine_step(machine, 1))
            return false;
        if (condition->relation == RELATION_NONE ||
            (condition->relation == RELATION_OR && holds) ||
            (condition->relation == RELATION_AND && !holds))
            return holds;
    }
}
