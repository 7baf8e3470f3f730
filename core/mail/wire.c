#include "core/mail/wire.h"

/* What most messages need in all. What is left of a block when the next piece asks for
 * more than it will take is lost, so blocks grow with the message. */
#define BLOCK_BYTES     16384
#define BLOCK_BYTES_MAX (1u << 20)

/* NULL: and it is known why. */
static char *wire_alloc(struct wire *wire, size_t bytes)
{
    char *memory = arena_alloc(wire->arena, bytes);
    wire->is_short |= memory == NULL;
    wire->is_too_large |= memory == NULL && bytes > arena_left(wire->arena);
    return memory;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

bool wire_init(struct wire *wire, struct arena *arena, size_t slices_max, size_t bytes)
{
    size_t before = slices_max * sizeof *wire->slices;
    size_t block = larger(bytes + WIRE_SPARE, BLOCK_BYTES);
    *wire = (struct wire){.arena = arena, .block_bytes = BLOCK_BYTES};
    char *memory = wire_alloc(wire, before + block);
    if (memory == NULL)
        return false;
    wire->slices = (struct str *)(void *)memory;
    wire->begun = wire->to = memory + before;
    wire->end = wire->begun + block;
    return true;
}

bool wire_grow(struct wire *wire, size_t bytes)
{
    if (wire->block_bytes < BLOCK_BYTES_MAX)
        wire->block_bytes *= 2;
    size_t block = larger(bytes, wire->block_bytes);
    char *begun = wire_alloc(wire, block);
    if (begun == NULL)
        return false;
    wire_flush(wire);
    wire->begun = wire->to = begun;
    wire->end = begun + block;
    return true;
}
