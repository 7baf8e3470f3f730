/*
 * value.h - JSON as the template language sees it: immutable, member order kept
 *
 * Owns:    a value tree owns all its parts.
 * Thread:  any, once parsed.
 * Errors:  ERR_DATA with line and column of the JSON text; ERR_MEMORY.
 * Limits:  nesting of 200, 256 MiB of memory for one text.
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
/* What value_parse_json returned, not a member of it; NULL is allowed. */
void value_free(struct value *value);
bool value_is_object(const struct value *value);
/* A member of an object, NULL if there is none. */
const struct value *value_member(const struct value *value, struct str name);
/* How many members an object has; 0 for anything else. */
size_t value_member_count(const struct value *value);
/* The member at `index`, in the order of the JSON text, and its name. */
const struct value *value_member_at(const struct value *value, size_t index,
                                    struct str *name);
/* True for a string, whose bytes are then *text; true too for an integer if `integer`
 * is not NULL and the value is one. */
bool value_is_string(const struct value *value, struct str *text);
bool value_is_integer(const struct value *value, int64_t *integer);
bool value_is_null(const struct value *value);

#endif
