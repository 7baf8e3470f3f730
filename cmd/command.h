/*
 * command.h - what a subcommand is
 *
 * One file per subcommand; each defines one `const struct command` (or several, for
 * two-word commands such as "lists show") that says everything: name, arguments,
 * options, help and the function. commands.h lists them. The help text is printed
 * from these tables, and a test compares the man page with them.
 *
 * Owns:    nothing; all constant, except what an invocation points to.
 * Thread:  main.
 * Errors:  a command returns its exit code (broadside.1); what it sets in *error is
 *          printed by main as the one line "broadside: ...".
 */
#ifndef BROADSIDE_CMD_COMMAND_H
#define BROADSIDE_CMD_COMMAND_H

#include "cmd/options.h"
#include "core/base/err.h"

/* Exit codes that are no failure of this program. */
#define EXIT_SOME_FAILED   3
#define EXIT_SOME_IN_DOUBT 4
#define EXIT_WORK_LEFT     75

/* Options that every command takes. */
struct globals {
    /* --db, else BROADSIDE_DB, else ./broadside.db. */
    const char *db;
    /* --config, or NULL (then ./broadside.yaml if there is one). */
    const char *config;
    bool quiet, verbose;
};

struct invocation {
    const struct globals *globals;
    /* What is left after the options; arg_count lies within the command's limits. */
    const char *const *args;
    size_t arg_count;
    /* The command's values: its defaults, overwritten by the options given. */
    const void *values;
};

struct command {
    /* One word, or two: "import", "lists show". */
    const char *name;
    /* As in the usage line: "LIST FILE|-"; "" if there are none. */
    const char *arguments;
    /* One line, without a full stop. */
    const char *summary;
    /* More for --help, lines of up to 78 characters; may be NULL. */
    const char *details;
    unsigned args_min, args_max;
    /* Ends with an all-zero entry; may be NULL. */
    const struct option *options;
    /* What the options write into; defaults may be NULL (all zero). */
    size_t values_bytes;
    const void *defaults;
    /* What it did stands in the database: a closed standard output is no failure. */
    bool is_recorded;
    int (*run)(const struct invocation *invocation, struct error *error);
};

/* Sets the error and yields its exit code: return command_fail(error, ERR_DATA, ...).
 */
#define command_fail(error, code, ...)                                                 \
    err_exit_code(error_set((error), (code), __VA_ARGS__))

/* True if a person is watching standard error and NO_COLOR is not set. */
bool command_may_colour(void);

#endif
