/*
 * check.c - `check`: every recipient rendered, and what a sender should know first
 *
 * Findings are facts about this list and these templates; warnings never change the
 * exit code, recipients that cannot be rendered do (65).
 */
#include "cmd/commands.h"
#include "cmd/json_out.h"
#include "cmd/opened.h"
#include "cmd/survey.h"
#include "cmd/unknown_fields.h"

#include <stdarg.h>
#include <stdlib.h>

#define SUBJECT_LONG 70
#define WARNINGS_MAX (UNKNOWN_FIELDS_MAX + 12)
#define WARNING_TEXT 160

struct check_values {
    uint64_t workers;
    unsigned progress, format;
};

static const struct option check_options[] = {
    {"workers", OPTION_COUNT, "N", offsetof(struct check_values, workers),
     "threads that render (default one per core)", 1, 64},
    {"format", OPTION_CHOICE, "text|json", offsetof(struct check_values, format),
     "of the findings", 0, 0},
    {"progress", OPTION_CHOICE, PROGRESS_WORDS, offsetof(struct check_values, progress),
     "on standard error", 0, 0},
    {0},
};

struct warnings {
    char text[WARNINGS_MAX][WARNING_TEXT];
    size_t n;
};

static void warn(struct warnings *warnings, const char *format, ...) PRINTF_LIKE(2, 3);

static void warn(struct warnings *warnings, const char *format, ...)
{
    va_list args;
    if (warnings->n == WARNINGS_MAX)
        return;
    va_start(args, format);
    (void)vsnprintf(warnings->text[warnings->n++], WARNING_TEXT, format, args);
    va_end(args);
}

static void warn_of_unsubscribe(const struct survey *survey, struct warnings *warnings)
{
    uint64_t without = survey->rendered - survey->with_unsubscribe_header;
    if (without > 0)
        warn(
            warnings,
            "%llu messages have no List-Unsubscribe header, which Gmail and Yahoo want "
            "of bulk senders",
            (unsigned long long)without);
    if (survey->linted > survey->with_unsubscribe_link)
        warn(warnings,
             "the HTML of %llu of %llu messages looked at says nothing of "
             "unsubscribing",
             (unsigned long long)(survey->linted - survey->with_unsubscribe_link),
             (unsigned long long)survey->linted);
}

static void warn_of_unknown(void *self, struct str where, struct str name,
                            unsigned line, unsigned column)
{
    warn(self, "%.*s:%u:%u: %.*s: neither the list nor the data file has it",
         STR_ARG(str_head(where, 60)), line, column, STR_ARG(str_head(name, 50)));
}

static void find_warnings(const struct content *content, const struct survey *survey,
                          struct warnings *warnings)
{
    unknown_fields(content, warn_of_unknown, warnings);
    if (survey->rendered == 0)
        return;
    warn_of_unsubscribe(survey, warnings);
    if (survey->clipped > 0)
        warn(warnings, "%llu messages are above 102,400 bytes: Gmail clips them",
             (unsigned long long)survey->clipped);
    if (survey->subjects_empty > 0)
        warn(warnings, "%llu subjects are empty",
             (unsigned long long)survey->subjects_empty);
    if (survey->subject_longest > SUBJECT_LONG)
        warn(warnings,
             "the longest subject has %zu characters; few readers show over %d",
             survey->subject_longest, SUBJECT_LONG);
    if (survey->http_links_max > 0)
        warn(warnings, "up to %llu links a message are http:, not https:",
             (unsigned long long)survey->http_links_max);
    if (survey->images_without_alt_max > 0)
        warn(warnings, "up to %llu images a message have no alt text",
             (unsigned long long)survey->images_without_alt_max);
}

static void print_samples(const struct survey_samples *samples)
{
    for (size_t i = 0; i < samples->n; i++)
        (void)printf(" %.*s", STR_ARG(samples->p[i].address));
    (void)putchar('\n');
}

