/*
 * piece.h - a rendering as a row of pieces: shared spans and own values
 *
 * What a template writes for one recipient is mostly the same bytes as for every
 * other. A piece is either a span of the template (by number, so that whoever
 * encodes messages can have it encoded once per campaign) or a value that belongs
 * to this rendering alone.
 *
 * Owns:    nothing; the array and the values lie in an arena of the renderer's.
 * Thread:  one at a time.
 * Errors:  pieces_add returns false without memory or beyond max.
 */
#ifndef BROADSIDE_BASE_PIECE_H
#define BROADSIDE_BASE_PIECE_H

#include "core/base/arena.h"

#define PIECE_VALUE UINT32_MAX

struct piece {
    /* The bytes, unencoded, in both cases. */
    struct str text;
    /* The span's number in its template, or PIECE_VALUE. */
    uint32_t span;
};

struct pieces {
    struct piece *p;
    size_t n, cap, max;
    struct arena *arena;
};

/* Empties `pieces`; what it grows into comes from `arena`. */
void pieces_init(struct pieces *pieces, struct arena *arena, size_t max);
/* Room for one more; pieces_add calls it, seldom: inlined, it would cost each call. */
bool pieces_grow(struct pieces *pieces) __attribute__((cold, noinline));

static inline bool pieces_add(struct pieces *pieces, struct str text, uint32_t span)
{
    if (pieces->n == pieces->cap && !pieces_grow(pieces))
        return false;
    pieces->p[pieces->n++] = (struct piece){text, span};
    return true;
}

/* The bytes of all pieces together. */
size_t pieces_bytes(const struct pieces *pieces);
/* All pieces joined into one string of `arena`'s; STR_NULL without memory. */
struct str pieces_join(const struct pieces *pieces, struct arena *arena);

#endif
