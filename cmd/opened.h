/*
 * opened.h - a campaign file with everything it refers to: database, list, content
 *
 * Owns:    all of it, from opened_open to opened_close.
 * Thread:  main.
 * Errors:  those of the store, the file and the templates; ERR_NOT_FOUND (66) for a
 *          list that is not there, ERR_DATA (65) for an empty one.
 */
#ifndef BROADSIDE_CMD_OPENED_H
#define BROADSIDE_CMD_OPENED_H

#include "cmd/command.h"
#include "cmd/content.h"
#include "storage/campaigns.h"

struct opened {
    struct store *store;
    struct campaign_file file;
    struct recipient_list list;
    struct content *content;
    /* True if a campaign of that name has been launched: `campaign` is filled, and the
     * content makes its Message-IDs. */
    bool is_launched;
    struct campaign campaign;

    bool has_file;
    struct arena arena;
};

MUST_CHECK enum err opened_open(struct opened *opened, const struct globals *globals,
                                const char *path, struct error *error);
/* The same for a command that only reads (store_open_to_read). */
MUST_CHECK enum err opened_open_to_read(struct opened *opened,
                                        const struct globals *globals, const char *path,
                                        struct error *error);
/* opened_open for a launched campaign by its name, with the file it was launched from;
 * or from `path`, if that is not NULL, to which the file was moved. For one that is
 * over (campaign_is_over) neither file nor list is opened: they may be gone. */
MUST_CHECK enum err opened_open_launched(struct opened *opened,
                                         const struct globals *globals,
                                         const char *name, const char *path,
                                         struct error *error);
/* Compiles the content anew, with the secret of a campaign that was just made. */
MUST_CHECK enum err opened_set_campaign(struct opened *opened,
                                        const struct campaign *campaign,
                                        struct error *error);
void opened_close(struct opened *opened);

#endif
