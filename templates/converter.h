/*
 * converter.h - what the two dialects' converters share; for this folder only
 *
 * Owns:    nothing; Liquid goes into the caller's buffer.
 * Keeps:   the source, which tokens and blocks point into, until the conversion ends.
 * Thread:  one at a time.
 * Errors:  sticky in the buffer; what has no counterpart is a note, no error.
 * Limits:  CONVERT_DEPTH_MAX blocks within blocks.
 */
#ifndef BROADSIDE_TEMPLATES_CONVERTER_H
#define BROADSIDE_TEMPLATES_CONVERTER_H

#include "templates/convert.h"
#include "templates/lexer.h"

/* Blocks within blocks. */
#define CONVERT_DEPTH_MAX 64

struct block {
    /* What ends it, "if" or "each", and the whole tag that opened it. */
    struct str name, tag;
    /* What stands before the names in it: "item." within {{#each}}. */
    char prefix[80];
    /* Liquid's word for its end; "": it stayed as it was; NULL: it needs none. */
    const char *end;
    bool has_else;
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
/* Text between tags: what Liquid would take for a tag of its own is printed. */
void converter_add_text(struct converter *converter, struct str text);
/* In a comment, which the text cannot end. */
void converter_add_comment(struct converter *converter, struct str text);
/* Reports `text`, a slice of the source, and leaves it as a comment: what it would have
 * printed is not known, and a recipient should not see the tag itself. */
void converter_keep(struct converter *converter, struct str text, const char *why);
/* Reports only. */
void converter_report(struct converter *converter, struct str text, const char *why);
/* Whether the Liquid since `start` is one, with `end` behind it; else it is taken back
 * and `tag` kept instead. */
bool converter_accept(struct converter *converter, size_t start, const char *end,
                      struct str tag, const char *why);
/* A name as Liquid can say it: as it is, or recipient["Order no."]. */
void converter_add_name(struct converter *converter, struct str name);
/* In quotes, of the kind that the text has not. */
void converter_add_quoted(struct converter *converter, struct str text);

/* A block begins; NULL if there are too many. */
struct block *converter_open(struct converter *converter, struct str name,
                             struct str tag, const char *end);
/* The innermost block ends. */
void converter_close(struct converter *converter, struct str tag);
/* Whether {% else %}, or {% elsif %} if it `has_condition`, may stand here; else `tag`
 * is kept. */
bool converter_else(struct converter *converter, struct str tag, bool has_condition);

void convert_mailchimp(struct converter *converter);
void convert_handlebars(struct converter *converter);

/* convert_dates.c: "%d/%m/%Y" for the formats of PHP and of SendGrid's formatDate;
 * false if strftime has not all of it. */
bool convert_php_date(struct converter *converter, struct str format);
bool convert_sendgrid_date(struct converter *converter, struct str format);

#endif
