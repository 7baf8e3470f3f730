/*
 * filter_run.h - another program as a filter: bytes to its input, its output read
 *
 * Started without a shell, found on PATH, its standard error thrown away. What it has
 * not answered within FILTER_SECONDS it is not waited for: it is killed.
 *
 * Owns:    the process, which does not outlive the call.
 * Thread:  main; blocks.
 * Time:    monotonic, FILTER_SECONDS at most.
 * Errors:  ERR_NOT_FOUND if there is no such program, ERR_OS if it failed or was too
 *          slow, ERR_LIMIT, ERR_MEMORY.
 */
#ifndef BROADSIDE_CMD_FILTER_RUN_H
#define BROADSIDE_CMD_FILTER_RUN_H

#include "core/base/buf.h"

#define FILTER_SECONDS 60

/* argv ends with NULL. A program that does not read all of the input is none the
 * worse for it. */
MUST_CHECK enum err filter_run(const char *const *argv, const struct str *input,
                               size_t input_count, struct buf *output,
                               struct error *error);

#endif
