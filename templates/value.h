/*
 * value.h - JSON as the template language sees it: immutable, member order kept
 *
 * Owns:    a value tree owns all its parts.
 * Thread:  any, once parsed.
 * Errors:  ERR_DATA with line and column of the JSON text.
 * Source:  RFC 8259.
 */
#ifndef BROADSIDE_TEMPLATES_VALUE_H
#define BROADSIDE_TEMPLATES_VALUE_H

#include "core/base/err.h"
#include "core/base/str.h"

struct value;

/* Parses one JSON text; `name` is for messages. */
MUST_CHECK enum err value_parse_json(struct str json, struct str name,
                                     struct value **value, struct error *error);
void value_free(struct value *value);
bool value_is_object(const struct value *value);
/* A member of an object, NULL if there is none. */
const struct value *value_member(const struct value *value, struct str name);

#endif
