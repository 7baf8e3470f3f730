#include "storage/recovery.h"

#include "core/base/clock.h"
#include "storage/run_owner.h"

enum err recovery_init(struct recovery *recovery, struct store *store,
                       int64_t campaign_id, struct error *error)
{
    *recovery = (struct recovery){.store = store, .campaign_id = campaign_id};
    enum err err = deliveries_range(store, campaign_id, &recovery->deliveries, error);
    return err != ERR_NONE
               ? err
               : report_counts(store, campaign_id, &recovery->counts, error);
}

/* A statement over the campaign's deliveries, with up to two more parameters. */
static enum err over_all(struct recovery *recovery, const char *sql, int64_t third,
                         int64_t fourth, struct error *error)
{
    sqlite3_stmt *statement;
    enum err err = db_query(recovery->store, &statement, error, sql, "ii",
                            recovery->deliveries.first, recovery->deliveries.last);
    if (err != ERR_NONE)
        return err;
    if (sqlite3_bind_parameter_count(statement) > 2)
        (void)sqlite3_bind_int64(statement, 3, third);
    if (sqlite3_bind_parameter_count(statement) > 3)
        (void)sqlite3_bind_int64(statement, 4, fourth);
    if (sqlite3_step(statement) != SQLITE_DONE)
        err = db_fail(recovery->store, error, "recover campaign");
    sqlite3_finalize(statement);
    return err;
}

/* Armed ones get a line of history that says why nobody knows. */
static enum err add_history(struct recovery *recovery, bool retry, struct error *error)
{
    enum err err = over_all(
        recovery,
        retry ? "INSERT INTO attempt(delivery, previous, at_ms, state, stage, code,"
                " enhanced, class, text, peer, remote_id)"
                " SELECT id, last_attempt, ?3, 'deferred', 'dot', 0, '', 'Interrupted',"
                " 'the run ended before the reply was recorded; sent again', 0, ''"
                " FROM delivery WHERE id BETWEEN ?1 AND ?2 AND state = 'armed'"
              : "INSERT INTO attempt(delivery, previous, at_ms, state, stage, code,"
                " enhanced, class, text, peer, remote_id)"
                " SELECT id, last_attempt, ?3, 'in_doubt', 'dot', 0, '', 'Interrupted',"
                " 'the run ended before the reply was recorded', 0, ''"
                " FROM delivery WHERE id BETWEEN ?1 AND ?2 AND state = 'armed'",
        clock_wall_ms(), 0, error);
    recovery->armed = (uint64_t)sqlite3_changes64(recovery->store->db);
    if (err != ERR_NONE || recovery->armed == 0)
        return err;
    int64_t last = sqlite3_last_insert_rowid(recovery->store->db);
    return over_all(recovery,
                    "UPDATE delivery SET attempts = attempts + 1, last_attempt ="
                    " (SELECT id FROM attempt a WHERE a.id BETWEEN ?3 AND ?4"
                    "  AND a.delivery = delivery.id)"
                    " WHERE id BETWEEN ?1 AND ?2 AND state = 'armed'",
                    last - (int64_t)recovery->armed + 1, last, error);
}

static enum err settle_armed(struct recovery *recovery, bool retry, struct error *error)
{
    enum err err = add_history(recovery, retry, error);
    if (err != ERR_NONE || recovery->armed == 0)
        return err;
    if (!retry)
        return over_all(recovery,
                        "UPDATE delivery SET state = 'in_doubt'"
                        " WHERE id BETWEEN ?1 AND ?2 AND state = 'armed'",
                        0, 0, error);
    int64_t now = clock_wall_ms();
    err = over_all(recovery,
                   "UPDATE lane SET due_ms = min(coalesce(due_ms, ?3), ?3)"
                   " WHERE id IN (SELECT lane FROM delivery"
                   "  WHERE id BETWEEN ?1 AND ?2 AND state = 'armed')",
                   now, 0, error);
    return err != ERR_NONE
               ? err
               : over_all(recovery,
                          "UPDATE delivery SET state = 'deferred', next_attempt_ms = ?3"
                          " WHERE id BETWEEN ?1 AND ?2 AND state = 'armed'",
                          now, 0, error);
}

