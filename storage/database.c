#include "storage/database.h"

#include <fcntl.h>
#include <stdarg.h>

/*
 * Thin on purpose: a statement, its parameters, and one place where SQLite's result
 * codes become ours. Whoever reads a query in this folder reads SQL, not an interface.
 */

/* ---- errors -------------------------------------------------------------------- */

struct translation {
    int code;
    enum err err;
    const char *why;
};

/* By extended code first, then by its low byte. */
static const struct translation translations[] = {
    {SQLITE_IOERR_NOMEM, ERR_MEMORY, "out of memory"},
    {SQLITE_NOMEM, ERR_MEMORY, "out of memory"},
    {SQLITE_BUSY, ERR_STORAGE,
     "another process keeps it locked; let that one finish and try again"},
    {SQLITE_LOCKED, ERR_STORAGE, "it is in use by this process"},
    {SQLITE_FULL, ERR_STORAGE, "the disk is full; make room and run it again"},
    {SQLITE_CORRUPT, ERR_STORAGE, "the file is damaged; restore it from a backup"},
    {SQLITE_NOTADB, ERR_STORAGE, "the file is no database; give another --db"},
    {SQLITE_READONLY, ERR_PERMISSION, "it cannot be written; check its permissions"},
    {SQLITE_PERM, ERR_PERMISSION, "permission denied"},
    {SQLITE_CANTOPEN, ERR_STORAGE, "it cannot be opened; check path and permissions"},
    {SQLITE_IOERR, ERR_STORAGE, "the disk reports an error"},
    {SQLITE_PROTOCOL, ERR_STORAGE, "its locks do not work on this file system"},
    {SQLITE_TOOBIG, ERR_LIMIT, "a value is too large"},
};

static const struct translation *translation_of(int code)
{
    size_t count = sizeof translations / sizeof translations[0];
    for (size_t i = 0; i < count; i++)
        if (translations[i].code == code)
            return &translations[i];
    for (size_t i = 0; i < count; i++)
        if (translations[i].code == (code & 0xFF))
            return &translations[i];
    return NULL;
}

enum err db_fail_code(const char *path, int code, const char *detail,
                      struct error *error, const char *what)
{
    const struct translation *found = translation_of(code);
    if (found == NULL)
        return error_set(error, ERR_STORAGE, "%s: %s: %s", what, path, detail);
    return error_set(error, found->err, "%s: %s: %s (%s)", what, path, found->why,
                     detail);
}

enum err db_fail(struct store *store, struct error *error, const char *what)
{
    return db_fail_code(store->path, sqlite3_extended_errcode(store->db),
                        sqlite3_errmsg(store->db), error, what);
}

/* ---- statements ---------------------------------------------------------------- */

#define DB_FAILED "database"

enum err db_exec(struct store *store, const char *sql, struct error *error)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(store, error, DB_FAILED);
    return ERR_NONE;
}

enum err db_prepare(struct store *store, sqlite3_stmt **statement, const char *sql,
                    struct error *error)
{
    int rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                statement, NULL);
    return rc == SQLITE_OK ? ERR_NONE : db_fail(store, error, DB_FAILED);
}

static int bind_all(sqlite3_stmt *statement, const char *format, va_list args)
{
    int rc = SQLITE_OK;
    for (int i = 1; *format != '\0' && rc == SQLITE_OK; i++, format++) {
        if (*format == 'i')
            rc = sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
        else if (*format == 's')
            rc = db_bind_text(statement, i, va_arg(args, struct str));
        else
            rc = db_bind_blob(statement, i, va_arg(args, struct str));
    }
    return rc;
}

static enum err query_va(struct store *store, sqlite3_stmt **statement,
                         struct error *error, const char *sql, const char *format,
                         va_list args)
{
    *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, statement, NULL) == SQLITE_OK &&
        bind_all(*statement, format, args) == SQLITE_OK)
        return ERR_NONE;
    enum err err = db_fail(store, error, DB_FAILED);
    sqlite3_finalize(*statement);
    *statement = NULL;
    return err;
}

enum err db_query(struct store *store, sqlite3_stmt **statement, struct error *error,
                  const char *sql, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum err err = query_va(store, statement, error, sql, format, args);
    va_end(args);
    return err;
}

enum err db_run(struct store *store, struct error *error, const char *sql,
                const char *format, ...)
{
    sqlite3_stmt *statement;
    va_list args;
    va_start(args, format);
    enum err err = query_va(store, &statement, error, sql, format, args);
    va_end(args);
    if (err != ERR_NONE)
        return err;
    if (sqlite3_step(statement) != SQLITE_DONE)
        err = db_fail(store, error, DB_FAILED);
    sqlite3_finalize(statement);
    return err;
}

