/*
 * opened.c - the order of opening: what is wrong is said before anything is changed
 */
#include "cmd/opened.h"

#include <errno.h>
#include <unistd.h>

#define OPENED_MEMORY_MAX (16u << 20)

static enum err compile(struct opened *opened, struct error *error)
{
    static const unsigned char no_secret[CAMPAIGN_SECRET_BYTES];
    const unsigned char *secret =
        opened->is_launched ? opened->campaign.secret : no_secret;
    struct str_list columns = {opened->list.columns, opened->list.column_count};
    content_free(opened->content);
    return content_new(&opened->file, columns,
                       str_slice((const char *)secret, CAMPAIGN_SECRET_BYTES),
                       &opened->content, error);
}

/* Whether the campaign was launched before; not to be there is no error. */
static enum err look_for_campaign(struct opened *opened, struct error *error)
{
    enum err err = campaign_find(opened->store, opened->file.name, &opened->arena,
                                 &opened->campaign, error);
    opened->is_launched = err == ERR_NONE;
    if (err != ERR_NOT_FOUND)
        return err;
    *error = (struct error){ERR_NONE, ""};
    return ERR_NONE;
}

static void begin(struct opened *opened)
{
    *opened = (struct opened){.store = NULL};
    arena_init(&opened->arena, OPENED_MEMORY_MAX);
}

static enum err open_file(struct opened *opened, const struct globals *globals,
                          const char *path, struct error *error)
{
    enum err err = campaign_file_load(path, globals->config, &opened->file, error);
    opened->has_file = err == ERR_NONE;
    return err;
}

static enum err open_list(struct opened *opened, struct error *error)
{
    enum err err = list_find(opened->store, opened->file.list, &opened->arena,
                             &opened->list, error);
    if (err == ERR_NONE && opened->list.recipient_count == 0)
        err =
            error_set(error, ERR_DATA,
                      "cannot use the list: %.*s: it is empty; import recipients first",
                      STR_ARG(opened->file.list));
    return err;
}

typedef enum err store_opener(const char *path, struct store **store,
                              struct error *error);

static enum err open_with(store_opener *open_store, struct opened *opened,
                          const struct globals *globals, const char *path,
                          struct error *error)
{
    begin(opened);
    enum err err = open_file(opened, globals, path, error);
    if (err == ERR_NONE)
        err = open_store(globals->db, &opened->store, error);
    if (err == ERR_NONE)
        err = open_list(opened, error);
    if (err == ERR_NONE)
        err = look_for_campaign(opened, error);
    if (err == ERR_NONE)
        err = compile(opened, error);
    if (err != ERR_NONE)
        opened_close(opened);
    return err;
}

enum err opened_open(struct opened *opened, const struct globals *globals,
                     const char *path, struct error *error)
{
    return open_with(store_open, opened, globals, path, error);
}

enum err opened_open_to_read(struct opened *opened, const struct globals *globals,
                             const char *path, struct error *error)
{
    return open_with(store_open_to_read, opened, globals, path, error);
}

static enum err open_launched_file(struct opened *opened, const struct globals *globals,
                                   const char *name, const char *path,
                                   struct error *error)
{
    struct str known = arena_copy(&opened->arena, opened->campaign.path);
    if (str_is_null(known))
        return error_set(error, ERR_MEMORY, "cannot open: the campaign: out of memory");
    if (path == NULL && access(known.p, F_OK) != 0)
        return error_set(error, ERR_NOT_FOUND,
                         "cannot resume: %s: its file %s: %s; if it was moved, say "
                         "where to with --file",
                         name, known.p, strerror(errno));
    path = path != NULL ? path : known.p;
    enum err err = open_file(opened, globals, path, error);
    if (err == ERR_NONE && !str_equal(opened->file.name, str_of(name)))
        err = error_set(error, ERR_CONFIG,
                        "cannot resume: %s: its file %s says campaign: %.*s now; "
                        "put the name back",
                        name, path, STR_ARG(opened->file.name));
    return err;
}

enum err opened_open_launched(struct opened *opened, const struct globals *globals,
                              const char *name, const char *path, struct error *error)
{
    begin(opened);
    enum err err = store_open(globals->db, &opened->store, error);
    if (err == ERR_NONE)
        err = campaign_find(opened->store, str_of(name), &opened->arena,
                            &opened->campaign, error);
    opened->is_launched = err == ERR_NONE;
    bool is_over = err == ERR_NONE && campaign_is_over(&opened->campaign);
    if (err == ERR_NONE && !is_over)
        err = open_launched_file(opened, globals, name, path, error);
    if (err == ERR_NONE && !is_over)
        err = list_find_id(opened->store, opened->campaign.list_id, &opened->arena,
                           &opened->list, error);
    if (err == ERR_NONE && !is_over)
        err = compile(opened, error);
    if (err != ERR_NONE)
        opened_close(opened);
    return err;
}

enum err opened_set_campaign(struct opened *opened, const struct campaign *campaign,
                             struct error *error)
{
    unsigned char before[CONTENT_HASH_BYTES];
    memcpy(before, opened->content->hash, sizeof(before));
    opened->campaign = *campaign;
    opened->is_launched = true;
    enum err err = compile(opened, error);
    if (err == ERR_NONE && memcmp(before, opened->content->hash, sizeof(before)) != 0)
        err =
            error_set(error, ERR_CONFIG,
                      "cannot launch: %.*s: a file of the campaign changed meanwhile; "
                      "`broadside resume --allow-change %.*s` sends the new one",
                      STR_ARG(campaign->name), STR_ARG(campaign->name));
    return err;
}

void opened_close(struct opened *opened)
{
    content_free(opened->content);
    opened->content = NULL;
    if (opened->has_file)
        campaign_file_free(&opened->file);
    opened->has_file = false;
    arena_fini(&opened->arena);
    store_close(opened->store);
    opened->store = NULL;
}
