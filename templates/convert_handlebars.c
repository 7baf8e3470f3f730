#include "templates/converter.h"

#include <stdio.h>

/*
 * {{name}}, {{{raw}}} and the blocks of SendGrid's subset. Within {{#each}} a bare name
 * is the item's, which Liquid has to say: each block keeps what stands before names.
 */

/* One word of a tag: a name, or a text or number that is written as it is. */
static bool next_word(struct str *rest, struct str *word)
{
    *rest = strip_start(*rest);
    size_t n = 0;
    if (rest->n > 0 && (rest->p[0] == '"' || rest->p[0] == '\'')) {
        const char *end = memchr(rest->p + 1, rest->p[0], rest->n - 1);
        n = end != NULL ? (size_t)(end - rest->p) + 1 : rest->n;
    } else {
        bool in_brackets = false;
        for (; n < rest->n && (in_brackets || !is_space_char(rest->p[n])); n++)
            in_brackets = rest->p[n] == '[' || (in_brackets && rest->p[n] != ']');
    }
    *word = str_head(*rest, n);
    *rest = str_from(*rest, n);
    return n > 0;
}

static bool is_literal(struct str word)
{
    char c = word.n > 0 ? word.p[0] : '\0';
    return c == '"' || c == '\'' || c == '-' || (c >= '0' && c <= '9') ||
           str_equal(word, STR("true")) || str_equal(word, STR("false")) ||
           str_equal(word, STR("null"));
}

static struct str prefix_of(const struct converter *converter, size_t up)
{
    if (converter->depth <= up)
        return STR("");
    return str_of(converter->blocks[converter->depth - 1 - up].prefix);
}

/* The prefix outside of the innermost block that changed it. */
static struct str outer_prefix(const struct converter *converter)
{
    struct str inner = prefix_of(converter, 0);
    for (size_t up = 1; up < converter->depth; up++) {
        struct str prefix = prefix_of(converter, up);
        if (!str_equal(prefix, inner))
            return prefix;
    }
    return STR("");
}

static bool add_loop_word(struct converter *converter, struct str word)
{
    static const struct {
        struct str word, liquid;
    } words[] = {{{"@index", 6}, {"forloop.index0", 14}},
                 {{"@first", 6}, {"forloop.first", 13}},
                 {{"@last", 5}, {"forloop.last", 12}}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_equal(word, words[i].word)) {
            converter_add(converter, words[i].liquid);
            return true;
        }
    }
    return false;
}

/* A name with brackets loses them: [First Name]. */
static struct str unbracketed(struct str word)
{
    if (word.n > 2 && word.p[0] == '[' && word.p[word.n - 1] == ']')
        return str_slice(word.p + 1, word.n - 2);
    return word;
}

static void add_path(struct converter *converter, struct str prefix, struct str path)
{
    if (str_equal(path, STR("this")) || str_equal(path, STR("."))) {
        converter_add(converter, str_head(prefix, prefix.n > 0 ? prefix.n - 1 : 0));
        return;
    }
    if (str_has_prefix(path, STR("this.")) || str_has_prefix(path, STR("this/")))
        path = str_from(path, 5);
    converter_add(converter, prefix);
    if (prefix.n > 0)
        converter_add(converter, path);
    else
        converter_add_name(converter, unbracketed(path));
}

static void add_operand(struct converter *converter, struct str word)
{
    if (is_literal(word))
        converter_add(converter, word);
    else if (str_has_prefix(word, STR("@root.")))
        converter_add_name(converter, str_from(word, 6));
    else if (str_has_prefix(word, STR("../")))
        add_path(converter, outer_prefix(converter), str_from(word, 3));
    else if (!add_loop_word(converter, word))
        add_path(converter, prefix_of(converter, 0), word);
}

/* Liquid knows fewer false things: what is blank is false here, too. */
static void add_truth(struct converter *converter, struct str word, bool wanted)
{
    add_operand(converter, word);
    if (word.p[0] != '@')
        converter_add(converter, wanted ? STR(" != blank") : STR(" == blank"));
    else if (!wanted)
        converter_add(converter, STR(" == false"));
}

enum helper { HELPER_TRUTH, HELPER_COMPARE, HELPER_JOIN };

static const struct {
    struct str name, word;
    enum helper helper;
    bool wanted;
} helpers[] = {{{"if", 2}, {"", 0}, HELPER_TRUTH, true},
               {{"unless", 6}, {"", 0}, HELPER_TRUTH, false},
               {{"equals", 6}, {" == ", 4}, HELPER_COMPARE, true},
               {{"notEquals", 9}, {" != ", 4}, HELPER_COMPARE, true},
               {{"greaterThan", 11}, {" > ", 3}, HELPER_COMPARE, true},
               {{"lessThan", 8}, {" < ", 3}, HELPER_COMPARE, true},
               {{"and", 3}, {" and ", 5}, HELPER_JOIN, true},
               {{"or", 2}, {" or ", 4}, HELPER_JOIN, true}};

