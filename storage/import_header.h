/*
 * import_header.h - what the first record of a file says about the others
 *
 * Owns:    the names, in its arena.
 * Thread:  one at a time.
 * Errors:  ERR_DATA with file:line: (no record, an empty or repeated name, no column
 *          for the address), ERR_USAGE (--email-column names none), ERR_MEMORY.
 */
#ifndef BROADSIDE_STORAGE_IMPORT_HEADER_H
#define BROADSIDE_STORAGE_IMPORT_HEADER_H

#include "core/base/arena.h"
#include "storage/csv_rows.h"

struct import_header {
    struct arena arena;
    uint64_t line;
    /* The file's columns without a rejects file's own two. */
    struct str *names;
    size_t count;
    /* How many fields a row has: count, or two more. */
    size_t field_count;
    size_t email_column;
};

/* Reads the header record. `email_column` as in import_options. */
MUST_CHECK enum err import_header_read(struct import_header *header,
                                       struct csv_rows *rows, const char *name,
                                       struct str email_column, struct error *error);
void import_header_fini(struct import_header *header);
/* True if a column of that name holds the address. `wanted` as `email_column` above. */
bool import_header_is_email(struct str name, struct str wanted);
/* The column of that exact name, or SIZE_MAX. */
size_t import_header_find(const struct import_header *header, struct str name);

#endif
