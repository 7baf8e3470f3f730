/*
 * resolve.c - `resolve NAME`: those of whom nobody knows whether they got it
 *
 * They are listed with the Message-ID, by which the relay's log tells what became of
 * each, and then decided, all of them or one by one. See docs/delivery-guarantee.md.
 */
#include "cmd/commands.h"

#include "cmd/format.h"
#include "cmd/format_csv.h"
#include "cmd/format_table.h"
#include "cmd/message_ids.h"
#include "storage/reports.h"

struct resolve_values {
    unsigned format;
    bool list, retry, assume_delivered, assume_failed;
    const char *address;
};

static json_t *doubt_json(const struct delivery_row *row, struct str message_id)
{
    json_t *object = json_object();
    json_object_set_new(object, "address", json_out_str(row->address));
    json_object_set_new(object, "attempts", json_integer(row->attempts));
    json_object_set_new(object, "at", json_out_time(row->at_ms));
    json_object_set_new(object, "stage", json_out_str(row->stage));
    json_object_set_new(object, "text", json_out_str(row->text));
    json_object_set_new(object, "host", json_out_str(row->host));
    json_object_set_new(object, "message_id", json_out_str(message_id));
    return object;
}

struct doubt_writer {
    enum format format;
    uint64_t count;
    struct table table;
};

static const struct table_column doubt_columns[] = {
    {"address", false}, {"at", false},   {"stage", false},
    {"text", false},    {"host", false}, {"message_id", false}};
#define DOUBT_COLUMNS (sizeof doubt_columns / sizeof doubt_columns[0])

static void doubt_begin(struct doubt_writer *writer)
{
    struct str head[DOUBT_COLUMNS];
    for (size_t i = 0; i < DOUBT_COLUMNS; i++)
        head[i] = str_of(doubt_columns[i].title);
    if (writer->format == FORMAT_JSON)
        (void)fputs("[", stdout);
    else if (writer->format == FORMAT_CSV)
        csv_row(stdout, head, DOUBT_COLUMNS);
    else
        table_init(&writer->table, stdout, doubt_columns, DOUBT_COLUMNS);
}

static void doubt_row(struct doubt_writer *writer, const struct delivery_row *row,
                      struct str message_id)
{
    char time[FORMAT_TIME_BYTES];
    const struct str cells[DOUBT_COLUMNS] = {
        row->address, format_time(row->at_ms, time), row->stage, row->text, row->host,
        message_id};
    if (writer->format == FORMAT_JSON) {
        json_t *object = doubt_json(row, message_id);
        (void)fputs(writer->count > 0 ? ",\n" : "\n", stdout);
        (void)json_dumpf(object, stdout, JSON_COMPACT);
        json_decref(object);
    } else if (writer->format == FORMAT_CSV) {
        csv_row_neutral(stdout, cells, DOUBT_COLUMNS);
    } else {
        for (size_t i = 0; i < DOUBT_COLUMNS; i++)
            table_cell(&writer->table, cells[i]);
    }
    writer->count++;
}

static void doubt_end(struct doubt_writer *writer)
{
    if (writer->format == FORMAT_JSON)
        (void)fputs(writer->count > 0 ? "\n]\n" : "]\n", stdout);
    else if (writer->format == FORMAT_TEXT)
        table_fini(&writer->table);
}

/* *left: how many are in doubt. */
static enum err list_doubt(struct store *store, const struct invocation *invocation,
                           uint64_t *left, struct error *error)
{
    const struct resolve_values *values = invocation->values;
    struct doubt_writer writer = {.format = values->format};
    struct delivery_walk *walk;
    struct delivery_row row;
    struct campaign campaign;
    struct message_ids ids;
    struct arena arena;
    arena_init(&arena, FORMAT_MEMORY_MAX);
    enum err err =
        campaign_find(store, str_of(invocation->args[0]), &arena, &campaign, error);
    if (err == ERR_NONE)
        err = delivery_walk_open(store, campaign.id, DELIVERY_IN_DOUBT, &walk, error);
    if (err == ERR_NONE) {
        message_ids_open(&ids, store, &campaign, invocation->globals->config);
        doubt_begin(&writer);
        while (delivery_walk_next(walk, &row))
            doubt_row(&writer, &row, message_id_of(&ids, row.address));
        doubt_end(&writer);
        message_ids_close(&ids);
        err = delivery_walk_close(walk, error);
    }
    *left = writer.count;
    arena_fini(&arena);
    return err;
}

