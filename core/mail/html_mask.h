/*
 * html_mask.h - Liquid tags taken out of HTML before it is parsed, and put back
 *
 * An HTML parser moves text that stands between table rows out of the table, and would
 * take a quotation mark inside {{ }} for the end of an attribute. So a Liquid tag
 * becomes a comment where text is read (comments stay where they are) and one
 * private-use character elsewhere (attributes, style, title).
 *
 * Liquid's whitespace control works on the HTML's white space, most of which a text
 * does not keep: it is carried out here, and the tags lose their hyphens. `| raw` at
 * the end of an output, which is HTML then, becomes `| strip_html`, and tablerow, which
 * would print table elements, becomes for.
 *
 * Owns:    the masked source, the list of tags and those that were rewritten, from
 *          html_mask to html_mask_fini.
 * Keeps:   the source, which the other tags point into.
 * Errors:  ERR_LIMIT, ERR_MEMORY.
 */
#ifndef BROADSIDE_MAIL_HTML_MASK_H
#define BROADSIDE_MAIL_HTML_MASK_H

#include "core/base/arena.h"
#include "core/base/buf.h"

struct liquid_tag {
    struct str source;
    /* {% %}, not {{ }}. */
    bool is_control;
    /* What was tablerow and endtablerow. */
    bool is_tablerow;
};

struct html_mask {
    struct buf html;
    struct arena arena;
    struct liquid_tag *tags;
    size_t count, cap;
    /* Control tags outside attributes: each has to come back once. */
    size_t expected;
};

/* With `flat`, table elements are renamed to div: nothing is moved about then, and the
 * cells of a row are not told from each other any more. */
MUST_CHECK enum err html_mask(struct str source, bool flat, struct html_mask *mask);
void html_mask_fini(struct html_mask *mask);

/* The tag whose private-use character stands at the front of s, NULL if none does. It
 * is HTML_MASK_BYTES long. */
#define HTML_MASK_BYTES 4
const struct liquid_tag *html_mask_at(const struct html_mask *mask, struct str s);
/* The tag of a comment's text, NULL if it is an ordinary comment. */
const struct liquid_tag *html_mask_comment(const struct html_mask *mask,
                                           struct str text);
/* s with its tags put back. */
void html_unmask(const struct html_mask *mask, struct str s, struct buf *to);
/* The word a control tag begins with: "if", "endfor"; empty for an output. */
struct str liquid_tag_name(const struct liquid_tag *tag);

#endif
