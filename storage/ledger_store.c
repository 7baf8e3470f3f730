#include "storage/ledger_state.h"

#include "core/base/clock.h"
#include "storage/recovery.h"

#include <stdlib.h>
#include <sys/statvfs.h>

/*
 * A group is one transaction: the first claim, arm or record begins it, commit ends it.
 * When it begins, the owner row is read; the transaction holds the write lock from then
 * on, so checking once is checking every write. Also then, and only if SQLite says that
 * somebody else has written since (data_version), new suppressions are looked up and
 * applied to the deliveries themselves. That is why arming needs no look at the
 * suppression table: a delivery that may not go out is not `claimed` any more.
 *
 * The write-ahead log is copied back between groups when it is long: a passive
 * checkpoint that waits for no reader.
 */

/* ---- life ---------------------------------------------------------------------- */

static enum err prepare_all(struct ledger_store *ledger, struct error *error)
{
    static const char *const sql[] = {
#define LEDGER_STATEMENT_SQL(name, text) text,
        LEDGER_STATEMENT_LIST(LEDGER_STATEMENT_SQL)
#undef LEDGER_STATEMENT_SQL
    };
    for (size_t i = 0; i < LEDGER_STATEMENT_COUNT; i++) {
        enum err err = db_prepare(ledger->store, &ledger->statements[i], sql[i], error);
        if (err != ERR_NONE)
            return err;
    }
    return peer_numbers_init(&ledger->peers, ledger->store, error);
}

static enum err load_campaign(struct ledger_store *ledger, struct error *error)
{
    sqlite3_stmt *row;
    enum err err = db_query(ledger->store, &row, error,
                            "SELECT list, lane_first, lane_last, suppression_sequence,"
                            " name, state FROM campaign WHERE id = ?",
                            "i", ledger->campaign_id);
    if (err != ERR_NONE)
        return err;
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW) {
        ledger->list_id = sqlite3_column_int64(row, 0);
        ledger->lane_first = sqlite3_column_int64(row, 1);
        ledger->lane_last = sqlite3_column_int64(row, 2);
        ledger->suppression_sequence = sqlite3_column_int64(row, 3);
        struct str name = str_head(db_text(row, 4), CAMPAIGN_NAME_MAX);
        if (name.n > 0)
            memcpy(ledger->name, name.p, name.n);
        if (str_equal(db_text(row, 5), STR("cancelled")))
            err = error_set(
                error, ERR_LOCKED,
                "send campaign: %s: it was cancelled from another terminal; launch it "
                "under another name",
                ledger->name);
    } else {
        err = rc == SQLITE_DONE ? error_set(error, ERR_NOT_FOUND,
                                            "send campaign: this one: there is "
                                            "none")
                                : db_fail(ledger->store, error, "campaign");
    }
    sqlite3_finalize(row);
    return err;
}

/* What a delivery adds to the file before it is final: its row grows, an attempt. */
#define DELIVERY_BYTES 256
#define MIB            (UINT64_C(1) << 20)

/* A disk that will be full before the end had better be so before the beginning. */
static enum err check_disk(struct ledger_store *ledger, struct error *error)
{
    struct statvfs disk;
    if (fstatvfs(ledger->store->lock_fd, &disk) != 0)
        return ERR_NONE;
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    uint64_t needed =
        2 * (uint64_t)STORE_WAL_BYTES + ledger->unfinished * DELIVERY_BYTES;
    if (free_bytes >= needed)
        return ERR_NONE;
    return error_set(
        error, ERR_STORAGE,
        "send campaign: %s: %s: %llu MiB of disk are free and %llu MiB may be "
        "needed; make room",
        ledger->name, ledger->store->path, (unsigned long long)(free_bytes / MIB),
        (unsigned long long)(needed / MIB));
}

