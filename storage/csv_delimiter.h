/*
 * csv_delimiter.h - what the columns of a file are separated by
 *
 * Owns:    nothing.
 * Thread:  any.
 * Cost:    O(the first line).
 */
#ifndef BROADSIDE_STORAGE_CSV_DELIMITER_H
#define BROADSIDE_STORAGE_CSV_DELIMITER_H

#include "core/base/str.h"

/* Which of , ; TAB | separates the first record of `text`, the start of a file: the one
 * that makes a column for the address (`email_column`, or a usual name of it if that is
 * STR_NULL); of several the one that the record has most of; ',' if there is none. */
char csv_delimiter_detect(struct str text, struct str email_column);

#endif
