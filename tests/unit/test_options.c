#include "cmd/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct values {
    const char *file;
    uint64_t count;
    unsigned choice;
    bool flag;
};

static const struct option options[] = {
    {"file", OPTION_TEXT, "FILE", offsetof(struct values, file), "a file", 0, 0},
    {"count", OPTION_COUNT, "N", offsetof(struct values, count), "a count", 2, 10},
    {"choice", OPTION_CHOICE, "one|two|three", offsetof(struct values, choice), "which",
     0, 0},
    {"flag", OPTION_FLAG, NULL, offsetof(struct values, flag), "on", 0, 0},
    {0},
};

static struct values values;
static struct error error;
static const char *args[16];
static size_t arg_count;

/* Words separated by single spaces; "''" is an empty one. */
static enum err parse(const char *line, bool stop_at_argument)
{
    static char copy[256];
    size_t n = 0;
    struct option_set set = {options, &values};
    memset(&values, 0, sizeof(values));
    error = (struct error){ERR_NONE, ""};
    (void)strcpy(copy, line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        args[n++] = strcmp(word, "''") == 0 ? "" : word;
    return options_parse(&set, 1, args, n, stop_at_argument, &arg_count, &error);
}

static void options_parse__mixes_options_and_arguments(void **state)
{
    (void)state;
    assert_int_equal(parse("a --file x b --flag --count=3 - --choice three", false),
                     ERR_NONE);
    assert_int_equal(arg_count, 3);
    assert_string_equal(args[0], "a");
    assert_string_equal(args[1], "b");
    assert_string_equal(args[2], "-");
    assert_string_equal(values.file, "x");
    assert_int_equal(values.count, 3);
    assert_int_equal(values.choice, 2);
    assert_true(values.flag);
}

static void options_parse__ends_options_at_two_dashes(void **state)
{
    (void)state;
    assert_int_equal(parse("--file --flag -- --count x", false), ERR_NONE);
    assert_string_equal(values.file, "--flag");
    assert_false(values.flag);
    assert_int_equal(arg_count, 2);
    assert_string_equal(args[0], "--count");
}

static void options_parse__stops_at_the_command(void **state)
{
    (void)state;
    assert_int_equal(parse("--flag launch --unknown x", true), ERR_NONE);
    assert_int_equal(arg_count, 3);
    assert_string_equal(args[1], "--unknown");
}

static void options_parse__takes_empty_values_and_the_last_of_repeated(void **state)
{
    (void)state;
    assert_int_equal(parse("--file=x --file= --count 2 --count 10", false), ERR_NONE);
    assert_string_equal(values.file, "");
    assert_int_equal(values.count, 10);
}

static void options_parse__refuses_wrong_usage(void **state)
{
    static const char *const lines[] = {
        "--unknown", "--fil x",    "-f",          "--flag=yes",    "--file",
        "--count 1", "--count 11", "--count -1",  "--count 1e1",   "--count ''",
        "--count=",  "--choice=",  "--choice on", "--choice one|", "--=x",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (parse(lines[i], false) != ERR_USAGE || error.text[0] == '\0')
            fail_msg("%s", lines[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_parse__mixes_options_and_arguments),
        cmocka_unit_test(options_parse__ends_options_at_two_dashes),
        cmocka_unit_test(options_parse__stops_at_the_command),
        cmocka_unit_test(options_parse__takes_empty_values_and_the_last_of_repeated),
        cmocka_unit_test(options_parse__refuses_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
