#include "cmd/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena arena;
static struct error error;

static enum err beneath(const char *path, struct str *content)
{
    return file_read_beneath(STR("."), str_of(path), 100, &arena, content, &error);
}

static void file_read__takes_regular_files_within_the_limit(void **state)
{
    struct str content;
    (void)state;
    assert_int_equal(file_read("a.txt", 100, &arena, &content, &error), ERR_NONE);
    assert_true(str_equal(content, STR("hello")));
    assert_int_equal(file_read("a.txt", 4, &arena, &content, &error), ERR_LIMIT);
    assert_int_equal(file_read("none", 100, &arena, &content, &error), ERR_NO_INPUT);
    assert_int_equal(file_read(".", 100, &arena, &content, &error), ERR_NO_INPUT);
    assert_int_equal(file_read("fifo", 100, &arena, &content, &error), ERR_NO_INPUT);
    assert_int_equal(file_read("/dev/zero", 100, &arena, &content, &error),
                     ERR_NO_INPUT);
}

static void file_read_beneath__cannot_be_led_away(void **state)
{
    struct str content;
    (void)state;
    assert_int_equal(beneath("a.txt", &content), ERR_NONE);
    assert_int_equal(beneath("sub/b.txt", &content), ERR_NONE);
    assert_int_equal(beneath("./a.txt", &content), ERR_NONE);
    assert_int_equal(beneath("sub//b.txt", &content), ERR_NONE);
    assert_int_equal(beneath("sub/", &content), ERR_NO_INPUT);
    assert_int_equal(beneath("a.txt/", &content), ERR_NO_INPUT);
    assert_int_equal(beneath("sub/../a.txt", &content), ERR_PERMISSION);
    assert_int_equal(beneath("../a.txt", &content), ERR_PERMISSION);
    assert_int_equal(beneath("/etc/passwd", &content), ERR_PERMISSION);
    assert_int_equal(beneath("", &content), ERR_PERMISSION);
    assert_int_equal(beneath("link", &content), ERR_PERMISSION);
    assert_int_equal(beneath("sublink/b.txt", &content), ERR_PERMISSION);
    assert_non_null(strstr(error.text, "it is a link"));
    char longer[301];
    memset(longer, 'n', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(beneath(longer, &content), ERR_NO_INPUT);
    assert_int_equal(beneath("fifo", &content), ERR_NO_INPUT);
    assert_int_equal(beneath("none.txt", &content), ERR_NO_INPUT);
}

static void file_names__are_taken_apart_at_the_last_slash(void **state)
{
    (void)state;
    assert_true(str_equal(file_folder(STR("/a/b.c")), STR("/a")));
    assert_true(str_equal(file_folder(STR("/b.c")), STR("/")));
    assert_true(str_equal(file_folder(STR("b.c")), STR(".")));
    assert_true(str_equal(file_name(STR("/a/b.c")), STR("b.c")));
    assert_true(str_equal(file_join(&arena, STR("/a"), STR("b")), STR("/a/b")));
    assert_true(str_equal(file_join(&arena, STR("/a"), STR("/b")), STR("/b")));
}

static int setup(void **state)
{
    static char folder[] = "/tmp/broadside-test-XXXXXX";
    (void)state;
    arena_init(&arena, 1u << 20);
    if (mkdtemp(folder) == NULL || chdir(folder) != 0)
        return -1;
    FILE *file = fopen("a.txt", "w");
    if (file == NULL || fputs("hello", file) < 0 || fclose(file) != 0)
        return -1;
    return mkdir("sub", 0700) | link("a.txt", "sub/b.txt") | symlink("a.txt", "link") |
           symlink("sub", "sublink") | mkfifo("fifo", 0600);
}

static int teardown(void **state)
{
    static const char *const names[] = {"a.txt", "sub/b.txt", "link", "sublink",
                                        "fifo"};
    char here[256];
    (void)state;
    arena_fini(&arena);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlink(names[i]);
    (void)rmdir("sub");
    return getcwd(here, sizeof(here)) != NULL && chdir("/") == 0 ? rmdir(here) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_read__takes_regular_files_within_the_limit),
        cmocka_unit_test(file_read_beneath__cannot_be_led_away),
        cmocka_unit_test(file_names__are_taken_apart_at_the_last_slash),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
