#include "core/send/batch.h"

#include <stdlib.h>

/* What the strings of a job take, more or less. */
#define BATCH_JOB_BYTES 256

struct batch *batch_new(size_t max)
{
    struct batch *batch = malloc(sizeof *batch + max * sizeof(struct job));
    if (batch == NULL)
        return NULL;
    *batch = (struct batch){.claim = {.jobs = batch->jobs, .max = max}, .refs = 1};
    list_init(&batch->link);
    arena_init(&batch->claim.arena, BATCH_BYTES_MAX);
    /* Thousands of slow domains may hold a job each: not a whole block for it. */
    size_t expected_bytes = max * BATCH_JOB_BYTES;
    if (expected_bytes < batch->claim.arena.next_bytes)
        batch->claim.arena.next_bytes = expected_bytes;
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
