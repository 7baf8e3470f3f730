#include "core/net/uv_reserve.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* ---- the table of descriptors -------------------------------------------------- */

#define TABLE_BYTES (NET_DESCRIPTORS_RESERVED * sizeof(void *))

/* For the loop that this thread is making. */
static _Thread_local void *spare_table;

/* libuv begins with a table as small as will do. It is given a large one, in which each
 * later request is met in place. */
static void *reserve_realloc(void *memory, size_t bytes)
{
    if (memory == NULL && spare_table != NULL && bytes <= TABLE_BYTES) {
        memory = spare_table;
        spare_table = NULL;
        return memory;
    }
    if (memory != NULL && bytes <= malloc_usable_size(memory))
        return memory;
    return realloc(memory, bytes);
}

/* Before libuv has allocated anything. */
static void reserve_install(void)
{
    (void)uv_replace_allocator(malloc, reserve_realloc, calloc, free);
}

int uv_reserve_loop_init(uv_loop_t *loop)
{
    static pthread_once_t installed = PTHREAD_ONCE_INIT;
    (void)pthread_once(&installed, reserve_install);
    spare_table = malloc(TABLE_BYTES);
    if (spare_table == NULL)
        return UV_ENOMEM;
    int rc = uv_loop_init(loop);
    free(spare_table);
    spare_table = NULL;
    return rc;
}

/* ---- the threads that look up names -------------------------------------------- */

/* So many libuv starts at the first lookup. */
#define LOOKUP_THREADS 4

static void wait_at_gate(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
}

/* All of them at once, by libuv's own function, so of the same size. The C library
 * keeps the stacks of threads that have ended, and what belongs to them, for the next
 * ones: where these could be started, so can libuv's. */
static bool threads_can_start(void)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    uv_thread_t threads[LOOKUP_THREADS];
    int count = 0;
    pthread_mutex_lock(&gate);
    while (count < LOOKUP_THREADS &&
           uv_thread_create(&threads[count], wait_at_gate, &gate) == 0)
        count++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < count; i++)
        uv_thread_join(&threads[i]);
    return count == LOOKUP_THREADS;
}

int uv_reserve_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *lookup,
                           uv_getaddrinfo_cb done, const char *host,
                           const char *service, const struct addrinfo *hints)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static atomic_bool are_started;
    if (atomic_load(&are_started))
        return uv_getaddrinfo(loop, lookup, done, host, service, hints);
    int rc = UV_ENOMEM;
    pthread_mutex_lock(&mutex);
    if (atomic_load(&are_started) || threads_can_start()) {
        rc = uv_getaddrinfo(loop, lookup, done, host, service, hints);
        atomic_store(&are_started, rc == 0);
    }
    pthread_mutex_unlock(&mutex);
    return rc;
}
