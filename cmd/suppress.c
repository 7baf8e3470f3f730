/*
 * suppress.c - `suppress add`, `suppress remove`, `suppress list`, `suppress export`
 *
 * Adding what is there and several addresses at once are fine; one bad address among
 * them, and nothing is changed.
 */
#include "cmd/commands.h"

#include "cmd/format.h"
#include "cmd/format_csv.h"
#include "cmd/format_table.h"
#include "cmd/output.h"
#include "storage/suppressions.h"

#define ADDRESSES_MAX 100000

struct suppress_values {
    unsigned format;
    const char *cause, *source, *note, *output;
};

static const struct suppress_values suppress_defaults = {
    .cause = "manual",
    .source = "command",
};

static enum err add_all(struct store *store, const struct invocation *invocation,
                        uint64_t *added, struct error *error)
{
    const struct suppress_values *values = invocation->values;
    enum err err = suppressions_begin(store, error);
    if (err != ERR_NONE)
        return err;
    for (size_t i = 0; i < invocation->arg_count && err == ERR_NONE; i++) {
        struct suppression suppression = {
            .address = str_of(invocation->args[i]),
            .cause = str_of(values->cause),
            .source = str_of(values->source),
            .campaign = STR(""),
            .note = values->note != NULL ? str_of(values->note) : STR(""),
        };
        bool is_new = false;
        err = suppression_add(store, &suppression, &is_new, error);
        *added += is_new;
    }
    if (err == ERR_NONE)
        return suppressions_commit(store, error);
    suppressions_rollback(store);
    return err;
}

