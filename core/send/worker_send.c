#include "core/send/worker_state.h"

/* Nothing is submitted beyond the number of messages that may be in doubt at once. */
static bool worker_reserve_unconfirmed(struct worker *worker)
{
    struct run_shared *shared = worker->shared;
    unsigned now = atomic_load(&shared->unconfirmed);
    while (now < shared->settings->unconfirmed_max)
        if (atomic_compare_exchange_weak(&shared->unconfirmed, &now, now + 1))
            return true;
    worker->is_at_unconfirmed_max = true;
    return false;
}

/* The message for a job; false: the recipient is invalid or the run has failed, and
 * the flight is taken care of. */
static bool worker_compose(struct worker *worker, struct flight *flight)
{
    struct error why = {0};
    struct job *job = &flight->job;
    if (job->first_armed_ms == 0)
        job->first_armed_ms = worker->wall_ms;
    enum err err =
        worker->shared->compose.compose(worker->composer, job, job->first_armed_ms,
                                        &flight->arena->arena, &flight->message, &why);
    flight->message.owner = flight;
    if (err == ERR_NONE)
        return true;
    if (err != ERR_DATA && err != ERR_LIMIT) {
        if (why.code == ERR_NONE)
            error_set(&why, err, "composing: a message: %s", err_words(err));
        run_shared_fail(worker->shared, &why);
    }
    worker_land_invalid(worker, flight,
                        err == ERR_DATA || err == ERR_LIMIT ? &why : NULL);
    return false;
}

/* One job of the destination out over the channel. */
static void worker_launch(struct worker *worker, struct destination *destination,
                          struct channel *channel, struct flight *flight)
{
    struct job *job = schedule_take(&worker->schedule, destination, &flight->batch);
    flight->job = *job;
    flight->destination = destination;
    if (!worker_compose(worker, flight))
        return;
    schedule_spend(&worker->schedule, destination, worker->now_ns);
    atomic_fetch_add(&worker->shared->tally.in_flight, 1);
    pool_submit(&worker->pool, channel, flight, destination->limit, worker->now_ns);
}

/* The destination's next message; false if no more can be sent in this turn. */
static bool worker_send_one(struct worker *worker, struct destination *destination)
{
    struct channel *channel;
    struct limit *limit = destination->limit;
    struct pool *pool = &worker->pool;
    switch (pool_pick(pool, limit, worker->now_ns, &channel)) {
    case POOL_NO_ROOM:
        pool_open(pool, worker->schedule.jobs, worker->now_ns);
        return false;
    case POOL_CAPPED:
        if (limit->rule->connections == 0 ||
            limit->connections < limit->rule->connections)
            pool_open(pool, 1, worker->now_ns);
        schedule_block(&worker->schedule, destination);
        return true;
    case POOL_PICKED: break;
    }
    if (!list_is_empty(&channel->flights))
        pool_open(pool, worker->schedule.jobs, worker->now_ns);
    struct flight *flight = flight_new(&worker->flights);
    if (flight == NULL)
        return false;
    if (!worker_reserve_unconfirmed(worker)) {
        flight_free(&worker->flights, flight);
        return false;
    }
    worker_launch(worker, destination, channel, flight);
    return true;
}

void worker_send(struct worker *worker)
{
    struct destination *destination;
    worker->is_at_unconfirmed_max = false;
    while ((destination = schedule_next(&worker->schedule, worker->now_ns)) != NULL)
        if (!worker_send_one(worker, destination))
            break;
}
