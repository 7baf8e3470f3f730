#include "core/send/shared.h"

#include "core/base/clock.h"

#include <stdarg.h>
#include <stdio.h>

static uint64_t clock_system_boot_ns(void *self)
{
    (void)self;
    return clock_boot_ns();
}

static int64_t clock_system_wall_ms(void *self)
{
    (void)self;
    return clock_wall_ms();
}

const struct clock_port clock_port_system = {clock_system_boot_ns, clock_system_wall_ms,
                                             NULL};

void run_shared_set_clock(struct run_shared *shared, const struct clock_port *clock)
{
    shared->clock = *clock;
    shared->began_boot_ns = clock->boot_ns(clock->self);
    shared->began_wall_ms = clock->wall_ms(clock->self);
}

int64_t run_shared_wall_ms(const struct run_shared *shared)
{
    uint64_t now_ns = shared->clock.boot_ns(shared->clock.self);
    return shared->began_wall_ms +
           (int64_t)((now_ns - shared->began_boot_ns) / NS_PER_MS);
}

void run_shared_end(struct run_shared *shared, enum run_end end, enum run_phase phase)
{
    int none = -1, now = atomic_load(&shared->phase);
    atomic_compare_exchange_strong(&shared->end, &none, (int)end);
    while (now < (int)phase)
        if (atomic_compare_exchange_weak(&shared->phase, &now, (int)phase))
            break;
}

void run_shared_fail(struct run_shared *shared, const struct error *error)
{
    pthread_mutex_lock(&shared->trouble_mutex);
    if (shared->failure.code == ERR_NONE)
        shared->failure = *error;
    pthread_mutex_unlock(&shared->trouble_mutex);
    run_shared_end(shared, RUN_FAILED, RUN_DRAINING);
}

void run_shared_set_trouble(struct run_shared *shared, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&shared->trouble_mutex);
    vsnprintf(shared->trouble, sizeof shared->trouble, format, arguments);
    pthread_mutex_unlock(&shared->trouble_mutex);
    va_end(arguments);
}

void run_shared_trouble(struct run_shared *shared, char *to, size_t size)
{
    pthread_mutex_lock(&shared->trouble_mutex);
    snprintf(to, size, "%s", shared->trouble);
    pthread_mutex_unlock(&shared->trouble_mutex);
}
