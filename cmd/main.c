/*
 * main.c - the program: global options, the table of subcommands, the error line
 *
 * The only place that turns errors into an exit code and a line on standard error.
 */
#include "cmd/commands.h"

#include "cmd/config/campaign.h"
#include "cmd/nearest.h"
#include "core/base/log.h"
#include "core/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define VALUES_BYTES_MAX 512

struct main_values {
    struct globals globals;
    bool help, version;
};

static const struct option global_options[] = {
    {"db", OPTION_TEXT, "PATH", offsetof(struct main_values, globals.db),
     "the database (default BROADSIDE_DB, else ./broadside.db)", 0, 0},
    {"config", OPTION_TEXT, "FILE", offsetof(struct main_values, globals.config),
     "the settings file (default ./broadside.yaml if there)", 0, 0},
    {"quiet", OPTION_FLAG, NULL, offsetof(struct main_values, globals.quiet),
     "say nothing but errors", 0, 0},
    {"verbose", OPTION_FLAG, NULL, offsetof(struct main_values, globals.verbose),
     "say more on standard error", 0, 0},
    {"help", OPTION_FLAG, NULL, offsetof(struct main_values, help), "this text", 0, 0},
    {"version", OPTION_FLAG, NULL, offsetof(struct main_values, version), "the version",
     0, 0},
    {0},
};

#define COMMAND_ADDRESS(variable) &variable,
const struct command *const commands[] = {COMMAND_LIST(COMMAND_ADDRESS) NULL};
#undef COMMAND_ADDRESS

bool command_may_colour(void)
{
    const char *no_color = getenv("NO_COLOR");
    return (no_color == NULL || no_color[0] == '\0') && isatty(STDERR_FILENO) == 1;
}

static int print_version(void)
{
    (void)printf("broadside " BROADSIDE_VERSION "\n");
    return 0;
}

static void print_usage(FILE *to)
{
    (void)fprintf(to, "broadside: bulk email campaigns from the command line\n\n"
                      "usage: broadside [OPTIONS] COMMAND ...\n\ncommands:\n");
    for (const struct command *const *command = commands; *command != NULL; command++)
        (void)fprintf(to, "  %-20s  %s\n", (*command)->name, (*command)->summary);
    (void)fprintf(to, "\noptions, before or after the command:\n");
    options_print(to, global_options);
    (void)fprintf(to, "\n`broadside COMMAND --help` says more. Exit codes and files: "
                      "man broadside, man broadside-campaign.\n");
}

static void print_command_help(FILE *to, const struct command *command)
{
    (void)fprintf(to, "broadside %s: %s\n\nusage: broadside [OPTIONS] %s%s%s%s\n",
                  command->name, command->summary, command->name,
                  command->arguments[0] != '\0' ? " " : "", command->arguments,
                  command->options != NULL ? " [OPTIONS]" : "");
    if (command->details != NULL)
        (void)fprintf(to, "\n%s", command->details);
    if (command->options != NULL) {
        (void)fprintf(to, "\noptions:\n");
        options_print(to, command->options);
    }
    (void)fprintf(to, "\noptions of every command:\n");
    options_print(to, global_options);
}

/* How many leading words of args are the command's name; 0: it is another one. */
static size_t name_words(const struct command *command, const char *const *args,
                         size_t count)
{
    struct str second;
    struct str first = str_split(str_of(command->name), ' ', &second);
    if (count < 1 || !str_equal(first, str_of(args[0])))
        return 0;
    if (str_is_null(second))
        return 1;
    return count >= 2 && str_equal(second, str_of(args[1])) ? 2 : 0;
}

/* Two words win over one, so that "lists show" is not `lists` with an argument. */
static const struct command *command_find(const char *const *args, size_t count,
                                          size_t *words)
{
    const struct command *best = NULL;
    *words = 0;
    for (const struct command *const *command = commands; *command != NULL; command++) {
        size_t n = name_words(*command, args, count);
        if (n > *words) {
            best = *command;
            *words = n;
        }
    }
    return best;
}

/* The help of the commands that begin with a word that is none itself ("suppress").
 * false: no command does. */
