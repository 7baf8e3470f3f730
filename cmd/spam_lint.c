/*
 * spam_lint.c - composes, asks, adds up
 *
 * Whichever program answers for the first message is asked about the others. A program
 * starts anew for each message, which is what takes the time, so there are only three.
 */
#include "cmd/spam_lint.h"

#include "cmd/compose.h"
#include "cmd/filter_run.h"
#include "cmd/json_out.h"
#include "core/base/clock.h"

#define ANSWER_BYTES_MAX   (16u << 20)
#define MESSAGE_MEMORY_MAX (160u << 20)

struct spam_program {
    const char *name, *const *argv;
    enum err (*read)(struct str text, struct arena *arena, struct spam_report *report);
};

static const char *const rspamd_argv[] = {"rspamc", "--json", "symbols", NULL};
/* -L: no network, -x: no preferences of the user's, -t: the report behind the message.
 * The report is a template of ours, for the installed one is in the user's language. */
static const char report_line[] = "--cf=report " SPAM_REPORT_MARK "_SCORE_ _REQD_";
static const char *const spamassassin_argv[] = {"spamassassin",
                                                "-L",
                                                "-x",
                                                "-t",
                                                "--cf=clear_report_template",
                                                report_line,
                                                "--cf=report _SUMMARY_",
                                                NULL};
static const struct spam_program programs[] = {
    {"rspamd", rspamd_argv, spam_report_read_rspamd},
    {"SpamAssassin", spamassassin_argv, spam_report_read_spamassassin},
};
#define PROGRAM_COUNT (sizeof programs / sizeof programs[0])

static enum err ask_program(const struct spam_program *program,
                            const struct message *message, struct arena *arena,
                            struct spam_report *report, struct error *error)
{
    struct buf answer;
    buf_init(&answer, ANSWER_BYTES_MAX);
    enum err err = filter_run(program->argv, message->slices, message->slice_count,
                              &answer, error);
    if (err == ERR_NONE && program->read(buf_str(&answer), arena, report) != ERR_NONE)
        err = error_set(error, ERR_DATA, "cannot run: %s: its answer is none",
                        program->argv[0]);
    buf_fini(&answer);
    return err;
}

/* The program that answered before, else the first one that does. What the last one
 * had to say that is installed is the trouble. */
static bool ask(struct spam_lint *lint, const struct message *message,
                struct arena *arena, struct spam_report *report)
{
    bool is_installed = false;
    for (size_t i = 0; i < PROGRAM_COUNT; i++) {
        struct error error = {ERR_NONE, ""};
        if (lint->program != NULL && lint->program != programs[i].name)
            continue;
        enum err err = ask_program(&programs[i], message, arena, report, &error);
        if (err == ERR_NONE) {
            lint->program = programs[i].name;
            lint->trouble[0] = '\0';
            return true;
        }
        if (err != ERR_NOT_FOUND || !is_installed)
            (void)snprintf(lint->trouble, sizeof lint->trouble, "%s",
                           err == ERR_NOT_FOUND
                               ? "install rspamd or SpamAssassin: neither is there"
                               : error.text);
        is_installed |= err != ERR_NOT_FOUND;
    }
    return false;
}

static struct spam_finding *finding_of(struct spam_lint *lint,
                                       const struct spam_rule *rule)
{
    for (size_t i = 0; i < lint->finding_count; i++)
        if (str_equal(lint->findings[i].rule.name, rule->name))
            return &lint->findings[i];
    if (lint->finding_count == SPAM_FINDINGS_MAX)
        return NULL;
    struct spam_finding *finding = &lint->findings[lint->finding_count++];
    *finding = (struct spam_finding){.rule = *rule};
    return finding;
}

static void add_report(struct spam_lint *lint, const struct spam_report *report,
                       struct str address)
{
    if (lint->messages++ == 0 || report->score > lint->score) {
        lint->score = report->score;
        lint->required = report->required;
        lint->worst = address;
    }
    for (size_t i = 0; i < report->rule_count; i++) {
        struct spam_finding *finding = finding_of(lint, &report->rules[i]);
        if (finding == NULL)
            continue;
        if (finding->messages++ == 0)
            finding->sample = address;
        if (report->rules[i].score > finding->rule.score)
            finding->rule.score = report->rules[i].score;
    }
}

