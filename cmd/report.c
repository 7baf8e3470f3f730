/*
 * report.c - `report NAME`: what became of a campaign
 *
 * csv is a row per recipient, read from the database one by one; the other formats
 * show sums. A running campaign may be reported on at any time: each part of a report
 * is of one moment.
 */
#include "cmd/commands.h"

#include "cmd/format_csv.h"
#include "cmd/output.h"
#include "cmd/report_pages.h"

struct report_values {
    unsigned format;
    const char *output;
};

static void csv_delivery(const struct delivery_row *row, FILE *to)
{
    char attempts[FORMAT_COUNT_BYTES], code[FORMAT_COUNT_BYTES], at[FORMAT_TIME_BYTES];
    const struct str cells[] = {
        row->address,
        str_of(delivery_state_word(row->state)),
        format_count(row->attempts, attempts),
        row->code != 0 ? format_count(row->code, code) : STR(""),
        row->enhanced,
        row->text,
        row->host,
        row->remote_id,
        format_time(row->at_ms, at),
    };
    csv_row_neutral(to, cells, 9);
}

static enum err report_write_csv(struct store *store, int64_t campaign_id, FILE *to,
                                 struct error *error)
{
    struct delivery_walk *walk;
    struct delivery_row row;
    enum err err =
        delivery_walk_open(store, campaign_id, DELIVERY_STATE_COUNT, &walk, error);
    if (err != ERR_NONE)
        return err;
    (void)fputs("address,state,attempts,code,enhanced,text,host,remote_id,at\n", to);
    while (ferror(to) == 0 && delivery_walk_next(walk, &row))
        csv_delivery(&row, to);
    return delivery_walk_close(walk, error);
}

static enum err report_write(struct store *store, const struct campaign *campaign,
                             enum format format, FILE *to, struct error *error)
{
    struct arena arena;
    struct report report;
    if (format == FORMAT_CSV)
        return report_write_csv(store, campaign->id, to, error);
    arena_init(&arena, FORMAT_MEMORY_MAX);
    enum err err = report_gather(store, campaign, &arena, &report, error);
    if (err == ERR_NONE && format == FORMAT_JSON)
        report_write_json(&report, to);
    else if (err == ERR_NONE && format == FORMAT_HTML)
        report_write_html(&report, to);
    else if (err == ERR_NONE)
        report_write_text(&report, to);
    arena_fini(&arena);
    return err;
}

static enum err report_campaign(struct store *store, struct str name,
                                const struct report_values *values, struct error *error)
{
    struct arena arena;
    struct campaign campaign;
    struct output output;
    arena_init(&arena, FORMAT_MEMORY_MAX);
    enum err err = campaign_find(store, name, &arena, &campaign, error);
    if (err == ERR_NONE)
        err = output_open(&output, values->output, error);
    if (err == ERR_NONE) {
        err = report_write(store, &campaign, values->format, output.to, error);
        enum err ended =
            output_finish(&output, err == ERR_NONE, err == ERR_NONE ? error : NULL);
        err = err != ERR_NONE ? err : ended;
    }
    arena_fini(&arena);
    return err;
}

static int run_report(const struct invocation *invocation, struct error *error)
{
    struct store *store;
    enum err err = store_open_to_read(invocation->globals->db, &store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    err =
        report_campaign(store, str_of(invocation->args[0]), invocation->values, error);
    store_close(store);
    return err_exit_code(err);
}

static const struct option report_options[] = {
    {"format", OPTION_CHOICE, FORMAT_WORDS "|html",
     offsetof(struct report_values, format), "how to write it (default text)", 0, 0},
    {"output", OPTION_TEXT, "FILE", offsetof(struct report_values, output),
     "into a file instead of standard output", 0, 0},
    {0},
};

const struct command command_report = {
    .name = "report",
    .arguments = "NAME",
    .summary = "what became of a campaign",
    .details =
        "csv has a row per recipient; text, json and html show sums, the answers\n"
        "of servers and the domains.\n",
    .args_min = 1,
    .args_max = 1,
    .options = report_options,
    .values_bytes = sizeof(struct report_values),
    .run = run_report,
};
