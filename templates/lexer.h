/*
 * lexer.h - a template cut into text, tags and outputs; and a markup into words
 *
 * Two levels, as in the reference: `struct cutter` finds {{ }} and {% %} in the source
 * (or takes the lines of a {% liquid %} tag), `struct lexer` reads the words of what
 * stands in one of them.
 *
 * Owns:    nothing; all slices of the source.
 * Thread:  one at a time.
 * Source:  Shopify/liquid 5.x, tokenizer and lexer.
 */
#ifndef BROADSIDE_TEMPLATES_LEXER_H
#define BROADSIDE_TEMPLATES_LEXER_H

#include "core/base/str.h"

enum chunk_kind {
    CHUNK_TEXT,
    /* {{ markup }} */
    CHUNK_OUTPUT,
    /* {% name markup %}, or a line of a liquid tag. */
    CHUNK_TAG,
    /* {{ without }}, {% without %}. */
    CHUNK_OPEN_OUTPUT,
    CHUNK_OPEN_TAG,
    /* {% %} without a name. */
    CHUNK_NAMELESS
};

struct chunk {
    enum chunk_kind kind;
    /* All of it, as it stands in the source. */
    struct str text;
    /* Of a tag: its name; of a tag or an output: the rest. */
    struct str name, markup;
    /* A dash at its start or end takes the white space there away. */
    bool trims_before, trims_after;
};

struct cutter {
    struct str source;
    size_t at;
    /* The source is the inside of a {% liquid %} tag. */
    bool is_lines;
    /* A single brace does not end an output. */
    bool is_lax;
};

/* False at the end. */
bool cutter_next(struct cutter *cutter, struct chunk *chunk);
/* A chunk read as {% raw %} and {% doc %} look for their ends: the tag that ends the
 * chunk, even behind other text; false if there is none. *before is that text. */
bool chunk_last_tag(const struct chunk *chunk, struct str *name, struct str *before);

enum token_kind {
    TOKEN_END,
    TOKEN_ID,
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_COMPARISON,
    TOKEN_DOTDOT,
    TOKEN_PIPE,
    TOKEN_DOT,
    TOKEN_COLON,
    TOKEN_COMMA,
    TOKEN_OPEN_SQUARE,
    TOKEN_CLOSE_SQUARE,
    TOKEN_OPEN_ROUND,
    TOKEN_CLOSE_ROUND,
    TOKEN_QUESTION,
    TOKEN_DASH,
    /* A byte that begins no word. */
    TOKEN_UNEXPECTED
};

struct token {
    enum token_kind kind;
    /* Of a string with its quotes. */
    struct str text;
};

/* How a message ends: with the markup it is about. */
struct quote {
    const char *before;
    struct str text;
    const char *after;
};

#define QUOTE_ARG(q) (q).before, STR_ARG((q).text), (q).after

struct lexer {
    struct str markup;
    size_t at;
    struct token token, ahead;
    struct quote quote;
};

void lexer_init(struct lexer *lexer, struct str markup);
/* Steps to the next word. */
void lexer_next(struct lexer *lexer);
/* The word for a kind, as the reference's messages have it. */
const char *token_kind_name(enum token_kind kind);

static inline bool is_word_char(char c)
{
    return ascii_is_letter_or_digit(c) || c == '_';
}

/* Without white space (and NULs) at its start or end. */
struct str strip_start(struct str s);
struct str strip_end(struct str s);
struct str strip_both(struct str s);

#endif
