/*
 * launch.c - `launch`: a campaign file becomes a campaign, and is sent
 *
 * Everything that can be wrong is found before the campaign is made: the file, the
 * templates, the list, the relay's policy. The audience is fixed in the transaction
 * that makes the campaign; from then on `resume` can go on at any time.
 */
#include "cmd/commands.h"
#include "cmd/compose.h"
#include "cmd/opened.h"
#include "cmd/progress.h"
#include "cmd/sending.h"
#include "cmd/survey.h"
#include "cmd/unknown_fields.h"
#include "core/base/clock.h"

#include <stdlib.h>
#include <unistd.h>

struct launch_values {
    struct sending_values sending;
    uint64_t limit;
    bool yes, dry_run;
};

static const struct option launch_options[] = {
    {"yes", OPTION_FLAG, NULL, offsetof(struct launch_values, yes),
     "do not ask before sending", 0, 0},
    {"dry-run", OPTION_FLAG, NULL, offsetof(struct launch_values, dry_run),
     "render everybody, create nothing, open no connection", 0, 0},
    {"limit", OPTION_COUNT, "N", offsetof(struct launch_values, limit),
     "only the first N recipients that `where` keeps", 1, 0},
    SENDING_OPTIONS(offsetof(struct launch_values, sending)),
    {0},
};

/* Whom `where` keeps; a recipient for whom it cannot be said stops the launch. */
struct keeper {
    struct composer *composer;
    int64_t now_ms;
    struct progress progress;
    uint64_t audience;
    enum err err;
    struct error error;
};

static bool keep_recipient(void *self, const struct recipient_row *row)
{
    struct keeper *keeper = self;
    bool keeps = false;
    struct error why = {ERR_NONE, ""};
    if (keeper->err != ERR_NONE)
        return false;
    enum err err = composer_keeps(keeper->composer, row->address, row->record,
                                  keeper->now_ms, &keeps, &why);
    if (err != ERR_NONE) {
        keeper->err = err;
        keeper->error = why;
    }
    return keeps;
}

static void show_progress(void *self, uint64_t done)
{
    struct keeper *keeper = self;
    progress_show_work(&keeper->progress, "recipients read", done, done,
                       keeper->audience);
}

static enum err create(struct opened *opened, const struct launch_values *values,
                       bool quiet, struct campaign *campaign, struct error *error)
{
    struct keeper keeper = {.now_ms = clock_wall_ms(),
                            .audience = opened->list.recipient_count};
    struct campaign_plan plan = {
        .name = opened->file.name,
        .path = opened->file.path,
        .settings = opened->file.source,
        .list_id = opened->list.id,
        .limit = values->limit,
        .keep = opened->content->where != NULL ? keep_recipient : NULL,
        .progress = show_progress,
        .self = &keeper,
    };
    memcpy(plan.content_hash, opened->content->hash, sizeof(plan.content_hash));
    keeper.composer = composer_new(opened->content);
    if (keeper.composer == NULL)
        return error_set(error, ERR_MEMORY,
                         "cannot launch: the campaign: out of memory");
    progress_init(&keeper.progress, (enum progress_mode)values->sending.progress, quiet,
                  0, NULL);
    enum err err =
        campaign_create(opened->store, &plan, &opened->arena, campaign, error);
    progress_clear(&keeper.progress);
    composer_free(keeper.composer);
    /* The name was free when the database was opened. */
    if (err == ERR_CONFIG)
        err = error_set(error, ERR_LOCKED,
                        "cannot launch: %.*s: another process has just launched it; "
                        "watch it with status",
                        STR_ARG(opened->file.name));
    return err;
}

/* A condition that fails for somebody must not decide that he gets no mail: it is
 * tried on everybody before the campaign is made. */
static enum err try_condition(struct opened *opened, struct error *error)
{
    struct keeper keeper = {.now_ms = clock_wall_ms()};
    struct recipient_walk *walk;
    struct recipient_row row;
    if (opened->content->where == NULL)
        return ERR_NONE;
    keeper.composer = composer_new(opened->content);
    if (keeper.composer == NULL)
        return error_set(error, ERR_MEMORY,
                         "cannot launch: the campaign: out of memory");
    enum err err = recipient_walk_open(opened->store, opened->list.id, 0, &walk, error);
    if (err == ERR_NONE) {
        while (keeper.err == ERR_NONE && recipient_walk_next(walk, &row))
            (void)keep_recipient(&keeper, &row);
        err = recipient_walk_close(walk, error);
    }
    composer_free(keeper.composer);
    if (err == ERR_NONE && keeper.err != ERR_NONE) {
        *error = keeper.error;
        err = keeper.err;
    }
    return err;
}

/* Asks on the terminal; without one, --yes has to have been given. */
static enum err ask(const struct opened *opened, const struct launch_values *values,
                    bool *goes_on, struct error *error)
{
    char answer[16] = "";
    const struct relay_settings *relay = &opened->file.relays[0];
    unsigned long long count = opened->list.recipient_count;
    *goes_on = true;
    if (values->yes)
        return ERR_NONE;
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
        return error_set(
            error, ERR_USAGE,
            "cannot launch: %.*s: there is no terminal to ask on; give --yes",
            STR_ARG(opened->file.name));
    if (values->limit > 0 && values->limit < count)
        count = values->limit;
    (void)fprintf(
        stderr, "Send %.*s to %s%llu recipients of %.*s through %.*s:%u? [y/N] ",
        STR_ARG(opened->file.name), opened->content->where != NULL ? "up to " : "",
        count, STR_ARG(opened->list.name), STR_ARG(relay->host), (unsigned)relay->port);
    (void)fflush(stderr);
    *goes_on = fgets(answer, sizeof(answer), stdin) != NULL &&
               (answer[0] == 'y' || answer[0] == 'Y');
    if (!*goes_on)
        (void)fprintf(stderr, "Nothing was sent.\n");
    return ERR_NONE;
}

