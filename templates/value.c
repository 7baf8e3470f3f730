#include "templates/value_repr.h"

bool value_is_object(const struct value *value)
{
    return value->type == VALUE_OBJECT;
}

bool value_is_null(const struct value *value)
{
    return value_is_nil(*value);
}

bool value_is_string(const struct value *value, struct str *text)
{
    if (value->type != VALUE_STRING)
        return false;
    *text = value_str(*value);
    return true;
}

bool value_is_integer(const struct value *value, int64_t *integer)
{
    if (value->type != VALUE_INTEGER)
        return false;
    *integer = value->integer;
    return true;
}

const struct value *value_member(const struct value *value, struct str name)
{
    if (value->type != VALUE_OBJECT)
        return NULL;
    for (uint32_t i = 0; i < value->n; i++) {
        if (str_equal(value->members[i].name, name))
            return &value->members[i].value;
    }
    return NULL;
}

size_t value_member_count(const struct value *value)
{
    return value->type == VALUE_OBJECT ? value->n : 0;
}

const struct value *value_member_at(const struct value *value, size_t index,
                                    struct str *name)
{
    *name = value->members[index].name;
    return &value->members[index].value;
}
