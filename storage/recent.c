#include "storage/recent.h"

#include "storage/database.h"

enum err recent_attempts(struct store *store, int64_t campaign_id, int64_t since_ms,
                         int64_t max,
                         void (*each)(void *self, const struct recent_attempt *attempt),
                         void *self, struct error *error)
{
    sqlite3_stmt *statement;
    int code;
    /* The inner query is what bounds the work: nothing else looks at attempts. */
    enum err err = db_query(
        store, &statement, error,
        "SELECT recent.at_ms, lane.campaign, domain.name FROM"
        " (SELECT id, delivery, at_ms FROM attempt ORDER BY id DESC LIMIT ?) AS recent"
        " CROSS JOIN delivery ON delivery.id = recent.delivery"
        " CROSS JOIN lane ON lane.id = delivery.lane"
        " CROSS JOIN domain ON domain.id = lane.domain",
        "i", max);
    if (err != ERR_NONE)
        return err;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct recent_attempt attempt = {
            .domain = db_text(statement, 2),
            .at_ms = sqlite3_column_int64(statement, 0),
        };
        if (attempt.at_ms < since_ms)
            break;
        if (sqlite3_column_int64(statement, 1) == campaign_id)
            each(self, &attempt);
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        err = db_fail(store, error, "read recent attempts");
    (void)sqlite3_finalize(statement);
    return err;
}
