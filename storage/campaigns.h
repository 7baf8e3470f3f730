/*
 * campaigns.h - campaigns: made once, commanded from any terminal
 *
 * Launching materialises the audience: one delivery per recipient, in the same
 * transaction as the campaign, so that half a campaign never exists. From then on the
 * list may change without changing who gets the campaign.
 *
 * Thread:  the store's.
 * Errors:  ERR_NOT_FOUND (no such campaign or list), ERR_CONFIG (the name is taken),
 *          else the store's.
 * Cost:    creating O(n log n) in the recipients, constant memory.
 */
#ifndef BROADSIDE_STORAGE_CAMPAIGNS_H
#define BROADSIDE_STORAGE_CAMPAIGNS_H

#include "core/base/arena.h"
#include "core/send/ports.h"
#include "storage/lists.h"
#include "storage/store.h"

#define CAMPAIGN_SECRET_BYTES 32
#define CAMPAIGN_HASH_BYTES   32
#define CAMPAIGN_NAME_MAX     128

/* name, word. INTERRUPTED is never stored: it is RUNNING without a living run. */
#define CAMPAIGN_STATE_LIST(X)                                                         \
    X(CAMPAIGN_RUNNING, "running")                                                     \
    X(CAMPAIGN_PAUSED, "paused")                                                       \
    X(CAMPAIGN_FINISHED, "finished")                                                   \
    X(CAMPAIGN_CANCELLED, "cancelled")                                                 \
    X(CAMPAIGN_INTERRUPTED, "interrupted")

enum campaign_state {
#define CAMPAIGN_STATE_ENUM(name, word) name,
    CAMPAIGN_STATE_LIST(CAMPAIGN_STATE_ENUM)
#undef CAMPAIGN_STATE_ENUM
};

const char *campaign_state_word(enum campaign_state state);

struct campaign {
    int64_t id, list_id;
    struct str name;
    /* Empty if the list was deleted meanwhile. */
    struct str list_name;
    enum campaign_state state;
    /* A run is alive somewhere (it holds the lock). */
    bool has_run;
    /* What was asked for and not yet obeyed by the run. */
    enum run_command command;
    uint64_t audience;
    /* started_ms: of the first run. 0: not yet. */
    int64_t created_ms, started_ms, finished_ms;
    /* As given at launch: the campaign file's absolute path and text. */
    struct str path, settings;
    /* Digest of what the messages are made of; the caller's business. */
    unsigned char content_hash[CAMPAIGN_HASH_BYTES];
    /* Random, made at launch: Message-IDs and boundaries are derived from it. */
    unsigned char secret[CAMPAIGN_SECRET_BYTES];
};

/* Finished or cancelled: it sends nothing any more. */
bool campaign_is_over(const struct campaign *campaign);

struct campaign_plan {
    struct str name, path, settings;
    int64_t list_id;
    unsigned char content_hash[CAMPAIGN_HASH_BYTES];
    /* Only the first `limit` recipients in import order whom `keep` keeps; 0: all. */
    uint64_t limit;
    /* False: this recipient is not part of the campaign. May be NULL. */
    bool (*keep)(void *self, const struct recipient_row *row);
    /* Called now and then with the recipients looked at so far; may be NULL. */
    void (*progress)(void *self, uint64_t done);
    void *self;
};

/* The strings of *campaign are copied into `arena`. ERR_CONFIG if the name is taken,
 * ERR_DATA if nobody is left to write to (nothing is created then). */
MUST_CHECK enum err campaign_create(struct store *store,
                                    const struct campaign_plan *plan,
                                    struct arena *arena, struct campaign *campaign,
                                    struct error *error);
MUST_CHECK enum err campaign_find(struct store *store, struct str name,
                                  struct arena *arena, struct campaign *campaign,
                                  struct error *error);
/* ERR_LOCKED, naming process and host, while a run of it is alive. */
MUST_CHECK enum err campaign_refuse_running(struct store *store, int64_t campaign_id,
                                            struct error *error);
/* All campaigns, the newest first, an array in `arena` (without path and settings). */
MUST_CHECK enum err campaigns_all(struct store *store, struct arena *arena,
                                  struct campaign **campaigns, size_t *count,
                                  struct error *error);

/* Asks for RUN_PAUSE or RUN_CANCEL, or takes it back with RUN_GO_ON. Where no run is
 * alive it takes effect at once (cancel: every delivery that is not in a terminal
 * state becomes cancelled, those armed by a dead run in doubt). *state is the state
 * afterwards: RUNNING if a living run was asked, FINISHED or CANCELLED if the campaign
 * was over before (nothing is changed then). retry_in_doubt: for a pause, those that a
 * dead run left armed are due again rather than in doubt. */
MUST_CHECK enum err campaign_command(struct store *store, struct str name,
                                     enum run_command command, bool retry_in_doubt,
                                     enum campaign_state *state, struct error *error);
/* Replaces the content hash and settings (resume --allow-change). */
MUST_CHECK enum err campaign_set_content(struct store *store, int64_t campaign_id,
                                         struct str path, struct str settings,
                                         const unsigned char *content_hash,
                                         struct error *error);

/* What to do with the deliveries in doubt. */
enum resolution { RESOLVE_RETRY, RESOLVE_ASSUME_DELIVERED, RESOLVE_ASSUME_FAILED };
/* All that are in doubt, or with `address` not STR_NULL that one (ERR_NOT_FOUND if it
 * is not in doubt); *count tells how many. RETRY makes them deferred and due, and a
 * finished campaign interrupted: resume sends them. Each leaves a line in its history.
 * ERR_LOCKED while a run is alive. */
MUST_CHECK enum err campaign_resolve(struct store *store, struct str name,
                                     enum resolution resolution, struct str address,
                                     uint64_t *count, struct error *error);

#endif
