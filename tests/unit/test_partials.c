#include "cmd/partials.h"

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
static char seen[256];

static enum err collect(void *context, struct str name)
{
    size_t n = strlen(seen);
    (void)context;
    (void)snprintf(seen + n, sizeof(seen) - n, "%.*s ", STR_ARG(name));
    return str_equal(name, STR("stop")) ? ERR_LIMIT : ERR_NONE;
}

static enum err load(const char *name, struct str *source)
{
    return partial_load(STR("."), str_of(name), &arena, source);
}

static void partial_load__prefers_the_suffix_and_stays_inside(void **state)
{
    struct str source;
    (void)state;
    assert_int_equal(load("footer", &source), ERR_NONE);
    assert_true(str_equal(source, STR("footer.liquid")));
    assert_int_equal(load("plain", &source), ERR_NONE);
    assert_true(str_equal(source, STR("plain")));
    assert_int_equal(load("sub/inner", &source), ERR_NONE);
    assert_int_equal(load("none", &source), ERR_NOT_FOUND);
    assert_int_equal(load("../footer", &source), ERR_NOT_FOUND);
    assert_int_equal(load("/etc/passwd", &source), ERR_NOT_FOUND);
    assert_int_equal(load("linked", &source), ERR_NOT_FOUND);
    assert_int_equal(load("", &source), ERR_NOT_FOUND);
}

static void partials_list__is_sorted_and_stops_with_an_error(void **state)
{
    (void)state;
    seen[0] = '\0';
    assert_int_equal(partials_list(STR("."), NULL, collect), ERR_LIMIT);
    assert_string_equal(seen, "footer header stop ");
    seen[0] = '\0';
    assert_int_equal(unlink("stop.liquid"), 0);
    assert_int_equal(partials_list(STR("."), NULL, collect), ERR_NONE);
    assert_string_equal(seen, "footer header sub/inner ");
    seen[0] = '\0';
    assert_int_equal(partials_list(STR("./none"), NULL, collect), ERR_NONE);
    assert_string_equal(seen, "");
}

static const char *const names[] = {"footer.liquid", "footer",      "header.liquid",
                                    "plain",         "stop.liquid", "sub/inner.liquid"};

static int setup(void **state)
{
    static char folder[] = "/tmp/broadside-test-XXXXXX";
    (void)state;
    arena_init(&arena, 1u << 20);
    if (mkdtemp(folder) == NULL || chdir(folder) != 0 || mkdir("sub", 0700) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        FILE *file = fopen(names[i], "w");
        if (file == NULL || fputs(names[i], file) < 0 || fclose(file) != 0)
            return -1;
    }
    return symlink("plain", "linked.liquid");
}

static int teardown(void **state)
{
    char here[256];
    (void)state;
    arena_fini(&arena);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlink(names[i]);
    (void)unlink("linked.liquid");
    (void)rmdir("sub");
    return getcwd(here, sizeof(here)) != NULL && chdir("/") == 0 ? rmdir(here) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partial_load__prefers_the_suffix_and_stays_inside),
        cmocka_unit_test(partials_list__is_sorted_and_stops_with_an_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
