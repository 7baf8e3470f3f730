#include "storage/reports.h"

#include "storage/database.h"
#include "storage/deliveries.h"

#include <stdlib.h>
#include <string.h>

const char *delivery_state_word(enum delivery_state state)
{
    static const char *const words[] = {
#define DELIVERY_STATE_WORD(name, word) word,
        DELIVERY_STATE_LIST(DELIVERY_STATE_WORD)
#undef DELIVERY_STATE_WORD
    };
    return words[state];
}

enum delivery_state delivery_state_of(struct str word)
{
    for (int i = 0; i < DELIVERY_STATE_COUNT; i++)
        if (str_equal(word, str_of(delivery_state_word((enum delivery_state)i))))
            return (enum delivery_state)i;
    return DELIVERY_STATE_COUNT;
}

uint64_t delivery_counts_unfinished(const struct delivery_counts *counts)
{
    return counts->by_state[DELIVERY_PENDING] + counts->by_state[DELIVERY_CLAIMED] +
           counts->by_state[DELIVERY_ARMED] + counts->by_state[DELIVERY_DEFERRED];
}

uint64_t delivery_counts_failed(const struct delivery_counts *counts)
{
    return counts->by_state[DELIVERY_FAILED] + counts->by_state[DELIVERY_EXPIRED] +
           counts->by_state[DELIVERY_INVALID];
}

static enum err no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "report: its rows: out of memory");
}

/* ---- counts -------------------------------------------------------------------- */

static void add_count(struct delivery_counts *counts, struct str word, int64_t n)
{
    enum delivery_state state = delivery_state_of(word);
    if (state != DELIVERY_STATE_COUNT)
        counts->by_state[state] += (uint64_t)n;
    counts->audience += (uint64_t)n;
}

/* Deliveries in a row that are in one state, which most share with the one before. */
struct state_run {
    struct delivery_counts *counts;
    char word[16];
    size_t bytes;
    int64_t n;
};

/* count_state(state), an aggregate: a row that SQLite hands out costs twice as much. */
static void count_state(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct state_run *run = sqlite3_user_data(context);
    struct str word = db_argument(values[0]);
    (void)count;
    if (run->n++ > 0 && str_equal(word, str_slice(run->word, run->bytes)))
        return;
    add_count(run->counts, str_slice(run->word, run->bytes), run->n - 1);
    run->bytes = word.n < sizeof run->word ? word.n : 0;
    if (run->bytes > 0)
        memcpy(run->word, word.p, run->bytes);
    run->n = 1;
}

static void count_end(sqlite3_context *context)
{
    sqlite3_result_null(context);
}

/* Not GROUP BY: that sorts all of them, which costs five times as much. */
enum err report_counts(struct store *store, int64_t campaign_id,
                       struct delivery_counts *counts, struct error *error)
{
    *counts = (struct delivery_counts){0};
    struct state_run run = {.counts = counts};
    struct delivery_range range;
    int64_t none;
    enum err err = deliveries_range(store, campaign_id, &range, error);
    if (err != ERR_NONE)
        return err;
    if (sqlite3_create_function_v2(store->db, "count_state", 1,
                                   SQLITE_UTF8 | SQLITE_DIRECTONLY, &run, NULL,
                                   count_state, count_end, NULL) != SQLITE_OK)
        return db_fail(store, error, "report");
    err = db_integer(store, &none, 0, error,
                     "SELECT count_state(state) FROM delivery WHERE id BETWEEN ? AND ?",
                     "ii", range.first, range.last);
    (void)sqlite3_create_function_v2(store->db, "count_state", 1, SQLITE_UTF8, NULL,
                                     NULL, NULL, NULL, NULL);
    add_count(counts, str_slice(run.word, run.bytes), run.n);
    return err;
}

enum err report_attempts(struct store *store, int64_t campaign_id, uint64_t *attempts,
                         struct error *error)
{
    struct delivery_range range;
    int64_t sum = 0;
    enum err err = deliveries_range(store, campaign_id, &range, error);
    if (err == ERR_NONE)
        err = db_integer(store, &sum, 0, error,
                         "SELECT sum(attempts) FROM delivery WHERE id BETWEEN ? AND ?",
                         "ii", range.first, range.last);
    *attempts = (uint64_t)sum;
    return err;
}

/* ---- domains ------------------------------------------------------------------- */

/* The lanes of a campaign are numbered by size already. */
static enum err count_lane(struct store *store, sqlite3_stmt *rows, sqlite3_stmt *lane,
                           struct arena *arena, struct domain_report *report,
                           struct error *error)
{
    *report = (struct domain_report){.domain = db_copy(lane, 0, arena)};
    if (str_is_null(report->domain))
        return no_memory(error);
    (void)sqlite3_bind_int64(rows, 1, sqlite3_column_int64(lane, 1));
    (void)sqlite3_bind_int64(rows, 2, sqlite3_column_int64(lane, 2));
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        add_count(&report->counts, db_text(rows, 0), sqlite3_column_int64(rows, 1));
        int64_t first = sqlite3_column_int64(rows, 2);
        int64_t last = sqlite3_column_int64(rows, 3);
        if (first != 0 && (report->first_ms == 0 || first < report->first_ms))
            report->first_ms = first;
        if (last > report->last_ms)
            report->last_ms = last;
    }
    (void)sqlite3_reset(rows);
    return rc == SQLITE_DONE ? ERR_NONE : db_fail(store, error, "report");
}

