/*
 * resume.c - `resume`, `pause`, `cancel`: a campaign that exists, by its name
 *
 * The campaign file is read again from where it lay at launch. Relay, limits and retry
 * may have changed; what recipients get may not, unless --allow-change says so.
 */
#include "cmd/campaign_now.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "cmd/opened.h"
#include "cmd/sending.h"
#include "core/base/log.h"

struct resume_values {
    struct sending_values sending;
    const char *file;
    bool allow_change;
};

static const struct option resume_options[] = {
    {"allow-change", OPTION_FLAG, NULL, offsetof(struct resume_values, allow_change),
     "go on though what recipients get has changed", 0, 0},
    {"file", OPTION_TEXT, "FILE", offsetof(struct resume_values, file),
     "the campaign file, if it was moved since the launch", 0, 0},
    {"take-over", OPTION_FLAG, NULL, offsetof(struct resume_values, sending.take_over),
     "the run on another machine that had it is dead", 0, 0},
    SENDING_OPTIONS(offsetof(struct resume_values, sending)),
    {0},
};

/* Where its file is and what it says now: what the next resume compares with. */
static enum err keep_content(struct opened *opened, struct error *error)
{
    const struct campaign *campaign = &opened->campaign;
    enum err err = campaign_refuse_running(opened->store, campaign->id, error);
    return err != ERR_NONE
               ? err
               : campaign_set_content(opened->store, campaign->id, opened->file.path,
                                      opened->file.source, opened->content->hash,
                                      error);
}

static enum err check_content(struct opened *opened, bool allow_change,
                              struct error *error)
{
    const struct campaign *campaign = &opened->campaign;
    if (memcmp(campaign->content_hash, opened->content->hash, CONTENT_HASH_BYTES) == 0)
        return str_equal(campaign->path, opened->file.path)
                   ? ERR_NONE
                   : keep_content(opened, error);
    if (!allow_change)
        return error_set(
            error, ERR_CONFIG,
            "cannot resume: %.*s: what recipients get has changed since the "
            "launch (%.*s, a template, data or a file); put it back, or give "
            "--allow-change",
            STR_ARG(campaign->name), STR_ARG(opened->file.path));
    log_line(LOG_WARN, "changed", "%.*s: goes on with changed content",
             STR_ARG(campaign->name));
    return keep_content(opened, error);
}

/* A campaign that is over has nothing to resume: its result again, so that a loop
 * around resume ends. */
static int resume_nothing(const struct opened *opened, bool quiet, struct error *error)
{
    const struct campaign *campaign = &opened->campaign;
    if (!quiet && campaign->state == CAMPAIGN_CANCELLED)
        (void)printf("%.*s: cancelled, it sends no more; launch it under another name "
                     "to reach the rest\n",
                     STR_ARG(campaign->name));
    else if (!quiet)
        (void)printf("%.*s: finished, nothing is left to send\n",
                     STR_ARG(campaign->name));
    return sending_exit_code(opened->store, campaign->id, error);
}

static int run_resume(const struct invocation *invocation, struct error *error)
{
    const struct resume_values *values = invocation->values;
    bool quiet = invocation->globals->quiet;
    struct opened opened;
    int exit_code;
    enum err err = opened_open_launched(&opened, invocation->globals,
                                        invocation->args[0], values->file, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    if (campaign_is_over(&opened.campaign))
        exit_code = resume_nothing(&opened, quiet, error);
    else if (campaign_file_check_relays(&opened.file, error) != ERR_NONE ||
             check_content(&opened, values->allow_change, error) != ERR_NONE)
        exit_code = err_exit_code(error->code);
    else
        exit_code = sending_run(opened.store, &opened.campaign, opened.content,
                                &values->sending, quiet, error);
    opened_close(&opened);
    return exit_code;
}

const struct command command_resume = {
    .name = "resume",
    .arguments = "NAME",
    .summary = "go on sending a campaign",
    .details =
        "Relay, limits and retry of the campaign file may have changed since the "
        "launch.\nWhat recipients get may not (exit 78), unless --allow-change "
        "says so.\nA campaign that is over gives its result again: exit 0, 3 or 4.\n",
    .args_min = 1,
    .args_max = 1,
    .options = resume_options,
    .values_bytes = sizeof(struct resume_values),
    .is_recorded = true,
    .run = run_resume,
};

/* What is asked of a campaign that exists. */
struct request {
    enum run_command command;
    /* The state that it asks for, and the words for that being on its way. */
    enum campaign_state wanted;
    const char *verb, *asked;
};

/* A campaign that is over needs no stopping: what was asked for is so already, and a
 * script that says it twice is right both times. */
static void print_answer(const char *name, const struct request *request,
                         enum campaign_state state)
{
    if (state == CAMPAIGN_RUNNING)
        (void)printf("%s: %s\n", name, request->asked);
    else if (state == request->wanted)
        (void)printf("%s: %s\n", name, campaign_state_word(state));
    else
        (void)printf("%s: %s already, nothing is left to %s\n", name,
                     campaign_state_word(state), request->verb);
}

/* What the campaign has decided about those that a dead run left armed; false, which
 * sends nothing twice, if that cannot be read. */
static bool retries_in_doubt(struct store *store, struct str name,
                             const char *settings_path)
{
    struct arena arena;
    struct campaign campaign;
    struct campaign_file file;
    struct error ignored;
    bool retries = false;
    arena_init(&arena, FORMAT_MEMORY_MAX);
    if (campaign_find(store, name, &arena, &campaign, &ignored) == ERR_NONE &&
        campaign_file_now(&campaign, settings_path, &file) == ERR_NONE) {
        retries = file.retry_in_doubt;
        campaign_file_free(&file);
    }
    arena_fini(&arena);
    return retries;
}

static int run_request(const struct invocation *invocation,
                       const struct request *request, struct error *error)
{
    const char *name = invocation->args[0];
    enum campaign_state state;
    struct store *store;
    enum err err = store_open(invocation->globals->db, &store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    bool retries = retries_in_doubt(store, str_of(name), invocation->globals->config);
    err =
        campaign_command(store, str_of(name), request->command, retries, &state, error);
    store_close(store);
    if (err == ERR_NONE && !invocation->globals->quiet)
        print_answer(name, request, state);
    return err_exit_code(err);
}

static int run_pause(const struct invocation *invocation, struct error *error)
{
    static const struct request pause = {
        RUN_PAUSE, CAMPAIGN_PAUSED, "pause",
        "its run was asked to pause and does so within a second or two"};
    return run_request(invocation, &pause, error);
}

static int run_cancel(const struct invocation *invocation, struct error *error)
{
    static const struct request cancel = {
        RUN_CANCEL, CAMPAIGN_CANCELLED, "cancel",
        "its run was asked to stop for good and does so within a second or two"};
    return run_request(invocation, &cancel, error);
}

const struct command command_pause = {
    .name = "pause",
    .arguments = "NAME",
    .summary = "stop sending a campaign, from any terminal; resume goes on",
    .args_min = 1,
    .args_max = 1,
    .run = run_pause,
};

const struct command command_cancel = {
    .name = "cancel",
    .arguments = "NAME",
    .summary = "stop a campaign for good: who has no mail yet gets none",
    .args_min = 1,
    .args_max = 1,
    .run = run_cancel,
};
