#include "storage/deliveries.h"
#include "storage/ledger_state.h"

#include <stdio.h>

/*
 * Terminal states never revert: every update names the states it may start from, and
 * an outcome of something that was sent must find its delivery armed or claimed.
 *
 * A domain's messages go out some in a row, so what is armed and recorded together lies
 * together: one update for each run of neighbours costs little more than half of one
 * for each row.
 */

/* ---- arming -------------------------------------------------------------------- */

static size_t arm_run(const struct arm_item *items, size_t count)
{
    size_t n = 1;
    while (n < count && items[n].delivery_id == items[n - 1].delivery_id + 1 &&
           items[n].at_ms == items[0].at_ms)
        n++;
    return n;
}

/* Some of a run were not claimed any more: which ones were armed. */
static enum err grant_armed(struct ledger_store *ledger, struct arm_item *run, size_t n,
                            int changes)
{
    sqlite3_stmt *rows = ledger->statements[LEDGER_ARMED_AMONG];
    (void)sqlite3_bind_int64(rows, 1, run[0].delivery_id);
    (void)sqlite3_bind_int64(rows, 2, run[n - 1].delivery_id);
    int rc;
    for (; (rc = sqlite3_step(rows)) == SQLITE_ROW; changes--)
        run[sqlite3_column_int64(rows, 0) - run[0].delivery_id].granted = true;
    (void)sqlite3_reset(rows);
    if (rc != SQLITE_DONE)
        return ledger_failed(ledger);
    if (changes == 0)
        return ERR_NONE;
    return ledger_abandon(ledger, error_set(&ledger->error, ERR_BUG,
                                            "ledger: deliveries %lld to %lld: one "
                                            "was armed before",
                                            (long long)run[0].delivery_id,
                                            (long long)run[n - 1].delivery_id));
}

static enum err arm(struct ledger_store *ledger, struct arm_item *run, size_t n)
{
    sqlite3_stmt *set = ledger->statements[LEDGER_ARM];
    (void)sqlite3_bind_int64(set, 1, run[0].delivery_id);
    (void)sqlite3_bind_int64(set, 2, run[n - 1].delivery_id);
    (void)sqlite3_bind_int64(set, 3, run[0].at_ms);
    (void)sqlite3_bind_zeroblob(set, 4, DELIVERY_ROOM_ARMED);
    int rc = sqlite3_step(set);
    (void)sqlite3_reset(set);
    if (rc != SQLITE_DONE)
        return ledger_failed(ledger);
    int changes = sqlite3_changes(ledger->store->db);
    for (size_t i = 0; i < n; i++)
        run[i].granted = changes == (int)n;
    return changes == 0 || changes == (int)n ? ERR_NONE
                                             : grant_armed(ledger, run, n, changes);
}

