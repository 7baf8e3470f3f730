#include "cmocka_all.h"

#include "cmd/sandbox_log.h"
#include "cmd/sandbox_message.h"
#include "cmd/sandbox_personality.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *rcpt;
    enum sandbox_personality want;
} rcpts[] = {
    {"bounce@a", SANDBOX_BOUNCE},
    {"bounce17@a", SANDBOX_BOUNCE},
    {"Bounce17+x@a", SANDBOX_BOUNCE},
    {"bounce+@a", SANDBOX_BOUNCE},
    {"full@a", SANDBOX_FULL},
    {"defer1@a", SANDBOX_DEFER},
    {"busy@a", SANDBOX_BUSY},
    {"spam+bounce@a", SANDBOX_SPAM},
    {"drop@a", SANDBOX_DROP},
    {"SLOW@a", SANDBOX_SLOW},
    {"bouncer@a", SANDBOX_PLAIN},
    {"xbounce@a", SANDBOX_PLAIN},
    {"bounce.1@a", SANDBOX_PLAIN},
    {"bounce", SANDBOX_PLAIN},
    {"", SANDBOX_PLAIN},
    {"\"bounce\"@a", SANDBOX_PLAIN},
};

static void personality__is_a_word_then_digits_then_a_tag(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rcpts); i++)
        if (sandbox_personality_of(str_of(rcpts[i].rcpt)) != rcpts[i].want)
            fail_msg("%s", rcpts[i].rcpt);
}

static void memory__knows_each_address_once(void **state)
{
    (void)state;
    struct sandbox_memory *memory = sandbox_memory_new();
    char rcpt[32];
    assert_non_null(memory);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++) {
            int n = snprintf(rcpt, sizeof rcpt, "defer%d@a", i);
            assert_int_equal(sandbox_memory_is_new(memory, str_slice(rcpt, (size_t)n)),
                             round == 0);
        }
    sandbox_memory_free(memory);
}

static const struct {
    const char *head, *want;
} heads[] = {
    {"Message-ID: <1@a>\r\n\r\n", "<1@a>"},
    {"From: x\r\nmessage-id:\r\n\t<2@a>\r\nTo: y\r\n\r\n", "<2@a>"},
    {"Message-ID: <3@a>\r\n (again)\r\n\r\n", "<3@a> (again)"},
    {"Message-ID:\r\n\r\n", ""},
    {"From: x\r\n\r\nMessage-ID: <body@a>\r\n", NULL},
    {"X-Message-ID: <4@a>\r\n\r\n", NULL},
    {"Message-ID: <cut", "<cut"},
    {"", NULL},
};

static void message_id__is_the_header_field_unfolded(void **state)
{
    (void)state;
    struct buf id;
    buf_init(&id, 1000);
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        bool is_there = sandbox_message_id(str_of(heads[i].head), &id);
        assert_int_equal(is_there, heads[i].want != NULL);
        if (is_there)
            assert_true(str_equal(buf_str(&id), str_of(heads[i].want)));
    }
    buf_fini(&id);
}

static void message__has_a_line_for_each_recipient(void **state)
{
    (void)state;
    struct sandbox_message message;
    struct buf lines;
    buf_init(&lines, 1 << 20);
    assert_true(sandbox_message_init(&message));
    for (int round = 0; round < 2; round++) {
        struct sandbox_envelope envelope = {STR("a@b"), STR("c@d\0e@f\0"), 3,
                                            INT64_C(1767225600123)};
        sandbox_message_clear(&message);
        sandbox_message_content(&message, STR("ab"));
        sandbox_message_content(&message, STR("c"));
        buf_clear(&lines);
        sandbox_message_lines(&message, &envelope, &lines);
        assert_string_equal(
            buf_c_string(&lines),
            "{\"time\":\"2026-01-01T00:00:00.123Z\",\"mail_from\":\"a@b\","
            "\"rcpt\":\"c@d\",\"message_id\":null,\"bytes\":3,\"sha256\":"
            "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}\n"
            "{\"time\":\"2026-01-01T00:00:00.123Z\",\"mail_from\":\"a@b\","
            "\"rcpt\":\"e@f\",\"message_id\":null,\"bytes\":3,\"sha256\":"
            "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}\n");
    }
    sandbox_message_fini(&message);
    buf_fini(&lines);
}

static void nothing(void *self)
{
    (void)self;
}

static void *append_lines(void *log)
{
    uint64_t end = 0;
    for (int i = 0; i < 1000; i++)
        end = sandbox_log_append(log, STR("0123456789abcde\n"));
    while (sandbox_log_durable(log) < end)
        usleep(100);
    return NULL;
}

static void log__whole_lines_of_all_threads_become_durable(void **state)
{
    (void)state;
    char path[] = "/tmp/broadside-test-XXXXXX";
    struct sandbox_log *log;
    struct error error;
    pthread_t threads[4];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(sandbox_log_open(path, nothing, NULL, &log, &error), ERR_NONE);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, append_lines, log), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(sandbox_log_durable(log), 4 * 1000 * 16);
    assert_int_equal(sandbox_log_has_failed(log), 0);
    sandbox_log_close(log);
    assert_int_equal(lseek(fd, 0, SEEK_END), 4 * 1000 * 16);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(personality__is_a_word_then_digits_then_a_tag),
        cmocka_unit_test(memory__knows_each_address_once),
        cmocka_unit_test(message_id__is_the_header_field_unfolded),
        cmocka_unit_test(message__has_a_line_for_each_recipient),
        cmocka_unit_test(log__whole_lines_of_all_threads_become_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
