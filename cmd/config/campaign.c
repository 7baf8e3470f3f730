/*
 * campaign.c - the top level of the two files, merged key by key
 *
 * Both files are parsed into trees. The settings file's keys that the campaign does
 * not have are read first, then the campaign's, each with messages that name its own
 * file.
 */
#include "cmd/config/campaign.h"

#include "cmd/config/schema.h"
#include "cmd/files.h"
#include "core/mail/header.h"

#include <errno.h>
#include <stdlib.h>

#define CAMPAIGN_MEMORY_MAX  (64u << 20)
#define CAMPAIGN_HEADERS_MAX 64

static config_read read_name, read_subject, read_where, read_headers;

#define IN_CAMPAIGN(member) offsetof(struct campaign_file, member)

static const struct config_key campaign_keys[] = {
    {"campaign", read_name, IN_CAMPAIGN(name), "the campaign's name, unique", NULL, 0,
     0},
    {"list", config_read_text, IN_CAMPAIGN(list), "the list to send to", NULL, 0, 0},
    {"from", config_read_mailboxes, IN_CAMPAIGN(from), "Name <address>", NULL, 0, 0},
    {"reply-to", config_read_mailboxes, IN_CAMPAIGN(reply_to), "address", NULL, 0, 0},
    {"subject", read_subject, IN_CAMPAIGN(subject), "a template", NULL, 0, 0},
    {"html", config_read_text, IN_CAMPAIGN(html), "file with the HTML template", NULL,
     0, 0},
    {"text", config_read_text, IN_CAMPAIGN(text),
     "file with the text template; default: made from html", NULL, 0, 0},
    {"attach", config_read_texts, IN_CAMPAIGN(attach),
     "files that go with every message", NULL, 0, 0},
    {"inline", config_read_texts, IN_CAMPAIGN(inline_files),
     "images that the HTML refers to as cid:NAME", NULL, 0, 0},
    {"data", config_read_text, IN_CAMPAIGN(data),
     "JSON file: an object whose members every template sees", NULL, 0, 0},
    {"where", read_where, IN_CAMPAIGN(where),
     "a Liquid condition: who of the list gets it", NULL, 0, 0},
    {"missing", config_read_yes, IN_CAMPAIGN(hold_missing),
     "what to do if a printed field is missing; default empty", "empty|hold", 0, 0},
    {"in-doubt", config_read_yes, IN_CAMPAIGN(retry_in_doubt),
     "what to do with those of unknown fate; default hold", "hold|retry", 0, 0},
    {"headers", read_headers, 0, "extra headers, their values are templates", NULL, 0,
     0},
    {"relay", config_read_relays, 0, "the server to send through, or a list of them",
     NULL, 0, 0},
    {"limits", config_read_limits, 0, "what recipient domains are spared", NULL, 0, 0},
    {"retry", config_read_retry, 0, "when to try again", NULL, 0, 0},
    {0},
};

/* What may stand in the settings file. */
static const char *const shared_keys[] = {"relay", "limits",  "retry",
                                          "from",  "headers", "in-doubt"};

static bool is_shared_key(struct str name)
{
    for (size_t i = 0; i < sizeof(shared_keys) / sizeof(shared_keys[0]); i++) {
        if (str_equal(str_of(shared_keys[i]), name))
            return true;
    }
    return false;
}

static enum err read_name(const struct config_reader *reader,
                          const struct config_key *key, const struct yaml_node *value,
                          void *into)
{
    enum err err = config_read_text(reader, key, value, into);
    if (err != ERR_NONE)
        return err;
    struct str name = value->text;
    bool is_good = name.n <= CAMPAIGN_FILE_NAME_MAX;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        is_good = is_good &&
                  (ascii_is_letter_or_digit(c) || c == '.' || c == '_' || c == '-');
    }
    if (!is_good)
        return config_refuse(reader, value,
                             "%.*s: no name for a campaign; use letters, digits, '.', "
                             "'_' and '-', at most %d",
                             STR_ARG(str_head(name, 64)), CAMPAIGN_FILE_NAME_MAX);
    return ERR_NONE;
}

static struct config_place place_of(const struct config_reader *reader,
                                    const struct yaml_node *value)
{
    return (struct config_place){reader->name, value->line, value->column};
}

static enum err read_subject(const struct config_reader *reader,
                             const struct config_key *key,
                             const struct yaml_node *value, void *into)
{
    struct campaign_file *campaign = into;
    campaign->subject_place = place_of(reader, value);
    return config_read_line(reader, key, value, into);
}

