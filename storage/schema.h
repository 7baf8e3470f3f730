/*
 * schema.h - what the tables are, and the way from older ones to these
 *
 * The file carries an application id ("brds") and a version. A file of another
 * application, of a newer version, or whose tables are not ours is refused; an older
 * one is brought up to date in one transaction.
 *
 * Thread:  the store's.
 * Errors:  the store's.
 */
#ifndef BROADSIDE_STORAGE_SCHEMA_H
#define BROADSIDE_STORAGE_SCHEMA_H

#include "storage/database.h"

#define SCHEMA_APPLICATION_ID 0x62726473
#define SCHEMA_VERSION        3

/* Creates, migrates or checks. */
MUST_CHECK enum err schema_prepare(struct store *store, struct error *error);
/* ERR_STORAGE if the file is not ours to write to; reads only. */
MUST_CHECK enum err schema_refuse_foreign(struct store *store, struct error *error);

#endif
