/*
 * case_partials.h - the partials of a case of `render --batch`, found by name
 *
 * Owns:    its index, in the arena it was opened with.
 * Keeps:   the object of partials.
 * Thread:  one at a time.
 * Errors:  ERR_MEMORY; of a load ERR_NOT_FOUND.
 * Limits:  none: O(n log n) once, O(log n) for each load.
 */
#ifndef BROADSIDE_CMD_CASE_PARTIALS_H
#define BROADSIDE_CMD_CASE_PARTIALS_H

#include "core/base/arena.h"
#include "templates/template.h"
#include "templates/value.h"

struct case_partials {
    const struct value *object;
    const struct case_partial {
        struct str name;
        const struct value *source;
        size_t place;
    } * sorted;
    size_t count;
};

/* `object`: NAME.liquid or NAME -> source; NULL: none. */
MUST_CHECK enum err case_partials_open(struct case_partials *partials,
                                       const struct value *object, struct arena *arena);
/* Loads from `partials`, which has to outlive it. */
struct template_loader case_partials_loader(struct case_partials *partials);

#endif
