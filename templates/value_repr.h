/*
 * value_repr.h - how a value lies in memory; for the files of this folder only
 *
 * Sixteen bytes, passed by value. Strings, items and members are borrowed: from the
 * JSON tree, from the template, from the recipient's fields or from the machine's
 * arena, all of which outlive the rendering.
 *
 * Owns:    nothing.
 * Keeps:   what it borrows, for as long as the value is used.
 * Thread:  any, as long as nobody writes.
 * Errors:  none.
 */
#ifndef BROADSIDE_TEMPLATES_VALUE_REPR_H
#define BROADSIDE_TEMPLATES_VALUE_REPR_H

#include "templates/value.h"

enum value_type {
    /* No such binding: what a variable that was never set has. Zero on purpose. */
    VALUE_ABSENT,
    VALUE_NIL,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_INTEGER,
    /* An integer beyond 64 bits. */
    VALUE_BIG,
    /* One beyond 127 (huge.h). */
    VALUE_HUGE,
    VALUE_FLOAT,
    VALUE_STRING,
    VALUE_ARRAY,
    VALUE_OBJECT,
    VALUE_RANGE,
    /* The words `blank` and `empty` in a condition. */
    VALUE_BLANK,
    VALUE_EMPTY,
    /* forloop and tablerowloop. */
    VALUE_LOOP,
    /* `self`: the variables of a frame, as they are when it is asked. */
    VALUE_SELF
};

/* A string whose bytes are HTML already: captured, or out of `escape`. */
#define VALUE_IS_HTML 1
/* A column's value: a string that is compared with a number as the number it is. */
#define VALUE_IS_FIELD 2
/* Assigned from something that the recipient lacks: printed, it leaves a hole. */
#define VALUE_HAS_HOLE 4

__extension__ typedef __int128 int128;

struct member;
struct loop;
struct frame;
struct huge;

struct range {
    int64_t first, last;
};

struct value {
    uint8_t type, flags;
    /* Bytes, items or members. */
    uint32_t n;
    union {
        int64_t integer;
        double number;
        const int128 *big;
        const struct huge *huge;
        const char *text;
        const struct value *items;
        const struct member *members;
        const struct range *range;
        struct loop *loop;
        /* Outlives every place that can name it: {% render %} lets nothing out. */
        struct frame *frame;
    };
};

struct member {
    struct str name;
    struct value value;
};

/* forloop or tablerowloop: cols is 0 for the former. */
struct loop {
    int64_t length, index, col, row, cols;
    bool is_table;
    struct str name;
    struct loop *parent;
};

static inline struct value value_nil(void)
{
    return (struct value){.type = VALUE_NIL};
}

static inline struct value value_bool(bool truth)
{
    return (struct value){.type = truth ? VALUE_TRUE : VALUE_FALSE};
}

static inline struct value value_integer(int64_t integer)
{
    return (struct value){.type = VALUE_INTEGER, .integer = integer};
}

static inline struct value value_float(double number)
{
    return (struct value){.type = VALUE_FLOAT, .number = number};
}

/* Strings are below 4 GiB: every source of them has a smaller limit. */
static inline struct value value_string(struct str s)
{
    return (struct value){.type = VALUE_STRING, .n = (uint32_t)s.n, .text = s.p};
}

static inline struct value value_array(const struct value *items, size_t count)
{
    return (struct value){.type = VALUE_ARRAY, .n = (uint32_t)count, .items = items};
}

static inline struct str value_str(struct value value)
{
    return (struct str){value.text, value.n};
}

/* nil, also by the name of absence. */
static inline bool value_is_nil(struct value value)
{
    return value.type <= VALUE_NIL;
}

/* Only nil and false are false. */
static inline bool value_is_true(struct value value)
{
    return value.type > VALUE_FALSE;
}

#endif
