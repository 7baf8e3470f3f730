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
    /* href values that begin with http:, <img> without an alt attribute. */
    unsigned http_links, images_without_alt;
    /* Some link says unsubscribe, in its address or near it. */
    bool has_unsubscribe;
};

struct html_lint html_lint(struct str html);

#endif