static bool print_group_help(FILE *to, const char *word)
{
    bool found = false;
    for (const struct command *const *command = commands; *command != NULL; command++) {
        struct str second;
        struct str first = str_split(str_of((*command)->name), ' ', &second);
        if (str_is_null(second) || !str_equal(first, str_of(word)))
            continue;
        if (!found)
            (void)fprintf(to, "broadside %s: one of\n\n", word);
        (void)fprintf(to, "  %-20s  %s\n", (*command)->name, (*command)->summary);
        found = true;
    }
    if (found)
        (void)fprintf(to, "\n`broadside COMMAND --help` says more.\n");
    return found;
}

/* The first word of a command that is a slip away; STR_NULL if none is. */
static struct str meant_command(struct str word)
{
    for (const struct command *const *command = commands; *command != NULL; command++) {
        struct str rest, first = str_split(str_of((*command)->name), ' ', &rest);
        if (nearest_is_slip(word, first))
            return first;
    }
    return STR_NULL;
}

/* "address" alone names no command but begins some: say which. */
static int unknown_command(const char *const *args, struct error *error)
{
    char known[256] = "";
    size_t n = 0;
    for (const struct command *const *command = commands; *command != NULL; command++) {
        struct str second;
        struct str first = str_split(str_of((*command)->name), ' ', &second);
        if (str_is_null(second) || !str_equal(first, str_of(args[0])))
            continue;
        int wrote = snprintf(known + n, sizeof(known) - n, "%s%.*s", n > 0 ? "|" : "",
                             STR_ARG(second));
        if (wrote > 0 && (size_t)wrote < sizeof(known) - n)
            n += (size_t)wrote;
    }
    if (n > 0)
        return command_fail(
            error, ERR_USAGE,
            "bad command: %s: it needs a second word; say broadside %s %s", args[0],
            args[0], known);
    struct str meant = meant_command(str_of(args[0]));
    if (!str_is_null(meant))
        return command_fail(
            error, ERR_USAGE,
            "unknown command: %s: there is none of that name; did you mean %.*s? see "
            "broadside --help",
            args[0], STR_ARG(meant));
    return command_fail(
        error, ERR_USAGE,
        "unknown command: %s: there is none of that name; see broadside --help",
        args[0]);
}

static void print_key(void *self, const char *section, const char *key,
                      const char *help)
{
    FILE *to = self;
    int width = fprintf(to, "  %s%s%s", section, section[0] != '\0' ? "." : "", key);
    (void)fprintf(to, "%*s%s\n", width < 34 ? 34 - width : 1, "", help);
}

static int run_help(const struct invocation *invocation, struct error *error)
{
    size_t words;
    if (invocation->arg_count == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(invocation->args[0], "campaign-file") == 0) {
        (void)printf("Keys of a campaign file (man broadside-campaign says more):\n\n");
        campaign_file_keys(print_key, stdout);
        return 0;
    }
    const struct command *command =
        command_find(invocation->args, invocation->arg_count, &words);
    if (command == NULL)
        return print_group_help(stdout, invocation->args[0])
                   ? 0
                   : unknown_command(invocation->args, error);
    print_command_help(stdout, command);
    return 0;
}

const struct command command_help = {
    .name = "help",
    .arguments = "[COMMAND|campaign-file]",
    .summary = "this overview, a command's options, or a campaign file's keys",
    .args_max = 2,
    .run = run_help,
};

static int check_argument_count(const struct command *command, size_t count,
                                struct error *error)
{
    if (count < command->args_min)
        return command_fail(
            error, ERR_USAGE,
            "bad command: %s: an argument is missing; say broadside %s %s",
            command->name, command->name, command->arguments);
    if (count > command->args_max)
        return command_fail(error, ERR_USAGE,
                            "bad command: %s: too many arguments; say broadside %s %s",
                            command->name, command->name, command->arguments);
    return 0;
}

static void globals_settle(struct globals *globals)
{
    if (globals->db == NULL)
        globals->db = getenv("BROADSIDE_DB");
    if (globals->db == NULL || globals->db[0] == '\0')
        globals->db = "broadside.db";
    log_set_level(globals->quiet ? LOG_ERROR : globals->verbose ? LOG_DEBUG : LOG_INFO);
}

