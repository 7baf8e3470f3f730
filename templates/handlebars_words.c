#include "templates/handlebars_words.h"

/* What stands between a tag's braces: words, and paths as Liquid says them. */

/* The bytes of a helper in parentheses at the start, with those within; 0: no end. */
static size_t helper_length(struct str rest)
{
    size_t depth = 0;
    for (size_t n = 0; n < rest.n; n++) {
        depth += rest.p[n] == '(';
        if (rest.p[n] == ')' && --depth == 0)
            return n + 1;
    }
    return 0;
}

/* One word of a tag: a name, a helper in parentheses, or a text or number that is
 * written as it is. */
bool next_word(struct str *rest, struct str *word)
{
    *rest = strip_start(*rest);
    size_t n = 0;
    if (rest->n > 0 && (rest->p[0] == '"' || rest->p[0] == '\'')) {
        const char *end = memchr(rest->p + 1, rest->p[0], rest->n - 1);
        n = end != NULL ? (size_t)(end - rest->p) + 1 : rest->n;
    } else if (rest->n > 0 && rest->p[0] == '(') {
        n = helper_length(*rest);
    } else {
        bool in_brackets = false;
        for (; n < rest->n && (in_brackets || !ascii_is_space(rest->p[n])); n++)
            in_brackets = rest->p[n] == '[' || (in_brackets && rest->p[n] != ']');
    }
    *word = str_head(*rest, n);
    *rest = str_from(*rest, n);
    return n > 0;
}

static bool is_literal(struct str word)
{
    char c = word.n > 0 ? word.p[0] : '\0';
    return c == '"' || c == '\'' || c == '-' || ascii_is_digit(c) ||
           str_equal(word, STR("true")) || str_equal(word, STR("false")) ||
           str_equal(word, STR("null"));
}

struct str prefix_of(const struct converter *converter, size_t up)
{
    if (converter->depth <= up)
        return STR("");
    return str_of(converter->blocks[converter->depth - 1 - up].prefix);
}

/* The prefix outside of the innermost block that changed it, `up` times. */
static struct str outer_prefix(const struct converter *converter, size_t up)
{
    struct str prefix = prefix_of(converter, 0);
    for (size_t i = 1; i <= converter->depth && up > 0; i++) {
        struct str outer = prefix_of(converter, i);
        up -= !str_equal(outer, prefix);
        prefix = outer;
    }
    return prefix;
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

/* The next step of a path: a name, a number or [First Name]. */
static struct str next_step(struct str *path)
{
    struct str step;
    if (path->n > 0 && path->p[0] == '[') {
        const char *end = memchr(path->p, ']', path->n);
        size_t n = end != NULL ? (size_t)(end - path->p) : path->n;
        step = str_slice(path->p + 1, n - 1);
        *path = str_from(*path, n < path->n ? n + 1 : n);
    } else {
        size_t n = 0;
        while (n < path->n && path->p[n] != '.' && path->p[n] != '/')
            n++;
        step = str_head(*path, n);
        *path = str_from(*path, n);
    }
    if (path->n > 0 && (path->p[0] == '.' || path->p[0] == '/'))
        *path = str_from(*path, 1);
    return step;
}

/* Behind another: .name, [3] or ["First Name"]. */
static void add_step(struct converter *converter, struct str step)
{
    bool is_plain = step.n > 0 && !str_is_digits(step);
    for (size_t i = 0; i < step.n; i++)
        is_plain = is_plain && is_word_char(step.p[i]);
    converter_add(converter, is_plain ? STR(".") : STR("["));
    if (is_plain || str_is_digits(step))
        converter_add(converter, step);
    else
        converter_add_quoted(converter, step);
    if (!is_plain)
        converter_add(converter, STR("]"));
}

static void add_path(struct converter *converter, struct str prefix, struct str path)
{
    struct str base = str_head(prefix, prefix.n > 0 ? prefix.n - 1 : 0);
    if (str_equal(path, STR("this")) || str_equal(path, STR("."))) {
        converter_add(converter, base);
        return;
    }
    if (str_has_prefix(path, STR("this.")) || str_has_prefix(path, STR("this/")))
        path = str_from(path, 5);
    if (str_has_prefix(path, STR("./")))
        path = str_from(path, 2);
    if (base.n > 0)
        converter_add(converter, base);
    else
        converter_add_name(converter, next_step(&path));
    while (path.n > 0)
        add_step(converter, next_step(&path));
}

/* The members above the block at hand: ../shop, ../../shop. */
static void add_outer(struct converter *converter, struct str path)
{
    size_t up = 0;
    for (; str_has_prefix(path, STR("../")); up++)
        path = str_from(path, 3);
    add_path(converter, outer_prefix(converter, up), path);
}

/* (length list), for a condition. */
static void add_length(struct converter *converter, struct str list)
{
    add_operand(converter, strip_both(list));
    converter_add(converter, STR(".size"));
}

void add_operand(struct converter *converter, struct str word)
{
    if (is_literal(word))
        converter_add(converter, word);
    else if (str_has_prefix(word, STR("(length ")))
        add_length(converter, str_slice(word.p + 8, word.n - 9));
    else if (str_has_prefix(word, STR("@root.")))
        add_path(converter, STR(""), str_from(word, 6));
    else if (str_has_prefix(word, STR("../")))
        add_outer(converter, word);
    else if (word.n > 0 && word.p[0] == '@') {
        /* Of the unknown ones nothing can be read, which refuses the tag. */
        if (!add_loop_word(converter, word))
            converter_add(converter, word);
    } else
        add_path(converter, prefix_of(converter, 0), word);
}
