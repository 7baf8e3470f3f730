#include "core/send/flight.h"

#include <stdlib.h>

void flights_init(struct flights *flights, size_t max)
{
    *flights = (struct flights){.max = max};
    list_init(&flights->free);
    list_init(&flights->free_arenas);
}

void flights_fini(struct flights *flights)
{
    CHECK(flights->in_use == 0);
    struct list *node;
    while ((node = list_shift(&flights->free)) != NULL)
        free(container_of(node, struct flight, link));
    while ((node = list_shift(&flights->free_arenas)) != NULL) {
        struct flight_arena *arena = container_of(node, struct flight_arena, link);
        arena_fini(&arena->arena);
        free(arena);
    }
}

static struct flight *flight_make(struct flights *flights)
{
    if (flights->made == flights->max)
        return NULL;
    struct flight *flight = malloc(sizeof *flight);
    flights->made += flight != NULL;
    return flight;
}

static struct flight_arena *flight_arena_new(struct flights *flights)
{
    struct list *node = list_shift(&flights->free_arenas);
    if (node != NULL)
        return container_of(node, struct flight_arena, link);
    struct flight_arena *arena = malloc(sizeof *arena);
    if (arena == NULL)
        return NULL;
    list_init(&arena->link);
    arena_init(&arena->arena, FLIGHT_MESSAGE_MAX);
    return arena;
}

void flight_drop_message(struct flights *flights, struct flight *flight)
{
    if (flight->arena == NULL)
        return;
    arena_reset(&flight->arena->arena);
    /* The one used last is the warmest. */
    list_prepend(&flights->free_arenas, &flight->arena->link);
    flight->arena = NULL;
}

struct flight *flight_new(struct flights *flights)
{
    struct list *node = list_shift(&flights->free);
    struct flight *flight =
        node != NULL ? container_of(node, struct flight, link) : flight_make(flights);
    if (flight == NULL)
        return NULL;
    flight->arena = flight_arena_new(flights);
    if (flight->arena == NULL) {
        list_prepend(&flights->free, &flight->link);
        return NULL;
    }
    list_init(&flight->link);
    list_init(&flight->arm_link);
    flight->message = (struct smtp_message){.owner = flight};
    flight->record = (struct attempt_record){0};
    flight->batch = NULL;
    flight->channel = NULL;
    flight->arming = FLIGHT_NOT_ASKED;
    flight->is_landed = flight->is_withdrawn = flight->is_suspect = false;
    flight->peer[0] = '\0';
    flights->in_use++;
    return flight;
}

void flight_free(struct flights *flights, struct flight *flight)
{
    CHECK(list_is_empty(&flight->arm_link));
    list_remove(&flight->link);
    if (flight->batch != NULL)
        batch_unref(flight->batch);
    flight_drop_message(flights, flight);
    flights->in_use--;
    list_prepend(&flights->free, &flight->link);
}

static struct str flight_copy(char *to, size_t size, struct str s)
{
    struct str kept = str_head(s, size);
    if (kept.n > 0)
        memcpy(to, kept.p, kept.n);
    return str_slice(to, kept.n);
}

void flight_land(struct flight *flight, const struct outcome *outcome, int64_t at_ms)
{
    struct attempt_record *record = &flight->record;
    *record = (struct attempt_record){.delivery_id = flight->job.delivery_id,
                                      .lane_id = flight->job.lane_id,
                                      .last_attempt = flight->job.last_attempt,
                                      .at_ms = at_ms,
                                      .outcome = *outcome,
                                      .charged = outcome->state != OUTCOME_UNSENT};
    record->outcome.text =
        flight_copy(flight->text, sizeof flight->text, outcome->text);
    record->outcome.remote_id =
        flight_copy(flight->remote_id, sizeof flight->remote_id, outcome->remote_id);
    flight->is_landed = true;
}
