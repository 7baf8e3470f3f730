#include "storage/run_owner.h"

#include "core/base/clock.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

/* ---- the count beside the database --------------------------------------------- */

/* In PATH.lock, behind the bytes that are locked: the database's salt, which tells it
 * from another of the same path, then a number for each campaign. It is written after
 * the commit it counts and never synced, so after a crash it may lag behind but never
 * be ahead. */
#define NOTES_OFFSET (INT64_C(1) << 20)

static off_t note_offset(int64_t campaign_id)
{
    return (off_t)(NOTES_OFFSET + campaign_id * (int64_t)sizeof(int64_t));
}

static int64_t read_note(struct store *store, int64_t campaign_id)
{
    int64_t number = 0;
    ssize_t n = pread(store->lock_fd, &number, sizeof number, note_offset(campaign_id));
    return n == (ssize_t)sizeof number ? number : 0;
}

static void write_note(struct store *store, int64_t campaign_id, int64_t number)
{
    (void)!pwrite(store->lock_fd, &number, sizeof number, note_offset(campaign_id));
}

/* Notes of another database that was here before are worth nothing. */
static void claim_notes(struct store *store)
{
    if ((uint64_t)read_note(store, 0) == store->salt)
        return;
    (void)!ftruncate(store->lock_fd, NOTES_OFFSET);
    write_note(store, 0, (int64_t)store->salt);
}

static enum err check_age(struct run_owner *owner, struct error *error)
{
    struct store *store = owner->store;
    enum err err = db_integer(store, &owner->groups, 0, error,
                              "SELECT groups FROM run_owner WHERE campaign = ?", "i",
                              owner->campaign_id);
    if (err != ERR_NONE)
        return err;
    claim_notes(store);
    if (owner->groups >= read_note(store, owner->campaign_id))
        return ERR_NONE;
    return error_set(
        error, ERR_STORAGE,
        "start campaign: %s: this database is older than what was sent from it "
        "(was a backup restored?), some recipients would get it twice; to "
        "go on all the same remove %s.lock",
        store->path, store->path);
}

/* ---- the row ------------------------------------------------------------------- */

/* A process number means something only on its host and since its boot. */
static struct str boot_id(char to[64])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, to, 63) : 0;
    if (fd >= 0)
        close(fd);
    return str_trim(str_slice(to, n > 1 ? (size_t)n - 1 : 0));
}

static enum err name_owner(struct store *store, int64_t campaign_id,
                           struct error *error)
{
    sqlite3_stmt *row;
    enum err err = db_query(store, &row, error,
                            "SELECT name, pid, host, since_ms FROM campaign"
                            " LEFT JOIN run_owner ON campaign = campaign.id"
                            " WHERE campaign.id = ?",
                            "i", campaign_id);
    if (err != ERR_NONE)
        return err;
    char since[CLOCK_RFC3339_BYTES];
    if (sqlite3_step(row) != SQLITE_ROW || sqlite3_column_type(row, 1) == SQLITE_NULL)
        /* It has the lock and has not signed yet. */
        err = error_set(
            error, ERR_LOCKED,
            "start campaign: this one: another run has just started it; watch "
            "that with status");
    else
        err = error_set(
            error, ERR_LOCKED,
            "start campaign: %.*s: process %lld on host %.*s has been running it "
            "since %s; pause that one, or let it finish",
            STR_ARG(db_text(row, 0)), (long long)sqlite3_column_int64(row, 1),
            STR_ARG(db_text(row, 2)),
            clock_rfc3339(sqlite3_column_int64(row, 3), since));
    sqlite3_finalize(row);
    return err;
}

enum err run_owner_lock(struct run_owner *owner, struct store *store,
                        int64_t campaign_id, struct error *error)
{
    *owner = (struct run_owner){.store = store, .campaign_id = campaign_id};
    return db_try_lock(store, campaign_id) ? ERR_NONE
                                           : name_owner(store, campaign_id, error);
}

/* A container has a new name each time it starts, and a machine a new boot number: only
 * where both are strange is it another machine. */
