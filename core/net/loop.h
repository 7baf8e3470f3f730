/*
 * loop.h - an event loop: timers, signals, a turn hook, and being woken
 *
 * Wraps libuv, so that nobody outside core/net sees it. All timers of a loop share
 * one uv timer over a heap, so starting and stopping one is a few instructions.
 *
 * Owns:    its libuv loop and handles. Timers and signal watches are the caller's.
 * Thread:  one; net_loop_wake from any.
 * Time:    monotonic nanoseconds. net_loop_now_ns is read once per turn; timers fire
 *          up to 1 ms late, never early.
 * Errors:  ERR_OS, ERR_MEMORY from net_loop_new.
 */
#ifndef BROADSIDE_NET_LOOP_H
#define BROADSIDE_NET_LOOP_H

#include "core/base/err.h"
#include "core/base/heap.h"

struct net_loop;

MUST_CHECK enum err net_loop_new(struct net_loop **loop);
/* Every connection and listener of the loop has been closed before; runs the loop
 * until their close callbacks are through. */
void net_loop_free(struct net_loop *loop);

/* Runs until net_loop_stop. */
void net_loop_run(struct net_loop *loop);
/* From the loop's own thread: net_loop_run returns after this turn. */
void net_loop_stop(struct net_loop *loop);
/* From any thread: the turn hook runs soon. Many calls may become one. It takes a
 * void pointer to fit mailbox.wake; `loop` is a struct net_loop. */
void net_loop_wake(void *loop);
/* The time at the start of this turn (after the wait). */
uint64_t net_loop_now_ns(struct net_loop *loop);

/* `turn` is called once per turn after all events were handled and before the loop
 * waits: the place to write what has gathered. Only one; NULL takes it off. */
void net_loop_on_turn(struct net_loop *loop, void (*turn)(void *self), void *self);

struct net_timer {
    struct heap_node node;
    void (*fire)(void *self);
    void *self;
};

void net_timer_init(struct net_timer *timer, void (*fire)(void *self), void *self);
/* At at_ns (monotonic), once; moves it if it is running. */
void net_timer_start(struct net_loop *loop, struct net_timer *timer, uint64_t at_ns);
void net_timer_stop(struct net_loop *loop, struct net_timer *timer);

/* Calls `caught` in the loop's thread at each such signal, until net_loop_free.
 * ERR_LIMIT beyond NET_SIGNALS_MAX watches. */
#define NET_SIGNALS_MAX 4
MUST_CHECK enum err net_loop_on_signal(struct net_loop *loop, int signal_number,
                                       void (*caught)(void *self, int signal_number),
                                       void *self);

#endif
