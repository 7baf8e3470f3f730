#include "storage/rejects.h"

#include "storage/import_header.h"
#include "storage/importer.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* The second pair is for files that have a column of the first pair's names. */
static const struct {
    struct str line, reason;
} column_names[] = {
    {{"line", 4}, {"reason", 6}},
    {{"reject_line", 11}, {"reject_reason", 13}},
};

bool rejects_columns_match(struct str line, struct str reason)
{
    for (size_t i = 0; i < 2; i++)
        if (str_equal(line, column_names[i].line) &&
            str_equal(reason, column_names[i].reason))
            return true;
    return false;
}

void rejects_init(struct rejects *rejects, const char *path,
                  const struct import_header *header, char delimiter)
{
    *rejects = (struct rejects){.path = path, .header = header, .delimiter = delimiter};
    buf_init(&rejects->line, 2 * IMPORT_ROW_MAX + (1 << 16));
}

static bool needs_quotes(struct str value, char delimiter)
{
    if (value.n == 0)
        return false;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] == delimiter || value.p[i] == '"' || value.p[i] == '\n' ||
            value.p[i] == '\r')
            return true;
    return value.p[0] == ' ' || value.p[value.n - 1] == ' ';
}

static void append_cell(struct buf *line, struct str value, char delimiter)
{
    if (!needs_quotes(value, delimiter)) {
        buf_append(line, value);
        return;
    }
    buf_append_char(line, '"');
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"')
            buf_append_char(line, '"');
        buf_append_char(line, value.p[i]);
    }
    buf_append_char(line, '"');
}

static enum err fail(struct rejects *rejects, struct error *error)
{
    return error_cannot_write(error, "cannot write the rejects", rejects->path, errno,
                              "--rejects");
}

static enum err write_line(struct rejects *rejects, struct error *error)
{
    buf_append_char(&rejects->line, '\n');
    struct str line = buf_str(&rejects->line);
    if (rejects->line.failed != ERR_NONE)
        return error_set(error, rejects->line.failed,
                         "write rejects: %s: a row is too "
                         "large",
                         rejects->path);
    if (fwrite(line.p, 1, line.n, rejects->file) != line.n)
        return fail(rejects, error);
    return ERR_NONE;
}

static enum err write_header(struct rejects *rejects, struct error *error)
{
    const struct import_header *header = rejects->header;
    bool is_taken = import_header_find(header, column_names[0].line) != SIZE_MAX ||
                    import_header_find(header, column_names[0].reason) != SIZE_MAX;
    buf_clear(&rejects->line);
    for (size_t i = 0; i < header->count; i++) {
        append_cell(&rejects->line, header->names[i], rejects->delimiter);
        buf_append_char(&rejects->line, rejects->delimiter);
    }
    buf_append(&rejects->line, column_names[is_taken].line);
    buf_append_char(&rejects->line, rejects->delimiter);
    buf_append(&rejects->line, column_names[is_taken].reason);
    return write_line(rejects, error);
}

static enum err open_file(struct rejects *rejects, struct error *error)
{
    if (asprintf(&rejects->temporary, "%s.XXXXXX", rejects->path) < 0) {
        rejects->temporary = NULL;
        return error_set(error, ERR_MEMORY, "write rejects: a row: out of memory");
    }
    int fd = mkstemp(rejects->temporary);
    if (fd >= 0)
        rejects->file = fdopen(fd, "w");
    if (rejects->file != NULL)
        return write_header(rejects, error);
    enum err err = fail(rejects, error);
    if (fd >= 0)
        close(fd);
    else
        free(rejects->temporary), rejects->temporary = NULL;
    return err;
}

/* The reason, and what the row has beyond the columns. */
static void append_reason(struct rejects *rejects, const struct csv_row *row,
                          const char *reason)
{
    struct buf text;
    buf_init(&text, IMPORT_ROW_MAX + 4096);
    buf_append(&text, str_of(reason));
    size_t columns = rejects->header->field_count;
    for (size_t i = columns; i < row->count; i++) {
        buf_append(&text, i == columns ? STR("; left over: ") : STR(" | "));
        buf_append(&text, row->fields[i]);
    }
    append_cell(&rejects->line, buf_str(&text), rejects->delimiter);
    buf_fini(&text);
}

enum err rejects_add(struct rejects *rejects, const struct csv_row *row,
                     const char *reason, struct error *error)
{
    rejects->count++;
    if (rejects->path == NULL)
        return ERR_NONE;
    enum err err = rejects->file == NULL ? open_file(rejects, error) : ERR_NONE;
    if (err != ERR_NONE)
        return err;
    buf_clear(&rejects->line);
    for (size_t i = 0; i < rejects->header->count; i++) {
        struct str value = i < row->count ? row->fields[i] : STR("");
        append_cell(&rejects->line, value, rejects->delimiter);
        buf_append_char(&rejects->line, rejects->delimiter);
    }
    buf_append_u64(&rejects->line, row->line);
    buf_append_char(&rejects->line, rejects->delimiter);
    append_reason(rejects, row, reason);
    return write_line(rejects, error);
}

enum err rejects_keep(struct rejects *rejects, struct error *error)
{
    if (rejects->file == NULL)
        return ERR_NONE;
    FILE *file = rejects->file;
    rejects->file = NULL;
    if (fclose(file) != 0 || rename(rejects->temporary, rejects->path) != 0)
        return fail(rejects, error);
    free(rejects->temporary);
    rejects->temporary = NULL;
    return ERR_NONE;
}

void rejects_fini(struct rejects *rejects)
{
    if (rejects->file != NULL)
        (void)fclose(rejects->file);
    if (rejects->temporary != NULL)
        (void)unlink(rejects->temporary);
    free(rejects->temporary);
    buf_fini(&rejects->line);
}
