/*
 * lines_in.h - standard input, line by line
 *
 * Owns:    nothing; a line lies in the caller's buffer.
 * Thread:  main.
 * Errors:  ferror(from) tells, after the last line.
 * Limits:  the buffer's: what goes beyond is cut off.
 */
#ifndef BROADSIDE_CMD_LINES_IN_H
#define BROADSIDE_CMD_LINES_IN_H

#include "core/base/buf.h"

#include <stdio.h>

/* The next line without its line feed; false at the end. A last line without a line
 * feed is one too. */
bool line_read(FILE *from, struct buf *line);

#endif
