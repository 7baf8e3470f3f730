/*
 * preview.c - `preview`: one recipient's message, as it will be or was sent
 *
 * The composer is the run's own, so the bytes are those that go out; for a campaign
 * that was launched, Message-ID and Date too.
 */
#include "cmd/commands.h"
#include "cmd/compose.h"
#include "cmd/opened.h"
#include "cmd/output.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "storage/reports.h"

#define MESSAGE_MEMORY_MAX (160u << 20)

struct preview_values {
    const char *recipient, *output;
    uint64_t sample;
    unsigned part;
};

enum preview_part { PART_EML, PART_HTML, PART_TEXT, PART_HEADERS };

static const struct option preview_options[] = {
    {"recipient", OPTION_TEXT, "ADDRESS", offsetof(struct preview_values, recipient),
     "whose message", 0, 0},
    {"sample", OPTION_COUNT, "N", offsetof(struct preview_values, sample),
     "that of the Nth recipient (default 1)", 1, 0},
    {"part", OPTION_CHOICE, "eml|html|text|headers",
     offsetof(struct preview_values, part), "what of it (default eml: all)", 0, 0},
    {"output", OPTION_TEXT, "FILE", offsetof(struct preview_values, output),
     "where to (default standard output)", 0, 0},
    {0},
};

struct preview {
    const struct preview_values *values;
    struct opened opened;
    struct composer *composer;
    struct arena arena;
    struct recipient_row row;
};

static enum err keeps(struct preview *preview, const struct recipient_row *row,
                      bool *yes, struct error *error)
{
    return composer_keeps(preview->composer, row->address, row->record, clock_wall_ms(),
                          yes, error);
}

/* The Nth recipient of those whom `where` keeps, copied. */
static enum err find_sample(struct preview *preview, uint64_t number,
                            struct error *error)
{
    struct recipient_walk *walk;
    struct recipient_row row;
    uint64_t seen = 0;
    bool yes;
    enum err err = recipient_walk_open(preview->opened.store, preview->opened.list.id,
                                       0, &walk, error);
    if (err != ERR_NONE)
        return err;
    while (err == ERR_NONE && seen < number && recipient_walk_next(walk, &row)) {
        err = keeps(preview, &row, &yes, error);
        if (err != ERR_NONE || !yes || ++seen < number)
            continue;
        preview->row =
            (struct recipient_row){row.id, arena_copy(&preview->arena, row.address),
                                   arena_copy(&preview->arena, row.domain),
                                   arena_copy(&preview->arena, row.record)};
    }
    enum err walk_err = recipient_walk_close(walk, err == ERR_NONE ? error : NULL);
    if (err == ERR_NONE && walk_err == ERR_NONE && seen < number)
        return error_set(error, ERR_NOT_FOUND,
                         "cannot preview: recipient %llu: the campaign has only %llu; "
                         "give a smaller --sample",
                         (unsigned long long)number, (unsigned long long)seen);
    return err != ERR_NONE ? err : walk_err;
}

static enum err find_recipient(struct preview *preview, struct error *error)
{
    const struct preview_values *values = preview->values;
    struct opened *opened = &preview->opened;
    bool yes = true;
    if (values->recipient == NULL)
        return find_sample(preview, values->sample > 0 ? values->sample : 1, error);
    enum err err =
        recipient_find(opened->store, opened->list.id, str_of(values->recipient),
                       &preview->arena, &preview->row, error);
    if (err == ERR_NONE)
        err = keeps(preview, &preview->row, &yes, error);
    if (err == ERR_NONE && !yes)
        log_line(LOG_WARN, "where", "%s: `where` leaves this recipient out",
                 values->recipient);
    return err;
}

/* When the message was first armed, if it was: its Date for ever. */
static enum err settle_date(struct preview *preview, int64_t *date_ms,
                            struct error *error)
{
    struct trace *traces = NULL;
    size_t count = 0;
    *date_ms = clock_wall_ms();
    if (!preview->opened.is_launched)
        return ERR_NONE;
    enum err err = trace_address(preview->opened.store, preview->row.address,
                                 preview->opened.file.name, &preview->arena, &traces,
                                 &count, error);
    if (err == ERR_NONE && count > 0 && traces[0].first_armed_ms > 0)
        *date_ms = traces[0].first_armed_ms;
    return err;
}

