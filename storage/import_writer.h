/*
 * import_writer.h - good rows into a list, in sorted batches, on a thread of its own
 *
 * The reader fills a batch while the writer stores the one before. All of it is one
 * transaction: import_writer_finish commits, anything else leaves the list as it was.
 *
 * Owns:    the transaction, its thread and IMPORT_BATCHES batches.
 * Keeps:   the store, which nobody else may use until import_writer_close.
 * Thread:  one calls; the writer's thread alone touches SQLite between open and finish.
 * Errors:  the store's. After an error of the writer every call reports it.
 * Limits:  IMPORT_BATCH_ROWS and IMPORT_BATCH_BYTES a batch.
 */
#ifndef BROADSIDE_STORAGE_IMPORT_WRITER_H
#define BROADSIDE_STORAGE_IMPORT_WRITER_H

#include "core/mail/address.h"
#include "storage/import_header.h"
#include "storage/importer.h"

#define IMPORT_BATCHES     2
#define IMPORT_BATCH_ROWS  65536
#define IMPORT_BATCH_BYTES (8U << 20)

struct import_writer;

MUST_CHECK enum err import_writer_open(struct store *store,
                                       const struct import_options *options,
                                       const struct import_header *header,
                                       struct import_writer **writer,
                                       struct error *error);
/* Copies a checked row: values[0..header->count). */
MUST_CHECK enum err import_writer_add(struct import_writer *writer,
                                      const struct address *address,
                                      const struct str *values, struct error *error);
/* How far it has got; lags behind what was added. */
void import_writer_counts(struct import_writer *writer, struct import_counts *counts);
/* Waits until everything is written, then commits, or with dry_run rolls back. */
MUST_CHECK enum err import_writer_finish(struct import_writer *writer,
                                         struct error *error);
/* Rolls back what was not finished. NULL is allowed. */
void import_writer_close(struct import_writer *writer);

#endif
