#include "templates/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const struct template_limits template_limits_default = {.steps_max = 20000000,
                                                        .output_bytes_max = 32u << 20,
                                                        .memory_bytes_max = 128u << 20,
                                                        .depth_max = 100};

#define RUN_BYTES_FIRST 2048

struct template_machine *template_machine_new(const struct template_limits *limits)
{
    struct template_machine *machine = calloc(1, sizeof *machine);
    if (machine == NULL)
        return NULL;
    machine->limits = limits != NULL ? *limits : template_limits_default;
    arena_init(&machine->arena, machine->limits.memory_bytes_max);
    return machine;
}

void template_machine_free(struct template_machine *machine)
{
    if (machine == NULL)
        return;
    arena_fini(&machine->arena);
    free(machine);
}

void machine_fail(struct template_machine *machine, const char *format, ...)
{
    if (machine->failed)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(machine->why, sizeof machine->why, format, args);
    va_end(args);
    machine->failed = true;
    machine->is_message = false;
}

void machine_exceeded(struct template_machine *machine, const char *what)
{
    if (machine->fatal != ERR_NONE)
        return;
    machine->failed = false;
    machine_fail(machine, "%s", what);
    machine->fatal = ERR_LIMIT;
}

void *machine_alloc(struct template_machine *machine, size_t bytes)
{
    void *memory = arena_alloc(&machine->arena, bytes > 0 ? bytes : 1);
    if (memory == NULL)
        machine_exceeded(machine, "too much memory");
    return memory;
}

/* More room for a run: its bytes move, what is written stays in one piece. */
static bool run_grow(struct template_machine *machine, struct run *run, size_t bytes)
{
    size_t cap = (run->n + bytes) * 2;
    if (cap < RUN_BYTES_FIRST)
        cap = RUN_BYTES_FIRST;
    char *p = machine_alloc(machine, cap);
    if (p == NULL)
        return false;
    if (run->n > 0)
        memcpy(p, run->p, run->n);
    run->p = p;
    run->cap = cap;
    return true;
}

/* What was lent comes back: what stands between two spans is always one piece. */
char *machine_more_room(struct template_machine *machine, size_t bytes)
{
    struct run *run = &machine->run;
    struct str lent = STR("");
    if (run->is_lent)
        lent = machine->pieces->p[--machine->pieces->n].text;
    run->is_lent = false;
    if (run->cap - run->n < lent.n + bytes && !run_grow(machine, run, lent.n + bytes))
        return NULL;
    memcpy(run->p + run->n, lent.p, lent.n);
    run->n += lent.n;
    return run->p + run->n;
}

void machine_put(struct template_machine *machine, struct str bytes)
{
    if (bytes.n == 0)
        return;
    char *p = machine_room(machine, bytes.n);
    if (p == NULL)
        return;
    memcpy(p, bytes.p, bytes.n);
    machine_written(machine, bytes.n);
}

void machine_flush(struct template_machine *machine)
{
    struct run *run = &machine->run;
    machine_add_piece(machine, str_slice(run->p, run->n), PIECE_VALUE);
    run->p += run->n;
    run->cap -= run->n;
    run->n = 0;
}

struct run machine_capture_start(struct template_machine *machine, bool *was_capturing)
{
    struct run before = machine->run;
    *was_capturing = machine->is_capturing;
    machine->is_capturing = true;
    machine->run = (struct run){0};
    return before;
}

struct str machine_capture_end(struct template_machine *machine, struct run before,
                               bool was_capturing)
{
    struct str captured = {machine->run.p != NULL ? machine->run.p : "",
                           machine->run.n};
    machine->is_capturing = was_capturing;
    machine->run = before;
    return captured;
}
