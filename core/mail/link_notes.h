/*
 * link_notes.h - the addresses of a text's links, to be printed as footnotes
 *
 * Owns:    nothing of its own but `urls`, which the caller inits and finis.
 * Errors:  those of `urls`, sticky.
 * Limits:  LINK_NOTES_MAX addresses.
 */
#ifndef BROADSIDE_MAIL_LINK_NOTES_H
#define BROADSIDE_MAIL_LINK_NOTES_H

#include "core/base/buf.h"

#define LINK_NOTES_MAX 500

struct link_notes {
    /* One after another, with their Liquid, and where each ends. */
    struct buf urls;
    size_t ends[LINK_NOTES_MAX], count;
};

/* The number, from 1 on, of the footnote for an address; the same for the same. 0 if
 * there is no room for one more. */
size_t link_notes_add(struct link_notes *notes, struct str url);
struct str link_notes_at(const struct link_notes *notes, size_t index);
/* Does a link's text say its address already? */
bool link_is_said(struct str text, struct str url);
/* False for what leads nowhere outside the HTML: anchors, scripts, parts
 * of the message, nothing. */
bool link_leads_somewhere(struct str url);

#endif
