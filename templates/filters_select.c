#include "templates/filters.h"
#include "templates/item_list.h"

/*
 * where, reject, find, find_index and has: the items whose property has a value, or,
 * without a value, is true. An item without properties makes the result nil.
 */

struct selection {
    struct value list, key, wanted;
    bool has_wanted;
};

static struct selection select_from(struct template_machine *machine,
                                    struct value input, const struct value *arguments,
                                    size_t count)
{
    struct selection selection = {.list = item_list(machine, input),
                                  .key = arguments[0]};
    selection.has_wanted = count > 1 && !value_is_nil(arguments[1]);
    if (selection.has_wanted)
        selection.wanted = arguments[1];
    return selection;
}

static enum property matches(struct template_machine *machine,
                             const struct selection *selection, uint32_t index,
                             bool *match)
{
    struct value found;
    enum property property =
        item_property(machine, selection->list.items[index], selection->key, &found);
    *match = selection->has_wanted
                 ? machine_values_equal(machine, found, selection->wanted)
                 : value_is_true(found);
    return machine_step(machine, 1) ? property : PROPERTY_FAILED;
}

static struct value keep(struct template_machine *machine,
                         const struct selection *selection, bool wanted)
{
    struct value *items = item_list_new(machine, selection->list.n);
    size_t n = 0;
    if (items == NULL)
        return value_nil();
    for (uint32_t i = 0; i < selection->list.n; i++) {
        bool match;
        if (matches(machine, selection, i, &match) != PROPERTY_FOUND)
            return value_nil();
        if (match == wanted)
            items[n++] = selection->list.items[i];
    }
    return value_array(items, n);
}

struct value filter_where(struct template_machine *machine, struct value input,
                          const struct value *arguments, size_t count)
{
    struct selection selection = select_from(machine, input, arguments, count);
    return keep(machine, &selection, true);
}

struct value filter_reject(struct template_machine *machine, struct value input,
                           const struct value *arguments, size_t count)
{
    struct selection selection = select_from(machine, input, arguments, count);
    /* Without a property's name there is nothing to keep. */
    if (value_is_nil(selection.key) && selection.list.n > 0 &&
        selection.list.items[0].type == VALUE_STRING)
        return value_nil();
    return keep(machine, &selection, false);
}

/* The index of the first match, or -1; -2: an item without properties. */
static int64_t first_match(struct template_machine *machine,
                           const struct selection *selection)
{
    for (uint32_t i = 0; i < selection->list.n; i++) {
        bool match;
        if (matches(machine, selection, i, &match) != PROPERTY_FOUND)
            return -2;
        if (match)
            return i;
    }
    return -1;
}

struct value filter_find_item(struct template_machine *machine, struct value input,
                              const struct value *arguments, size_t count)
{
    struct selection selection = select_from(machine, input, arguments, count);
    int64_t index = first_match(machine, &selection);
    return index >= 0 ? selection.list.items[index] : value_nil();
}

struct value filter_find_index(struct template_machine *machine, struct value input,
                               const struct value *arguments, size_t count)
{
    struct selection selection = select_from(machine, input, arguments, count);
    int64_t index = first_match(machine, &selection);
    return index >= 0 ? value_integer(index) : value_nil();
}

struct value filter_has(struct template_machine *machine, struct value input,
                        const struct value *arguments, size_t count)
{
    struct selection selection = select_from(machine, input, arguments, count);
    int64_t index = first_match(machine, &selection);
    return index >= -1 ? value_bool(index >= 0) : value_nil();
}
