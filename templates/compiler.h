/*
 * compiler.h - what the files that read templates share
 *
 * One struct compiler lives while a template and its partials are read. Functions
 * that return bool return false once something was refused: compiler_fail has said
 * why, and everybody goes home. All memory is the template's arena.
 *
 * Owns:    nothing.
 * Keeps:   the source, which template_compile has copied into the arena.
 * Thread:  one at a time.
 * Limits:  blocks nest to 100, expressions to 100, 64 MiB of arena.
 */
#ifndef BROADSIDE_TEMPLATES_COMPILER_H
#define BROADSIDE_TEMPLATES_COMPILER_H

#include "templates/lexer.h"
#include "templates/program.h"

#define COMPILE_DEPTH_MAX   100
#define PARTIAL_NESTING_MAX 64
#define SPAN_NONE           UINT32_MAX
#define COMPILE_MEMORY_MAX  (64u << 20)

struct compiler {
    struct template *template;
    struct arena *arena;
    const struct template_options *options;
    struct error *error;
    enum err code;
    /* What is being read: its text, and which partial it is (0: the template). */
    struct str source;
    uint16_t partial;
    /* compiler_position goes on from here. */
    size_t at, line_start;
    uint32_t line;
    unsigned depth, expression_depth;
    /* A first reading whose refusal only means that the lax one is tried. */
    bool is_trial;
    /* The white space at the start of the next text goes. */
    bool trims_next;
    struct html_context context;
    /* The last span of text, as long as the context has not been fed with it. */
    uint32_t unfed_span;
    unsigned cycle_serial, partial_depth;
    /* The contexts in which partials are used whose name only run time tells. */
    struct row_of_contexts {
        struct html_context *p;
        size_t n, cap;
    } dynamic_contexts;
};

/* A row that grows in the arena. */
struct row {
    void *p;
    size_t n, cap;
};

/* Room for one more of `size` bytes, zeroed; NULL (after compiler_fail) without
 * memory. All elements of a row have the same size. */
void *row_add(struct compiler *compiler, struct row *row, size_t size);
/* Zeroed; NULL (after compiler_fail) without memory. */
void *compiler_alloc(struct compiler *compiler, size_t bytes);

/* Refuses the template at `at`, a place in the source; always false. */
bool compiler_fail(struct compiler *compiler, const char *at, const char *format, ...)
    PRINTF_LIKE(3, 4);
struct position compiler_position(struct compiler *compiler, const char *at);
/* The number of a name; UINT32_MAX without memory. */
uint32_t compiler_symbol(struct compiler *compiler, struct str name);
/* The same for a name that the template sets. */
uint32_t compiler_set_symbol(struct compiler *compiler, struct str name);
bool compiler_add_read(struct compiler *compiler, uint32_t symbol,
                       struct position position);
/* `name`, a slice of the source, is no filter's: for template_unknown_filters. */
bool compiler_add_unknown_filter(struct compiler *compiler, struct str name);
/* The number of a span of static text; UINT32_MAX without memory. */
uint32_t compiler_add_span(struct compiler *compiler, struct str text);
bool compiler_is_lax(const struct compiler *compiler);

/* expression_parser.c */

/* As the reference's messages show a tag, an output, and the one markup they do not. */
struct quote quote_tag(struct str markup);
struct quote quote_output(struct str markup);
struct quote quote_nothing(void);

/* Starts a strict reading. Refuses a character that begins no word wherever it stands:
 * the reference cuts all of a markup into words before it looks at the first. */
bool parse_start(struct compiler *compiler, struct lexer *lexer, struct str markup,
                 struct quote quote);
/* Reads an expression from the lexer. With `in_condition`, the words `blank` and
 * `empty` are themselves, not empty strings. NULL if refused. */
const struct expression *parse_expression(struct compiler *compiler,
                                          struct lexer *lexer, bool in_condition);