enum err run_owner_check_machine(struct run_owner *owner, struct error *error)
{
    char host[256] = "", boot[64];
    sqlite3_stmt *row;
    (void)gethostname(host, sizeof host - 1);
    enum err err = db_query(owner->store, &row, error,
                            "SELECT name, host, since_ms FROM run_owner"
                            " JOIN campaign ON campaign.id = campaign"
                            " WHERE campaign = ?1 AND length(token) > 0"
                            " AND host <> ?2 AND boot <> ?3",
                            "iss", owner->campaign_id, str_of(host), boot_id(boot));
    if (err != ERR_NONE)
        return err;
    char since[CLOCK_RFC3339_BYTES];
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW)
        err = error_set(
            error, ERR_LOCKED,
            "start campaign: %.*s: host %.*s has been running it since %s, this is "
            "another one; if that run is dead and this is its only database, resume "
            "with --take-over",
            STR_ARG(db_text(row, 0)), STR_ARG(db_text(row, 1)),
            clock_rfc3339(sqlite3_column_int64(row, 2), since));
    else if (rc != SQLITE_DONE)
        err = db_fail(owner->store, error, "campaign");
    sqlite3_finalize(row);
    return err;
}

enum err run_owner_sign(struct run_owner *owner, struct error *error)
{
    char host[256] = "", boot[64];
    (void)gethostname(host, sizeof host - 1);
    if (getrandom(owner->token, RUN_TOKEN_BYTES, 0) != RUN_TOKEN_BYTES)
        return error_set(error, ERR_OS, "start campaign: its token: no random bytes");
    enum err err = check_age(owner, error);
    if (err != ERR_NONE)
        return err;
    return db_run(owner->store, error,
                  "INSERT OR REPLACE INTO run_owner VALUES(?, ?, ?, ?, ?, ?, ?)",
                  "ibsisii", owner->campaign_id,
                  str_slice((const char *)owner->token, RUN_TOKEN_BYTES), str_of(host),
                  (int64_t)getpid(), boot_id(boot), clock_wall_ms(), owner->groups);
}

enum err run_owner_check(struct run_owner *owner, struct error *error)
{
    if (owner->check == NULL) {
        enum err err =
            db_prepare(owner->store, &owner->check,
                       "SELECT token FROM run_owner WHERE campaign = ?", error);
        if (err != ERR_NONE)
            return err;
    }
    (void)sqlite3_bind_int64(owner->check, 1, owner->campaign_id);
    int rc = sqlite3_step(owner->check);
    struct str token = STR_NULL;
    if (rc == SQLITE_ROW)
        token = db_text(owner->check, 0);
    enum err err = ERR_NONE;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        err = db_fail(owner->store, error, "campaign");
    else if (!str_equal(token, str_slice((const char *)owner->token, RUN_TOKEN_BYTES)))
        err = error_set(
            error, ERR_LOCKED,
            "send campaign: this one: another run has taken it over; watch that "
            "with status");
    (void)sqlite3_reset(owner->check);
    return err;
}

enum err run_owner_count(struct run_owner *owner, struct error *error)
{
    if (owner->count == NULL) {
        enum err err =
            db_prepare(owner->store, &owner->count,
                       "UPDATE run_owner SET groups = ? WHERE campaign = ?", error);
        if (err != ERR_NONE)
            return err;
    }
    (void)sqlite3_bind_int64(owner->count, 1, owner->groups + 1);
    (void)sqlite3_bind_int64(owner->count, 2, owner->campaign_id);
    int rc = sqlite3_step(owner->count);
    (void)sqlite3_reset(owner->count);
    return rc == SQLITE_DONE ? ERR_NONE : db_fail(owner->store, error, "campaign");
}

void run_owner_note(struct run_owner *owner)
{
    write_note(owner->store, owner->campaign_id, ++owner->groups);
}

enum err run_owner_resign(struct store *store, int64_t campaign_id, struct error *error)
{
    return db_run(store, error, "UPDATE run_owner SET token = x'' WHERE campaign = ?",
                  "i", campaign_id);
}

void run_owner_unlock(struct run_owner *owner)
{
    sqlite3_finalize(owner->check);
    sqlite3_finalize(owner->count);
    owner->check = owner->count = NULL;
    db_unlock(owner->store, owner->campaign_id);
}
