#include "templates/compiler.h"
#include "templates/number.h"

/*
 * What the reference reads with regular expressions where it is lax: it takes the
 * fragments it knows and skips what lies between them. A quoted fragment is a quoted
 * string, or a run without white space, comma or pipe in which quoted strings may
 * hide those. Cost: O(n), but a quote without its end is looked for at each place.
 */

/* The length of the quoted string at `at`, or 0. */
static size_t quoted_length(struct str markup, size_t at)
{
    char quote = markup.p[at];
    if (quote != '"' && quote != '\'')
        return 0;
    const char *end = memchr(markup.p + at + 1, quote, markup.n - at - 1);
    return end != NULL ? (size_t)(end - (markup.p + at)) + 1 : 0;
}

static bool ends_fragment(char c)
{
    return ascii_is_space(c) || c == ',' || c == '|' || c == '"' || c == '\'';
}

bool lax_fragment(struct str markup, size_t *at, struct str *fragment)
{
    for (; *at < markup.n; (*at)++) {
        size_t start = *at, n = quoted_length(markup, start);
        if (n == 0 && ends_fragment(markup.p[start]))
            continue;
        /* A string at the start of a fragment is a whole one. */
        size_t end = start + n;
        while (n == 0 && end < markup.n) {
            size_t inner = quoted_length(markup, end);
            if (inner == 0 && ends_fragment(markup.p[end]))
                break;
            end += inner > 0 ? inner : 1;
        }
        *fragment = str_slice(markup.p + start, end - start);
        *at = end;
        return true;
    }
    return false;
}

/* An integer, a float, or what lax reading takes for one: "1.2.3" is 1.2. */
static bool lax_number(struct compiler *compiler, struct str text, struct value *number)
{
    size_t start = text.n > 0 && text.p[0] == '-' ? 1 : 0, at = start, points = 0;
    size_t end = text.n;
    for (; at < text.n; at++) {
        if (text.p[at] == '.' && at > start) {
            if (++points == 2)
                end = at;
        } else if (!ascii_is_digit(text.p[at])) {
            return false;
        }
    }
    if (at == start)
        return false;
    text.n = end;
    if (points == 0)
        *number = number_parse_integer(text, compiler->arena);
    else
        *number = value_float(number_parse_float(text));
    return true;
}

static bool lax_literal(struct compiler *compiler, struct str text, bool in_condition,
                        struct value *literal)
{
    char quote = text.n > 0 ? text.p[0] : '\0';
    if (text.n >= 2 && (quote == '"' || quote == '\'') && text.p[text.n - 1] == quote) {
        *literal = value_string(str_slice(text.p + 1, text.n - 2));
        return true;
    }
    static const struct {
        struct str word;
        enum value_type type;
    } words[] = {{{"", 0}, VALUE_NIL},        {{"nil", 3}, VALUE_NIL},
                 {{"null", 4}, VALUE_NIL},    {{"true", 4}, VALUE_TRUE},
                 {{"false", 5}, VALUE_FALSE}, {{"blank", 5}, VALUE_BLANK},
                 {{"empty", 5}, VALUE_EMPTY}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!str_equal(text, words[i].word))
            continue;
        *literal = (struct value){.type = (uint8_t)words[i].type};
        if (literal->type >= VALUE_BLANK && !in_condition)
            *literal = value_string(STR(""));
        return true;
    }
    return lax_number(compiler, text, literal);
}

/* The next "[...]" (brackets balanced) or name of a variable. */
static bool next_part(struct str text, size_t *at, struct str *part)
{
    for (; *at < text.n; (*at)++) {
        size_t start = *at, end = start;
        if (text.p[start] == '[') {
            unsigned depth = 0;
            for (; end < text.n; end++) {
                depth += text.p[end] == '[';
                /* Nobody could read it: to look for its end from each bracket
                 * would cost the square. */
                if (depth > COMPILE_DEPTH_MAX)
                    end = text.n - 1;
                else if (text.p[end] == ']' && --depth == 0)
                    break;
            }
            if (end >= text.n)
                continue;
            end++;
        } else {
            while (end < text.n && (is_word_char(text.p[end]) || text.p[end] == '-'))
                end++;
            if (end == start)
                continue;
            end += end < text.n && text.p[end] == '?';
        }
        *part = str_slice(text.p + start, end - start);
        *at = end;
        return true;
    }
    return false;
}

