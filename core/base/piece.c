#include "core/base/piece.h"

#define PIECES_FIRST 32

void pieces_init(struct pieces *pieces, struct arena *arena, size_t max)
{
    *pieces = (struct pieces){.arena = arena, .max = max};
}

bool pieces_grow(struct pieces *pieces)
{
    size_t cap = pieces->cap > 0 ? pieces->cap * 2 : PIECES_FIRST;
    if (cap > pieces->max)
        cap = pieces->max;
    if (pieces->n >= cap)
        return false;
    struct piece *p = arena_calloc(pieces->arena, cap, sizeof *p);
    if (p == NULL)
        return false;
    if (pieces->n > 0)
        memcpy(p, pieces->p, pieces->n * sizeof *p);
    pieces->p = p;
    pieces->cap = cap;
    return true;
}

size_t pieces_bytes(const struct pieces *pieces)
{
    size_t bytes = 0;
    for (size_t i = 0; i < pieces->n; i++)
        bytes += pieces->p[i].text.n;
    return bytes;
}

struct str pieces_join(const struct pieces *pieces, struct arena *arena)
{
    size_t bytes = pieces_bytes(pieces), at = 0;
    char *joined = arena_alloc(arena, bytes + 1);
    if (joined == NULL)
        return STR_NULL;
    for (size_t i = 0; i < pieces->n; i++) {
        struct str text = pieces->p[i].text;
        if (text.n > 0)
            memcpy(joined + at, text.p, text.n);
        at += text.n;
    }
    joined[at] = '\0';
    return str_slice(joined, bytes);
}
