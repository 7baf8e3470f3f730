/*
 * content.h - what a campaign says: its files read once, its templates compiled
 *
 * Everything that is the same for all recipients. The hash is over all that decides
 * what a recipient gets and who is one, so that a resumed campaign can tell that it
 * is still the same; relay, limits and retry are not in it.
 *
 * Owns:    templates, plan, data and files, from content_new to content_free.
 * Keeps:   the campaign file and the columns, until content_free.
 * Thread:  immutable once made: any number of composers share it.
 * Errors:  ERR_DATA with file:line:column (templates, JSON), ERR_CONFIG, what
 *          file_read says.
 * Limits:  CONTENT_TEMPLATE_MAX a template, CONTENT_FILES_MAX bytes of files in all.
 */
#ifndef BROADSIDE_CMD_CONTENT_H
#define BROADSIDE_CMD_CONTENT_H

#include "cmd/config/campaign.h"
#include "core/mail/message.h"
#include "templates/template.h"
#include "templates/value.h"

#define CONTENT_TEMPLATE_MAX (4u << 20)
#define CONTENT_DATA_MAX     (16u << 20)
#define CONTENT_FILES_MAX    (40u << 20)
#define CONTENT_FILE_COUNT   100
#define CONTENT_HASH_BYTES   32
/* What messages call a text template that was made from the HTML. */
#define CONTENT_MADE_TEXT "(text from html)"

/* Names that win over columns and data; compose.c has their values. */
#define CONTENT_RESERVED_COUNT 3
extern const struct str content_reserved_names[CONTENT_RESERVED_COUNT];

struct content {
    const struct campaign_file *campaign;
    /* The list's columns: the templates' fields. */
    struct str_list columns;
    /* html, text and where are NULL if there is none. text may be made from html. */
    struct template *subject, *html, *text, *where;
    struct template **headers;
    struct value *data;
    struct message_plan *plan;
    /* The envelope's sender. */
    struct str mail_from;
    unsigned char hash[CONTENT_HASH_BYTES];

    struct arena arena;
};

/* `secret`: what Message-IDs are derived from. */
MUST_CHECK enum err content_new(const struct campaign_file *campaign,
                                struct str_list columns, struct str secret,
                                struct content **content, struct error *error);
void content_free(struct content *content);

#endif
