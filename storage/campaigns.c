#include "storage/campaigns.h"

#include "core/base/clock.h"
#include "storage/audience.h"
#include "storage/recovery.h"
#include "storage/run_owner.h"

#include <sys/random.h>

const char *campaign_state_word(enum campaign_state state)
{
    static const char *const words[] = {
#define CAMPAIGN_STATE_WORD(name, word) word,
        CAMPAIGN_STATE_LIST(CAMPAIGN_STATE_WORD)
#undef CAMPAIGN_STATE_WORD
    };
    return words[state];
}

bool campaign_is_over(const struct campaign *campaign)
{
    return campaign->state == CAMPAIGN_FINISHED ||
           campaign->state == CAMPAIGN_CANCELLED;
}

/* ---- reading ------------------------------------------------------------------- */

#define CAMPAIGN_SELECT                                                                \
    "SELECT c.id, c.list, c.name, l.name, state, command, audience, c.created_ms,"     \
    " started_ms, finished_ms, path, settings, content_hash, secret"                   \
    " FROM campaign c JOIN list l ON l.id = c.list "

static enum campaign_state state_of(struct str word)
{
    for (int i = 0; i < CAMPAIGN_INTERRUPTED; i++)
        if (str_equal(word, str_of(campaign_state_word((enum campaign_state)i))))
            return (enum campaign_state)i;
    return CAMPAIGN_INTERRUPTED;
}

static enum run_command command_of(struct str word)
{
    return str_equal(word, STR("pause"))    ? RUN_PAUSE
           : str_equal(word, STR("cancel")) ? RUN_CANCEL
                                            : RUN_GO_ON;
}

static void copy_bytes(sqlite3_stmt *row, int column, unsigned char *to, size_t bytes)
{
    struct str from = str_head(db_text(row, column), bytes);
    if (from.n > 0)
        memcpy(to, from.p, from.n);
}

static void campaign_of_row(struct store *store, sqlite3_stmt *row, bool is_short,
                            struct arena *arena, struct campaign *campaign)
{
    *campaign = (struct campaign){
        .id = sqlite3_column_int64(row, 0),
        .list_id = sqlite3_column_int64(row, 1),
        .name = db_copy(row, 2, arena),
        .list_name = db_copy(row, 3, arena),
        .state = state_of(db_text(row, 4)),
        .command = command_of(db_text(row, 5)),
        .audience = (uint64_t)sqlite3_column_int64(row, 6),
        .created_ms = sqlite3_column_int64(row, 7),
        .started_ms = sqlite3_column_int64(row, 8),
        .finished_ms = sqlite3_column_int64(row, 9),
        .path = is_short ? STR("") : db_copy(row, 10, arena),
        .settings = is_short ? STR("") : db_copy(row, 11, arena),
    };
    copy_bytes(row, 12, campaign->content_hash, CAMPAIGN_HASH_BYTES);
    copy_bytes(row, 13, campaign->secret, CAMPAIGN_SECRET_BYTES);
    campaign->has_run = db_is_locked(store, campaign->id);
    if (campaign->state == CAMPAIGN_RUNNING && !campaign->has_run)
        campaign->state = CAMPAIGN_INTERRUPTED;
}

static enum err no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "read campaign: its row: out of memory");
}

enum err campaign_find(struct store *store, struct str name, struct arena *arena,
                       struct campaign *campaign, struct error *error)
{
    sqlite3_stmt *row;
    *campaign = (struct campaign){0};
    enum err err =
        db_query(store, &row, error, CAMPAIGN_SELECT "WHERE c.name = ?", "s", name);
    if (err != ERR_NONE)
        return err;
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW)
        campaign_of_row(store, row, false, arena, campaign);
    else if (rc == SQLITE_DONE)
        err = error_set(
            error, ERR_NOT_FOUND,
            "find campaign: %.*s: there is none; `broadside status` lists them",
            STR_ARG(name));
    else
        err = db_fail(store, error, "read campaign");
    sqlite3_finalize(row);
    if (err == ERR_NONE &&
        (str_is_null(campaign->name) || str_is_null(campaign->path) ||
         str_is_null(campaign->settings)))
        err = no_memory(error);
    return err;
}

enum err campaigns_all(struct store *store, struct arena *arena,
                       struct campaign **campaigns, size_t *count, struct error *error)
{
    *count = 0;
    int64_t max;
    enum err err =
        db_integer(store, &max, 0, error, "SELECT count(*) FROM campaign", "");
    if (err != ERR_NONE)
        return err;
    *campaigns = arena_calloc(arena, (size_t)max + 1, sizeof **campaigns);
    if (*campaigns == NULL)
        return no_memory(error);
    sqlite3_stmt *rows;
    err = db_query(store, &rows, error, CAMPAIGN_SELECT "ORDER BY c.id DESC", "");
    if (err != ERR_NONE)
        return err;
    int rc = SQLITE_DONE;
    while (*count < (size_t)max && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        struct campaign *campaign = &(*campaigns)[(*count)++];
        campaign_of_row(store, rows, true, arena, campaign);
        if (str_is_null(campaign->name) || str_is_null(campaign->list_name))
            err = no_memory(error);
    }
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        err = db_fail(store, error, "read campaigns");
    sqlite3_finalize(rows);
    return err;
}

/* ---- creating ------------------------------------------------------------------ */

