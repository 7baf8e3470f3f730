/*
 * template.h - Liquid: compiled once, rendered per recipient
 *
 * The language is Shopify's Liquid 5.x. A compiled template is immutable and shared by
 * all threads; a machine is one thread's scratch memory, reused from render to render,
 * so the steady state allocates nothing.
 *
 * Owns:    a template owns all it refers to, partials included.
 * Thread:  template: any; machine: one at a time.
 * Errors:  compile: ERR_DATA with file:line:column and the offending text. Render:
 *          ERR_DATA, ERR_LIMIT; in lax mode errors are printed inline as the reference
 *          does.
 * Limits:  struct template_limits; no file, network or environment access at all:
 *          partials come from the loader at compile time.
 * Source:  Shopify/liquid 5.x, Shopify/liquid-spec, golden-liquid.
 */
#ifndef BROADSIDE_TEMPLATES_TEMPLATE_H
#define BROADSIDE_TEMPLATES_TEMPLATE_H

#include "core/base/err.h"
#include "core/base/piece.h"

struct template;
struct template_machine;
/* An immutable JSON value (value.h). */
struct value;

enum template_mode { TEMPLATE_STRICT, TEMPLATE_LAX };
enum template_escape {
    TEMPLATE_ESCAPE_NONE,
    /* HTML by context: text, attribute, URL attribute (only http, https, mailto, tel).
     */
    TEMPLATE_ESCAPE_HTML,
    /* For headers: a value with CR, LF or NUL is an ERR_DATA. */
    TEMPLATE_ESCAPE_HEADER
};

struct template_limits {
    uint64_t steps_max, output_bytes_max, memory_bytes_max;
    unsigned depth_max;
};
extern const struct template_limits template_limits_default;

/* The source of a partial by its name; ERR_NOT_FOUND if there is none. The bytes lie in
 * `arena`. */
struct template_loader {
    void *self;
    enum err (*load)(void *self, struct str name, struct arena *arena,
                     struct str *source);
    /* May be NULL: then {% include variable %} finds nothing. Calls `found` with the
     * name of every partial there is, and stops with its error if it returns one. */
    enum err (*list)(void *self, void *context,
                     enum err (*found)(void *context, struct str name));
};

struct template_options {
    enum template_mode mode;
    enum template_escape escape;
    /* For messages: the file's name, or "subject" and the like. */
    struct str name;
    /* May be NULL: no partials. */
    const struct template_loader *loader;
    /* Variables bound by position, the recipient's columns: a name that is found here
     * costs no lookup by name at render time. */
    const struct str *fields;
    size_t field_count;
    /* An object that every rendering will give as input.statics, or NULL: what reads
     * nothing else is rendered once, when compiling, and becomes text. Members that the
     * renderings' reserved names take the place of are no part of it. */
    const struct value *statics;
    /* Names that win over all others: email, list_name, campaign_name. */
    const struct str *reserved_names;
    size_t reserved_count;
};

MUST_CHECK enum err template_compile(struct str source,
                                     const struct template_options *options,
                                     struct template **template, struct error *error);
void template_free(struct template *template);

/* The template's static spans (its partials' included): number `index` as it appears
 * in struct piece. */
size_t template_span_count(const struct template *template);
struct str template_span(const struct template *template, size_t index);
/* Calls `each` for every field (index into options.fields) or other global name that
 * the template reads, with its position. For `check`. */
void template_reads(const struct template *template, void *self,
                    void (*each)(void *self, struct str name, unsigned line,
                                 unsigned column));
/* The same for names of filters that there are not: as in the reference, they let
 * their input through, which is seldom what was meant. */
void template_unknown_filters(const struct template *template, void *self,
                              void (*each)(void *self, struct str name, unsigned line,
                                           unsigned column));

/* What a rendering sees. Later ones win: statics, then fields, then reserved. */
struct template_input {
    /* Seen everywhere, in {% render %} too; an object or NULL. */
    const struct value *statics;
    /* Seen outside {% render %} only; an object or NULL. */
    const struct value *data;
    /* One per options.field; p == NULL: this recipient has no such column. */
    const struct str *fields;
    /* One per options.reserved_name. `recipient`, made from the fields, wins too. */
    const struct str *reserved_values;
    /* For "now" and "today": seconds since 1970; INT64_MIN: the wall clock. */
    int64_t now_s;
    /* Called for each printed variable that is missing, an empty column too, unless a
     * `default` stands behind it. `partial` is the partial it stands in, else empty;
     * `name` is valid until the rendering's end. May be NULL. */
    void (*missing)(void *self, struct str partial, struct str name, unsigned line,
                    unsigned column);
    void *missing_self;
};

struct template_machine *template_machine_new(const struct template_limits *limits);
void template_machine_free(struct template_machine *machine);
/* Renders into `pieces` (emptied first), valid until the machine's next render and as
 * long as template and input are. */
MUST_CHECK enum err template_render(const struct template *template,
                                    struct template_machine *machine,
                                    const struct template_input *input,
                                    struct pieces *pieces, struct error *error);

/* A Liquid condition, as in `where: plan == "pro" and orders > 3`: compiled like a
 * template, answered with a truth. */
MUST_CHECK enum err template_compile_condition(struct str source,
                                               const struct template_options *options,
                                               struct template **template,
                                               struct error *error);
MUST_CHECK enum err template_holds(const struct template *condition,
                                   struct template_machine *machine,
                                   const struct template_input *input, bool *holds,
                                   struct error *error);

#endif
