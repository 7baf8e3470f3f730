/* buf.h: appending, the maximum, the sticky error. */
#include "core/base/buf.h"

#include "tests/unit/alloc_fault.h"
#include "tests/unit/cmocka_all.h"

static void buf__empty_reads_as_empty_string(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    assert_non_null(buf_str(&buf).p);
    assert_int_equal(buf_str(&buf).n, 0);
    buf_append(&buf, STR_NULL);
    buf_append(&buf, STR(""));
    assert_string_equal(buf_c_string(&buf), "");
    assert_int_equal(buf.failed, ERR_NONE);
    buf_fini(&buf);
}

static void buf__appends_of_every_kind_join(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    buf_append(&buf, STR("n="));
    buf_append_u64(&buf, 0);
    buf_append_char(&buf, ',');
    buf_append_u64(&buf, UINT64_MAX);
    buf_printf(&buf, " %s-%03d", "x", 7);
    assert_string_equal(buf_c_string(&buf), "n=0,18446744073709551615 x-007");
    buf_fini(&buf);
}

static void buf__any_maximum_is_exact(void **state)
{
    (void)state;
    for (size_t max = 0; max < 300; max++) {
        struct buf buf;
        buf_init(&buf, max);
        for (size_t i = 0; i < max; i++)
            buf_append_char(&buf, 'x');
        assert_int_equal(buf.failed, ERR_NONE);
        assert_int_equal(buf.n, max);
        assert_true(buf.cap <= max);
        /* The terminator needs no room of its own. */
        assert_int_equal(strlen(buf_c_string(&buf)), max);
        buf_append_char(&buf, 'y');
        assert_int_equal(buf.failed, ERR_LIMIT);
        assert_int_equal(buf.n, max);
        assert_null(buf_c_string(&buf));
        buf_fini(&buf);
    }
}

static void buf_printf__fills_to_the_maximum(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 8);
    buf_printf(&buf, "%s", "12345678");
    assert_int_equal(buf.failed, ERR_NONE);
    assert_string_equal(buf_c_string(&buf), "12345678");
    buf_printf(&buf, "%s", "");
    assert_int_equal(buf.failed, ERR_NONE);
    buf_printf(&buf, "9");
    assert_int_equal(buf.failed, ERR_LIMIT);
    buf_fini(&buf);
}

static void buf__error_sticks_until_cleared(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4);
    buf_append(&buf, STR("abc"));
    buf_append(&buf, STR("too long"));
    assert_int_equal(buf.failed, ERR_LIMIT);
    buf_append_char(&buf, 'd');
    buf_append_u64(&buf, 1);
    buf_printf(&buf, "e");
    assert_null(buf_reserve(&buf, 0));
    assert_int_equal(buf.n, 3);
    buf_clear(&buf);
    assert_int_equal(buf.failed, ERR_NONE);
    buf_append(&buf, STR("wxyz"));
    assert_string_equal(buf_c_string(&buf), "wxyz");
    buf_fini(&buf);
}

static void buf_reserve__impossible_size_is_a_limit(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, SIZE_MAX);
    buf_append_char(&buf, 'a');
    assert_null(buf_reserve(&buf, SIZE_MAX));
    assert_int_equal(buf.failed, ERR_LIMIT);
    buf_clear(&buf);
    buf_append_char(&buf, 'a');
    assert_null(buf_reserve(&buf, SIZE_MAX - 1));
    assert_int_equal(buf.failed, ERR_MEMORY);
    assert_int_equal(buf.n, 1);
    buf_fini(&buf);
}

static void buf_consume__drops_from_the_front(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    buf_consume(&buf, 3);
    buf_append(&buf, STR("abcdef"));
    buf_consume(&buf, 0);
    buf_consume(&buf, 2);
    assert_true(str_equal(buf_str(&buf), STR("cdef")));
    buf_consume(&buf, 4);
    assert_int_equal(buf.n, 0);
    buf_append(&buf, STR("g"));
    buf_consume(&buf, 100);
    assert_int_equal(buf.n, 0);
    buf_fini(&buf);
}

static void buf__every_failing_allocation_keeps_the_content(void **state)
{
    (void)state;
    for (unsigned long n = 0; n < 6; n++) {
        struct buf buf;
        buf_init(&buf, 100000);
        allocs_left = n;
        size_t appended = 0;
        while (appended < 4000 && buf.failed == ERR_NONE) {
            buf_append_char(&buf, (char)('a' + appended % 26));
            appended += buf.failed == ERR_NONE;
        }
        allocs_left = ULONG_MAX;
        assert_int_equal(buf.failed, n < 6 && appended < 4000 ? ERR_MEMORY : ERR_NONE);
        assert_int_equal(buf.n, appended);
        for (size_t i = 0; i < buf.n; i++)
            assert_int_equal(buf.p[i], 'a' + i % 26);
        buf_fini(&buf);
    }
}

static void buf_clear__keeps_the_memory(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100000);
    for (int round = 0; round < 3; round++) {
        allocs_asked = 0;
        for (int i = 0; i < 5000; i++)
            buf_append(&buf, STR("0123456789"));
        assert_int_equal(buf.n, 50000);
        assert_true(round == 0 ? allocs_asked < 15 : allocs_asked == 0);
        buf_clear(&buf);
    }
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf__empty_reads_as_empty_string),
        cmocka_unit_test(buf__appends_of_every_kind_join),
        cmocka_unit_test(buf__any_maximum_is_exact),
        cmocka_unit_test(buf_printf__fills_to_the_maximum),
        cmocka_unit_test(buf__error_sticks_until_cleared),
        cmocka_unit_test(buf_reserve__impossible_size_is_a_limit),
        cmocka_unit_test(buf_consume__drops_from_the_front),
        cmocka_unit_test(buf__every_failing_allocation_keeps_the_content),
        cmocka_unit_test(buf_clear__keeps_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
