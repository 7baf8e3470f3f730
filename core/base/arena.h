/*
 * arena.h - memory that is given back all at once
 *
 * One per message (reset after its outcome) or one per loaded file. A reset keeps
 * the memory, as one block that would have held everything, so a warm arena
 * allocates nothing.
 *
 * Owns:    its blocks, from arena_init to arena_fini.
 * Thread:  one at a time.
 * Errors:  NULL beyond max_bytes or without memory.
 * Limits:  max_bytes in all, given at init; every request counts rounded up to the
 *          strictest alignment (16 bytes).
 * Cost:    O(1); malloc O(log n) times until warm, whatever the sizes asked for.
 * Source:  Hanson, "Fast allocation and deallocation of memory based on object
 *          lifetimes", 1990.
 */
#ifndef BROADSIDE_BASE_ARENA_H
#define BROADSIDE_BASE_ARENA_H

#include "core/base/str.h"

struct arena_block;

struct arena {
    /* The block being filled; those before it hang behind it. */
    struct arena_block *current;
    size_t used_bytes, max_bytes;
    /* What the next block should hold at least. */
    size_t next_bytes;
};

void arena_init(struct arena *arena, size_t max_bytes);
void arena_fini(struct arena *arena);
/* Everything handed out so far becomes invalid; the memory is kept for reuse. */
void arena_reset(struct arena *arena);
/* `bytes` of uninitialised memory, aligned for any type; NULL if there is none. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* How many bytes it can still hand out before it reaches max_bytes. */
static inline size_t arena_left(const struct arena *arena)
{
    return arena->max_bytes - arena->used_bytes;
}

/* The same, zeroed, for `count` objects of `size` bytes; overflow checked. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);
/* A copy with a NUL behind it (not counted); STR_NULL without memory. */
struct str arena_copy(struct arena *arena, struct str s);

#endif