static void print_bodies(const struct survey *survey)
{
    if (survey->body_sharers == 0)
        return;
    (void)printf("identical: %llu of %llu recipients get the same body as somebody "
                 "else, the most alike are %llu, such as",
                 (unsigned long long)survey->body_sharers,
                 (unsigned long long)survey->bodies_compared,
                 (unsigned long long)survey->body_sharers_most);
    print_samples(&survey->body_samples);
}

static void print_text(const struct opened *opened, const struct survey *survey,
                       const struct warnings *warnings)
{
    (void)printf(
        "%.*s: %llu recipients of %.*s: %llu rendered, %llu left out by where, "
        "%llu suppressed, %llu invalid, in %.1f s\n",
        STR_ARG(opened->file.name), (unsigned long long)survey->recipients,
        STR_ARG(opened->list.name), (unsigned long long)survey->rendered,
        (unsigned long long)survey->left_out, (unsigned long long)survey->suppressed,
        (unsigned long long)survey->invalid, survey->elapsed_s);
    if (survey->rendered > 0)
        (void)printf(
            "messages of %llu (%.*s) to %llu bytes (%.*s), subjects of %zu to "
            "%zu characters\n",
            (unsigned long long)survey->smallest, STR_ARG(survey->smallest_of.address),
            (unsigned long long)survey->largest, STR_ARG(survey->largest_of.address),
            survey->subject_shortest, survey->subject_longest);
    for (size_t i = 0; i < survey->missing_count; i++) {
        const struct survey_missing *missing = &survey->missing[i];
        (void)printf("missing: %.*s:%u:%u: %.*s: %llu recipients, such as",
                     STR_ARG(missing->where), missing->line, missing->column,
                     STR_ARG(missing->name), (unsigned long long)missing->count);
        print_samples(&missing->samples);
    }
    print_bodies(survey);
    for (size_t i = 0; i < survey->invalid_count; i++)
        (void)printf("invalid: %.*s: %.*s\n", STR_ARG(survey->invalid_rows[i].address),
                     STR_ARG(survey->invalid_rows[i].why));
    if (survey->invalid > survey->invalid_count)
        (void)printf("invalid: and %llu more\n",
                     (unsigned long long)(survey->invalid - survey->invalid_count));
    for (size_t i = 0; i < warnings->n; i++)
        (void)printf("warning: %s\n", warnings->text[i]);
}

