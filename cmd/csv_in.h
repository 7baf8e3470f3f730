/*
 * csv_in.h - small CSV files of our own, read record by record
 *
 * For what `suppress export` writes and for lists of one address a line. Recipients
 * come through storage/importer.h, which is strict, fast and knows encodings.
 *
 * Owns:    the current record, from csv_in_init to csv_in_fini.
 * Thread:  one at a time.
 * Errors:  csv_in_next: ERR_DATA (a quote that does not end or ends inside a field),
 *          ERR_LIMIT, ERR_CLOSED at the end of the input.
 * Limits:  CSV_IN_FIELDS_MAX fields, CSV_IN_BYTES_MAX bytes a record.
 * Source:  RFC 4180; lines may end with LF alone, blank ones are passed over.
 */
#ifndef BROADSIDE_CMD_CSV_IN_H
#define BROADSIDE_CMD_CSV_IN_H

#include "core/base/buf.h"

#include <stdio.h>

#define CSV_IN_FIELDS_MAX 32
#define CSV_IN_BYTES_MAX  65536

struct csv_in {
    FILE *from;
    /* Where the current record began, and where reading has come to; from 1. */
    unsigned long line, next_line;
    struct buf text;
    size_t ends[CSV_IN_FIELDS_MAX];
    size_t field_count;
};

void csv_in_init(struct csv_in *csv, FILE *from);
void csv_in_fini(struct csv_in *csv);
MUST_CHECK enum err csv_in_next(struct csv_in *csv);
/* The current record's field, "" beyond the last; valid until the next record. */
struct str csv_in_field(const struct csv_in *csv, size_t index);

#endif
