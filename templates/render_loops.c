#include "templates/machine.h"
#include "templates/number.h"

/* for and tablerow. The variables of a loop are bindings that it puts aside and
 * restores, so that a lookup never walks a chain of scopes. */

/* What a loop goes through: `count` items from `first`, perhaps backwards. */
struct segment {
    struct items items;
    size_t first, count;
    bool is_reversed;
};

static struct segment cut_segment(struct value collection, int64_t from, bool has_limit,
                                  int64_t limit)
{
    struct segment segment = {.items = items_of(collection)};
    size_t count = segment.items.count;
    /* A string is its only item, wherever the segment starts. */
    if (collection.type == VALUE_STRING) {
        segment.count = count;
        return segment;
    }
    int64_t to = 0;
    bool overflow = has_limit && __builtin_add_overflow(from, limit, &to);
    size_t first = from > 0 ? (size_t)from : 0, end = count;
    if (has_limit && !overflow)
        end = to <= 0 ? 0 : (size_t)to < count ? (size_t)to : count;
    segment.first = first;
    segment.count = end > first ? end - first : 0;
    return segment;
}

static struct value segment_at(struct template_machine *machine,
                               const struct segment *segment, size_t index)
{
    size_t at = segment->is_reversed ? segment->count - 1 - index : index;
    return items_at(machine, &segment->items, segment->first + at);
}

static int64_t for_number(struct template_machine *machine,
                          const struct expression *expression, bool *is_given)
{
    struct value value =
        expression != NULL ? evaluate(machine, expression) : value_nil();
    *is_given = !value_is_nil(value);
    return *is_given ? value_to_integer(machine, value) : 0;
}

static struct segment for_segment(struct template_machine *machine,
                                  const struct loop_node *loop)
{
    bool has_offset, has_limit;
    int64_t *offset = &machine->frame->offsets[loop->name_index];
    int64_t from =
        loop->continues ? *offset : for_number(machine, loop->offset, &has_offset);
    struct value collection = evaluate(machine, loop->collection);
    int64_t limit = for_number(machine, loop->limit, &has_limit);
    struct segment segment = cut_segment(collection, from, has_limit, limit);
    segment.is_reversed = loop->is_reversed;
    if (!machine->failed)
        *offset = from + (int64_t)segment.count;
    return segment;
}

/* After a body: true if the loop ends here. */
static bool loop_breaks(struct template_machine *machine)
{
    enum interrupt interrupt = machine->interrupt;
    machine->interrupt = INTERRUPT_NONE;
    return interrupt == INTERRUPT_BREAK;
}

static bool go_through(struct template_machine *machine, const struct loop_node *node,
                       const struct segment *segment, struct loop *loop)
{
    struct binding *bindings = machine->frame->bindings;
    for (size_t i = 0; i < segment->count; i++) {
        if (!machine_step(machine, 1))
            return true;
        struct value item = segment_at(machine, segment, i);
        bindings[node->symbol].local = value_is_nil(item) ? value_nil() : item;
        if (!render_body(machine, &node->body))
            return false;
        loop->index++;
        if (loop_breaks(machine))
            break;
    }
    return true;
}

bool render_for(struct template_machine *machine, const struct loop_node *node)
{
    struct segment segment = for_segment(machine, node);
    if (machine->failed)
        return true;
    if (segment.count == 0)
        return !node->has_otherwise || render_body(machine, &node->otherwise);
    struct loop *loop = machine_alloc(machine, sizeof *loop);
    if (loop == NULL || !scope_enter(machine))
        return true;
    struct frame *frame = machine->frame;
    *loop = (struct loop){
        .length = (int64_t)segment.count, .name = node->name, .parent = frame->loop};
    struct value before = frame->bindings[node->symbol].local;
    struct value loop_before = frame->bindings[SYMBOL_FORLOOP].local;
    frame->bindings[SYMBOL_FORLOOP].local =
        (struct value){.type = VALUE_LOOP, .loop = loop};
    frame->loop = loop;
    bool ok = go_through(machine, node, &segment, loop);
    frame->loop = loop->parent;
    frame->bindings[SYMBOL_FORLOOP].local = loop_before;
    frame->bindings[node->symbol].local = before;
    scope_leave(machine);
    return ok;
}

