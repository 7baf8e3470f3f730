/*
 * heap.h - an intrusive binary heap ordered by a 64-bit key: timers, next wakes
 *
 * Owns:    its array of pointers, from heap_init to heap_fini; not the nodes.
 * Thread:  one at a time.
 * Errors:  heap_push returns ERR_MEMORY and changes nothing.
 * Cost:    push, remove, update O(log n); first O(1).
 */
#ifndef BROADSIDE_BASE_HEAP_H
#define BROADSIDE_BASE_HEAP_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define HEAP_NOWHERE SIZE_MAX

/* In the caller's object; `place` is HEAP_NOWHERE while it is in no heap. */
struct heap_node {
    uint64_t key;
    size_t place;
};

struct heap {
    struct heap_node **nodes;
    size_t n, cap;
};

void heap_init(struct heap *heap);
void heap_fini(struct heap *heap);
void heap_node_init(struct heap_node *node);
/* Memory for `count` nodes: pushing no more than that cannot fail. */
MUST_CHECK enum err heap_reserve(struct heap *heap, size_t count);
MUST_CHECK enum err heap_push(struct heap *heap, struct heap_node *node, uint64_t key);
/* No effect if the node is in no heap. */
void heap_remove(struct heap *heap, struct heap_node *node);
/* A new key for a node that is in the heap. */
void heap_update(struct heap *heap, struct heap_node *node, uint64_t key);

/* The node with the least key, NULL if the heap is empty. */
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->n > 0 ? heap->nodes[0] : NULL;
}

#endif
