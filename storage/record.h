/*
 * record.h - the values of one recipient in one compact run of bytes
 *
 * Per column of the list, in list order: a varint n (7 bits a byte, low first); 0 is
 * "absent", n is a value of n-1 bytes that follow. Columns that the list gained later
 * are missing at the end, which reads as absent too. Rendering needs no parser beyond
 * this one: a loop over lengths.
 *
 * Owns:    nothing; values are slices of the record.
 * Thread:  any.
 * Errors:  record_read returns false for bytes that are no record.
 * Limits:  RECORD_COLUMNS_MAX columns.
 */
#ifndef BROADSIDE_STORAGE_RECORD_H
#define BROADSIDE_STORAGE_RECORD_H

#include "core/base/buf.h"

#define RECORD_COLUMNS_MAX 1024

/* Appends one value; STR_NULL is "absent". */
void record_append(struct buf *record, struct str value);
/* Fills values[0..count): STR_NULL for what is absent. Columns beyond `count` are
 * ignored. */
MUST_CHECK bool record_read(struct str record, struct str *values, size_t count);

#endif
