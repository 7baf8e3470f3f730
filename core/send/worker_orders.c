#include "core/base/clock.h"
#include "core/send/worker_state.h"

/* While so many are with the ledger, what comes gathers. */
#define WORKER_ORDERS_OUT_MAX 2u
/* After the ledger had no lanes. */
#define WORKER_ASK_AGAIN_NS (250 * NS_PER_MS)

static void worker_take_claims(struct worker *worker, struct order *order)
{
    for (size_t i = 0; i < order->claim_count; i++) {
        struct claim *claim = &order->claims[i];
        size_t count = claim->batch->claim.n;
        if (count == 0) {
            batch_unref(claim->batch);
            claim->batch = NULL;
        }
        schedule_claimed(&worker->schedule, claim->destination, claim->batch,
                         count == claim->max);
        worker->has_jobs_to_return |=
            worker->is_draining || claim->destination->state == DESTINATION_PAUSED;
    }
}

static void worker_take_lanes(struct worker *worker, struct order *order)
{
    if (order->lanes_wanted == 0)
        return;
    worker->is_asking = false;
    worker->ask_again_ns = worker->now_ns;
    if (order->lane_count == 0 && !order->has_more_lanes)
        worker->ask_again_ns += WORKER_ASK_AGAIN_NS;
    for (size_t i = 0; i < order->lane_count; i++) {
        enum err err = schedule_add(&worker->schedule, &order->lanes[i]);
        if (err != ERR_NONE) {
            struct error error;
            error_set(&error, err, "sending: a domain: %s", err_words(err));
            run_shared_fail(worker->shared, &error);
            return;
        }
    }
}

static void worker_take_answer(struct worker *worker, struct order *order)
{
    for (size_t i = 0; i < order->arm_count; i++)
        worker_arm_answered(worker, order->arm_flights[i], order->arms[i].granted);
    for (size_t i = 0; i < order->record_count; i++)
        if (order->record_flights[i] != NULL)
            worker_recorded(worker, order->record_flights[i]);
    worker_take_claims(worker, order);
    worker_take_lanes(worker, order);
    if (order->is_last)
        net_loop_stop(worker->loop);
}

void worker_take_answers(struct worker *worker)
{
    struct list answers, *node;
    list_init(&answers);
    mailbox_take(&worker->inbox, &answers);
    while ((node = list_shift(&answers)) != NULL) {
        struct order *order = container_of(node, struct order, mail.link);
        worker_take_answer(worker, order);
        order_clear(order);
        list_append(&worker->orders, &order->mail.link);
        worker->orders_out--;
    }
}

static void worker_put_arms(struct worker *worker, struct order *order)
{
    while (order->arm_count < ORDER_ARMS_MAX) {
        struct list *node = list_shift(&worker->to_arm);
        if (node == NULL)
            return;
        struct flight *flight = container_of(node, struct flight, arm_link);
        flight->arming = FLIGHT_ASKED;
        order->arm_flights[order->arm_count] = flight;
        order->arms[order->arm_count++] =
            (struct arm_item){.delivery_id = flight->job.delivery_id,
                              .at_ms = flight->job.first_armed_ms};
    }
}

static void worker_put_records(struct worker *worker, struct order *order)
{
    while (order->record_count < ORDER_RECORDS_MAX) {
        struct list *node = list_shift(&worker->to_record);
        if (node == NULL)
            return;
        struct flight *flight = container_of(node, struct flight, link);
        order->record_flights[order->record_count] = flight;
        order->records[order->record_count++] = flight->record;
    }
}