static void write_str(FILE *to, struct str s)
{
    if (s.n > 0)
        (void)fwrite(s.p, 1, s.n, to);
}

/* The header section with the empty line that ends it. */
static void write_headers(FILE *to, const struct message *message)
{
    static const char end[] = "\r\n\r\n";
    size_t matched = 0;
    for (size_t i = 0; i < message->slice_count; i++) {
        struct str slice = message->slices[i];
        for (size_t k = 0; k < slice.n; k++) {
            (void)putc(slice.p[k], to);
            if (slice.p[k] == end[matched])
                matched++;
            else
                matched = slice.p[k] == '\r' ? 1 : 0;
            if (matched == sizeof(end) - 1)
                return;
        }
    }
}

static void write_pieces(FILE *to, const struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->n; i++)
        write_str(to, pieces->p[i].text);
}

static enum err write_part(struct preview *preview, const struct message *message,
                           FILE *to, struct error *error)
{
    const struct rendering *rendering = composer_last(preview->composer);
    switch ((enum preview_part)preview->values->part) {
    case PART_EML:
        for (size_t i = 0; i < message->slice_count; i++)
            write_str(to, message->slices[i]);
        return ERR_NONE;
    case PART_HTML:
        if (preview->opened.content->html == NULL)
            return error_set(
                error, ERR_NOT_FOUND,
                "cannot preview: %.*s: it has no HTML part; give another --part",
                STR_ARG(preview->opened.file.name));
        write_pieces(to, &rendering->html);
        return ERR_NONE;
    case PART_TEXT: write_pieces(to, &rendering->text); return ERR_NONE;
    case PART_HEADERS: write_headers(to, message); return ERR_NONE;
    }
    return ERR_BUG;
}

static enum err show(struct preview *preview, struct error *error)
{
    struct message message;
    struct output output;
    struct job job = {0};
    int64_t date_ms;
    enum err err = find_recipient(preview, error);
    if (err == ERR_NONE)
        err = settle_date(preview, &date_ms, error);
    if (err != ERR_NONE)
        return err;
    job.recipient_id = preview->row.id;
    job.address = preview->row.address;
    job.domain = preview->row.domain;
    job.record = preview->row.record;
    err = composer_compose(preview->composer, &job, date_ms, &preview->arena, &message,
                           error);
    if (err == ERR_NONE)
        err = output_open(&output, preview->values->output, error);
    if (err != ERR_NONE)
        return err;
    err = write_part(preview, &message, output.to, error);
    enum err output_err =
        output_finish(&output, err == ERR_NONE, err == ERR_NONE ? error : NULL);
    return err != ERR_NONE ? err : output_err;
}

static int run_preview(const struct invocation *invocation, struct error *error)
{
    struct preview preview = {.values = invocation->values};
    if (preview.values->recipient != NULL && preview.values->sample > 0)
        return command_fail(
            error, ERR_USAGE,
            "bad option: --sample: --recipient says it already; give one of them");
    enum err err = opened_open_to_read(&preview.opened, invocation->globals,
                                       invocation->args[0], error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    arena_init(&preview.arena, MESSAGE_MEMORY_MAX);
    preview.composer = composer_new(preview.opened.content);
    err = preview.composer != NULL
              ? show(&preview, error)
              : error_set(error, ERR_MEMORY,
                          "cannot preview: the campaign: out of memory");
    composer_free(preview.composer);
    arena_fini(&preview.arena);
    opened_close(&preview.opened);
    return err_exit_code(err);
}

const struct command command_preview = {
    .name = "preview",
    .arguments = "CAMPAIGN.yaml",
    .summary = "show one recipient's message",
    .details =
        "The bytes shown are the bytes sent. Date and Message-ID are decided when "
        "the\ncampaign is launched; before that they are examples.\n",
    .args_min = 1,
    .args_max = 1,
    .options = preview_options,
    .values_bytes = sizeof(struct preview_values),
    .run = run_preview,
};
