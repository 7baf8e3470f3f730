#include "core/mail/address.h"
#include "storage/ledger_state.h"

/*
 * A lane's `cursor` stands before its first pending delivery, so a claim reads exactly
 * the rows it takes; what is given back moves it back. `due_ms` is when the lane's
 * earliest deferred delivery is due: recomputed when due ones were claimed, lowered
 * when one is deferred.
 */

/* ---- lanes --------------------------------------------------------------------- */

/* Columns: id, name, pending at most, due_ms or NULL. */
static enum err take_lane(struct ledger_store *ledger, sqlite3_stmt *row,
                          struct arena *arena, struct lane *lane)
{
    bool has_due = sqlite3_column_type(row, 3) != SQLITE_NULL;
    *lane = (struct lane){.id = sqlite3_column_int64(row, 0),
                          .domain = db_copy(row, 1, arena),
                          .pending = (uint64_t)sqlite3_column_int64(row, 2),
                          .due_ms = has_due ? sqlite3_column_int64(row, 3) : INT64_MAX};
    if (str_is_null(lane->domain))
        return error_set(&ledger->error, ERR_MEMORY,
                         "reading the ledger: a claim: out of memory");
    if (!has_due)
        return ERR_NONE;
    sqlite3_stmt *count = ledger->statements[LEDGER_COUNT_DEFERRED];
    (void)sqlite3_bind_int64(count, 1, lane->id);
    int rc = sqlite3_step(count);
    if (rc == SQLITE_ROW)
        lane->deferred = (uint64_t)sqlite3_column_int64(count, 0);
    (void)sqlite3_reset(count);
    return rc == SQLITE_ROW ? ERR_NONE : ledger_failed(ledger);
}

/* `skip` may be NULL. */
static enum err take_lanes(struct ledger_store *ledger, sqlite3_stmt *rows,
                           bool (*skip)(void *skip_self, int64_t lane_id),
                           void *skip_self, struct lane_batch *batch)
{
    enum err err = ERR_NONE;
    int rc = SQLITE_ROW;
    batch->n = 0;
    while (err == ERR_NONE && batch->n < batch->max &&
           (rc = sqlite3_step(rows)) == SQLITE_ROW)
        if (skip == NULL || !skip(skip_self, sqlite3_column_int64(rows, 0)))
            err = take_lane(ledger, rows, batch->arena, &batch->lanes[batch->n++]);
    if (err == ERR_NONE && rc != SQLITE_DONE && rc != SQLITE_ROW)
        err = ledger_failed(ledger);
    (void)sqlite3_reset(rows);
    return err;
}

enum err ledger_lanes(void *self, int64_t after, struct lane_batch *batch)
{
    struct ledger_store *ledger = self;
    sqlite3_stmt *rows = ledger->statements[LEDGER_LANES];
    int64_t from = after < ledger->lane_first ? ledger->lane_first - 1 : after;
    (void)sqlite3_bind_int64(rows, 1, from);
    (void)sqlite3_bind_int64(rows, 2, ledger->lane_last);
    (void)sqlite3_bind_int64(rows, 3, (int64_t)batch->max);
    return take_lanes(ledger, rows, NULL, NULL, batch);
}

enum err ledger_due_lanes(void *self, int64_t now_ms,
                          bool (*skip)(void *skip_self, int64_t lane_id),
                          void *skip_self, struct lane_batch *batch)
{
    struct ledger_store *ledger = self;
    sqlite3_stmt *rows = ledger->statements[LEDGER_DUE_LANES];
    (void)sqlite3_bind_int64(rows, 1, ledger->campaign_id);
    (void)sqlite3_bind_int64(rows, 2, now_ms);
    return take_lanes(ledger, rows, skip, skip_self, batch);
}

enum err ledger_next_due(void *self, int64_t *due_ms)
{
    struct ledger_store *ledger = self;
    sqlite3_stmt *row = ledger->statements[LEDGER_NEXT_DUE];
    *due_ms = INT64_MAX;
    (void)sqlite3_bind_int64(row, 1, ledger->campaign_id);
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW && sqlite3_column_type(row, 0) != SQLITE_NULL)
        *due_ms = sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return rc == SQLITE_ROW ? ERR_NONE : ledger_failed(ledger);
}

/* ---- claims -------------------------------------------------------------------- */

/* Columns: id, recipient, attempts, last_attempt, first_armed_ms, address, record. */
static enum err take_job(struct ledger_store *ledger, sqlite3_stmt *row,
                         int64_t lane_id, struct job_batch *batch)
{
    struct str address = db_copy(row, 5, &batch->arena);
    struct str record = db_copy(row, 6, &batch->arena);
    if (str_is_null(address) || str_is_null(record))
        return error_set(&ledger->error, ERR_MEMORY,
                         "reading the ledger: a claim: out of memory");
    struct str domain = address_domain(address);
    if (domain.n == 0)
        return error_set(&ledger->error, ERR_STORAGE,
                         "ledger: recipient %lld: its address is damaged",
                         (long long)sqlite3_column_int64(row, 1));
    batch->jobs[batch->n++] =
        (struct job){.delivery_id = sqlite3_column_int64(row, 0),
                     .recipient_id = sqlite3_column_int64(row, 1),
                     .lane_id = lane_id,
                     .attempts = (uint32_t)sqlite3_column_int64(row, 2),
                     .last_attempt = sqlite3_column_int64(row, 3),
                     .first_armed_ms = sqlite3_column_int64(row, 4),
                     .address = address,
                     .domain = domain,
                     .needs_smtputf8 = !str_is_ascii(address),
                     .record = record};
    return ERR_NONE;
}

