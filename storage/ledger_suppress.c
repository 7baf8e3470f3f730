#include "storage/ledger_state.h"

#include "storage/address_key.h"
#include "storage/deliveries.h"

/*
 * Another terminal may add suppressions while the campaign runs. They are applied when
 * the next group begins, to what is pending, deferred or claimed; what is armed may
 * have left. A claimed delivery thus loses its state under its worker, which finds out
 * when it asks to arm it.
 *
 * What was armed then and did not get through kept its state, and so did what was in
 * doubt and is sent again: where a delivery that was armed before is claimed, the list
 * is asked about it.
 */

#define STOPPABLE " AND state IN ('pending', 'claimed', 'deferred')"

static enum err suppress_range(struct ledger_store *ledger, int64_t first, int64_t last)
{
    enum err err =
        db_run(ledger->store, &ledger->error,
               "UPDATE delivery SET state = 'suppressed', next_attempt_ms = 0"
               " WHERE id BETWEEN ? AND ?" STOPPABLE,
               "ii", first, last);
    if (err == ERR_NONE)
        ledger->unfinished -= (uint64_t)sqlite3_changes64(ledger->store->db);
    return err;
}

static enum err suppress_domain(struct ledger_store *ledger, struct str domain)
{
    struct lane_range lane;
    enum err err = deliveries_lane(ledger->store, ledger->campaign_id, domain, &lane,
                                   &ledger->error);
    if (err != ERR_NONE || lane.id == 0)
        return err;
    err = suppress_range(ledger, lane.first, lane.last);
    return err == ERR_NONE ? ledger_run(ledger, LEDGER_REFRESH_DUE, lane.id, 0) : err;
}

struct spellings {
    struct ledger_store *ledger;
    struct lane_range lane;
    enum err err;
};

static bool suppress_recipient(void *self, int64_t recipient, struct str address)
{
    (void)address;
    struct spellings *spellings = self;
    struct ledger_store *ledger = spellings->ledger;
    int64_t delivery;
    spellings->err = deliveries_find(ledger->store, &spellings->lane, recipient,
                                     &delivery, &ledger->error);
    if (spellings->err == ERR_NONE && delivery != 0)
        spellings->err = suppress_range(ledger, delivery, delivery);
    return spellings->err == ERR_NONE;
}

static enum err suppress_address(struct ledger_store *ledger, struct str address)
{
    struct spellings spellings = {.ledger = ledger};
    struct str domain = str_from(suppression_domain_key(address), 1);
    enum err err = deliveries_lane(ledger->store, ledger->campaign_id, domain,
                                   &spellings.lane, &ledger->error);
    if (err != ERR_NONE || spellings.lane.id == 0)
        return err;
    err = address_key_find(ledger->store, ledger->list_id, address, suppress_recipient,
                           &spellings, &ledger->error);
    if (err == ERR_NONE)
        err = spellings.err;
    return err == ERR_NONE
               ? ledger_run(ledger, LEDGER_REFRESH_DUE, spellings.lane.id, 0)
               : err;
}

static enum err apply_new(struct ledger_store *ledger)
{
    sqlite3_stmt *rows;
    enum err err = db_query(ledger->store, &rows, &ledger->error,
                            "SELECT sequence, address FROM suppression"
                            " WHERE sequence > ? ORDER BY sequence",
                            "i", ledger->suppression_sequence);
    int rc = SQLITE_DONE;
    while (err == ERR_NONE && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        struct str address = db_text(rows, 1);
        ledger->suppression_sequence = sqlite3_column_int64(rows, 0);
        err = str_has_prefix(address, STR("@"))
                  ? suppress_domain(ledger, str_from(address, 1))
                  : suppress_address(ledger, address);
    }
    if (err == ERR_NONE && rc != SQLITE_DONE)
        err = db_fail(ledger->store, &ledger->error, "ledger");
    sqlite3_finalize(rows);
    return err == ERR_NONE
               ? db_run(ledger->store, &ledger->error,
                        "UPDATE campaign SET suppression_sequence = ? WHERE id = ?",
                        "ii", ledger->suppression_sequence, ledger->campaign_id)
               : err;
}

enum err ledger_apply_suppressions(struct ledger_store *ledger)
{
    sqlite3_stmt *row = ledger->statements[LEDGER_DATA_VERSION];
    int64_t version = 0;
    if (sqlite3_step(row) == SQLITE_ROW)
        version = sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    if (version == ledger->data_version)
        return ERR_NONE;
    ledger->data_version = version;
    int64_t newest = 0;
    enum err err = db_integer(ledger->store, &newest, 0, &ledger->error,
                              "SELECT max(sequence) FROM suppression", "");
    return err == ERR_NONE && newest > ledger->suppression_sequence ? apply_new(ledger)
                                                                    : err;
}

static enum err is_suppressed(struct ledger_store *ledger, struct str address,
                              bool *answer)
{
    int rc = suppression_find(ledger->statements[LEDGER_IS_SUPPRESSED], address);
    *answer = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_NONE : ledger_failed(ledger);
}

enum err ledger_suppress_claimed(struct ledger_store *ledger, const struct job *jobs,
                                 size_t count)
{
    enum err err = ERR_NONE;
    for (size_t i = 0; err == ERR_NONE && i < count; i++) {
        bool suppressed = false;
        if (jobs[i].first_armed_ms > 0)
            err = is_suppressed(ledger, jobs[i].address, &suppressed);
        if (err == ERR_NONE && suppressed)
            err = suppress_range(ledger, jobs[i].delivery_id, jobs[i].delivery_id);
    }
    return err;
}
