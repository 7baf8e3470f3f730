#include "core/base/mailbox.h"

#include "core/base/clock.h"
#include "core/base/err.h"

#include <errno.h>
#include <time.h>

void mailbox_init(struct mailbox *mailbox, size_t max_count, void (*wake)(void *self),
                  void *wake_self)
{
    *mailbox =
        (struct mailbox){.max_count = max_count, .wake = wake, .wake_self = wake_self};
    list_init(&mailbox->queue);
    pthread_condattr_t attributes;
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_mutex_init(&mailbox->mutex, NULL) == 0);
    CHECK(pthread_cond_init(&mailbox->filled, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
}

void mailbox_fini(struct mailbox *mailbox)
{
    pthread_cond_destroy(&mailbox->filled);
    pthread_mutex_destroy(&mailbox->mutex);
}

void mailbox_post(struct mailbox *mailbox, struct mail *mail)
{
    pthread_mutex_lock(&mailbox->mutex);
    CHECK(mailbox->count < mailbox->max_count);
    bool was_empty = mailbox->count++ == 0;
    list_append(&mailbox->queue, &mail->link);
    pthread_mutex_unlock(&mailbox->mutex);
    if (!was_empty)
        return;
    pthread_cond_signal(&mailbox->filled);
    if (mailbox->wake != NULL)
        mailbox->wake(mailbox->wake_self);
}

bool mailbox_is_full(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    bool full = mailbox->count >= mailbox->max_count;
    pthread_mutex_unlock(&mailbox->mutex);
    return full;
}

/* With the lock held. */
static size_t mailbox_move(struct mailbox *mailbox, struct list *into)
{
    size_t count = mailbox->count;
    struct list *node;
    while ((node = list_shift(&mailbox->queue)) != NULL)
        list_append(into, node);
    mailbox->count = 0;
    return count;
}

size_t mailbox_take(struct mailbox *mailbox, struct list *into)
{
    pthread_mutex_lock(&mailbox->mutex);
    size_t count = mailbox_move(mailbox, into);
    pthread_mutex_unlock(&mailbox->mutex);
    return count;
}

size_t mailbox_wait(struct mailbox *mailbox, struct list *into, uint64_t timeout_ns)
{
    uint64_t now_ns = clock_mono_ns();
    bool for_ever = timeout_ns > UINT64_MAX - now_ns;
    uint64_t until_ns = now_ns + timeout_ns;
    struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                             .tv_nsec = (long)(until_ns % NS_PER_S)};
    int waited = 0;
    pthread_mutex_lock(&mailbox->mutex);
    while (mailbox->count == 0 && waited != ETIMEDOUT) {
        if (for_ever)
            pthread_cond_wait(&mailbox->filled, &mailbox->mutex);
        else
            waited = pthread_cond_timedwait(&mailbox->filled, &mailbox->mutex, &until);
    }
    size_t count = mailbox_move(mailbox, into);
    pthread_mutex_unlock(&mailbox->mutex);
    return count;
}