/* In one transaction: the campaign is ours, and what a dead run left is put right. */
static enum err take_over(struct ledger_store *ledger,
                          const struct ledger_options *options, uint64_t *recovered,
                          struct error *error)
{
    struct recovery recovery;
    enum err err = load_campaign(ledger, error);
    if (err == ERR_NONE && !options->take_over)
        err = run_owner_check_machine(&ledger->owner, error);
    if (err == ERR_NONE)
        err = recovery_init(&recovery, ledger->store, ledger->campaign_id, error);
    if (err == ERR_NONE)
        err = recovery_settle(&recovery, options->retry_in_doubt, error);
    if (err == ERR_NONE && options->wait_max_ms > 0)
        err = recovery_cap_waits(&recovery, clock_wall_ms() + options->wait_max_ms,
                                 error);
    if (err != ERR_NONE)
        return err;
    *recovered = recovery.armed;
    ledger->found = recovery.counts;
    ledger->unfinished = delivery_counts_unfinished(&recovery.counts);
    err = check_disk(ledger, error);
    if (err == ERR_NONE)
        err = run_owner_sign(&ledger->owner, error);
    if (err == ERR_NONE)
        err = db_run(ledger->store, error,
                     "UPDATE campaign SET state = 'running', command = '',"
                     " finished_ms = 0, started_ms ="
                     " CASE started_ms WHEN 0 THEN ? ELSE started_ms END WHERE id = ?",
                     "ii", clock_wall_ms(), ledger->campaign_id);
    return err;
}

static void free_ledger(struct ledger_store *ledger)
{
    for (size_t i = 0; i < LEDGER_STATEMENT_COUNT; i++)
        sqlite3_finalize(ledger->statements[i]);
    peer_numbers_fini(&ledger->peers);
    free(ledger);
}

enum err ledger_store_open(struct store *store, int64_t campaign_id,
                           const struct ledger_options *options,
                           struct ledger_store **ledger, uint64_t *recovered,
                           struct error *error)
{
    *ledger = NULL;
    *recovered = 0;
    struct ledger_store *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ERR_MEMORY, "send campaign: its ledger: out of memory");
    made->store = store;
    made->campaign_id = campaign_id;
    made->retry_in_doubt = options->retry_in_doubt;
    enum err err = prepare_all(made, error);
    if (err == ERR_NONE)
        err = run_owner_lock(&made->owner, store, campaign_id, error);
    if (err != ERR_NONE) {
        free_ledger(made);
        return err;
    }
    err = db_begin(store, error);
    if (err == ERR_NONE)
        err = db_end(store, take_over(made, options, recovered, error), error);
    if (err != ERR_NONE) {
        run_owner_unlock(&made->owner);
        free_ledger(made);
        return err;
    }
    (void)sqlite3_busy_timeout(store->db, LEDGER_BUSY_MS);
    *ledger = made;
    return ERR_NONE;
}

static enum err give_up(struct ledger_store *ledger, enum campaign_state state,
                        struct delivery_counts *counts, struct error *error)
{
    struct recovery recovery;
    enum err err = run_owner_check(&ledger->owner, error);
    if (err == ERR_NONE)
        err = recovery_init(&recovery, ledger->store, ledger->campaign_id, error);
    if (err != ERR_NONE)
        return err;
    err = recovery_settle(&recovery,
                          ledger->retry_in_doubt && state != CAMPAIGN_CANCELLED, error);
    if (err == ERR_NONE && state == CAMPAIGN_CANCELLED)
        err = recovery_cancel_rest(&recovery, error);
    uint64_t unfinished = delivery_counts_unfinished(&recovery.counts);
    if (err == ERR_NONE && state == CAMPAIGN_FINISHED && unfinished > 0)
        err = error_set(error, ERR_BUG,
                        "end campaign: %s: not finished, %llu deliveries are left",
                        ledger->name, (unsigned long long)unfinished);
    if (err == ERR_NONE)
        err = recovery_set_state(&recovery, state, error);
    if (counts != NULL)
        *counts = recovery.counts;
    return err;
}

enum err ledger_store_close(struct ledger_store *ledger, enum campaign_state state,
                            struct delivery_counts *counts, struct error *error)
{
    struct store *store = ledger->store;
    /* A group that was never committed is gone, as the port promises. */
    db_rollback(store);
    enum err err = db_begin(store, error);
    if (err == ERR_NONE)
        err = db_end(store, give_up(ledger, state, counts, error), error);
    run_owner_unlock(&ledger->owner);
    free_ledger(ledger);
    (void)sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    db_checkpoint(store, 1, true);
    return err;
}