static int create_and_send(struct opened *opened, const struct invocation *invocation,
                           struct error *error)
{
    const struct launch_values *values = invocation->values;
    bool quiet = invocation->globals->quiet, goes_on;
    struct campaign campaign;
    unknown_fields_warn(opened->content);
    enum err err = try_condition(opened, error);
    if (err == ERR_NONE)
        err = ask(opened, values, &goes_on, error);
    if (err != ERR_NONE || !goes_on)
        return err_exit_code(err);
    err = create(opened, values, quiet, &campaign, error);
    if (err == ERR_NONE)
        err = opened_set_campaign(opened, &campaign, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    return sending_run(opened->store, &opened->campaign, opened->content,
                       &values->sending, quiet, error);
}

static void print_dry_run(const struct opened *opened, const struct survey *survey)
{
    (void)printf("%.*s: dry run: %llu of %llu recipients of %.*s would get it",
                 STR_ARG(opened->file.name), (unsigned long long)survey->rendered,
                 (unsigned long long)survey->recipients, STR_ARG(opened->list.name));
    (void)printf(" (%llu left out by where, %llu suppressed, %llu invalid)\n",
                 (unsigned long long)survey->left_out,
                 (unsigned long long)survey->suppressed,
                 (unsigned long long)survey->invalid);
    if (survey->rendered > 0)
        (void)printf("messages of %llu to %llu bytes, %llu in all, in %.1f s\n",
                     (unsigned long long)survey->smallest,
                     (unsigned long long)survey->largest,
                     (unsigned long long)survey->bytes, survey->elapsed_s);
    for (size_t i = 0; i < survey->samples.n; i++)
        (void)printf("  %.*s\n", STR_ARG(survey->samples.p[i].address));
    for (size_t i = 0; i < survey->invalid_count; i++)
        (void)printf("  invalid: %.*s: %.*s\n",
                     STR_ARG(survey->invalid_rows[i].address),
                     STR_ARG(survey->invalid_rows[i].why));
    (void)printf("nothing was created, no connection was opened\n");
}

static int dry_run(struct opened *opened, const struct invocation *invocation,
                   struct error *error)
{
    const struct launch_values *values = invocation->values;
    struct survey *survey = malloc(sizeof(*survey));
    struct survey_options options = {
        .limit = values->limit,
        .workers = (unsigned)values->sending.workers,
        .progress = (enum progress_mode)values->sending.progress,
        .quiet = invocation->globals->quiet,
    };
    if (survey == NULL)
        return command_fail(error, ERR_MEMORY,
                            "cannot launch: the campaign: out of memory");
    enum err err = survey_run(opened->store, &opened->list, opened->content, &options,
                              survey, error);
    if (err == ERR_NONE)
        print_dry_run(opened, survey);
    bool has_invalid = survey->invalid > 0;
    survey_free(survey);
    free(survey);
    if (err != ERR_NONE)
        return err_exit_code(err);
    return has_invalid ? err_exit_code(ERR_DATA) : 0;
}

/* The name is taken: by a run that is alive, or by one that resume goes on with. */
static int refuse_again(struct opened *opened, struct error *error)
{
    enum err err = campaign_refuse_running(opened->store, opened->campaign.id, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    const struct campaign *campaign = &opened->campaign;
    const char *next = campaign_is_over(campaign) ? "report" : "resume";
    const char *does = campaign_is_over(campaign) ? "tells what became of it; to send "
                                                    "again give it"
                                                  : "goes on with it, or give it";
    return command_fail(error, ERR_CONFIG,
                        "cannot launch: %.*s: there is a campaign of that name, %s; "
                        "`broadside %s %.*s` %s another name",
                        STR_ARG(campaign->name), campaign_state_word(campaign->state),
                        next, STR_ARG(campaign->name), does);
}

static int run_launch(const struct invocation *invocation, struct error *error)
{
    const struct launch_values *values = invocation->values;
    struct opened opened;
    int exit_code;
    enum err err =
        opened_open(&opened, invocation->globals, invocation->args[0], error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    if (values->dry_run)
        exit_code = dry_run(&opened, invocation, error);
    else if (opened.is_launched)
        exit_code = refuse_again(&opened, error);
    else if (campaign_file_check_relays(&opened.file, error) != ERR_NONE)
        exit_code = err_exit_code(error->code);
    else
        exit_code = create_and_send(&opened, invocation, error);
    opened_close(&opened);
    return exit_code;
}

const struct command command_launch = {
    .name = "launch",
    .arguments = "CAMPAIGN.yaml",
    .summary = "create a campaign and send it",
    .details = "Interrupt once: nothing new is started, the replies to what is on the "
               "wire are\n"
               "waited for, exit 75, and `resume` goes on. Twice: stop at once.\n"
               "Exit 0 everybody got it, 3 some failed, 4 some are in doubt, 75 work "
               "is left.\n",
    .args_min = 1,
    .args_max = 1,
    .options = launch_options,
    .values_bytes = sizeof(struct launch_values),
    .is_recorded = true,
    .run = run_launch,
};