static enum err take_jobs(struct ledger_store *ledger, sqlite3_stmt *rows,
                          int64_t lane_id, size_t max, struct job_batch *batch)
{
    enum err err = ERR_NONE;
    int rc = SQLITE_DONE;
    for (size_t from = batch->n; err == ERR_NONE && batch->n - from < max;) {
        rc = sqlite3_step(rows);
        if (rc != SQLITE_ROW)
            break;
        err = take_job(ledger, rows, lane_id, batch);
    }
    if (err == ERR_NONE && rc != SQLITE_DONE && rc != SQLITE_ROW)
        err = ledger_failed(ledger);
    (void)sqlite3_reset(rows);
    return err;
}

struct lane_row {
    int64_t cursor, last, due_ms;
};

static enum err read_lane(struct ledger_store *ledger, int64_t lane_id,
                          struct lane_row *lane)
{
    sqlite3_stmt *row = ledger->statements[LEDGER_LANE];
    (void)sqlite3_bind_int64(row, 1, lane_id);
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW) {
        bool has_due = sqlite3_column_type(row, 2) != SQLITE_NULL;
        *lane = (struct lane_row){.cursor = sqlite3_column_int64(row, 0),
                                  .last = sqlite3_column_int64(row, 1),
                                  .due_ms = has_due ? sqlite3_column_int64(row, 2)
                                                    : INT64_MAX};
    }
    (void)sqlite3_reset(row);
    return rc == SQLITE_ROW ? ERR_NONE : ledger_failed(ledger);
}

static enum err claim_due(struct ledger_store *ledger, int64_t lane_id, int64_t now_ms,
                          size_t max, struct job_batch *batch)
{
    sqlite3_stmt *rows = ledger->statements[LEDGER_CLAIM_DUE];
    (void)sqlite3_bind_int64(rows, 1, lane_id);
    (void)sqlite3_bind_int64(rows, 2, now_ms);
    (void)sqlite3_bind_int64(rows, 3, (int64_t)max);
    size_t from = batch->n;
    enum err err = take_jobs(ledger, rows, lane_id, max, batch);
    for (size_t i = from; err == ERR_NONE && i < batch->n; i++) {
        batch->jobs[i].was_deferred = true;
        err = ledger_run(ledger, LEDGER_SET_CLAIMED, batch->jobs[i].delivery_id, 0);
    }
    return err == ERR_NONE ? ledger_run(ledger, LEDGER_REFRESH_DUE, lane_id, 0) : err;
}

/* Below that many the range's UPDATE is cheaper than opening a handle. */
#define CLAIMS_IN_PLACE_MIN 4

/* One word becomes another of its length, so it is written over where it lies: an
 * UPDATE takes each row apart and puts it together again, at two and a half times the
 * price. */
static enum err claim_in_place(struct ledger_store *ledger, const struct job *jobs,
                               size_t count)
{
    const struct str claimed = STR("claimed");
    sqlite3_blob *state = NULL;
    int rc = sqlite3_blob_open(ledger->store->db, "main", "delivery", "state",
                               jobs[0].delivery_id, 1, &state);
    for (size_t i = 0; rc == SQLITE_OK && i < count; i++) {
        if (i > 0)
            rc = sqlite3_blob_reopen(state, jobs[i].delivery_id);
        if (rc == SQLITE_OK)
            rc = sqlite3_blob_write(state, claimed.p, (int)claimed.n, 0);
    }
    enum err err = rc == SQLITE_OK ? ERR_NONE : ledger_failed(ledger);
    (void)sqlite3_blob_close(state);
    return err;
}

static enum err claim_new(struct ledger_store *ledger, int64_t lane_id,
                          const struct lane_row *lane, size_t max,
                          struct job_batch *batch)
{
    sqlite3_stmt *rows = ledger->statements[LEDGER_CLAIM_NEW];
    (void)sqlite3_bind_int64(rows, 1, lane->cursor);
    (void)sqlite3_bind_int64(rows, 2, lane->last);
    (void)sqlite3_bind_int64(rows, 3, (int64_t)max);
    size_t from = batch->n;
    enum err err = take_jobs(ledger, rows, lane_id, max, batch);
    if (err != ERR_NONE)
        return err;
    size_t taken = batch->n - from;
    /* Fewer than asked for: there is nothing behind them. */
    int64_t end = taken < max ? lane->last : batch->jobs[batch->n - 1].delivery_id;
    if (taken >= CLAIMS_IN_PLACE_MIN)
        err = claim_in_place(ledger, &batch->jobs[from], taken);
    else if (taken > 0)
        err = ledger_run(ledger, LEDGER_SET_CLAIMED_RANGE, lane->cursor, end);
    return err == ERR_NONE ? ledger_run(ledger, LEDGER_SET_CURSOR, lane_id, end + 1)
                           : err;
}

enum err ledger_claim(void *self, int64_t lane_id, int64_t now_ms, size_t max,
                      struct job_batch *batch)
{
    struct ledger_store *ledger = self;
    struct lane_row lane = {0};
    enum err err = ledger_begin(ledger);
    if (err == ERR_NONE)
        err = read_lane(ledger, lane_id, &lane);
    if (err != ERR_NONE)
        return err;
    if (max > batch->max - batch->n)
        max = batch->max - batch->n;
    size_t from = batch->n;
    if (lane.due_ms <= now_ms)
        err = claim_due(ledger, lane_id, now_ms, max, batch);
    max -= batch->n - from;
    if (err == ERR_NONE && max > 0 && lane.cursor <= lane.last)
        err = claim_new(ledger, lane_id, &lane, max, batch);
    return err == ERR_NONE
               ? ledger_suppress_claimed(ledger, &batch->jobs[from], batch->n - from)
               : err;
}
