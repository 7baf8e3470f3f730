/*
 * rejects.h - the file of the rows that were no good
 *
 * The original columns, then the line the row begins on and the reason, in the input's
 * own delimiter and UTF-8: to be corrected and imported again. What a row has too many
 * is named in the reason, so that nothing is lost and every record has the same
 * number of fields. It is written beside its place and moved there at the end, and
 * there is none if no row was rejected.
 *
 * Owns:    the open file.
 * Keeps:   the header and path given, until rejects_fini.
 * Thread:  one at a time.
 * Errors:  ERR_OS, ERR_PERMISSION, ERR_STORAGE (disk full).
 */
#ifndef BROADSIDE_STORAGE_REJECTS_H
#define BROADSIDE_STORAGE_REJECTS_H

#include "core/base/buf.h"
#include "storage/csv_rows.h"

#include <stdio.h>

struct import_header;

struct rejects {
    /* NULL: rows are only counted. */
    const char *path;
    const struct import_header *header;
    char delimiter;
    char *temporary;
    FILE *file;
    uint64_t count;
    struct buf line;
};

void rejects_init(struct rejects *rejects, const char *path,
                  const struct import_header *header, char delimiter);
MUST_CHECK enum err rejects_add(struct rejects *rejects, const struct csv_row *row,
                                const char *reason, struct error *error);
/* Moves the file to its place if there is one. */
MUST_CHECK enum err rejects_keep(struct rejects *rejects, struct error *error);
/* Removes what was not kept. */
void rejects_fini(struct rejects *rejects);

/* True if two column names are those of a rejects file. */
bool rejects_columns_match(struct str line, struct str reason);

#endif
