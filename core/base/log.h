/*
 * log.h - talk, on standard error
 *
 * One line an event: level, event name, text. Results never go here; they are
 * printed by cmd/ on standard output. Whatever a peer or a file said is made
 * printable first.
 *
 * Thread:  any; a line is one write.
 * Errors:  a line that cannot be written is counted, never fatal (SIGPIPE is ignored).
 * Limits:  LOG_LINE_MAX bytes a line, truncated beyond.
 */
#ifndef BROADSIDE_BASE_LOG_H
#define BROADSIDE_BASE_LOG_H

#include "core/base/buf.h"

#define LOG_LINE_MAX 2048

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines above `level` are dropped; LOG_WARN at start. */
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);
/* `event` is a fixed word documented in the man page, such as "relay-down". */
void log_line(enum log_level level, const char *event, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Appends s with control bytes, DEL and bytes that are not UTF-8 as \xNN, so that no
 * terminal or log can be driven by it. */
void printable_append(struct buf *to, struct str s);

#endif
