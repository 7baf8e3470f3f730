#include "core/base/clock.h"
#include "core/send/retry.h"
#include "core/send/worker_state.h"

/*
 * What an outcome means beyond its recipient is decided by the session (scope); this
 * file acts on it. A message that came back unsent costs nothing and goes back to the
 * store at once; one at which the connection has broken WORKER_UNSENT_MAX times is
 * deferred, or a server that closes at one certain message would be asked for ever. One
 * at which a host began to take nothing WORKER_LIMITED_MAX times (two minutes if nobody
 * gets through meanwhile) is deferred uncharged: it stands in front of all others, and
 * if the limit is for such as this one (no room for so many octets) they get through.
 */
#define WORKER_UNSENT_MAX  5u
#define WORKER_LIMITED_MAX 8u
/* Pauses of a destination that asks for it: 1, 2, 4 .. 300 s. */
#define WORKER_PAUSE_MAX_S 300u

static struct unsent *worker_unsent(struct worker *worker, int64_t delivery_id)
{
    return &worker->unsent[(uint64_t)delivery_id % WORKER_UNSENT_REMEMBERED];
}

/* Counts one more coming back; true if it has been too often. */
static bool worker_came_back_too_often(struct worker *worker, int64_t delivery_id,
                                       unsigned max)
{
    struct unsent *unsent = worker_unsent(worker, delivery_id);
    if (unsent->delivery_id != delivery_id)
        *unsent = (struct unsent){.delivery_id = delivery_id};
    if (++unsent->times < max)
        return false;
    unsent->times = 0;
    return true;
}

/* Deferred until when, or expired. */
static void worker_defer(struct worker *worker, struct flight *flight)
{
    struct attempt_record *record = &flight->record;
    record->outcome.state = OUTCOME_DEFERRED;
    record->next_attempt_ms =
        retry_at(&worker->shared->settings->retry, flight->job.attempts + 1,
                 record->at_ms, flight->job.first_armed_ms, flight->job.delivery_id);
    flight->destination->may_return = true;
    if (record->next_attempt_ms >= 0)
        return;
    record->outcome.state = OUTCOME_EXPIRED;
    record->next_attempt_ms = 0;
}

/* The record's state, from the session's outcome and the settings. */
static void worker_judge(struct worker *worker, struct flight *flight)
{
    enum outcome_state state = flight->record.outcome.state;
    /* Withheld or refused by the store: not the server's doing. */
    bool is_ours = worker->is_draining || flight->arming == FLIGHT_DENIED;
    bool is_limited = outcome_is_host_limit(&flight->record.outcome);
    unsigned max = is_limited ? WORKER_LIMITED_MAX : WORKER_UNSENT_MAX;
    if (state == OUTCOME_DEFERRED ||
        (state == OUTCOME_IN_DOUBT && worker->shared->settings->retry_in_doubt)) {
        worker_defer(worker, flight);
    } else if (state == OUTCOME_UNSENT && !is_ours && flight->is_suspect &&
               worker_came_back_too_often(worker, flight->job.delivery_id, max)) {
        flight->record.charged = !is_limited;
        worker_defer(worker, flight);
    }
}

static void worker_tally(struct run_tally *tally, enum outcome_state state)
{
    if (state == OUTCOME_UNSENT)
        return;
    atomic_fetch_add(&tally->attempts, 1);
    switch (state) {
    case OUTCOME_DELIVERED: atomic_fetch_add(&tally->delivered, 1); break;
    case OUTCOME_DEFERRED: atomic_fetch_add(&tally->deferred, 1); break;
    case OUTCOME_FAILED: atomic_fetch_add(&tally->failed, 1); break;
    case OUTCOME_IN_DOUBT: atomic_fetch_add(&tally->in_doubt, 1); break;
    case OUTCOME_SUPPRESSED: atomic_fetch_add(&tally->suppressed, 1); break;
    case OUTCOME_INVALID: atomic_fetch_add(&tally->invalid, 1); break;
    case OUTCOME_EXPIRED: atomic_fetch_add(&tally->expired, 1); break;
    case OUTCOME_UNSENT:
    case OUTCOME_CANCELLED: break;
    }
}

