#include "cmd/sandbox_desk.h"

#include "cmd/sandbox_session.h"

#include <stdlib.h>
#include <unistd.h>

struct arrival {
    struct mail mail;
    int socket;
};

static void desk_take_arrivals(struct sandbox_desk *desk)
{
    struct list taken;
    list_init(&taken);
    mailbox_take(&desk->arrivals, &taken);
    for (struct list *node; (node = list_shift(&taken)) != NULL;) {
        struct arrival *arrival = container_of(node, struct arrival, mail.link);
        if (desk->stops)
            close(arrival->socket);
        else
            sandbox_session_open(desk, arrival->socket);
        free(arrival);
    }
}

static void desk_release(struct sandbox_desk *desk)
{
    if (desk->shop->log == NULL)
        return;
    uint64_t durable = sandbox_log_durable(desk->shop->log);
    if (durable == desk->durable)
        return;
    desk->durable = durable;
    LIST_FOREACH_SAFE(node, following, &desk->waiting)
    sandbox_session_log_advanced(node, durable);
}

/* What is accepted is acknowledged first, unless the log has failed. */
static void desk_close_sessions(struct sandbox_desk *desk)
{
    bool has_failed =
        desk->shop->log != NULL && sandbox_log_has_failed(desk->shop->log) != 0;
    LIST_FOREACH_SAFE(node, following, &desk->sessions)
    if (sandbox_session_may_close(node) || has_failed)
        sandbox_session_close(node);
    if (list_is_empty(&desk->sessions))
        net_loop_stop(desk->loop);
}

static void desk_turn(void *self)
{
    struct sandbox_desk *desk = self;
    desk_take_arrivals(desk);
    desk_release(desk);
    if (desk->stops)
        desk_close_sessions(desk);
}

enum err sandbox_desk_init(struct sandbox_desk *desk, struct sandbox_shop *shop)
{
    *desk = (struct sandbox_desk){.shop = shop};
    list_init(&desk->sessions);
    list_init(&desk->waiting);
    enum err err = net_loop_new(&desk->loop);
    if (err != ERR_NONE)
        return err;
    mailbox_init(&desk->arrivals, SANDBOX_ARRIVALS_MAX, net_loop_wake, desk->loop);
    net_loop_on_turn(desk->loop, desk_turn, desk);
    return ERR_NONE;
}

void sandbox_desk_fini(struct sandbox_desk *desk)
{
    if (desk->loop == NULL)
        return;
    desk->stops = true;
    desk_take_arrivals(desk);
    LIST_FOREACH_SAFE(node, following, &desk->sessions)
    sandbox_session_close(node);
    mailbox_fini(&desk->arrivals);
    net_loop_free(desk->loop);
}

void sandbox_desk_run(struct sandbox_desk *desk)
{
    net_loop_run(desk->loop);
}

void sandbox_desk_take(struct sandbox_desk *desk, int socket)
{
    struct arrival *arrival = calloc(1, sizeof *arrival);
    if (arrival == NULL || mailbox_is_full(&desk->arrivals)) {
        close(socket);
        free(arrival);
        return;
    }
    list_init(&arrival->mail.link);
    arrival->socket = socket;
    mailbox_post(&desk->arrivals, &arrival->mail);
}

void sandbox_desk_wake(struct sandbox_desk *desk)
{
    net_loop_wake(desk->loop);
}

void sandbox_desk_stop(struct sandbox_desk *desk)
{
    desk->stops = true;
    net_loop_wake(desk->loop);
}
