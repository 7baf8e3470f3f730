/*
 * compose.c - render every part, then encode
 *
 * A machine's values live until its next render, and a message needs those of the HTML
 * and of the text at once: one machine each, and a third for subject and headers, whose
 * results are joined into the arena at once. In the steady state nothing here
 * allocates: machines and arenas are warm.
 */
#include "cmd/compose.h"

#include "storage/record.h"

#include <stdlib.h>

#define SCRATCH_MEMORY_MAX (64u << 20)

struct composer {
    const struct content *content;
    struct template_machine *html_machine, *text_machine, *line_machine;
    /* Of the recipient at hand: one per column, and the reserved ones. */
    struct str *fields;
    struct str reserved[CONTENT_RESERVED_COUNT];
    struct str *header_values;
    struct arena scratch;
    struct rendering last;

    compose_missing *each_missing;
    void *each_self;
    /* Of the template being rendered, and the first thing it missed. */
    struct str where;
    bool is_hole;
    struct error *hole;
};

static void note_missing(void *self, struct str partial, struct str name, unsigned line,
                         unsigned column)
{
    struct composer *composer = self;
    struct str where = partial.n > 0 ? partial : composer->where;
    if (composer->each_missing != NULL)
        composer->each_missing(composer->each_self, where, name, line, column);
    if (!composer->content->campaign->hold_missing || composer->is_hole)
        return;
    composer->is_hole = true;
    (void)error_set(
        composer->hole, ERR_DATA,
        "cannot render: %.*s:%u:%u: the field %.*s is missing or empty; give it a "
        "value or a default",
        STR_ARG(where), line, column, STR_ARG(str_head(name, 100)));
}

/* The recipient as the templates see it. */
static enum err see_recipient(struct composer *composer, struct str address,
                              struct str record, int64_t now_ms,
                              struct template_input *input, struct error *why)
{
    const struct content *content = composer->content;
    if (!record_read(record, composer->fields, content->columns.n))
        return error_set(why, ERR_STORAGE,
                         "cannot read the database: %.*s: its record is "
                         "damaged; restore a copy",
                         STR_ARG(address));
    composer->reserved[0] = address;
    composer->reserved[1] = content->campaign->list;
    composer->reserved[2] = content->campaign->name;
    *input = (struct template_input){
        .statics = content->data,
        .fields = composer->fields,
        .reserved_values = composer->reserved,
        .now_s = now_ms / 1000,
        .missing = note_missing,
        .missing_self = composer,
    };
    return ERR_NONE;
}

static enum err render(struct composer *composer, const struct template *template,
                       struct str where, struct template_machine *machine,
                       const struct template_input *input, struct pieces *pieces,
                       struct error *why)
{
    composer->where = where;
    pieces_init(pieces, &composer->scratch, COMPOSE_PIECES_MAX);
    if (template == NULL)
        return ERR_NONE;
    return template_render(template, machine, input, pieces, why);
}

/* Subject or a header: joined at once, since the machine is used again. */
static enum err render_line(struct composer *composer, const struct template *template,
                            struct str where, const struct template_input *input,
                            struct str *line, struct error *why)
{
    struct pieces pieces;
    enum err err =
        render(composer, template, where, composer->line_machine, input, &pieces, why);
    if (err != ERR_NONE)
        return err;
    *line = pieces_join(&pieces, &composer->scratch);
    return str_is_null(*line)
               ? error_set(why, ERR_MEMORY, "cannot render: a message: out of memory")
               : ERR_NONE;
}

/* A text made from the HTML lacks what that lacks, which is reported there. */
static enum err render_text(struct composer *composer,
                            const struct template_input *input, struct pieces *pieces,
                            struct error *why)
{
    struct template_input text_input = *input;
    struct str where = composer->content->campaign->text;
    if (where.n == 0) {
        where = STR(CONTENT_MADE_TEXT);
        text_input.missing = NULL;
    }
    return render(composer, composer->content->text, where, composer->text_machine,
                  &text_input, pieces, why);
}