static enum err count_doubt(struct store *store, struct str name, uint64_t *left,
                            struct error *error)
{
    struct delivery_counts counts;
    struct campaign campaign;
    struct arena arena;
    arena_init(&arena, FORMAT_MEMORY_MAX);
    enum err err = campaign_find(store, name, &arena, &campaign, error);
    if (err == ERR_NONE)
        err = report_counts(store, campaign.id, &counts, error);
    if (err == ERR_NONE)
        *left = counts.by_state[DELIVERY_IN_DOUBT];
    arena_fini(&arena);
    return err;
}

static void print_decision(const struct invocation *invocation,
                           enum resolution resolution, uint64_t count, uint64_t left)
{
    const struct resolve_values *values = invocation->values;
    static const char *const words[] = {
        [RESOLVE_RETRY] = "to be sent again",
        [RESOLVE_ASSUME_DELIVERED] = "taken as delivered",
        [RESOLVE_ASSUME_FAILED] = "taken as failed",
    };
    if (values->format == FORMAT_JSON) {
        json_t *answer = json_object();
        json_object_set_new(answer, "campaign",
                            json_out_str(str_of(invocation->args[0])));
        json_object_set_new(answer, "resolved", json_out_u64(count));
        json_object_set_new(answer, "in_doubt", json_out_u64(left));
        json_out_document(stdout, answer);
        return;
    }
    (void)printf("%llu %s, %llu still in doubt\n", (unsigned long long)count,
                 words[resolution], (unsigned long long)left);
    if (resolution == RESOLVE_RETRY && count > 0)
        (void)printf("`broadside resume %s` sends them\n", invocation->args[0]);
}

static enum err decide(struct store *store, const struct invocation *invocation,
                       enum resolution resolution, uint64_t *left, struct error *error)
{
    const struct resolve_values *values = invocation->values;
    struct str name = str_of(invocation->args[0]);
    uint64_t count = 0;
    enum err err = campaign_resolve(store, name, resolution, str_of(values->address),
                                    &count, error);
    if (err == ERR_NONE)
        err = count_doubt(store, name, left, error);
    if (err == ERR_NONE)
        print_decision(invocation, resolution, count, *left);
    return err;
}

static int run_resolve(const struct invocation *invocation, struct error *error)
{
    const struct resolve_values *values = invocation->values;
    struct store *store;
    uint64_t left = 0;
    int choices =
        values->list + values->retry + values->assume_delivered + values->assume_failed;
    if (choices != 1)
        return command_fail(
            error, ERR_USAGE,
            "cannot resolve: %s: nothing was decided; say one of --list, --retry, "
            "--assume-delivered, --assume-failed",
            invocation->args[0]);
    if (values->list && values->address != NULL)
        return command_fail(error, ERR_USAGE,
                            "bad option: --address: it names one to decide about; "
                            "leave it out with --list");
    enum resolution resolution = values->retry              ? RESOLVE_RETRY
                                 : values->assume_delivered ? RESOLVE_ASSUME_DELIVERED
                                                            : RESOLVE_ASSUME_FAILED;
    enum err err = values->list
                       ? store_open_to_read(invocation->globals->db, &store, error)
                       : store_open(invocation->globals->db, &store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    err = values->list ? list_doubt(store, invocation, &left, error)
                       : decide(store, invocation, resolution, &left, error);
    store_close(store);
    if (err != ERR_NONE)
        return err_exit_code(err);
    return left > 0 ? EXIT_SOME_IN_DOUBT : 0;
}

static const struct option resolve_options[] = {
    {"list", OPTION_FLAG, NULL, offsetof(struct resolve_values, list),
     "show them, with the Message-ID to look for in the relay's log", 0, 0},
    {"retry", OPTION_FLAG, NULL, offsetof(struct resolve_values, retry),
     "send again with the next resume: some may get it twice", 0, 0},
    {"assume-delivered", OPTION_FLAG, NULL,
     offsetof(struct resolve_values, assume_delivered), "they have it", 0, 0},
    {"assume-failed", OPTION_FLAG, NULL, offsetof(struct resolve_values, assume_failed),
     "they have it not, and shall not get it", 0, 0},
    {"address", OPTION_TEXT, "ADDRESS", offsetof(struct resolve_values, address),
     "decide about this one alone", 0, 0},
    {"format", OPTION_CHOICE, FORMAT_WORDS, offsetof(struct resolve_values, format),
     "how to print it (default text)", 0, 0},
    {0},
};

const struct command command_resolve = {
    .name = "resolve",
    .arguments = "NAME",
    .summary = "recipients in doubt: list them, decide about them",
    .details = "Exit code 4 while some remain in doubt.\n",
    .args_min = 1,
    .args_max = 1,
    .options = resolve_options,
    .values_bytes = sizeof(struct resolve_values),
    .run = run_resolve,
};