/* The same, into the caller's memory. */
bool parse_expression_into(struct compiler *compiler, struct lexer *lexer,
                           bool in_condition, struct expression *expression);
/* Refuses unless the next word is of this kind; steps over it. */
bool parse_expect(struct compiler *compiler, struct lexer *lexer, enum token_kind kind);
/* Steps over the next word if it is of this kind. */
bool parse_accept(struct lexer *lexer, enum token_kind kind);
/* Steps over the next word if it is this name. */
bool parse_accept_id(struct lexer *lexer, const char *name);
/* Refuses unless nothing is left. */
bool parse_end(struct compiler *compiler, struct lexer *lexer);
/* What stands between {{ and }}. */
bool parse_output(struct compiler *compiler, struct str markup, struct quote quote,
                  struct output *output);
bool add_filter(struct compiler *compiler, struct output *output, struct row *calls,
                struct str name, struct row *arguments, struct row *keywords);
void finish_output(struct compiler *compiler, struct output *output,
                   const struct row *calls);

/* lax_parser.c: as the reference reads what its strict parser refuses */

/* The next quoted fragment at or behind *at; false if there is none. */
bool lax_fragment(struct str markup, size_t *at, struct str *fragment);
bool lax_expression(struct compiler *compiler, struct str text, bool in_condition,
                    struct expression *expression);
const struct expression *lax_expression_new(struct compiler *compiler, struct str text,
                                            bool in_condition);
bool lax_output(struct compiler *compiler, struct str markup, struct output *output);
/* Calls `each` for every "key: value" in the markup. */
bool lax_attributes(struct compiler *compiler, struct str markup, void *self,
                    bool (*each)(struct compiler *compiler, void *self, struct str key,
                                 struct str value));

/* condition_parser.c */

const struct condition *parse_condition(struct compiler *compiler, struct str markup);

/* parser.c */

struct builder {
    struct row nodes;
    bool is_blank;
};

/* What stopped a body: a tag that is none by itself, or the end of the source. */
struct stop {
    struct str name, markup;
    const char *at;
    bool is_end;
};

bool parse_body(struct compiler *compiler, struct cutter *cutter,
                struct builder *builder, struct stop *stop);
/* The body of a block tag up to its end tag (true, *ended) or to a tag in between
 * that the caller may know (true, not *ended). Refuses the end of the source. */
bool parse_block_body(struct compiler *compiler, struct cutter *cutter,
                      struct str block, struct builder *builder, struct stop *stop,
                      bool *ended);
/* Refuses a tag that does not belong into the block. */
bool parse_unknown_tag(struct compiler *compiler, struct str block,
                       const struct stop *stop);
void builder_init(struct builder *builder);
/* Takes the text out of a body that prints only white space. */
void builder_drop_blanks(struct builder *builder);
struct body builder_body(const struct builder *builder);
struct node *builder_add(struct compiler *compiler, struct builder *builder,
                         enum node_kind kind, const char *at);

/* A tag: reads its markup and, for a block, its body; adds its node. */
typedef bool parse_tag(struct compiler *compiler, struct cutter *cutter,
                       const struct chunk *chunk, struct builder *builder);

/* simple_tags.c */
parse_tag parse_assign, parse_capture, parse_echo, parse_increment, parse_decrement,
    parse_break, parse_continue, parse_comment, parse_doc, parse_raw,
    parse_inline_comment, parse_ifchanged;
/* cycle_tag.c */
parse_tag parse_cycle;
/* branch_tags.c */
parse_tag parse_if, parse_unless, parse_case;
/* loop_tags.c */
parse_tag parse_for, parse_tablerow;
/* partial_tags.c */
parse_tag parse_render, parse_include;

/* Compiles every partial the loader can list, in each context where a name known only
 * at run time may ask for one. */
bool compile_dynamic_partials(struct compiler *compiler);

/* settle.c: renders once what options.statics settles for every recipient. After all
 * else is compiled. */
bool compiler_settle(struct compiler *compiler);

#endif
