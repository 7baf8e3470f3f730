#include "core/net/loop_uv.h"

#include "core/base/clock.h"
#include "core/net/uv_reserve.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * libuv's own timers count milliseconds from the loop's cached time. Ours are
 * nanoseconds in a heap of our own; one uv timer stands for the earliest of them and
 * is moved only when the earliest changes.
 *
 * The turn hook is a uv_prepare: libuv calls it when timers and events have been
 * handled and just before it waits. The time is read when it is first asked for after
 * the wait, so a turn costs one reading however many events it brings.
 */
/* Timers that can be started without memory: one per connection, and some. */
#define NET_TIMERS_RESERVED 2048

struct net_signal {
    uv_signal_t handle;
    void (*caught)(void *self, int signal_number);
    void *self;
};

struct net_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t prepare;
    uv_timer_t timer;
    /* What the uv timer is set to; UINT64_MAX: stopped. */
    uint64_t timer_ns;
    struct heap timers;
    uint64_t now_ns;
    bool now_is_fresh, is_firing;
    void (*turn)(void *self);
    void *turn_self;
    struct net_signal signals[NET_SIGNALS_MAX];
    size_t signal_count;
    char read_buffer[NET_READ_BYTES];
    char write_buffer[NET_WRITE_BYTES];
};

uv_loop_t *net_loop_uv(struct net_loop *loop)
{
    return &loop->uv;
}

char *net_loop_read_buffer(struct net_loop *loop)
{
    return loop->read_buffer;
}

char *net_loop_write_buffer(struct net_loop *loop)
{
    return loop->write_buffer;
}

uint64_t net_loop_now_ns(struct net_loop *loop)
{
    if (!loop->now_is_fresh) {
        loop->now_ns = clock_mono_ns();
        loop->now_is_fresh = true;
    }
    return loop->now_ns;
}

static void loop_timer_set(struct net_loop *loop);

/* Fires what is due. libuv goes on firing timers as long as one is due, before it looks
 * at anything else: so what is due again here waits for 1 ms, and the time is read
 * anew, or a due timer that the cached time does not know of would be tried for ever.
 */
static void loop_timer_fired(uv_timer_t *handle)
{
    struct net_loop *loop = container_of(handle, struct net_loop, timer);
    loop->timer_ns = UINT64_MAX;
    loop->now_is_fresh = false;
    loop->is_firing = true;
    uint64_t now_ns = net_loop_now_ns(loop);
    for (size_t left = loop->timers.n; left > 0; left--) {
        struct heap_node *first = heap_first(&loop->timers);
        if (first == NULL || first->key > now_ns)
            break;
        struct net_timer *timer = container_of(first, struct net_timer, node);
        heap_remove(&loop->timers, first);
        timer->fire(timer->self);
    }
    loop_timer_set(loop);
    loop->is_firing = false;
}

static void loop_timer_set(struct net_loop *loop)
{
    struct heap_node *first = heap_first(&loop->timers);
    if (first == NULL || first->key >= loop->timer_ns)
        return; /* a uv timer that is too early finds nothing to do */
    uint64_t now_ns = clock_mono_ns(), wait_ns = 0;
    if (first->key > now_ns)
        wait_ns = first->key - now_ns;
    if (loop->is_firing && wait_ns == 0)
        wait_ns = NS_PER_MS;
    loop->timer_ns = first->key;
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->timer, loop_timer_fired,
                   wait_ns / NS_PER_MS + (wait_ns % NS_PER_MS != 0), 0);
}

void net_timer_init(struct net_timer *timer, void (*fire)(void *self), void *self)
{
    *timer = (struct net_timer){.fire = fire, .self = self};
    heap_node_init(&timer->node);
}

void net_timer_start(struct net_loop *loop, struct net_timer *timer, uint64_t at_ns)
{
    if (timer->node.place == HEAP_NOWHERE)
        CHECK(heap_push(&loop->timers, &timer->node, at_ns) == ERR_NONE);
    else
        heap_update(&loop->timers, &timer->node, at_ns);
    loop_timer_set(loop);
}

void net_timer_stop(struct net_loop *loop, struct net_timer *timer)
{
    heap_remove(&loop->timers, &timer->node);
}

static void loop_turn(uv_prepare_t *handle)
{
    struct net_loop *loop = container_of(handle, struct net_loop, prepare);
    if (loop->turn != NULL)
        loop->turn(loop->turn_self);
    loop->now_is_fresh = false;
}

void net_loop_on_turn(struct net_loop *loop, void (*turn)(void *self), void *self)
{
    loop->turn = turn;
    loop->turn_self = self;
}

/* Being woken is all: the turn hook does the rest. */
static void loop_woken(uv_async_t *handle)
{
    (void)handle;
}

void net_loop_wake(void *loop)
{
    uv_async_send(&((struct net_loop *)loop)->wake);
}

/* libuv's first loop makes a pipe for signals, and aborts the process if it cannot. */
static bool loop_has_descriptors(void)
{
    int probe[4];
    if (pipe2(probe, O_CLOEXEC) != 0)
        return false;
    bool has_more = pipe2(probe + 2, O_CLOEXEC) == 0;
    for (int i = 0; i < (has_more ? 4 : 2); i++)
        close(probe[i]);
    return has_more;
}

enum err net_loop_new(struct net_loop **to)
{
    if (!loop_has_descriptors())
        return ERR_OS;
    struct net_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return ERR_MEMORY;
    loop->timer_ns = UINT64_MAX;
    heap_init(&loop->timers);
    if (heap_reserve(&loop->timers, NET_TIMERS_RESERVED) != ERR_NONE)
        goto fail_loop;
    if (uv_reserve_loop_init(&loop->uv) != 0)
        goto fail_loop;
    if (uv_async_init(&loop->uv, &loop->wake, loop_woken) != 0)
        goto fail_async;
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_prepare_start(&loop->prepare, loop_turn);
    uv_timer_init(&loop->uv, &loop->timer);
    *to = loop;
    return ERR_NONE;

fail_async:
    uv_loop_close(&loop->uv);
fail_loop:
    heap_fini(&loop->timers);
    free(loop);
    return ERR_OS;
}

void net_loop_free(struct net_loop *loop)
{
    if (loop == NULL)
        return;
    loop->turn = NULL;
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    for (size_t i = 0; i < loop->signal_count; i++)
        uv_close((uv_handle_t *)&loop->signals[i].handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop->uv) == 0);
    heap_fini(&loop->timers);
    free(loop);
}

void net_loop_run(struct net_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void net_loop_stop(struct net_loop *loop)
{
    uv_stop(&loop->uv);
}

static void loop_signalled(uv_signal_t *handle, int signal_number)
{
    struct net_signal *watch = container_of(handle, struct net_signal, handle);
    watch->caught(watch->self, signal_number);
}

enum err net_loop_on_signal(struct net_loop *loop, int signal_number,
                            void (*caught)(void *self, int signal_number), void *self)
{
    if (loop->signal_count == NET_SIGNALS_MAX)
        return ERR_LIMIT;
    struct net_signal *watch = &loop->signals[loop->signal_count];
    watch->caught = caught;
    watch->self = self;
    if (uv_signal_init(&loop->uv, &watch->handle) != 0)
        return ERR_OS;
    loop->signal_count++;
    if (uv_signal_start(&watch->handle, loop_signalled, signal_number) != 0)
        return ERR_OS;
    return ERR_NONE;
}
