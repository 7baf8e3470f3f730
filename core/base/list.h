/*
 * list.h - an intrusive, circular, doubly linked list
 *
 * An object on a pool's list has its state in which list it is on (pgbouncer). A
 * node that is on no list points to itself, so removing twice is harmless.
 *
 * Owns:    nothing; the node lies in the caller's object.
 * Thread:  one at a time.
 * Cost:    every operation O(1).
 */
#ifndef BROADSIDE_BASE_LIST_H
#define BROADSIDE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define container_of(pointer, type, member)                                            \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define LIST_FOREACH(node, head)                                                       \
    for (struct list *node = (head)->next; node != (head); node = node->next)
/* The body may remove `node`. */
#define LIST_FOREACH_SAFE(node, following, head)                                       \
    for (struct list *node = (head)->next, *following = node->next; node != (head);    \
         node = following, following = node->next)

/* For a head and for a node alike. */
static inline void list_init(struct list *node)
{
    node->next = node->prev = node;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_before(struct list *where, struct list *node)
{
    node->prev = where->prev;
    node->next = where;
    where->prev->next = node;
    where->prev = node;
}

static inline void list_append(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

static inline void list_prepend(struct list *head, struct list *node)
{
    list_insert_before(head->next, node);
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* Takes the first node off, NULL if there is none. */
static inline struct list *list_shift(struct list *head)
{
    struct list *node = head->next;
    if (node == head)
        return NULL;
    /* The analyzer takes a node that was removed and freed for the next one. */
    list_remove(node); // NOLINT(clang-analyzer-unix.Malloc)
    return node;
}

#endif
