/*
 * yaml_tree.h - a small, strict YAML document as a tree with positions
 *
 * libyaml's events become maps, lists and texts. Every scalar is text; what it means
 * is decided by the key that holds it, so `no`, `1e3` and `08` surprise nobody. Refused
 * with file:line:column: anchors, aliases, tags, repeated keys, keys that are no text,
 * a second document, and a value that begins with a brace but is not quoted.
 *
 * Owns:    nothing; nodes and texts lie in the given arena.
 * Thread:  any.
 * Errors:  ERR_CONFIG.
 * Limits:  YAML_DEPTH_MAX levels, YAML_NODES_MAX nodes.
 * Source:  YAML 1.1, through libyaml.
 */
#ifndef BROADSIDE_CMD_CONFIG_YAML_TREE_H
#define BROADSIDE_CMD_CONFIG_YAML_TREE_H

#include "core/base/arena.h"
#include "core/base/err.h"

#define YAML_DEPTH_MAX 8
#define YAML_NODES_MAX 20000

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    /* From 1. */
    unsigned line, column;
    /* Of a text; its value's first byte may be looked at even if it is empty. */
    struct str text;
    /* Of a list or map written with brackets or braces. */
    bool is_flow;
    /* Members in order: of a list `next` links them, of a map each is a value that
     * knows its key. */
    struct yaml_node *first, *last, *next;
    struct str key;
    unsigned key_line, key_column;
};

/* Parses one document; `name` is the file's name for messages. *root is NULL for an
 * empty document. */
MUST_CHECK enum err yaml_tree_parse(struct str source, struct str name,
                                    struct arena *arena, struct yaml_node **root,
                                    struct error *error);
/* The value of a key, NULL if the map has none (or `map` is NULL). */
const struct yaml_node *yaml_member(const struct yaml_node *map, struct str key);

#endif
