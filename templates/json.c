#include "templates/number.h"
#include "templates/value_repr.h"

#include "core/base/arena.h"
#include "templates/unicode.h"

#include <stdlib.h>

/*
 * A recursive descent over the text, all into one arena. Items are collected on a
 * scratch stack and copied out when their array or object ends, so that each lies in
 * one piece. A repeated name keeps its first place and takes the last value, as the
 * hashes of the reference do. Cost: O(n).
 */
#define JSON_DEPTH_MAX  200
#define JSON_MEMORY_MAX (256u << 20)

struct root {
    /* First, so that a pointer to it is a pointer to the root. */
    struct value value;
    struct arena arena;
};

struct json {
    struct arena *arena;
    struct arena scratch;
    struct str text, name;
    size_t at;
    struct error *error;
};

static enum err json_fail(struct json *json, const char *why)
{
    unsigned line = 1;
    size_t line_start = 0, at = json->at < json->text.n ? json->at : json->text.n;
    for (size_t i = 0; i < at; i++) {
        if (json->text.p[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    return error_set(json->error, ERR_DATA, "reading JSON: %.*s:%u:%zu: %s",
                     STR_ARG(json->name), line, at - line_start + 1, why);
}

static enum err json_memory(struct json *json)
{
    return error_set(json->error, ERR_MEMORY, "reading JSON: %.*s: out of memory",
                     STR_ARG(json->name));
}

static void json_space(struct json *json)
{
    while (json->at < json->text.n) {
        char c = json->text.p[json->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        json->at++;
    }
}

static int json_peek(const struct json *json)
{
    return json->at < json->text.n ? (unsigned char)json->text.p[json->at] : -1;
}

static bool json_hex4(struct json *json, uint32_t *code)
{
    if (json->text.n - json->at < 4)
        return false;
    *code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = ascii_hex_digit(json->text.p[json->at++]);
        if (digit < 0)
            return false;
        *code = *code * 16 + (uint32_t)digit;
    }
    return true;
}

/* After "\u": one code point, from a surrogate pair if need be; a lone surrogate
 * becomes U+FFFD. */
static bool json_unicode(struct json *json, uint32_t *code)
{
    if (!json_hex4(json, code))
        return false;
    if (*code < 0xD800 || *code > 0xDFFF)
        return true;
    uint32_t low = 0;
    size_t before = json->at;
    if (*code < 0xDC00 && json->text.n - json->at >= 6 &&
        json->text.p[json->at] == '\\' && json->text.p[json->at + 1] == 'u') {
        json->at += 2;
        if (!json_hex4(json, &low))
            return false;
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
            return true;
        }
        json->at = before;
    }
    *code = 0xFFFD;
    return true;
}

static enum err json_escape(struct json *json, char *out, size_t *n)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int c = json_peek(json);
    json->at++;
    if (c == 'u') {
        uint32_t code;
        if (!json_unicode(json, &code))
            return json_fail(json, "a wrong \\u escape");
        *n += utf8_set(out + *n, code);
        return ERR_NONE;
    }
    const char *found = c > 0 ? strchr(names, c) : NULL;
    if (found == NULL)
        return json_fail(json, "a wrong escape in a string");
    out[(*n)++] = values[found - names];
    return ERR_NONE;
}

/* The bytes up to the closing quote; with `plain`, none of them is an escape. */
static size_t json_string_end(const struct json *json, bool *plain)
{
    size_t at = json->at;
    *plain = true;
    while (at < json->text.n && json->text.p[at] != '"') {
        if (json->text.p[at] == '\\') {
            *plain = false;
            at++;
        }
        at++;
    }
    return at < json->text.n ? at : json->text.n;
}

static enum err json_string(struct json *json, struct str *string)
{
    bool plain;
    json->at++;
    size_t end = json_string_end(json, &plain);
    if (end >= json->text.n)
        return json_fail(json, "a string without its end");
    char *out = arena_alloc(json->arena, end - json->at + 1);
    if (out == NULL)
        return json_memory(json);
    size_t n = 0;
    while (json->at < end) {
        char c = json->text.p[json->at++];
        if ((unsigned char)c < 0x20)
            return json_fail(json, "a control byte in a string");
        if (c != '\\') {
            out[n++] = c;
            continue;
        }
        enum err err = json_escape(json, out, &n);
        if (err != ERR_NONE)
            return err;
    }
    json->at++;
    *string = str_slice(out, n);
    return ERR_NONE;
}

static size_t json_digits(struct json *json)
{
    size_t before = json->at;
    while (json_peek(json) >= '0' && json_peek(json) <= '9')
        json->at++;
    return json->at - before;
}

static enum err json_number(struct json *json, struct value *value)
{
    size_t start = json->at;
    bool is_float = false;
    if (json_peek(json) == '-')
        json->at++;
    bool leading_zero = json_peek(json) == '0';
    size_t digits = json_digits(json);
    if (digits == 0 || (leading_zero && digits > 1))
        return json_fail(json, "a wrong number");
    if (json_peek(json) == '.') {
        is_float = true;
        json->at++;
        if (json_digits(json) == 0)
            return json_fail(json, "a wrong number");
    }
    if (json_peek(json) == 'e' || json_peek(json) == 'E') {
        is_float = true;
        json->at++;
        if (json_peek(json) == '+' || json_peek(json) == '-')
            json->at++;
        if (json_digits(json) == 0)
            return json_fail(json, "a wrong number");
    }
    struct str text = str_slice(json->text.p + start, json->at - start);
    *value = is_float ? value_float(number_parse_float(text))
                      : number_parse_integer(text, json->arena);
    return ERR_NONE;
}

static enum err json_value(struct json *json, struct value *value, unsigned depth);

static enum err json_literal(struct json *json, struct str word, enum value_type type,
                             struct value *value)
{
    if (!str_has_prefix(str_from(json->text, json->at), word))
        return json_fail(json, "not JSON");
    json->at += word.n;
    *value = (struct value){.type = (uint8_t)type};
    return ERR_NONE;
}

/* A growing row in the scratch arena; what it outgrew is lost until the end. */
struct row {
    char *p;
    size_t n, cap, size;
};

static void *row_add(struct json *json, struct row *row)
{
    if (row->n == row->cap) {
        size_t cap = row->cap > 0 ? row->cap * 2 : 8;
        char *p = arena_alloc(&json->scratch, cap * row->size);
        if (p == NULL)
            return NULL;
        if (row->n > 0)
            memcpy(p, row->p, row->n * row->size);
        row->p = p;
        row->cap = cap;
    }
    return row->p + row->n++ * row->size;
}

static void *row_copy(struct json *json, const struct row *row)
{
    void *copy = arena_alloc(json->arena, row->n * row->size + 1);
    if (copy != NULL && row->n > 0)
        memcpy(copy, row->p, row->n * row->size);
    return copy;
}

/* After an item: true if another follows. */
static bool json_comma(struct json *json, char close, enum err *err)
{
    json_space(json);
    int c = json_peek(json);
    if (c != ',' && c != close) {
        *err = json_fail(json, "a comma or a closing bracket is missing");
        return false;
    }
    json->at++;
    return c == ',';
}

static enum err json_array(struct json *json, struct value *value, unsigned depth)
{
    struct row row = {.size = sizeof(struct value)};
    enum err err = ERR_NONE;
    json->at++;
    json_space(json);
    if (json_peek(json) == ']') {
        json->at++;
    } else {
        do {
            struct value *item = row_add(json, &row);
            if (item == NULL)
                return json_memory(json);
            err = json_value(json, item, depth + 1);
        } while (err == ERR_NONE && json_comma(json, ']', &err));
    }
    if (err != ERR_NONE)
        return err;
    struct value *items = row_copy(json, &row);
    *value = value_array(items, row.n);
    return items != NULL ? ERR_NONE : json_memory(json);
}

/* Where names stand in a row of members, once there are too many to compare all. */
struct name_index {
    uint32_t *slots;
    size_t slot_count;
};

#define NAMES_COMPARED_MAX 32

/* The slot of a name: its member's number + 1, or 0 where it would go. */
static uint32_t *index_slot(const struct name_index *index,
                            const struct member *members, struct str name)
{
    size_t mask = index->slot_count - 1, slot = str_hash(name) & mask;
    while (index->slots[slot] != 0 &&
           !str_equal(members[index->slots[slot] - 1].name, name))
        slot = (slot + 1) & mask;
    return &index->slots[slot];
}

/* Keeps the index half empty; false without memory. */
static bool index_grow(struct json *json, struct name_index *index,
                       const struct member *members, size_t count)
{
    if (count < NAMES_COMPARED_MAX || count * 2 < index->slot_count)
        return true;
    size_t slot_count = 64;
    while (slot_count <= count * 2)
        slot_count *= 2;
    index->slot_count = slot_count;
    index->slots = arena_calloc(&json->scratch, slot_count, sizeof *index->slots);
    if (index->slots == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        *index_slot(index, members, members[i].name) = (uint32_t)i + 1;
    return true;
}

static struct value *find_name(const struct row *row, const struct name_index *index,
                               struct str name)
{
    struct member *members = (struct member *)(void *)row->p;
    if (index->slots != NULL) {
        uint32_t found = *index_slot(index, members, name);
        return found != 0 ? &members[found - 1].value : NULL;
    }
    for (size_t i = 0; i < row->n; i++) {
        if (str_equal(members[i].name, name))
            return &members[i].value;
    }
    return NULL;
}

/* The place for a member's value: that of an earlier one of the same name, or new;
 * NULL without memory. */
static struct value *json_place(struct json *json, struct row *row,
                                struct name_index *index, struct str name)
{
    struct value *found = find_name(row, index, name);
    if (found != NULL)
        return found;
    struct member *member = row_add(json, row);
    if (member == NULL)
        return NULL;
    member->name = name;
    struct member *members = (struct member *)(void *)row->p;
    if (!index_grow(json, index, members, row->n))
        return NULL;
    if (index->slots != NULL)
        *index_slot(index, members, name) = (uint32_t)row->n;
    return &member->value;
}

static enum err json_member(struct json *json, struct row *row,
                            struct name_index *index, unsigned depth)
{
    struct str name;
    struct value value;
    json_space(json);
    if (json_peek(json) != '"')
        return json_fail(json, "a member's name is missing");
    enum err err = json_string(json, &name);
    if (err != ERR_NONE)
        return err;
    json_space(json);
    if (json_peek(json) != ':')
        return json_fail(json, "a colon is missing");
    json->at++;
    err = json_value(json, &value, depth + 1);
    if (err != ERR_NONE)
        return err;
    struct value *place = json_place(json, row, index, name);
    if (place == NULL)
        return json_memory(json);
    *place = value;
    return ERR_NONE;
}

static enum err json_object(struct json *json, struct value *value, unsigned depth)
{
    struct row row = {.size = sizeof(struct member)};
    struct name_index index = {NULL, 0};
    enum err err = ERR_NONE;
    json->at++;
    json_space(json);
    if (json_peek(json) == '}') {
        json->at++;
    } else {
        do
            err = json_member(json, &row, &index, depth);
        while (err == ERR_NONE && json_comma(json, '}', &err));
    }
    if (err != ERR_NONE)
        return err;
    struct member *members = row_copy(json, &row);
    *value =
        (struct value){.type = VALUE_OBJECT, .n = (uint32_t)row.n, .members = members};
    return members != NULL ? ERR_NONE : json_memory(json);
}

static enum err json_value(struct json *json, struct value *value, unsigned depth)
{
    if (depth > JSON_DEPTH_MAX)
        return json_fail(json, "nested too deep");
    json_space(json);
    switch (json_peek(json)) {
    case '{': return json_object(json, value, depth);
    case '[': return json_array(json, value, depth);
    case 't': return json_literal(json, STR("true"), VALUE_TRUE, value);
    case 'f': return json_literal(json, STR("false"), VALUE_FALSE, value);
    case 'n': return json_literal(json, STR("null"), VALUE_NIL, value);
    case -1: return json_fail(json, "the text ends too early");
    case '"': {
        struct str string = STR("");
        enum err err = json_string(json, &string);
        *value = value_string(string);
        return err;
    }
    default: return json_number(json, value);
    }
}

enum err value_parse_json(struct str json, struct str name, struct value **value,
                          struct error *error)
{
    struct root *root = calloc(1, sizeof *root);
    if (root == NULL)
        return error_set(error, ERR_MEMORY, "reading JSON: %.*s: out of memory",
                         STR_ARG(name));
    arena_init(&root->arena, JSON_MEMORY_MAX);
    struct json parser = {
        .arena = &root->arena, .text = json, .name = name, .error = error};
    arena_init(&parser.scratch, JSON_MEMORY_MAX);
    if (str_has_prefix(json, STR("\xEF\xBB\xBF")))
        parser.at = 3;
    enum err err = json_value(&parser, &root->value, 0);
    json_space(&parser);
    if (err == ERR_NONE && parser.at < json.n)
        err = json_fail(&parser, "text after the end");
    arena_fini(&parser.scratch);
    if (err != ERR_NONE) {
        value_free(&root->value);
        return err;
    }
    *value = &root->value;
    return ERR_NONE;
}

void value_free(struct value *value)
{
    if (value == NULL)
        return;
    struct root *root = (struct root *)(void *)value;
    arena_fini(&root->arena);
    free(root);
}
