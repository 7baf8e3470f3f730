/* heap.h: order under random pushes, removals and updates. */
#include "core/base/heap.h"

#include "tests/unit/alloc_fault.h"
#include "tests/unit/cmocka_all.h"

#define NODES 500

/* A fixed sequence, so that a failure repeats. */
static uint32_t heap_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void heap_check(const struct heap *heap)
{
    for (size_t i = 0; i < heap->n; i++) {
        assert_int_equal(heap->nodes[i]->place, i);
        if (i > 0)
            assert_true(heap->nodes[(i - 1) / 2]->key <= heap->nodes[i]->key);
    }
}

static void heap__empty_has_no_first(void **state)
{
    (void)state;
    struct heap heap;
    struct heap_node node;
    heap_init(&heap);
    heap_node_init(&node);
    assert_null(heap_first(&heap));
    heap_remove(&heap, &node);
    heap_fini(&heap);
}

static void heap__pops_in_key_order(void **state)
{
    (void)state;
    struct heap heap;
    struct heap_node nodes[NODES];
    uint32_t random = 1;
    heap_init(&heap);
    for (size_t i = 0; i < NODES; i++) {
        heap_node_init(&nodes[i]);
        assert_int_equal(heap_push(&heap, &nodes[i], heap_random(&random) % 100),
                         ERR_NONE);
        heap_check(&heap);
    }
    uint64_t last = 0;
    while (heap.n > 0) {
        struct heap_node *first = heap_first(&heap);
        assert_true(first->key >= last);
        last = first->key;
        heap_remove(&heap, first);
        assert_true(first->place == HEAP_NOWHERE);
    }
    heap_fini(&heap);
}

static void heap__stays_ordered_under_any_change(void **state)
{
    (void)state;
    struct heap heap;
    struct heap_node nodes[NODES];
    uint32_t random = 7;
    heap_init(&heap);
    for (size_t i = 0; i < NODES; i++)
        heap_node_init(&nodes[i]);
    for (int step = 0; step < 20000; step++) {
        struct heap_node *node = &nodes[heap_random(&random) % NODES];
        uint64_t key = heap_random(&random) % 1000;
        if (node->place == HEAP_NOWHERE)
            assert_int_equal(heap_push(&heap, node, key), ERR_NONE);
        else if (heap_random(&random) % 2 == 0)
            heap_update(&heap, node, key);
        else
            heap_remove(&heap, node);
        if (step % 50 == 0)
            heap_check(&heap);
    }
    heap_check(&heap);
    heap_fini(&heap);
}

static void heap_update__keys_of_both_ends_move(void **state)
{
    (void)state;
    struct heap heap;
    struct heap_node a, b, c;
    heap_init(&heap);
    heap_node_init(&a);
    heap_node_init(&b);
    heap_node_init(&c);
    assert_int_equal(heap_push(&heap, &a, 1), ERR_NONE);
    assert_int_equal(heap_push(&heap, &b, 2), ERR_NONE);
    assert_int_equal(heap_push(&heap, &c, 3), ERR_NONE);
    heap_update(&heap, &a, UINT64_MAX);
    assert_ptr_equal(heap_first(&heap), &b);
    heap_update(&heap, &c, 0);
    assert_ptr_equal(heap_first(&heap), &c);
    heap_fini(&heap);
}

static void heap_push__without_memory_changes_nothing(void **state)
{
    (void)state;
    struct heap heap;
    struct heap_node nodes[64];
    heap_init(&heap);
    for (size_t i = 0; i < COUNT_OF(nodes); i++) {
        heap_node_init(&nodes[i]);
        allocs_left = 0;
        enum err err = heap_push(&heap, &nodes[i], i);
        allocs_left = ULONG_MAX;
        if (err == ERR_NONE)
            continue;
        assert_int_equal(err, ERR_MEMORY);
        assert_true(nodes[i].place == HEAP_NOWHERE);
        assert_int_equal(heap.n, i);
        assert_int_equal(heap_push(&heap, &nodes[i], i), ERR_NONE);
    }
    heap_check(&heap);
    heap_fini(&heap);
}

static void heap_reserve__pushing_within_it_needs_no_memory(void **state)
{
    (void)state;
    struct heap heap;
    struct heap_node nodes[100];
    heap_init(&heap);
    assert_int_equal(heap_reserve(&heap, 100), ERR_NONE);
    struct heap_node **before = heap.nodes;
    for (size_t i = 0; i < 100; i++) {
        heap_node_init(&nodes[i]);
        assert_int_equal(heap_push(&heap, &nodes[i], 100 - i), ERR_NONE);
    }
    assert_ptr_equal(heap.nodes, before);
    heap_check(&heap);
    heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heap__empty_has_no_first),
        cmocka_unit_test(heap__pops_in_key_order),
        cmocka_unit_test(heap__stays_ordered_under_any_change),
        cmocka_unit_test(heap_update__keys_of_both_ends_move),
        cmocka_unit_test(heap_reserve__pushing_within_it_needs_no_memory),
        cmocka_unit_test(heap_push__without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
