/*
 * convert.h - templates of other tools into Liquid
 *
 * Mailchimp's merge tags and the Handlebars of SendGrid's dynamic templates. What has
 * no counterpart becomes a comment and is reported, so that the result can be read
 * (strictly) whatever the source was.
 *
 * Owns:    nothing.
 * Thread:  any.
 * Errors:  ERR_MEMORY, ERR_LIMIT: the result is larger than `liquid` may be.
 * Source:  Mailchimp, "All the Merge Tags Cheat Sheet"; SendGrid, "Using Handlebars".
 */
#ifndef BROADSIDE_TEMPLATES_CONVERT_H
#define BROADSIDE_TEMPLATES_CONVERT_H

#include "core/base/buf.h"

enum convert_dialect { CONVERT_MAILCHIMP, CONVERT_HANDLEBARS };

/* What is reported: the place in the source, the words there, and why. */
typedef void convert_note(void *self, unsigned line, unsigned column, struct str text,
                          const char *why);

/* Which of the two a source seems to be; false if it is neither. */
bool convert_recognise(struct str source, enum convert_dialect *dialect);
/* Appends to `liquid`. */
MUST_CHECK enum err convert_template(struct str source, enum convert_dialect dialect,
                                     struct buf *liquid, void *self,
                                     convert_note *note);

#endif
