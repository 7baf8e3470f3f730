#include "core/send/order.h"

#include <stdlib.h>

struct order *order_new(unsigned worker)
{
    struct order *order = malloc(sizeof *order);
    if (order == NULL)
        return NULL;
    order->worker = worker;
    list_init(&order->mail.link);
    arena_init(&order->arena, ORDER_ARENA_BYTES);
    order_clear(order);
    return order;
}

void order_free(struct order *order)
{
    if (order == NULL)
        return;
    arena_fini(&order->arena);
    free(order);
}

void order_clear(struct order *order)
{
    order->arm_count = order->record_count = 0;
    order->claim_count = order->closed_count = 0;
    order->lanes_wanted = order->lane_count = 0;
    order->has_more_lanes = order->is_idle = order->is_last = false;
    arena_reset(&order->arena);
}

bool order_is_empty(const struct order *order)
{
    return order->arm_count == 0 && order->record_count == 0 &&
           order->claim_count == 0 && order->closed_count == 0 &&
           order->lanes_wanted == 0 && !order->is_last;
}
