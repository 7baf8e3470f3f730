#include "storage/run_owner.h"

#include "core/base/clock.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

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
        err = error_set(error, ERR_LOCKED, "campaign: another run has just started it");
    else
        err =
            error_set(error, ERR_LOCKED,
                      "campaign %.*s: process %lld on host %.*s has been running it "
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

enum err run_owner_sign(struct run_owner *owner, struct error *error)
{
    char host[256] = "", boot[64];
    (void)gethostname(host, sizeof host - 1);
    if (getrandom(owner->token, RUN_TOKEN_BYTES, 0) != RUN_TOKEN_BYTES)
        return error_set(error, ERR_OS, "campaign: no random bytes");
    return db_run(owner->store, error,
                  "INSERT OR REPLACE INTO run_owner VALUES(?, ?, ?, ?, ?, ?)", "ibsisi",
                  owner->campaign_id,
                  str_slice((const char *)owner->token, RUN_TOKEN_BYTES), str_of(host),
                  (int64_t)getpid(), boot_id(boot), clock_wall_ms());
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
        err = error_set(error, ERR_LOCKED,
                        "campaign: another run has taken it over; this one stops");
    (void)sqlite3_reset(owner->check);
    return err;
}

void run_owner_unlock(struct run_owner *owner)
{
    sqlite3_finalize(owner->check);
    owner->check = NULL;
    db_unlock(owner->store, owner->campaign_id);
}
