#include "cmd/format_table.h"

#include "core/base/log.h"

#define CELL_BYTES_MAX 2000
#define TEXT_BYTES_MAX ((size_t)TABLE_ROWS * TABLE_COLUMNS_MAX * CELL_BYTES_MAX * 4)

void table_init(struct table *table, FILE *to, const struct table_column *columns,
                size_t column_count)
{
    CHECK(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
    table->to = to;
    table->columns = columns;
    table->column_count = column_count;
    table->cell_count = 0;
    table->header_printed = false;
    table->indent = "";
    buf_init(&table->text, TEXT_BYTES_MAX);
    for (size_t i = 0; i < column_count; i++)
        table->widths[i] = strlen(columns[i].title);
}

static void print_cell(const struct table *table, size_t column, struct str text)
{
    size_t width = str_characters(text);
    size_t pad = table->widths[column] > width ? table->widths[column] - width : 0;
    if (column > 0)
        (void)fputs("  ", table->to);
    else
        (void)fputs(table->indent, table->to);
    if (table->columns[column].is_number)
        (void)fprintf(table->to, "%*s", (int)pad, "");
    (void)fwrite(text.p, 1, text.n, table->to);
    if (column + 1 == table->column_count)
        (void)fputc('\n', table->to);
    else if (!table->columns[column].is_number)
        (void)fprintf(table->to, "%*s", (int)pad, "");
}

static void table_print(struct table *table)
{
    size_t start = 0;
    CHECK(table->column_count > 0);
    if (!table->header_printed)
        for (size_t i = 0; i < table->column_count; i++)
            print_cell(table, i, str_of(table->columns[i].title));
    table->header_printed = true;
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t end = table->ends[i];
        print_cell(table, i % table->column_count,
                   str_slice(buf_str(&table->text).p + start, end - start));
        start = end;
    }
    table->cell_count = 0;
    buf_clear(&table->text);
}

void table_cell(struct table *table, struct str text)
{
    size_t start = table->text.n, column = table->cell_count % table->column_count;
    if (column == 0 && table->cell_count >= TABLE_ROWS * table->column_count) {
        table_print(table);
        start = 0;
    }
    printable_append(&table->text, str_head(text, CELL_BYTES_MAX));
    CHECK(table->text.failed == ERR_NONE);
    table->ends[table->cell_count++] = table->text.n;
    struct str shown =
        str_slice(buf_str(&table->text).p + start, table->text.n - start);
    size_t width = str_characters(shown);
    if (width > table->widths[column])
        table->widths[column] = width;
}

void table_cell_u64(struct table *table, uint64_t number)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    table_cell(table, str_slice(text, (size_t)n));
}

void table_fini(struct table *table)
{
    table_print(table);
    buf_fini(&table->text);
}
