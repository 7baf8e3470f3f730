/*
 * yaml_tree.c - events to tree with a stack of open nodes
 *
 * A stack of at most YAML_DEPTH_MAX open maps and lists; in a map, a scalar is a key
 * when none is waiting for its value. Repeated keys are found by comparing with the
 * keys before: maps here have a dozen members.
 */
#include "cmd/config/yaml_tree.h"

#include <yaml.h>

struct yaml_reader {
    yaml_parser_t parser;
    struct str name, source;
    struct arena *arena;
    struct error *error;
    struct yaml_node *root;
    struct yaml_node *open[YAML_DEPTH_MAX];
    size_t depth, nodes, documents;
    /* The key that waits for its value, in the innermost map. */
    struct str key;
    yaml_mark_t key_mark;
};

#define TAB_HINT   "a tab where a line is indented; use spaces"
#define BRACE_HINT "a value that begins with a brace needs quotes; write '{{ name }}'"

static enum err refuse(struct yaml_reader *reader, yaml_mark_t mark, const char *what,
                       struct str detail)
{
    return error_set(reader->error, ERR_CONFIG,
                     "cannot read the file: %.*s:%zu:%zu: %s%s%.*s",
                     STR_ARG(reader->name), mark.line + 1, mark.column + 1, what,
                     detail.n > 0 ? ": " : "", STR_ARG(str_head(detail, 80)));
}

/* The source's line with that number (from 0). */
static struct str source_line(struct str source, size_t number)
{
    struct str rest = source, line = STR_NULL;
    for (size_t i = 0; i <= number && !str_is_null(rest); i++)
        line = str_split(rest, '\n', &rest);
    return line;
}

/* True if the line's value (behind "key: " or "- ") begins with a brace. */
static bool value_begins_with_brace(struct str line)
{
    struct str value = str_trim(line);
    while (str_has_prefix(value, STR("- ")))
        value = str_trim(str_from(value, 2));
    if (value.n > 0 && value.p[0] == '{')
        return true;
    for (size_t i = 0; i + 1 < value.n; i++) {
        if (value.p[i] == ':' && (value.p[i + 1] == ' ' || value.p[i + 1] == '\t')) {
            value = str_trim(str_from(value, i + 1));
            return value.n > 0 && value.p[0] == '{';
        }
    }
    return false;
}

