/*
 * html_text.h - a text template made from an HTML template
 *
 * For campaigns that bring no text of their own; done once, not for each recipient.
 * Liquid tags survive, in order, where they stand: the result is a template again, to
 * be rendered without HTML escaping. Links become footnotes (in place where they stand
 * in a Liquid block, whose number of turns nobody knows yet); lists, tables,
 * quotations, headings and alternative texts of images are kept in the manner of plain
 * mail; what a reader would not see (head, styles, hidden preheaders) is left out.
 * Partials are HTML too: each is made into text by itself, and {% render %} stays.
 *
 * Owns:    nothing.
 * Thread:  any.
 * Errors:  ERR_DATA if the template cannot be kept in order (Liquid tags that cut
 *          elements in two); ERR_LIMIT; ERR_MEMORY.
 * Limits:  HTML_SOURCE_MAX bytes, HTML_TAGS_MAX elements and as many Liquid tags;
 *          the result is bounded by the buffer's own maximum.
 * Source:  HTML Living Standard section 13.2 (through libgumbo).
 */
#ifndef BROADSIDE_MAIL_HTML_TEXT_H
#define BROADSIDE_MAIL_HTML_TEXT_H

#include "core/base/buf.h"

#define HTML_SOURCE_MAX (4u << 20)
#define HTML_TAGS_MAX   20000

/* What html_to_text needs to know of the partials that a template renders. */
struct html_partials {
    void *self;
    /* How many line ends one needs before and behind it; 0 for words in a line. */
    unsigned (*lines)(void *self, struct str name);
};

/* Appends to `text`, which is left as it is on an error but for the sticky one.
 * `partials` is NULL if they are all words in a line. */
MUST_CHECK enum err html_to_text(struct str html, const struct html_partials *partials,
                                 struct buf *text, struct error *error);
/* The same for a partial, which is part of a text: its links stand in place, no line
 * end is added, blanks at its ends stay if it is words in a line. *lines is how many
 * line ends it needs around it. */
MUST_CHECK enum err html_partial_to_text(struct str html,
                                         const struct html_partials *partials,
                                         struct buf *text, unsigned *lines,
                                         struct error *error);

#endif
