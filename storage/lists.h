/*
 * lists.h - recipient lists: what is in them
 *
 * A list is a set of recipients, one per address, each with a value for any of the
 * list's columns. Lists are made and filled by importer.h.
 *
 * Owns:    a walk owns its statement and the row it shows.
 * Keeps:   a walk keeps the store until it is closed.
 * Thread:  the store's.
 * Errors:  ERR_NOT_FOUND if there is no such list or recipient, else the store's.
 * Cost:    list_find O(columns); recipient_find O(log n); a walk O(n), constant memory.
 */
#ifndef BROADSIDE_STORAGE_LISTS_H
#define BROADSIDE_STORAGE_LISTS_H

#include "core/base/arena.h"
#include "storage/record.h"
#include "storage/store.h"

/* In bytes. */
#define LIST_NAME_MAX 128

/* NULL if a list may be called that; else what is wrong with it, and what to do: a name
 * stands in tables, on command lines and in the name of a rejects file. */
const char *list_name_trouble(struct str name);

struct recipient_list {
    int64_t id;
    struct str name;
    uint64_t recipient_count;
    int64_t created_ms, changed_ms;
    /* In the order of the first import; later ones append theirs. */
    const struct str *columns;
    size_t column_count;
    /* Which of them holds the address, as the file wrote it (its exact spelling). */
    size_t email_column;
};

/* A recipient as stored. `record` holds the values of the list's columns (record.h),
 * the email column's among them. */
struct recipient_row {
    int64_t id;
    /* Normalised: as it goes on the wire, domain in lower-case A-labels. */
    struct str address, domain;
    struct str record;
};

/* The strings of *list are copied into `arena`. */
MUST_CHECK enum err list_find(struct store *store, struct str name, struct arena *arena,
                              struct recipient_list *list, struct error *error);
MUST_CHECK enum err list_find_id(struct store *store, int64_t id, struct arena *arena,
                                 struct recipient_list *list, struct error *error);
/* All lists by name, an array in `arena`. */
MUST_CHECK enum err lists_all(struct store *store, struct arena *arena,
                              struct recipient_list **lists, size_t *count,
                              struct error *error);
/* Frees the name at once. The recipients go, except the bare addresses that reports
 * of campaigns need; ERR_DATA while a campaign on it is unfinished. */
MUST_CHECK enum err list_delete(struct store *store, struct str name,
                                struct error *error);
/* `address` in any spelling that address.h accepts; strings copied into `arena`. */
MUST_CHECK enum err recipient_find(struct store *store, int64_t list_id,
                                   struct str address, struct arena *arena,
                                   struct recipient_row *row, struct error *error);

/* A walk over a list in import order, starting behind recipient `after` (0: at the
 * first). It reads one snapshot: what others write meanwhile is not seen. */
struct recipient_walk;
MUST_CHECK enum err recipient_walk_open(struct store *store, int64_t list_id,
                                        int64_t after, struct recipient_walk **walk,
                                        struct error *error);
/* False at the end or on an error; *row is good until the next call. */
bool recipient_walk_next(struct recipient_walk *walk, struct recipient_row *row);
/* What stopped the walk: ERR_NONE if it came to its end or the caller just left. */
enum err recipient_walk_close(struct recipient_walk *walk, struct error *error);

#endif
