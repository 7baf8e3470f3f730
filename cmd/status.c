/*
 * status.c - `status [NAME]`: how campaigns stand at this moment
 *
 * Reads the database alone, so it works from any terminal, beside a run or without one.
 */
#include "cmd/commands.h"

#include "cmd/format_csv.h"
#include "cmd/format_table.h"
#include "cmd/limit_pace.h"
#include "cmd/summary.h"

struct status_values {
    unsigned format;
};

static json_t *status_json(const struct summary *summary)
{
    json_t *object = json_object();
    summary_to_json(summary, object);
    json_object_set_new(object, "created_at",
                        json_out_time(summary->campaign.created_ms));
    json_object_set_new(object, "in_flight",
                        json_out_u64(summary->counts.by_state[DELIVERY_ARMED]));
    return object;
}

static const struct table_column status_columns[] = {
    {"campaign", false}, {"state", false},     {"list", false},   {"audience", true},
    {"delivered", true}, {"deferred", true},   {"failed", true},  {"in_doubt", true},
    {"open", true},      {"rate_per_s", true}, {"started", false}};
#define STATUS_COLUMNS (sizeof status_columns / sizeof status_columns[0])

/* How the list of all campaigns is written: begin, one each, end. */
struct status_writer {
    enum format format;
    struct table table;
    json_t *array;
};

static void writer_begin(struct status_writer *writer)
{
    struct str head[STATUS_COLUMNS];
    for (size_t i = 0; i < STATUS_COLUMNS; i++)
        head[i] = str_of(status_columns[i].title);
    if (writer->format == FORMAT_JSON)
        writer->array = json_array();
    else if (writer->format == FORMAT_CSV)
        csv_row(stdout, head, STATUS_COLUMNS);
    else
        table_init(&writer->table, stdout, status_columns, STATUS_COLUMNS);
}

static void writer_add(struct status_writer *writer, const struct summary *summary)
{
    char texts[7][FORMAT_COUNT_BYTES], time[FORMAT_TIME_BYTES];
    const uint64_t *by_state = summary->counts.by_state;
    if (writer->format == FORMAT_JSON) {
        json_array_append_new(writer->array, status_json(summary));
        return;
    }
    uint64_t failed = delivery_counts_failed(&summary->counts);
    uint64_t open = delivery_counts_unfinished(&summary->counts);
    int n = snprintf(texts[6], sizeof texts[6], "%.1f", summary->rate_per_s);
    const struct str cells[STATUS_COLUMNS] = {
        summary->campaign.name,
        str_of(campaign_state_word(summary->campaign.state)),
        summary->campaign.list_name,
        format_count(summary->counts.audience, texts[0]),
        format_count(by_state[DELIVERY_DELIVERED], texts[1]),
        format_count(by_state[DELIVERY_DEFERRED], texts[2]),
        format_count(failed, texts[3]),
        format_count(by_state[DELIVERY_IN_DOUBT], texts[4]),
        format_count(open, texts[5]),
        str_slice(texts[6], (size_t)n),
        format_time(summary->campaign.started_ms, time),
    };
    if (writer->format == FORMAT_CSV)
        csv_row_neutral(stdout, cells, STATUS_COLUMNS);
    else
        for (size_t i = 0; i < STATUS_COLUMNS; i++)
            table_cell(&writer->table, cells[i]);
}

static void writer_end(struct status_writer *writer)
{
    if (writer->format == FORMAT_JSON)
        json_out_document(stdout, writer->array);
    else if (writer->format == FORMAT_TEXT)
        table_fini(&writer->table);
}

static enum err status_all(struct store *store, enum format format, struct arena *arena,
                           struct error *error)
{
    struct status_writer writer = {.format = format};
    struct campaign *campaigns;
    size_t count;
    enum err err = campaigns_all(store, arena, &campaigns, &count, error);
    if (err != ERR_NONE)
        return err;
    if (count == 0 && format == FORMAT_TEXT) {
        (void)fputs("no campaigns yet: broadside launch CAMPAIGN.yaml\n", stdout);
        return ERR_NONE;
    }
    writer_begin(&writer);
    for (size_t i = 0; i < count && err == ERR_NONE; i++) {
        struct summary summary;
        err = summary_read(store, &campaigns[i], &summary, error);
        if (err == ERR_NONE)
            writer_add(&writer, &summary);
    }
    writer_end(&writer);
    return err;
}

static enum err print_one(struct store *store, const struct invocation *invocation,
                          const struct summary *summary, struct error *error)
{
    const struct status_values *values = invocation->values;
    struct limit_table limits;
    enum err err = limit_table_read(store, &summary->campaign,
                                    invocation->globals->config, &limits, error);
    if (err != ERR_NONE)
        return err;
    if (values->format == FORMAT_JSON) {
        json_t *object = status_json(summary);
        json_object_set_new(object, "limits", limit_table_json(&limits));
        json_out_document(stdout, object);
    } else {
        summary_print(summary, stdout);
        limit_table_print(&limits, stdout);
    }
    limit_table_free(&limits);
    return ERR_NONE;
}

static enum err status_one(struct store *store, const struct invocation *invocation,
                           struct arena *arena, struct error *error)
{
    const struct status_values *values = invocation->values;
    struct status_writer writer = {.format = values->format};
    struct campaign campaign;
    struct summary summary;
    enum err err =
        campaign_find(store, str_of(invocation->args[0]), arena, &campaign, error);
    if (err == ERR_NONE)
        err = summary_read(store, &campaign, &summary, error);
    if (err != ERR_NONE)
        return err;
    if (values->format != FORMAT_CSV)
        return print_one(store, invocation, &summary, error);
    writer_begin(&writer);
    writer_add(&writer, &summary);
    return ERR_NONE;
}

static int run_status(const struct invocation *invocation, struct error *error)
{
    const struct status_values *values = invocation->values;
    struct store *store;
    struct arena arena;
    enum err err = store_open_to_read(invocation->globals->db, &store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    arena_init(&arena, FORMAT_MEMORY_MAX);
    err = invocation->arg_count > 0 ? status_one(store, invocation, &arena, error)
                                    : status_all(store, values->format, &arena, error);
    arena_fini(&arena);
    store_close(store);
    return err_exit_code(err);
}

static const struct option status_options[] = {
    {"format", OPTION_CHOICE, FORMAT_WORDS, offsetof(struct status_values, format),
     "how to print it (default text)", 0, 0},
    {0},
};

const struct command command_status = {
    .name = "status",
    .arguments = "[NAME]",
    .summary = "how all campaigns stand, or one with its limits",
    .args_max = 1,
    .options = status_options,
    .values_bytes = sizeof(struct status_values),
    .run = run_status,
};
