#include "storage/csv_rows.h"

#include "core/base/buf.h"
#include "storage/importer.h"
#include "storage/record.h"

#include <csv.h>
#include <stdlib.h>

/*
 * libcsv does not say where it is, so it is fed one physical line at a time: the row
 * that is not open when a line comes begins on that line, and a row that is broken
 * ends with it. A line holds at most one row end, so there is never more than one row
 * to keep.
 *
 * Most lines of most files have no quotation mark at all; outside a quoted field such
 * a line is a record and its fields are what stands between the delimiters. They are
 * split here; it saves libcsv's step per byte, two thirds of the reading.
 */

struct csv_rows {
    struct csv_source *source;
    const char *name;
    struct csv_parser parser;
    char delimiter;
    uint64_t line;       /* of the piece being read */
    uint64_t row_line;   /* where the row began */
    uint64_t quote_line; /* where the quoted field that is open began */
    bool is_open;        /* a row has begun and not ended */
    bool is_done;        /* the row is complete */
    bool is_midline;     /* the piece before this one did not end its line */
    bool is_skipping;    /* a broken row: up to the end of its line */
    const char *trouble;
    struct buf bytes;
    size_t count;
    size_t ends[RECORD_COLUMNS_MAX]; /* offsets in bytes behind each field */
    struct str fields[RECORD_COLUMNS_MAX];
};

#define ROW_TOO_LARGE    "row is longer than 4 MiB"
#define FIELD_TOO_LARGE  "field is longer than 1 MiB"
#define TOO_MANY_COLUMNS "row has more than 1,024 columns"
#define STRAY_QUOTE      "quotation mark in the wrong place"

/* ---- what libcsv calls --------------------------------------------------------- */

/* Grows one field; beyond the limit libcsv stops with CSV_ENOMEM. libcsv wants room for
 * the closing quotation mark and for one byte more, so that the limit itself fits. */
static void *bounded_realloc(void *memory, size_t bytes)
{
    return bytes <= IMPORT_FIELD_MAX + 2 ? realloc(memory, bytes) : NULL;
}

static int no_space(unsigned char c)
{
    (void)c;
    return 0;
}

static void add_field(struct csv_rows *rows, struct str field)
{
    if (rows->count == RECORD_COLUMNS_MAX) {
        rows->trouble = TOO_MANY_COLUMNS;
        return;
    }
    if (field.n > IMPORT_FIELD_MAX) {
        rows->trouble = FIELD_TOO_LARGE;
        field = STR("");
    }
    if (rows->bytes.n + field.n > IMPORT_ROW_MAX) {
        rows->trouble = ROW_TOO_LARGE;
        field = STR("");
    }
    buf_append(&rows->bytes, field);
    rows->ends[rows->count++] = rows->bytes.n;
}

static void on_field(void *field, size_t n, void *self)
{
    add_field(self, str_slice(field, n));
}

static void on_row(int terminator, void *self)
{
    (void)terminator;
    struct csv_rows *rows = self;
    rows->is_done = true;
    rows->is_open = false;
}

/* ---- life ---------------------------------------------------------------------- */

