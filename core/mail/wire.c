#include "core/mail/wire.h"

/* What most messages need in all. */
#define BLOCK_BYTES 16384

bool wire_init(struct wire *wire, struct arena *arena, size_t slices_max, size_t bytes)
{
    struct str *slices = arena_alloc(arena, slices_max * sizeof *slices);
    /* A first block of no bytes. */
    char *none = (char *)slices;
    *wire = (struct wire){arena, slices, .begun = none, .to = none, .end = none};
    return slices != NULL && wire_room(wire, bytes);
}

bool wire_grow(struct wire *wire, size_t bytes)
{
    size_t block = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
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
