#include "core/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

/*
 * Blocks grow by doubling, so a cold arena calls malloc O(log n) times. A reset that
 * finds more than one block gives all of them back and remembers what they held
 * together: the next block holds that much, and from then on there is one block only.
 * (Keeping the blocks instead was tried: with sizes that change from message to
 * message a block that is too small has to be passed over, and the row of blocks
 * grows without a bound.)
 */
struct arena_block {
    struct arena_block *before;
    size_t cap, used;
    alignas(max_align_t) char bytes[];
};

#define ARENA_BLOCK_BYTES 4096
#define ARENA_ALIGN       alignof(max_align_t)

void arena_init(struct arena *arena, size_t max_bytes)
{
    *arena = (struct arena){.max_bytes = max_bytes, .next_bytes = ARENA_BLOCK_BYTES};
}

static void arena_free_blocks(struct arena *arena)
{
    while (arena->current != NULL) {
        struct arena_block *block = arena->current;
        arena->current = block->before;
        free(block);
    }
}

void arena_fini(struct arena *arena)
{
    arena_free_blocks(arena);
    arena_init(arena, arena->max_bytes);
}

void arena_reset(struct arena *arena)
{
    if (arena->current != NULL && arena->current->before != NULL) {
        size_t bytes = ARENA_BLOCK_BYTES;
        while (bytes < arena->used_bytes)
            bytes *= 2;
        arena->next_bytes = bytes;
        arena_free_blocks(arena);
    } else if (arena->current != NULL) {
        arena->current->used = 0;
    }
    arena->used_bytes = 0;
}

/* A new current block with room for `bytes`, as large as all before it together. */
static struct arena_block *arena_add_block(struct arena *arena, size_t bytes)
{
    size_t left = arena_left(arena), cap = arena->next_bytes;
    if (cap < arena->used_bytes)
        cap = arena->used_bytes;
    if (cap > left)
        cap = left;
    if (cap < bytes)
        cap = bytes;
    struct arena_block *block = malloc(sizeof *block + cap);
    if (block == NULL)
        return NULL;
    *block = (struct arena_block){.before = arena->current, .cap = cap};
    arena->current = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    size_t left = arena_left(arena);
    if (bytes > left || left - bytes < (0 - bytes) % ARENA_ALIGN)
        return NULL;
    size_t rounded = bytes + (0 - bytes) % ARENA_ALIGN;
    struct arena_block *block = arena->current;
    if (block == NULL || block->cap - block->used < rounded)
        block = arena_add_block(arena, rounded);
    if (block == NULL)
        return NULL;
    void *memory = block->bytes + block->used;
    block->used += rounded;
    arena->used_bytes += rounded;
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
