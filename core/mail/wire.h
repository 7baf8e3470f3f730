/*
 * wire.h - a message under way to an array of slices
 *
 * What is a recipient's own is written to scratch memory, which comes in blocks as it
 * is needed, so that nobody has to know beforehand how much that will be; what is the
 * same for everybody stays where it is and becomes a slice, unless it is short.
 *
 * Owns:    nothing; slices and scratch lie in the arena.
 * Keeps:   what became a slice.
 * Thread:  one at a time.
 * Errors:  false without memory; is_short and is_too_large tell at the end too.
 */
#ifndef BROADSIDE_MAIL_WIRE_H
#define BROADSIDE_MAIL_WIRE_H

#include "core/base/arena.h"

struct wire {
    struct arena *arena;
    struct str *slices;
    size_t slice_count;
    uint64_t bytes;
    /* Scratch, up to `end`; what is between `begun` and `to` is in no slice yet. */
    char *begun, *to, *end;
    size_t block_bytes;
    /* There was no memory; or none was left in the arena: the message is too large. */
    bool is_short, is_too_large;
};

/* A run that short is copied rather than made a slice of its own. */
#define WIRE_COPY_MAX 256
/* Room that is always left behind what was asked for: enough for all of a message that
 * does not grow with a value (names, boundaries, dates). */
#define WIRE_SPARE 4096
/* Slices that a run may take, and so may each call of wire_room. */
#define WIRE_PUT_SLICES  2
#define WIRE_ROOM_SLICES 1

/* With room for so many slices and, at first, bytes. */
bool wire_init(struct wire *wire, struct arena *arena, size_t slices_max, size_t bytes);
/* The next block of scratch memory. */
bool wire_grow(struct wire *wire, size_t bytes);

/* Makes room for so many bytes at `to`. */
static inline bool wire_room(struct wire *wire, size_t bytes)
{
    return (size_t)(wire->end - wire->to) >= bytes + WIRE_SPARE ||
           wire_grow(wire, bytes + WIRE_SPARE);
}

/* What was written becomes a slice; to be called at the end. */
static inline void wire_flush(struct wire *wire)
{
    size_t n = (size_t)(wire->to - wire->begun);
    if (n == 0)
        return;
    wire->slices[wire->slice_count++] = str_slice(wire->begun, n);
    wire->bytes += n;
    wire->begun = wire->to;
}

/* A run that outlives the message, for which there is room if it is short. */
static inline void wire_put(struct wire *wire, struct str bytes)
{
    if (bytes.n <= WIRE_COPY_MAX) {
        if (bytes.n > 0)
            memcpy(wire->to, bytes.p, bytes.n);
        wire->to += bytes.n;
        return;
    }
    wire_flush(wire);
    wire->slices[wire->slice_count++] = bytes;
    wire->bytes += bytes.n;
}

#endif
