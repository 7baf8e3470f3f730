#include "core/mail/address.h"
#include "storage/address_key.h"
#include "storage/database.h"
#include "storage/deliveries.h"
#include "storage/reports.h"

/*
 * Address -> recipient through the list's keys, recipient -> delivery by bisecting the
 * lane of its domain, delivery -> attempts along `previous`. A list that was deleted
 * has no keys any more; then the lane is read through.
 */

#define SPELLINGS_MAX 64
#define STEPS_MAX     4096

static enum err no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "trace: a row: out of memory");
}

/* ---- steps --------------------------------------------------------------------- */

static void step_of_row(sqlite3_stmt *row, struct arena *arena, struct trace_step *step)
{
    *step = (struct trace_step){.at_ms = sqlite3_column_int64(row, 1),
                                .state = delivery_state_of(db_text(row, 2)),
                                .stage = db_copy(row, 3, arena),
                                .code = (uint16_t)sqlite3_column_int(row, 4),
                                .enhanced = db_copy(row, 5, arena),
                                .class_word = db_copy(row, 6, arena),
                                .text = db_copy(row, 7, arena),
                                .remote_id = db_copy(row, 8, arena),
                                .host = db_copy(row, 9, arena),
                                .peer = db_copy(row, 10, arena),
                                .tls = db_copy(row, 11, arena)};
    /* A damaged word; the delivery's own state would be an error. */
    if (step->state == DELIVERY_STATE_COUNT)
        step->state = DELIVERY_PENDING;
}

static bool is_complete(const struct trace_step *step)
{
    return step->stage.p != NULL && step->enhanced.p != NULL &&
           step->class_word.p != NULL && step->text.p != NULL &&
           step->remote_id.p != NULL && step->host.p != NULL && step->peer.p != NULL &&
           step->tls.p != NULL;
}

/* From the last attempt backwards into the end of `steps`; *count how many. */
static enum err read_steps(struct store *store, int64_t last, struct arena *arena,
                           struct trace_step *steps, size_t max, size_t *count,
                           struct error *error)
{
    *count = 0;
    sqlite3_stmt *row;
    enum err err =
        db_query(store, &row, error,
                 "SELECT previous, at_ms, state, stage, code, enhanced, class,"
                 " text, remote_id, host, address, tls FROM attempt a"
                 " LEFT JOIN peer p ON p.id = a.peer WHERE a.id = ?",
                 "");
    while (err == ERR_NONE && last != 0 && *count < max) {
        (void)sqlite3_reset(row);
        (void)sqlite3_bind_int64(row, 1, last);
        if (sqlite3_step(row) != SQLITE_ROW) {
            err = db_fail(store, error, "trace");
            break;
        }
        struct trace_step *step = &steps[max - ++*count];
        step_of_row(row, arena, step);
        if (!is_complete(step))
            err = no_memory(error);
        int64_t previous = sqlite3_column_int64(row, 0);
        /* A damaged chain must not go round in circles. */
        last = previous < last ? previous : 0;
    }
    sqlite3_finalize(row);
    return err;
}

static enum err load_steps(struct store *store, int64_t last, struct arena *arena,
                           struct trace *trace, struct error *error)
{
    size_t max = (size_t)trace->attempts + 64, count;
    max = max < STEPS_MAX ? max : STEPS_MAX;
    struct trace_step *steps = arena_calloc(arena, max, sizeof *steps);
    if (steps == NULL)
        return no_memory(error);
    enum err err = read_steps(store, last, arena, steps, max, &count, error);
    trace->steps = steps + (max - count);
    trace->step_count = count;
    return err;
}

/* ---- one delivery -------------------------------------------------------------- */

static enum err load_trace(struct store *store, int64_t delivery, struct arena *arena,
                           struct trace *trace, struct error *error)
{
    sqlite3_stmt *row;
    enum err err = db_query(store, &row, error,
                            "SELECT d.state, attempts, first_armed_ms, next_attempt_ms,"
                            " last_attempt, c.name, l.name, r.address, c.created_ms"
                            " FROM delivery d JOIN recipient r ON r.id = d.recipient"
                            " JOIN lane ON lane.id = d.lane"
                            " JOIN campaign c ON c.id = lane.campaign"
                            " JOIN list l ON l.id = c.list WHERE d.id = ?",
                            "i", delivery);
    if (err != ERR_NONE)
        return err;
    int64_t last = 0;
    if (sqlite3_step(row) == SQLITE_ROW) {
        last = sqlite3_column_int64(row, 4);
        *trace = (struct trace){.state = delivery_state_of(db_text(row, 0)),
                                .attempts = (uint32_t)sqlite3_column_int64(row, 1),
                                .first_armed_ms = sqlite3_column_int64(row, 2),
                                .next_attempt_ms = sqlite3_column_int64(row, 3),
                                .campaign = db_copy(row, 5, arena),
                                .list = db_copy(row, 6, arena),
                                .address = db_copy(row, 7, arena),
                                .launched_ms = sqlite3_column_int64(row, 8)};
    } else {
        err = db_fail(store, error, "trace");
    }
    sqlite3_finalize(row);
    if (err != ERR_NONE)
        return err;
    if (trace->state == DELIVERY_STATE_COUNT)
        return error_set(error, ERR_STORAGE, "trace: delivery %lld is damaged",
                         (long long)delivery);
    if (trace->state != DELIVERY_DEFERRED)
        trace->next_attempt_ms = 0;
    return load_steps(store, last, arena, trace, error);
}

