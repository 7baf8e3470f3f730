/*
 * store.h - the database: opening it, and what is true of the file
 *
 * One SQLite file in WAL mode, synchronous=FULL: what a committed transaction wrote
 * survives kill -9 and power loss. `store` is one connection to it. The other headers
 * of this folder are its verbs: lists, importer, suppressions, campaigns, ledger_store,
 * reports.
 *
 * Owns:    the connection, its prepared statements and a file descriptor on
 *          PATH.lock, which carries the locks of runs.
 * Thread:  one at a time; a thread that wants its own opens its own.
 * Time:    every time stored is wall milliseconds since 1970, UTC.
 * Errors:  ERR_STORAGE (disk, corruption, no database of ours, made by a newer
 *          version, busy for STORE_BUSY_MS), ERR_PERMISSION, ERR_OS, ERR_MEMORY.
 * Limits:  a page cache of STORE_CACHE_KIB; no memory map; a write-ahead log that is
 *          copied back from STORE_WAL_BYTES on.
 * Source:  https://sqlite.org/wal.html, https://sqlite.org/security.html
 */
#ifndef BROADSIDE_STORAGE_STORE_H
#define BROADSIDE_STORAGE_STORE_H

#include "core/base/err.h"
#include "core/base/str.h"

#define STORE_BUSY_MS   5000
#define STORE_CACHE_KIB 8192
#define STORE_WAL_BYTES (INT64_C(16) << 20)

struct store;

/* Opens the database at `path`, creating it (mode 0600) if there is none, and brings
 * an older schema up to date. *store is NULL on failure. */
MUST_CHECK enum err store_open(const char *path, struct store **store,
                               struct error *error);
/* The same for somebody who only reads, and may not be allowed more: a database that
 * cannot be written is opened as it is. ERR_PERMISSION if SQLite cannot read it there
 * without writing (its -shm file is missing and cannot be made). */
MUST_CHECK enum err store_open_to_read(const char *path, struct store **store,
                                       struct error *error);
/* NULL is allowed. */
void store_close(struct store *store);
const char *store_path(const struct store *store);

#endif
