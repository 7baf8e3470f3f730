#include "storage/schema.h"

#include <sys/random.h>

/*
 * The ledger's layout is its speed:
 *
 * - A list is made of runs of recipient ids (list_range): an import takes a fresh run,
 *   so walking a list is a range scan in import order and needs no index.
 * - An address is found through recipient_key, a plain table whose row id is
 *   list * 2^40 + 40 bits of a salted hash (address_key.h): a few bytes a recipient,
 *   filled in sorted batches. A unique text index would cost more than all the rest of
 *   an import.
 * - A lane is one domain of one campaign: a run of delivery ids, in the order of
 *   recipient ids. A claim is a range scan, an outcome an update by row id next to the
 *   one before, and one recipient's delivery is found by bisecting its lane.
 * - Attempts are only ever appended; each names the one before it, so a journey is a
 *   walk backwards along row ids and needs no index.
 * - Two partial indexes know the deferred deliveries and nothing else. A delivery has a
 *   next_attempt_ms while it is deferred and 0 otherwise: an update that leaves that
 *   column alone (claim, arm, outcome) does not touch the index, which it would if the
 *   index asked for the state.
 * - A delivery's `room` gives up what each step of its first attempt adds to its row,
 *   which so stays as long as it was: it is written over in place, no page has to be
 *   rearranged or split for it.
 *
 * To change it: raise SCHEMA_VERSION, append a step to `steps`, never edit an old one.
 */

