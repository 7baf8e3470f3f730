#include "templates/compiler.h"
#include "templates/filters.h"
#include "templates/number.h"

/*
 * The strict grammar of the reference:
 *
 *   output     = [ expression *( "|" filter ) ]
 *   filter     = id [ ":" [ argument *( "," argument ) [ "," ] ] ]
 *   argument   = [ id ":" ] expression
 *   expression = string / number / "(" expression ".." expression ")" / variable
 *   variable   = id *( "." id / "[" expression "]" )
 *
 * A bracket at the start of an expression is kept for lists that may come; the lax
 * parser still looks the name inside it up.
 */

struct quote quote_tag(struct str markup)
{
    return (struct quote){" in \"", strip_both(markup), "\""};
}

struct quote quote_output(struct str markup)
{
    return (struct quote){" in \"{{", markup, "}}\""};
}

struct quote quote_nothing(void)
{
    return (struct quote){"", STR(""), ""};
}

bool parse_accept(struct lexer *lexer, enum token_kind kind)
{
    if (lexer->token.kind != kind)
        return false;
    lexer_next(lexer);
    return true;
}

bool parse_accept_id(struct lexer *lexer, const char *name)
{
    if (lexer->token.kind != TOKEN_ID || !str_equal(lexer->token.text, str_of(name)))
        return false;
    lexer_next(lexer);
    return true;
}

bool parse_start(struct compiler *compiler, struct lexer *lexer, struct str markup,
                 struct quote quote)
{
    lexer_init(lexer, markup);
    while (lexer->token.kind != TOKEN_END && lexer->token.kind != TOKEN_UNEXPECTED)
        lexer_next(lexer);
    if (lexer->token.kind == TOKEN_UNEXPECTED)
        return compiler_fail(compiler, lexer->token.text.p,
                             "Unexpected character %.*s%s%.*s%s",
                             STR_ARG(lexer->token.text), QUOTE_ARG(quote));
    lexer_init(lexer, markup);
    lexer->quote = quote;
    return true;
}

bool parse_expect(struct compiler *compiler, struct lexer *lexer, enum token_kind kind)
{
    if (parse_accept(lexer, kind))
        return true;
    return compiler_fail(compiler, lexer->token.text.p,
                         "Expected %s but found %s%s%.*s%s", token_kind_name(kind),
                         token_kind_name(lexer->token.kind), QUOTE_ARG(lexer->quote));
}

bool parse_end(struct compiler *compiler, struct lexer *lexer)
{
    return parse_expect(compiler, lexer, TOKEN_END);
}

static enum lookup_command command_of(struct str name)
{
    if (str_equal(name, STR("size")))
        return COMMAND_SIZE;
    if (str_equal(name, STR("first")))
        return COMMAND_FIRST;
    return str_equal(name, STR("last")) ? COMMAND_LAST : COMMAND_NONE;
}

/* A key that is known now is a name, not an expression. */
static void set_key(struct lookup *lookup, const struct expression *key)
{
    if (key->kind == EXPRESSION_LITERAL && key->literal.type == VALUE_STRING)
        lookup->name = value_str(key->literal);
    else
        lookup->key = key;
}

static bool parse_lookup(struct compiler *compiler, struct lexer *lexer,
                         struct lookup *lookup)
{
    if (parse_accept(lexer, TOKEN_DOT)) {
        lookup->name = lexer->token.text;
        lookup->command = command_of(lookup->name);
        return parse_expect(compiler, lexer, TOKEN_ID);
    }
    lexer_next(lexer);
    const struct expression *key = parse_expression(compiler, lexer, false);
    if (key == NULL)
        return false;
    set_key(lookup, key);
    return parse_expect(compiler, lexer, TOKEN_CLOSE_SQUARE);
}

static bool parse_lookups(struct compiler *compiler, struct lexer *lexer,
                          struct expression *variable)
{
    struct row lookups = {0};
    while (lexer->token.kind == TOKEN_DOT || lexer->token.kind == TOKEN_OPEN_SQUARE) {
        struct lookup *lookup = row_add(compiler, &lookups, sizeof *lookup);
        if (lookup == NULL || !parse_lookup(compiler, lexer, lookup))
            return false;
    }
    variable->variable.lookups = lookups.p;
    variable->variable.lookup_count = (uint32_t)lookups.n;
    return true;
}

/* nil, true, false, empty, blank standing alone. */
static bool literal_word(struct str word, bool in_condition, struct value *literal)
{
    if (str_equal(word, STR("nil")) || str_equal(word, STR("null")))
        *literal = value_nil();
    else if (str_equal(word, STR("true")))
        *literal = value_bool(true);
    else if (str_equal(word, STR("false")))
        *literal = value_bool(false);
    else if (str_equal(word, STR("blank")))
        *literal =
            in_condition ? (struct value){.type = VALUE_BLANK} : value_string(STR(""));
    else if (str_equal(word, STR("empty")))
        *literal =
            in_condition ? (struct value){.type = VALUE_EMPTY} : value_string(STR(""));
    else
        return false;
    return true;
}

