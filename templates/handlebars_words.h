/*
 * handlebars_words.h - the words of a Handlebars tag; for its converter only
 */
#ifndef BROADSIDE_TEMPLATES_HANDLEBARS_WORDS_H
#define BROADSIDE_TEMPLATES_HANDLEBARS_WORDS_H

#include "templates/converter.h"

/* The next word: a name, a helper in parentheses, or a text or number. */
bool next_word(struct str *rest, struct str *word);
/* What stands before names in the block `up` above the innermost one. */
struct str prefix_of(const struct converter *converter, size_t up);
/* A word as Liquid says it where it stands: "item.name" for name within {{#each}}. */
void add_operand(struct converter *converter, struct str word);

#endif
