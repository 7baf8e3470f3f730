#include "storage/suppressions.h"

#include "core/base/clock.h"
#include "core/mail/address.h"
#include "storage/database.h"
#include "storage/suppression_key.h"

#include <stdlib.h>

/*
 * `sequence` numbers the additions: a run remembers the last it has applied and asks
 * only for those behind it (ledger_suppress.c).
 */

enum err suppressions_begin(struct store *store, struct error *error)
{
    return db_begin(store, error);
}

enum err suppressions_commit(struct store *store, struct error *error)
{
    return db_commit(store, error);
}

void suppressions_rollback(struct store *store)
{
    db_rollback(store);
}

struct str suppression_fold(struct str address, char *to)
{
    for (size_t i = 0; i < address.n; i++)
        to[i] = ascii_lower(address.p[i]);
    return str_slice(to, address.n);
}

/* "@domain" or an address, into its key, which lies in `to`. */
static enum err parse_key(struct str input, char to[SUPPRESSION_KEY_MAX],
                          struct str *key, struct error *error)
{
    struct arena arena;
    arena_init(&arena, 1 << 16);
    struct address address;
    struct str domain;
    const char *why;
    bool is_domain = input.n > 0 && input.p[0] == '@';
    if (is_domain)
        why = domain_parse(str_from(input, 1), &arena, &domain);
    else
        why = address_parse(input, &arena, &address);
    if (why == NULL && is_domain) {
        to[0] = '@';
        memcpy(to + 1, domain.p, domain.n);
        *key = str_slice(to, domain.n + 1);
    } else if (why == NULL) {
        *key = suppression_fold(address.text, to);
    }
    arena_fini(&arena);
    if (why == NULL)
        return ERR_NONE;
    return error_set(error, ERR_DATA, "suppress: %.*s: %s; give an address or @domain",
                     STR_ARG(input), why);
}

enum err suppression_add(struct store *store, const struct suppression *suppression,
                         bool *added, struct error *error)
{
    char to[SUPPRESSION_KEY_MAX];
    struct str key = STR_NULL;
    enum err err = parse_key(suppression->address, to, &key, error);
    if (err != ERR_NONE)
        return err;
    err = db_run(store, error,
                 "INSERT OR IGNORE INTO suppression(address, cause, source, campaign,"
                 " at_ms, note) VALUES(?, ?, ?, ?, ?, ?)",
                 "ssssis", key, str_or_empty(suppression->cause),
                 str_or_empty(suppression->source), str_or_empty(suppression->campaign),
                 suppression->at_ms != 0 ? suppression->at_ms : clock_wall_ms(),
                 str_or_empty(suppression->note));
    *added = err == ERR_NONE && sqlite3_changes(store->db) > 0;
    return err;
}

enum err suppression_remove(struct store *store, struct str address,
                            struct error *error)
{
    char to[SUPPRESSION_KEY_MAX];
    struct str key = STR_NULL;
    enum err err = parse_key(address, to, &key, error);
    if (err == ERR_NONE)
        err =
            db_run(store, error, "DELETE FROM suppression WHERE address = ?", "s", key);
    if (err == ERR_NONE && sqlite3_changes(store->db) == 0)
        err = error_set(error, ERR_NOT_FOUND,
                        "find suppression: %.*s: there is none; `broadside suppress "
                        "list` shows them",
                        STR_ARG(address));
    return err;
}

int suppression_find(sqlite3_stmt *find, struct str address)
{
    char to[SUPPRESSION_KEY_MAX];
    if (address.n > SUPPRESSION_KEY_MAX)
        return SQLITE_DONE;
    struct str key = suppression_fold(address, to);
    (void)db_bind_text(find, 1, key);
    (void)db_bind_text(find, 2, suppression_domain_key(key));
    int rc = sqlite3_step(find);
    (void)sqlite3_reset(find);
    return rc;
}

enum err suppression_covers(struct store *store, struct str address, bool *covered,
                            struct error *error)
{
    sqlite3_stmt *find;
    *covered = false;
    enum err err = db_query(store, &find, error, SUPPRESSION_FIND, "");
    if (err != ERR_NONE)
        return err;
    int rc = suppression_find(find, address);
    *covered = rc == SQLITE_ROW;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        err = db_fail(store, error, "find suppression");
    sqlite3_finalize(find);
    return err;
}

struct suppression_walk {
    struct db_walk base;
};

enum err suppression_walk_open(struct store *store, struct suppression_walk **walk,
                               struct error *error)
{
    *walk = NULL;
    struct suppression_walk *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ERR_MEMORY, "read suppressions: a row: out of memory");
    made->base = (struct db_walk){.store = store, .rc = SQLITE_ROW};
    enum err err = db_query(store, &made->base.rows, error,
                            "SELECT address, cause, source, campaign, at_ms, note"
                            " FROM suppression ORDER BY address",
                            "");
    if (err != ERR_NONE)
        free(made);
    else
        *walk = made;
    return err;
}

bool suppression_walk_next(struct suppression_walk *walk,
                           struct suppression *suppression)
{
    if (!db_walk_next(&walk->base))
        return false;
    sqlite3_stmt *rows = walk->base.rows;
    *suppression = (struct suppression){.address = db_text(rows, 0),
                                        .cause = db_text(rows, 1),
                                        .source = db_text(rows, 2),
                                        .campaign = db_text(rows, 3),
                                        .at_ms = sqlite3_column_int64(rows, 4),
                                        .note = db_text(rows, 5)};
    return true;
}

enum err suppression_walk_close(struct suppression_walk *walk, struct error *error)
{
    if (walk == NULL)
        return ERR_NONE;
    enum err err = db_walk_close(&walk->base, error, "read suppressions");
    free(walk);
    return err;
}
