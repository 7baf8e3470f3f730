/*
 * html_role.h - what an element of an HTML mail is for the one who reads it as text
 *
 * Keeps:   libgumbo's types inside this folder: only html_text.c includes this.
 */
#ifndef BROADSIDE_MAIL_HTML_ROLE_H
#define BROADSIDE_MAIL_HTML_ROLE_H

#include "core/mail/html_style.h"

#include <gumbo.h>

enum html_role {
    ROLE_INLINE,
    ROLE_BLOCK,
    ROLE_PARAGRAPH,
    ROLE_HEADING,
    ROLE_LIST,
    ROLE_ITEM,
    ROLE_QUOTE,
    ROLE_PRE,
    ROLE_CELL,
    ROLE_LINK,
    ROLE_IMAGE,
    ROLE_BREAK,
    ROLE_RULE,
    ROLE_HIDDEN,
};

/* Of a document or an element; ROLE_HIDDEN for what a style hides. A row of a table
 * that has one cell with something in it is layout: a paragraph. */
enum html_role html_role_of(const GumboNode *node, const struct html_style *style);
/* STR_NULL if the element has none of that name. */
struct str html_attribute(const GumboNode *node, const char *name);

#endif
