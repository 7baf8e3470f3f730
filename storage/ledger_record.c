#include "storage/ledger_state.h"

#include "storage/suppression_key.h"

#include <stdio.h>

/*
 * Terminal states never revert: every update names the states it may start from, and
 * an outcome of something that was sent must find its delivery armed or claimed.
 */

/* ---- arming -------------------------------------------------------------------- */

enum err ledger_arm(void *self, struct arm_item *items, size_t count)
{
    struct ledger_store *ledger = self;
    enum err err = ledger_begin(ledger);
    sqlite3 *db = ledger->store->db;
    for (size_t i = 0; err == ERR_NONE && i < count; i++) {
        err = ledger_run(ledger, LEDGER_ARM, items[i].delivery_id, items[i].at_ms);
        items[i].granted = err == ERR_NONE && sqlite3_changes(db) == 1;
    }
    return err;
}

/* ---- outcomes ------------------------------------------------------------------ */

static bool is_terminal(enum outcome_state state)
{
    return state != OUTCOME_DEFERRED && state != OUTCOME_UNSENT;
}

/* Something left, or a server answered about it: that must never get lost. */
static bool was_tried(enum outcome_state state)
{
    return state == OUTCOME_DELIVERED || state == OUTCOME_DEFERRED ||
           state == OUTCOME_FAILED || state == OUTCOME_IN_DOUBT;
}

static enum err give_back(struct ledger_store *ledger,
                          const struct attempt_record *record)
{
    enum err err = ledger_run(ledger, LEDGER_UNCLAIM, record->delivery_id, 0);
    if (err != ERR_NONE || sqlite3_changes(ledger->store->db) == 0)
        return err;
    return ledger_run(ledger, LEDGER_LOWER_CURSOR, record->lane_id,
                      record->delivery_id);
}

static char *put_number(char *to, unsigned n)
{
    char digits[8];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    while (count > 0)
        *to++ = digits[--count];
    return to;
}

/* One for each message: snprintf would be a tenth of what recording costs. */
static struct str enhanced_text(const uint16_t enhanced[3], char to[24])
{
    if (enhanced[0] == 0)
        return STR("");
    char *end = put_number(to, enhanced[0]);
    for (int i = 1; i < 3; i++) {
        *end++ = '.';
        end = put_number(end, enhanced[i]);
    }
    return str_slice(to, (size_t)(end - to));
}

static struct str not_null(struct str s)
{
    return s.p != NULL ? s : STR("");
}

static enum err add_attempt(struct ledger_store *ledger,
                            const struct attempt_record *record, int64_t peer)
{
    const struct outcome *outcome = &record->outcome;
    sqlite3_stmt *add = ledger->statements[LEDGER_ADD_ATTEMPT];
    char enhanced[24];
    (void)sqlite3_bind_int64(add, 1, ledger->next_attempt);
    (void)sqlite3_bind_int64(add, 2, record->delivery_id);
    (void)sqlite3_bind_int64(add, 3, record->at_ms);
    (void)db_bind_text(add, 4, str_of(outcome_state_word(outcome->state)));
    (void)db_bind_text(add, 5, str_of(smtp_stage_word(outcome->stage)));
    (void)sqlite3_bind_int64(add, 6, outcome->code);
    (void)db_bind_text(add, 7, enhanced_text(outcome->enhanced, enhanced));
    (void)db_bind_text(add, 8, str_of(outcome->class_word));
    (void)db_bind_text(add, 9, str_head(not_null(outcome->text), OUTCOME_TEXT_MAX));
    (void)sqlite3_bind_int64(add, 10, peer);
    (void)db_bind_text(add, 11, not_null(outcome->remote_id));
    int rc = sqlite3_step(add);
    (void)sqlite3_reset(add);
    return rc == SQLITE_DONE ? ERR_NONE : ledger_failed(ledger);
}

/* Whether the delivery was ours to finish goes to *done. */
static enum err set_outcome(struct ledger_store *ledger,
                            const struct attempt_record *record, bool *done)
{
    enum outcome_state state = record->outcome.state;
    sqlite3_stmt *set = ledger->statements[LEDGER_SET_OUTCOME];
    (void)sqlite3_bind_int64(set, 1, record->delivery_id);
    (void)db_bind_text(set, 2, str_of(outcome_state_word(state)));
    (void)sqlite3_bind_int64(set, 3, record->charged);
    (void)sqlite3_bind_int64(set, 4, ledger->next_attempt);
    int rc = sqlite3_step(set);
    *done = rc == SQLITE_DONE && sqlite3_changes(ledger->store->db) == 1;
    (void)sqlite3_reset(set);
    if (rc != SQLITE_DONE)
        return ledger_failed(ledger);
    return ERR_NONE;
}