static enum err read_where(const struct config_reader *reader,
                           const struct config_key *key, const struct yaml_node *value,
                           void *into)
{
    struct campaign_file *campaign = into;
    campaign->where_place = place_of(reader, value);
    return config_read_text(reader, key, value, into);
}

/* NULL if a header of this name may follow the ones before. */
static const char *header_trouble(struct str name, const struct header_setting *headers,
                                  size_t n)
{
    const char *why = header_name_check(name);
    for (size_t i = 0; i < n && why == NULL; i++) {
        if (str_equal_nocase(headers[i].name, name))
            why = "this header stands here twice";
    }
    return why;
}

static enum err read_headers(const struct config_reader *reader,
                             const struct config_key *key,
                             const struct yaml_node *value, void *into)
{
    struct campaign_file *campaign = into;
    struct header_setting *headers =
        arena_calloc(reader->arena, CAMPAIGN_HEADERS_MAX, sizeof(*headers));
    size_t n = 0;
    (void)key;
    if (headers == NULL)
        return config_no_memory(reader);
    if (value->kind != YAML_MAP)
        return config_refuse(reader, value, "must be a map; write Name: 'value'");
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        if (n == CAMPAIGN_HEADERS_MAX)
            return config_refuse(reader, node, "more than %d headers; leave some out",
                                 CAMPAIGN_HEADERS_MAX);
        const char *why = header_trouble(node->key, headers, n);
        if (why != NULL)
            return config_refuse_name(reader, node, why);
        headers[n].name = node->key;
        headers[n].place = place_of(reader, node);
        enum err err = config_want_line(reader, node, &headers[n++].value);
        if (err != ERR_NONE)
            return err;
    }
    campaign->headers = headers;
    campaign->header_count = n;
    return ERR_NONE;
}

/* The tree of a text whose top level is a map; *tree is NULL for an empty one. */
static enum err parse_tree(const struct config_reader *reader, struct str source,
                           struct yaml_node **tree)
{
    enum err err =
        yaml_tree_parse(source, reader->name, reader->arena, tree, reader->error);
    if (err == ERR_NONE && *tree != NULL && (*tree)->kind != YAML_MAP)
        err = config_refuse(reader, *tree,
                            "must be a map of keys; write campaign: NAME and so on");
    return err;
}

static enum err load_tree(const char *path, const struct config_reader *reader,
                          struct str *source, struct yaml_node **tree)
{
    enum err err =
        file_read(path, CAMPAIGN_FILE_BYTES_MAX, reader->arena, source, reader->error);
    return err == ERR_NONE ? parse_tree(reader, *source, tree) : err;
}

static enum err read_settings(const char *path, const struct yaml_node *campaign_tree,
                              struct campaign_file *campaign, struct error *error)
{
    struct config_reader reader = {str_of(path), &campaign->arena, error};
    struct str source;
    struct yaml_node *tree = NULL;
    enum err err = load_tree(path, &reader, &source, &tree);
    const struct yaml_node *node = err == ERR_NONE && tree != NULL ? tree->first : NULL;
    for (; node != NULL && err == ERR_NONE; node = node->next) {
        const struct config_key *key = config_key_find(campaign_keys, node->key);
        if (key == NULL)
            err = config_refuse_key(&reader, node, campaign_keys);
        else if (!is_shared_key(node->key))
            err = config_refuse(&reader, node,
                                "settings for all campaigns cannot say this; write it "
                                "into the campaign file");
        else if (yaml_member(campaign_tree, node->key) == NULL)
            err = key->read(&reader, key, node, campaign);
    }
    return err;
}

static enum err check_required(const struct campaign_file *campaign,
                               const struct config_reader *reader)
{
    const char *missing = campaign->name.n == 0      ? "campaign"
                          : campaign->list.n == 0    ? "list"
                          : campaign->from.n == 0    ? "from"
                          : campaign->subject.n == 0 ? "subject"
                                                     : NULL;
    if (missing != NULL)
        return error_set(reader->error, ERR_CONFIG,
                         "bad configuration: %.*s: the key %s is missing; add it",
                         STR_ARG(reader->name), missing);
    if (campaign->html.n == 0 && campaign->text.n == 0)
        return error_set(reader->error, ERR_CONFIG,
                         "bad configuration: %.*s: neither html nor text is there; "
                         "a message needs one of them",
                         STR_ARG(reader->name));
    return ERR_NONE;
}

