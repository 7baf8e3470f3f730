/*
 * ledger_state.h - inside of ledger_store.h: what its parts share
 *
 * ledger_store.c opens, closes and groups; ledger_claim.c finds and claims work;
 * ledger_record.c arms and records; ledger_suppress.c applies new suppressions.
 *
 * Thread:  the ledger's.
 */
#ifndef BROADSIDE_STORAGE_LEDGER_STATE_H
#define BROADSIDE_STORAGE_LEDGER_STATE_H

#include "storage/ledger_store.h"
#include "storage/peer_numbers.h"
#include "storage/run_owner.h"
#include "storage/suppression_key.h"

/* The columns of an attempt. ?1 to ?6 are those that all of one statement share, each
 * has five of its own behind them. */
#define LEDGER_ATTEMPT  "(NULL, ?7, ?8, ?9, ?1, ?2, ?3, ?4, ?5, ?10, ?6, ?11)"
#define LEDGER_ONE_MORE ", (NULL, ?, ?, ?, ?1, ?2, ?3, ?4, ?5, ?, ?6, ?)"
#define LEDGER_SEVEN_MORE                                                              \
    LEDGER_ONE_MORE LEDGER_ONE_MORE LEDGER_ONE_MORE LEDGER_ONE_MORE LEDGER_ONE_MORE    \
        LEDGER_ONE_MORE LEDGER_ONE_MORE

/* name, SQL: prepared once, used for each delivery. OR FAIL where several rows change:
 * an error rolls the whole group back, so SQLite need not be able to undo the statement
 * alone. */
#define LEDGER_STATEMENT_LIST(X)                                                       \
    X(LEDGER_LANES, "SELECT lane.id, name, last - cursor + 1, due_ms FROM lane"        \
                    " JOIN domain ON domain.id = lane.domain"                          \
                    " WHERE lane.id > ?1 AND lane.id <= ?2 AND cursor <= last"         \
                    " ORDER BY lane.id LIMIT ?3")                                      \
    X(LEDGER_DUE_LANES,                                                                \
      "SELECT lane.id, name, last - cursor + 1, due_ms FROM lane"                      \
      " CROSS JOIN domain ON domain.id = lane.domain"                                  \
      " WHERE campaign = ?1 AND due_ms IS NOT NULL AND due_ms <= ?2 ORDER BY due_ms")  \
    X(LEDGER_NEXT_DUE,                                                                 \
      "SELECT min(due_ms) FROM lane WHERE campaign = ? AND due_ms IS NOT NULL")        \
    X(LEDGER_COUNT_DEFERRED,                                                           \
      "SELECT count(*) FROM delivery WHERE lane = ? AND next_attempt_ms > 0")          \
    X(LEDGER_LANE, "SELECT cursor, last, due_ms FROM lane WHERE id = ?")               \
    X(LEDGER_CLAIM_DUE,                                                                \
      "SELECT d.id, recipient, attempts, last_attempt, first_armed_ms, address,"       \
      " record FROM delivery d INDEXED BY delivery_due"                                \
      " CROSS JOIN recipient r ON r.id = d.recipient"                                  \
      " WHERE d.lane = ?1 AND next_attempt_ms > 0 AND next_attempt_ms <= ?2"           \
      " ORDER BY next_attempt_ms LIMIT ?3")                                            \
    X(LEDGER_CLAIM_NEW,                                                                \
      "SELECT d.id, recipient, attempts, last_attempt, first_armed_ms, address,"       \
      " record FROM delivery d CROSS JOIN recipient r ON r.id = d.recipient"           \
      " WHERE d.id BETWEEN ?1 AND ?2 AND state = 'pending' LIMIT ?3")                  \
    X(LEDGER_SET_CLAIMED, "UPDATE delivery SET state = 'claimed', next_attempt_ms = 0" \
                          " WHERE id = ?")                                             \
    X(LEDGER_SET_CLAIMED_RANGE, "UPDATE OR FAIL delivery SET state = 'claimed'"        \
                                " WHERE id BETWEEN ? AND ? AND state = 'pending'")     \
    X(LEDGER_SET_CURSOR, "UPDATE lane SET cursor = ?2 WHERE id = ?1")                  \
    X(LEDGER_LOWER_CURSOR,                                                             \
      "UPDATE lane SET cursor = ?2 WHERE id = ?1 AND cursor > ?2")                     \
    X(LEDGER_REFRESH_DUE,                                                              \
      "UPDATE lane SET due_ms = (SELECT min(next_attempt_ms) FROM delivery"            \
      " INDEXED BY delivery_due WHERE lane = ?1 AND next_attempt_ms > 0)"              \
      " WHERE id = ?1")                                                                \
    X(LEDGER_LOWER_DUE, "UPDATE lane SET due_ms = ?2"                                  \
                        " WHERE id = ?1 AND (due_ms IS NULL OR due_ms > ?2)")          \
    X(LEDGER_ARM,                                                                      \
      "UPDATE OR FAIL delivery SET state = 'armed', room = ?4, first_armed_ms ="       \
      " CASE first_armed_ms WHEN 0 THEN ?3 ELSE first_armed_ms END"                    \
      " WHERE id BETWEEN ?1 AND ?2 AND state = 'claimed'")                             \
    X(LEDGER_ARMED_AMONG, "SELECT id FROM delivery"                                    \
                          " WHERE id BETWEEN ?1 AND ?2 AND state = 'armed'")           \
    X(LEDGER_UNCLAIM, "UPDATE delivery SET state = 'pending'"                          \
                      " WHERE id = ? AND state IN ('claimed', 'armed')")               \
    X(LEDGER_ADD_ATTEMPT, "INSERT INTO attempt VALUES" LEDGER_ATTEMPT)                 \
    X(LEDGER_ADD_EIGHT,                                                                \
      "INSERT OR FAIL INTO attempt VALUES" LEDGER_ATTEMPT LEDGER_SEVEN_MORE)           \
    X(LEDGER_SET_OUTCOME,                                                              \
      "UPDATE OR FAIL delivery SET state = ?3, attempts = attempts + ?4,"              \
      " last_attempt = id + ?5, room = ?6"                                             \
      " WHERE id BETWEEN ?1 AND ?2 AND state IN ('armed', 'claimed')")                 \
    X(LEDGER_SET_NEXT_ATTEMPT,                                                         \
      "UPDATE delivery SET next_attempt_ms = ?2 WHERE id = ?1")                        \
    X(LEDGER_ADDRESS_OF,                                                               \
      "SELECT address FROM delivery JOIN recipient r ON r.id = recipient"              \
      " WHERE delivery.id = ?")                                                        \
    X(LEDGER_IS_SUPPRESSED, SUPPRESSION_FIND)                                          \
    X(LEDGER_COMMAND, "SELECT command FROM campaign WHERE id = ?")                     \
    X(LEDGER_DATA_VERSION, "PRAGMA data_version")