static bool parse_name(struct compiler *compiler, struct lexer *lexer,
                       bool in_condition, struct expression *expression)
{
    struct str word = lexer->token.text;
    lexer_next(lexer);
    bool is_alone =
        lexer->token.kind != TOKEN_DOT && lexer->token.kind != TOKEN_OPEN_SQUARE;
    if (is_alone && literal_word(word, in_condition, &expression->literal)) {
        expression->kind = EXPRESSION_LITERAL;
        return true;
    }
    expression->kind = EXPRESSION_VARIABLE;
    expression->variable.symbol = compiler_symbol(compiler, word);
    return expression->variable.symbol != UINT32_MAX &&
           compiler_add_read(compiler, expression->variable.symbol,
                             expression->position) &&
           parse_lookups(compiler, lexer, expression);
}

/* Its value is known without a rendering. */
static bool is_constant(const struct expression *expression)
{
    if (expression->kind == EXPRESSION_RANGE)
        return is_constant(expression->range.first) &&
               is_constant(expression->range.last);
    return expression->kind == EXPRESSION_LITERAL;
}

/* A constant that is not to be read as an integer. */
static bool is_no_number(const struct expression *expression)
{
    return expression->kind == EXPRESSION_RANGE ||
           expression->literal.type == VALUE_TRUE ||
           expression->literal.type == VALUE_FALSE;
}

/* One of the ends, and its text. */
static const struct expression *parse_range_end(struct compiler *compiler,
                                                struct lexer *lexer, struct str *text)
{
    const char *start = lexer->token.text.p;
    const struct expression *end = parse_expression(compiler, lexer, false);
    *text = strip_both(str_slice(start, (size_t)(lexer->token.text.p - start)));
    return end;
}

static bool parse_range(struct compiler *compiler, struct lexer *lexer,
                        struct expression *expression)
{
    const char *at = lexer->token.text.p;
    struct str first, last;
    lexer_next(lexer);
    expression->kind = EXPRESSION_RANGE;
    expression->range.first = parse_range_end(compiler, lexer, &first);
    if (expression->range.first == NULL || !parse_expect(compiler, lexer, TOKEN_DOTDOT))
        return false;
    expression->range.last = parse_range_end(compiler, lexer, &last);
    if (expression->range.last == NULL ||
        !parse_expect(compiler, lexer, TOKEN_CLOSE_ROUND))
        return false;
    /* Beside a variable, only the rendering tells. */
    if (!is_constant(expression) || (!is_no_number(expression->range.first) &&
                                     !is_no_number(expression->range.last)))
        return true;
    return compiler_fail(compiler, at,
                         "Invalid expression type '%.*s' in range expression%s%.*s%s",
                         STR_ARG(is_no_number(expression->range.first) ? first : last),
                         QUOTE_ARG(lexer->quote));
}

static bool parse_number(struct compiler *compiler, struct lexer *lexer,
                         struct expression *expression)
{
    struct str text = lexer->token.text;
    expression->kind = EXPRESSION_LITERAL;
    expression->literal = memchr(text.p, '.', text.n) != NULL
                              ? value_float(number_parse_float(text))
                              : number_parse_integer(text, compiler->arena);
    lexer_next(lexer);
    return true;
}

static bool parse_expression_here(struct compiler *compiler, struct lexer *lexer,
                                  bool in_condition, struct expression *expression)
{
    struct token token = lexer->token;
    expression->position = compiler_position(compiler, token.text.p);
    switch ((int)token.kind) {
    case TOKEN_ID: return parse_name(compiler, lexer, in_condition, expression);
    case TOKEN_OPEN_SQUARE:
        return compiler_fail(compiler, token.text.p,
                             "Bare bracket access is not allowed in strict2 mode. Use "
                             "self['...'] instead%s%.*s%s",
                             QUOTE_ARG(lexer->quote));
    case TOKEN_OPEN_ROUND: return parse_range(compiler, lexer, expression);
    case TOKEN_NUMBER: return parse_number(compiler, lexer, expression);
    case TOKEN_STRING:
        expression->kind = EXPRESSION_LITERAL;
        expression->literal =
            value_string(str_slice(token.text.p + 1, token.text.n - 2));
        lexer_next(lexer);
        return true;
    case TOKEN_END:
        return compiler_fail(compiler, token.text.p,
                             "[:end_of_string] is not a valid expression%s%.*s%s",
                             QUOTE_ARG(lexer->quote));
    default:
        return compiler_fail(
            compiler, token.text.p, "[:%s, \"%.*s\"] is not a valid expression%s%.*s%s",
            token_kind_name(token.kind), STR_ARG(token.text), QUOTE_ARG(lexer->quote));
    }
}

bool parse_expression_into(struct compiler *compiler, struct lexer *lexer,
                           bool in_condition, struct expression *expression)
{
    if (compiler->expression_depth >= COMPILE_DEPTH_MAX)
        return compiler_fail(compiler, lexer->token.text.p, "Nesting too deep");
    compiler->expression_depth++;
    bool ok = parse_expression_here(compiler, lexer, in_condition, expression);
    compiler->expression_depth--;
    return ok;
}