/* Jobs that will not be sent now go back; false if there is no room for more. */
static bool worker_put_returns(struct worker *worker, struct order *order,
                               struct destination *destination)
{
    struct job *job;
    struct batch *batch;
    while (order->record_count < ORDER_RECORDS_MAX) {
        job = schedule_give_back(&worker->schedule, destination, &batch);
        if (job == NULL)
            return true;
        order->record_flights[order->record_count] = NULL;
        order->records[order->record_count++] =
            (struct attempt_record){.delivery_id = job->delivery_id,
                                    .lane_id = job->lane_id,
                                    .at_ms = worker->wall_ms,
                                    .outcome = {.state = OUTCOME_UNSENT,
                                                .class_word = "GivenBack",
                                                .text = STR(""),
                                                .remote_id = STR("")}};
        batch_unref(batch);
    }
    return false;
}

static void worker_put_all_returns(struct worker *worker, struct order *order)
{
    struct schedule *schedule = &worker->schedule;
    if (!worker->has_jobs_to_return)
        return;
    LIST_FOREACH(node, &schedule->all)
    {
        struct destination *d = container_of(node, struct destination, all_link);
        if ((worker->is_draining || d->state == DESTINATION_PAUSED) &&
            !worker_put_returns(worker, order, d))
            return;
    }
    worker->has_jobs_to_return = false;
}

static void worker_put_closed(struct worker *worker, struct order *order)
{
    struct destination *destination;
    while (order->closed_count < ORDER_CLOSED_MAX &&
           (destination = schedule_closed(&worker->schedule)) != NULL) {
        order->closed[order->closed_count++] = destination->lane_id;
        destination_free(&worker->schedule, destination);
    }
}

static void worker_put_claims(struct worker *worker, struct order *order)
{
    while (order->claim_count < ORDER_CLAIMS_MAX) {
        size_t max;
        struct destination *destination = schedule_claimant(&worker->schedule, &max);
        if (destination == NULL)
            return;
        struct batch *batch = batch_new(max);
        if (batch == NULL) {
            schedule_claimed(&worker->schedule, destination, NULL, true);
            return;
        }
        order->claims[order->claim_count++] =
            (struct claim){destination, destination->lane_id, max, batch};
    }
}

static void worker_put_lanes(struct worker *worker, struct order *order)
{
    size_t room = schedule_room(&worker->schedule);
    /* That there is nothing left to do is told at once, it may be the end. */
    bool is_news = order->is_idle && !worker->has_told_idle;
    if (worker->is_asking || room == 0 || !list_is_empty(&worker->schedule.backlog) ||
        (worker->now_ns < worker->ask_again_ns && !is_news))
        return;
    worker->is_asking = true;
    worker->has_told_idle = order->is_idle;
    order->lanes_wanted = room < ORDER_LANES_MAX ? room : ORDER_LANES_MAX;
}

static bool worker_is_idle(const struct worker *worker)
{
    return worker->schedule.count == worker->schedule.resting &&
           worker->flights.in_use == 0 && worker->orders_out == 0;
}

static void worker_fill(struct worker *worker, struct order *order)
{
    /* Before the claims and the closing take it down. */
    order->is_idle = worker_is_idle(worker);
    worker_put_arms(worker, order);
    worker_put_records(worker, order);
    worker_put_all_returns(worker, order);
    if (worker->is_draining) {
        order->is_last = order_is_empty(order) && worker->orders_out == 0 &&
                         worker->flights.in_use == 0 && pool_is_empty(&worker->pool);
        return;
    }
    worker_put_closed(worker, order);
    worker_put_claims(worker, order);
    worker_put_lanes(worker, order);
}

void worker_post_orders(struct worker *worker)
{
    while (worker->orders_out < WORKER_ORDERS_OUT_MAX && !worker->has_posted_last) {
        struct list *node = list_shift(&worker->orders);
        CHECK(node != NULL);
        struct order *order = container_of(node, struct order, mail.link);
        worker_fill(worker, order);
        if (order_is_empty(order)) {
            list_prepend(&worker->orders, node);
            return;
        }
        worker->has_posted_last = order->is_last;
        worker->orders_out++;
        mailbox_post(&worker->shared->ledger_inbox, &order->mail);
    }
}
