/*
 * html_style.h - which elements a design hides: by their own style or by a style sheet
 *
 * Just enough of CSS to leave out what nobody sees, above all preheaders. Of style
 * sheets, rules for one class or id (`.x`, `p.x`, `#x`) outside of @-rules are read;
 * what a rule hides and another one shows again counts as hidden.
 *
 * Owns:    nothing.
 * Keeps:   the HTML that was read, which the names point into.
 * Thread:  any.
 * Limits:  HTML_STYLE_RULES_MAX rules that hide, later ones are not seen.
 */
#ifndef BROADSIDE_MAIL_HTML_STYLE_H
#define BROADSIDE_MAIL_HTML_STYLE_H

#include "core/base/str.h"

#define HTML_STYLE_RULES_MAX 64

struct html_hiding_rule {
    /* Empty: any element. */
    struct str tag;
    struct str name;
    bool is_id;
};

struct html_style {
    struct html_hiding_rule rules[HTML_STYLE_RULES_MAX];
    size_t rule_count;
};

/* From the <style> elements of a source. */
void html_style_read(struct html_style *style, struct str html);
/* Does an element's own style hide it? display: none, visibility: hidden, opacity: 0,
 * or no height and nothing beyond it. */
bool html_style_hides(struct str declarations);
/* Does a rule hide an element with this tag name, class attribute and id? */
bool html_style_hides_element(const struct html_style *style, struct str tag,
                              struct str classes, struct str id);

#endif
