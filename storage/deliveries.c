#include "storage/deliveries.h"

enum err deliveries_range(struct store *store, int64_t campaign_id,
                          struct delivery_range *range, struct error *error)
{
    *range = (struct delivery_range){0, -1};
    sqlite3_stmt *row;
    enum err err = db_query(store, &row, error,
                            "SELECT delivery_first, delivery_last FROM campaign"
                            " WHERE id = ?",
                            "i", campaign_id);
    if (err != ERR_NONE)
        return err;
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW)
        *range = (struct delivery_range){sqlite3_column_int64(row, 0),
                                         sqlite3_column_int64(row, 1)};
    else if (rc != SQLITE_DONE)
        err = db_fail(store, error, "find deliveries");
    sqlite3_finalize(row);
    return err;
}

enum err deliveries_lane(struct store *store, int64_t campaign_id, struct str domain,
                         struct lane_range *lane, struct error *error)
{
    *lane = (struct lane_range){0};
    sqlite3_stmt *row;
    enum err err = db_query(store, &row, error,
                            "SELECT lane.id, first, last FROM domain"
                            " CROSS JOIN lane ON lane.domain = domain.id"
                            " WHERE name = ? AND campaign = ?",
                            "si", domain, campaign_id);
    if (err != ERR_NONE)
        return err;
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW)
        *lane = (struct lane_range){.id = sqlite3_column_int64(row, 0),
                                    .first = sqlite3_column_int64(row, 1),
                                    .last = sqlite3_column_int64(row, 2)};
    else if (rc != SQLITE_DONE)
        err = db_fail(store, error, "find delivery");
    sqlite3_finalize(row);
    return err;
}

/* Within a lane the recipients ascend, so it is bisected: no index of recipients. */
enum err deliveries_find(struct store *store, const struct lane_range *lane,
                         int64_t recipient, int64_t *delivery, struct error *error)
{
    *delivery = 0;
    sqlite3_stmt *row;
    enum err err =
        db_query(store, &row, error, "SELECT recipient FROM delivery WHERE id = ?", "");
    if (err != ERR_NONE)
        return err;
    int64_t low = lane->first, high = lane->last;
    while (err == ERR_NONE && *delivery == 0 && low <= high) {
        int64_t middle = low + (high - low) / 2;
        (void)sqlite3_bind_int64(row, 1, middle);
        if (sqlite3_step(row) != SQLITE_ROW) {
            err = db_fail(store, error, "find delivery");
        } else {
            int64_t there = sqlite3_column_int64(row, 0);
            if (there == recipient)
                *delivery = middle;
            low = there < recipient ? middle + 1 : low;
            high = there > recipient ? middle - 1 : high;
        }
        (void)sqlite3_reset(row);
    }
    sqlite3_finalize(row);
    return err;
}
