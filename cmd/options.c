/*
 * options.c - one pass over argv, arguments compacted to its front
 */
#include "cmd/options.h"

#include "core/base/str.h"

/* The place in a command's struct of values; all of them are aligned by their type. */
static void *option_place(const struct option_set *set, const struct option *option)
{
    return (char *)set->values + option->offset;
}

static enum err set_count_value(const struct option *option, const char *text,
                                uint64_t *place, struct error *error)
{
    uint64_t value;
    if (!str_to_u64(str_of(text), &value))
        return error_set(error, ERR_USAGE,
                         "bad option: --%s %s: not a whole number; give %s",
                         option->name, text, option->value);
    if (value < option->min)
        return error_set(error, ERR_USAGE,
                         "bad option: --%s %s: too small; give at least %llu",
                         option->name, text, (unsigned long long)option->min);
    if (option->max != 0 && value > option->max)
        return error_set(error, ERR_USAGE,
                         "bad option: --%s %s: too large; give at most %llu",
                         option->name, text, (unsigned long long)option->max);
    *place = value;
    return ERR_NONE;
}

static enum err set_choice(const struct option *option, const char *text,
                           unsigned *place, struct error *error)
{
    struct str rest = str_of(option->value);
    for (unsigned index = 0; !str_is_null(rest); index++) {
        if (str_equal(str_split(rest, '|', &rest), str_of(text))) {
            *place = index;
            return ERR_NONE;
        }
    }
    return error_set(error, ERR_USAGE, "bad option: --%s %s: unknown; give one of %s",
                     option->name, text, option->value);
}

static enum err option_set_value(const struct option_set *set,
                                 const struct option *option, const char *text,
                                 struct error *error)
{
    void *place = option_place(set, option);
    switch (option->kind) {
    case OPTION_FLAG: *(bool *)place = true; return ERR_NONE;
    case OPTION_TEXT: *(const char **)place = text; return ERR_NONE;
    case OPTION_COUNT: return set_count_value(option, text, place, error);
    case OPTION_CHOICE: return set_choice(option, text, place, error);
    }
    return ERR_BUG;
}

static const struct option *option_find(const struct option_set *sets, size_t set_count,
                                        struct str name,
                                        const struct option_set **found)
{
    for (size_t i = 0; i < set_count; i++) {
        const struct option *option = sets[i].options;
        for (; option != NULL && option->name != NULL; option++) {
            if (str_equal(str_of(option->name), name)) {
                *found = &sets[i];
                return option;
            }
        }
    }
    return NULL;
}

/* One option at argv[*at], its value perhaps in the next; *at moves to the last used.
 */
static enum err parse_one(const struct option_set *sets, size_t set_count,
                          const char **argv, size_t argc, size_t *at,
                          struct error *error)
{
    const char *arg = argv[*at];
    struct str value;
    const struct option_set *set = NULL;
    const struct option *option = NULL;
    struct str name = str_split(str_from(str_of(arg), 2), '=', &value);
    if (arg[1] == '-')
        option = option_find(sets, set_count, name, &set);
    if (option == NULL)
        return error_set(error, ERR_USAGE,
                         "unknown option: %s: there is none of that name; see --help",
                         arg);
    if (option->kind == OPTION_FLAG && !str_is_null(value))
        return error_set(error, ERR_USAGE,
                         "bad option: %s: --%s takes no value; leave it out", arg,
                         option->name);
    if (option->kind == OPTION_FLAG)
        return option_set_value(set, option, NULL, error);
    if (!str_is_null(value))
        return option_set_value(set, option, value.p, error);
    if (*at + 1 >= argc)
        return error_set(error, ERR_USAGE,
                         "bad option: --%s: its value is missing; give %s",
                         option->name, option->value);
    *at += 1;
    return option_set_value(set, option, argv[*at], error);
}

enum err options_parse(const struct option_set *sets, size_t set_count,
                       const char **argv, size_t argc, bool stop_at_argument,
                       size_t *arg_count, struct error *error)
{
    bool only_arguments = false;
    size_t kept = 0;
    for (size_t i = 0; i < argc; i++) {
        const char *arg = argv[i];
        if (only_arguments || arg[0] != '-' || arg[1] == '\0') {
            if (stop_at_argument)
                only_arguments = true;
            argv[kept++] = arg;
        } else if (strcmp(arg, "--") == 0) {
            only_arguments = true;
        } else {
            enum err err = parse_one(sets, set_count, argv, argc, &i, error);
            if (err != ERR_NONE)
                return err;
        }
    }
    *arg_count = kept;
    return ERR_NONE;
}

#define HELP_COLUMN 28

void options_print(FILE *to, const struct option *options)
{
    for (const struct option *option = options; option != NULL && option->name != NULL;
         option++) {
        int width =
            fprintf(to, "  --%s%s%s", option->name, option->value != NULL ? " " : "",
                    option->value != NULL ? option->value : "");
        if (width > HELP_COLUMN - 2) {
            (void)fputc('\n', to);
            width = 0;
        }
        (void)fprintf(to, "%*s%s\n", HELP_COLUMN - width, "", option->help);
    }
}
