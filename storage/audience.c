#include "storage/audience.h"

#include "core/mail/address.h"
#include "storage/deliveries.h"
#include "storage/suppression_key.h"

/*
 * Three steps, each constant in memory and each row through as few hands as can be:
 *   1. Sort the list by (domain, recipient) into a temporary table. SQLite asks
 *      audience_key() for what to sort each recipient by: one number is cheaper than
 *      three columns sorted by two of them. NULL: not meant.
 *   2. Walk the table: a domain is a run of its row ids, and how long the run is, is
 *      noted.
 *   3. Domain by domain, append its deliveries. The largest first: it decides how long
 *      the campaign takes, so it must not start last.
 * The numbers of lanes and deliveries are contiguous within a campaign, which is what
 * range scans and bisecting rely on.
 */

struct audience {
    struct store *store;
    const struct campaign_plan *plan;
    int64_t campaign_id;
    bool has_suppressions;
    sqlite3_stmt *suppressed;
    uint64_t seen, kept;
    /* Of a choice that could not be made. */
    enum err err;
    struct error error;
    /* Step 3. */
    sqlite3_stmt *add_deliveries, *add_lane;
    int64_t first_lane, next_lane, first_delivery, next_delivery;
};

#define PROGRESS_ROWS 16384

/* A key: domain, recipient, and in the last bit whether he is on the suppression list.
 * SQL has KEY_RECIPIENT. */
#define RECIPIENT_BITS 36
#define DOMAIN_BITS    26
#define KEY_RECIPIENT  "((key >> 1) & 0xFFFFFFFFF)"

static int64_t key_of(int64_t domain, int64_t recipient, bool is_suppressed)
{
    return (domain << RECIPIENT_BITS | recipient) << 1 | is_suppressed;
}

static int64_t key_domain(int64_t key)
{
    return key >> (RECIPIENT_BITS + 1);
}

static enum err failed(struct audience *audience, struct error *error)
{
    return db_fail(audience->store, error, "launch");
}

/* ---- 1: who -------------------------------------------------------------------- */

static enum err is_suppressed(struct audience *audience, struct str address,
                              bool *answer)
{
    *answer = false;
    if (!audience->has_suppressions)
        return ERR_NONE;
    int rc = suppression_find(audience->suppressed, address);
    *answer = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_NONE
                                                 : failed(audience, &audience->error);
}

static enum err check_numbers(struct audience *audience, int64_t domain,
                              int64_t recipient)
{
    return domain >> DOMAIN_BITS == 0 && recipient >> RECIPIENT_BITS == 0
               ? ERR_NONE
               : error_set(&audience->error, ERR_LIMIT,
                           "launch: %.*s: recipient %lld, domain %lld: the database "
                           "has had too many; begin a new one",
                           STR_ARG(audience->plan->name), (long long)recipient,
                           (long long)domain);
}

/* audience_key(id, domain, address, record) */
static void choose(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct audience *audience = sqlite3_user_data(context);
    const struct campaign_plan *plan = audience->plan;
    int64_t domain = sqlite3_value_int64(values[1]);
    struct recipient_row row = {.id = sqlite3_value_int64(values[0]),
                                .address = db_argument(values[2]),
                                .record = db_argument(values[3])};
    (void)count;
    row.domain = address_domain(row.address);
    if (++audience->seen % PROGRESS_ROWS == 0 && plan->progress != NULL)
        plan->progress(plan->self, audience->seen);
    if (plan->limit > 0 && audience->kept == plan->limit)
        return;
    if (plan->keep != NULL && !plan->keep(plan->self, &row))
        return;
    audience->kept++;
    bool suppressed;
    audience->err = check_numbers(audience, domain, row.id);
    if (audience->err == ERR_NONE)
        audience->err = is_suppressed(audience, row.address, &suppressed);
    if (audience->err == ERR_NONE)
        sqlite3_result_int64(context, key_of(domain, row.id, suppressed));
    else
        sqlite3_result_error_code(context, SQLITE_ABORT);
}

