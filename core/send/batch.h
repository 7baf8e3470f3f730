/*
 * batch.h - the jobs of one claim, in a worker's hands
 *
 * Owns:    its jobs and the arena their strings lie in, until the last reference is
 *          given up. References: one for the destination while jobs are left to take,
 *          one for each job that was taken.
 * Thread:  one at a time (it travels to the ledger and back inside an order).
 */
#ifndef BROADSIDE_SEND_BATCH_H
#define BROADSIDE_SEND_BATCH_H

#include "core/base/list.h"
#include "core/send/ports.h"

/* Jobs of a claim. */
#define BATCH_JOBS_MAX 128
/* Bytes of a claim: the recipients' columns, for the most part. A claim stops short
 * of it; one recipient alone may be as large as a CSV row. */
#define BATCH_BYTES_MAX (16u << 20)

struct batch {
    struct list link;
    struct job_batch claim;
    /* The next job to take. */
    size_t next;
    unsigned refs;
    struct job jobs[];
};

/* Room for `max` jobs, one reference; NULL without memory. */
struct batch *batch_new(size_t max);
void batch_unref(struct batch *batch);
/* What it holds in memory. */
size_t batch_bytes(const struct batch *batch);

static inline size_t batch_left(const struct batch *batch)
{
    return batch->claim.n - batch->next;
}

#endif
