#include "core/send/batch.h"

#include <stdlib.h>

struct batch *batch_new(size_t max)
{
    struct batch *batch = malloc(sizeof *batch + max * sizeof(struct job));
    if (batch == NULL)
        return NULL;
    *batch = (struct batch){.claim = {.jobs = batch->jobs, .max = max}, .refs = 1};
    list_init(&batch->link);
    arena_init(&batch->claim.arena, BATCH_BYTES_MAX);
    return batch;
}

void batch_unref(struct batch *batch)
{
    if (--batch->refs > 0)
        return;
    arena_fini(&batch->claim.arena);
    free(batch);
}

size_t batch_bytes(const struct batch *batch)
{
    return sizeof *batch + batch->claim.max * sizeof(struct job) +
           batch->claim.arena.used_bytes;
}