enum ledger_statement {
#define LEDGER_STATEMENT_ENUM(name, sql) name,
    LEDGER_STATEMENT_LIST(LEDGER_STATEMENT_ENUM)
#undef LEDGER_STATEMENT_ENUM
        LEDGER_STATEMENT_COUNT
};

/* "65535.65535.65535" */
#define ENHANCED_TEXT_MAX 17

/* What an attempt shares with most others, as a statement has it bound; without the
 * strings. */
struct verdict {
    struct outcome outcome;
    char enhanced[ENHANCED_TEXT_MAX];
};

struct ledger_store {
    struct store *store;
    struct run_owner owner;
    int64_t campaign_id, list_id;
    bool retry_in_doubt;
    int64_t lane_first, lane_last;
    char name[CAMPAIGN_NAME_MAX + 1];
    sqlite3_stmt *statements[LEDGER_STATEMENT_COUNT];
    struct peer_numbers peers;
    /* By LEDGER_ADD_ATTEMPT and LEDGER_ADD_EIGHT. */
    struct verdict bound_one, bound_eight;
    bool is_in_group;
    /* When it was opened. */
    struct delivery_counts found;
    /* Deliveries in no terminal state, group included. */
    uint64_t unfinished;
    /* The last suppression applied, and what SQLite says changes when others write. */
    int64_t suppression_sequence, data_version;
    /* Of the last call that failed. */
    struct error error;
};

/* The first write of a group begins it, and checks that the campaign is still ours. */
MUST_CHECK enum err ledger_begin(struct ledger_store *ledger);
/* Keeps what SQLite says as the ledger's error and rolls the group back. */
enum err ledger_failed(struct ledger_store *ledger);
/* The same where ledger->error is set already; returns err. */
enum err ledger_abandon(struct ledger_store *ledger, enum err err);
/* Runs one of the statements that yield no rows, with up to two integers. */
MUST_CHECK enum err ledger_run(struct ledger_store *ledger, enum ledger_statement which,
                               int64_t first, int64_t second);
/* Inside a group: suppressions that others added become final states. */
MUST_CHECK enum err ledger_apply_suppressions(struct ledger_store *ledger);
/* Claimed ones that were armed before and are on the list by now: the same. They stay
 * jobs, and are not granted when they are to be armed. */
MUST_CHECK enum err ledger_suppress_claimed(struct ledger_store *ledger,
                                            const struct job *jobs, size_t count);

enum err ledger_lanes(void *self, int64_t after, struct lane_batch *batch);
enum err ledger_due_lanes(void *self, int64_t now_ms,
                          bool (*skip)(void *skip_self, int64_t lane_id),
                          void *skip_self, struct lane_batch *batch);
enum err ledger_next_due(void *self, int64_t *due_ms);
enum err ledger_claim(void *self, int64_t lane_id, int64_t now_ms, size_t max,
                      struct job_batch *batch);
enum err ledger_arm(void *self, struct arm_item *items, size_t count);
enum err ledger_record(void *self, const struct attempt_record *records, size_t count);

#endif
