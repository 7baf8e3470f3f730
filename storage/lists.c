#include "storage/lists.h"

#include "core/mail/address.h"
#include "storage/address_key.h"

#include <stdlib.h>

/* ---- lists --------------------------------------------------------------------- */

#define LIST_SELECT                                                                    \
    "SELECT id, name, recipients, created_ms, changed_ms, email_column FROM list "

static enum err no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "read list: its row: out of memory");
}

static enum err load_columns(struct store *store, struct arena *arena,
                             struct recipient_list *list, struct error *error)
{
    int64_t count;
    enum err err =
        db_integer(store, &count, 0, error,
                   "SELECT count(*) FROM list_column WHERE list = ?", "i", list->id);
    if (err != ERR_NONE)
        return err;
    struct str *columns = arena_calloc(arena, (size_t)count + 1, sizeof *columns);
    if (columns == NULL)
        return no_memory(error);
    sqlite3_stmt *rows;
    err = db_query(store, &rows, error,
                   "SELECT name FROM list_column WHERE list = ? ORDER BY position", "i",
                   list->id);
    if (err != ERR_NONE)
        return err;
    size_t n = 0;
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW && n < (size_t)count) {
        columns[n] = db_copy(rows, 0, arena);
        if (str_is_null(columns[n++]))
            err = no_memory(error);
    }
    if (rc != SQLITE_DONE)
        err = db_fail(store, error, "read list");
    sqlite3_finalize(rows);
    list->columns = columns;
    list->column_count = n;
    return err;
}

static void list_of_row(sqlite3_stmt *row, struct arena *arena,
                        struct recipient_list *list)
{
    *list = (struct recipient_list){
        .id = sqlite3_column_int64(row, 0),
        .name = db_copy(row, 1, arena),
        .recipient_count = (uint64_t)sqlite3_column_int64(row, 2),
        .created_ms = sqlite3_column_int64(row, 3),
        .changed_ms = sqlite3_column_int64(row, 4),
        .email_column = (size_t)sqlite3_column_int64(row, 5),
    };
}

/* The one list of a query; takes the statement over. */
static enum err take_list(struct store *store, sqlite3_stmt *row, struct arena *arena,
                          struct recipient_list *list, struct error *error)
{
    int rc = sqlite3_step(row);
    enum err err = ERR_NONE;
    if (rc == SQLITE_ROW)
        list_of_row(row, arena, list);
    else
        err = rc == SQLITE_DONE ? ERR_NOT_FOUND : db_fail(store, error, "read list");
    sqlite3_finalize(row);
    if (err == ERR_NONE && str_is_null(list->name))
        err = no_memory(error);
    return err != ERR_NONE ? err : load_columns(store, arena, list, error);
}

const char *list_name_trouble(struct str name)
{
    if (str_is_null(name) || name.n == 0)
        return "it has no name; give it one";
    if (name.n > LIST_NAME_MAX)
        return "the name is longer than 128 bytes; give a shorter one";
    if (memchr(name.p, '/', name.n) != NULL)
        return "a slash cannot stand in a name; give another, such as one with '-'";
    for (size_t length; name.n > 0; name = str_from(name, length)) {
        length = str_printable_length(name);
        if (length == 0)
            return "its name is not UTF-8, or has a control character; give another";
    }
    return NULL;
}

enum err list_find(struct store *store, struct str name, struct arena *arena,
                   struct recipient_list *list, struct error *error)
{
    sqlite3_stmt *row;
    enum err err =
        db_query(store, &row, error, LIST_SELECT "WHERE name = ?", "s", name);
    if (err == ERR_NONE)
        err = take_list(store, row, arena, list, error);
    if (err == ERR_NOT_FOUND)
        error_set(error, err,
                  "find list: %.*s: there is none; import it, or see `broadside lists`",
                  STR_ARG(name));
    return err;
}

enum err list_find_id(struct store *store, int64_t id, struct arena *arena,
                      struct recipient_list *list, struct error *error)
{
    sqlite3_stmt *row;
    enum err err = db_query(store, &row, error, LIST_SELECT "WHERE id = ?", "i", id);
    if (err == ERR_NONE)
        err = take_list(store, row, arena, list, error);
    if (err == ERR_NOT_FOUND)
        error_set(error, err, "find list: number %lld: there is none; it was deleted",
                  (long long)id);
    return err;
}

