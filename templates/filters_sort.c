#include "templates/filters.h"
#include "templates/item_list.h"

/* A merge sort, so that equal items keep their order. Cost: O(n log n). */

struct sorting {
    struct template_machine *machine;
    /* What is compared, in step with the items. */
    bool (*comes_after)(struct sorting *sorting, struct value a, struct value b);
};

struct sort_item {
    struct value key, item;
};

/* nil comes last. */
static bool after_by_value(struct sorting *sorting, struct value a, struct value b)
{
    int order;
    if (values_compare(a, b, &order))
        return order > 0;
    if (value_is_nil(a) || value_is_nil(b))
        return value_is_nil(a);
    machine_fail(sorting->machine, "cannot sort values of incompatible types");
    return false;
}

static bool after_by_letters(struct sorting *sorting, struct value a, struct value b)
{
    if (value_is_nil(a) || value_is_nil(b))
        return value_is_nil(a) && !value_is_nil(b);
    struct str x = value_text(sorting->machine, a);
    struct str y = value_text(sorting->machine, b);
    for (size_t i = 0; i < x.n && i < y.n; i++) {
        unsigned char c = (unsigned char)ascii_lower(x.p[i]);
        unsigned char d = (unsigned char)ascii_lower(y.p[i]);
        if (c != d)
            return c > d;
    }
    return x.n > y.n;
}

static void merge(struct sorting *sorting, struct sort_item *items, size_t left,
                  size_t count, struct sort_item *spare)
{
    size_t i = 0, j = left, n = 0;
    memcpy(spare, items, left * sizeof *spare);
    while (i < left && j < count)
        items[n++] = sorting->comes_after(sorting, spare[i].key, items[j].key)
                         ? items[j++]
                         : spare[i++];
    while (i < left)
        items[n++] = spare[i++];
}

static void merge_sort(struct sorting *sorting, struct sort_item *items, size_t count,
                       struct sort_item *spare)
{
    if (count < 2 || !machine_step(sorting->machine, count / 4))
        return;
    size_t left = count / 2;
    merge_sort(sorting, items, left, spare);
    merge_sort(sorting, items + left, count - left, spare);
    merge(sorting, items, left, count, spare);
}

/* The keys of all items; false after a failure. A single item is not looked at. */
static bool set_keys(struct template_machine *machine, struct value list,
                     struct value property, struct sort_item *items)
{
    bool ok = true, by_property = !value_is_nil(property) && list.n > 1;
    for (uint32_t i = 0; i < list.n && ok; i++) {
        items[i] = (struct sort_item){list.items[i], list.items[i]};
        if (by_property)
            ok = item_property(machine, list.items[i], property, &items[i].key) ==
                 PROPERTY_FOUND;
    }
    return ok;
}

static bool all_have_properties(struct value list)
{
    for (uint32_t i = 0; i < list.n; i++) {
        if (!item_has_properties(list.items[i]))
            return false;
    }
    return true;
}

static struct value
sort(struct template_machine *machine, struct value input, struct value property,
     bool (*comes_after)(struct sorting *, struct value, struct value))
{
    struct sorting sorting = {machine, comes_after};
    struct value list = item_list(machine, input);
    if (!value_is_nil(property) && !all_have_properties(list))
        return value_nil();
    struct sort_item *items = machine_alloc(machine, (list.n + 1) * 2 * sizeof *items);
    struct value *sorted = item_list_new(machine, list.n);
    if (items == NULL || sorted == NULL || !set_keys(machine, list, property, items))
        return value_nil();
    merge_sort(&sorting, items, list.n, items + list.n);
    for (uint32_t i = 0; i < list.n; i++)
        sorted[i] = items[i].item;
    return value_array(sorted, list.n);
}

struct value filter_sort(struct template_machine *machine, struct value input,
                         const struct value *arguments, size_t count)
{
    return sort(machine, input, count > 0 ? arguments[0] : value_nil(), after_by_value);
}

struct value filter_sort_natural(struct template_machine *machine, struct value input,
                                 const struct value *arguments, size_t count)
{
    return sort(machine, input, count > 0 ? arguments[0] : value_nil(),
                after_by_letters);
}
