#include "templates/compiler.h"

/*
 *   condition  = comparison *( ( "and" / "or" ) comparison )
 *   comparison = expression [ operator expression ]
 *
 * There is no precedence: the reference hangs each comparison under the one before,
 * and evaluates from the left until one of them decides.
 */

static enum comparison comparison_of(struct str text)
{
    static const struct {
        struct str text;
        enum comparison comparison;
    } operators[] = {
        {{"==", 2}, COMPARE_EQUAL},         {{"!=", 2}, COMPARE_NOT_EQUAL},
        {{"<>", 2}, COMPARE_NOT_EQUAL},     {{"<", 1}, COMPARE_LESS},
        {{">", 1}, COMPARE_GREATER},        {{"<=", 2}, COMPARE_LESS_EQUAL},
        {{">=", 2}, COMPARE_GREATER_EQUAL}, {{"contains", 8}, COMPARE_CONTAINS}};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (str_equal(text, operators[i].text))
            return operators[i].comparison;
    }
    return COMPARE_UNKNOWN;
}

static bool parse_comparison(struct compiler *compiler, struct lexer *lexer,
                             struct condition *condition)
{
    condition->left = parse_expression(compiler, lexer, true);
    if (condition->left == NULL)
        return false;
    if (lexer->token.kind != TOKEN_COMPARISON)
        return true;
    condition->operator_text = lexer->token.text;
    condition->comparison = comparison_of(lexer->token.text);
    lexer_next(lexer);
    condition->right = parse_expression(compiler, lexer, true);
    return condition->right != NULL;
}

static enum relation parse_relation(struct lexer *lexer)
{
    if (parse_accept_id(lexer, "and"))
        return RELATION_AND;
    return parse_accept_id(lexer, "or") ? RELATION_OR : RELATION_NONE;
}

static const struct condition *parse_strict(struct compiler *compiler,
                                            struct str markup)
{
    struct lexer lexer;
    struct condition *first = compiler_alloc(compiler, sizeof *first), *last = first;
    if (first == NULL || !parse_start(compiler, &lexer, markup, quote_tag(markup)) ||
        !parse_comparison(compiler, &lexer, first))
        return NULL;
    while ((last->relation = parse_relation(&lexer)) != RELATION_NONE) {
        struct condition *next = compiler_alloc(compiler, sizeof *next);
        if (next == NULL || !parse_comparison(compiler, &lexer, next))
            return NULL;
        last->next = next;
        last = next;
    }
    return parse_end(compiler, &lexer) ? first : NULL;
}

/* The end of a comparison's words: the next "and" or "or", or the markup's end. */
static size_t lax_part_end(struct str markup, size_t at, enum relation *relation)
{
    struct str fragment;
    *relation = RELATION_NONE;
    while (lax_fragment(markup, &at, &fragment)) {
        size_t start = (size_t)(fragment.p - markup.p);
        if (str_equal(fragment, STR("and")))
            *relation = RELATION_AND;
        else if (str_equal(fragment, STR("or")))
            *relation = RELATION_OR;
        if (*relation != RELATION_NONE)
            return start;
    }
    return markup.n;
}

static bool is_operator_char(char c)
{
    return c == '=' || c == '!' || c == '<' || c == '>' || (c >= 'a' && c <= 'z') ||
           c == '_';
}

/* left operator right, of which all but the first may be missing. */
static bool lax_comparison(struct compiler *compiler, struct str part,
                           struct condition *condition)
{
    size_t at = 0;
    struct str left, right;
    if (!lax_fragment(part, &at, &left))
        return compiler_fail(
            compiler, part.p,
            "Syntax Error in tag 'if' - Valid syntax: if [expression]");
    condition->left = lax_expression_new(compiler, left, true);
    while (at < part.n && ascii_is_space(part.p[at]))
        at++;
    size_t start = at;
    while (at < part.n && is_operator_char(part.p[at]))
        at++;
    condition->operator_text = str_slice(part.p + start, at - start);
    if (at > start) {
        condition->comparison = comparison_of(condition->operator_text);
        right = STR("");
        lax_fragment(part, &at, &right);
        condition->right = lax_expression_new(compiler, right, true);
    }
    return condition->left != NULL && (at == start || condition->right != NULL ||
                                       condition->comparison == COMPARE_TRUTH);
}

static const struct condition *lax_condition(struct compiler *compiler,
                                             struct str markup)
{
    struct condition *first = NULL, *last = NULL;
    for (size_t at = 0;;) {
        enum relation relation;
        size_t end = lax_part_end(markup, at, &relation);
        struct condition *next = compiler_alloc(compiler, sizeof *next);
        if (next == NULL ||
            !lax_comparison(compiler, str_slice(markup.p + at, end - at), next))
            return NULL;
        if (last != NULL)
            last->next = next;
        else
            first = next;
        last = next;
        last->relation = relation;
        if (relation == RELATION_NONE)
            return first;
        at = end + (relation == RELATION_AND ? 3 : 2);
    }
}

const struct condition *parse_condition(struct compiler *compiler, struct str markup)
{
    return compiler_is_lax(compiler) ? lax_condition(compiler, markup)
                                     : parse_strict(compiler, markup);
}