/* libyaml says at which octet, not in which line. */
static enum err encoding_error(struct yaml_reader *reader)
{
    struct str before = str_head(reader->source, reader->parser.problem_offset);
    size_t line = 1, start = 0;
    for (size_t i = 0; i < before.n; i++) {
        if (before.p[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    return error_set(reader->error, ERR_CONFIG,
                     "cannot read the file: %.*s:%zu:%zu: %s; save it as UTF-8",
                     STR_ARG(reader->name), line, before.n - start + 1,
                     reader->parser.problem);
}

static enum err syntax_error(struct yaml_reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    yaml_mark_t mark = parser->problem_mark;
    if (parser->error == YAML_MEMORY_ERROR)
        return error_set(reader->error, ERR_MEMORY,
                         "cannot read the file: %.*s: out of memory",
                         STR_ARG(reader->name));
    if (parser->error == YAML_READER_ERROR)
        return encoding_error(reader);
    if (value_begins_with_brace(source_line(reader->source, mark.line)) ||
        value_begins_with_brace(source_line(reader->source, parser->context_mark.line)))
        return refuse(reader, mark, BRACE_HINT, STR_NULL);
    /* libyaml has two sentences for it, neither of which says what to do. */
    if (strstr(parser->problem, "tab") != NULL ||
        str_has_prefix(source_line(reader->source, mark.line), STR("\t")))
        return refuse(reader, mark, TAB_HINT, STR_NULL);
    return refuse(reader, mark, parser->problem, STR_NULL);
}

static struct yaml_node *innermost(const struct yaml_reader *reader)
{
    return reader->depth > 0 ? reader->open[reader->depth - 1] : NULL;
}

static bool key_is_awaited(const struct yaml_reader *reader)
{
    const struct yaml_node *parent = innermost(reader);
    return parent != NULL && parent->kind == YAML_MAP && str_is_null(reader->key);
}

static enum err take_key(struct yaml_reader *reader, struct str text, yaml_mark_t mark)
{
    if (yaml_member(innermost(reader), text) != NULL)
        return refuse(reader, mark, "this key stands here twice", text);
    reader->key = arena_copy(reader->arena, text);
    reader->key_mark = mark;
    return str_is_null(reader->key) ? ERR_MEMORY : ERR_NONE;
}

static void append_member(struct yaml_node *parent, struct yaml_node *node)
{
    if (parent->last != NULL)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
}

/* A new node in its place in the tree, NULL without memory or beyond the limit. */
static struct yaml_node *node_new(struct yaml_reader *reader, enum yaml_kind kind,
                                  yaml_mark_t mark)
{
    struct yaml_node *parent = innermost(reader);
    struct yaml_node *node = arena_calloc(reader->arena, 1, sizeof(*node));
    if (node == NULL || ++reader->nodes > YAML_NODES_MAX)
        return NULL;
    node->kind = kind;
    node->line = (unsigned)mark.line + 1;
    node->column = (unsigned)mark.column + 1;
    if (parent == NULL) {
        reader->root = node;
        return node;
    }
    if (parent->kind == YAML_MAP) {
        node->key = reader->key;
        node->key_line = (unsigned)reader->key_mark.line + 1;
        node->key_column = (unsigned)reader->key_mark.column + 1;
        reader->key = STR_NULL;
    }
    append_member(parent, node);
    return node;
}

static enum err take_scalar(struct yaml_reader *reader, const yaml_event_t *event)
{
    struct str text =
        str_slice((const char *)event->data.scalar.value, event->data.scalar.length);
    if (memchr(text.p, '\0', text.n) != NULL)
        return refuse(reader, event->start_mark, "a NUL character", STR_NULL);
    if (key_is_awaited(reader))
        return take_key(reader, text, event->start_mark);
    struct yaml_node *node = node_new(reader, YAML_TEXT, event->start_mark);
    if (node == NULL)
        return refuse(reader, event->start_mark, "the file is too large", STR_NULL);
    node->text = arena_copy(reader->arena, text);
    return str_is_null(node->text) ? ERR_MEMORY : ERR_NONE;
}

static enum err open_node(struct yaml_reader *reader, const yaml_event_t *event,
                          enum yaml_kind kind, bool is_flow)
{
    if (key_is_awaited(reader))
        return refuse(reader, event->start_mark,
                      is_flow ? BRACE_HINT : "a key must be a plain text", STR_NULL);
    if (reader->depth == YAML_DEPTH_MAX)
        return refuse(reader, event->start_mark, "nested too deeply", STR_NULL);
    struct yaml_node *node = node_new(reader, kind, event->start_mark);
    if (node == NULL)
        return refuse(reader, event->start_mark, "the file is too large", STR_NULL);
    node->is_flow = is_flow;
    reader->open[reader->depth++] = node;
    return ERR_NONE;
}

static enum err refuse_extras(struct yaml_reader *reader, const yaml_event_t *event,
                              const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor != NULL)
        return refuse(reader, event->start_mark, "anchors are not supported",
                      str_of((const char *)anchor));
    if (tag != NULL)
        return refuse(reader, event->start_mark, "tags are not supported",
                      str_of((const char *)tag));
    return ERR_NONE;
}

static enum err take_node_event(struct yaml_reader *reader, const yaml_event_t *event)
{
    enum err err;
    switch ((int)event->type) {
    case YAML_SCALAR_EVENT:
        err = refuse_extras(reader, event, event->data.scalar.anchor,
                            event->data.scalar.tag);
        return err != ERR_NONE ? err : take_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        err = refuse_extras(reader, event, event->data.sequence_start.anchor,
                            event->data.sequence_start.tag);
        return err != ERR_NONE ? err
                               : open_node(reader, event, YAML_LIST,
                                           event->data.sequence_start.style ==
                                               YAML_FLOW_SEQUENCE_STYLE);
    case YAML_MAPPING_START_EVENT:
        err = refuse_extras(reader, event, event->data.mapping_start.anchor,
                            event->data.mapping_start.tag);
        return err != ERR_NONE ? err
                               : open_node(reader, event, YAML_MAP,
                                           event->data.mapping_start.style ==
                                               YAML_FLOW_MAPPING_STYLE);
    default: return ERR_BUG;
    }
}

static enum err take_event(struct yaml_reader *reader, const yaml_event_t *event)
{
    switch ((int)event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++reader->documents > 1)
            return refuse(reader, event->start_mark, "a second document begins here",
                          STR_NULL);
        return ERR_NONE;
    case YAML_ALIAS_EVENT:
        return refuse(reader, event->start_mark, "aliases are not supported",
                      str_of((const char *)event->data.alias.anchor));
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: reader->depth--; return ERR_NONE;
    case YAML_SCALAR_EVENT:
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: return take_node_event(reader, event);
    default: return ERR_NONE;
    }
}

static enum err read_events(struct yaml_reader *reader)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event))
            return syntax_error(reader);
        bool is_end = event.type == YAML_STREAM_END_EVENT;
        enum err err = take_event(reader, &event);
        yaml_event_delete(&event);
        if (is_end || err != ERR_NONE)
            return err;
    }
}

enum err yaml_tree_parse(struct str source, struct str name, struct arena *arena,
                         struct yaml_node **root, struct error *error)
{
    struct yaml_reader reader = {.name = name,
                                 .source = source,
                                 .arena = arena,
                                 .error = error,
                                 .key = STR_NULL};
    *root = NULL;
    if (!yaml_parser_initialize(&reader.parser))
        return error_set(error, ERR_MEMORY, "cannot read the file: %.*s: out of memory",
                         STR_ARG(name));
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)source.p,
                                 source.n);
    enum err err = read_events(&reader);
    yaml_parser_delete(&reader.parser);
    if (err == ERR_MEMORY)
        return error_set(error, ERR_MEMORY, "cannot read the file: %.*s: out of memory",
                         STR_ARG(name));
    if (err == ERR_NONE)
        *root = reader.root;
    return err;
}

const struct yaml_node *yaml_member(const struct yaml_node *map, struct str key)
{
    const struct yaml_node *node = map != NULL ? map->first : NULL;
    while (node != NULL && !str_equal(node->key, key))
        node = node->next;
    return node;
}
