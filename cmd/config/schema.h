/*
 * schema.h - tables that say which keys a map has and how each is read
 *
 * A key's entry names the reader of its value and where in a struct the result goes, so
 * that the accepted keys, the help and the documentation cannot drift apart.
 *
 * Owns:    nothing; results lie in the reader's arena.
 * Thread:  any.
 * Errors:  ERR_CONFIG: "bad configuration: file:line:column: key: value: why".
 */
#ifndef BROADSIDE_CMD_CONFIG_SCHEMA_H
#define BROADSIDE_CMD_CONFIG_SCHEMA_H

#include "cmd/config/campaign.h"
#include "cmd/config/yaml_tree.h"

struct config_reader {
    /* The file's name, for messages. */
    struct str name;
    struct arena *arena;
    struct error *error;
};

struct config_key {
    const char *name;
    enum err (*read)(const struct config_reader *reader, const struct config_key *key,
                     const struct yaml_node *value, void *into);
    /* offsetof in the struct that is being filled. */
    size_t offset;
    const char *help;
    /* For config_read_choice: "auto|never". */
    const char *words;
    /* For config_read_count. */
    uint64_t min, max;
};

/* Positions the message at `node`; returns ERR_CONFIG. */
enum err config_refuse(const struct config_reader *reader, const struct yaml_node *node,
                       const char *format, ...) PRINTF_LIKE(3, 4);
enum err config_no_memory(const struct config_reader *reader);
const struct config_key *config_key_find(const struct config_key *keys,
                                         struct str name);
/* The same at the node's key. */
enum err config_refuse_name(const struct config_reader *reader,
                            const struct yaml_node *node, const char *why);
/* An unknown key, with the ones there are. */
enum err config_refuse_key(const struct config_reader *reader,
                           const struct yaml_node *node, const struct config_key *keys);

/* Reads every member of a map into the struct at `into`; `keys` ends with a zero entry.
 */
MUST_CHECK enum err config_read_map(const struct config_reader *reader,
                                    const struct config_key *keys,
                                    const struct yaml_node *map, void *into);
/* Checks that it is a text that is not empty. */
MUST_CHECK enum err config_want_text(const struct config_reader *reader,
                                     const struct yaml_node *value);

/* The same as one line: blanks at its ends are dropped, line breaks and the blanks
 * around them become one space. */
MUST_CHECK enum err config_want_line(const struct config_reader *reader,
                                     const struct yaml_node *value, struct str *line);

/* Readers of values, by the type they fill: */
typedef enum err config_read(const struct config_reader *reader,
                             const struct config_key *key,
                             const struct yaml_node *value, void *into);
config_read config_read_text;      /* struct str */
config_read config_read_texts;     /* struct str_list; one text is a list of one */
config_read config_read_line;      /* struct str, in one line */
config_read config_read_mailboxes; /* struct str: an RFC 5322 address list */
config_read config_read_count;     /* unsigned */
config_read config_read_choice;    /* unsigned: which word */
config_read config_read_yes;       /* bool: true for the second of two words */
config_read config_read_time;      /* int64_t, ms */
config_read config_read_rate;      /* struct rate */
config_read config_read_factor;    /* double */

/* The sections, each in its own file. */
extern const struct config_key config_relay_keys[], config_limit_keys[],
    config_retry_keys[];
config_read config_read_relays, config_read_limits, config_read_retry;

#endif