/* The condition of a helper's block; false if its words do not fit. */
static bool add_condition(struct converter *converter, struct str name, struct str rest)
{
    struct str first, second;
    for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++) {
        if (!str_equal(name, helpers[i].name))
            continue;
        if (!next_word(&rest, &first) || first.p[0] == '(')
            return false;
        if (helpers[i].helper == HELPER_TRUTH) {
            add_truth(converter, first, helpers[i].wanted);
            return true;
        }
        if (!next_word(&rest, &second) || second.p[0] == '(')
            return false;
        if (helpers[i].helper == HELPER_JOIN)
            add_truth(converter, first, true);
        else
            add_operand(converter, first);
        converter_add(converter, helpers[i].word);
        if (helpers[i].helper == HELPER_JOIN)
            add_truth(converter, second, true);
        else
            add_operand(converter, second);
        return true;
    }
    return false;
}

/* What was written since `start` is taken back. */
static void take_back(struct converter *converter, size_t start)
{
    if (converter->liquid->n > start)
        converter->liquid->n = start;
}

static void open_each(struct converter *converter, struct str tag, struct str name,
                      struct str rest)
{
    struct str list, prefix;
    char item[24];
    if (!next_word(&rest, &list) || converter->depth == CONVERT_DEPTH_MAX) {
        converter_keep(converter, tag, "goes through nothing");
        return;
    }
    int n = converter->loops++ == 0
                ? snprintf(item, sizeof item, "item")
                : snprintf(item, sizeof item, "item%u", converter->loops);
    prefix = str_slice(item, (size_t)n);
    converter_add(converter, STR("{% for "));
    converter_add(converter, prefix);
    converter_add(converter, STR(" in "));
    add_operand(converter, list);
    converter_add(converter, STR(" %}"));
    struct block *block = converter_open(converter, name, "endfor");
    snprintf(block->prefix, sizeof block->prefix, "%.*s.", STR_ARG(prefix));
}

/* Nothing is written: only the names change. */
static void open_with(struct converter *converter, struct str tag, struct str name,
                      struct str rest)
{
    struct str path, outer = prefix_of(converter, 0);
    struct block *block = NULL;
    if (next_word(&rest, &path) && path.n + outer.n < sizeof block->prefix - 2)
        block = converter_open(converter, name, NULL);
    if (block == NULL) {
        converter_keep(converter, tag, "has no counterpart");
        return;
    }
    char prefix[sizeof block->prefix];
    snprintf(prefix, sizeof prefix, "%.*s%.*s.", STR_ARG(outer), STR_ARG(path));
    memcpy(block->prefix, prefix, sizeof prefix);
}

/* One that Liquid cannot say stays, and so does its end. */
static void open_condition(struct converter *converter, struct str tag, struct str name,
                           struct str rest)
{
    size_t start = converter->liquid->n;
    struct block *block = converter_open(converter, name, "endif");
    if (block == NULL) {
        converter_keep(converter, tag, "nested too deep");
        return;
    }
    converter_add(converter, STR("{% if "));
    if (add_condition(converter, name, rest)) {
        converter_add(converter, STR(" %}"));
        return;
    }
    take_back(converter, start);
    block->end = "";
    converter_keep(converter, tag, "a helper that Liquid has not");
}

static void open_block(struct converter *converter, struct str tag, struct str inside)
{
    struct str name, rest = str_from(inside, 1);
    if (!next_word(&rest, &name))
        converter_keep(converter, tag, "has no name");
    else if (str_equal(name, STR("each")))
        open_each(converter, tag, name, rest);
    else if (str_equal(name, STR("with")))
        open_with(converter, tag, name, rest);
    else
        open_condition(converter, tag, name, rest);
}

static void close_block(struct converter *converter, struct str tag, struct str inside)
{
    struct str name = strip_both(str_from(inside, 1));
    if (converter->depth == 0 ||
        !str_equal(converter->blocks[converter->depth - 1].name, name)) {
        converter_keep(converter, tag, "closes what is not open");
        return;
    }
    const struct block *block = &converter->blocks[--converter->depth];
    if (block->end == NULL)
        return;
    if (block->end[0] == '\0') {
        converter_keep(converter, tag, "a helper that Liquid has not");
        return;
    }
    converter_add(converter, STR("{% "));
    converter_add(converter, str_of(block->end));
    converter_add(converter, STR(" %}"));
}

static void convert_else(struct converter *converter, struct str tag, struct str inside)
{
    struct str rest = strip_both(str_from(inside, 4)), name;
    size_t start = converter->liquid->n;
    if (converter->depth == 0) {
        converter_keep(converter, tag, "stands in no block");
    } else if (rest.n == 0) {
        converter_add(converter, STR("{% else %}"));
    } else {
        converter_add(converter, STR("{% elsif "));
        if (next_word(&rest, &name) && add_condition(converter, name, rest)) {
            converter_add(converter, STR(" %}"));
            return;
        }
        take_back(converter, start);
        converter_keep(converter, tag, "a helper that Liquid has not");
    }
}

