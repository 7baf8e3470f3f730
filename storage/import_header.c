#include "storage/import_header.h"

#include "storage/rejects.h"

static enum err fail(struct import_header *header, const char *file, size_t column,
                     const char *why, struct str name, struct error *error)
{
    return error_set(error, ERR_DATA, "import: %s:%llu: column %zu \"%.*s\": %s", file,
                     (unsigned long long)header->line, column + 1, STR_ARG(name), why);
}

static enum err check_names(struct import_header *header, const char *file,
                            struct error *error)
{
    for (size_t i = 0; i < header->count; i++) {
        struct str name = header->names[i];
        if (name.n == 0)
            return fail(header, file, i, "it has no name; give it one", name, error);
        if (!str_is_utf8(name) || str_printable_length(name) == 0)
            return fail(header, file, i,
                        "its name is not valid UTF-8; is it another --encoding?", name,
                        error);
        for (size_t k = 0; k < i; k++)
            if (str_equal(header->names[k], name))
                return fail(header, file, i,
                            "the name is there twice; rename one of them", name, error);
    }
    return ERR_NONE;
}

/* A rejects file's own two columns stand at the end. */
static void drop_reject_columns(struct import_header *header)
{
    if (header->count <= 2)
        return;
    struct str line = header->names[header->count - 2];
    struct str reason = header->names[header->count - 1];
    if (rejects_columns_match(line, reason))
        header->count -= 2;
}

size_t import_header_find(const struct import_header *header, struct str name)
{
    for (size_t i = 0; i < header->count; i++)
        if (str_equal(header->names[i], name))
            return i;
    return SIZE_MAX;
}

static size_t find_nocase(const struct import_header *header, struct str name)
{
    for (size_t i = 0; i < header->count; i++)
        if (str_equal_nocase(header->names[i], name))
            return i;
    return SIZE_MAX;
}

/* In this order. */
static const char *const usual[] = {"email", "e-mail", "mail", "address"};
#define USUAL_COUNT (sizeof usual / sizeof usual[0])

bool import_header_is_email(struct str name, struct str wanted)
{
    if (!str_is_null(wanted))
        return str_equal_nocase(name, wanted);
    for (size_t i = 0; i < USUAL_COUNT; i++)
        if (str_equal_nocase(name, str_of(usual[i])))
            return true;
    return false;
}

static enum err find_email(struct import_header *header, const char *file,
                           struct str wanted, struct error *error)
{
    if (!str_is_null(wanted)) {
        header->email_column = import_header_find(header, wanted);
        if (header->email_column == SIZE_MAX)
            header->email_column = find_nocase(header, wanted);
        if (header->email_column != SIZE_MAX)
            return ERR_NONE;
        return error_set(
            error, ERR_DATA,
            "import: %s:%llu: no column \"%.*s\"; give another --email-column", file,
            (unsigned long long)header->line, STR_ARG(wanted));
    }
    for (size_t i = 0; i < USUAL_COUNT; i++) {
        header->email_column = find_nocase(header, str_of(usual[i]));
        if (header->email_column != SIZE_MAX)
            return ERR_NONE;
    }
    return error_set(error, ERR_DATA,
                     "import: %s:%llu: no column named email, e-mail, mail or address; "
                     "name the one with --email-column",
                     file, (unsigned long long)header->line);
}

static enum err take_names(struct import_header *header, const struct csv_row *row,
                           const char *file, struct error *error)
{
    header->line = row->line;
    header->field_count = row->count;
    header->names = arena_calloc(&header->arena, row->count, sizeof *header->names);
    for (size_t i = 0; header->names != NULL && i < row->count; i++, header->count++) {
        header->names[i] = arena_copy(&header->arena, str_trim(row->fields[i]));
        if (str_is_null(header->names[i]))
            break;
    }
    if (header->count < row->count)
        return error_set(error, ERR_LIMIT,
                         "import: %s:%llu: the header is too long; shorten the names",
                         file, (unsigned long long)header->line);
    return ERR_NONE;
}

enum err import_header_read(struct import_header *header, struct csv_rows *rows,
                            const char *name, struct str email_column,
                            struct error *error)
{
    *header = (struct import_header){0};
    arena_init(&header->arena, 1 << 20);
    struct csv_row row;
    enum err err = csv_rows_next(rows, &row, error);
    if (err == ERR_NOT_FOUND)
        return error_set(
            error, ERR_DATA,
            "import: %s:1: the file is empty; its first line must name the "
            "columns",
            name);
    if (err != ERR_NONE)
        return err;
    if (row.trouble != NULL)
        return error_set(
            error, ERR_DATA,
            "import: %s:%llu: the header: %s; make it smaller or correct it", name,
            (unsigned long long)row.line, row.trouble);
    err = take_names(header, &row, name, error);
    if (err != ERR_NONE)
        return err;
    drop_reject_columns(header);
    err = check_names(header, name, error);
    return err != ERR_NONE ? err : find_email(header, name, email_column, error);
}

void import_header_fini(struct import_header *header)
{
    arena_fini(&header->arena);
}
