/*
 * campaign.h - a campaign file, merged with the settings file and checked
 *
 * `relay`, `limits`, `retry`, `from`, `headers` and `in-doubt` may stand in the
 * settings file; the campaign's own value wins, key by key at the top level.
 *
 * Owns:    campaign_file owns all strings and arrays, from load to free.
 * Thread:  any, once loaded.
 * Errors:  ERR_CONFIG with file:line:column; what file_read says of the files.
 * Limits:  CAMPAIGN_FILE_BYTES_MAX, and each key's own range.
 * Source:  the project's contract; docs/man/broadside-campaign.5.
 */
#ifndef BROADSIDE_CMD_CONFIG_CAMPAIGN_H
#define BROADSIDE_CMD_CONFIG_CAMPAIGN_H

#include "core/base/arena.h"
#include "core/send/run.h"

#define CAMPAIGN_FILE_BYTES_MAX (1u << 20)
#define CAMPAIGN_FILE_NAME_MAX  100
#define CAMPAIGN_CONNECTIONS    16
#define CAMPAIGN_PER_CONNECTION 1000

struct str_list {
    const struct str *p;
    size_t n;
};

/* Where a template that stands in the file itself begins. */
struct config_place {
    struct str file;
    unsigned line, column;
};

/* An extra header; the value is a template. */
struct header_setting {
    struct str name, value;
    struct config_place place;
};

/* What stands beside struct relay_settings for layers to come. */
struct relay_extra {
    struct str ca_file, user, password_file;
    bool tls_is_set, chunking;
};

struct campaign_file {
    /* The file's absolute path, the folder it lies in, and its text as read. */
    struct str path, folder, source;
    struct str name, list;
    /* An RFC 5322 address list; one mailbox of it is the envelope's sender. */
    struct str from, reply_to;
    struct str subject, html, text, data, where;
    struct config_place subject_place, where_place;
    struct str_list attach, inline_files;
    const struct header_setting *headers;
    size_t header_count;
    bool retry_in_doubt;
    /* missing: hold. A recipient who lacks a printed field becomes invalid. */
    bool hold_missing;
    const struct relay_settings *relays;
    const struct relay_extra *relay_extras;
    size_t relay_count;
    const struct limit_rule *limits;
    size_t limit_count;
    struct retry_settings retry;

    struct arena arena;
};

/* `settings_path` NULL: ./broadside.yaml if there is one. On an error there is nothing
 * to free. */
MUST_CHECK enum err campaign_file_load(const char *path, const char *settings_path,
                                       struct campaign_file *campaign,
                                       struct error *error);
/* The same of a text alone: path, folder and source stay empty. */
MUST_CHECK enum err campaign_file_parse(struct str source, struct str name,
                                        struct campaign_file *campaign,
                                        struct error *error);
void campaign_file_free(struct campaign_file *campaign);

/* ERR_CONFIG without a relay; ERR_PROTOCOL if one asks for what is not there yet (TLS,
 * a password) or would be spoken to in clear without saying so. Before anything is
 * sent. */
MUST_CHECK enum err campaign_file_check_relays(const struct campaign_file *campaign,
                                               struct error *error);

/* One key of the campaign file, for help and documentation: "relay.host". */
typedef void campaign_key_each(void *self, const char *section, const char *key,
                               const char *help);
void campaign_file_keys(campaign_key_each *each, void *self);

#endif
