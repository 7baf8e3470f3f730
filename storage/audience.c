#include "storage/audience.h"

#include "storage/suppression_key.h"

/*
 * Three steps, each constant in memory:
 *   1. Walk the list, keep whom `where` keeps, look each up in the suppressions, and
 *      note (domain, recipient, suppressed) in a temporary table.
 *   2. Rank the domains by size. The largest first: it decides how long the campaign
 *      takes, so it must not start last.
 *   3. Read the notes sorted by (rank, recipient) and append the deliveries; where the
 *      rank changes a lane ends.
 * The numbers of lanes and deliveries are contiguous within a campaign, which is what
 * range scans and bisecting rely on.
 */

struct audience {
    struct store *store;
    const struct campaign_plan *plan;
    int64_t campaign_id;
    bool has_suppressions;
    sqlite3_stmt *note, *suppressed;
    uint64_t seen, kept;
    /* Step 3. */
    sqlite3_stmt *add_delivery, *add_lane;
    int64_t first_lane, next_lane, first_delivery, next_delivery;
    int64_t lane_domain, lane_first;
};

#define PROGRESS_ROWS 16384

static enum err failed(struct audience *audience, struct error *error)
{
    return db_fail(audience->store, error, "launch");
}

/* ---- 1: who -------------------------------------------------------------------- */

static enum err is_suppressed(struct audience *audience, struct str address,
                              bool *answer, struct error *error)
{
    *answer = false;
    if (!audience->has_suppressions || address.n > SUPPRESSION_KEY_MAX)
        return ERR_NONE;
    char to[SUPPRESSION_KEY_MAX];
    struct str key = suppression_fold(address, to);
    sqlite3_stmt *find = audience->suppressed;
    (void)db_bind_text(find, 1, key);
    (void)db_bind_text(find, 2, suppression_domain_key(key));
    int rc = sqlite3_step(find);
    (void)sqlite3_reset(find);
    *answer = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_NONE : failed(audience, error);
}

static enum err note_row(struct audience *audience, const struct recipient_row *row,
                         int64_t domain, struct error *error)
{
    bool suppressed;
    enum err err = is_suppressed(audience, row->address, &suppressed, error);
    if (err != ERR_NONE)
        return err;
    (void)sqlite3_bind_int64(audience->note, 1, domain);
    (void)sqlite3_bind_int64(audience->note, 2, row->id);
    (void)sqlite3_bind_int64(audience->note, 3, suppressed);
    int rc = sqlite3_step(audience->note);
    (void)sqlite3_reset(audience->note);
    audience->kept++;
    return rc == SQLITE_DONE ? ERR_NONE : failed(audience, error);
}

