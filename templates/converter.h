/*
 * converter.h - what the two dialects' converters share; for this folder only
 */
#ifndef BROADSIDE_TEMPLATES_CONVERTER_H
#define BROADSIDE_TEMPLATES_CONVERTER_H

#include "templates/convert.h"
#include "templates/lexer.h"

/* Blocks within blocks. */
#define CONVERT_DEPTH_MAX 64

struct block {
    /* What ends it: "if", "each". */
    struct str name;
    /* What stands before the names in it: "item." within {{#each}}. */
    char prefix[80];
    /* Liquid's word for its end; NULL: it has none. */
    const char *end;
};

struct converter {
    struct str source;
    struct buf *liquid;
    void *self;
    convert_note *note;
    struct block blocks[CONVERT_DEPTH_MAX];
    size_t depth;
    unsigned loops;
};

void converter_add(struct converter *converter, struct str text);
/* Reports `text`, a slice of the source, and copies it. */
void converter_keep(struct converter *converter, struct str text, const char *why);
/* Reports only. */
void converter_report(struct converter *converter, struct str text, const char *why);
/* A name as Liquid can say it: as it is, or recipient["Order no."]. */
void converter_add_name(struct converter *converter, struct str name);
/* In quotes, of the kind that the text has not. */
void converter_add_quoted(struct converter *converter, struct str text);
/* NULL if there are too many. */
struct block *converter_open(struct converter *converter, struct str name,
                             const char *end);

void convert_mailchimp(struct converter *converter);
void convert_handlebars(struct converter *converter);

#endif
