#include "templates/item_list.h"

#include "templates/unicode.h"

struct value *item_list_new(struct template_machine *machine, size_t count)
{
    if (count > UINT32_MAX / 2) {
        machine_exceeded(machine, "too long a list");
        return NULL;
    }
    return machine_alloc(machine, (count + 1) * sizeof(struct value));
}

static size_t flat_count(struct value array)
{
    size_t count = 0;
    for (uint32_t i = 0; i < array.n; i++)
        count += array.items[i].type == VALUE_ARRAY ? flat_count(array.items[i]) : 1;
    return count;
}

static size_t flat_copy(struct value array, struct value *items)
{
    size_t n = 0;
    for (uint32_t i = 0; i < array.n; i++) {
        if (array.items[i].type == VALUE_ARRAY)
            n += flat_copy(array.items[i], items + n);
        else
            items[n++] = array.items[i];
    }
    return n;
}

static struct value flatten(struct template_machine *machine, struct value array)
{
    size_t count = flat_count(array);
    bool is_flat = count == array.n;
    for (uint32_t i = 0; i < array.n && is_flat; i++)
        is_flat = array.items[i].type != VALUE_ARRAY;
    if (is_flat)
        return array;
    struct value *items = item_list_new(machine, count);
    if (items == NULL)
        return value_array(NULL, 0);
    return value_array(items, flat_copy(array, items));
}

static struct value range_items(struct template_machine *machine, struct value range)
{
    struct items source = items_of(range);
    if (!machine_step(machine, source.count))
        return value_array(NULL, 0);
    struct value *items = item_list_new(machine, source.count);
    if (items == NULL)
        return value_array(NULL, 0);
    for (size_t i = 0; i < source.count; i++)
        items[i] = items_at(machine, &source, i);
    return value_array(items, source.count);
}

struct value item_list(struct template_machine *machine, struct value input)
{
    if (input.type == VALUE_ARRAY)
        return flatten(machine, input);
    if (input.type == VALUE_RANGE)
        return range_items(machine, input);
    if (value_is_nil(input))
        return value_array(NULL, 0);
    struct value *items = item_list_new(machine, 1);
    if (items == NULL)
        return value_array(NULL, 0);
    items[0] = input;
    return value_array(items, 1);
}

bool item_has_properties(struct value item)
{
    return item.type == VALUE_OBJECT || item.type == VALUE_STRING ||
           item.type == VALUE_INTEGER || item.type == VALUE_BIG ||
           item.type == VALUE_LOOP || item.type == VALUE_SELF;
}

static enum property refuse(struct template_machine *machine, struct value key)
{
    machine_fail(machine, "cannot select the property '%.*s'",
                 STR_ARG(str_head(value_text(machine, key), 100)));
    return PROPERTY_FAILED;
}

/* A key that is a number, cut to an integer. */
static bool index_of(struct value key, int64_t *index)
{
    if (key.type == VALUE_FLOAT && key.number > -9e18 && key.number < 9e18) {
        *index = (int64_t)key.number;
        return true;
    }
    *index = key.integer;
    return key.type == VALUE_INTEGER;
}

static enum property string_property(struct template_machine *machine,
                                     struct value string, struct value key,
                                     struct value *found)
{
    struct str s = value_str(string);
    int64_t at;
    if (key.type == VALUE_STRING) {
        if (key.n == 0 || memmem(s.p, s.n, key.text, key.n) != NULL)
            *found = key;
        return PROPERTY_FOUND;
    }
    if (!index_of(key, &at))
        return refuse(machine, key);
    int64_t count = (int64_t)utf8_count(s);
    if (at < 0)
        at += count;
    if (at >= 0 && at < count) {
        s = str_from(s, utf8_bytes(s, (size_t)at));
        *found = value_string(str_head(s, utf8_bytes(s, 1)));
    }
    return PROPERTY_FOUND;
}

static enum property integer_property(struct template_machine *machine, int128 integer,
                                      struct value key, struct value *found)
{
    int64_t at;
    if (!index_of(key, &at))
        return refuse(machine, key);
    if (at < 0)
        *found = value_integer(0);
    else
        *found = value_integer(at < 127 ? (int64_t)(integer >> at & 1) : integer < 0);
    return PROPERTY_FOUND;
}

enum property item_property(struct template_machine *machine, struct value item,
                            struct value key, struct value *found)
{
    *found = value_nil();
    switch ((int)item.type) {
    case VALUE_OBJECT:
        if (key.type == VALUE_STRING) {
            const struct value *member = value_member(&item, value_str(key));
            if (member != NULL)
                *found = *member;
        }
        return PROPERTY_FOUND;
    case VALUE_SELF: *found = self_member(machine, item, key); return PROPERTY_FOUND;
    case VALUE_STRING: return string_property(machine, item, key, found);
    case VALUE_INTEGER: return integer_property(machine, item.integer, key, found);
    case VALUE_BIG: return integer_property(machine, *item.big, key, found);
    default: return PROPERTY_NONE;
    }
}