static bool start_parser(struct csv_rows *rows)
{
    if (csv_init(&rows->parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return false;
    csv_set_delim(&rows->parser, (unsigned char)rows->delimiter);
    csv_set_space_func(&rows->parser, no_space);
    csv_set_realloc_func(&rows->parser, bounded_realloc);
    csv_set_blk_size(&rows->parser, 16384);
    return true;
}

enum err csv_rows_open(struct csv_source *source, const char *name, char delimiter,
                       struct csv_rows **rows, struct error *error)
{
    *rows = NULL;
    struct csv_rows *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ERR_MEMORY, "import: %s: out of memory", name);
    made->source = source;
    made->name = name;
    made->delimiter = delimiter;
    buf_init(&made->bytes, IMPORT_ROW_MAX + 1);
    if (!start_parser(made)) {
        free(made);
        return error_set(error, ERR_MEMORY, "import: %s: out of memory", name);
    }
    *rows = made;
    return ERR_NONE;
}

void csv_rows_close(struct csv_rows *rows)
{
    if (rows == NULL)
        return;
    csv_free(&rows->parser);
    buf_fini(&rows->bytes);
    free(rows);
}

/* ---- one line ------------------------------------------------------------------ */

static struct str without_line_end(struct str line)
{
    while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    return line;
}

/* `text` as if it held no quotation marks. */
static void split_plain(struct csv_rows *rows, struct str text)
{
    for (;;) {
        const char *end = memchr(text.p, rows->delimiter, text.n);
        if (end == NULL)
            break;
        size_t n = (size_t)(end - text.p);
        add_field(rows, str_head(text, n));
        text = str_from(text, n + 1);
    }
    add_field(rows, text);
}

/* libcsv met a quotation mark that strict mode does not allow. What it holds of the
 * field and the rest of the line are kept as they are, for the rejects file. */
static bool salvage(struct csv_rows *rows, struct str rest)
{
    struct buf text;
    buf_init(&text, IMPORT_FIELD_MAX + CSV_SOURCE_BYTES + 8);
    /* libcsv does not keep the mark that opened a field. */
    if (rows->parser.quoted)
        buf_append_char(&text, '"');
    buf_append(&text,
               str_slice((const char *)rows->parser.entry_buf, rows->parser.entry_pos));
    buf_append(&text, without_line_end(rest));
    split_plain(rows, buf_str(&text));
    buf_fini(&text);
    rows->trouble = STRAY_QUOTE;
    csv_free(&rows->parser);
    return start_parser(rows);
}

/* The field that is being read is beyond its limit: what there is of it is forgotten,
 * but for the one byte that libcsv may still take back (the quote that ended it). */
static void forget_field(struct csv_rows *rows)
{
    rows->trouble = FIELD_TOO_LARGE;
    rows->parser.entry_pos = 1;
}

static enum err parse_quoted(struct csv_rows *rows, struct csv_line line,
                             struct error *error)
{
    struct str rest = line.bytes;
    while (rest.n > 0) {
        size_t n = csv_parse(&rows->parser, rest.p, rest.n, on_field, on_row, rows);
        /* libcsv counts the byte that it refuses as not read. */
        rest = str_from(rest, n);
        if (rest.n == 0)
            break;
        if (csv_error(&rows->parser) == CSV_ENOMEM && rows->parser.entry_pos > 1) {
            forget_field(rows);
            continue;
        }
        if (csv_error(&rows->parser) != CSV_EPARSE || !salvage(rows, rest))
            return error_set(error, ERR_MEMORY, "import: %s:%llu: out of memory",
                             rows->name, (unsigned long long)rows->line);
        rows->is_open = false;
        rows->is_done = line.ends;
        rows->is_skipping = !line.ends;
        break;
    }
    return ERR_NONE;
}

static bool is_plain(const struct csv_rows *rows, struct csv_line line)
{
    return !rows->is_open && line.ends &&
           memchr(line.bytes.p, '"', line.bytes.n) == NULL;
}

static enum err take_line(struct csv_rows *rows, struct csv_line line,
                          struct error *error)
{
    if (rows->is_skipping) {
        rows->is_skipping = !line.ends;
        rows->is_done = line.ends;
        return ERR_NONE;
    }
    struct str text = without_line_end(line.bytes);
    if (!rows->is_open && text.n == 0)
        return ERR_NONE;
    if (!rows->is_open)
        rows->row_line = rows->line;
    if (is_plain(rows, line)) {
        split_plain(rows, text);
        rows->is_done = true;
        return ERR_NONE;
    }
    size_t count = rows->count;
    if (!rows->is_open)
        rows->quote_line = rows->line;
    rows->is_open = true;
    enum err err = parse_quoted(rows, line, error);
    if (rows->is_open && rows->count > count)
        rows->quote_line = rows->line;
    return err;
}

/* ---- rows ---------------------------------------------------------------------- */

static void show(struct csv_rows *rows, struct csv_row *row)
{
    size_t start = 0;
    const char *p = rows->bytes.p != NULL ? rows->bytes.p : "";
    for (size_t i = 0; i < rows->count; i++) {
        rows->fields[i] = str_slice(p + start, rows->ends[i] - start);
        start = rows->ends[i];
    }
    *row = (struct csv_row){.line = rows->row_line,
                            .fields = rows->fields,
                            .count = rows->count,
                            .bytes = buf_str(&rows->bytes),
                            .trouble = rows->trouble};
}

static enum err finish(struct csv_rows *rows, struct error *error)
{
    if (csv_fini(&rows->parser, on_field, on_row, rows) == 0) {
        /* A row that was broken in the last line, which had no end. */
        if (rows->is_skipping)
            rows->is_done = true;
        rows->is_skipping = false;
        return rows->is_done ? ERR_NONE : ERR_NOT_FOUND;
    }
    return error_set(
        error, ERR_DATA,
        "import: %s:%llu: a quotation mark that opens here is never closed; "
        "nothing was stored",
        rows->name, (unsigned long long)rows->quote_line);
}

enum err csv_rows_next(struct csv_rows *rows, struct csv_row *row, struct error *error)
{
    buf_clear(&rows->bytes);
    rows->count = 0;
    rows->trouble = NULL;
    rows->is_done = false;
    enum err err = ERR_NONE;
    while (err == ERR_NONE && !rows->is_done) {
        struct csv_line line;
        err = csv_source_next(rows->source, &line, error);
        if (err != ERR_NONE)
            break;
        if (!rows->is_midline)
            rows->line++;
        rows->is_midline = !line.ends;
        err = take_line(rows, line, error);
    }
    if (err == ERR_NOT_FOUND)
        err = finish(rows, error);
    if (err == ERR_NONE && rows->bytes.failed != ERR_NONE)
        err = error_set(error, rows->bytes.failed, "import: %s: out of memory",
                        rows->name);
    if (err == ERR_NONE)
        show(rows, row);
    return err;
}
