#include "cmd/format_csv.h"

static bool needs_quotes(struct str cell)
{
    for (size_t i = 0; i < cell.n; i++)
        if (cell.p[i] == ',' || cell.p[i] == '"' || cell.p[i] == '\n' ||
            cell.p[i] == '\r')
            return true;
    /* Readers that trim would lose them. */
    return cell.n > 0 && (cell.p[0] == ' ' || cell.p[0] == '\t' ||
                          cell.p[cell.n - 1] == ' ' || cell.p[cell.n - 1] == '\t');
}

static void put(FILE *to, struct str s)
{
    if (s.n > 0)
        (void)fwrite(s.p, 1, s.n, to);
}

static void csv_cell(FILE *to, struct str cell, bool with_apostrophe)
{
    const char *prefix = with_apostrophe ? "'" : "";
    if (!needs_quotes(cell)) {
        (void)fputs(prefix, to);
        put(to, cell);
        return;
    }
    (void)fprintf(to, "\"%s", prefix);
    do {
        struct str rest;
        put(to, str_split(cell, '"', &rest));
        if (!str_is_null(rest))
            (void)fputs("\"\"", to);
        cell = rest;
    } while (!str_is_null(cell));
    (void)fputc('"', to);
}

static bool runs_as_formula(struct str cell)
{
    return cell.n > 0 && memchr("=+-@\t\r\n", cell.p[0], 7) != NULL;
}

static void csv_row_write(FILE *to, const struct str *cells, size_t count, bool neutral)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            (void)fputc(',', to);
        csv_cell(to, cells[i], neutral && runs_as_formula(cells[i]));
    }
    /* A row of one empty cell would read as no row at all. */
    if (count == 1 && cells[0].n == 0)
        (void)fputs("\"\"", to);
    (void)fputc('\n', to);
}

void csv_row(FILE *to, const struct str *cells, size_t count)
{
    csv_row_write(to, cells, count, false);
}

void csv_row_neutral(FILE *to, const struct str *cells, size_t count)
{
    csv_row_write(to, cells, count, true);
}
