#include "storage/importer.h"

#include "core/base/clock.h"
#include "core/mail/address.h"
#include "storage/csv_delimiter.h"
#include "storage/import_writer.h"
#include "storage/lists.h"
#include "storage/rejects.h"

/*
 * This thread reads, splits and checks; the writer's thread stores. A row costs some
 * 400 ns here and 1.5 us there (docs/decisions/0003-import.md), so on two cores the
 * writer sets the pace.
 */

#define PROGRESS_ROWS 4096

struct import {
    const struct import_options *options;
    const char *name;
    struct csv_source *source;
    struct csv_rows *rows;
    struct import_header header;
    struct rejects rejects;
    struct import_writer *writer;
    struct arena arena;
    struct import_counts *counts;
    uint64_t shown_ns;
};

#define PROGRESS_EVERY_NS (NS_PER_S / 5)

static void show_progress(struct import *import)
{
    struct import_counts *counts = import->counts;
    counts->bytes = csv_source_position(import->source);
    counts->file_bytes = csv_source_size(import->source);
    import_writer_counts(import->writer, counts);
    uint64_t now = clock_mono_ns();
    if (import->options->progress == NULL || now - import->shown_ns < PROGRESS_EVERY_NS)
        return;
    import->shown_ns = now;
    import->options->progress(import->options->self, counts);
}

/* ---- one row ------------------------------------------------------------------- */

/* Control characters other than tab and line ends have no place in a name, and a NUL
 * ends text in half of the software that will see it. */
static const char *bytes_check(const struct csv_row *row)
{
    unsigned char all = 0;
    bool has_control = false;
    for (size_t i = 0; i < row->bytes.n; i++) {
        unsigned char c = (unsigned char)row->bytes.p[i];
        all |= c;
        has_control |= (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    }
    if (has_control)
        return "control character in the row";
    if (all < 0x80)
        return NULL;
    for (size_t i = 0; i < row->count; i++)
        if (!str_is_utf8(row->fields[i]))
            return "not valid UTF-8 (is it another --encoding?)";
    return NULL;
}

/* NULL if the row is good: *address is its address, in the import's arena. */
static const char *row_check(struct import *import, const struct csv_row *row,
                             struct address *address)
{
    if (row->trouble != NULL)
        return row->trouble;
    size_t columns = import->header.field_count;
    if (row->count != columns)
        return row->count < columns ? "too few fields" : "too many fields";
    const char *why = bytes_check(row);
    if (why != NULL)
        return why;
    arena_reset(&import->arena);
    return address_parse(row->fields[import->header.email_column], &import->arena,
                         address);
}

static enum err reject(struct import *import, const struct csv_row *row,
                       const char *why, struct error *error)
{
    import->counts->rejected++;
    if (!import->options->strict)
        return rejects_add(&import->rejects, row, why, error);
    return error_set(error, ERR_DATA, "import: %s:%llu: %s; nothing was stored",
                     import->name, (unsigned long long)row->line, why);
}

static enum err take_row(struct import *import, const struct csv_row *row,
                         struct error *error)
{
    struct address address;
    import->counts->rows++;
    const char *why = row_check(import, row, &address);
    if (why != NULL)
        return reject(import, row, why, error);
    const struct import_options *options = import->options;
    if (options->dump != NULL)
        options->dump(options->self, import->header.names, row->fields,
                      import->header.count);
    return import_writer_add(import->writer, &address, row->fields, error);
}

static enum err take_rows(struct import *import, struct error *error)
{
    for (;;) {
        struct csv_row row;
        enum err err = csv_rows_next(import->rows, &row, error);
        if (err == ERR_NOT_FOUND)
            return ERR_NONE;
        if (err == ERR_NONE)
            err = take_row(import, &row, error);
        if (err != ERR_NONE)
            return err;
        if (import->counts->rows % PROGRESS_ROWS == 0)
            show_progress(import);
    }
}

/* ---- the whole ----------------------------------------------------------------- */

static bool delimiter_is_usable(char c)
{
    return c > 0 && c < 0x7F && c != '"' && c != '\n' && c != '\r';
}

static enum err open_input(struct import *import, struct error *error)
{
    const struct import_options *options = import->options;
    char delimiter = options->delimiter;
    const char *trouble = list_name_trouble(options->list);
    if (trouble != NULL)
        return error_set(error, ERR_USAGE, "import: the list \"%.*s\": %s",
                         STR_ARG(options->list), trouble);
    if (delimiter != 0 && !delimiter_is_usable(delimiter))
        return error_set(error, ERR_USAGE,
                         "import: the delimiter: this character cannot be one; give "
                         "another");
    enum err err = csv_source_open(options->path, import->name, options->encoding,
                                   &import->source, error);
    if (err != ERR_NONE)
        return err;
    if (options->rejects_path != NULL &&
        csv_source_is_file(import->source, options->rejects_path))
        return error_set(
            error, ERR_USAGE,
            "import: %s: the rejects would replace the input; name another "
            "file with --rejects",
            options->rejects_path);
    struct str start;
    err = csv_source_peek(import->source, &start, error);
    if (err != ERR_NONE)
        return err;
    if (delimiter == 0)
        delimiter = csv_delimiter_detect(start, options->email_column);
    err = csv_rows_open(import->source, import->name, delimiter, &import->rows, error);
    if (err == ERR_NONE)
        err = import_header_read(&import->header, import->rows, import->name,
                                 options->email_column, error);
    rejects_init(&import->rejects, options->rejects_path, &import->header, delimiter);
    return err;
}

static enum err finish(struct import *import, struct error *error)
{
    /* A file that is cut off or written anew meanwhile would be half a list, and look
     * like a whole one. */
    if (csv_source_has_changed(import->source))
        return error_set(error, ERR_DATA,
                         "import: %s: it was changed while it was read, nothing was "
                         "stored; import it again when it is complete",
                         import->name);
    /* The rejects first: without them the good rows would be in and the bad ones
     * nowhere. */
    enum err err = rejects_keep(&import->rejects, error);
    if (err == ERR_NONE)
        err = import_writer_finish(import->writer, error);
    return err;
}

enum err import_run(struct store *store, const struct import_options *options,
                    struct import_counts *counts, struct error *error)
{
    *counts = (struct import_counts){0};
    struct import import = {.options = options, .counts = counts};
    import.name = options->name != NULL             ? options->name
                  : strcmp(options->path, "-") == 0 ? "standard input"
                                                    : options->path;
    arena_init(&import.arena, 1 << 16);
    enum err err = open_input(&import, error);
    if (err == ERR_NONE)
        err = import_writer_open(store, options, &import.header, &import.writer, error);
    if (err == ERR_NONE)
        err = take_rows(&import, error);
    if (err == ERR_NONE)
        err = finish(&import, error);
    if (import.writer != NULL)
        show_progress(&import);
    import_writer_close(import.writer);
    rejects_fini(&import.rejects);
    import_header_fini(&import.header);
    csv_rows_close(import.rows);
    csv_source_close(import.source);
    arena_fini(&import.arena);
    return err;
}