/* A destination that is in trouble is left alone for a while; a delivery ends that. */
static void worker_act_on_scope(struct worker *worker, struct flight *flight,
                                const struct outcome *outcome)
{
    struct destination *destination = flight->destination;
    if (outcome->state == OUTCOME_DELIVERED)
        destination->pauses = 0;
    if (outcome->scope != OUTCOME_SCOPE_DESTINATION || worker->is_draining ||
        outcome->state == OUTCOME_DELIVERED || outcome->state == OUTCOME_UNSENT ||
        destination->state == DESTINATION_PAUSED)
        return;
    unsigned pause_s = retry_doubled(1, destination->pauses++, WORKER_PAUSE_MAX_S);
    worker->has_jobs_to_return = true;
    schedule_pause(&worker->schedule, destination, worker->now_ns + pause_s * NS_PER_S);
}

/* The end of a flight: its destination forgets it. */
static void worker_forget(struct worker *worker, struct flight *flight, bool again)
{
    schedule_landed(&worker->schedule, flight->destination, again);
    atomic_fetch_sub(&worker->shared->unconfirmed, 1);
    flight_free(&worker->flights, flight);
}

/* It has its outcome, and the ledger was not asked yet. */
static void worker_landed_unarmed(struct worker *worker, struct flight *flight)
{
    list_remove(&flight->arm_link);
    /* It may have been suppressed since it was claimed: then there is no outcome. */
    if (flight->record.outcome.state != OUTCOME_UNSENT)
        list_append(&worker->to_arm, &flight->arm_link);
    else
        list_append(&worker->to_record, &flight->link);
}

void worker_landed(void *self, struct flight *flight, const struct outcome *outcome)
{
    struct worker *worker = self;
    struct limit *limit = flight->destination->limit;
    channel_uncarry(flight->channel, limit);
    schedule_unblock(&worker->schedule, limit);
    if (outcome->state == OUTCOME_UNSENT)
        schedule_refund(&worker->schedule, limit);
    atomic_fetch_sub(&worker->shared->tally.in_flight, 1);
    flight_land(flight, outcome, worker->wall_ms);
    flight->record.host = pool_relay_name(&worker->pool, flight->channel);
    flight->record.peer = str_of(flight->peer);
    flight_drop_message(&worker->flights, flight);
    worker_judge(worker, flight);
    worker_act_on_scope(worker, flight, outcome);
    flight->channel = NULL;
    switch (flight->arming) {
    case FLIGHT_NOT_ASKED: worker_landed_unarmed(worker, flight); break;
    case FLIGHT_ASKED:
        break; /* the answer decides whether there is anything to record */
    case FLIGHT_GRANTED: list_append(&worker->to_record, &flight->link); break;
    case FLIGHT_DENIED: worker_forget(worker, flight, false); break;
    }
}

void worker_land_invalid(struct worker *worker, struct flight *flight,
                         const struct error *why)
{
    struct outcome outcome = {.state = why != NULL ? OUTCOME_INVALID : OUTCOME_UNSENT,
                              .scope = OUTCOME_SCOPE_RECIPIENT,
                              .stage = SMTP_STAGE_CONNECT,
                              .class_word = "Rendering"};
    if (why != NULL)
        outcome.text = str_of(why->text);
    flight_land(flight, &outcome, worker->wall_ms);
    flight->record.charged = false;
    flight_drop_message(&worker->flights, flight);
    list_append(&worker->to_record, &flight->link);
}

void worker_arm_answered(struct worker *worker, struct flight *flight, bool granted)
{
    flight->arming = granted ? FLIGHT_GRANTED : FLIGHT_DENIED;
    if (!granted)
        atomic_fetch_add(&worker->shared->tally.suppressed, 1);
    if (flight->is_landed && granted)
        list_append(&worker->to_record, &flight->link);
    else if (flight->is_landed)
        worker_forget(worker, flight, false);
    else if (granted && !worker->is_draining)
        channel_armed(flight->channel, flight);
    else if (!flight->is_withdrawn) {
        flight->is_withdrawn = true;
        channel_withdraw(flight->channel, flight);
    }
}

void worker_recorded(struct worker *worker, struct flight *flight)
{
    enum outcome_state state = flight->record.outcome.state;
    worker_tally(&worker->shared->tally, state);
    worker_forget(worker, flight, state == OUTCOME_UNSENT);
}
