#include "cmd/case_partials.h"

#include <stdlib.h>

/*
 * Sorted once, then searched: a case may have thousands of partials, and a template may
 * ask for each of them. Where two have one name, the first counts.
 */

#define EXTENSION ".liquid"

static int compare_names(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int compare(const void *a, const void *b)
{
    const struct case_partial *x = a, *y = b;
    int order = compare_names(x->name, y->name);
    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

enum err case_partials_open(struct case_partials *partials, const struct value *object,
                            struct arena *arena)
{
    size_t count = object != NULL ? value_member_count(object) : 0;
    struct case_partial *sorted = arena_alloc(arena, (count + 1) * sizeof *sorted);
    if (sorted == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        sorted[i].source = value_member_at(object, i, &sorted[i].name);
        sorted[i].place = i;
    }
    qsort(sorted, count, sizeof *sorted, compare);
    *partials = (struct case_partials){object, sorted, count};
    return ERR_NONE;
}

static const struct value *find(const struct case_partials *partials, struct str name)
{
    size_t low = 0, high = partials->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names(partials->sorted[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < partials->count && str_equal(partials->sorted[low].name, name)
               ? partials->sorted[low].source
               : NULL;
}

static enum err load(void *self, struct str name, struct arena *arena,
                     struct str *source)
{
    char *full = arena_alloc(arena, name.n + sizeof EXTENSION);
    if (full == NULL)
        return ERR_MEMORY;
    memcpy(full, name.p, name.n);
    memcpy(full + name.n, EXTENSION, sizeof EXTENSION);
    const struct value *found =
        find(self, str_slice(full, name.n + sizeof EXTENSION - 1));
    if (found == NULL)
        found = find(self, name);
    if (found == NULL || !value_is_string(found, source))
        return ERR_NOT_FOUND;
    *source = arena_copy(arena, *source);
    return str_is_null(*source) ? ERR_MEMORY : ERR_NONE;
}

static enum err list(void *self, void *context,
                     enum err (*found)(void *context, struct str name))
{
    const struct case_partials *partials = self;
    enum err err = ERR_NONE;
    for (size_t i = 0; i < partials->count && err == ERR_NONE; i++) {
        struct str name;
        (void)value_member_at(partials->object, i, &name);
        size_t n = sizeof EXTENSION - 1;
        if (name.n > n && str_equal(str_from(name, name.n - n), STR(EXTENSION)))
            name.n -= n;
        err = found(context, name);
    }
    return err;
}

struct template_loader case_partials_loader(struct case_partials *partials)
{
    return (struct template_loader){partials, load, list};
}