static const char version_1[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE domain(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE list(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,"
    "  email_column INTEGER NOT NULL, recipients INTEGER NOT NULL,"
    "  imports INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL);"
    "CREATE TABLE list_column(list INTEGER NOT NULL REFERENCES list(id),"
    "  position INTEGER NOT NULL, name TEXT NOT NULL,"
    "  PRIMARY KEY(list, position)) WITHOUT ROWID;"
    "CREATE TABLE list_range(list INTEGER NOT NULL REFERENCES list(id),"
    "  first INTEGER NOT NULL, last INTEGER NOT NULL,"
    "  PRIMARY KEY(list, first)) WITHOUT ROWID;"
    "CREATE TABLE recipient(id INTEGER PRIMARY KEY, domain INTEGER NOT NULL,"
    "  import INTEGER NOT NULL, address TEXT NOT NULL, record BLOB NOT NULL);"
    "CREATE TABLE recipient_key(key INTEGER PRIMARY KEY, recipient INTEGER NOT NULL);"
    "CREATE TABLE suppression(sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  address TEXT NOT NULL UNIQUE, cause TEXT NOT NULL, source TEXT NOT NULL,"
    "  campaign TEXT NOT NULL, at_ms INTEGER NOT NULL, note TEXT NOT NULL);"
    "CREATE TABLE campaign(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  name TEXT NOT NULL UNIQUE, list INTEGER NOT NULL REFERENCES list(id),"
    "  state TEXT NOT NULL, command TEXT NOT NULL DEFAULT '',"
    "  audience INTEGER NOT NULL DEFAULT 0,"
    "  lane_first INTEGER NOT NULL DEFAULT 0, lane_last INTEGER NOT NULL DEFAULT -1,"
    "  delivery_first INTEGER NOT NULL DEFAULT 0,"
    "  delivery_last INTEGER NOT NULL DEFAULT -1,"
    "  path TEXT NOT NULL, settings TEXT NOT NULL,"
    "  content_hash BLOB NOT NULL, secret BLOB NOT NULL,"
    "  suppression_sequence INTEGER NOT NULL DEFAULT 0,"
    "  created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL DEFAULT 0,"
    "  finished_ms INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE run_owner(campaign INTEGER PRIMARY KEY REFERENCES campaign(id),"
    "  token BLOB NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,"
    "  boot TEXT NOT NULL, since_ms INTEGER NOT NULL,"
    "  groups INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE lane(id INTEGER PRIMARY KEY, campaign INTEGER NOT NULL,"
    "  domain INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    "  cursor INTEGER NOT NULL, due_ms INTEGER);"
    "CREATE INDEX lane_domain ON lane(domain, campaign);"
    "CREATE INDEX lane_due ON lane(campaign, due_ms) WHERE due_ms IS NOT NULL;"
    "CREATE TABLE delivery(id INTEGER PRIMARY KEY, lane INTEGER NOT NULL,"
    "  recipient INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,"
    "  next_attempt_ms INTEGER NOT NULL, first_armed_ms INTEGER NOT NULL,"
    "  last_attempt INTEGER NOT NULL);"
    "CREATE INDEX delivery_due ON delivery(lane, next_attempt_ms)"
    "  WHERE state = 'deferred';"
    "CREATE TABLE attempt(id INTEGER PRIMARY KEY, delivery INTEGER NOT NULL,"
    "  previous INTEGER NOT NULL, at_ms INTEGER NOT NULL, state TEXT NOT NULL,"
    "  stage TEXT NOT NULL, code INTEGER NOT NULL, enhanced TEXT NOT NULL,"
    "  class TEXT NOT NULL, text TEXT NOT NULL, peer INTEGER NOT NULL,"
    "  remote_id TEXT NOT NULL);"
    "CREATE TABLE peer(id INTEGER PRIMARY KEY, host TEXT NOT NULL,"
    "  address TEXT NOT NULL, tls TEXT NOT NULL, UNIQUE(host, address, tls));";

static const char version_2[] =
    "DROP INDEX delivery_due;"
    "UPDATE delivery SET next_attempt_ms = 0"
    "  WHERE state <> 'deferred' AND next_attempt_ms <> 0;"
    "CREATE INDEX delivery_due ON delivery(lane, next_attempt_ms)"
    "  WHERE next_attempt_ms > 0;";

static const char version_3[] = "ALTER TABLE delivery ADD COLUMN room BLOB;";

/* steps[n] leads from version n to n + 1. */
static const char *const steps[SCHEMA_VERSION] = {version_1, version_2, version_3};

static enum err add_salt(struct store *store, struct error *error)
{
    int64_t salt;
    if (getrandom(&salt, sizeof salt, 0) != sizeof salt)
        return error_set(error, ERR_OS, "database: %s: no random bytes", store->path);
    return db_run(store, error,
                  "INSERT OR IGNORE INTO meta(name, value) VALUES('salt', ?)", "i",
                  salt);
}

static enum err migrate(struct store *store, int64_t from, struct error *error)
{
    for (int64_t version = from; version < SCHEMA_VERSION; version++) {
        enum err err = db_exec(store, steps[version], error);
        if (err != ERR_NONE)
            return err;
    }
    char pragma[80];
    sqlite3_snprintf(sizeof pragma, pragma,
                     "PRAGMA application_id=%d; PRAGMA user_version=%d;",
                     SCHEMA_APPLICATION_ID, SCHEMA_VERSION);
    enum err err = db_exec(store, pragma, error);
    return err != ERR_NONE ? err : add_salt(store, error);
}

static enum err read_version(struct store *store, int64_t *application,
                             int64_t *version, int64_t *objects, struct error *error)
{
    enum err err =
        db_integer(store, application, 0, error, "PRAGMA application_id", "");
    if (err == ERR_NONE)
        err = db_integer(store, version, 0, error, "PRAGMA user_version", "");
    if (err == ERR_NONE)
        err = db_integer(store, objects, 0, error, "SELECT count(*) FROM sqlite_schema",
                         "");
    return err;
}

/* Ours, an empty file, or an error. */
static enum err judge(struct store *store, int64_t application, int64_t version,
                      int64_t objects, struct error *error)
{
    if (application == 0 && version == 0 && objects == 0)
        return ERR_NONE;
    if (application != SCHEMA_APPLICATION_ID || version < 1)
        return error_set(error, ERR_STORAGE,
                         "open database: %s: it belongs to another program; give "
                         "another --db",
                         store->path);
    if (version > SCHEMA_VERSION)
        return error_set(error, ERR_STORAGE,
                         "open database: %s: it was made by a newer version of "
                         "broadside (schema %lld, this one knows %d); use that one",
                         store->path, (long long)version, SCHEMA_VERSION);
    return ERR_NONE;
}

/* Whoever can write the file could add a trigger or a view that does something else
 * than what our statements say. */
static enum err refuse_strangers(struct store *store, struct error *error)
{
    int64_t strangers;
    enum err err = db_integer(
        store, &strangers, 0, error,
        "SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')", "");
    if (err == ERR_NONE && strangers > 0)
        err = error_set(error, ERR_STORAGE,
                        "open database: %s: it has triggers or views that are not "
                        "ours; restore it from a backup",
                        store->path);
    return err;
}

static enum err prepare_locked(struct store *store, struct error *error)
{
    /* Read again: another process may have done the work meanwhile. */
    int64_t application, version, objects;
    enum err err = read_version(store, &application, &version, &objects, error);
    if (err == ERR_NONE)
        err = judge(store, application, version, objects, error);
    if (err == ERR_NONE && version < SCHEMA_VERSION)
        err = migrate(store, version, error);
    return err;
}

enum err schema_refuse_foreign(struct store *store, struct error *error)
{
    int64_t application, version, objects;
    enum err err = read_version(store, &application, &version, &objects, error);
    return err != ERR_NONE ? err : judge(store, application, version, objects, error);
}

enum err schema_prepare(struct store *store, struct error *error)
{
    int64_t application, version, objects, salt = 0;
    enum err err = read_version(store, &application, &version, &objects, error);
    if (err == ERR_NONE)
        err = judge(store, application, version, objects, error);
    if (err == ERR_NONE && version < SCHEMA_VERSION &&
        sqlite3_db_readonly(store->db, "main") == 1)
        err = error_set(error, ERR_PERMISSION,
                        "open database: %s: it was made by an older version of "
                        "broadside and has to be brought up to date; run any command "
                        "as the owner once",
                        store->path);
    if (err == ERR_NONE && version < SCHEMA_VERSION) {
        err = db_begin(store, error);
        if (err == ERR_NONE)
            err = db_end(store, prepare_locked(store, error), error);
    }
    if (err == ERR_NONE)
        err = refuse_strangers(store, error);
    if (err == ERR_NONE)
        err = db_integer(store, &salt, 0, error,
                         "SELECT value FROM meta WHERE name = 'salt'", "");
    store->salt = (uint64_t)salt;
    return err;
}