/* One recipient's message; a recipient who has gone meanwhile is none. */
static enum err look_at(struct opened *opened, struct composer *composer,
                        struct survey *survey, struct str address,
                        struct spam_lint *lint, struct error *error)
{
    struct arena arena;
    struct recipient_row row;
    struct message message;
    struct spam_report report;
    arena_init(&arena, MESSAGE_MEMORY_MAX);
    enum err err =
        recipient_find(opened->store, opened->list.id, address, &arena, &row, error);
    if (err == ERR_NONE) {
        struct job job = {.recipient_id = row.id,
                          .address = row.address,
                          .domain = row.domain,
                          .record = row.record};
        err =
            composer_compose(composer, &job, clock_wall_ms(), &arena, &message, error);
    }
    if (err == ERR_NONE && message.bytes <= SPAM_LINT_BYTES_MAX &&
        ask(lint, &message, &survey->arena, &report))
        add_report(lint, &report, address);
    arena_fini(&arena);
    return err == ERR_NOT_FOUND || err == ERR_DATA ? ERR_NONE : err;
}

static bool is_seen(const struct survey_sample *whose, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (whose[i].ordinal == whose[index].ordinal)
            return true;
    return false;
}

enum err spam_lint_run(struct opened *opened, struct survey *survey,
                       struct spam_lint *lint, struct error *error)
{
    struct survey_sample whose[] = {survey->samples.p[0], survey->smallest_of,
                                    survey->largest_of};
    *lint = (struct spam_lint){.program = NULL};
    if (survey->rendered == 0)
        return ERR_NONE;
    struct composer *composer = composer_new(opened->content);
    if (composer == NULL)
        return error_set(error, ERR_MEMORY,
                         "cannot check: the campaign: out of memory");
    (void)snprintf(lint->trouble, sizeof lint->trouble, "messages above %u MiB",
                   SPAM_LINT_BYTES_MAX >> 20);
    enum err err = ERR_NONE;
    for (size_t i = 0; i < sizeof whose / sizeof whose[0] && err == ERR_NONE; i++)
        if (!is_seen(whose, i))
            err = look_at(opened, composer, survey, whose[i].address, lint, error);
    composer_free(composer);
    return err;
}

/* ---- shown --------------------------------------------------------------------- */

void spam_lint_print(const struct spam_lint *lint)
{
    if (lint->program == NULL)
        return;
    (void)printf("lint: %s: %.1f of %.1f points at most (%.*s), %u messages\n",
                 lint->program, lint->score, lint->required, STR_ARG(lint->worst),
                 lint->messages);
    for (size_t i = 0; i < lint->finding_count; i++) {
        const struct spam_finding *finding = &lint->findings[i];
        (void)printf("lint: %.1f %.*s: %.*s: %u messages, such as %.*s\n",
                     finding->rule.score, STR_ARG(finding->rule.name),
                     STR_ARG(finding->rule.description), finding->messages,
                     STR_ARG(finding->sample));
    }
}

static json_t *finding_json(const struct spam_finding *finding)
{
    json_t *entry = json_object();
    json_object_set_new(entry, "rule", json_out_str(finding->rule.name));
    json_object_set_new(entry, "score", json_real(finding->rule.score));
    json_object_set_new(entry, "description", json_out_str(finding->rule.description));
    json_object_set_new(entry, "messages", json_integer(finding->messages));
    json_object_set_new(entry, "sample", json_out_str(finding->sample));
    return entry;
}

json_t *spam_lint_json(const struct spam_lint *lint)
{
    if (lint->program == NULL)
        return json_null();
    json_t *entry = json_object(), *rules = json_array();
    json_object_set_new(entry, "program", json_string(lint->program));
    json_object_set_new(entry, "messages", json_integer(lint->messages));
    json_object_set_new(entry, "score", json_real(lint->score));
    json_object_set_new(entry, "required", json_real(lint->required));
    json_object_set_new(entry, "address", json_out_str(lint->worst));
    for (size_t i = 0; i < lint->finding_count; i++)
        json_array_append_new(rules, finding_json(&lint->findings[i]));
    json_object_set_new(entry, "rules", rules);
    return entry;
}
