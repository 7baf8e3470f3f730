#include "core/mail/wire.h"

/* What most messages need in all. */
#define BLOCK_BYTES 16384

static size_t block_bytes(size_t bytes)
{
    return bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
}

bool wire_init(struct wire *wire, struct arena *arena, size_t slices_max, size_t bytes)
{
    size_t before = slices_max * sizeof *wire->slices;
    size_t block = block_bytes(bytes + WIRE_SPARE);
    char *memory = arena_alloc(arena, before + block);
    if (memory == NULL)
        return false;
    *wire = (struct wire){.arena = arena,
                          .slices = (struct str *)(void *)memory,
                          .begun = memory + before,
                          .to = memory + before,
                          .end = memory + before + block};
    return true;
}

bool wire_grow(struct wire *wire, size_t bytes)
{
    size_t block = block_bytes(bytes);
    char *begun = arena_alloc(wire->arena, block);
    if (begun == NULL) {
        wire->is_short = true;
        return false;
    }
    wire_flush(wire);
    wire->begun = wire->to = begun;
    wire->end = begun + block;
    return true;
}