static enum err insert_campaign(struct store *store, const struct campaign_plan *plan,
                                int64_t *id, struct error *error)
{
    unsigned char secret[CAMPAIGN_SECRET_BYTES];
    if (getrandom(secret, sizeof secret, 0) != sizeof secret)
        return error_set(error, ERR_OS, "launch: the campaign: no random bytes");
    int64_t taken;
    enum err err =
        db_integer(store, &taken, 0, error, "SELECT id FROM campaign WHERE name = ?",
                   "s", plan->name);
    if (err == ERR_NONE && taken != 0)
        return error_set(
            error, ERR_CONFIG,
            "launch: %.*s: there is a campaign of that name; `resume` goes "
            "on with it, or choose another name",
            STR_ARG(plan->name));
    if (err == ERR_NONE)
        err = db_run(store, error,
                     "INSERT INTO campaign(name, list, state, path, settings,"
                     " content_hash, secret, created_ms, suppression_sequence)"
                     " VALUES(?, ?, 'running', ?, ?, ?, ?, ?,"
                     " (SELECT coalesce(max(sequence), 0) FROM suppression))",
                     "sissbbi", plan->name, plan->list_id, plan->path, plan->settings,
                     str_slice((const char *)plan->content_hash, CAMPAIGN_HASH_BYTES),
                     str_slice((const char *)secret, sizeof secret), clock_wall_ms());
    *id = sqlite3_last_insert_rowid(store->db);
    return err;
}

enum err campaign_create(struct store *store, const struct campaign_plan *plan,
                         struct arena *arena, struct campaign *campaign,
                         struct error *error)
{
    if (plan->name.n == 0 || plan->name.n > CAMPAIGN_NAME_MAX)
        return error_set(error, ERR_CONFIG,
                         "launch: the campaign: it has no usable name");
    enum err err = db_begin(store, error);
    if (err != ERR_NONE)
        return err;
    int64_t id = 0;
    err = insert_campaign(store, plan, &id, error);
    if (err == ERR_NONE)
        err = audience_materialise(store, plan, id, error);
    err = db_end(store, err, error);
    if (err != ERR_NONE)
        return err;
    /* Closes the temporary database: its dropped tables' pages stay dirty in their own
     * cache, and every later commit of this connection would walk over all of them. */
    err =
        db_exec(store, "PRAGMA temp_store = DEFAULT; PRAGMA temp_store = FILE", error);
    if (err != ERR_NONE)
        return err;
    db_checkpoint(store, STORE_WAL_BYTES / 4, true);
    return campaign_find(store, plan->name, arena, campaign, error);
}

enum err campaign_refuse_running(struct store *store, int64_t campaign_id,
                                 struct error *error)
{
    struct run_owner owner;
    enum err err = run_owner_lock(&owner, store, campaign_id, error);
    if (err == ERR_NONE)
        run_owner_unlock(&owner);
    return err;
}

enum err campaign_set_content(struct store *store, int64_t campaign_id, struct str path,
                              struct str settings, const unsigned char *content_hash,
                              struct error *error)
{
    return db_run(store, error,
                  "UPDATE campaign SET path = ?, settings = ?, content_hash = ?"
                  " WHERE id = ?",
                  "ssbi", path, settings,
                  str_slice((const char *)content_hash, CAMPAIGN_HASH_BYTES),
                  campaign_id);
}

/* ---- commands ------------------------------------------------------------------ */

static const char *command_word(enum run_command command)
{
    switch (command) {
    case RUN_PAUSE: return "pause";
    case RUN_CANCEL: return "cancel";
    case RUN_GO_ON: break;
    }
    return "";
}

/* Nobody runs it and nobody can start to: we hold its lock. */
static enum err obey_now(struct store *store, struct campaign *campaign,
                         enum run_command command, bool retry_in_doubt,
                         struct error *error)
{
    if (command == RUN_GO_ON)
        return db_run(store, error, "UPDATE campaign SET command = '' WHERE id = ?",
                      "i", campaign->id);
    enum err err = db_begin(store, error);
    if (err != ERR_NONE)
        return err;
    enum campaign_state state =
        command == RUN_CANCEL ? CAMPAIGN_CANCELLED : CAMPAIGN_PAUSED;
    struct recovery recovery;
    err = recovery_init(&recovery, store, campaign->id, error);
    if (err == ERR_NONE)
        err = recovery_settle(&recovery, retry_in_doubt && command == RUN_PAUSE, error);
    if (err == ERR_NONE && command == RUN_CANCEL)
        err = recovery_cancel_rest(&recovery, error);
    if (err == ERR_NONE)
        err = recovery_set_state(&recovery, state, error);
    campaign->state = state;
    return db_end(store, err, error);
}

/* The state is read again under the lock: a run may have ended the campaign since. */
static enum err obey_locked(struct store *store, struct arena *arena,
                            struct campaign *campaign, enum run_command command,
                            bool retry_in_doubt, struct error *error)
{
    enum err err = campaign_find(store, campaign->name, arena, campaign, error);
    return err != ERR_NONE || campaign_is_over(campaign)
               ? err
               : obey_now(store, campaign, command, retry_in_doubt, error);
}

enum err campaign_command(struct store *store, struct str name,
                          enum run_command command, bool retry_in_doubt,
                          enum campaign_state *state, struct error *error)
{
    struct arena arena;
    struct campaign campaign = {0};
    arena_init(&arena, 256 << 20);
    enum err err = campaign_find(store, name, &arena, &campaign, error);
    if (err == ERR_NONE && !campaign_is_over(&campaign)) {
        if (db_try_lock(store, campaign.id)) {
            err = obey_locked(store, &arena, &campaign, command, retry_in_doubt, error);
            db_unlock(store, campaign.id);
        } else {
            err = db_run(store, error, "UPDATE campaign SET command = ? WHERE id = ?",
                         "si", str_of(command_word(command)), campaign.id);
            campaign.state = CAMPAIGN_RUNNING;
        }
    }
    *state = campaign.state;
    arena_fini(&arena);
    return err;
}