static enum err settle_claimed(struct recovery *recovery, struct error *error)
{
    /* The cursor of a lane stands before its first pending delivery. */
    enum err err = over_all(recovery,
                            "UPDATE lane SET cursor = min(cursor, claimed) FROM"
                            " (SELECT lane AS l, min(id) AS claimed FROM delivery"
                            "  WHERE id BETWEEN ?1 AND ?2 AND state = 'claimed'"
                            "  GROUP BY lane) WHERE l = lane.id",
                            0, 0, error);
    return err != ERR_NONE ? err
                           : over_all(recovery,
                                      "UPDATE delivery SET state = 'pending'"
                                      " WHERE id BETWEEN ?1 AND ?2"
                                      " AND state = 'claimed'",
                                      0, 0, error);
}

static void move_count(struct recovery *recovery, enum delivery_state from,
                       enum delivery_state to)
{
    uint64_t *by_state = recovery->counts.by_state;
    by_state[to] += by_state[from];
    by_state[from] = 0;
}

/* A scan for each step, so only what there is to settle: there is none of it after an
 * orderly end. */
enum err recovery_settle(struct recovery *recovery, bool retry_in_doubt,
                         struct error *error)
{
    const uint64_t *by_state = recovery->counts.by_state;
    enum err err = ERR_NONE;
    if (by_state[DELIVERY_CLAIMED] > 0)
        err = settle_claimed(recovery, error);
    if (err == ERR_NONE && by_state[DELIVERY_ARMED] > 0)
        err = settle_armed(recovery, retry_in_doubt, error);
    move_count(recovery, DELIVERY_CLAIMED, DELIVERY_PENDING);
    move_count(recovery, DELIVERY_ARMED,
               retry_in_doubt ? DELIVERY_DEFERRED : DELIVERY_IN_DOUBT);
    return err;
}

/* By the index of those that are due: what is deferred is looked at and nothing else.
 */
enum err recovery_cap_waits(struct recovery *recovery, int64_t latest_ms,
                            struct error *error)
{
    if (recovery->counts.by_state[DELIVERY_DEFERRED] == 0)
        return ERR_NONE;
    enum err err =
        db_run(recovery->store, error,
               "UPDATE delivery INDEXED BY delivery_due SET next_attempt_ms = ?2"
               " WHERE lane BETWEEN (SELECT lane_first FROM campaign WHERE id = ?1)"
               " AND (SELECT lane_last FROM campaign WHERE id = ?1)"
               " AND next_attempt_ms > 0 AND next_attempt_ms > ?2",
               "ii", recovery->campaign_id, latest_ms);
    return err != ERR_NONE ? err
                           : db_run(recovery->store, error,
                                    "UPDATE lane SET due_ms = ?2 WHERE campaign = ?1"
                                    " AND due_ms IS NOT NULL AND due_ms > ?2",
                                    "ii", recovery->campaign_id, latest_ms);
}

enum err recovery_cancel_rest(struct recovery *recovery, struct error *error)
{
    enum err err =
        over_all(recovery,
                 "UPDATE delivery SET state = 'cancelled', next_attempt_ms = 0"
                 " WHERE id BETWEEN ?1 AND ?2 AND state IN ('pending', 'deferred')",
                 0, 0, error);
    move_count(recovery, DELIVERY_PENDING, DELIVERY_CANCELLED);
    move_count(recovery, DELIVERY_DEFERRED, DELIVERY_CANCELLED);
    return err != ERR_NONE ? err
                           : db_run(recovery->store, error,
                                    "UPDATE lane SET cursor = last + 1, due_ms = NULL"
                                    " WHERE id BETWEEN"
                                    " (SELECT lane_first FROM campaign WHERE id = ?1)"
                                    " AND (SELECT lane_last FROM campaign"
                                    "  WHERE id = ?1)",
                                    "i", recovery->campaign_id);
}

enum err recovery_set_state(struct recovery *recovery, enum campaign_state state,
                            struct error *error)
{
    const char *word =
        campaign_state_word(state == CAMPAIGN_INTERRUPTED ? CAMPAIGN_RUNNING : state);
    bool is_end = state == CAMPAIGN_FINISHED || state == CAMPAIGN_CANCELLED;
    enum err err = db_run(recovery->store, error,
                          "UPDATE campaign SET state = ?, finished_ms = ?, command = ''"
                          " WHERE id = ?",
                          "sii", str_of(word), is_end ? clock_wall_ms() : (int64_t)0,
                          recovery->campaign_id);
    return err != ERR_NONE
               ? err
               : run_owner_resign(recovery->store, recovery->campaign_id, error);
}