const struct expression *parse_expression(struct compiler *compiler,
                                          struct lexer *lexer, bool in_condition)
{
    struct expression *expression = compiler_alloc(compiler, sizeof *expression);
    if (expression == NULL ||
        !parse_expression_into(compiler, lexer, in_condition, expression))
        return NULL;
    return expression;
}

static bool parse_argument(struct compiler *compiler, struct lexer *lexer,
                           struct row *arguments, struct row *keywords)
{
    if (lexer->token.kind == TOKEN_ID && lexer->ahead.kind == TOKEN_COLON) {
        struct keyword *keyword = row_add(compiler, keywords, sizeof *keyword);
        if (keyword == NULL)
            return false;
        keyword->name = lexer->token.text;
        lexer_next(lexer);
        lexer_next(lexer);
        keyword->value = parse_expression(compiler, lexer, false);
        return keyword->value != NULL;
    }
    struct expression *argument = row_add(compiler, arguments, sizeof *argument);
    return argument != NULL && parse_expression_into(compiler, lexer, false, argument);
}

static bool at_end_of_arguments(const struct lexer *lexer)
{
    return lexer->token.kind == TOKEN_PIPE || lexer->token.kind == TOKEN_END;
}

bool add_filter(struct compiler *compiler, struct output *output, struct row *calls,
                struct str name, struct row *arguments, struct row *keywords)
{
    const struct filter *filter = filter_find(name);
    output->is_raw = str_equal(name, STR("raw"));
    /* The reference lets the input through an unknown filter. */
    if (filter == NULL)
        return output->is_raw || compiler_add_unknown_filter(compiler, name);
    struct filter_call *call = row_add(compiler, calls, sizeof *call);
    if (call == NULL)
        return false;
    *call = (struct filter_call){.filter = filter,
                                 .arguments = arguments->p,
                                 .keywords = keywords->p,
                                 .argument_count = (uint32_t)arguments->n,
                                 .keyword_count = (uint32_t)keywords->n};
    if (str_equal(name, STR("default")))
        output->default_end = (uint32_t)calls->n;
    return true;
}

static bool parse_filter(struct compiler *compiler, struct lexer *lexer,
                         struct output *output, struct row *calls)
{
    struct row arguments = {0}, keywords = {0};
    struct str name = lexer->token.text;
    if (!parse_expect(compiler, lexer, TOKEN_ID))
        return false;
    if (parse_accept(lexer, TOKEN_COLON) && !at_end_of_arguments(lexer)) {
        do {
            if (!parse_argument(compiler, lexer, &arguments, &keywords))
                return false;
        } while (parse_accept(lexer, TOKEN_COMMA) && !at_end_of_arguments(lexer));
    }
    return add_filter(compiler, output, calls, name, &arguments, &keywords);
}

static bool is_variable(const struct expression *expression)
{
    return expression->kind == EXPRESSION_VARIABLE &&
           expression->variable.root == NULL && expression->variable.lookup_count == 0;
}

/* `default` alone, with a literal: what is not empty passes it unchanged. */
static bool is_plain_default(const struct row *calls)
{
    const struct filter_call *call = calls->p;
    return calls->n == 1 && call->filter->apply == filter_default &&
           call->argument_count == 1 && call->keyword_count == 0 &&
           call->arguments[0].kind == EXPRESSION_LITERAL;
}

void finish_output(struct compiler *compiler, struct output *output,
                   const struct row *calls)
{
    output->filters = calls->p;
    output->filter_count = (uint32_t)calls->n;
    output->place =
        place_of(compiler->template->escape, &compiler->context, output->is_raw);
    output->is_plain =
        is_variable(output->expression) && (calls->n == 0 || is_plain_default(calls));
}

static bool parse_output_strict(struct compiler *compiler, struct str markup,
                                struct quote quote, struct output *output)
{
    struct lexer lexer;
    struct row calls = {0};
    *output = (struct output){.expression = NULL};
    if (!parse_start(compiler, &lexer, markup, quote))
        return false;
    if (lexer.token.kind == TOKEN_END)
        return true;
    output->expression = parse_expression(compiler, &lexer, false);
    if (output->expression == NULL)
        return false;
    while (parse_accept(&lexer, TOKEN_PIPE)) {
        if (!parse_filter(compiler, &lexer, output, &calls))
            return false;
    }
    finish_output(compiler, output, &calls);
    return parse_end(compiler, &lexer);
}

bool parse_output(struct compiler *compiler, struct str markup, struct quote quote,
                  struct output *output)
{
    if (!compiler_is_lax(compiler))
        return parse_output_strict(compiler, markup, quote, output);
    size_t reads = compiler->template->read_count;
    compiler->is_trial = true;
    bool ok = parse_output_strict(compiler, markup, quote, output);
    compiler->is_trial = false;
    if (ok || compiler->code != ERR_DATA)
        return ok;
    compiler->code = ERR_NONE;
    compiler->template->read_count = reads;
    return lax_output(compiler, markup, output);
}
