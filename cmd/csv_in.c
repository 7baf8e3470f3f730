#include "cmd/csv_in.h"

void csv_in_init(struct csv_in *csv, FILE *from)
{
    *csv = (struct csv_in){.from = from, .next_line = 1};
    buf_init(&csv->text, CSV_IN_BYTES_MAX);
    /* A byte order mark is no part of the first field. */
    int c = getc(from);
    if (c != 0xEF) {
        (void)ungetc(c, from);
        return;
    }
    (void)getc(from);
    (void)getc(from);
}

void csv_in_fini(struct csv_in *csv)
{
    buf_fini(&csv->text);
}

static int next_char(struct csv_in *csv)
{
    int c = getc(csv->from);
    csv->next_line += c == '\n';
    return c;
}

/* Up to the quotation mark that ends it; what follows that into *after. */
static enum err read_quoted(struct csv_in *csv, int *after)
{
    for (;;) {
        int c = next_char(csv);
        if (c == EOF)
            return ERR_DATA;
        if (c == '"') {
            *after = next_char(csv);
            if (*after != '"')
                return ERR_NONE;
        }
        buf_append_char(&csv->text, (char)c);
    }
}

static enum err end_field(struct csv_in *csv)
{
    if (csv->field_count == CSV_IN_FIELDS_MAX || csv->text.failed != ERR_NONE)
        return ERR_LIMIT;
    csv->ends[csv->field_count++] = csv->text.n;
    return ERR_NONE;
}

/* One field; *after is the comma, line feed or EOF behind it. */
static enum err read_field(struct csv_in *csv, int *after)
{
    int c = next_char(csv);
    if (c == '"') {
        enum err err = read_quoted(csv, &c);
        if (err != ERR_NONE)
            return err;
        if (c == '\r')
            c = next_char(csv);
        if (c != ',' && c != '\n' && c != EOF)
            return ERR_DATA;
    } else {
        for (; c != ',' && c != '\n' && c != EOF; c = next_char(csv))
            buf_append_char(&csv->text, (char)c);
        size_t start = csv->field_count > 0 ? csv->ends[csv->field_count - 1] : 0;
        if (c != ',' && csv->text.n > start && csv->text.p[csv->text.n - 1] == '\r')
            csv->text.n--;
    }
    *after = c;
    return end_field(csv);
}

/* So that the next record begins on a line of its own after a bad one. */
static void skip_line(struct csv_in *csv, int last)
{
    while (last != '\n' && last != EOF)
        last = next_char(csv);
}

enum err csv_in_next(struct csv_in *csv)
{
    for (;;) {
        int after = 0;
        enum err err = ERR_NONE;
        buf_clear(&csv->text);
        csv->field_count = 0;
        csv->line = csv->next_line;
        do {
            err = read_field(csv, &after);
        } while (err == ERR_NONE && after == ',');
        if (err != ERR_NONE) {
            skip_line(csv, after);
            return err;
        }
        if (csv->field_count > 1 || csv->text.n > 0)
            return ERR_NONE;
        if (after == EOF)
            return ERR_CLOSED;
    }
}

struct str csv_in_field(const struct csv_in *csv, size_t index)
{
    if (index >= csv->field_count)
        return STR("");
    size_t start = index > 0 ? csv->ends[index - 1] : 0;
    return str_slice(buf_str(&csv->text).p + start, csv->ends[index] - start);
}
