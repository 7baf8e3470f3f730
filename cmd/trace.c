/*
 * trace.c - `trace ADDRESS`: the journey of every message to one address
 */
#include "cmd/commands.h"

#include "cmd/format.h"
#include "cmd/format_csv.h"
#include "cmd/message_ids.h"
#include "core/base/log.h"
#include "storage/reports.h"

struct trace_values {
    unsigned format;
    const char *campaign;
};

struct trace_writer {
    struct store *store;
    const char *settings_path;
    /* For JSON. */
    json_t *journeys;
};

static json_t *step_json(const struct trace_step *step)
{
    json_t *object = json_object();
    json_object_set_new(object, "at", json_out_time(step->at_ms));
    json_object_set_new(object, "state", json_string(delivery_state_word(step->state)));
    json_object_set_new(object, "stage", json_out_str(step->stage));
    json_object_set_new(object, "code", json_integer(step->code));
    json_object_set_new(object, "enhanced", json_out_str(step->enhanced));
    json_object_set_new(object, "class", json_out_str(step->class_word));
    json_object_set_new(object, "text", json_out_str(step->text));
    json_object_set_new(object, "host", json_out_str(step->host));
    json_object_set_new(object, "peer", json_out_str(step->peer));
    json_object_set_new(object, "tls", json_out_str(step->tls));
    json_object_set_new(object, "remote_id", json_out_str(step->remote_id));
    return object;
}

static json_t *trace_json(const struct trace *trace, struct str message_id)
{
    json_t *object = json_object(), *attempts = json_array();
    for (size_t i = 0; i < trace->step_count; i++)
        json_array_append_new(attempts, step_json(&trace->steps[i]));
    json_object_set_new(object, "campaign", json_out_str(trace->campaign));
    json_object_set_new(object, "list", json_out_str(trace->list));
    json_object_set_new(object, "address", json_out_str(trace->address));
    json_object_set_new(object, "state",
                        json_string(delivery_state_word(trace->state)));
    json_object_set_new(object, "message_id", json_out_str(message_id));
    json_object_set_new(object, "launched_at", json_out_time(trace->launched_ms));
    json_object_set_new(object, "first_armed_at", json_out_time(trace->first_armed_ms));
    json_object_set_new(object, "next_attempt_at",
                        json_out_time(trace->next_attempt_ms));
    json_object_set_new(object, "attempts", attempts);
    return object;
}

static void print_part(struct buf *line, const char *before, struct str text)
{
    if (text.n == 0)
        return;
    buf_append(line, str_of(before));
    printable_append(line, text);
}

/* "2026-01-01T00:00:00Z  deferred  rcpt  451 4.7.1 try again  (mx.example:25 ...)" */
static void print_step(const struct trace_step *step)
{
    char time[FORMAT_TIME_BYTES];
    struct buf line;
    buf_init(&line, 16384);
    buf_printf(&line, "  %.*s  %-10s %-8.*s", STR_ARG(format_time(step->at_ms, time)),
               delivery_state_word(step->state), STR_ARG(step->stage));
    if (step->code != 0)
        buf_printf(&line, " %u", step->code);
    print_part(&line, " ", step->enhanced);
    print_part(&line, " ", step->text);
    (void)printf("%.*s\n", STR_ARG(buf_str(&line)));
    buf_clear(&line);
    print_part(&line, " ", step->host);
    if (!str_equal(step->peer, step->host))
        print_part(&line, " ", step->peer);
    print_part(&line, " ", step->tls);
    print_part(&line, " as ", step->remote_id);
    if (line.n > 0)
        (void)printf("                        at%.*s\n", STR_ARG(buf_str(&line)));
    buf_fini(&line);
}

static void print_trace(const struct trace *trace, struct str message_id)
{
    char time[FORMAT_TIME_BYTES];
    (void)printf("%.*s: %s (campaign %.*s, launched %.*s)\n", STR_ARG(trace->address),
                 delivery_state_word(trace->state), STR_ARG(trace->campaign),
                 STR_ARG(format_time(trace->launched_ms, time)));
    if (!str_is_null(message_id))
        (void)printf("  Message-ID <%.*s>\n", STR_ARG(message_id));
    for (size_t i = 0; i < trace->step_count; i++)
        print_step(&trace->steps[i]);
    if (trace->next_attempt_ms != 0)
        (void)printf("  next attempt %.*s\n",
                     STR_ARG(format_time(trace->next_attempt_ms, time)));
    if (trace->step_count == 0)
        (void)fputs("  nothing happened yet\n", stdout);
}

