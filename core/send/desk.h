/*
 * desk.h - which lane is in which worker's hands
 *
 * A lane belongs to one worker, by the hash of its domain (or of the rule that its
 * domain shares with others), so that a limit lives in one thread. A lane without any
 * limit and with much in it is handed to every worker that asks, so that a list with
 * one large provider still uses all cores: claims never overlap.
 *
 * Owns:    its tables.
 * Keeps:   the settings' rules.
 * Thread:  the ledger's.
 * Limits:  what is handed out is bounded by the workers' schedules;
 *          DESK_DUE_MAX due lanes wait for each worker.
 * Cost:    O(1) per lane handed out; a scan of the lanes per asking worker.
 */
#ifndef BROADSIDE_SEND_DESK_H
#define BROADSIDE_SEND_DESK_H

#include "core/send/limits.h"
#include "core/send/order.h"

#define DESK_DUE_MAX 64
/* Deliveries never tried, from which on a lane without limits is shared. */
#define DESK_SHARED_PENDING 1024

struct desk;

struct desk *desk_new(const struct limit_rule *rules, size_t rule_count,
                      unsigned workers);
void desk_free(struct desk *desk);

/* Fills the order's lanes, at most lanes_wanted. */
MUST_CHECK enum err desk_hand_out(struct desk *desk, const struct store_port *store,
                                  int64_t now_ms, struct order *order);
/* A worker is through with a lane for now. */
void desk_take_back(struct desk *desk, unsigned worker, int64_t lane_id);
/* Nothing is handed out. */
bool desk_is_empty(const struct desk *desk);

#endif
