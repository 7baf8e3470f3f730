/*
 * unknown_fields.h - names that a campaign's templates read and nobody has
 *
 * A name that is no column of the list, no member of the data file and none of the
 * reserved ones that have a value is empty for every recipient: most often it is
 * misspelt. Said before anything is sent, as a warning, for `{% if %}` may well ask for
 * what is not there.
 *
 * Thread:  any.
 * Limits:  UNKNOWN_FIELDS_MAX are reported, each name once a template.
 */
#ifndef BROADSIDE_CMD_UNKNOWN_FIELDS_H
#define BROADSIDE_CMD_UNKNOWN_FIELDS_H

#include "cmd/content.h"

#define UNKNOWN_FIELDS_MAX 20

/* A field or a filter that there is not. */
struct unknown_name {
    struct str where, name;
    unsigned line, column;
    /* What to tell of it. */
    const char *why;
};

typedef void unknown_field_each(void *self, const struct unknown_name *unknown);

void unknown_fields(const struct content *content, unknown_field_each *each,
                    void *self);
/* A warning on standard error for each. */
void unknown_fields_warn(const struct content *content);

#endif
