/* log.h: levels, one clean line an event, printable text. */
#include "core/base/log.h"

#include "tests/unit/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Standard error goes into a file between these two. */
static int kept_stderr;
static FILE *captured;

static int capture_start(void **state)
{
    (void)state;
    captured = tmpfile();
    assert_non_null(captured);
    fflush(stderr);
    kept_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
    return 0;
}

static int capture_stop(void **state)
{
    (void)state;
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    fclose(captured);
    log_set_level(LOG_WARN);
    return 0;
}

/* What was logged since the start; in a buffer of the next call's. */
static const char *captured_text(void)
{
    static char text[200000];
    ssize_t n = pread(fileno(captured), text, sizeof text - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    return text;
}

static void log__levels_above_the_set_one_are_dropped(void **state)
{
    (void)state;
    assert_true(log_is_on(LOG_WARN));
    assert_false(log_is_on(LOG_INFO));
    log_line(LOG_ERROR, "a", "%d", 1);
    log_line(LOG_WARN, "b", "%d", 2);
    log_line(LOG_INFO, "c", "%d", 3);
    log_set_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "d", "%d", 4);
    assert_string_equal(captured_text(), "broadside: error: a: 1\n"
                                         "broadside: warning: b: 2\n"
                                         "broadside: debug: d: 4\n");
}

static void log__a_peers_text_cannot_forge_a_line(void **state)
{
    (void)state;
    log_line(LOG_WARN, "reply", "%s", "550 no\r\nbroadside: forged\x1b[0m\xff");
    assert_string_equal(captured_text(),
                        "broadside: warning: reply: 550 no??broadside: forged?[0m?\n");
}

static void log__long_lines_are_cut_and_end(void **state)
{
    (void)state;
    for (size_t n = LOG_LINE_MAX - 40; n < LOG_LINE_MAX + 40; n++) {
        char text[LOG_LINE_MAX + 50];
        memset(text, 'x', n);
        text[n] = '\0';
        assert_int_equal(ftruncate(fileno(captured), 0), 0);
        lseek(fileno(captured), 0, SEEK_SET);
        log_line(LOG_WARN, "long", "%s", text);
        const char *line = captured_text();
        size_t length = strlen(line);
        assert_in_range(length, LOG_LINE_MAX - 40, LOG_LINE_MAX);
        assert_ptr_equal(strchr(line, '\n'), line + length - 1);
    }
}

static void *log_many(void *argument)
{
    const char *word = argument;
    for (int i = 0; i < 200; i++)
        log_line(LOG_WARN, "thread", "%s", word);
    return NULL;
}

static void log__lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t threads[2];
    static char words[2][8] = {"aaaaaaa", "bbbbbbb"};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, words[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    size_t count[2] = {0, 0};
    struct str rest = str_of(captured_text());
    while (rest.n > 0) {
        struct str line = str_split(rest, '\n', &rest);
        bool is_a = str_equal(line, STR("broadside: warning: thread: aaaaaaa"));
        assert_true(is_a ||
                    str_equal(line, STR("broadside: warning: thread: bbbbbbb")));
        count[!is_a]++;
    }
    assert_int_equal(count[0], 200);
    assert_int_equal(count[1], 200);
}

static void log__a_line_that_cannot_be_written_does_no_harm(void **state)
{
    (void)state;
    close(STDERR_FILENO);
    log_line(LOG_WARN, "lost", "%d", 1);
}

static void printable_append__escapes_by_the_byte(void **state)
{
    static const struct {
        struct str text;
        const char *want;
    } cases[] = {
        {STR(""), ""},
        {STR("plain ~"), "plain ~"},
        {STR("a\r\n\tb\0c\x7f"), "a\\x0d\\x0a\\x09b\\x00c\\x7f"},
        {STR("\x1b[31m"), "\\x1b[31m"},
        {STR("\xc2\x9b\xc2\xa0"), "\\xc2\\x9b\xc2\xa0"},
        {STR("gr\xc3\xbc\xc3\x9f"
             "e"),
         "gr\xc3\xbc\xc3\x9f"
         "e"},
        {STR("gr\xfc\xdf"
             "e, gr\xc3\xbc\xc3\x9f"
             "e"),
         "gr\\xfc\\xdfe, gr\xc3\xbc\xc3\x9f"
         "e"},
        {STR("\xc2"
             "A"),
         "\\xc2A"},
        {STR("\xe2\x82"), "\\xe2\\x82"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf buf;
        buf_init(&buf, 100);
        printable_append(&buf, cases[i].text);
        assert_string_equal(buf_c_string(&buf), cases[i].want);
        buf_fini(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(log__levels_above_the_set_one_are_dropped,
                                        capture_start, capture_stop),
        cmocka_unit_test_setup_teardown(log__a_peers_text_cannot_forge_a_line,
                                        capture_start, capture_stop),
        cmocka_unit_test_setup_teardown(log__long_lines_are_cut_and_end, capture_start,
                                        capture_stop),
        cmocka_unit_test_setup_teardown(log__lines_of_threads_do_not_mix, capture_start,
                                        capture_stop),
        cmocka_unit_test_setup_teardown(log__a_line_that_cannot_be_written_does_no_harm,
                                        capture_start, capture_stop),
        cmocka_unit_test(printable_append__escapes_by_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