enum err db_integer(struct store *store, int64_t *value, int64_t missing,
                    struct error *error, const char *sql, const char *format, ...)
{
    *value = missing;
    sqlite3_stmt *statement;
    va_list args;
    va_start(args, format);
    enum err err = query_va(store, &statement, error, sql, format, args);
    va_end(args);
    if (err != ERR_NONE)
        return err;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL)
        *value = sqlite3_column_int64(statement, 0);
    else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        err = db_fail(store, error, DB_FAILED);
    sqlite3_finalize(statement);
    return err;
}

/* ---- walks --------------------------------------------------------------------- */

bool db_walk_next(struct db_walk *walk)
{
    if (walk->rc == SQLITE_ROW)
        walk->rc = sqlite3_step(walk->rows);
    return walk->rc == SQLITE_ROW;
}

enum err db_walk_close(struct db_walk *walk, struct error *error, const char *what)
{
    enum err err = walk->rc == SQLITE_ROW || walk->rc == SQLITE_DONE
                       ? ERR_NONE
                       : db_fail(walk->store, error, what);
    sqlite3_finalize(walk->rows);
    return err;
}

/* ---- transactions -------------------------------------------------------------- */

enum err db_begin(struct store *store, struct error *error)
{
    return db_exec(store, "BEGIN IMMEDIATE", error);
}

enum err db_begin_read(struct store *store, struct error *error)
{
    return db_exec(store, "BEGIN", error);
}

enum err db_commit(struct store *store, struct error *error)
{
    enum err err = db_exec(store, "COMMIT", error);
    if (err != ERR_NONE)
        db_rollback(store);
    return err;
}

void db_rollback(struct store *store)
{
    /* SQLite may have rolled back by itself (disk full, I/O error). */
    if (sqlite3_get_autocommit(store->db) == 0)
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

enum err db_end(struct store *store, enum err err, struct error *error)
{
    if (err == ERR_NONE)
        return db_commit(store, error);
    db_rollback(store);
    return err;
}

/* ---- locks --------------------------------------------------------------------- */

/*
 * Open-file-description locks: they belong to this store, not to the process, so two
 * stores in one process exclude each other; they cannot be lost because some other
 * part closes the same file; the kernel drops them when the process dies.
 */
static int lock_call(struct store *store, int command, short type, int64_t byte,
                     struct flock *lock)
{
    *lock = (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(store->lock_fd, command, lock);
}

bool db_try_lock(struct store *store, int64_t byte)
{
    struct flock lock;
    if (byte != LOCK_CHECKPOINT && byte == store->held)
        return false;
    if (lock_call(store, F_OFD_SETLK, F_WRLCK, byte, &lock) != 0)
        return false;
    if (byte != LOCK_CHECKPOINT)
        store->held = byte;
    return true;
}

void db_unlock(struct store *store, int64_t byte)
{
    struct flock lock;
    (void)lock_call(store, F_OFD_SETLK, F_UNLCK, byte, &lock);
    if (byte == store->held)
        store->held = 0;
}

bool db_is_locked(struct store *store, int64_t byte)
{
    struct flock lock;
    if (byte == store->held)
        return true;
    return lock_call(store, F_OFD_GETLK, F_WRLCK, byte, &lock) == 0 &&
           lock.l_type != F_UNLCK;
}

#define WAL_FRAME_BYTES (4096 + 24)

/* A log that is kept is written over in place, which spares the file system a journal
 * entry for each sync; one that an import left is too large to keep. */
static int checkpoint_mode(int64_t bytes, bool wait)
{
    if (!wait)
        return SQLITE_CHECKPOINT_PASSIVE;
    return bytes > 2 * STORE_WAL_BYTES ? SQLITE_CHECKPOINT_TRUNCATE
                                       : SQLITE_CHECKPOINT_RESTART;
}

void db_checkpoint(struct store *store, int64_t bytes, bool wait)
{
    int64_t length = (int64_t)store->wal_pages * WAL_FRAME_BYTES;
    if (length < bytes || !db_try_lock(store, LOCK_CHECKPOINT))
        return;
    int left = 0, done = 0;
    int mode = checkpoint_mode(length, wait);
    if (sqlite3_wal_checkpoint_v2(store->db, NULL, mode, &left, &done) == SQLITE_OK)
        store->wal_pages = done >= left ? 0 : left - done;
    db_unlock(store, LOCK_CHECKPOINT);
}
