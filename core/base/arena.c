#include "core/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

/* Blocks form a list that only grows; `current` is the one being filled. After a
 * reset the list is walked again from the front, so blocks are reused in order. */
struct arena_block {
    struct arena_block *next;
    size_t cap, used;
    alignas(max_align_t) char bytes[];
};

#define ARENA_BLOCK_BYTES 4096
#define ARENA_ALIGN       alignof(max_align_t)

void arena_init(struct arena *arena, size_t max_bytes)
{
    *arena = (struct arena){.max_bytes = max_bytes};
}

void arena_fini(struct arena *arena)
{
    for (struct arena_block *block = arena->first; block != NULL;) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena_init(arena, arena->max_bytes);
}

void arena_reset(struct arena *arena)
{
    arena->current = arena->first;
    arena->used_bytes = 0;
    if (arena->current != NULL)
        arena->current->used = 0;
}

static struct arena_block *arena_add_block(struct arena *arena, size_t bytes)
{
    size_t cap = bytes > ARENA_BLOCK_BYTES ? bytes : ARENA_BLOCK_BYTES;
    struct arena_block *block = malloc(sizeof *block + cap);
    if (block == NULL)
        return NULL;
    *block = (struct arena_block){.cap = cap};
    if (arena->current == NULL) {
        arena->first = block;
    } else {
        block->next = arena->current->next;
        arena->current->next = block;
    }
    return block;
}

/* The next block with room for `bytes`: one already owned, or a new one. */
static struct arena_block *arena_next_block(struct arena *arena, size_t bytes)
{
    struct arena_block *next = arena->current != NULL ? arena->current->next : NULL;
    if (next == NULL || next->cap < bytes)
        next = arena_add_block(arena, bytes);
    if (next != NULL) {
        next->used = 0;
        arena->current = next;
    }
    return next;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    if (bytes > arena->max_bytes - arena->used_bytes)
        return NULL;
    size_t rounded = (bytes + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    struct arena_block *block = arena->current;
    if (block == NULL || block->cap - block->used < rounded)
        block = arena_next_block(arena, rounded);
    if (block == NULL)
        return NULL;
    void *memory = block->bytes + block->used;
    block->used += rounded;
    arena->used_bytes += bytes;
    return memory;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *memory = arena_alloc(arena, bytes);
    return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

struct str arena_copy(struct arena *arena, struct str s)
{
    char *copy = arena_alloc(arena, s.n + 1);
    if (copy == NULL)
        return STR_NULL;
    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return (struct str){copy, s.n};
}