static bool is_bracketed(struct str part)
{
    return part.n >= 2 && part.p[0] == '[' && part.p[part.n - 1] == ']';
}

static struct str inside(struct str part)
{
    return str_slice(part.p + 1, part.n - 2);
}

static bool lax_lookup(struct compiler *compiler, struct str part,
                       struct lookup *lookup)
{
    if (!is_bracketed(part)) {
        lookup->name = part;
        lookup->command = str_equal(part, STR("size"))    ? COMMAND_SIZE
                          : str_equal(part, STR("first")) ? COMMAND_FIRST
                          : str_equal(part, STR("last"))  ? COMMAND_LAST
                                                          : COMMAND_NONE;
        return true;
    }
    lookup->key = lax_expression_new(compiler, inside(part), false);
    return lookup->key != NULL;
}

static bool lax_variable(struct compiler *compiler, struct str text,
                         struct expression *expression)
{
    size_t at = 0;
    struct str part = STR("");
    struct row lookups = {0};
    expression->kind = EXPRESSION_VARIABLE;
    bool found = next_part(text, &at, &part);
    if (found && is_bracketed(part)) {
        expression->variable.root = lax_expression_new(compiler, inside(part), false);
        if (expression->variable.root == NULL)
            return false;
    } else {
        expression->variable.symbol = compiler_symbol(compiler, part);
        if (expression->variable.symbol == UINT32_MAX ||
            !compiler_add_read(compiler, expression->variable.symbol,
                               expression->position))
            return false;
    }
    while (next_part(text, &at, &part)) {
        struct lookup *lookup = row_add(compiler, &lookups, sizeof *lookup);
        if (lookup == NULL || !lax_lookup(compiler, part, lookup))
            return false;
    }
    expression->variable.lookups = lookups.p;
    expression->variable.lookup_count = (uint32_t)lookups.n;
    return true;
}

/* "(first..last)" with neither holding white space. */
static bool lax_range_parts(struct str text, struct str *first, struct str *last)
{
    if (text.n < 4 || text.p[0] != '(' || text.p[text.n - 1] != ')')
        return false;
    struct str body = strip_both(inside(text));
    for (size_t i = body.n; i-- > 1;) {
        if (body.p[i] != '.' || body.p[i - 1] != '.')
            continue;
        *first = strip_both(str_head(body, i - 1));
        *last = strip_both(str_from(body, i + 1));
        return first->n > 0 && last->n > 0;
    }
    return false;
}

static bool lax_expression_here(struct compiler *compiler, struct str text,
                                bool in_condition, struct expression *expression)
{
    struct str first, last;
    text = strip_both(text);
    expression->position = compiler_position(compiler, text.p);
    expression->kind = EXPRESSION_LITERAL;
    if (lax_literal(compiler, text, in_condition, &expression->literal))
        return true;
    if (!lax_range_parts(text, &first, &last))
        return lax_variable(compiler, text, expression);
    expression->kind = EXPRESSION_RANGE;
    expression->range.first = lax_expression_new(compiler, first, false);
    expression->range.last = lax_expression_new(compiler, last, false);
    return expression->range.first != NULL && expression->range.last != NULL;
}

bool lax_expression(struct compiler *compiler, struct str text, bool in_condition,
                    struct expression *expression)
{
    if (compiler->expression_depth >= COMPILE_DEPTH_MAX)
        return compiler_fail(compiler, text.p, "Nesting too deep");
    compiler->expression_depth++;
    bool ok = lax_expression_here(compiler, text, in_condition, expression);
    compiler->expression_depth--;
    return ok;
}

const struct expression *lax_expression_new(struct compiler *compiler, struct str text,
                                            bool in_condition)
{
    struct expression *expression = compiler_alloc(compiler, sizeof *expression);
    if (expression == NULL || !lax_expression(compiler, text, in_condition, expression))
        return NULL;
    return expression;
}

static void skip_space(struct str markup, size_t *at)
{
    while (*at < markup.n && ascii_is_space(markup.p[*at]))
        (*at)++;
}