/* A row per step; a message without one has a row of its own. */
static void csv_trace(const struct trace *trace, struct str message_id)
{
    static const struct trace_step none = {0};
    for (size_t i = 0; i < trace->step_count || i == 0; i++) {
        bool is_step = i < trace->step_count;
        const struct trace_step *step = is_step ? &trace->steps[i] : &none;
        char time[FORMAT_TIME_BYTES], code[FORMAT_COUNT_BYTES];
        const struct str cells[] = {
            trace->campaign,
            trace->address,
            format_time(step->at_ms, time),
            str_of(delivery_state_word(is_step ? step->state : trace->state)),
            step->stage,
            step->code != 0 ? format_count(step->code, code) : STR(""),
            step->enhanced,
            step->text,
            step->host,
            step->peer,
            step->tls,
            step->remote_id,
            message_id,
        };
        csv_row_neutral(stdout, cells, sizeof cells / sizeof cells[0]);
    }
}

static void write_trace(struct trace_writer *writer, const struct trace *trace,
                        enum format format, bool is_first)
{
    struct campaign campaign;
    struct message_ids ids;
    struct arena arena;
    struct str message_id = STR_NULL;
    arena_init(&arena, FORMAT_MEMORY_MAX);
    bool has_ids = campaign_find(writer->store, trace->campaign, &arena, &campaign,
                                 NULL) == ERR_NONE;
    if (has_ids) {
        message_ids_open(&ids, writer->store, &campaign, writer->settings_path);
        message_id = message_id_of(&ids, trace->address);
    }
    if (format == FORMAT_JSON) {
        json_array_append_new(writer->journeys, trace_json(trace, message_id));
    } else if (format == FORMAT_CSV) {
        csv_trace(trace, message_id);
    } else {
        (void)fputs(is_first ? "" : "\n", stdout);
        print_trace(trace, message_id);
    }
    if (has_ids)
        message_ids_close(&ids);
    arena_fini(&arena);
}

static void write_traces(struct trace_writer *writer, const struct trace *traces,
                         size_t count, enum format format)
{
    if (format == FORMAT_JSON)
        writer->journeys = json_array();
    if (format == FORMAT_CSV)
        (void)fputs("campaign,address,at,state,stage,code,enhanced,text,host,peer,tls,"
                    "remote_id,message_id\n",
                    stdout);
    for (size_t i = 0; i < count; i++)
        write_trace(writer, &traces[i], format, i == 0);
    if (format == FORMAT_JSON)
        json_out_document(stdout, writer->journeys);
}

static int run_trace(const struct invocation *invocation, struct error *error)
{
    const struct trace_values *values = invocation->values;
    struct trace_writer writer = {.settings_path = invocation->globals->config};
    struct trace *traces;
    struct arena arena;
    size_t count = 0;
    enum err err = store_open_to_read(invocation->globals->db, &writer.store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    arena_init(&arena, FORMAT_MEMORY_MAX);
    err = trace_address(writer.store, str_of(invocation->args[0]),
                        str_of(values->campaign), &arena, &traces, &count, error);
    if (err == ERR_NONE && count == 0)
        err = error_set(
            error, ERR_NOT_FOUND, "cannot trace: %s: %s", invocation->args[0],
            values->campaign != NULL ? "not in this campaign" : "in no campaign");
    if (err == ERR_NONE)
        write_traces(&writer, traces, count, values->format);
    arena_fini(&arena);
    store_close(writer.store);
    return err_exit_code(err);
}

static const struct option trace_options[] = {
    {"campaign", OPTION_TEXT, "NAME", offsetof(struct trace_values, campaign),
     "of this campaign alone", 0, 0},
    {"format", OPTION_CHOICE, FORMAT_WORDS, offsetof(struct trace_values, format),
     "how to print it (default text)", 0, 0},
    {0},
};

const struct command command_trace = {
    .name = "trace",
    .arguments = "ADDRESS",
    .summary = "the journey of every message to one address",
    .args_min = 1,
    .args_max = 1,
    .options = trace_options,
    .values_bytes = sizeof(struct trace_values),
    .run = run_trace,
};
