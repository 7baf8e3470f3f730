/*
 * importer.h - a CSV file into a list, all of it or nothing
 *
 * Good rows go in, bad rows go into the rejects file with line and reason; what cannot
 * be read as CSV at all (a quote that never ends, a header that names nothing, an
 * encoding that is not what it is said to be) stores nothing. One transaction.
 *
 * What is counted: every record behind the header is a row, blank lines are none.
 *   rows = imported + updated + duplicates + rejected
 *   imported    addresses the list did not have before
 *   updated     addresses it had; the row's values replaced theirs (update). A column
 *               that the file does not have keeps its value.
 *   duplicates  rows whose address stood in this file before (update: they replaced
 *               the values of that row; skip: they were ignored), or with skip those
 *               whose address the list had
 *   rejected    rows that are no good: in the rejects file
 *
 * Columns `line` and `reason` at the end of a header that has both are those of a
 * rejects file: they are left out, so that a corrected rejects file imports again.
 *
 * Owns:    everything it opens.
 * Thread:  the store's; callbacks run on it. One more thread of its own writes.
 * Errors:  ERR_DATA with file:line: (nothing stored, also a bad row with strict),
 *          ERR_NO_INPUT, ERR_PERMISSION, ERR_USAGE (options), the store's.
 * Limits:  IMPORT_FIELD_MAX, IMPORT_ROW_MAX, RECORD_COLUMNS_MAX; memory does not
 *          depend on the size of the file.
 * Source:  RFC 4180.
 */
#ifndef BROADSIDE_STORAGE_IMPORTER_H
#define BROADSIDE_STORAGE_IMPORTER_H

#include "storage/store.h"

#define IMPORT_FIELD_MAX (1U << 20)
#define IMPORT_ROW_MAX   (4U << 20)

struct import_counts {
    uint64_t rows, imported, updated, duplicates, rejected;
    /* Bytes read so far, and the size of the file (0 if it has none: a pipe). */
    uint64_t bytes, file_bytes;
};

struct import_options {
    struct str list;
    /* "-" is standard input. */
    const char *path;
    /* How error lines name the input; NULL: the path, "standard input" for "-". */
    const char *name;
    /* STR_NULL: the one column named email, e-mail, mail or address in any case, in
     * this order of preference. */
    struct str email_column;
    /* 0: whichever of , ; TAB | the header has most of. */
    char delimiter;
    /* As iconv names it; NULL: UTF-8. A byte order mark is eaten. */
    const char *encoding;
    /* A row whose address is there already changes nothing. */
    bool skip_duplicates;
    /* Any bad row: ERR_DATA, nothing stored, no rejects file. */
    bool strict;
    /* Everything but the storing. */
    bool dry_run;
    /* Written only if a row is rejected; NULL: nowhere. */
    const char *rejects_path;
    /* Each row that was not rejected, in file order; may be NULL. */
    void (*dump)(void *self, const struct str *columns, const struct str *values,
                 size_t count);
    /* Several times a second; may be NULL. `imported`, `updated` and `duplicates`
     * lag behind. */
    void (*progress)(void *self, const struct import_counts *counts);
    void *self;
    /* 0 and in tests more: rows per batch of the writer. */
    size_t batch_rows;
};

/* On failure *counts tells how far it came. */
MUST_CHECK enum err import_run(struct store *store,
                               const struct import_options *options,
                               struct import_counts *counts, struct error *error);

#endif
