#include "templates/handlebars_words.h"

#include <stdio.h>

/*
 * {{name}}, {{{raw}}} and the blocks of SendGrid's subset. Within {{#each}} a bare name
 * is the item's, which Liquid has to say: each block keeps what stands before names.
 */

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

static void add_side(struct converter *converter, struct str word, enum helper helper)
{
    if (helper == HELPER_COMPARE)
        add_operand(converter, word);
    else
        add_truth(converter, word, true);
}

/* Liquid has no helpers within a condition, except for a size to compare with. */
static bool is_side(struct str word, enum helper helper)
{
    return word.p[0] != '(' ||
           (helper == HELPER_COMPARE && str_has_prefix(word, STR("(length ")));
}

/* The condition of a helper's block; false if its words do not fit. */
static bool add_condition(struct converter *converter, struct str name, struct str rest)
{
    struct str first, second;
    for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++) {
        enum helper helper = helpers[i].helper;
        if (!str_equal(name, helpers[i].name))
            continue;
        if (!next_word(&rest, &first) || !is_side(first, helper))
            return false;
        if (helper == HELPER_TRUTH) {
            add_truth(converter, first, helpers[i].wanted);
            return true;
        }
        if (!next_word(&rest, &second) || !is_side(second, helper))
            return false;
        add_side(converter, first, helper);
        converter_add(converter, helpers[i].word);
        add_side(converter, second, helper);
        return true;
    }
    return false;
}

static void open_each(struct converter *converter, struct str tag, struct str name,
                      struct str rest)
{
    struct str list;
    char item[24];
    size_t start = converter->liquid->n;
    if (!next_word(&rest, &list))
        list = STR("");
    int n = converter->loops++ == 0
                ? snprintf(item, sizeof item, "item")
                : snprintf(item, sizeof item, "item%u", converter->loops);
    converter_add(converter, STR("{% for "));
    converter_add(converter, str_slice(item, (size_t)n));
    converter_add(converter, STR(" in "));
    add_operand(converter, list);
    converter_add(converter, STR(" %}"));
    struct block *block = converter_open(converter, name, tag, "");
    if (block != NULL && !converter_accept(converter, start, "{% endfor %}", tag,
                                           "goes through nothing that Liquid knows"))
        return;
    if (block == NULL) {
        converter->liquid->n = start;
        converter_keep(converter, tag, "nested too deep");
        return;
    }
    block->end = "endfor";
    snprintf(block->prefix, sizeof block->prefix, "%.*s.", n, item);
}

/* Nothing is written: only the names change. */
static void open_with(struct converter *converter, struct str tag, struct str name,
                      struct str rest)
{
    struct str path, outer = prefix_of(converter, 0);
    struct block *block = NULL;
    if (next_word(&rest, &path) && path.n + outer.n < sizeof block->prefix - 2 &&
        path.p[0] != '.' && path.p[0] != '@' && path.p[0] != '[')
        block = converter_open(converter, name, tag, NULL);
    if (block == NULL) {
        (void)converter_open(converter, name, tag, "");
        converter_keep(converter, tag, "has no counterpart");
        return;
    }
    char prefix[sizeof block->prefix];
    snprintf(prefix, sizeof prefix, "%.*s%.*s.", STR_ARG(outer), STR_ARG(path));
    memcpy(block->prefix, prefix, sizeof prefix);
}

/* {% if ... %}, and whether Liquid can say it; else the tag is kept. */
static bool add_if(struct converter *converter, struct str tag, struct str name,
                   struct str rest)
{
    static const char why[] = "a helper that Liquid has not";
    size_t start = converter->liquid->n;
    converter_add(converter, STR("{% if "));
    if (!add_condition(converter, name, rest)) {
        converter->liquid->n = start;
        converter_keep(converter, tag, why);
        return false;
    }
    converter_add(converter, STR(" %}"));
    return converter_accept(converter, start, "{% endif %}", tag, why);
}

