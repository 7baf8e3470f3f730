/* piece.h: adding, the maximum, joining. */
#include "core/base/piece.h"

#include "tests/unit/alloc_fault.h"
#include "tests/unit/cmocka_all.h"

static void pieces__join_in_order(void **state)
{
    (void)state;
    struct arena arena;
    struct pieces pieces;
    arena_init(&arena, 1 << 16);
    pieces_init(&pieces, &arena, 10);
    assert_true(pieces_add(&pieces, STR("Hello "), 0));
    assert_true(pieces_add(&pieces, STR_NULL, PIECE_VALUE));
    assert_true(pieces_add(&pieces, STR("Ada"), PIECE_VALUE));
    assert_true(pieces_add(&pieces, STR("!"), 1));
    assert_int_equal(pieces_bytes(&pieces), 10);
    struct str joined = pieces_join(&pieces, &arena);
    assert_true(str_equal(joined, STR("Hello Ada!")));
    assert_int_equal(joined.p[joined.n], '\0');
    assert_int_equal(pieces.p[2].span, PIECE_VALUE);
    assert_int_equal(pieces.p[3].span, 1);
    arena_fini(&arena);
}

static void pieces__none_join_to_the_empty_string(void **state)
{
    (void)state;
    struct arena arena;
    struct pieces pieces;
    arena_init(&arena, 64);
    pieces_init(&pieces, &arena, 0);
    assert_false(pieces_add(&pieces, STR("x"), 0));
    struct str joined = pieces_join(&pieces, &arena);
    assert_false(str_is_null(joined));
    assert_int_equal(joined.n, 0);
    arena_fini(&arena);
}

static void pieces__any_maximum_is_exact(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t max = 1; max < 150; max++) {
        struct pieces pieces;
        arena_reset(&arena);
        pieces_init(&pieces, &arena, max);
        for (size_t i = 0; i < max; i++)
            assert_true(pieces_add(&pieces, STR("x"), (uint32_t)i));
        assert_false(pieces_add(&pieces, STR("y"), 0));
        assert_int_equal(pieces.n, max);
        for (size_t i = 0; i < max; i++)
            assert_int_equal(pieces.p[i].span, i);
    }
    arena_fini(&arena);
}

static void pieces__without_memory_nothing_is_added(void **state)
{
    (void)state;
    struct arena arena;
    struct pieces pieces;
    arena_init(&arena, 1 << 20);
    pieces_init(&pieces, &arena, 100);
    allocs_left = 0;
    assert_false(pieces_add(&pieces, STR("x"), 0));
    assert_true(str_is_null(pieces_join(&pieces, &arena)));
    allocs_left = ULONG_MAX;
    assert_int_equal(pieces.n, 0);
    assert_true(pieces_add(&pieces, STR("x"), 0));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces__join_in_order),
        cmocka_unit_test(pieces__none_join_to_the_empty_string),
        cmocka_unit_test(pieces__any_maximum_is_exact),
        cmocka_unit_test(pieces__without_memory_nothing_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