enum err ledger_arm(void *self, struct arm_item *items, size_t count)
{
    struct ledger_store *ledger = self;
    enum err err = ledger_begin(ledger);
    for (size_t at = 0, n; err == ERR_NONE && at < count; at += n) {
        n = arm_run(&items[at], count - at);
        err = arm(ledger, &items[at], n);
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

/* One for each message: snprintf would be a tenth of what recording costs. */
static struct str enhanced_text(const uint16_t enhanced[3], char to[ENHANCED_TEXT_MAX])
{
    size_t n = 0;
    for (size_t i = 0; enhanced[0] != 0 && i < 3; i++) {
        char digits[STR_U64_MAX];
        struct str number = str_of_u64(enhanced[i], digits);
        if (i > 0)
            to[n++] = '.';
        memcpy(to + n, number.p, number.n);
        n += number.n;
    }
    return str_slice(to, n);
}

static bool is_verdict_same(const struct outcome *a, const struct outcome *b)
{
    return a->state == b->state && a->stage == b->stage && a->code == b->code &&
           a->class_word == b->class_word &&
           memcmp(a->enhanced, b->enhanced, sizeof a->enhanced) == 0;
}

/* Parameters stay bound from one execution to the next. */
static void bind_verdict(sqlite3_stmt *add, struct verdict *bound,
                         const struct outcome *outcome)
{
    if (is_verdict_same(&bound->outcome, outcome))
        return;
    bound->outcome = *outcome;
    (void)db_bind_text(add, 1, str_of(outcome_state_word(outcome->state)));
    (void)db_bind_text(add, 2, str_of(smtp_stage_word(outcome->stage)));
    (void)sqlite3_bind_int64(add, 3, outcome->code);
    (void)db_bind_text(add, 4, enhanced_text(outcome->enhanced, bound->enhanced));
    (void)db_bind_text(add, 5, str_of(outcome->class_word));
}

static void bind_attempt(sqlite3_stmt *add, int first,
                         const struct attempt_record *record)
{
    const struct outcome *outcome = &record->outcome;
    struct str text = str_head(str_or_empty(outcome->text), OUTCOME_TEXT_MAX);
    (void)sqlite3_bind_int64(add, first, record->delivery_id);
    (void)sqlite3_bind_int64(add, first + 1, record->last_attempt);
    (void)sqlite3_bind_int64(add, first + 2, record->at_ms);
    (void)db_bind_text(add, first + 3, text);
    (void)db_bind_text(add, first + 4, str_or_empty(outcome->remote_id));
}

/* Eight that share the rest go into one statement, for three quarters of the price. */
#define ATTEMPTS_AT_ONCE 8

static size_t alike_run(const struct attempt_record *const *records, size_t count)
{
    const struct attempt_record *first = records[0];
    size_t n = 1;
    while (n < count && n < ATTEMPTS_AT_ONCE &&
           is_verdict_same(&records[n]->outcome, &first->outcome) &&
           str_equal(records[n]->host, first->host) &&
           str_equal(records[n]->peer, first->peer) &&
           str_equal(records[n]->tls, first->tls))
        n++;
    return n;
}

static enum err add_alike(struct ledger_store *ledger,
                          const struct attempt_record *const *run, size_t n)
{
    struct peer peer = {run[0]->host, run[0]->peer, run[0]->tls};
    int64_t number;
    enum err err = peer_numbers_get(&ledger->peers, peer, &number, &ledger->error);
    if (err != ERR_NONE)
        return ledger_abandon(ledger, err);
    sqlite3_stmt *add =
        ledger->statements[n == 1 ? LEDGER_ADD_ATTEMPT : LEDGER_ADD_EIGHT];
    bind_verdict(add, n == 1 ? &ledger->bound_one : &ledger->bound_eight,
                 &run[0]->outcome);
    (void)sqlite3_bind_int64(add, 6, number);
    for (size_t i = 0; i < n; i++)
        bind_attempt(add, 7 + 5 * (int)i, run[i]);
    int rc = sqlite3_step(add);
    (void)sqlite3_reset(add);
    return rc == SQLITE_DONE ? ERR_NONE : ledger_failed(ledger);
}

/* Numbered in a row up to *last. */
static enum err add_attempts(struct ledger_store *ledger,
                             const struct attempt_record *const *run, size_t n,
                             int64_t *last)
{
    enum err err = ERR_NONE;
    for (size_t at = 0, rows; err == ERR_NONE && at < n; at += rows) {
        rows = alike_run(&run[at], n - at) == ATTEMPTS_AT_ONCE ? ATTEMPTS_AT_ONCE : 1;
        err = add_alike(ledger, &run[at], rows);
    }
    *last = sqlite3_last_insert_rowid(ledger->store->db);
    return err;
}

/* What is left of a delivery's room: 0 is always right, more only spares work. What is
 * deferred needs it for its time. */
static int room_after(const struct attempt_record *record, int64_t attempt)
{
    enum outcome_state state = record->outcome.state;
    int number_bytes = 1;
    if (record->last_attempt != 0 || !is_terminal(state))
        return 0;
    while (number_bytes < 8 && attempt >> (8 * number_bytes - 1) != 0)
        number_bytes++;
    int left = DELIVERY_ROOM_ARMED + (int)STR("armed").n - number_bytes -
               (int)strlen(outcome_state_word(state));
    return left > 0 ? left : 0;
}

/* The outcome that all of the run have in common; their attempts have numbers in a row
 * up to `last`. *changes: of how many it was ours to give. */
static enum err set_outcome(struct ledger_store *ledger,
                            const struct attempt_record *const *run, size_t n,
                            int64_t last, int *changes)
{
    sqlite3_stmt *set = ledger->statements[LEDGER_SET_OUTCOME];
    (void)sqlite3_bind_int64(set, 1, run[0]->delivery_id);
    (void)sqlite3_bind_int64(set, 2, run[n - 1]->delivery_id);
    (void)db_bind_text(set, 3, str_of(outcome_state_word(run[0]->outcome.state)));
    (void)sqlite3_bind_int64(set, 4, run[0]->charged);
    (void)sqlite3_bind_int64(set, 5, last - run[n - 1]->delivery_id);
    (void)sqlite3_bind_zeroblob(set, 6, room_after(run[0], last));
    int rc = sqlite3_step(set);
    (void)sqlite3_reset(set);
    *changes = sqlite3_changes(ledger->store->db);
    return rc == SQLITE_DONE ? ERR_NONE : ledger_failed(ledger);
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
    char enhanced[ENHANCED_TEXT_MAX], note[640];
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
                          const struct attempt_record *const *run, size_t n)
{
    return ledger_abandon(
        ledger,
        error_set(&ledger->error, ERR_BUG,
                  "ledger: deliveries %lld to %lld: %s, but not all of them "
                  "were claimed or armed",
                  (long long)run[0]->delivery_id, (long long)run[n - 1]->delivery_id,
                  outcome_state_word(run[0]->outcome.state)));
}

/* What an outcome asks for besides its state. */
static enum err follow_up(struct ledger_store *ledger,
                          const struct attempt_record *record)
{
    enum err err = ERR_NONE;
    if (record->outcome.state == OUTCOME_DEFERRED)
        err = set_next_attempt(ledger, record);
    if (err == ERR_NONE && record->outcome.suppress)
        err = add_suppression(ledger, record);
    return err;
}

static enum err record_run(struct ledger_store *ledger,
                           const struct attempt_record *const *run, size_t n)
{
    enum outcome_state state = run[0]->outcome.state;
    int64_t last;
    int changes = 0;
    enum err err = add_attempts(ledger, run, n, &last);
    if (err == ERR_NONE)
        err = set_outcome(ledger, run, n, last, &changes);
    if (err != ERR_NONE)
        return err;
    if (changes != (int)n && was_tried(state))
        return not_armed(ledger, run, n);
    if (is_terminal(state))
        ledger->unfinished -= (uint64_t)changes;
    for (size_t i = 0; err == ERR_NONE && i < n; i++)
        err = follow_up(ledger, run[i]);
    return err;
}

/* Neighbours with the same outcome. What was never tried may have lost its claim, and
 * stands alone: of a run, all or none must be ours to finish. */
static size_t outcome_run(const struct attempt_record *const *records, size_t count)
{
    const struct attempt_record *first = records[0];
    size_t n = 1;
    if (!was_tried(first->outcome.state))
        return n;
    while (n < count && records[n]->delivery_id == records[n - 1]->delivery_id + 1 &&
           records[n]->outcome.state == first->outcome.state &&
           records[n]->charged == first->charged)
        n++;
    return n;
}

/* By delivery; what arrives is nearly so already. */
static void sort_records(const struct attempt_record *records, size_t count,
                         const struct attempt_record **sorted)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && sorted[at - 1]->delivery_id > records[i].delivery_id; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = &records[i];
    }
}

#define RECORDS_SORTED_MAX 256

static enum err record_some(struct ledger_store *ledger,
                            const struct attempt_record *records, size_t count)
{
    const struct attempt_record *sorted[RECORDS_SORTED_MAX];
    enum err err = ERR_NONE;
    sort_records(records, count, sorted);
    for (size_t at = 0, n; err == ERR_NONE && at < count; at += n) {
        n = 1;
        if (sorted[at]->outcome.state == OUTCOME_UNSENT) {
            err = give_back(ledger, sorted[at]);
            continue;
        }
        n = outcome_run(&sorted[at], count - at);
        err = record_run(ledger, &sorted[at], n);
    }
    return err;
}

enum err ledger_record(void *self, const struct attempt_record *records, size_t count)
{
    struct ledger_store *ledger = self;
    enum err err = ledger_begin(ledger);
    for (size_t at = 0, n; err == ERR_NONE && at < count; at += n) {
        n = count - at < RECORDS_SORTED_MAX ? count - at : RECORDS_SORTED_MAX;
        err = record_some(ledger, &records[at], n);
    }
    return err;
}
