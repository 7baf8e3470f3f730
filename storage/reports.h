/*
 * reports.h - what became of a campaign, and of an address
 *
 * Read-only, beside a running campaign as well: every call sees one moment.
 *
 * Owns:    a walk owns its statement and the row it shows.
 * Thread:  the store's.
 * Errors:  ERR_NOT_FOUND, else the store's.
 * Cost:    counts, domains and replies O(deliveries of the campaign), constant memory
 *          but for the domains asked for; trace O(log n) per campaign.
 */
#ifndef BROADSIDE_STORAGE_REPORTS_H
#define BROADSIDE_STORAGE_REPORTS_H

#include "core/base/arena.h"
#include "storage/campaigns.h"

/* State words as they are stored, printed and documented, in the order of printing. */
#define DELIVERY_STATE_LIST(X)                                                         \
    X(DELIVERY_PENDING, "pending")                                                     \
    X(DELIVERY_CLAIMED, "claimed")                                                     \
    X(DELIVERY_ARMED, "armed")                                                         \
    X(DELIVERY_DELIVERED, "delivered")                                                 \
    X(DELIVERY_DEFERRED, "deferred")                                                   \
    X(DELIVERY_FAILED, "failed")                                                       \
    X(DELIVERY_IN_DOUBT, "in_doubt")                                                   \
    X(DELIVERY_SUPPRESSED, "suppressed")                                               \
    X(DELIVERY_INVALID, "invalid")                                                     \
    X(DELIVERY_EXPIRED, "expired")                                                     \
    X(DELIVERY_CANCELLED, "cancelled")

enum delivery_state {
#define DELIVERY_STATE_ENUM(name, word) name,
    DELIVERY_STATE_LIST(DELIVERY_STATE_ENUM)
#undef DELIVERY_STATE_ENUM
        DELIVERY_STATE_COUNT
};

const char *delivery_state_word(enum delivery_state state);
/* DELIVERY_STATE_COUNT if `word` names no state. */
enum delivery_state delivery_state_of(struct str word);

struct delivery_counts {
    uint64_t audience;
    uint64_t by_state[DELIVERY_STATE_COUNT];
};

/* In no terminal state. */
uint64_t delivery_counts_unfinished(const struct delivery_counts *counts);
/* What a table for people calls failed: those that expired or are invalid as well. */
uint64_t delivery_counts_failed(const struct delivery_counts *counts);
MUST_CHECK enum err report_counts(struct store *store, int64_t campaign_id,
                                  struct delivery_counts *counts, struct error *error);
/* Attempts that were charged, of all deliveries. */
MUST_CHECK enum err report_attempts(struct store *store, int64_t campaign_id,
                                    uint64_t *attempts, struct error *error);

struct domain_report {
    struct str domain;
    struct delivery_counts counts;
    /* First and last attempt, 0 if none: the rate is delivered / (last - first). */
    int64_t first_ms, last_ms;
};
struct domain_reports {
    struct domain_report *p;
    size_t n;
    /* Of the campaign, listed here or not. */
    uint64_t total;
};
/* The domains with most recipients first, at most `max` of them (0: all), an array in
 * `arena`. */
MUST_CHECK enum err report_domains(struct store *store, int64_t campaign_id, size_t max,
                                   struct arena *arena, struct domain_reports *domains,
                                   struct error *error);

/* The last answers, grouped by what they say once their digits and addresses are set
 * aside. Delivered ones are grouped by code alone. */
struct reply_report {
    enum delivery_state state;
    uint16_t code;
    struct str enhanced, text;
    uint64_t count;
    struct str example;
};
struct reply_reports {
    struct reply_report *p;
    size_t n;
};
/* Most frequent first, at most `max`, an array in `arena`. */
MUST_CHECK enum err report_replies(struct store *store, int64_t campaign_id, size_t max,
                                   struct arena *arena, struct reply_reports *replies,
                                   struct error *error);

/* A delivery with its last attempt, if it had one. */
struct delivery_row {
    int64_t id;
    struct str address;
    enum delivery_state state;
    uint32_t attempts;
    /* 0 if not deferred. */
    int64_t next_attempt_ms;
    /* Of the last attempt: all 0 or empty without one. */
    int64_t at_ms;
    struct str stage;
    uint16_t code;
    struct str enhanced, class_word, text, host, peer, tls, remote_id;
};

/* Every delivery of a campaign by domain, then in import order; with `state` one of
 * DELIVERY_*, only those (DELIVERY_STATE_COUNT: all). See lists.h for how a walk
 * works. */
struct delivery_walk;
MUST_CHECK enum err delivery_walk_open(struct store *store, int64_t campaign_id,
                                       enum delivery_state state,
                                       struct delivery_walk **walk,
                                       struct error *error);
bool delivery_walk_next(struct delivery_walk *walk, struct delivery_row *row);
enum err delivery_walk_close(struct delivery_walk *walk, struct error *error);

/* One step of a journey: an attempt, or what a person decided (stage "resolve"). */
struct trace_step {
    int64_t at_ms;
    /* What it led to. */
    enum delivery_state state;
    struct str stage;
    uint16_t code;
    struct str enhanced, class_word, text, host, peer, tls, remote_id;
};

/* One message to one address. */
struct trace {
    struct str campaign, list, address;
    int64_t launched_ms;
    enum delivery_state state;
    uint32_t attempts;
    /* 0 if there is none. */
    int64_t first_armed_ms, next_attempt_ms;
    /* Oldest first. */
    const struct trace_step *steps;
    size_t step_count;
};

/* The messages to `address` (any spelling that address.h accepts) of all campaigns, or
 * of one if `campaign` is not STR_NULL; oldest campaign first, in `arena`. count 0 if
 * it was in none. ERR_DATA if it is no address, ERR_NOT_FOUND if there is no such
 * campaign. */
MUST_CHECK enum err trace_address(struct store *store, struct str address,
                                  struct str campaign, struct arena *arena,
                                  struct trace **traces, size_t *count,
                                  struct error *error);

#endif
