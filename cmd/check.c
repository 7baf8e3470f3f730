/*
 * check.c - `check`: every recipient rendered, and what a sender should know first
 *
 * Findings are facts about this list and these templates; warnings never change the
 * exit code, recipients that cannot be rendered do (65).
 */
#include "cmd/check_print.h"
#include "cmd/commands.h"
#include "cmd/files.h"
#include "cmd/unknown_fields.h"

#include <stdarg.h>
#include <stdlib.h>

#define SUBJECT_LONG 70

struct check_values {
    uint64_t workers;
    unsigned progress, format;
    bool lint;
};

static const struct option check_options[] = {
    {"workers", OPTION_COUNT, "N", offsetof(struct check_values, workers),
     "threads that render (default one per core)", 1, 64},
    {"lint", OPTION_FLAG, NULL, offsetof(struct check_values, lint),
     "have rspamd or SpamAssassin look at a few messages", 0, 0},
    {"format", OPTION_CHOICE, "text|json", offsetof(struct check_values, format),
     "of the findings", 0, 0},
    {"progress", OPTION_CHOICE, PROGRESS_WORDS, offsetof(struct check_values, progress),
     "on standard error", 0, 0},
    {0},
};

static void warn(struct check_warnings *warnings, const char *format, ...)
    PRINTF_LIKE(2, 3);

static void warn(struct check_warnings *warnings, const char *format, ...)
{
    va_list args;
    if (warnings->n == CHECK_WARNINGS_MAX)
        return;
    va_start(args, format);
    (void)vsnprintf(warnings->text[warnings->n++], CHECK_WARNING_TEXT, format, args);
    va_end(args);
}

static void warn_of_unsubscribe(const struct survey *survey,
                                struct check_warnings *warnings)
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
    if (survey->texts > survey->texts_with_unsubscribe)
        warn(warnings,
             "the text of %llu of %llu messages says nothing of unsubscribing",
             (unsigned long long)(survey->texts - survey->texts_with_unsubscribe),
             (unsigned long long)survey->texts);
}

/* Images that travel with the message, and what refers to them. */
static void warn_of_inline(const struct content *content, const struct survey *survey,
                           struct check_warnings *warnings)
{
    const struct str_list *files = &content->campaign->inline_files;
    const struct survey_fault *unknown = &survey->unknown_cids;
    if (unknown->messages > 0)
        warn(warnings,
             "cid:%.*s is no file of inline: in %llu messages, such as %.*s's, up to "
             "%llu images are missing; add them to inline",
             STR_ARG(str_head(survey->unknown_cid.address, 60)),
             (unsigned long long)unknown->messages,
             STR_ARG(str_head(unknown->samples.p[0].address, 80)),
             (unsigned long long)unknown->places_max);
    for (size_t i = 0; i < files->n && i < CONTENT_FILE_COUNT; i++) {
        struct str name = str_head(file_name(files->p[i]), 60);
        if (!survey->inline_used[i])
            warn(warnings,
                 "inline: %.*s: no message refers to it as cid:%.*s; attach it or "
                 "leave it out",
                 STR_ARG(name), STR_ARG(name));
    }
}

static void warn_of_fault(const struct survey_fault *fault, const char *what,
                          struct check_warnings *warnings)
{
    if (fault->messages > 0)
        warn(warnings, "up to %llu %s, in %llu messages, such as %.*s's",
             (unsigned long long)fault->places_max, what,
             (unsigned long long)fault->messages,
             STR_ARG(str_head(fault->samples.p[0].address, 80)));
}

static void warn_of_lint(const struct spam_lint *lint, struct check_warnings *warnings)
{
    if (lint->trouble[0] != '\0')
        warn(warnings, "lint: %s", lint->trouble);
    if (lint->messages > 0 && lint->score >= lint->required)
        warn(warnings, "%s takes %.*s's message for spam: %.1f points of %.1f",
             lint->program, STR_ARG(str_head(lint->worst, 80)), lint->score,
             lint->required);
}

static void warn_of_unknown(void *self, const struct unknown_name *unknown)
{
    warn(self, "%.*s:%u:%u: %.*s: %s", STR_ARG(str_head(unknown->where, 60)),
         unknown->line, unknown->column, STR_ARG(str_head(unknown->name, 50)),
         unknown->why);
}

static void find_warnings(const struct content *content, const struct survey *survey,
                          struct check_warnings *warnings)
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
    warn_of_fault(&survey->http_links,
                  "links a message are http:, not https:", warnings);
    warn_of_fault(&survey->dead_links,
                  "links a message lead nowhere: empty or without https://", warnings);
    warn_of_fault(&survey->images_without_alt, "images a message have no alt text",
                  warnings);
    warn_of_inline(content, survey, warnings);
}

static enum err check(struct opened *opened, const struct invocation *invocation,
                      struct check_result *result, struct error *error)
{
    const struct check_values *values = invocation->values;
    struct survey *survey = &result->survey;
    struct survey_options options = {
        .workers = (unsigned)values->workers,
        .progress = (enum progress_mode)values->progress,
        .quiet = invocation->globals->quiet,
        .compares_bodies = true,
    };
    enum err err = survey_run(opened->store, &opened->list, opened->content, &options,
                              survey, error);
    if (err == ERR_NONE && values->lint)
        err = spam_lint_run(opened, survey, &result->lint, error);
    if (err != ERR_NONE)
        return err;
    result->opened = opened;
    find_warnings(opened->content, survey, &result->warnings);
    warn_of_lint(&result->lint, &result->warnings);
    if (values->format == 1)
        check_print_json(result);
    else
        check_print_text(result);
    if (survey->invalid > 0)
        return error_set(error, ERR_DATA,
                         "check: %.*s: %llu recipients cannot be rendered; the lines "
                         "\"invalid\" say why",
                         STR_ARG(opened->file.name),
                         (unsigned long long)survey->invalid);
    return ERR_NONE;
}

static int run_check(const struct invocation *invocation, struct error *error)
{
    struct opened opened;
    enum err err =
        opened_open_to_read(&opened, invocation->globals, invocation->args[0], error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    struct check_result *result = calloc(1, sizeof(*result));
    if (result == NULL) {
        err = error_set(error, ERR_MEMORY, "cannot check: the campaign: out of memory");
    } else {
        err = check(&opened, invocation, result, error);
        survey_free(&result->survey);
    }
    free(result);
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
