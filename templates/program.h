/*
 * program.h - a compiled template: rows of nodes, all in one arena
 *
 * The parser writes it, the renderer reads it; nothing changes it in between, so any
 * number of threads may render one. A body is one contiguous row of nodes; a variable
 * is a number (struct symbol), found by name only at compile time.
 *
 * Owns:    struct template owns everything here, partials included.
 * Thread:  any, once compiled.
 */
#ifndef BROADSIDE_TEMPLATES_PROGRAM_H
#define BROADSIDE_TEMPLATES_PROGRAM_H

#include "templates/html_context.h"
#include "templates/template.h"
#include "templates/value_repr.h"

#include "core/base/arena.h"

#define PLACE_NONE UINT32_MAX

/* Line and column from 1, and the partial (0: the template itself). */
struct position {
    uint32_t line;
    uint16_t column;
    uint16_t partial;
};

enum expression_kind { EXPRESSION_LITERAL, EXPRESSION_VARIABLE, EXPRESSION_RANGE };

enum lookup_command { COMMAND_NONE, COMMAND_SIZE, COMMAND_FIRST, COMMAND_LAST };

struct lookup {
    /* What stands in brackets, or NULL: then `name` is the key. */
    const struct expression *key;
    struct str name;
    enum lookup_command command;
};

struct expression {
    enum expression_kind kind;
    struct position position;
    union {
        struct value literal;
        struct {
            /* The variable; if `root` is not NULL, its value is the name. */
            uint32_t symbol, lookup_count;
            const struct lookup *lookups;
            const struct expression *root;
        } variable;
        struct {
            const struct expression *first, *last;
        } range;
    };
};

struct filter;

struct keyword {
    struct str name;
    const struct expression *value;
};

struct filter_call {
    const struct filter *filter;
    const struct expression *arguments;
    const struct keyword *keywords;
    uint32_t argument_count, keyword_count;
};

enum escaping {
    ESCAPING_NONE,
    /* HTML: text, and the value of an attribute in quotes. */
    ESCAPING_TEXT,
    ESCAPING_QUOTED,
    /* The rest of a tag. From here on few values are printed as they are. */
    ESCAPING_BARE,
    ESCAPING_HEADER
};

/* How what is printed at a place has to be escaped. */
struct place {
    /* enum escaping. */
    uint8_t escaping;
    /* HTML_URL_START or HTML_URL_SCHEME, where not every scheme may stand, else
     * HTML_URL_NONE. */
    uint8_t url;
};

/* What stands between {{ and }}: an expression through filters. */
struct output {
    /* NULL: nothing was written. */
    const struct expression *expression;
    const struct filter_call *filters;
    uint32_t filter_count;
    struct place place;
    /* The last filter is `raw`. */
    bool is_raw;
    /* A variable, perhaps with `default` and a literal, and nothing else. */
    bool is_plain;
    /* So many filters end with the last `default`, which fills what lacked before. */
    uint32_t default_end;
};

enum comparison {
    COMPARE_TRUTH,
    COMPARE_EQUAL,
    COMPARE_NOT_EQUAL,
    COMPARE_LESS,
    COMPARE_GREATER,
    COMPARE_LESS_EQUAL,
    COMPARE_GREATER_EQUAL,
    COMPARE_CONTAINS,
    /* Only in lax templates: fails when it is evaluated. */
    COMPARE_UNKNOWN
};

enum relation { RELATION_NONE, RELATION_AND, RELATION_OR };

/* A chain is evaluated from the left: `and` goes on while true, `or` while false. */
struct condition {
    const struct expression *left, *right;
    struct str operator_text;
    enum comparison comparison;
    enum relation relation;
    const struct condition *next;
};

struct body {
    const struct node *nodes;
    uint32_t count;
    /* No output in it but white space, which is then not printed either. */
    bool is_blank;
};

/* NULL as condition: else. */
struct branch {
    const struct condition *condition;
    struct body body;
};

struct branches {
    const struct branch *branches;
    uint32_t count;
    /* `unless`: the first condition is turned round. */
    bool is_negated;
};

/* One `when` value each; a body may belong to several. NULL: else. */
struct when {
    const struct expression *value;
    const struct body *body;
    /* The same as a number, while the tag is being read. */
    size_t body_index;
};

struct choice {
    const struct expression *subject;
    const struct when *whens;
    uint32_t count;
};

struct assignment {
    uint32_t symbol;
    const struct output *value;
    struct body body;
};

struct loop_node {
    /* "item-collection": what `offset: continue` remembers its place by. */
    struct str name;
    uint32_t symbol, name_index;
    bool is_reversed, continues;
    const struct expression *collection, *limit, *offset, *cols;
    struct body body, otherwise;
    bool has_otherwise;
};