/* The value of default=..., in or without quotes. */
static struct str default_of(struct str word)
{
    struct str bare = word;
    if (bare.n >= 2 && (bare.p[0] == '"' || bare.p[0] == '\''))
        bare = str_slice(bare.p + 1, bare.n - 2);
    if (!str_has_prefix(bare, STR("default=")))
        return STR_NULL;
    bare = str_from(bare, 8);
    if (bare.n >= 2 && (bare.p[0] == '"' || bare.p[0] == '\''))
        bare = str_slice(bare.p + 1, bare.n - 2);
    return bare;
}

/* {{insert name "default=you"}} */
static void convert_insert(struct converter *converter, struct str tag, struct str rest,
                           bool is_raw)
{
    struct str name, word;
    if (!next_word(&rest, &name)) {
        converter_keep(converter, tag, "inserts nothing");
        return;
    }
    converter_add(converter, STR("{{ "));
    add_operand(converter, name);
    if (next_word(&rest, &word)) {
        struct str value = default_of(word);
        if (str_is_null(value)) {
            converter_report(converter, word, "is left out");
        } else {
            converter_add(converter, STR(" | default: "));
            converter_add_quoted(converter, value);
        }
    }
    converter_add(converter, is_raw ? STR(" | raw }}") : STR(" }}"));
}

static void convert_comment(struct converter *converter, struct str inside)
{
    struct str text = str_from(inside, 1);
    if (str_has_prefix(text, STR("--")))
        text = str_from(text, 2);
    if (text.n >= 2 && memcmp(text.p + text.n - 2, "--", 2) == 0)
        text.n -= 2;
    converter_add(converter, STR("{% comment %}"));
    converter_add(converter, text);
    converter_add(converter, STR("{% endcomment %}"));
}

static void convert_partial(struct converter *converter, struct str inside)
{
    converter_add(converter, STR("{% include "));
    converter_add_quoted(converter, strip_both(str_from(inside, 1)));
    converter_add(converter, STR(" %}"));
}

static void convert_value(struct converter *converter, struct str tag,
                          struct str inside, bool is_raw)
{
    struct str rest = inside, word;
    if (!next_word(&rest, &word)) {
        converter_keep(converter, tag, "is empty");
        return;
    }
    if (str_equal(word, STR("insert"))) {
        convert_insert(converter, tag, rest, is_raw);
        return;
    }
    if (strip_both(rest).n > 0) {
        converter_keep(converter, tag, "a helper that Liquid has not");
        return;
    }
    converter_add(converter, STR("{{ "));
    if (str_equal(word, STR("unsubscribe")) || str_equal(word, STR("unsubscribe_url")))
        converter_add(converter, STR("unsubscribe_url"));
    else
        add_operand(converter, word);
    converter_add(converter, is_raw ? STR(" | raw }}") : STR(" }}"));
}

static void convert_tag(struct converter *converter, struct str tag, struct str inside,
                        bool is_raw)
{
    /* ~ takes white space away; Liquid's dash does the same, at the tag's own end. */
    if (inside.n > 0 && inside.p[0] == '~')
        inside = str_from(inside, 1);
    if (inside.n > 0 && inside.p[inside.n - 1] == '~')
        inside.n--;
    inside = strip_both(inside);
    char c = inside.n > 0 ? inside.p[0] : '\0';
    if (c == '#')
        open_block(converter, tag, inside);
    else if (c == '/')
        close_block(converter, tag, inside);
    else if (c == '!')
        convert_comment(converter, inside);
    else if (c == '>')
        convert_partial(converter, inside);
    else if (c == '&')
        convert_value(converter, tag, str_from(inside, 1), true);
    else if (str_equal(inside, STR("else")) || str_has_prefix(inside, STR("else ")))
        convert_else(converter, tag, inside);
    else
        convert_value(converter, tag, inside, is_raw);
}

/* The bytes of the tag at the start of `rest`, 0 if it has no end. */
static size_t tag_length(struct str rest, size_t braces)
{
    struct str end = braces == 3 ? STR("}}}") : STR("}}");
    if (str_has_prefix(rest, STR("{{!--")))
        end = STR("--}}");
    if (rest.n < braces + end.n)
        return 0;
    const char *found = memmem(rest.p + braces, rest.n - braces, end.p, end.n);
    return found != NULL ? (size_t)(found - rest.p) + end.n : 0;
}

void convert_handlebars(struct converter *converter)
{
    struct str rest = converter->source;
    while (rest.n > 0) {
        const char *start = memmem(rest.p, rest.n, "{{", 2);
        size_t before = start != NULL ? (size_t)(start - rest.p) : rest.n;
        converter_add(converter, str_head(rest, before));
        rest = str_from(rest, before);
        if (rest.n == 0)
            break;
        size_t braces = rest.n > 2 && rest.p[2] == '{' ? 3 : 2;
        size_t n = tag_length(rest, braces);
        if (n == 0)
            break;
        convert_tag(converter, str_head(rest, n),
                    str_slice(rest.p + braces, n - 2 * braces), braces == 3);
        rest = str_from(rest, n);
    }
    converter_add(converter, rest);
}