/* ---- finding them -------------------------------------------------------------- */

struct candidates {
    struct str want;
    int64_t exact, others[SPELLINGS_MAX];
    size_t count;
};

static bool add_candidate(void *self, int64_t recipient, struct str address)
{
    struct candidates *candidates = self;
    if (str_equal(address, candidates->want))
        candidates->exact = recipient;
    else if (candidates->count < SPELLINGS_MAX)
        candidates->others[candidates->count++] = recipient;
    return true;
}

/* The list is gone: look at every recipient of the lane. */
static enum err scan_lane(struct store *store, const struct lane_range *lane,
                          struct candidates *candidates, struct error *error)
{
    sqlite3_stmt *rows;
    enum err err = db_query(store, &rows, error,
                            "SELECT r.id, address FROM delivery d"
                            " CROSS JOIN recipient r ON r.id = d.recipient"
                            " WHERE d.id BETWEEN ? AND ?",
                            "ii", lane->first, lane->last);
    if (err != ERR_NONE)
        return err;
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW)
        if (str_equal_nocase(db_text(rows, 1), candidates->want))
            (void)add_candidate(candidates, sqlite3_column_int64(rows, 0),
                                db_text(rows, 1));
    if (rc != SQLITE_DONE)
        err = db_fail(store, error, "trace");
    sqlite3_finalize(rows);
    return err;
}

struct search {
    struct store *store;
    struct arena *arena;
    const struct address *address;
    struct trace *traces;
    size_t count, max;
};

static enum err add_traces(struct search *search, const struct lane_range *lane,
                           const struct candidates *found, struct error *error)
{
    enum err err = ERR_NONE;
    size_t count = found->exact != 0 ? 1 : found->count;
    for (size_t i = 0; i < count && err == ERR_NONE && search->count < search->max;
         i++) {
        int64_t recipient = found->exact != 0 ? found->exact : found->others[i];
        int64_t delivery;
        err = deliveries_find(search->store, lane, recipient, &delivery, error);
        if (err == ERR_NONE && delivery != 0)
            err = load_trace(search->store, delivery, search->arena,
                             &search->traces[search->count++], error);
    }
    return err;
}

/* Columns: campaign, list, whether the list is still there. */
static enum err search_campaign(struct search *search, sqlite3_stmt *row,
                                struct error *error)
{
    struct lane_range lane;
    struct candidates found = {.want = search->address->text};
    enum err err = deliveries_lane(search->store, sqlite3_column_int64(row, 0),
                                   search->address->domain, &lane, error);
    if (err != ERR_NONE || lane.id == 0)
        return err;
    if (sqlite3_column_int(row, 2) != 0)
        err = address_key_find(search->store, sqlite3_column_int64(row, 1), found.want,
                               add_candidate, &found, error);
    else
        err = scan_lane(search->store, &lane, &found, error);
    return err == ERR_NONE ? add_traces(search, &lane, &found, error) : err;
}

static enum err search_campaigns(struct search *search, struct str campaign,
                                 struct error *error)
{
    sqlite3_stmt *rows;
    enum err err = db_query(search->store, &rows, error,
                            "SELECT c.id, l.id, l.name IS NOT NULL FROM campaign c"
                            " JOIN list l ON l.id = c.list"
                            " WHERE ?1 IS NULL OR c.name = ?1 ORDER BY c.id",
                            "s", campaign);
    if (err != ERR_NONE)
        return err;
    int rc = SQLITE_DONE;
    bool is_known = str_is_null(campaign);
    while (err == ERR_NONE && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        is_known = true;
        err = search_campaign(search, rows, error);
    }
    if (err == ERR_NONE && rc != SQLITE_DONE)
        err = db_fail(search->store, error, "trace");
    sqlite3_finalize(rows);
    if (err == ERR_NONE && !is_known)
        err = error_set(
            error, ERR_NOT_FOUND,
            "find campaign: %.*s: there is none; `broadside status` lists them",
            STR_ARG(campaign));
    return err;
}

enum err trace_address(struct store *store, struct str address, struct str campaign,
                       struct arena *arena, struct trace **traces, size_t *count,
                       struct error *error)
{
    *count = 0;
    *traces = NULL;
    struct address parsed;
    const char *why = address_parse(address, arena, &parsed);
    if (why != NULL)
        return error_set(error, ERR_DATA, "trace: %.*s: %s; give an address",
                         STR_ARG(address), why);
    int64_t campaigns;
    enum err err =
        db_integer(store, &campaigns, 0, error, "SELECT count(*) FROM campaign", "");
    if (err != ERR_NONE)
        return err;
    struct search search = {.store = store, .arena = arena, .address = &parsed};
    search.max = (size_t)campaigns + SPELLINGS_MAX;
    search.traces = arena_calloc(arena, search.max, sizeof *search.traces);
    if (search.traces == NULL)
        return no_memory(error);
    err = db_begin_read(store, error);
    if (err == ERR_NONE)
        err = search_campaigns(&search, campaign, error);
    db_rollback(store);
    *traces = search.traces;
    *count = search.count;
    return err;
}
