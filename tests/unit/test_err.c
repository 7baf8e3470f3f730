/* err.h: exit codes of the contract, error texts, CHECK. */
#include "core/base/err.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void err__words_and_exit_codes_are_the_contracts(void **state)
{
    static const struct {
        enum err err;
        int exit_code;
    } cases[] = {
        {ERR_NONE, 0},     {ERR_USAGE, 64},    {ERR_DATA, 65},       {ERR_NO_INPUT, 66},
        {ERR_RELAY, 69},   {ERR_BUG, 70},      {ERR_OS, 71},         {ERR_MEMORY, 71},
        {ERR_STORAGE, 74}, {ERR_PROTOCOL, 76}, {ERR_PERMISSION, 77}, {ERR_LOCKED, 77},
        {ERR_CONFIG, 78},  {ERR_LIMIT, 65},    {ERR_NOT_FOUND, 66},  {ERR_CLOSED, 71},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(err_exit_code(cases[i].err), cases[i].exit_code);
        assert_true(strlen(err_words(cases[i].err)) > 0);
        assert_true(strlen(err_advice(cases[i].err)) > 0);
    }
}

static void error_has_advice__behind_a_semicolon(void **state)
{
    (void)state;
    struct error error;
    error_set(&error, ERR_DATA, "read: a.csv:3: no such thing");
    assert_false(error_has_advice(&error));
    error_set(&error, ERR_DATA, "read: a.csv:3: no such thing; leave it out");
    assert_true(error_has_advice(&error));
}

static void error_set__returns_the_code_with_or_without_a_place(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(error_set(NULL, ERR_DATA, "%s", "unseen"), ERR_DATA);
    assert_int_equal(error_set(&error, ERR_CONFIG, "read: %s:%d", "a.yaml", 3),
                     ERR_CONFIG);
    assert_int_equal(error.code, ERR_CONFIG);
    assert_string_equal(error.text, "read: a.yaml:3");
}

static void error_set__quotes_nothing_that_drives_a_terminal(void **state)
{
    (void)state;
    struct error error;
    error_set(&error, ERR_DATA, "bad value: %s",
              "\x1b[2J\r\nforged: line\x7f\xc2\x9b\xff");
    assert_string_equal(error.text, "bad value: ?[2J??forged: line????");
    error_set(&error, ERR_DATA, "%s", "caf\xc3\xa9");
    assert_string_equal(error.text, "caf\xc3\xa9");
}

static void error_set__cuts_between_characters(void **state)
{
    (void)state;
    struct error error;
    char text[ERROR_TEXT_MAX + 10];
    memset(text, 'x', sizeof text);
    memcpy(text + ERROR_TEXT_MAX - 2, "\xc3\xa9", 3);
    error_set(&error, ERR_DATA, "%s", text);
    assert_int_equal(strlen(error.text), ERROR_TEXT_MAX - 1);
    assert_int_equal(error.text[ERROR_TEXT_MAX - 2], '?');
}

static void check__a_broken_invariant_exits_with_70(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        CHECK(1 + 1 == 3);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 70);
    CHECK(1 + 1 == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err__words_and_exit_codes_are_the_contracts),
        cmocka_unit_test(error_has_advice__behind_a_semicolon),
        cmocka_unit_test(error_set__returns_the_code_with_or_without_a_place),
        cmocka_unit_test(error_set__quotes_nothing_that_drives_a_terminal),
        cmocka_unit_test(error_set__cuts_between_characters),
        cmocka_unit_test(check__a_broken_invariant_exits_with_70),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