/* As to_i: what has none is refused. */
static int64_t table_number(struct template_machine *machine,
                            const struct expression *expression)
{
    struct value value = evaluate(machine, expression);
    if (value.type == VALUE_INTEGER)
        return value.integer;
    if (value_is_nil(value))
        return 0;
    if (value.type != VALUE_STRING && value.type != VALUE_FLOAT) {
        machine_fail(machine, "invalid integer");
        return 0;
    }
    struct value whole =
        number_value(number_floor(number_of(value, &machine->arena), &machine->arena),
                     &machine->arena);
    return whole.type == VALUE_INTEGER ? whole.integer : 0;
}

static void put_number(struct template_machine *machine, struct str before,
                       int64_t number, struct str after)
{
    machine_put(machine, before);
    machine_put_value(machine, value_integer(number));
    machine_put(machine, after);
}

static void table_step(struct loop *loop)
{
    loop->index++;
    if (loop->col == loop->cols) {
        loop->col = 1;
        loop->row++;
    } else {
        loop->col++;
    }
}

static bool render_cell(struct template_machine *machine, const struct loop_node *node,
                        struct loop *loop)
{
    put_number(machine, STR("<td class=\"col"), loop->col, STR("\">"));
    if (!render_body(machine, &node->body))
        return false;
    machine_put(machine, STR("</td>"));
    return true;
}

static bool go_through_cells(struct template_machine *machine,
                             const struct loop_node *node,
                             const struct segment *segment, struct loop *loop)
{
    struct binding *bindings = machine->frame->bindings;
    for (size_t i = 0; i < segment->count; i++) {
        if (!machine_step(machine, 1))
            return true;
        struct value item = segment_at(machine, segment, i);
        bindings[node->symbol].local = value_is_nil(item) ? value_nil() : item;
        if (!render_cell(machine, node, loop))
            return false;
        if (loop_breaks(machine))
            break;
        if (loop->col == loop->cols && loop->index != loop->length - 1)
            put_number(machine, STR("</tr>\n<tr class=\"row"), loop->row + 1,
                       STR("\">"));
        table_step(loop);
    }
    return true;
}

static bool render_table(struct template_machine *machine, const struct loop_node *node,
                         const struct segment *segment, int64_t cols)
{
    struct loop *loop = machine_alloc(machine, sizeof *loop);
    if (loop == NULL || !scope_enter(machine))
        return true;
    *loop = (struct loop){.length = (int64_t)segment->count,
                          .col = 1,
                          .row = 1,
                          .cols = cols,
                          .is_table = true};
    struct binding *bindings = machine->frame->bindings;
    struct value before = bindings[node->symbol].local;
    struct value loop_before = bindings[SYMBOL_TABLEROWLOOP].local;
    bindings[SYMBOL_TABLEROWLOOP].local =
        (struct value){.type = VALUE_LOOP, .loop = loop};
    machine_put(machine, STR("<tr class=\"row1\">\n"));
    bool ok = go_through_cells(machine, node, segment, loop);
    if (ok)
        machine_put(machine, STR("</tr>\n"));
    bindings[SYMBOL_TABLEROWLOOP].local = loop_before;
    bindings[node->symbol].local = before;
    scope_leave(machine);
    return ok;
}

bool render_tablerow(struct template_machine *machine, const struct loop_node *node)
{
    struct value collection = evaluate(machine, node->collection);
    if (!value_is_true(collection) || machine->failed)
        return true;
    int64_t from = node->offset != NULL ? table_number(machine, node->offset) : 0;
    int64_t limit = node->limit != NULL ? table_number(machine, node->limit) : 0;
    struct segment segment = cut_segment(collection, from, node->limit != NULL, limit);
    int64_t cols =
        node->cols != NULL ? table_number(machine, node->cols) : (int64_t)segment.count;
    if (machine->failed)
        return true;
    return render_table(machine, node, &segment, cols);
}
