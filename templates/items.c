#include "templates/machine.h"

static size_t range_count(const struct range *range)
{
    if (range->last < range->first)
        return 0;
    size_t count = (size_t)range->last - (size_t)range->first;
    return count < SIZE_MAX ? count + 1 : count;
}

struct items items_of(struct value value)
{
    struct items items = {.source = value};
    if (value.type == VALUE_ARRAY || value.type == VALUE_OBJECT)
        items.count = value.n;
    else if (value.type == VALUE_STRING)
        items.count = value.n > 0;
    else if (value.type == VALUE_RANGE)
        items.count = range_count(value.range);
    return items;
}

/* A member as [name, value]. */
static struct value member_pair(struct template_machine *machine,
                                const struct member *member)
{
    struct value *pair = machine_alloc(machine, 2 * sizeof *pair);
    if (pair == NULL)
        return value_nil();
    pair[0] = value_string(member->name);
    pair[1] = member->value;
    return value_array(pair, 2);
}

struct value items_at(struct template_machine *machine, const struct items *items,
                      size_t index)
{
    struct value source = items->source;
    if (source.type == VALUE_ARRAY)
        return source.items[index];
    if (source.type == VALUE_OBJECT)
        return member_pair(machine, &source.members[index]);
    if (source.type == VALUE_RANGE)
        return value_integer(source.range->first + (int64_t)index);
    return source;
}