/* ---- groups -------------------------------------------------------------------- */

enum err ledger_abandon(struct ledger_store *ledger, enum err err)
{
    db_rollback(ledger->store);
    ledger->is_in_group = false;
    return err;
}

enum err ledger_failed(struct ledger_store *ledger)
{
    return ledger_abandon(ledger, db_fail(ledger->store, &ledger->error, "ledger"));
}

enum err ledger_begin(struct ledger_store *ledger)
{
    if (ledger->is_in_group)
        return ERR_NONE;
    enum err err = db_begin(ledger->store, &ledger->error);
    if (err != ERR_NONE) {
        /* What comes in yet is tried to be saved, and the campaign to be closed: had
         * each its own minute, the end would take several. */
        (void)sqlite3_busy_timeout(ledger->store->db, LEDGER_BUSY_AGAIN_MS);
        return err;
    }
    ledger->is_in_group = true;
    err = run_owner_check(&ledger->owner, &ledger->error);
    if (err == ERR_NONE)
        err = ledger_apply_suppressions(ledger);
    return err == ERR_NONE ? ERR_NONE : ledger_abandon(ledger, err);
}

enum err ledger_run(struct ledger_store *ledger, enum ledger_statement which,
                    int64_t first, int64_t second)
{
    sqlite3_stmt *statement = ledger->statements[which];
    (void)sqlite3_bind_int64(statement, 1, first);
    if (sqlite3_bind_parameter_count(statement) > 1)
        (void)sqlite3_bind_int64(statement, 2, second);
    int rc = sqlite3_step(statement);
    (void)sqlite3_reset(statement);
    return rc == SQLITE_DONE ? ERR_NONE : ledger_failed(ledger);
}

static enum err ledger_commit(void *self)
{
    struct ledger_store *ledger = self;
    if (!ledger->is_in_group)
        return ERR_NONE;
    enum err err = run_owner_count(&ledger->owner, &ledger->error);
    if (err != ERR_NONE)
        return ledger_abandon(ledger, err);
    ledger->is_in_group = false;
    err = db_commit(ledger->store, &ledger->error);
    if (err != ERR_NONE)
        return err;
    run_owner_note(&ledger->owner);
    db_checkpoint(ledger->store, STORE_WAL_BYTES, false);
    return ERR_NONE;
}

/* ---- the port ------------------------------------------------------------------ */

static enum err ledger_command(void *self, enum run_command *command)
{
    struct ledger_store *ledger = self;
    sqlite3_stmt *row = ledger->statements[LEDGER_COMMAND];
    *command = RUN_GO_ON;
    (void)sqlite3_bind_int64(row, 1, ledger->campaign_id);
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW && str_equal(db_text(row, 0), STR("pause")))
        *command = RUN_PAUSE;
    else if (rc == SQLITE_ROW && str_equal(db_text(row, 0), STR("cancel")))
        *command = RUN_CANCEL;
    (void)sqlite3_reset(row);
    return rc == SQLITE_ROW ? ERR_NONE : ledger_failed(ledger);
}

static enum err ledger_unfinished(void *self, uint64_t *count)
{
    *count = ((struct ledger_store *)self)->unfinished;
    return ERR_NONE;
}

static void ledger_explain(void *self, struct error *error)
{
    if (error != NULL)
        *error = ((struct ledger_store *)self)->error;
}

const struct delivery_counts *ledger_store_counts(const struct ledger_store *ledger)
{
    return &ledger->found;
}

struct store_port ledger_store_port(struct ledger_store *ledger)
{
    return (struct store_port){.self = ledger,
                               .lanes = ledger_lanes,
                               .due_lanes = ledger_due_lanes,
                               .next_due = ledger_next_due,
                               .claim = ledger_claim,
                               .arm = ledger_arm,
                               .record = ledger_record,
                               .commit = ledger_commit,
                               .command = ledger_command,
                               .unfinished = ledger_unfinished,
                               .explain = ledger_explain};
}
