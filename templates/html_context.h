/*
 * html_context.h - where in an HTML page a place of a template lies
 *
 * A small tokenizer that the compiler feeds the static text with, branch by branch;
 * what it says at an output decides how its value is escaped. It follows the states
 * of the HTML standard as far as escaping needs them.
 *
 * Owns:    nothing; a value.
 * Thread:  any.
 * Source:  WHATWG HTML, 13.2.5 "Tokenization".
 */
#ifndef BROADSIDE_TEMPLATES_HTML_CONTEXT_H
#define BROADSIDE_TEMPLATES_HTML_CONTEXT_H

#include "core/base/str.h"

enum html_state {
    HTML_TEXT,
    /* After '<', in a tag's name. */
    HTML_TAG_OPEN,
    HTML_TAG_NAME,
    /* In a tag, outside of attributes. */
    HTML_TAG,
    HTML_ATTRIBUTE_NAME,
    HTML_AFTER_NAME,
    HTML_BEFORE_VALUE,
    HTML_VALUE_DOUBLE,
    HTML_VALUE_SINGLE,
    HTML_VALUE_BARE,
    HTML_COMMENT,
    /* <script>, <style>, <textarea>, <title>: until its end tag. */
    HTML_RAW_TEXT
};

enum html_url {
    HTML_URL_NONE,
    /* At the start of a URL attribute's value. */
    HTML_URL_START,
    /* In it, where a value could still be part of the scheme. */
    HTML_URL_SCHEME,
    /* Behind the scheme. */
    HTML_URL_REST
};

#define HTML_NAME_MAX 16

struct html_context {
    uint8_t state, url;
    /* Of the tag or attribute that is being read, in lower case, cut. */
    uint8_t name_bytes, raw_bytes;
    char name[HTML_NAME_MAX];
    /* The end tag that raw text waits for: "script". */
    char raw[HTML_NAME_MAX];
};

/* The context after `text`. */
void html_context_feed(struct html_context *context, struct str text);
/* The context in which an output at this place stands: where an attribute's value is
 * wanted, it is that value's first part. */
void html_context_enter(struct html_context *context);
/* The context after an output at this place. */
void html_context_output(struct html_context *context);
/* Of two branches' ends the one with the stricter escaping. */
struct html_context html_context_merge(struct html_context a, struct html_context b);
bool html_context_equal(struct html_context a, struct html_context b);
/* True if a value here stands in a tag, so that its quotes are escaped with care. */
static inline bool html_context_in_tag(const struct html_context *context)
{
    return context->state >= HTML_TAG_OPEN && context->state <= HTML_VALUE_BARE;
}

#endif
