#include "storage/reports.h"

#include "storage/database.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/*
 * "451 4.7.1 <a@b.example>: try again in 297 seconds (3F2C81A0)" and the next one are
 * the same answer. What differs from message to message is set aside: runs of digits,
 * words with an @, and words that mix digits and letters as queue ids do. The groups
 * live in a hash table with a limit; answers of more kinds than that are counted
 * together.
 */

#define GROUPS_MAX 4096
#define KEY_MAX    640

struct group {
    UT_hash_handle hh;
    struct reply_report report;
};

struct grouping {
    struct arena *arena;
    struct group *groups;
};

/* ---- keys ---------------------------------------------------------------------- */

/* A word that is about one message only. */
static bool is_personal(struct str word)
{
    size_t digits = 0, letters = 0;
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] == '@')
            return true;
        digits += ascii_is_digit(word.p[i]);
        letters += ascii_is_letter(word.p[i]);
    }
    return digits >= 3 && digits + letters >= 8 && letters > 0;
}

static size_t append_word(char *key, size_t n, struct str word)
{
    if (is_personal(word)) {
        key[n++] = '*';
        return n;
    }
    for (size_t i = 0; i < word.n && n < KEY_MAX - 2; i++) {
        if (!ascii_is_digit(word.p[i]))
            key[n++] = word.p[i];
        else if (n == 0 || key[n - 1] != '#')
            key[n++] = '#';
    }
    return n;
}

static struct str reply_key(enum delivery_state state, uint16_t code,
                            struct str enhanced, struct str text, char key[KEY_MAX])
{
    size_t n = 0;
    key[n++] = (char)('a' + (int)state);
    key[n++] = (char)(code >> 8);
    key[n++] = (char)(code & 0xFF);
    if (state == DELIVERY_DELIVERED)
        return str_slice(key, n);
    for (size_t i = 0; i < enhanced.n && n < 24; i++)
        key[n++] = enhanced.p[i];
    while (!str_is_null(text) && n < KEY_MAX - 2) {
        struct str word = str_split(text, ' ', &text);
        key[n++] = ' ';
        n = append_word(key, n, word);
    }
    return str_slice(key, n);
}

/* ---- groups -------------------------------------------------------------------- */

/* Columns: state, code, enhanced, text, address. */
static enum err make_group(struct grouping *grouping, sqlite3_stmt *row,
                           enum delivery_state state, struct str key, bool is_rest)
{
    struct group *group = arena_calloc(grouping->arena, 1, sizeof *group);
    struct str kept = arena_copy(grouping->arena, key);
    if (group == NULL || str_is_null(kept))
        return ERR_MEMORY;
    group->report = (struct reply_report){
        .state = state,
        .code = (uint16_t)sqlite3_column_int(row, 1),
        .enhanced = db_copy(row, 2, grouping->arena),
        .text = is_rest ? STR("(other replies)") : db_copy(row, 3, grouping->arena),
        .count = 1,
        .example = db_copy(row, 4, grouping->arena),
    };
    if (str_is_null(group->report.enhanced) || str_is_null(group->report.text) ||
        str_is_null(group->report.example))
        return ERR_MEMORY;
    HASH_ADD_KEYPTR(hh, grouping->groups, kept.p, (unsigned)kept.n, group);
    return ERR_NONE;
}

static enum err add_row(struct grouping *grouping, sqlite3_stmt *row)
{
    char text[KEY_MAX];
    enum delivery_state state = delivery_state_of(db_text(row, 0));
    if (state == DELIVERY_STATE_COUNT)
        return ERR_NONE;
    struct str key = reply_key(state, (uint16_t)sqlite3_column_int(row, 1),
                               db_text(row, 2), db_text(row, 3), text);
    struct group *group;
    HASH_FIND(hh, grouping->groups, key.p, (unsigned)key.n, group);
    bool is_rest = group == NULL && HASH_COUNT(grouping->groups) >= GROUPS_MAX;
    if (is_rest) {
        key = str_head(key, 1);
        HASH_FIND(hh, grouping->groups, key.p, (unsigned)key.n, group);
    }
    if (group == NULL)
        return make_group(grouping, row, state, key, is_rest);
    group->report.count++;
    return ERR_NONE;
}

static int compare_groups(struct group *a, struct group *b)
{
    if (a->report.count != b->report.count)
        return a->report.count > b->report.count ? -1 : 1;
    return a->report.state != b->report.state
               ? (int)a->report.state - (int)b->report.state
               : str_compare(a->report.text, b->report.text);
}

static enum err take_groups(struct grouping *grouping, size_t max,
                            struct reply_reports *replies)
{
    HASH_SORT(grouping->groups, compare_groups);
    size_t n = HASH_COUNT(grouping->groups);
    n = n < max ? n : max;
    replies->p = arena_calloc(grouping->arena, n + 1, sizeof *replies->p);
    if (replies->p == NULL)
        return ERR_MEMORY;
    for (struct group *group = grouping->groups; group != NULL && replies->n < n;
         group = group->hh.next)
        replies->p[replies->n++] = group->report;
    return ERR_NONE;
}

enum err report_replies(struct store *store, int64_t campaign_id, size_t max,
                        struct arena *arena, struct reply_reports *replies,
                        struct error *error)
{
    *replies = (struct reply_reports){.p = NULL};
    struct grouping grouping = {.arena = arena};
    sqlite3_stmt *rows;
    enum err err = db_query(store, &rows, error,
                            "SELECT d.state, a.code, enhanced, text, address"
                            " FROM campaign c CROSS JOIN delivery d"
                            " ON d.id BETWEEN delivery_first AND delivery_last"
                            " CROSS JOIN attempt a ON a.id = d.last_attempt"
                            " CROSS JOIN recipient r ON r.id = d.recipient"
                            " WHERE c.id = ?",
                            "i", campaign_id);
    if (err != ERR_NONE)
        return err;
    int rc = SQLITE_DONE;
    while (err == ERR_NONE && (rc = sqlite3_step(rows)) == SQLITE_ROW)
        err = add_row(&grouping, rows);
    if (err == ERR_NONE && rc != SQLITE_DONE)
        err = db_fail(store, error, "report");
    sqlite3_finalize(rows);
    if (err == ERR_NONE)
        err = take_groups(&grouping, max, replies);
    if (err == ERR_MEMORY)
        (void)error_set(error, err, "report: its rows: out of memory");
    HASH_CLEAR(hh, grouping.groups);
    return err;
}
