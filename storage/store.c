#include "storage/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * SQLite up to 3.51.2 can, very rarely, corrupt the file when two connections write
 * and reset the write-ahead log at the same moment. So no connection checkpoints by
 * itself: automatic checkpoints are off, closing does none, and only the holder of
 * LOCK_CHECKPOINT copies the log back.
 */

/* The log is found by the file's name: through a second one SQLite would not see what
 * the log of the first holds, and whoever wrote then would damage both. A symbolic link
 * is no second name. */
static enum err check_links(const char *path, nlink_t links, struct error *error)
{
    if (links <= 1)
        return ERR_NONE;
    return error_set(error, ERR_STORAGE,
                     "open database: %s: the file has %lu names (hard links), its log "
                     "has one; remove the other names, or use a copy",
                     path, (unsigned long)links);
}

/* Ours before SQLite sees it: SQLite would create it 0644, and its log and index take
 * over the mode of the file. */
static enum err create_private(const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        struct stat status;
        bool is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
        close(fd);
        return is_file ? check_links(path, status.st_nlink, error)
                       : error_set(error, ERR_STORAGE,
                                   "open database: %s: it is no file; give another "
                                   "--db",
                                   path);
    }
    int number = errno;
    bool is_denied = number == EACCES || number == EPERM || number == EROFS;
    enum err err = is_denied ? ERR_PERMISSION : ERR_STORAGE;
    const char *advice = number == ENOENT || number == ENOTDIR ? "make its folder, or "
                         : is_denied && access(path, F_OK) == 0
                             ? "run it as the owner, or "
                         : is_denied ? "no file can be made in that folder: "
                                     : "";
    return error_set(error, err, "open database: %s: %s; %sgive another --db", path,
                     strerror(number), advice);
}

/* PATH.lock, beside the real file: two names of one database have one lock. A reader
 * that may not write looks at it only, and a copy of a database may be without. */
static enum err open_lock(struct store *store, bool is_reading, struct error *error)
{
    char *name = NULL;
    int mode = is_reading ? O_RDONLY : O_RDWR | O_CREAT;
    if (asprintf(&name, "%s.lock", store->path) < 0)
        return error_set(error, ERR_MEMORY, "open database: %s: out of memory",
                         store->path);
    store->lock_fd = open(name, mode | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum err err = store->lock_fd >= 0 || (is_reading && errno == ENOENT)
                       ? ERR_NONE
                       : error_set(error, ERR_PERMISSION,
                                   "open database: %s: %s; check the permissions of "
                                   "the directory",
                                   name, strerror(errno));
    free(name);
    return err;
}

static int on_commit(void *self, sqlite3 *db, const char *schema, int pages)
{
    (void)db;
    (void)schema;
    ((struct store *)self)->wal_pages = pages;
    return SQLITE_OK;
}

/* A hostile file is data too: its schema may call nothing, its pages are checked. */
static void harden(sqlite3 *db)
{
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
}

static enum err prepare_reading(struct store *store, struct error *error)
{
    harden(store->db);
    (void)sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    char pragmas[256];
    /* The first statement that reads the file is the one that finds out whether it is
     * a database at all. */
    sqlite3_snprintf(sizeof pragmas, pragmas,
                     "PRAGMA cell_size_check=1; PRAGMA mmap_size=0;"
                     "PRAGMA cache_size=-%d; PRAGMA temp_store=FILE;",
                     STORE_CACHE_KIB);
    if (sqlite3_exec(store->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(store, error, "open database");
    return ERR_NONE;
}

static enum err prepare_writing(struct store *store, struct error *error)
{
    char pragmas[256];
    sqlite3_snprintf(sizeof pragmas, pragmas,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=%lld;",
                     (long long)STORE_WAL_BYTES);
    if (sqlite3_exec(store->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(store, error, "open database");
    (void)sqlite3_wal_hook(store->db, on_commit, store);
    return ERR_NONE;
}

/* Nobody reads SQLite's statistics of its memory, and keeping them takes a lock that
 * all threads share around each of its allocations. */
static void configure_library(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* After the file is known to be there. */
static enum err open_file(struct store *store, const char *path, bool is_reading,
                          struct error *error)
{
    static pthread_once_t configured = PTHREAD_ONCE_INIT;
    int mode = is_reading ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    store->path = realpath(path, NULL);
    if (store->path == NULL)
        return error_set(error, ERR_STORAGE, "open database: %s: %s", path,
                         strerror(errno));
    (void)pthread_once(&configured, configure_library);
    int rc = sqlite3_open_v2(store->path, &store->db,
                             mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK)
        return db_fail_code(path, rc, sqlite3_errstr(rc), error, "open database");
    enum err err = prepare_reading(store, error);
    /* The lock is a file beside it, and changing the journal writes into it: neither is
     * done to somebody else's. */
    if (err == ERR_NONE)
        err = schema_refuse_foreign(store, error);
    if (err == ERR_NONE)
        err = open_lock(store, is_reading, error);
    if (err == ERR_NONE && !is_reading)
        err = prepare_writing(store, error);
    return err != ERR_NONE ? err : schema_prepare(store, error);
}

static enum err open_to_write(struct store *store, const char *path,
                              struct error *error)
{
    enum err err = create_private(path, error);
    return err != ERR_NONE ? err : open_file(store, path, false, error);
}

/* SQLite reads a log by its index, PATH-shm, which it must be able to make. It could be
 * told that the file never changes, but then it would not look at the log at all, and
 * show a campaign as it was some time ago. */
static enum err open_to_read(struct store *store, const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set(error, ERR_PERMISSION, "open database: %s: %s", path,
                         strerror(errno));
    enum err err = check_links(path, status.st_nlink, error);
    if (err == ERR_NONE)
        err = open_file(store, path, true, error);
    if (err != ERR_STORAGE || store->db == NULL ||
        sqlite3_errcode(store->db) != SQLITE_CANTOPEN)
        return err;
    return error_set(error, ERR_PERMISSION,
                     "open database: %s: SQLite cannot read it where it may not write "
                     "its index, %s-shm; run it as the owner, or on a copy",
                     path, path);
}

/* True if there is a database which we may read but not write, or not write beside. */
static bool is_read_only(const char *path)
{
    char *folder = strdup(path);
    if (folder == NULL)
        return false;
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[1] = '\0';
    bool answer =
        access(path, R_OK) == 0 &&
        (access(path, W_OK) != 0 || access(slash != NULL ? folder : ".", W_OK) != 0);
    free(folder);
    return answer;
}

typedef enum err opener(struct store *store, const char *path, struct error *error);

static enum err open_by(opener *opens, const char *path, struct store **store,
                        struct error *error)
{
    *store = NULL;
    struct store *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ERR_MEMORY, "open database: %s: out of memory", path);
    made->lock_fd = -1;
    enum err err = opens(made, path, error);
    if (err != ERR_NONE) {
        store_close(made);
        return err;
    }
    *store = made;
    return ERR_NONE;
}

enum err store_open(const char *path, struct store **store, struct error *error)
{
    return open_by(open_to_write, path, store, error);
}

enum err store_open_to_read(const char *path, struct store **store, struct error *error)
{
    enum err err = store_open(path, store, error);
    bool may_be_read =
        (err == ERR_PERMISSION || err == ERR_STORAGE) && is_read_only(path);
    if (!may_be_read)
        return err;
    if (error != NULL)
        *error = (struct error){ERR_NONE, ""};
    return open_by(open_to_read, path, store, error);
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    (void)sqlite3_close(store->db);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    free(store->path);
    free(store);
}

const char *store_path(const struct store *store)
{
    return store->path;
}