static int run_add(const struct invocation *invocation, struct error *error)
{
    const struct suppress_values *values = invocation->values;
    struct store *store;
    uint64_t added = 0;
    enum err err = store_open(invocation->globals->db, &store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    err = add_all(store, invocation, &added, error);
    store_close(store);
    if (err != ERR_NONE)
        return err_exit_code(err);
    uint64_t known = invocation->arg_count - added;
    if (values->format == FORMAT_JSON) {
        json_t *answer = json_object();
        json_object_set_new(answer, "added", json_out_u64(added));
        json_object_set_new(answer, "known", json_out_u64(known));
        json_out_document(stdout, answer);
    } else if (!invocation->globals->quiet) {
        (void)printf("%llu added, %llu known before\n", (unsigned long long)added,
                     (unsigned long long)known);
    }
    return 0;
}

static const struct option add_options[] = {
    {"cause", OPTION_TEXT, "WORD", offsetof(struct suppress_values, cause),
     "why: complaint, unsubscribe, ... (default manual)", 0, 0},
    {"source", OPTION_TEXT, "TEXT", offsetof(struct suppress_values, source),
     "who or what says so (default command)", 0, 0},
    {"note", OPTION_TEXT, "TEXT", offsetof(struct suppress_values, note),
     "anything to remember", 0, 0},
    {"format", OPTION_CHOICE, "text|json", offsetof(struct suppress_values, format),
     "how to print the counts (default text)", 0, 0},
    {0},
};

const struct command command_suppress_add = {
    .name = "suppress add",
    .arguments = "ADDRESS|@DOMAIN...",
    .summary = "never write to these again",
    .details =
        "@example.org stands for the whole domain, but not for domains below it.\n"
        "Campaigns that are running obey at once.\n",
    .args_min = 1,
    .args_max = ADDRESSES_MAX,
    .options = add_options,
    .values_bytes = sizeof(struct suppress_values),
    .defaults = &suppress_defaults,
    .run = run_add,
};

static enum err remove_all(struct store *store, const struct invocation *invocation,
                           struct error *error)
{
    enum err err = suppressions_begin(store, error);
    if (err != ERR_NONE)
        return err;
    for (size_t i = 0; i < invocation->arg_count && err == ERR_NONE; i++)
        err = suppression_remove(store, str_of(invocation->args[i]), error);
    if (err == ERR_NONE)
        return suppressions_commit(store, error);
    suppressions_rollback(store);
    return err;
}

static int run_remove(const struct invocation *invocation, struct error *error)
{
    struct store *store;
    enum err err = store_open(invocation->globals->db, &store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    err = remove_all(store, invocation, error);
    store_close(store);
    return err_exit_code(err);
}

const struct command command_suppress_remove = {
    .name = "suppress remove",
    .arguments = "ADDRESS|@DOMAIN...",
    .summary = "write to these again",
    .args_min = 1,
    .args_max = ADDRESSES_MAX,
    .run = run_remove,
};

/* The same columns in every format. */
#define SUPPRESSION_COLUMNS 6

static void suppression_cells(const struct suppression *suppression,
                              struct str cells[SUPPRESSION_COLUMNS],
                              char time[FORMAT_TIME_BYTES])
{
    cells[0] = suppression->address;
    cells[1] = suppression->cause;
    cells[2] = suppression->source;
    cells[3] = format_time(suppression->at_ms, time);
    cells[4] = suppression->campaign;
    cells[5] = suppression->note;
}

static const char *const column_names[SUPPRESSION_COLUMNS] = {
    "address", "cause", "source", "time", "campaign", "note"};

/* One way of writing them: begin, a row each, end. */
struct suppression_writer {
    FILE *to;
    enum format format;
    bool is_neutral, is_first;
    struct table table;
};

static void writer_begin(struct suppression_writer *writer)
{
    static const struct table_column columns[SUPPRESSION_COLUMNS] = {
        {"address", false}, {"cause", false},    {"source", false},
        {"time", false},    {"campaign", false}, {"note", false}};
    struct str head[SUPPRESSION_COLUMNS];
    writer->is_first = true;
    for (size_t i = 0; i < SUPPRESSION_COLUMNS; i++)
        head[i] = str_of(column_names[i]);
    if (writer->format == FORMAT_TEXT)
        table_init(&writer->table, writer->to, columns, SUPPRESSION_COLUMNS);
    else if (writer->format == FORMAT_CSV)
        csv_row(writer->to, head, SUPPRESSION_COLUMNS);
    else
        (void)fputs("[", writer->to);
}

static void writer_row(struct suppression_writer *writer,
                       const struct suppression *suppression)
{
    struct str cells[SUPPRESSION_COLUMNS];
    char time[FORMAT_TIME_BYTES];
    suppression_cells(suppression, cells, time);
    if (writer->format == FORMAT_TEXT) {
        for (size_t i = 0; i < SUPPRESSION_COLUMNS; i++)
            table_cell(&writer->table, cells[i]);
    } else if (writer->format == FORMAT_CSV && writer->is_neutral) {
        csv_row_neutral(writer->to, cells, SUPPRESSION_COLUMNS);
    } else if (writer->format == FORMAT_CSV) {
        csv_row(writer->to, cells, SUPPRESSION_COLUMNS);
    } else {
        json_t *object = json_object();
        for (size_t i = 0; i < SUPPRESSION_COLUMNS; i++)
            json_object_set_new(object, column_names[i], json_out_str(cells[i]));
        (void)fputs(writer->is_first ? "\n" : ",\n", writer->to);
        (void)json_dumpf(object, writer->to, JSON_COMPACT);
        json_decref(object);
    }
    writer->is_first = false;
}

static void writer_end(struct suppression_writer *writer)
{
    if (writer->format == FORMAT_TEXT)
        table_fini(&writer->table);
    else if (writer->format == FORMAT_JSON)
        (void)fputs(writer->is_first ? "]\n" : "\n]\n", writer->to);
}

static enum err write_all(struct store *store, struct suppression_writer *writer,
                          struct error *error)
{
    struct suppression_walk *walk;
    struct suppression suppression;
    enum err err = suppression_walk_open(store, &walk, error);
    if (err != ERR_NONE)
        return err;
    writer_begin(writer);
    while (ferror(writer->to) == 0 && suppression_walk_next(walk, &suppression))
        writer_row(writer, &suppression);
    writer_end(writer);
    return suppression_walk_close(walk, error);
}

static int print_to(const struct invocation *invocation, enum format format,
                    bool is_neutral, struct error *error)
{
    const struct suppress_values *values = invocation->values;
    struct suppression_writer writer = {.format = format, .is_neutral = is_neutral};
    struct output output;
    struct store *store;
    enum err err = store_open_to_read(invocation->globals->db, &store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    err = output_open(&output, values->output, error);
    if (err == ERR_NONE) {
        writer.to = output.to;
        err = write_all(store, &writer, error);
        enum err ended =
            output_finish(&output, err == ERR_NONE, err == ERR_NONE ? error : NULL);
        err = err != ERR_NONE ? err : ended;
    }
    store_close(store);
    return err_exit_code(err);
}

/* A list is looked at by people, in a spreadsheet perhaps. */
static int run_list(const struct invocation *invocation, struct error *error)
{
    const struct suppress_values *values = invocation->values;
    return print_to(invocation, values->format, true, error);
}

/* An export is read by `suppress import`: every byte as it is. */
static int run_export(const struct invocation *invocation, struct error *error)
{
    return print_to(invocation, FORMAT_CSV, false, error);
}

static const struct option list_options[] = {
    {"format", OPTION_CHOICE, FORMAT_WORDS, offsetof(struct suppress_values, format),
     "how to print it (default text)", 0, 0},
    {0},
};

const struct command command_suppress_list = {
    .name = "suppress list",
    .arguments = "",
    .summary = "who is never written to, why and since when",
    .options = list_options,
    .values_bytes = sizeof(struct suppress_values),
    .run = run_list,
};

static const struct option export_options[] = {
    {"output", OPTION_TEXT, "FILE", offsetof(struct suppress_values, output),
     "into a file instead of standard output", 0, 0},
    {0},
};

const struct command command_suppress_export = {
    .name = "suppress export",
    .arguments = "",
    .summary = "the same as CSV for `suppress import`",
    .options = export_options,
    .values_bytes = sizeof(struct suppress_values),
    .run = run_export,
};
