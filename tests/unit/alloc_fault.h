/*
 * alloc_fault.h - makes the nth allocation of the code under test fail
 *
 * For one test program each: link it with --wrap=malloc, --wrap=realloc and
 * --wrap=reallocarray. Allocations inside shared libraries are not touched.
 */
#ifndef BROADSIDE_TESTS_ALLOC_FAULT_H
#define BROADSIDE_TESTS_ALLOC_FAULT_H

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

/* How many more allocations succeed. */
static unsigned long allocs_left = ULONG_MAX;
/* How many were asked for since the test set it to 0. */
static unsigned long allocs_asked;

static bool alloc_may_succeed(void)
{
    allocs_asked++;
    if (allocs_left == 0)
        return false;
    if (allocs_left != ULONG_MAX)
        allocs_left--;
    return true;
}

void *__real_malloc(size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_malloc(size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);

void *__wrap_malloc(size_t bytes)
{
    return alloc_may_succeed() ? __real_malloc(bytes) : NULL;
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return alloc_may_succeed() ? __real_realloc(memory, bytes) : NULL;
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    return alloc_may_succeed() ? __real_reallocarray(memory, count, size) : NULL;
}

#endif