static int run_command(const struct command *command, const char **args, size_t count,
                       struct main_values *main_values, struct error *error)
{
    _Alignas(max_align_t) unsigned char values[VALUES_BYTES_MAX] = {0};
    CHECK(command->values_bytes <= sizeof(values));
    if (command->defaults != NULL)
        memcpy(values, command->defaults, command->values_bytes);
    struct option_set sets[] = {{command->options, values},
                                {global_options, main_values}};
    if (options_parse(sets, 2, args, count, false, &count, error) != ERR_NONE)
        return err_exit_code(error->code);
    if (main_values->help) {
        print_command_help(stdout, command);
        return 0;
    }
    if (main_values->version)
        return print_version();
    int exit_code = check_argument_count(command, count, error);
    if (exit_code != 0)
        return exit_code;
    globals_settle(&main_values->globals);
    struct invocation invocation = {&main_values->globals, (const char *const *)args,
                                    count, values};
    exit_code = command->run(&invocation, error);
    /* Who was written to is in the ledger, whoever listens to the summary. */
    if (command->is_recorded && (fflush(stdout) != 0 || ferror(stdout)) &&
        freopen("/dev/null", "w", stdout) == NULL)
        log_line(LOG_WARN, "no-output", "the summary could not be written");
    return exit_code;
}

/* Words that name no command: `suppress --help` is a fair question all the same. */
static int run_group(const char **args, size_t count, struct main_values *values,
                     struct error *error)
{
    struct option_set set = {global_options, values};
    size_t words;
    struct error ignored;
    if (options_parse(&set, 1, args + 1, count - 1, false, &words, &ignored) ==
        ERR_NONE) {
        if (values->version)
            return print_version();
        if (values->help && words == 0 && print_group_help(stdout, args[0]))
            return 0;
    }
    return unknown_command((const char *const *)args, error);
}

static int dispatch(const char **args, size_t count, struct error *error)
{
    struct main_values values = {0};
    struct option_set set = {global_options, &values};
    size_t words;
    if (options_parse(&set, 1, args, count, true, &count, error) != ERR_NONE)
        return err_exit_code(error->code);
    if (values.version)
        return print_version();
    if (count == 0 && values.help)
        return print_usage(stdout), 0;
    if (count == 0)
        return command_fail(error, ERR_USAGE,
                            "bad command: none: nothing was asked for; see "
                            "broadside --help");
    const struct command *command =
        command_find((const char *const *)args, count, &words);
    if (command == NULL)
        return run_group(args, count, &values, error);
    return run_command(command, args + words, count - words, &values, error);
}

/* Results that did not reach their file must not look like success. A reader that
 * went away (`| head`) knows why it did and needs no line. */
static int finish_output(int exit_code, struct error *error)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exit_code;
    if (errno != EPIPE && error->code == ERR_NONE)
        (void)error_set(error, ERR_STORAGE,
                        "cannot write the result: standard output: %s",
                        strerror(errno));
    return exit_code != 0 ? exit_code : err_exit_code(ERR_STORAGE);
}

static void print_error(const struct error *error)
{
    bool is_whole = error_has_advice(error);
    (void)fprintf(stderr, "broadside: %s%s%s\n", error->text, is_whole ? "" : "; ",
                  is_whole ? "" : err_advice(error->code));
}

/* A descriptor of the three that the caller closed would be given to the next file or
 * socket that is opened, and what is said would be written into the database or to the
 * relay. Opened the wrong way round it fails as a closed one does. */
static void open_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            continue;
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(err_exit_code(ERR_OS));
    }
}

int main(int argc, char **argv)
{
    struct error error = {ERR_NONE, ""};
    open_standard_streams();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    int exit_code =
        dispatch((const char **)argv + 1, argc > 0 ? (size_t)argc - 1 : 0, &error);
    exit_code = finish_output(exit_code, &error);
    if (error.text[0] != '\0')
        print_error(&error);
    return exit_code;
}