static void set_count(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *samples_json(const struct survey_samples *samples)
{
    json_t *array = json_array();
    for (size_t i = 0; i < samples->n; i++)
        json_array_append_new(array, json_out_str(samples->p[i].address));
    return array;
}

/* null for a template that is the same for everybody. */
static json_t *bodies_json(const struct survey *survey)
{
    if (!survey->is_personal)
        return json_null();
    json_t *entry = json_object();
    set_count(entry, "compared", survey->bodies_compared);
    set_count(entry, "different", survey->bodies_different);
    set_count(entry, "recipients", survey->body_sharers);
    set_count(entry, "most_alike", survey->body_sharers_most);
    json_object_set_new(entry, "samples", samples_json(&survey->body_samples));
    return entry;
}

static json_t *missing_json(const struct survey_missing *missing)
{
    json_t *entry = json_object();
    json_object_set_new(entry, "template", json_out_str(missing->where));
    set_count(entry, "line", missing->line);
    set_count(entry, "column", missing->column);
    json_object_set_new(entry, "field", json_out_str(missing->name));
    set_count(entry, "recipients", missing->count);
    json_object_set_new(entry, "samples", samples_json(&missing->samples));
    return entry;
}

/* What a sample of the HTML was looked at for; the worst message counts. */
static json_t *html_json(const struct survey *survey)
{
    json_t *entry = json_object();
    set_count(entry, "looked_at", survey->linted);
    set_count(entry, "without_unsubscribe_link",
              survey->linted - survey->with_unsubscribe_link);
    set_count(entry, "http_links", survey->http_links_max);
    set_count(entry, "images_without_alt", survey->images_without_alt_max);
    return entry;
}

static json_t *invalid_json(const struct survey_invalid *invalid)
{
    json_t *entry = json_object();
    json_object_set_new(entry, "address", json_out_str(invalid->address));
    json_object_set_new(entry, "why", json_out_str(invalid->why));
    return entry;
}

static void print_json(const struct opened *opened, const struct survey *survey,
                       const struct warnings *warnings)
{
    json_t *result = json_object(), *missing = json_array(), *invalid = json_array(),
           *texts = json_array();
    json_object_set_new(result, "campaign", json_out_str(opened->file.name));
    json_object_set_new(result, "list", json_out_str(opened->list.name));
    set_count(result, "recipients", survey->recipients);
    set_count(result, "rendered", survey->rendered);
    set_count(result, "left_out", survey->left_out);
    set_count(result, "suppressed", survey->suppressed);
    set_count(result, "invalid", survey->invalid);
    set_count(result, "smallest_bytes", survey->smallest);
    json_object_set_new(result, "smallest_address",
                        json_out_str(survey->smallest_of.address));
    set_count(result, "largest_bytes", survey->largest);
    json_object_set_new(result, "largest_address",
                        json_out_str(survey->largest_of.address));
    set_count(result, "subject_shortest", survey->subject_shortest);
    set_count(result, "subject_longest", survey->subject_longest);
    for (size_t i = 0; i < survey->missing_count; i++)
        json_array_append_new(missing, missing_json(&survey->missing[i]));
    for (size_t i = 0; i < survey->invalid_count; i++)
        json_array_append_new(invalid, invalid_json(&survey->invalid_rows[i]));
    for (size_t i = 0; i < warnings->n; i++)
        json_array_append_new(texts, json_string(warnings->text[i]));
    set_count(result, "over_102400_bytes", survey->clipped);
    set_count(result, "subjects_empty", survey->subjects_empty);
    set_count(result, "without_unsubscribe_header",
              survey->rendered - survey->with_unsubscribe_header);
    json_object_set_new(result, "html", html_json(survey));
    json_object_set_new(result, "identical_bodies", bodies_json(survey));
    json_object_set_new(result, "missing", missing);
    json_object_set_new(result, "invalid_rows", invalid);
    json_object_set_new(result, "warnings", texts);
    json_object_set_new(result, "elapsed_s", json_real(survey->elapsed_s));
    json_out_document(stdout, result);
}

static enum err check(struct opened *opened, const struct invocation *invocation,
                      struct survey *survey, struct error *error)
{
    const struct check_values *values = invocation->values;
    struct survey_options options = {
        .workers = (unsigned)values->workers,
        .progress = (enum progress_mode)values->progress,
        .quiet = invocation->globals->quiet,
        .compares_bodies = true,
    };
    struct warnings warnings = {.n = 0};
    enum err err = survey_run(opened->store, &opened->list, opened->content, &options,
                              survey, error);
    if (err != ERR_NONE)
        return err;
    find_warnings(opened->content, survey, &warnings);
    if (values->format == 1)
        print_json(opened, survey, &warnings);
    else
        print_text(opened, survey, &warnings);
    if (survey->invalid > 0)
        return error_set(
            error, ERR_DATA, "check: %.*s: %llu recipients cannot be rendered",
            STR_ARG(opened->file.name), (unsigned long long)survey->invalid);
    return ERR_NONE;
}

static int run_check(const struct invocation *invocation, struct error *error)
{
    struct opened opened;
    enum err err =
        opened_open(&opened, invocation->globals, invocation->args[0], error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    struct survey *survey = malloc(sizeof(*survey));
    if (survey == NULL) {
        err = error_set(error, ERR_MEMORY, "cannot check the campaign: no memory");
    } else {
        err = check(&opened, invocation, survey, error);
        survey_free(survey);
    }
    free(survey);
    opened_close(&opened);
    return err_exit_code(err);
}

const struct command command_check = {
    .name = "check",
    .arguments = "CAMPAIGN.yaml",
    .summary = "render every recipient, open no connection, list what is wrong",
    .details = "Exit 65 if anybody cannot be rendered. Warnings do not change the exit "
               "code.\n",
    .args_min = 1,
    .args_max = 1,
    .options = check_options,
    .values_bytes = sizeof(struct check_values),
    .run = run_check,
};
