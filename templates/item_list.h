/*
 * item_list.h - what the array filters go through
 *
 * An array is flattened, an object is one item, a range its numbers, nil nothing,
 * anything else one item.
 *
 * Thread:  any; the memory is the machine's.
 */
#ifndef BROADSIDE_TEMPLATES_ITEM_LIST_H
#define BROADSIDE_TEMPLATES_ITEM_LIST_H

#include "templates/machine.h"

/* An array; empty after a failure. */
struct value item_list(struct template_machine *machine, struct value input);
/* Room for `count` items, or NULL after machine_exceeded. */
struct value *item_list_new(struct template_machine *machine, size_t count);

enum property {
    PROPERTY_FOUND,
    /* The item has no properties at all: nil, a float, true. */
    PROPERTY_NONE,
    /* After machine_fail: not with such a key. */
    PROPERTY_FAILED
};

/* True if the item has properties at all. */
bool item_has_properties(struct value item);
/* item[key], as the host language of the reference has it: a member of an object, a
 * part of a string, a bit of an integer. */
enum property item_property(struct template_machine *machine, struct value item,
                            struct value key, struct value *found);

#endif