static enum err note_rows(struct audience *audience, sqlite3_stmt *rows,
                          struct error *error)
{
    const struct campaign_plan *plan = audience->plan;
    int rc = SQLITE_DONE;
    while ((plan->limit == 0 || audience->seen < plan->limit) &&
           (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        struct recipient_row row = {.id = sqlite3_column_int64(rows, 0),
                                    .address = db_text(rows, 2),
                                    .domain = db_text(rows, 3),
                                    .record = db_text(rows, 4)};
        if (++audience->seen % PROGRESS_ROWS == 0 && plan->progress != NULL)
            plan->progress(plan->self, audience->seen);
        if (plan->keep != NULL && !plan->keep(plan->self, &row))
            continue;
        enum err err = note_row(audience, &row, sqlite3_column_int64(rows, 1), error);
        if (err != ERR_NONE)
            return err;
    }
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_NONE : failed(audience, error);
}

static enum err note_audience(struct audience *audience, struct error *error)
{
    struct store *store = audience->store;
    int64_t count;
    enum err err = db_integer(store, &count, 0, error,
                              "SELECT EXISTS(SELECT 1 FROM suppression)", "");
    audience->has_suppressions = count > 0;
    if (err == ERR_NONE)
        err = db_exec(store,
                      "CREATE TEMP TABLE audience(domain INTEGER, recipient INTEGER,"
                      " suppressed INTEGER);"
                      "CREATE TEMP TABLE lane_rank(rank INTEGER PRIMARY KEY,"
                      " domain INTEGER UNIQUE);",
                      error);
    if (err == ERR_NONE)
        err = db_prepare(store, &audience->note,
                         "INSERT INTO temp.audience VALUES(?, ?, ?)", error);
    if (err == ERR_NONE)
        err = db_prepare(store, &audience->suppressed,
                         "SELECT 1 FROM suppression WHERE address IN (?, ?)", error);
    sqlite3_stmt *rows = NULL;
    if (err == ERR_NONE)
        err = db_query(store, &rows, error,
                       "SELECT r.id, r.domain, r.address, d.name, r.record"
                       " FROM list_range l CROSS JOIN recipient r CROSS JOIN domain d"
                       " WHERE l.list = ? AND r.id BETWEEN l.first AND l.last"
                       " AND d.id = r.domain ORDER BY l.first, r.id",
                       "i", audience->plan->list_id);
    if (err == ERR_NONE)
        err = note_rows(audience, rows, error);
    sqlite3_finalize(rows);
    if (err == ERR_NONE && audience->kept == 0)
        err =
            error_set(error, ERR_DATA,
                      "launch %.*s: nobody in the list is meant; look at the list and "
                      "at `where`",
                      STR_ARG(audience->plan->name));
    return err;
}

/* ---- 2 and 3: in which order --------------------------------------------------- */

static enum err end_lane(struct audience *audience, struct error *error)
{
    if (audience->lane_domain == 0)
        return ERR_NONE;
    sqlite3_stmt *add = audience->add_lane;
    (void)sqlite3_bind_int64(add, 1, audience->next_lane);
    (void)sqlite3_bind_int64(add, 2, audience->campaign_id);
    (void)sqlite3_bind_int64(add, 3, audience->lane_domain);
    (void)sqlite3_bind_int64(add, 4, audience->lane_first);
    (void)sqlite3_bind_int64(add, 5, audience->next_delivery - 1);
    int rc = sqlite3_step(add);
    (void)sqlite3_reset(add);
    audience->next_lane++;
    return rc == SQLITE_DONE ? ERR_NONE : failed(audience, error);
}

static enum err add_delivery(struct audience *audience, int64_t recipient,
                             bool suppressed, struct error *error)
{
    sqlite3_stmt *add = audience->add_delivery;
    (void)sqlite3_bind_int64(add, 1, audience->next_delivery++);
    (void)sqlite3_bind_int64(add, 2, audience->next_lane);
    (void)sqlite3_bind_int64(add, 3, recipient);
    (void)db_bind_text(add, 4, suppressed ? STR("suppressed") : STR("pending"));
    int rc = sqlite3_step(add);
    (void)sqlite3_reset(add);
    return rc == SQLITE_DONE ? ERR_NONE : failed(audience, error);
}

static enum err add_rows(struct audience *audience, sqlite3_stmt *rows,
                         struct error *error)
{
    int rc;
    enum err err = ERR_NONE;
    while (err == ERR_NONE && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        int64_t domain = sqlite3_column_int64(rows, 0);
        if (domain != audience->lane_domain) {
            err = end_lane(audience, error);
            audience->lane_domain = domain;
            audience->lane_first = audience->next_delivery;
        }
        if (err == ERR_NONE)
            err = add_delivery(audience, sqlite3_column_int64(rows, 1),
                               sqlite3_column_int(rows, 2) != 0, error);
    }
    if (err == ERR_NONE && rc != SQLITE_DONE)
        err = failed(audience, error);
    return err == ERR_NONE ? end_lane(audience, error) : err;
}

static enum err prepare_adding(struct audience *audience, struct error *error)
{
    struct store *store = audience->store;
    enum err err = db_exec(store,
                           "INSERT INTO temp.lane_rank(domain) SELECT domain FROM"
                           " (SELECT domain, count(*) AS n FROM temp.audience"
                           "  GROUP BY domain)"
                           " JOIN main.domain d ON d.id = domain ORDER BY n DESC, name",
                           error);
    if (err == ERR_NONE)
        err = db_integer(store, &audience->first_lane, 1, error,
                         "SELECT max(id) + 1 FROM lane", "");
    if (err == ERR_NONE)
        err = db_integer(store, &audience->first_delivery, 1, error,
                         "SELECT max(id) + 1 FROM delivery", "");
    if (err == ERR_NONE)
        err =
            db_prepare(store, &audience->add_lane,
                       "INSERT INTO lane VALUES(?1, ?2, ?3, ?4, ?5, ?4, NULL)", error);
    if (err == ERR_NONE)
        err = db_prepare(store, &audience->add_delivery,
                         "INSERT INTO delivery VALUES(?, ?, ?, ?, 0, 0, 0, 0)", error);
    audience->next_lane = audience->first_lane;
    audience->next_delivery = audience->first_delivery;
    return err;
}

static enum err add_deliveries(struct audience *audience, struct error *error)
{
    enum err err = prepare_adding(audience, error);
    sqlite3_stmt *rows = NULL;
    if (err == ERR_NONE)
        err = db_query(audience->store, &rows, error,
                       "SELECT a.domain, recipient, suppressed FROM temp.audience a"
                       " CROSS JOIN temp.lane_rank r ON r.domain = a.domain"
                       " ORDER BY r.rank, recipient",
                       "");
    if (err == ERR_NONE)
        err = add_rows(audience, rows, error);
    sqlite3_finalize(rows);
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
        err = add_deliveries(&audience, error);
    sqlite3_finalize(audience.note);
    sqlite3_finalize(audience.suppressed);
    sqlite3_finalize(audience.add_lane);
    sqlite3_finalize(audience.add_delivery);
    /* On failure the rollback drops the temporary tables. */
    if (err == ERR_NONE)
        err = db_exec(store, "DROP TABLE temp.audience; DROP TABLE temp.lane_rank;",
                      error);
    return err;
}