static enum err sort_audience(struct audience *audience, struct error *error)
{
    const struct campaign_plan *plan = audience->plan;
    sqlite3 *db = audience->store->db;
    if (sqlite3_create_function_v2(db, "audience_key", 4,
                                   SQLITE_UTF8 | SQLITE_DIRECTONLY, audience, choose,
                                   NULL, NULL, NULL) != SQLITE_OK)
        return failed(audience, error);
    /* LIMIT -1 limits nothing, it keeps SQLite from dropping the order: the plan's
     * limit counts those who are chosen, from the first one imported. */
    enum err err = db_run(audience->store, error,
                          "INSERT INTO temp.audience"
                          " SELECT key FROM (SELECT"
                          "  audience_key(r.id, r.domain, r.address, r.record) AS key"
                          "  FROM list_range l CROSS JOIN recipient r"
                          "  WHERE l.list = ?1 AND r.id BETWEEN l.first AND l.last"
                          "  ORDER BY l.first, r.id LIMIT -1)"
                          " WHERE key IS NOT NULL ORDER BY key",
                          "i", plan->list_id);
    if (audience->err != ERR_NONE && error != NULL)
        *error = audience->error;
    (void)sqlite3_create_function_v2(db, "audience_key", 4, SQLITE_UTF8, NULL, NULL,
                                     NULL, NULL, NULL);
    return audience->err != ERR_NONE ? audience->err : err;
}

static enum err note_audience(struct audience *audience, struct error *error)
{
    struct store *store = audience->store;
    int64_t count = 0;
    enum err err = db_integer(store, &count, 0, error,
                              "SELECT EXISTS(SELECT 1 FROM suppression)", "");
    audience->has_suppressions = count > 0;
    if (err == ERR_NONE)
        err = db_exec(store,
                      "CREATE TEMP TABLE audience(key INTEGER);"
                      "CREATE TEMP TABLE run(domain INTEGER, first INTEGER,"
                      " last INTEGER);",
                      error);
    if (err == ERR_NONE)
        err = db_prepare(store, &audience->suppressed, SUPPRESSION_FIND, error);
    if (err == ERR_NONE)
        err = sort_audience(audience, error);
    if (err == ERR_NONE)
        err = db_integer(store, &count, 0, error,
                         "SELECT max(rowid) FROM temp.audience", "");
    if (err == ERR_NONE && count == 0)
        err =
            error_set(error, ERR_DATA,
                      "launch: %.*s: nobody in the list is meant; look at the list and "
                      "at `where`",
                      STR_ARG(audience->plan->name));
    return err;
}

/* ---- 2: runs of a domain ------------------------------------------------------- */

static enum err note_run(struct audience *audience, sqlite3_stmt *note, int64_t domain,
                         int64_t first, int64_t last, struct error *error)
{
    if (last < first)
        return ERR_NONE;
    (void)sqlite3_bind_int64(note, 1, domain);
    (void)sqlite3_bind_int64(note, 2, first);
    (void)sqlite3_bind_int64(note, 3, last);
    int rc = sqlite3_step(note);
    (void)sqlite3_reset(note);
    return rc == SQLITE_DONE ? ERR_NONE : failed(audience, error);
}

static enum err walk_runs(struct audience *audience, sqlite3_stmt *rows,
                          sqlite3_stmt *note, struct error *error)
{
    int64_t domain = 0, first = 1, row = 0;
    enum err err = ERR_NONE;
    int rc;
    while (err == ERR_NONE && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        int64_t next = key_domain(sqlite3_column_int64(rows, 0));
        if (next != domain) {
            err = note_run(audience, note, domain, first, row, error);
            domain = next;
            first = row + 1;
        }
        row++;
    }
    if (err == ERR_NONE && rc != SQLITE_DONE)
        err = failed(audience, error);
    return err == ERR_NONE ? note_run(audience, note, domain, first, row, error) : err;
}

static enum err note_runs(struct audience *audience, struct error *error)
{
    sqlite3_stmt *rows = NULL, *note = NULL;
    enum err err = db_prepare(audience->store, &rows,
                              "SELECT key FROM temp.audience ORDER BY rowid", error);
    if (err == ERR_NONE)
        err = db_prepare(audience->store, &note, "INSERT INTO temp.run VALUES(?, ?, ?)",
                         error);
    if (err == ERR_NONE)
        err = walk_runs(audience, rows, note, error);
    sqlite3_finalize(rows);
    sqlite3_finalize(note);
    return err;
}

/* ---- 3: in which order --------------------------------------------------------- */

