/*
 * database.h - how this folder talks to SQLite; seen by no other folder
 *
 * Statements take their parameters from a format, a letter for each in order:
 *   i  int64_t      s  struct str as text (STR_NULL: NULL)      b  struct str as a blob
 * SQL is always a literal; nothing from outside is ever pasted into it.
 *
 * Owns:    struct store is what store.h hands out.
 * Keeps:   text and blobs given to db_query must live until the statement is done.
 * Thread:  the store's.
 * Errors:  SQLite's codes are translated here and nowhere else (db_fail).
 */
#ifndef BROADSIDE_STORAGE_DATABASE_H
#define BROADSIDE_STORAGE_DATABASE_H

#include "core/base/arena.h"
#include "storage/store.h"

#include <sqlite3.h>

/* Byte 0 of PATH.lock: the right to copy the write-ahead log back. Byte n: the run of
 * campaign n. */
#define LOCK_CHECKPOINT 0

struct store {
    sqlite3 *db;
    char *path;
    int lock_fd;
    /* The campaign whose byte this store holds, 0 if none: the kernel does not tell a
     * holder from itself. */
    int64_t held;
    /* Pages in the write-ahead log after the last commit. */
    int wal_pages;
    /* Salt of the address keys (address_key.h). */
    uint64_t salt;
};

/* What SQLite said last, for a person: "what: PATH: why; what to do". */
enum err db_fail(struct store *store, struct error *error, const char *what);
/* The same from a result code, where there may be no connection. */
enum err db_fail_code(const char *path, int code, const char *detail,
                      struct error *error, const char *what);

/* One or more statements without parameters. */
MUST_CHECK enum err db_exec(struct store *store, const char *sql, struct error *error);
/* A statement with its parameters bound, ready for sqlite3_step. */
MUST_CHECK enum err db_query(struct store *store, sqlite3_stmt **statement,
                             struct error *error, const char *sql, const char *format,
                             ...);
/* Runs a statement that yields no rows. */
MUST_CHECK enum err db_run(struct store *store, struct error *error, const char *sql,
                           const char *format, ...);
/* One integer; `missing` if there is no row or it is NULL. */
MUST_CHECK enum err db_integer(struct store *store, int64_t *value, int64_t missing,
                               struct error *error, const char *sql, const char *format,
                               ...);
/* A statement kept for many uses (SQLITE_PREPARE_PERSISTENT). */
MUST_CHECK enum err db_prepare(struct store *store, sqlite3_stmt **statement,
                               const char *sql, struct error *error);

/* The rows of a query one after another, for the walks that this folder offers: begin
 * with rc SQLITE_ROW. */
struct db_walk {
    struct store *store;
    sqlite3_stmt *rows;
    int rc;
};
/* True if `rows` stands on one. */
bool db_walk_next(struct db_walk *walk);
/* Finalizes; says what ended it before its end. */
enum err db_walk_close(struct db_walk *walk, struct error *error, const char *what);

/* BEGIN IMMEDIATE, COMMIT, ROLLBACK. A commit that fails has been rolled back. */
MUST_CHECK enum err db_begin(struct store *store, struct error *error);
MUST_CHECK enum err db_commit(struct store *store, struct error *error);
void db_rollback(struct store *store);
/* COMMIT if err is ERR_NONE, else ROLLBACK; returns what came out. */
MUST_CHECK enum err db_end(struct store *store, enum err err, struct error *error);
/* BEGIN for reading: one snapshot until db_rollback. */
MUST_CHECK enum err db_begin_read(struct store *store, struct error *error);

/* False: taken by somebody else. Given back by db_unlock or with the process. */
MUST_CHECK bool db_try_lock(struct store *store, int64_t byte);
void db_unlock(struct store *store, int64_t byte);
/* Whether anybody, another store of this process included, holds it. */
bool db_is_locked(struct store *store, int64_t byte);
/* Copies the log back if it is longer than `bytes` and nobody else is at it; `wait`:
 * after the readers of today, so that all of it goes and the log begins anew. Trouble
 * is no error: the log just stays. */
void db_checkpoint(struct store *store, int64_t bytes, bool wait);

/* A column as it lies in the row: good until the next step. NULL is STR_NULL. */
static inline struct str db_text(sqlite3_stmt *statement, int column)
{
    const void *p = sqlite3_column_blob(statement, column);
    if (p != NULL)
        return (struct str){p, (size_t)sqlite3_column_bytes(statement, column)};
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? STR_NULL : STR("");
}

/* The same copied into `arena`, empty for NULL. */
static inline struct str db_copy(sqlite3_stmt *statement, int column,
                                 struct arena *arena)
{
    return arena_copy(arena, str_or_empty(db_text(statement, column)));
}

/* An argument of a function of ours; NULL is empty. Not sqlite3_value_text, which would
 * copy it for the NUL behind. */
static inline struct str db_argument(sqlite3_value *value)
{
    const void *p = sqlite3_value_blob(value);
    return (struct str){p != NULL ? p : "", (size_t)sqlite3_value_bytes(value)};
}

static inline int db_bind_text(sqlite3_stmt *statement, int index, struct str s)
{
    return sqlite3_bind_text64(statement, index, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
}

static inline int db_bind_blob(sqlite3_stmt *statement, int index, struct str s)
{
    return sqlite3_bind_blob64(statement, index, s.p, s.n, SQLITE_STATIC);
}

#endif
