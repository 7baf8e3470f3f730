/*
 * lists_export.c - `lists export`: a list as it was imported
 *
 * Values leave exactly as they came, formulas included, so that what is imported again
 * is what was exported. One recipient at a time, whatever the size of the list.
 */
#include "cmd/commands.h"

#include "cmd/format.h"
#include "cmd/format_csv.h"
#include "cmd/output.h"
#include "storage/lists.h"

#define EXPORT_WORDS "csv|json"
enum export_format { EXPORT_CSV, EXPORT_JSON };

struct export_values {
    unsigned format;
    const char *output;
};

/* A recipient's values as a JSON object on a line of its own; what is absent is left
 * out. */
static void export_json_row(FILE *to, const struct recipient_list *list,
                            const struct str *values, bool is_first)
{
    json_t *object = json_object();
    for (size_t i = 0; i < list->column_count; i++) {
        if (str_is_null(values[i]))
            continue;
        json_object_setn_new(object, list->columns[i].p, list->columns[i].n,
                             json_out_str(values[i]));
    }
    (void)fputs(is_first ? "" : ",\n", to);
    (void)json_dumpf(object, to, JSON_COMPACT);
    json_decref(object);
}

static enum err export_rows(struct store *store, const struct recipient_list *list,
                            enum export_format format, FILE *to, struct error *error)
{
    struct str values[RECORD_COLUMNS_MAX];
    struct recipient_walk *walk;
    struct recipient_row row;
    bool is_first = true;
    enum err err = recipient_walk_open(store, list->id, 0, &walk, error);
    if (err != ERR_NONE)
        return err;
    if (format == EXPORT_CSV)
        csv_row(to, list->columns, list->column_count);
    else
        (void)fputs("[", to);
    while (err == ERR_NONE && ferror(to) == 0 && recipient_walk_next(walk, &row)) {
        if (!record_read(row.record, values, list->column_count))
            err = error_set(error, ERR_STORAGE, "%s: recipient %lld: damaged record",
                            store_path(store), (long long)row.id);
        else if (format == EXPORT_CSV)
            csv_row(to, values, list->column_count);
        else
            export_json_row(to, list, values, is_first);
        is_first = false;
    }
    if (format == EXPORT_JSON)
        (void)fputs("]\n", to);
    enum err walked = recipient_walk_close(walk, err == ERR_NONE ? error : NULL);
    return err != ERR_NONE ? err : walked;
}

static enum err export_list(struct store *store, struct str name,
                            const struct export_values *values, struct error *error)
{
    struct recipient_list list;
    struct output output;
    struct arena arena;
    arena_init(&arena, FORMAT_MEMORY_MAX);
    enum err err = list_find(store, name, &arena, &list, error);
    if (err == ERR_NONE)
        err = output_open(&output, values->output, error);
    if (err == ERR_NONE) {
        err = export_rows(store, &list, values->format, output.to, error);
        enum err ended =
            output_finish(&output, err == ERR_NONE, err == ERR_NONE ? error : NULL);
        err = err != ERR_NONE ? err : ended;
    }
    arena_fini(&arena);
    return err;
}

static int run_export(const struct invocation *invocation, struct error *error)
{
    struct store *store;
    enum err err = store_open_to_read(invocation->globals->db, &store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    err = export_list(store, str_of(invocation->args[0]), invocation->values, error);
    store_close(store);
    return err_exit_code(err);
}

static const struct option export_options[] = {
    {"format", OPTION_CHOICE, EXPORT_WORDS, offsetof(struct export_values, format),
     "how to write it (default csv)", 0, 0},
    {"output", OPTION_TEXT, "FILE", offsetof(struct export_values, output),
     "into a file instead of standard output", 0, 0},
    {0},
};

const struct command command_lists_export = {
    .name = "lists export",
    .arguments = "LIST",
    .summary = "a list as CSV, ready to be imported again",
    .args_min = 1,
    .args_max = 1,
    .options = export_options,
    .values_bytes = sizeof(struct export_values),
    .run = run_export,
};
