/*
 * mailbox.h - the one way in which threads exchange work: a bounded queue of batches
 *
 * Many may post, one takes. A batch is an object that embeds a `struct mail`; posting
 * hands its ownership over. The receiver either blocks in mailbox_wait (the store
 * thread) or is woken through a callback (an event loop's uv_async).
 *
 * Owns:    what was posted and not yet taken (the caller frees leftovers).
 * Thread:  post from any; take and wait from the one owner.
 * Errors:  none: the maximum is back-pressure, asked for with mailbox_is_full before
 *          producing more. A post beyond it is a CHECK: the poster's bookkeeping is
 *          wrong.
 * Limits:  max_count mails, given at init.
 */
#ifndef BROADSIDE_BASE_MAILBOX_H
#define BROADSIDE_BASE_MAILBOX_H

#include "core/base/list.h"

#include <pthread.h>
#include <stdint.h>

struct mail {
    struct list link;
};

struct mailbox {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct list queue;
    size_t count, max_count;
    /* Called after a post that found the queue empty, outside the lock; may be NULL. */
    void (*wake)(void *self);
    void *wake_self;
};

void mailbox_init(struct mailbox *mailbox, size_t max_count, void (*wake)(void *self),
                  void *wake_self);
void mailbox_fini(struct mailbox *mailbox);
void mailbox_post(struct mailbox *mailbox, struct mail *mail);
bool mailbox_is_full(struct mailbox *mailbox);
/* Moves everything that is there to the end of `into` (an initialised list head of
 * mail.link); returns how many. Never blocks. */
size_t mailbox_take(struct mailbox *mailbox, struct list *into);
/* The same, but waits until there is something or timeout_ns has passed
 * (UINT64_MAX: for ever). */
size_t mailbox_wait(struct mailbox *mailbox, struct list *into, uint64_t timeout_ns);

#endif
