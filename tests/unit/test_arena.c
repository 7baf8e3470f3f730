/* arena.h: alignment, the maximum, reuse after a reset. */
#include "core/base/arena.h"

#include "tests/unit/alloc_fault.h"
#include "tests/unit/cmocka_all.h"

#include <stdalign.h>

static void arena_alloc__is_aligned_and_disjoint(void **state)
{
    (void)state;
    struct arena arena;
    unsigned char *parts[200];
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        parts[i] = arena_alloc(&arena, i);
        assert_non_null(parts[i]);
        assert_int_equal((uintptr_t)parts[i] % alignof(max_align_t), 0);
        memset(parts[i], (int)i, i);
    }
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        for (size_t at = 0; at < i; at++)
            assert_int_equal(parts[i][at], i);
    arena_fini(&arena);
}

static void arena_alloc__stops_at_the_maximum(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 160);
    assert_null(arena_alloc(&arena, 161));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 7));
    for (int i = 0; i < 10; i++)
        assert_non_null(arena_alloc(&arena, 1));
    assert_null(arena_alloc(&arena, 1));
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 160));
    assert_null(arena_alloc(&arena, 1));
    arena_fini(&arena);
    arena_init(&arena, SIZE_MAX);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    arena_fini(&arena);
}

static void arena_calloc__zeroes_and_checks_overflow(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    memset(arena_alloc(&arena, 100), 0xff, 100);
    arena_reset(&arena);
    unsigned char *zeroed = arena_calloc(&arena, 10, 10);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(zeroed[i], 0);
    assert_null(arena_calloc(&arena, SIZE_MAX, 2));
    assert_null(arena_calloc(&arena, SIZE_MAX / 2 + 2, 2));
    arena_fini(&arena);
}

static void arena_copy__is_terminated(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64);
    struct str copy = arena_copy(&arena, STR("a\0b"));
    assert_int_equal(copy.n, 3);
    assert_memory_equal(copy.p, "a\0b", 4);
    assert_string_equal(arena_copy(&arena, STR_NULL).p, "");
    assert_true(
        str_is_null(arena_copy(&arena, STR("thirty-two bytes and some more of them"))));
    arena_fini(&arena);
}

/* Uses the arena as a message does: some small things, some large, in changing sizes.
 */
static void arena_work(struct arena *arena, unsigned seed)
{
    for (unsigned i = 0; i < 40; i++) {
        size_t bytes = (seed * 7919 + i * 104729) % (i % 7 == 0 ? 20000 : 300);
        unsigned char *p = arena_alloc(arena, bytes);
        assert_non_null(p);
        memset(p, (int)i, bytes);
    }
}

static void arena_reset__warm_arena_allocates_nothing(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (unsigned round = 0; round < 300; round++) {
        arena_work(&arena, round);
        arena_reset(&arena);
    }
    allocs_asked = 0;
    for (unsigned round = 0; round < 300; round++) {
        arena_work(&arena, round);
        arena_reset(&arena);
    }
    assert_int_equal(allocs_asked, 0);
    arena_fini(&arena);
}

static void arena_reset__rising_sizes_stay_cheap(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    allocs_asked = 0;
    for (size_t bytes = 100; bytes < 900000; bytes += 100) {
        assert_non_null(arena_alloc(&arena, 10));
        assert_non_null(arena_alloc(&arena, bytes));
        arena_reset(&arena);
    }
    assert_in_range(allocs_asked, 1, 40);
    arena_fini(&arena);
}

static void arena__every_failing_allocation_is_null_and_harmless(void **state)
{
    (void)state;
    for (unsigned long n = 0; n < 5; n++) {
        struct arena arena;
        arena_init(&arena, 1 << 20);
        allocs_left = n;
        size_t got = 0;
        for (int i = 0; i < 20; i++)
            got += arena_alloc(&arena, 4000) != NULL;
        allocs_left = ULONG_MAX;
        assert_int_equal(got < 20, n < 5 && got < 20);
        assert_int_equal(arena.used_bytes, got * 4000);
        assert_non_null(arena_alloc(&arena, 4000));
        arena_reset(&arena);
        assert_non_null(arena_alloc(&arena, 80000));
        arena_fini(&arena);
    }
}

static void arena_fini__leaves_a_usable_arena(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1000);
    arena_reset(&arena);
    arena_fini(&arena);
    assert_non_null(arena_alloc(&arena, 10));
    arena_fini(&arena);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_alloc__is_aligned_and_disjoint),
        cmocka_unit_test(arena_alloc__stops_at_the_maximum),
        cmocka_unit_test(arena_calloc__zeroes_and_checks_overflow),
        cmocka_unit_test(arena_copy__is_terminated),
        cmocka_unit_test(arena_reset__warm_arena_allocates_nothing),
        cmocka_unit_test(arena_reset__rising_sizes_stay_cheap),
        cmocka_unit_test(arena__every_failing_allocation_is_null_and_harmless),
        cmocka_unit_test(arena_fini__leaves_a_usable_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