/* The absolute path, so that `resume` finds the file from any folder. */
static enum err settle_path(const char *path, struct campaign_file *campaign,
                            struct error *error)
{
    char *absolute = realpath(path, NULL);
    if (absolute == NULL)
        return error_set(error, ERR_OS, "cannot read: %s: %s", path, strerror(errno));
    campaign->path = arena_copy(&campaign->arena, str_of(absolute));
    free(absolute);
    if (str_is_null(campaign->path))
        return error_set(error, ERR_MEMORY, "cannot read: %s: out of memory", path);
    campaign->folder = file_folder(campaign->path);
    return ERR_NONE;
}

static enum err load(const char *path, const char *settings_path,
                     struct campaign_file *campaign, struct error *error)
{
    struct config_reader reader = {str_of(path), &campaign->arena, error};
    struct yaml_node *tree = NULL;
    enum err err = load_tree(path, &reader, &campaign->source, &tree);
    if (err != ERR_NONE)
        return err;
    err = settle_path(path, campaign, error);
    if (err != ERR_NONE)
        return err;
    if (settings_path == NULL && file_is_there("broadside.yaml"))
        settings_path = "broadside.yaml";
    if (settings_path != NULL)
        err = read_settings(settings_path, tree, campaign, error);
    if (err == ERR_NONE && tree != NULL)
        err = config_read_map(&reader, campaign_keys, tree, campaign);
    return err == ERR_NONE ? check_required(campaign, &reader) : err;
}

static void set_defaults(struct campaign_file *campaign)
{
    *campaign = (struct campaign_file){
        .retry = {.first_ms = INT64_C(5) * 60 * 1000,
                  .factor = 2,
                  .longest_ms = INT64_C(4) * 60 * 60 * 1000,
                  .give_up_ms = INT64_C(48) * 60 * 60 * 1000},
    };
    arena_init(&campaign->arena, CAMPAIGN_MEMORY_MAX);
}

enum err campaign_file_load(const char *path, const char *settings_path,
                            struct campaign_file *campaign, struct error *error)
{
    set_defaults(campaign);
    enum err err = load(path, settings_path, campaign, error);
    if (err != ERR_NONE)
        campaign_file_free(campaign);
    return err;
}

enum err campaign_file_parse(struct str source, struct str name,
                             struct campaign_file *campaign, struct error *error)
{
    struct yaml_node *tree = NULL;
    set_defaults(campaign);
    struct config_reader reader = {name, &campaign->arena, error};
    enum err err = parse_tree(&reader, source, &tree);
    if (err == ERR_NONE && tree != NULL)
        err = config_read_map(&reader, campaign_keys, tree, campaign);
    if (err == ERR_NONE)
        err = check_required(campaign, &reader);
    if (err != ERR_NONE)
        campaign_file_free(campaign);
    return err;
}

void campaign_file_free(struct campaign_file *campaign)
{
    arena_fini(&campaign->arena);
}

enum err campaign_file_check_relays(const struct campaign_file *campaign,
                                    struct error *error)
{
    if (campaign->relay_count == 0)
        return error_set(error, ERR_CONFIG,
                         "bad configuration: %.*s: the key relay is missing; add it",
                         STR_ARG(campaign->path));
    for (size_t i = 0; i < campaign->relay_count; i++) {
        const struct relay_settings *relay = &campaign->relays[i];
        const struct relay_extra *extra = &campaign->relay_extras[i];
        if (extra->user.n > 0)
            return error_set(
                error, ERR_PROTOCOL,
                "cannot use the relay: %.*s:%u: user and password need TLS, "
                "which this version does not speak yet; "
                "use a relay that accepts this host without them",
                STR_ARG(relay->host), (unsigned)relay->port);
        if (relay->tls == RELAY_TLS_REQUIRED || relay->tls == RELAY_TLS_IMPLICIT)
            return error_set(
                error, ERR_PROTOCOL,
                "cannot use the relay: %.*s:%u: TLS is %s, and this version "
                "does not speak it yet; `tls: none` would send in clear",
                STR_ARG(relay->host), (unsigned)relay->port,
                extra->tls_is_set ? "required"
                                  : "required unless the file says otherwise");
    }
    return ERR_NONE;
}

static void each_key(const struct config_key *keys, const char *section,
                     campaign_key_each *each, void *self)
{
    for (; keys->name != NULL; keys++)
        each(self, section, keys->name, keys->help);
}

void campaign_file_keys(campaign_key_each *each, void *self)
{
    each_key(campaign_keys, "", each, self);
    each_key(config_relay_keys, "relay", each, self);
    each_key(config_limit_keys, "limits", each, self);
    each_key(config_retry_keys, "retry", each, self);
}