/* One that Liquid cannot say stays, and so do its parts and its end. */
static void open_condition(struct converter *converter, struct str tag, struct str name,
                           struct str rest)
{
    struct block *block = converter_open(converter, name, tag, "");
    if (block == NULL)
        converter_keep(converter, tag, "nested too deep");
    else if (add_if(converter, tag, name, rest))
        block->end = "endif";
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
        !str_equal(converter->blocks[converter->depth - 1].name, name))
        converter_keep(converter, tag, "closes what is not open");
    else
        converter_close(converter, tag);
}

static void convert_else(struct converter *converter, struct str tag, struct str inside)
{
    struct str rest = strip_both(str_from(inside, 4)), name;
    size_t start = converter->liquid->n;
    if (!converter_else(converter, tag, rest.n > 0))
        return;
    if (rest.n == 0) {
        converter_add(converter, STR("{% else %}"));
        return;
    }
    if (!next_word(&rest, &name) || !add_if(converter, tag, name, rest))
        return;
    converter->liquid->n = start;
    converter_add(converter, STR("{% elsif "));
    (void)add_condition(converter, name, rest);
    converter_add(converter, STR(" %}"));
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
static void add_insert(struct converter *converter, struct str name, struct str rest)
{
    struct str word;
    add_operand(converter, name);
    if (!next_word(&rest, &word))
        return;
    struct str value = default_of(word);
    if (str_is_null(value)) {
        converter_report(converter, word, "is left out");
        return;
    }
    converter_add(converter, STR(" | default: "));
    converter_add_quoted(converter, value);
}

/* {{formatDate when "MMMM DD, YYYY"}}; false with a time zone, or a format that is
 * none. */
static bool add_format_date(struct converter *converter, struct str when,
                            struct str rest)
{
    struct str format, zone;
    if (!next_word(&rest, &format) || next_word(&rest, &zone) || format.n < 2 ||
        (format.p[0] != '"' && format.p[0] != '\''))
        return false;
    add_operand(converter, when);
    converter_add(converter, STR(" | date: \""));
    if (!convert_sendgrid_date(converter, str_slice(format.p + 1, format.n - 2)))
        return false;
    converter_add(converter, STR("\""));
    return true;
}

/* What stands between {{ and }}: a name, or a helper with its words. */
static bool add_value(struct converter *converter, struct str word, struct str rest)
{
    struct str first, words = rest;
    bool has_words = next_word(&words, &first);
    if (!has_words && (str_equal(word, STR("unsubscribe")) ||
                       str_equal(word, STR("unsubscribe_url"))))
        converter_add(converter, STR("unsubscribe_url"));
    else if (!has_words)
        add_operand(converter, word);
    else if (str_equal(word, STR("insert")))
        add_insert(converter, first, words);
    else if (str_equal(word, STR("formatDate")))
        return add_format_date(converter, first, words);
    else if (str_equal(word, STR("length")) && strip_both(words).n == 0) {
        add_operand(converter, first);
        converter_add(converter, STR(" | size"));
    } else
        return false;
    return true;
}

static void convert_value(struct converter *converter, struct str tag,
                          struct str inside, bool is_raw)
{
    static const char why[] = "a helper that Liquid has not";
    struct str rest = inside, word;
    size_t start = converter->liquid->n;
    converter_add(converter, STR("{{ "));
    if (!next_word(&rest, &word) || !add_value(converter, word, rest) ||
        converter->liquid->n == start + 3) {
        converter->liquid->n = start;
        converter_keep(converter, tag, why);
        return;
    }
    converter_add(converter, is_raw ? STR(" | raw }}") : STR(" }}"));
    (void)converter_accept(converter, start, "", tag, why);
}

static void convert_partial(struct converter *converter, struct str tag,
                            struct str inside)
{
    size_t start = converter->liquid->n;
    converter_add(converter, STR("{% include "));
    converter_add_quoted(converter, strip_both(str_from(inside, 1)));
    converter_add(converter, STR(" %}"));
    (void)converter_accept(converter, start, "", tag, "no name of a partial");
}

static void convert_comment(struct converter *converter, struct str inside)
{
    struct str text = str_from(inside, 1);
    if (str_has_prefix(text, STR("--")))
        text = str_from(text, 2);
    if (text.n >= 2 && memcmp(text.p + text.n - 2, "--", 2) == 0)
        text.n -= 2;
    converter_add_comment(converter, text);
}

static void convert_inside(struct converter *converter, struct str tag,
                           struct str inside, bool is_raw)
{
    char c = inside.n > 0 ? inside.p[0] : '\0';
    if (c == '#')
        open_block(converter, tag, inside);
    else if (c == '/')
        close_block(converter, tag, inside);
    else if (c == '!')
        convert_comment(converter, inside);
    else if (c == '>')
        convert_partial(converter, tag, inside);
    else if (c == '&')
        convert_value(converter, tag, str_from(inside, 1), true);
    else if (str_equal(inside, STR("else")) || str_has_prefix(inside, STR("else ")))
        convert_else(converter, tag, inside);
    else
        convert_value(converter, tag, inside, is_raw);
}

static void insert_dash(struct buf *liquid, size_t at)
{
    buf_append_char(liquid, '-');
    if (liquid->failed != ERR_NONE)
        return;
    memmove(liquid->p + at + 1, liquid->p + at, liquid->n - at - 1);
    liquid->p[at] = '-';
}

/* ~ takes the white space at its side away, as Liquid's dash does. */
static void add_dashes(struct converter *converter, size_t start, bool left, bool right)
{
    struct buf *liquid = converter->liquid;
    size_t n = liquid->n - start;
    if (liquid->failed != ERR_NONE || n < 5 || liquid->p[start] != '{' ||
        liquid->p[liquid->n - 1] != '}')
        return;
    if (right)
        insert_dash(liquid, liquid->n - 2);
    if (left)
        insert_dash(liquid, start + 2);
}

static void convert_tag(struct converter *converter, struct str tag, struct str inside,
                        bool is_raw)
{
    size_t start = converter->liquid->n;
    bool left = inside.n > 0 && inside.p[0] == '~';
    inside = str_from(inside, left);
    bool right = inside.n > 0 && inside.p[inside.n - 1] == '~';
    inside.n -= right;
    convert_inside(converter, tag, strip_both(inside), is_raw);
    add_dashes(converter, start, left, right);
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

/* A backslash before the braces makes them text. */
static void add_before(struct converter *converter, struct str before, bool has_tag,
                       bool *is_text)
{
    *is_text = has_tag && before.n > 0 && before.p[before.n - 1] == '\\';
    converter_add_text(converter, str_head(before, before.n - *is_text));
}

void convert_handlebars(struct converter *converter)
{
    struct str rest = converter->source;
    bool is_text = false;
    while (rest.n > 0) {
        const char *start = memmem(rest.p, rest.n, "{{", 2);
        size_t before = start != NULL ? (size_t)(start - rest.p) : rest.n;
        add_before(converter, str_head(rest, before), start != NULL, &is_text);
        rest = str_from(rest, before);
        size_t braces = rest.n > 2 && rest.p[2] == '{' ? 3 : 2;
        size_t n = tag_length(rest, braces);
        if (n == 0)
            break;
        if (is_text)
            converter_add_text(converter, str_head(rest, n));
        else
            convert_tag(converter, str_head(rest, n),
                        str_slice(rest.p + braces, n - 2 * braces), braces == 3);
        rest = str_from(rest, n);
    }
    if (rest.n > 0)
        converter_report(converter, str_head(rest, rest.n < 40 ? rest.n : 40),
                         "has no end");
    converter_add_text(converter, rest);
}
