/*
 * html_lint.h - what a mail reader or a filter would mind in one HTML part
 *
 * A single pass over the tags; no tree. It counts, it does not judge.
 *
 * Thread:  any.
 * Limits:  none; O(bytes).
 */
#ifndef BROADSIDE_CMD_HTML_LINT_H
#define BROADSIDE_CMD_HTML_LINT_H

#include "core/base/str.h"

struct html_lint {
    /* Links whose href begins with http:, and those that lead nowhere: an href that is
     * empty, "#", or has no scheme, since a mail has no page it could be relative to.
     */
    unsigned http_links, dead_links;
    /* <img> without an alt attribute. */
    unsigned images_without_alt;
    /* Some link says unsubscribe, in its address, its text or near it. */
    bool has_unsubscribe;
};

struct html_lint html_lint(struct str html);
/* Calls `each` for the name of every cid:NAME that an attribute or a style refers to.
 */
void html_cids(struct str html, void *self, void (*each)(void *self, struct str name));
/* Whether a text or an address says so, in one of the languages that it knows. */
bool says_unsubscribe(struct str text);

#endif