/* A time of its own, greater than 0, is what makes a delivery a deferred one for the
 * index that finds those that are due. */
static enum err set_next_attempt(struct ledger_store *ledger,
                                 const struct attempt_record *record)
{
    int64_t at_ms = record->next_attempt_ms > 0 ? record->next_attempt_ms : 1;
    enum err err =
        ledger_run(ledger, LEDGER_SET_NEXT_ATTEMPT, record->delivery_id, at_ms);
    return err == ERR_NONE
               ? ledger_run(ledger, LEDGER_LOWER_DUE, record->lane_id, at_ms)
               : err;
}

/* The address goes on the suppression list; our own additions need not be applied to
 * this campaign again. */
static enum err add_suppression(struct ledger_store *ledger,
                                const struct attempt_record *record)
{
    sqlite3_stmt *row = ledger->statements[LEDGER_ADDRESS_OF];
    char to[SUPPRESSION_KEY_MAX];
    struct str address = STR("");
    (void)sqlite3_bind_int64(row, 1, record->delivery_id);
    if (sqlite3_step(row) == SQLITE_ROW)
        address = str_head(db_text(row, 0), SUPPRESSION_KEY_MAX);
    address = suppression_fold(address, to);
    (void)sqlite3_reset(row);
    char enhanced[24], note[640];
    struct str status = enhanced_text(record->outcome.enhanced, enhanced);
    snprintf(note, sizeof note, "%u %.*s%s%.*s", record->outcome.code, STR_ARG(status),
             status.n > 0 ? " " : "",
             STR_ARG(str_head(record->outcome.text, OUTCOME_TEXT_MAX)));
    enum err err = db_run(ledger->store, &ledger->error,
                          "INSERT OR IGNORE INTO suppression(address, cause, source,"
                          " campaign, at_ms, note) VALUES(?, 'bounce', ?, ?, ?, ?)",
                          "sssis", address, str_of(record->outcome.class_word),
                          str_of(ledger->name), record->at_ms, str_of(note));
    return err == ERR_NONE ? ERR_NONE : ledger_abandon(ledger, err);
}

static enum err not_armed(struct ledger_store *ledger,
                          const struct attempt_record *record)
{
    return ledger_abandon(
        ledger, error_set(&ledger->error, ERR_BUG,
                          "ledger: delivery %lld: %s, but it was neither claimed nor "
                          "armed",
                          (long long)record->delivery_id,
                          outcome_state_word(record->outcome.state)));
}

static enum err record_outcome(struct ledger_store *ledger,
                               const struct attempt_record *record)
{
    const struct outcome *outcome = &record->outcome;
    int64_t peer;
    bool done;
    enum err err = peer_numbers_get(&ledger->peers, record->host, record->peer,
                                    record->tls, &peer, &ledger->error);
    if (err != ERR_NONE)
        return ledger_abandon(ledger, err);
    /* The history first: it reads which attempt was the last one. */
    err = add_attempt(ledger, record, peer);
    if (err == ERR_NONE)
        err = set_outcome(ledger, record, &done);
    if (err != ERR_NONE)
        return err;
    if (!done && was_tried(outcome->state))
        return not_armed(ledger, record);
    ledger->next_attempt++;
    if (done && is_terminal(outcome->state))
        ledger->unfinished--;
    if (outcome->state == OUTCOME_DEFERRED)
        err = set_next_attempt(ledger, record);
    if (err == ERR_NONE && outcome->suppress)
        err = add_suppression(ledger, record);
    return err;
}

enum err ledger_record(void *self, const struct attempt_record *records, size_t count)
{
    struct ledger_store *ledger = self;
    enum err err = ledger_begin(ledger);
    for (size_t i = 0; err == ERR_NONE && i < count; i++)
        err = records[i].outcome.state == OUTCOME_UNSENT
                  ? give_back(ledger, &records[i])
                  : record_outcome(ledger, &records[i]);
    return err;
}