static size_t word_length(struct str markup, size_t at, bool with_dash)
{
    size_t n = 0;
    while (at + n < markup.n && (is_word_char(markup.p[at + n]) ||
                                 (with_dash && n > 0 && markup.p[at + n] == '-')))
        n++;
    return n;
}

/* Behind ":" or ",": a value that may have a name (STR_NULL: it has none). Steps over
 * what there is of it; false: there is no value. */
static bool next_argument(struct str text, size_t *at, struct str *key,
                          struct str *value)
{
    *key = STR_NULL;
    skip_space(text, at);
    size_t word = word_length(text, *at, false), after = *at + word;
    skip_space(text, &after);
    if (word > 0 && after < text.n && text.p[after] == ':') {
        *key = str_slice(text.p + *at, word);
        *at = after + 1;
        skip_space(text, at);
    }
    size_t from = *at;
    if (lax_fragment(text, at, value) && value->p == text.p + from)
        return true;
    *at = from;
    return false;
}

static bool add_argument(struct compiler *compiler, struct str value,
                         struct row *arguments)
{
    struct expression *argument = row_add(compiler, arguments, sizeof *argument);
    return argument != NULL && lax_expression(compiler, value, false, argument);
}

static bool add_keyword(struct compiler *compiler, struct str key, struct str value,
                        struct row *keywords)
{
    struct keyword *keyword = row_add(compiler, keywords, sizeof *keyword);
    if (keyword == NULL)
        return false;
    keyword->name = key;
    keyword->value = lax_expression_new(compiler, value, false);
    return keyword->value != NULL;
}

/* One filter's text: its name is the first word, each ":" or "," begins an argument. */
static bool lax_filter(struct compiler *compiler, struct str text,
                       struct output *output, struct row *calls)
{
    struct row arguments = {0}, keywords = {0};
    size_t at = 0;
    while (at < text.n && !is_word_char(text.p[at]))
        at++;
    size_t n = word_length(text, at, false);
    if (n == 0)
        return true;
    struct str name = str_slice(text.p + at, n), key, value;
    for (at = 0; at < text.n;) {
        if (text.p[at] != ':' && text.p[at] != ',') {
            size_t quoted = quoted_length(text, at);
            at += quoted > 0 ? quoted : 1;
            continue;
        }
        at++;
        if (!next_argument(text, &at, &key, &value))
            continue;
        bool ok = str_is_null(key) ? add_argument(compiler, value, &arguments)
                                   : add_keyword(compiler, key, value, &keywords);
        if (!ok)
            return false;
    }
    return add_filter(compiler, output, calls, name, &arguments, &keywords);
}

/* The end of a filter's text: the next pipe that no quotes hide. */
static size_t filter_end(struct str markup, size_t at)
{
    while (at < markup.n && markup.p[at] != '|') {
        size_t quoted = quoted_length(markup, at);
        at += quoted > 0 ? quoted : 1;
    }
    return at;
}

bool lax_output(struct compiler *compiler, struct str markup, struct output *output)
{
    size_t at = 0;
    struct str fragment;
    struct row calls = {0};
    *output = (struct output){.expression = NULL};
    if (!lax_fragment(markup, &at, &fragment))
        return true;
    output->expression = lax_expression_new(compiler, fragment, false);
    if (output->expression == NULL)
        return false;
    at = filter_end(markup, at);
    while (at < markup.n) {
        size_t end = filter_end(markup, ++at);
        if (!lax_filter(compiler, str_slice(markup.p + at, end - at), output, &calls))
            return false;
        at = end;
    }
    finish_output(compiler, output, &calls);
    return true;
}

bool lax_attributes(struct compiler *compiler, struct str markup, void *self,
                    bool (*each)(struct compiler *compiler, void *self, struct str key,
                                 struct str value))
{
    for (size_t at = 0; at < markup.n;) {
        size_t n = word_length(markup, at, true), after = at + n;
        skip_space(markup, &after);
        if (n == 0 || after >= markup.n || markup.p[after] != ':') {
            at += n > 0 ? n : 1;
            continue;
        }
        struct str key = str_slice(markup.p + at, n), value;
        at = after + 1;
        skip_space(markup, &at);
        size_t from = at;
        if (!lax_fragment(markup, &at, &value) || value.p != markup.p + from) {
            at = from;
            continue;
        }
        if (!each(compiler, self, key, value))
            return false;
    }
    return true;
}