struct cycle_node {
    /* The key: of a named one a value, of an unnamed one a text. */
    const struct expression *name;
    struct str key;
    const struct expression *values;
    uint32_t count;
    struct place place;
};

struct argument {
    uint32_t symbol;
    const struct expression *value;
};

struct partial_call {
    /* Of a literal name: which partial; else `name` tells at run time. */
    uint32_t partial;
    const struct expression *name, *variable;
    /* The variable to bind; with a name from run time, by that name. */
    uint32_t symbol;
    bool is_for, has_alias;
    const struct argument *arguments;
    uint32_t argument_count;
    struct html_context context;
};

#define PARTIAL_DYNAMIC UINT32_MAX

enum node_kind {
    NODE_TEXT,
    NODE_OUTPUT,
    NODE_ASSIGN,
    NODE_CAPTURE,
    NODE_IF,
    NODE_CASE,
    NODE_FOR,
    NODE_TABLEROW,
    NODE_CYCLE,
    NODE_INCREMENT,
    NODE_DECREMENT,
    NODE_BREAK,
    NODE_CONTINUE,
    NODE_RENDER,
    NODE_INCLUDE,
    NODE_IFCHANGED,
    /* The inside of {% raw %}: text that no rule about blank bodies drops. */
    NODE_RAW,
    /* A comment, a doc, an empty raw. */
    NODE_NOTHING
};

struct node {
    uint8_t kind;
    /* No error message is printed in its place. */
    bool is_blank;
    struct position position;
    union {
        uint32_t span;
        uint32_t symbol;
        const struct output *output;
        const struct assignment *assignment;
        const struct branches *branches;
        const struct choice *choice;
        const struct loop_node *loop;
        const struct cycle_node *cycle;
        const struct partial_call *call;
        const struct body *body;
    };
};

struct symbol {
    struct str name;
    /* Its place in options.fields or in options.reserved_names; PLACE_NONE where it has
     * none, and as a field where another meaning wins over it. */
    uint32_t field, reserved;
    /* Something in the template sets it. */
    bool is_set;
    /* The first partial and the `for` loop so called, plus one; 0: none. */
    uint32_t partial, loop;
};

/* A partial as it stands in one HTML context. */
struct partial {
    struct str name;
    struct html_context context, context_after;
    struct body body;
    /* Variable that {% include %} sets: the last part of the name. */
    uint32_t symbol;
    /* The variable that {% include %} without `with` looks for: the whole name. */
    uint32_t name_symbol;
    /* The next of the same name, in another context, plus one; 0: none. */
    uint32_t next;
    /* Not found or refused: said when it is used. */
    bool is_missing;
    struct str problem;
};

struct template
{
    struct arena arena;
    struct str name;
    enum template_mode mode;
    enum template_escape escape;
    struct body body;
    const struct condition *condition;
    struct str *spans;
    size_t span_count, span_cap;
    struct symbol *symbols;
    uint32_t symbol_count, symbol_cap;
    /* Hash table of twice symbol_cap slots: index + 1, or 0. */
    uint32_t *symbol_slots;
    struct partial *partials;
    uint32_t partial_count, partial_cap;
    /* Names of `for` loops. */
    uint32_t loop_name_count;
    /* A loop goes on where another one ended; a partial's name comes at run time. */
    bool has_continued_loops, has_dynamic_partials;
    const struct str *fields, *reserved_names;
    uint32_t field_count, reserved_count;
    /* Every read of a variable, for template_reads, and every unknown filter. */
    struct read *reads;
    size_t read_count, read_cap;
};

struct read {
    uint32_t symbol;
    struct position position;
    /* Not of a variable, but the name of a filter that there is not. */
    bool is_filter;
};

/* What a name stands for that nothing in the template sets. */
struct symbol template_symbol(const struct template *template, struct str name);
/* What a value needs in this context. */
struct place place_of(enum template_escape escape, const struct html_context *context,
                      bool is_raw);
/* The slot of a name: 0 in it, and it is where the name would stand. */
uint32_t *template_symbol_slot(const struct template *template, struct str name);
/* The partial of this name in this context; false: none. */
bool template_partial(const struct template *template, struct str name,
                      struct html_context context, uint32_t *index);

/* Symbols that every template has. */
enum { SYMBOL_FORLOOP, SYMBOL_TABLEROWLOOP, SYMBOL_RECIPIENT, SYMBOL_SELF };

/* The name of what a position lies in: the template's or a partial's. */
struct str template_source_name(const struct template *template,
                                struct position position);

#endif