static enum err render_all(struct composer *composer,
                           const struct template_input *input, struct error *why)
{
    const struct content *content = composer->content;
    const struct campaign_file *campaign = content->campaign;
    struct rendering *last = &composer->last;
    enum err err = render_line(composer, content->subject, STR("subject"), input,
                               &last->subject, why);
    for (size_t i = 0; i < campaign->header_count && err == ERR_NONE; i++)
        err = render_line(composer, content->headers[i], campaign->headers[i].name,
                          input, &composer->header_values[i], why);
    if (err == ERR_NONE)
        err = render(composer, content->html, campaign->html, composer->html_machine,
                     input, &last->html, why);
    if (err == ERR_NONE)
        err = render_text(composer, input, &last->text, why);
    return err;
}

enum err composer_compose(struct composer *composer, const struct job *job,
                          int64_t date_ms, struct arena *arena, struct message *message,
                          struct error *why)
{
    struct template_input input;
    arena_reset(&composer->scratch);
    composer->is_hole = false;
    composer->hole = why;
    enum err err =
        see_recipient(composer, job->address, job->record, date_ms, &input, why);
    if (err == ERR_NONE)
        err = render_all(composer, &input, why);
    if (err == ERR_NONE && composer->is_hole)
        err = ERR_DATA;
    if (err != ERR_NONE)
        return err;
    struct message_input parts = {
        .to = job->address,
        .to_name = STR_NULL,
        .subject = composer->last.subject,
        .header_values = composer->header_values,
        .html = &composer->last.html,
        .text = &composer->last.text,
        .date_ms = date_ms,
        .recipient_id = job->recipient_id,
        .wave = 0,
    };
    return message_compose(composer->content->plan, &parts, arena, message, why);
}

enum err composer_keeps(struct composer *composer, struct str address,
                        struct str record, int64_t now_ms, bool *keeps,
                        struct error *why)
{
    struct template_input input;
    *keeps = true;
    if (composer->content->where == NULL)
        return ERR_NONE;
    enum err err = see_recipient(composer, address, record, now_ms, &input, why);
    if (err != ERR_NONE)
        return err;
    input.missing = NULL;
    return template_holds(composer->content->where, composer->line_machine, &input,
                          keeps, why);
}

const struct rendering *composer_last(const struct composer *composer)
{
    return &composer->last;
}

void composer_on_missing(struct composer *composer, compose_missing *each, void *self)
{
    composer->each_missing = each;
    composer->each_self = self;
}

struct composer *composer_new(const struct content *content)
{
    struct composer *composer = calloc(1, sizeof(*composer));
    if (composer == NULL)
        return NULL;
    composer->content = content;
    arena_init(&composer->scratch, SCRATCH_MEMORY_MAX);
    composer->html_machine = template_machine_new(&template_limits_default);
    composer->text_machine = template_machine_new(&template_limits_default);
    composer->line_machine = template_machine_new(&template_limits_default);
    composer->fields = calloc(content->columns.n + 1, sizeof(struct str));
    composer->header_values =
        calloc(content->campaign->header_count + 1, sizeof(struct str));
    composer->last.header_values = composer->header_values;
    if (composer->html_machine == NULL || composer->text_machine == NULL ||
        composer->line_machine == NULL || composer->fields == NULL ||
        composer->header_values == NULL) {
        composer_free(composer);
        return NULL;
    }
    return composer;
}

void composer_free(struct composer *composer)
{
    if (composer == NULL)
        return;
    template_machine_free(composer->html_machine);
    template_machine_free(composer->text_machine);
    template_machine_free(composer->line_machine);
    free(composer->fields);
    free(composer->header_values);
    arena_fini(&composer->scratch);
    free(composer);
}

static struct composer *port_open(void *self)
{
    return composer_new(self);
}

static enum err port_compose(struct composer *composer, const struct job *job,
                             int64_t date_ms, struct arena *arena,
                             struct smtp_message *to, struct error *why)
{
    struct message message;
    enum err err = composer_compose(composer, job, date_ms, arena, &message, why);
    if (err != ERR_NONE)
        return err;
    to->mail_from = composer->content->mail_from;
    to->rcpt = job->address;
    to->slices = message.slices;
    to->slice_count = message.slice_count;
    to->bytes = message.bytes;
    to->needs_8bitmime = message.needs_8bitmime;
    to->needs_smtputf8 = message.needs_smtputf8 || job->needs_smtputf8;
    return ERR_NONE;
}

struct compose_port compose_port_of(const struct content *content)
{
    /* The port's self is only ever handed to port_open, which does not write to it. */
    return (struct compose_port){(void *)(uintptr_t)content, port_open, composer_free,
                                 port_compose};
}
