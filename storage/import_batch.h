/*
 * import_batch.h - one batch of rows, and storing it
 *
 * Owns:    a batch its rows and bytes; a target its statements and domain numbers.
 * Thread:  whoever holds the batch; the target is the writer thread's.
 * Errors:  the store's.
 * Limits:  DOMAINS_KEPT names of domains in memory.
 */
#ifndef BROADSIDE_STORAGE_IMPORT_BATCH_H
#define BROADSIDE_STORAGE_IMPORT_BATCH_H

#include "core/base/mailbox.h"
#include "storage/address_key.h"
#include "storage/domain_numbers.h"
#include "storage/importer.h"
#include "storage/record.h"

struct import_row {
    /* The first place of its address in recipient_key. */
    int64_t key;
    /* The recipient that holds the place it found; its own if it is new. */
    int64_t recipient;
    /* In the batch's bytes: the address, its domain at its end; then the record. */
    size_t offset;
    uint32_t address_n, domain_n, record_n;
};

struct import_batch {
    struct mail mail;
    struct buf bytes;
    struct import_row *rows;
    /* Row numbers in key order. */
    struct import_place {
        int64_t key;
        uint32_t row;
    } * places;
    size_t n;
    bool is_last;
};

struct import_target {
    struct store *store;
    int64_t list_id;
    /* This import's number in the list: who it touched already. */
    int64_t import_number;
    bool skip_duplicates;
    /* The list's columns, and which of them the file has. */
    size_t column_count;
    bool is_given[RECORD_COLUMNS_MAX];
    /* Where this import's recipients begin, and the next free number. */
    int64_t first_id, next_id;
    struct domain_numbers domains;
    sqlite3_stmt *add_key, *find_key, *add_row, *find_row, *update_row;
    struct buf record;
    struct import_counts counts;
};

/* False without memory. */
bool import_batch_init(struct import_batch *batch, size_t max_rows);
void import_batch_clear(struct import_batch *batch);
void import_batch_fini(struct import_batch *batch);

/* Needs list_id, column_count and is_given. */
MUST_CHECK enum err import_target_open(struct import_target *target,
                                       struct store *store, bool skip_duplicates,
                                       struct error *error);
MUST_CHECK enum err import_target_store(struct import_target *target,
                                        struct import_batch *batch,
                                        struct error *error);
/* The list's own row: its run of recipients and their number. */
MUST_CHECK enum err import_target_finish(struct import_target *target,
                                         struct error *error);
void import_target_close(struct import_target *target);

#endif
