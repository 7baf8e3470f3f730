/*
 * format_table.h - rows under a header line, columns aligned, for a person
 *
 * What a cell holds is made printable first. Rows are held back until TABLE_ROWS of
 * them are there, so that a table of a million rows costs no more memory than that;
 * columns that turn out wider later simply grow from there on.
 *
 * Owns:    its buffered rows, from table_init to table_fini.
 * Thread:  main.
 * Errors:  the stream's own (ferror); without memory a CHECK.
 * Limits:  TABLE_COLUMNS_MAX columns, TABLE_ROWS rows held, a cell of 2,000 bytes.
 */
#ifndef BROADSIDE_CMD_FORMAT_TABLE_H
#define BROADSIDE_CMD_FORMAT_TABLE_H

#include "core/base/buf.h"

#include <stdio.h>

#define TABLE_COLUMNS_MAX 16
#define TABLE_ROWS        400

struct table_column {
    const char *title;
    /* Numbers stand to the right. */
    bool is_number;
};

struct table {
    FILE *to;
    const struct table_column *columns;
    size_t column_count, cell_count;
    size_t widths[TABLE_COLUMNS_MAX];
    /* The cells' texts one after the other, and where each ends. */
    struct buf text;
    size_t ends[TABLE_ROWS * TABLE_COLUMNS_MAX];
    bool header_printed;
    /* What every line begins with. */
    const char *indent;
};

/* `columns` has to stay until table_fini. */
void table_init(struct table *table, FILE *to, const struct table_column *columns,
                size_t column_count);
/* The next cell of the current row; the last one ends it. */
void table_cell(struct table *table, struct str text);
void table_cell_u64(struct table *table, uint64_t number);
/* Prints what is held back. The header is printed even if there were no rows. */
void table_fini(struct table *table);

#endif
