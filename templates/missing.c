#include "templates/machine.h"

/*
 * What a recipient lacks where it is printed. A CSV cannot say that there is no cell,
 * so an empty one counts too. Reading is no reason to report: conditions ask on
 * purpose, and an assigned value may be tested, replaced or never printed; it carries
 * its hole along until then. The price of a whole recipient is one test of a value's
 * flags.
 */

void missing_note(struct template_machine *machine, const struct expression *expression)
{
    if (machine->hole == NULL && expression->kind == EXPRESSION_VARIABLE &&
        expression->variable.root == NULL)
        machine->hole = expression;
}

/* The column's name alone for recipient.x and self["x y"], else the path to it. */
static struct str path_of(struct template_machine *machine,
                          const struct expression *expression)
{
    uint32_t symbol = expression->variable.symbol;
    struct text path = {.machine = machine};
    if ((symbol != SYMBOL_RECIPIENT && symbol != SYMBOL_SELF) ||
        expression->variable.lookup_count == 0)
        text_add(&path, machine->template->symbols[symbol].name);
    for (uint32_t i = 0; i < expression->variable.lookup_count; i++) {
        const struct lookup *lookup = &expression->variable.lookups[i];
        if (path.run.n > 0)
            text_add_char(&path, '.');
        if (lookup->key != NULL)
            text_add_value(&path, evaluate(machine, lookup->key));
        else
            text_add(&path, lookup->name);
    }
    return value_str(text_value(&path));
}

void missing_report(struct template_machine *machine)
{
    const struct expression *hole = machine->hole;
    const struct template_input *input = machine->input;
    if (hole == NULL || machine->failed || input->missing == NULL)
        return;
    struct str partial = hole->position.partial == 0
                             ? STR("")
                             : template_source_name(machine->template, hole->position);
    input->missing(input->missing_self, partial, path_of(machine, hole),
                   hole->position.line, hole->position.column);
}