/* Up to `max` of them. */
static enum err count_lanes(struct store *store, sqlite3_stmt *lanes, size_t max,
                            struct arena *arena, struct domain_reports *domains,
                            struct error *error)
{
    sqlite3_stmt *rows;
    /* Attempts are numbered in the order of time. */
    enum err err = db_prepare(store, &rows,
                              "SELECT state, n, first, (SELECT at_ms FROM attempt"
                              " WHERE id = last) FROM"
                              " (SELECT state, count(*) AS n,"
                              "  min(nullif(first_armed_ms, 0)) AS first,"
                              "  max(last_attempt) AS last FROM delivery"
                              "  WHERE id BETWEEN ? AND ? GROUP BY state)",
                              error);
    int rc = SQLITE_DONE;
    while (err == ERR_NONE && domains->n < max &&
           (rc = sqlite3_step(lanes)) == SQLITE_ROW)
        err = count_lane(store, rows, lanes, arena, &domains->p[domains->n++], error);
    if (err == ERR_NONE && rc != SQLITE_DONE && rc != SQLITE_ROW)
        err = db_fail(store, error, "report");
    sqlite3_finalize(rows);
    return err;
}

enum err report_domains(struct store *store, int64_t campaign_id, size_t max,
                        struct arena *arena, struct domain_reports *domains,
                        struct error *error)
{
    *domains = (struct domain_reports){.p = NULL};
    int64_t total = 0;
    enum err err = db_integer(store, &total, 0, error,
                              "SELECT lane_last - lane_first + 1 FROM campaign"
                              " WHERE id = ?",
                              "i", campaign_id);
    if (err != ERR_NONE)
        return err;
    domains->total = (uint64_t)total;
    if (max == 0 || max > domains->total)
        max = (size_t)domains->total;
    domains->p = arena_calloc(arena, max + 1, sizeof *domains->p);
    if (domains->p == NULL)
        return no_memory(error);
    sqlite3_stmt *lanes;
    err = db_query(store, &lanes, error,
                   "SELECT domain.name, first, last FROM campaign"
                   " CROSS JOIN lane ON lane.id BETWEEN lane_first AND lane_last"
                   " CROSS JOIN domain ON domain.id = lane.domain"
                   " WHERE campaign.id = ? ORDER BY lane.id",
                   "i", campaign_id);
    if (err != ERR_NONE)
        return err;
    err = count_lanes(store, lanes, max, arena, domains, error);
    sqlite3_finalize(lanes);
    return err;
}

/* ---- deliveries ---------------------------------------------------------------- */

struct delivery_walk {
    struct db_walk base;
};

enum err delivery_walk_open(struct store *store, int64_t campaign_id,
                            enum delivery_state state, struct delivery_walk **walk,
                            struct error *error)
{
    *walk = NULL;
    struct delivery_range range;
    enum err err = deliveries_range(store, campaign_id, &range, error);
    if (err != ERR_NONE)
        return err;
    struct delivery_walk *made = calloc(1, sizeof *made);
    if (made == NULL)
        return no_memory(error);
    made->base = (struct db_walk){.store = store, .rc = SQLITE_ROW};
    struct str word =
        state == DELIVERY_STATE_COUNT ? STR("") : str_of(delivery_state_word(state));
    err =
        db_query(store, &made->base.rows, error,
                 "SELECT d.id, r.address, d.state, attempts, next_attempt_ms, at_ms,"
                 " stage, code, enhanced, class, text, host, p.address, tls, remote_id"
                 " FROM delivery d CROSS JOIN recipient r ON r.id = d.recipient"
                 " LEFT JOIN attempt a ON a.id = d.last_attempt"
                 " LEFT JOIN peer p ON p.id = a.peer"
                 " WHERE d.id BETWEEN ?1 AND ?2 AND (?3 = '' OR d.state = ?3)"
                 " ORDER BY d.id",
                 "iis", range.first, range.last, word);
    if (err != ERR_NONE)
        free(made);
    else
        *walk = made;
    return err;
}

static struct str text_or_empty(sqlite3_stmt *row, int column)
{
    return str_or_empty(db_text(row, column));
}

bool delivery_walk_next(struct delivery_walk *walk, struct delivery_row *row)
{
    if (!db_walk_next(&walk->base))
        return false;
    sqlite3_stmt *rows = walk->base.rows;
    *row = (struct delivery_row){.id = sqlite3_column_int64(rows, 0),
                                 .address = text_or_empty(rows, 1),
                                 .state = delivery_state_of(db_text(rows, 2)),
                                 .attempts = (uint32_t)sqlite3_column_int64(rows, 3),
                                 .next_attempt_ms = sqlite3_column_int64(rows, 4),
                                 .at_ms = sqlite3_column_int64(rows, 5),
                                 .stage = text_or_empty(rows, 6),
                                 .code = (uint16_t)sqlite3_column_int(rows, 7),
                                 .enhanced = text_or_empty(rows, 8),
                                 .class_word = text_or_empty(rows, 9),
                                 .text = text_or_empty(rows, 10),
                                 .host = text_or_empty(rows, 11),
                                 .peer = text_or_empty(rows, 12),
                                 .tls = text_or_empty(rows, 13),
                                 .remote_id = text_or_empty(rows, 14)};
    if (row->state == DELIVERY_STATE_COUNT)
        row->state = DELIVERY_INVALID;
    if (row->state != DELIVERY_DEFERRED)
        row->next_attempt_ms = 0;
    return true;
}

enum err delivery_walk_close(struct delivery_walk *walk, struct error *error)
{
    if (walk == NULL)
        return ERR_NONE;
    enum err err = db_walk_close(&walk->base, error, "report");
    free(walk);
    return err;
}
