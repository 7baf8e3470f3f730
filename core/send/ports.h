/*
 * ports.h - the waist: all that a campaign run knows of the world
 *
 * Three small structs of functions: a store (claims, arms, records), a composer (job
 * -> message) and a clock. core/send knows nothing of SQLite, CSV or templates; cmd/
 * joins them. In-memory twins for tests and benchmarks stand in memory_store.h.
 *
 * Owns:    nothing.
 * Thread:  store functions are called by the ledger thread alone, and may block;
 *          compose functions by the worker whose instance it is.
 */
#ifndef BROADSIDE_SEND_PORTS_H
#define BROADSIDE_SEND_PORTS_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/smtp/outcome.h"
#include "core/smtp/session.h"

/* A lane is one recipient domain of one campaign: its deliveries in a fixed order. */
struct lane {
    int64_t id;
    struct str domain;
    /* Deliveries never tried yet, and deferred ones. */
    uint64_t pending, deferred;
    /* When the earliest deferred one is due, wall ms; INT64_MAX: none is deferred. */
    int64_t due_ms;
};

/* The lanes that a query finds, and the arena their names are copied into. */
struct lane_batch {
    struct arena *arena;
    struct lane *lanes;
    size_t n, max;
};

/* One delivery to make. */
struct job {
    int64_t delivery_id, recipient_id, lane_id;
    /* Attempts that were charged so far. */
    uint32_t attempts;
    /* The store's number for the newest of them all, charged or not; 0: none. */
    int64_t last_attempt;
    /* Wall ms of the first arming: the message's Date for ever; 0: not armed yet. */
    int64_t first_armed_ms;
    /* The addr-spec as it goes on the wire, its domain in lower-case A-labels. */
    struct str address, domain;
    bool needs_smtputf8;
    /* It was deferred until it was claimed. */
    bool was_deferred;
    /* The recipient's columns, for the composer alone. */
    struct str record;
};

/* The jobs of one claim and the arena their strings lie in. */
struct job_batch {
    struct arena arena;
    struct job *jobs;
    size_t n, max;
};

struct arm_item {
    int64_t delivery_id;
    /* Set as first_armed_ms if the delivery has none yet. */
    int64_t at_ms;
    /* Answer: false if it must not go out (suppressed meanwhile, cancelled); the store
     * has then already given it its final state. */
    bool granted;
};

/* One finished attempt, or the giving back of an unused claim (OUTCOME_UNSENT). */
struct attempt_record {
    int64_t delivery_id, lane_id;
    /* The job's: what came before this one. */
    int64_t last_attempt;
    int64_t at_ms;
    /* DEFERRED: when to try again; else 0. */
    int64_t next_attempt_ms;
    /* Its strings belong to the sender until the call returns. */
    struct outcome outcome;
    /* The server spoken to, "mx.example:25", and its address; empty if none. */
    struct str host, peer;
    /* TLS version and cipher, empty for a clear connection. */
    struct str tls;
    /* Whether this counts as an attempt. */
    bool charged;
};

enum run_command { RUN_GO_ON, RUN_PAUSE, RUN_CANCEL };

/*
 * Everything between two commits is one group: durable together when `commit`
 * returns ERR_NONE, gone together otherwise. Any error ends the run: nothing more is
 * armed, what is on the wire is finished, the rest stays as the last commit left it.
 */
struct store_port {
    void *self;
    /* As many lanes as `batch` holds that have something never tried, in lane order,
     * with id > after. */
    enum err (*lanes)(void *self, int64_t after, struct lane_batch *batch);
    /* The same for lanes with a deferred delivery due at now_ms, earliest first,
     * leaving out those for which skip(skip_self, id) is true. */
    enum err (*due_lanes)(void *self, int64_t now_ms,
                          bool (*skip)(void *skip_self, int64_t lane_id),
                          void *skip_self, struct lane_batch *batch);
    /* When the earliest deferred delivery of the campaign is due; INT64_MAX: none. */
    enum err (*next_due)(void *self, int64_t *due_ms);
    /* Up to `max` jobs of a lane, due ones first, appended to `batch`: they become
     * claimed. None left: count 0. */
    enum err (*claim)(void *self, int64_t lane_id, int64_t now_ms, size_t max,
                      struct job_batch *batch);
    /* claimed -> armed, for those it grants. Checks owner token and suppression. */
    enum err (*arm)(void *self, struct arm_item *items, size_t count);
    /* What a server answered about was armed before; only what cannot be rendered or is
     * given back need not be. */
    enum err (*record)(void *self, const struct attempt_record *records, size_t count);
    enum err (*commit)(void *self);
    /* What another terminal asked for (pause, cancel). */
    enum err (*command)(void *self, enum run_command *command);
    /* Deliveries in no terminal state. 0 is the only meaning of "finished". */
    enum err (*unfinished)(void *self, uint64_t *count);
    /* What went wrong in the last call that failed, for a person. */
    void (*explain)(void *self, struct error *error);
};

/* What compose makes of a job. */
struct composer;

struct compose_port {
    void *self;
    /* One instance per worker, with its scratch memory; NULL without memory. */
    struct composer *(*open)(void *self);
    void (*close)(struct composer *composer);
    /* Fills everything of `message` that is not the session's own. What it points to
     * is shared by the campaign or lies in `arena`. date_ms is the job's
     * first_armed_ms. ERR_DATA or ERR_LIMIT: this recipient cannot be rendered (it
     * becomes invalid, `why` says where and for what reason). */
    enum err (*compose)(struct composer *composer, const struct job *job,
                        int64_t date_ms, struct arena *arena,
                        struct smtp_message *message, struct error *why);
};

struct clock_port {
    /* Never goes back or stands still, not even while the machine sleeps. */
    uint64_t (*boot_ns)(void *self);
    /* Asked once, when the run begins. */
    int64_t (*wall_ms)(void *self);
    void *self;
};

/* The clock of this machine. */
extern const struct clock_port clock_port_system;

#endif
