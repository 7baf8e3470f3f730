#include "core/base/clock.h"
#include "core/mail/address.h"
#include "storage/database.h"
#include "storage/reports.h"
#include "storage/run_owner.h"

/*
 * A person decides what the machine cannot know. Each decision is a step of the
 * delivery's history, so that a report can always say who made it delivered.
 */

struct decision {
    enum delivery_state state;
    struct str text;
};

static struct decision decision_of(enum resolution resolution)
{
    switch (resolution) {
    case RESOLVE_RETRY:
        return (struct decision){DELIVERY_DEFERRED, STR("the operator: send it again")};
    case RESOLVE_ASSUME_DELIVERED:
        return (struct decision){DELIVERY_DELIVERED,
                                 STR("the operator: assume it was delivered")};
    case RESOLVE_ASSUME_FAILED: break;
    }
    return (struct decision){DELIVERY_FAILED, STR("the operator: assume it failed")};
}

static enum err decide(struct store *store, int64_t delivery, int64_t lane,
                       enum resolution resolution, struct error *error)
{
    struct decision decision = decision_of(resolution);
    struct str state = str_of(delivery_state_word(decision.state));
    int64_t now = clock_wall_ms();
    enum err err = db_run(store, error,
                          "INSERT INTO attempt(delivery, previous, at_ms, state, stage,"
                          " code, enhanced, class, text, peer, remote_id)"
                          " SELECT id, last_attempt, ?2, ?3, 'resolve', 0, '',"
                          " 'Operator', ?4, 0, '' FROM delivery WHERE id = ?1",
                          "iiss", delivery, now, state, decision.text);
    if (err == ERR_NONE)
        err = db_run(store, error,
                     "UPDATE delivery SET state = ?2, next_attempt_ms = ?3,"
                     " last_attempt = last_insert_rowid() WHERE id = ?1",
                     "isi", delivery, state,
                     resolution == RESOLVE_RETRY ? now : (int64_t)0);
    if (err == ERR_NONE && resolution == RESOLVE_RETRY)
        err = db_run(store, error,
                     "UPDATE lane SET due_ms = ?2"
                     " WHERE id = ?1 AND (due_ms IS NULL OR due_ms > ?2)",
                     "ii", lane, now);
    return err;
}

/* Nothing in doubt has that address: says how it stands instead. */
static enum err refuse_address(struct store *store, int64_t campaign_id,
                               struct str address, struct error *error)
{
    sqlite3_stmt *row;
    enum err err = db_query(store, &row, error,
                            "SELECT d.state FROM campaign c CROSS JOIN delivery d"
                            " ON d.id BETWEEN delivery_first AND delivery_last"
                            " CROSS JOIN recipient r ON r.id = d.recipient"
                            " WHERE c.id = ?1 AND r.address = ?2",
                            "is", campaign_id, address);
    if (err != ERR_NONE)
        return err;
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW)
        err = error_set(error, ERR_NOT_FOUND,
                        "resolve: %.*s: this one is not in doubt but %.*s; "
                        "`resolve --list` names those that are",
                        STR_ARG(address), STR_ARG(db_text(row, 0)));
    else if (rc == SQLITE_DONE)
        err =
            error_set(error, ERR_NOT_FOUND,
                      "resolve: %.*s: no recipient of this campaign; `resolve --list` "
                      "names those in doubt",
                      STR_ARG(address));
    else
        err = db_fail(store, error, "resolve");
    sqlite3_finalize(row);
    return err;
}

static enum err decide_all(struct store *store, int64_t campaign_id,
                           enum resolution resolution, struct str address,
                           uint64_t *count, struct error *error)
{
    sqlite3_stmt *rows;
    /* A temporary table: what is read must not change while it is read. */
    enum err err = db_exec(
        store, "CREATE TEMP TABLE doubt(delivery INTEGER, lane INTEGER)", error);
    if (err == ERR_NONE)
        err = db_run(store, error,
                     "INSERT INTO temp.doubt SELECT d.id, d.lane FROM campaign c"
                     " CROSS JOIN delivery d"
                     " ON d.id BETWEEN delivery_first AND delivery_last"
                     " CROSS JOIN recipient r ON r.id = d.recipient"
                     " WHERE c.id = ?1 AND d.state = 'in_doubt'"
                     " AND (?2 IS NULL OR r.address = ?2)",
                     "is", campaign_id, address);
    if (err == ERR_NONE)
        err =
            db_query(store, &rows, error, "SELECT delivery, lane FROM temp.doubt", "");
    if (err != ERR_NONE)
        return err;
    int rc = SQLITE_DONE;
    while (err == ERR_NONE && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        err = decide(store, sqlite3_column_int64(rows, 0),
                     sqlite3_column_int64(rows, 1), resolution, error);
        ++*count;
    }
    if (err == ERR_NONE && rc != SQLITE_DONE)
        err = db_fail(store, error, "resolve");
    sqlite3_finalize(rows);
    return err == ERR_NONE ? db_exec(store, "DROP TABLE temp.doubt", error) : err;
}

static enum err resolve_locked(struct store *store, const struct campaign *campaign,
                               enum resolution resolution, struct str address,
                               uint64_t *count, struct error *error)
{
    enum err err = db_begin(store, error);
    if (err != ERR_NONE)
        return err;
    err = decide_all(store, campaign->id, resolution, address, count, error);
    if (err == ERR_NONE && *count == 0 && !str_is_null(address))
        err = refuse_address(store, campaign->id, address, error);
    /* There is something to send again. */
    if (err == ERR_NONE && resolution == RESOLVE_RETRY && *count > 0)
        err = db_run(store, error,
                     "UPDATE campaign SET state = 'running', finished_ms = 0"
                     " WHERE id = ? AND state = 'finished'",
                     "i", campaign->id);
    return db_end(store, err, error);
}

/* `address` as address.h normalises it, in `arena`. */
static enum err normalise(struct str *address, struct arena *arena, struct error *error)
{
    struct address parsed;
    const char *why =
        str_is_null(*address) ? NULL : address_parse(*address, arena, &parsed);
    if (why != NULL)
        return error_set(error, ERR_DATA, "resolve: %.*s: %s", STR_ARG(*address), why);
    if (!str_is_null(*address))
        *address = parsed.text;
    return ERR_NONE;
}

enum err campaign_resolve(struct store *store, struct str name,
                          enum resolution resolution, struct str address,
                          uint64_t *count, struct error *error)
{
    struct arena arena;
    struct campaign campaign;
    *count = 0;
    arena_init(&arena, 256 << 20);
    enum err err = campaign_find(store, name, &arena, &campaign, error);
    if (err == ERR_NONE)
        err = normalise(&address, &arena, error);
    if (err == ERR_NONE && resolution == RESOLVE_RETRY &&
        campaign.state == CAMPAIGN_CANCELLED)
        err = error_set(error, ERR_USAGE,
                        "resolve: %.*s: the campaign was cancelled and sends nothing; "
                        "say --assume-delivered or --assume-failed",
                        STR_ARG(name));
    struct run_owner owner;
    if (err == ERR_NONE)
        err = run_owner_lock(&owner, store, campaign.id, error);
    if (err == ERR_NONE) {
        err = resolve_locked(store, &campaign, resolution, address, count, error);
        run_owner_unlock(&owner);
    }
    arena_fini(&arena);
    return err;
}
