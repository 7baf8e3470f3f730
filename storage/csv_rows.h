/*
 * csv_rows.h - the records of a CSV file, each with the line it begins on
 *
 * RFC 4180 through libcsv in strict mode; spaces belong to the value. A record that
 * breaks the rules (a quotation mark in the wrong place, too large) is handed out as
 * far as it could be read, with what is wrong with it, and reading goes on at the next
 * line. Blank lines are no records.
 *
 * Owns:    the parser and the row it shows.
 * Keeps:   the source, until csv_rows_close.
 * Thread:  one at a time.
 * Errors:  the source's; ERR_DATA with file:line: for a quotation mark that is never
 *          closed; ERR_MEMORY.
 * Limits:  IMPORT_FIELD_MAX, IMPORT_ROW_MAX, RECORD_COLUMNS_MAX: a row beyond them is a
 *          broken one, in bounded memory and linear time.
 */
#ifndef BROADSIDE_STORAGE_CSV_ROWS_H
#define BROADSIDE_STORAGE_CSV_ROWS_H

#include "storage/csv_source.h"

struct csv_rows;

struct csv_row {
    /* The physical line, from 1, on which it begins. */
    uint64_t line;
    const struct str *fields;
    size_t count;
    /* All fields behind each other. */
    struct str bytes;
    /* What is wrong with it as CSV; NULL: nothing. */
    const char *trouble;
};

/* `delimiter` is one ASCII character. */
MUST_CHECK enum err csv_rows_open(struct csv_source *source, const char *name,
                                  char delimiter, struct csv_rows **rows,
                                  struct error *error);
void csv_rows_close(struct csv_rows *rows);
/* ERR_NOT_FOUND at the end. The row is good until the next call. */
MUST_CHECK enum err csv_rows_next(struct csv_rows *rows, struct csv_row *row,
                                  struct error *error);

#endif