static enum err add_lane(struct audience *audience, int64_t domain, int64_t first,
                         int64_t last, struct error *error)
{
    sqlite3_stmt *lane = audience->add_lane, *deliveries = audience->add_deliveries;
    int64_t delivery = audience->next_delivery;
    audience->next_delivery += last - first + 1;
    (void)sqlite3_bind_int64(lane, 1, audience->next_lane);
    (void)sqlite3_bind_int64(lane, 2, audience->campaign_id);
    (void)sqlite3_bind_int64(lane, 3, domain);
    (void)sqlite3_bind_int64(lane, 4, delivery);
    (void)sqlite3_bind_int64(lane, 5, audience->next_delivery - 1);
    int rc = sqlite3_step(lane);
    (void)sqlite3_reset(lane);
    if (rc != SQLITE_DONE)
        return failed(audience, error);
    (void)sqlite3_bind_int64(deliveries, 1, audience->next_lane++);
    (void)sqlite3_bind_int64(deliveries, 2, first);
    (void)sqlite3_bind_int64(deliveries, 3, last);
    rc = sqlite3_step(deliveries);
    (void)sqlite3_reset(deliveries);
    if (rc != SQLITE_DONE)
        return failed(audience, error);
    /* SQLite numbers what it appends, which spares it looking whether the number is
     * taken; in this transaction there is nobody else to take one. */
    if (sqlite3_last_insert_rowid(audience->store->db) != audience->next_delivery - 1)
        return error_set(error, ERR_BUG, "launch: deliveries are not in a row");
    return ERR_NONE;
}

static enum err add_lanes(struct audience *audience, struct error *error)
{
    sqlite3_stmt *runs = NULL;
    enum err err = db_query(audience->store, &runs, error,
                            "SELECT domain, first, last FROM temp.run"
                            " CROSS JOIN main.domain d ON d.id = domain"
                            " ORDER BY last - first DESC, name",
                            "");
    int rc = SQLITE_DONE;
    while (err == ERR_NONE && (rc = sqlite3_step(runs)) == SQLITE_ROW)
        err = add_lane(audience, sqlite3_column_int64(runs, 0),
                       sqlite3_column_int64(runs, 1), sqlite3_column_int64(runs, 2),
                       error);
    if (err == ERR_NONE && rc != SQLITE_DONE)
        err = failed(audience, error);
    sqlite3_finalize(runs);
    return err;
}

static enum err prepare_adding(struct audience *audience, struct error *error)
{
    struct store *store = audience->store;
    enum err err = db_integer(store, &audience->first_lane, 1, error,
                              "SELECT max(id) + 1 FROM lane", "");
    if (err == ERR_NONE)
        err = db_integer(store, &audience->first_delivery, 1, error,
                         "SELECT max(id) + 1 FROM delivery", "");
    if (err == ERR_NONE)
        err =
            db_prepare(store, &audience->add_lane,
                       "INSERT INTO lane VALUES(?1, ?2, ?3, ?4, ?5, ?4, NULL)", error);
    if (err == ERR_NONE)
        err = db_prepare(
            store, &audience->add_deliveries,
            "INSERT INTO delivery SELECT NULL, ?1, " KEY_RECIPIENT ","
            " CASE key & 1 WHEN 0 THEN 'pending' ELSE 'suppressed' END, 0, 0, 0, 0,"
            " " DELIVERY_ROOM " FROM temp.audience WHERE rowid BETWEEN ?2 AND ?3",
            error);
    audience->next_lane = audience->first_lane;
    audience->next_delivery = audience->first_delivery;
    return err;
}

static enum err add_deliveries(struct audience *audience, struct error *error)
{
    enum err err = prepare_adding(audience, error);
    if (err == ERR_NONE)
        err = add_lanes(audience, error);
    if (err == ERR_NONE)
        err = db_run(audience->store, error,
                     "UPDATE campaign SET audience = ?, lane_first = ?, lane_last = ?,"
                     " delivery_first = ?, delivery_last = ? WHERE id = ?",
                     "iiiiii", audience->next_delivery - audience->first_delivery,
                     audience->first_lane, audience->next_lane - 1,
                     audience->first_delivery, audience->next_delivery - 1,
                     audience->campaign_id);
    return err;
}

enum err audience_materialise(struct store *store, const struct campaign_plan *plan,
                              int64_t campaign_id, struct error *error)
{
    struct audience audience = {
        .store = store, .plan = plan, .campaign_id = campaign_id};
    enum err err = note_audience(&audience, error);
    if (err == ERR_NONE)
        err = note_runs(&audience, error);
    if (err == ERR_NONE)
        err = add_deliveries(&audience, error);
    sqlite3_finalize(audience.suppressed);
    sqlite3_finalize(audience.add_lane);
    sqlite3_finalize(audience.add_deliveries);
    /* On failure the rollback drops the temporary tables. */
    if (err == ERR_NONE)
        err = db_exec(store, "DROP TABLE temp.audience; DROP TABLE temp.run;", error);
    return err;
}
