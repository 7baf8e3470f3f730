#include "core/base/heap.h"

#include <stdlib.h>

void heap_init(struct heap *heap)
{
    *heap = (struct heap){0};
}

void heap_fini(struct heap *heap)
{
    free(heap->nodes);
    heap_init(heap);
}

void heap_node_init(struct heap_node *node)
{
    *node = (struct heap_node){.place = HEAP_NOWHERE};
}

static void heap_put(struct heap *heap, size_t place, struct heap_node *node)
{
    heap->nodes[place] = node;
    node->place = place;
}

static void heap_sift_up(struct heap *heap, struct heap_node *node, size_t place)
{
    while (place > 0) {
        size_t parent = (place - 1) / 2;
        if (heap->nodes[parent]->key <= node->key)
            break;
        heap_put(heap, place, heap->nodes[parent]);
        place = parent;
    }
    heap_put(heap, place, node);
}

static void heap_sift_down(struct heap *heap, struct heap_node *node, size_t place)
{
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= heap->n)
            break;
        if (child + 1 < heap->n &&
            heap->nodes[child + 1]->key < heap->nodes[child]->key)
            child++;
        if (node->key <= heap->nodes[child]->key)
            break;
        heap_put(heap, place, heap->nodes[child]);
        place = child;
    }
    heap_put(heap, place, node);
}

enum err heap_reserve(struct heap *heap, size_t count)
{
    if (count <= heap->cap)
        return ERR_NONE;
    struct heap_node **nodes = reallocarray(heap->nodes, count, sizeof *nodes);
    if (nodes == NULL)
        return ERR_MEMORY;
    heap->nodes = nodes;
    heap->cap = count;
    return ERR_NONE;
}

enum err heap_push(struct heap *heap, struct heap_node *node, uint64_t key)
{
    CHECK(node->place == HEAP_NOWHERE);
    if (heap->n == heap->cap) {
        enum err err = heap_reserve(heap, heap->cap > 0 ? heap->cap * 2 : 16);
        if (err != ERR_NONE)
            return err;
    }
    node->key = key;
    heap_sift_up(heap, node, heap->n++);
    return ERR_NONE;
}

/* Puts a node whose key may have changed either way where it belongs. */
static void heap_settle(struct heap *heap, struct heap_node *node, size_t place)
{
    if (place > 0 && heap->nodes[(place - 1) / 2]->key > node->key)
        heap_sift_up(heap, node, place);
    else
        heap_sift_down(heap, node, place);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    size_t place = node->place;
    if (place == HEAP_NOWHERE)
        return;
    CHECK(place < heap->n && heap->nodes[place] == node);
    struct heap_node *last = heap->nodes[--heap->n];
    if (last != node)
        heap_settle(heap, last, place);
    node->place = HEAP_NOWHERE;
}

void heap_update(struct heap *heap, struct heap_node *node, uint64_t key)
{
    CHECK(node->place != HEAP_NOWHERE);
    node->key = key;
    heap_settle(heap, node, node->place);
}