enum err lists_all(struct store *store, struct arena *arena,
                   struct recipient_list **lists, size_t *count, struct error *error)
{
    int64_t max;
    *count = 0;
    enum err err = db_integer(store, &max, 0, error, "SELECT count(*) FROM list", "");
    if (err != ERR_NONE)
        return err;
    *lists = arena_calloc(arena, (size_t)max + 1, sizeof **lists);
    if (*lists == NULL)
        return no_memory(error);
    sqlite3_stmt *rows;
    err = db_query(store, &rows, error,
                   LIST_SELECT "WHERE name IS NOT NULL ORDER BY name", "");
    if (err != ERR_NONE)
        return err;
    int rc = SQLITE_DONE;
    while (err == ERR_NONE && *count < (size_t)max &&
           (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        struct recipient_list *list = &(*lists)[(*count)++];
        list_of_row(rows, arena, list);
        err = load_columns(store, arena, list, error);
    }
    if (err == ERR_NONE && rc != SQLITE_DONE && rc != SQLITE_ROW)
        err = db_fail(store, error, "read lists");
    sqlite3_finalize(rows);
    return err;
}

/* ---- deleting ------------------------------------------------------------------ */

/* Without a campaign nobody needs the rows; with one, reports need the addresses. */
static enum err delete_rows(struct store *store, int64_t id, bool is_used,
                            struct error *error)
{
    enum err err =
        db_run(store, error, "DELETE FROM recipient_key WHERE key BETWEEN ? AND ?",
               "ii", address_key_first(id), address_key_last(id));
    if (err != ERR_NONE)
        return err;
    const char *rows = is_used ? "UPDATE recipient SET record = x'' WHERE id IN"
                                 " (SELECT r.id FROM list_range JOIN recipient r"
                                 "  ON r.id BETWEEN first AND last WHERE list = ?)"
                               : "DELETE FROM recipient WHERE id IN"
                                 " (SELECT r.id FROM list_range JOIN recipient r"
                                 "  ON r.id BETWEEN first AND last WHERE list = ?)";
    err = db_run(store, error, rows, "i", id);
    if (err == ERR_NONE)
        err = db_run(store, error, "DELETE FROM list_column WHERE list = ?", "i", id);
    if (err == ERR_NONE)
        err = db_run(store, error, "DELETE FROM list_range WHERE list = ?", "i", id);
    if (err != ERR_NONE)
        return err;
    return is_used ? db_run(store, error,
                            "UPDATE list SET name = NULL, recipients = 0 WHERE id = ?",
                            "i", id)
                   : db_run(store, error, "DELETE FROM list WHERE id = ?", "i", id);
}

static enum err delete_locked(struct store *store, struct str name, struct error *error)
{
    int64_t id, campaigns, unfinished;
    enum err err = db_integer(store, &id, 0, error,
                              "SELECT id FROM list WHERE name = ?", "s", name);
    if (err == ERR_NONE && id == 0)
        return error_set(
            error, ERR_NOT_FOUND,
            "delete list: %.*s: there is none; `broadside lists` names them",
            STR_ARG(name));
    if (err == ERR_NONE)
        err = db_integer(store, &campaigns, 0, error,
                         "SELECT count(*) FROM campaign WHERE list = ?", "i", id);
    if (err == ERR_NONE)
        err = db_integer(store, &unfinished, 0, error,
                         "SELECT count(*) FROM campaign WHERE list = ?"
                         " AND state NOT IN ('finished', 'cancelled')",
                         "i", id);
    if (err == ERR_NONE && unfinished > 0)
        return error_set(
            error, ERR_LOCKED,
            "delete list: %.*s: unfinished campaigns need it (%lld); finish or cancel "
            "them first, `broadside status` names them",
            STR_ARG(name), (long long)unfinished);
    return err != ERR_NONE ? err : delete_rows(store, id, campaigns > 0, error);
}

enum err list_delete(struct store *store, struct str name, struct error *error)
{
    enum err err = db_begin(store, error);
    return err != ERR_NONE ? err
                           : db_end(store, delete_locked(store, name, error), error);
}

/* ---- recipients ---------------------------------------------------------------- */

struct match {
    struct str want;
    int64_t exact, nearest;
};

static bool match_address(void *self, int64_t recipient, struct str address)
{
    struct match *match = self;
    if (match->nearest == 0)
        match->nearest = recipient;
    if (!str_equal(address, match->want))
        return true;
    match->exact = recipient;
    return false;
}

static enum err load_recipient(struct store *store, int64_t id, struct arena *arena,
                               struct recipient_row *row, struct error *error)
{
    sqlite3_stmt *rows;
    enum err err = db_query(store, &rows, error,
                            "SELECT r.id, address, name, record FROM recipient r"
                            " JOIN domain ON domain.id = r.domain WHERE r.id = ?",
                            "i", id);
    if (err != ERR_NONE)
        return err;
    if (sqlite3_step(rows) == SQLITE_ROW)
        *row = (struct recipient_row){.id = sqlite3_column_int64(rows, 0),
                                      .address = db_copy(rows, 1, arena),
                                      .domain = db_copy(rows, 2, arena),
                                      .record = db_copy(rows, 3, arena)};
    else
        err = db_fail(store, error, "read recipient");
    sqlite3_finalize(rows);
    if (err == ERR_NONE && (str_is_null(row->address) || str_is_null(row->record)))
        err = no_memory(error);
    return err;
}

enum err recipient_find(struct store *store, int64_t list_id, struct str address,
                        struct arena *arena, struct recipient_row *row,
                        struct error *error)
{
    struct address parsed;
    const char *why = address_parse(address, arena, &parsed);
    if (why != NULL)
        return error_set(error, ERR_DATA, "find recipient: %.*s: %s", STR_ARG(address),
                         why);
    struct match match = {.want = parsed.text};
    enum err err =
        address_key_find(store, list_id, parsed.text, match_address, &match, error);
    int64_t id = match.exact != 0 ? match.exact : match.nearest;
    if (err == ERR_NONE && id == 0)
        return error_set(error, ERR_NOT_FOUND, "find recipient: %.*s: not in the list",
                         STR_ARG(address));
    return err != ERR_NONE ? err : load_recipient(store, id, arena, row, error);
}

/* ---- walks --------------------------------------------------------------------- */

struct recipient_walk {
    struct db_walk base;
};

enum err recipient_walk_open(struct store *store, int64_t list_id, int64_t after,
                             struct recipient_walk **walk, struct error *error)
{
    *walk = NULL;
    struct recipient_walk *made = calloc(1, sizeof *made);
    if (made == NULL)
        return no_memory(error);
    made->base = (struct db_walk){.store = store, .rc = SQLITE_ROW};
    /* CROSS JOIN fixes the order: runs first, then each as a range of row ids. */
    enum err err = db_query(store, &made->base.rows, error,
                            "SELECT r.id, r.address, d.name, r.record FROM list_range l"
                            " CROSS JOIN recipient r CROSS JOIN domain d"
                            " WHERE l.list = ?1 AND l.last > ?2"
                            " AND r.id BETWEEN max(l.first, ?2 + 1) AND l.last"
                            " AND d.id = r.domain ORDER BY l.first, r.id",
                            "ii", list_id, after);
    if (err != ERR_NONE)
        free(made);
    else
        *walk = made;
    return err;
}

bool recipient_walk_next(struct recipient_walk *walk, struct recipient_row *row)
{
    if (!db_walk_next(&walk->base))
        return false;
    sqlite3_stmt *rows = walk->base.rows;
    *row = (struct recipient_row){.id = sqlite3_column_int64(rows, 0),
                                  .address = db_text(rows, 1),
                                  .domain = db_text(rows, 2),
                                  .record = db_text(rows, 3)};
    return true;
}

enum err recipient_walk_close(struct recipient_walk *walk, struct error *error)
{
    if (walk == NULL)
        return ERR_NONE;
    enum err err = db_walk_close(&walk->base, error, "read list");
    free(walk);
    return err;
}
