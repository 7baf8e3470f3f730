/*
 * options.h - long options from a table: parsed, checked, and printed as help
 *
 * An entry says where in the command's struct of values its value goes. Options and
 * arguments may be mixed; `--name value` and `--name=value` are the same; `--` ends the
 * options; `-` alone is an argument. The last of repeated options counts. No
 * abbreviations: a script must not change its meaning when an option is added.
 *
 * Owns:    nothing; values point into argv.
 * Errors:  ERR_USAGE.
 */
#ifndef BROADSIDE_CMD_OPTIONS_H
#define BROADSIDE_CMD_OPTIONS_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
    OPTION_FLAG,  /* bool, becomes true */
    OPTION_TEXT,  /* const char * */
    OPTION_COUNT, /* uint64_t, decimal, min..max */
    OPTION_CHOICE /* unsigned: which of the words of `value`, "text|json|csv" */
};

struct option {
    /* Without the dashes. */
    const char *name;
    enum option_kind kind;
    /* What the help calls the value: "FILE"; the words of a choice; NULL for a flag. */
    const char *value;
    /* offsetof in the struct of values. */
    size_t offset;
    /* One line, without a full stop. */
    const char *help;
    /* For OPTION_COUNT; max 0 means no maximum. */
    uint64_t min, max;
};

/* A table of options and where its values go. */
struct option_set {
    const struct option *options;
    void *values;
};

/*
 * Takes the options out of argv: the sets are searched in order; what is no option is
 * moved to the front, *arg_count says how many. stop_at_argument: the first argument
 * ends the parsing, *arg_count is everything from there on.
 */
MUST_CHECK enum err options_parse(const struct option_set *sets, size_t set_count,
                                  const char **argv, size_t argc, bool stop_at_argument,
                                  size_t *arg_count, struct error *error);
/* The table as help, one or more lines an option; nothing for NULL. */
void options_print(FILE *to, const struct option *options);

#endif
