/*
 * sandbox_log.h - the sandbox's accept log: nothing is acknowledged before it is here
 *
 * Group commit: lines are appended from any thread; one flusher thread writes and
 * syncs whatever has gathered. A line is durable when sandbox_log_durable has reached
 * the position that its append returned.
 *
 * Owns:    the file and the flusher thread.
 * Thread:  any, except open and close.
 * Errors:  a write or sync that fails stops everything: sandbox_log_has_failed, and
 *          nothing becomes durable any more.
 * Limits:  SANDBOX_LOG_GATHER_MAX bytes not yet written; beyond, it has failed.
 */
#ifndef BROADSIDE_CMD_SANDBOX_LOG_H
#define BROADSIDE_CMD_SANDBOX_LOG_H

#include "core/base/err.h"
#include "core/base/str.h"

#define SANDBOX_LOG_GATHER_MAX (256u << 20)

struct sandbox_log;

/* Appends to `path`, created if need be. `flushed` is called by the flusher thread
 * whenever something became durable or it failed. */
MUST_CHECK enum err sandbox_log_open(const char *path, void (*flushed)(void *self),
                                     void *self, struct sandbox_log **to,
                                     struct error *error);
/* Makes everything durable that it can. */
void sandbox_log_close(struct sandbox_log *log);

/* Whole lines; the position of their end. */
uint64_t sandbox_log_append(struct sandbox_log *log, struct str lines);
uint64_t sandbox_log_durable(const struct sandbox_log *log);
/* 0, or the errno of what failed. */
int sandbox_log_has_failed(const struct sandbox_log *log);

#endif
