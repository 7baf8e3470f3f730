/*
 * format_csv.h - CSV on its way out
 *
 * Fields are quoted when they have to be (RFC 4180), lines end with a line feed.
 * Bytes are written as they are: what comes from the database is UTF-8.
 *
 * Owns:    nothing.
 * Thread:  main.
 * Errors:  the stream's own (ferror).
 * Source:  RFC 4180; OWASP, "CSV injection".
 */
#ifndef BROADSIDE_CMD_FORMAT_CSV_H
#define BROADSIDE_CMD_FORMAT_CSV_H

#include "core/base/str.h"

#include <stdio.h>

/* One row with its line end; an absent cell is an empty one. */
void csv_row(FILE *to, const struct str *cells, size_t count);
/* The same for a file that a person opens in a spreadsheet: a cell that one would
 * run as a formula (begins with = + - @, a tab or a line break) gets a leading
 * apostrophe, which spreadsheets do not show. */
void csv_row_neutral(FILE *to, const struct str *cells, size_t count);

#endif
