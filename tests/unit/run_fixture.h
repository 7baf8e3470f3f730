/*
 * run_fixture.h - a run against the sink: what each test changes, and what came of it
 */
#ifndef BROADSIDE_TESTS_RUN_FIXTURE_H
#define BROADSIDE_TESTS_RUN_FIXTURE_H

#include "core/base/clock.h"
#include "core/send/memory_store.h"
#include "core/send/run.h"
#include "tests/support/sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* A run against the sink: what each test changes, and what came of it. */
struct scene {
    struct memory_store *store;
    struct sink *sink;
    struct sink_options sink_options;
    struct relay_settings relays[2];
    struct run_settings settings;
    struct run *run;
    enum run_end end;
    enum err err;
    struct error error;
    struct run_progress progress;
    uint64_t counts[MEMORY_STATES];
    uint64_t elapsed_ns;
    /* NULL: the machine's. */
    const struct clock_port *clock;
    int64_t jump_ms;
    uint64_t started_ns;
    /* Called at each tick. */
    void (*tick)(struct scene *scene);
};

static const struct constant_message message = {
    {"Subject: hello\r\n\r\nHello.\r\n", 26}};

static inline void scene_init(struct scene *scene)
{
    *scene = (struct scene){.store = memory_store_new()};
    scene->sink_options =
        (struct sink_options){.slow_ns = 300 * NS_PER_MS, .has_pipelining = true};
    run_settings_init(&scene->settings);
    scene->relays[0] = (struct relay_settings){.host = STR("127.0.0.1"),
                                               .connections = 8,
                                               .pipelining = true,
                                               .helo = STR("test.example")};
    scene->settings.relays = scene->relays;
    scene->settings.relay_count = 1;
    scene->settings.workers = 2;
    scene->settings.retry = (struct retry_settings){
        .first_ms = 200, .factor = 2, .longest_ms = 1000, .give_up_ms = 3600000};
    assert_non_null(scene->store);
}

static inline void scene_tick(void *self, const struct run_progress *progress)
{
    struct scene *scene = self;
    scene->progress = *progress;
    if (scene->tick != NULL)
        scene->tick(scene);
}

static inline void scene_go(struct scene *scene)
{
    struct store_port store = memory_store_port(scene->store);
    struct compose_port compose = constant_compose_port(&message);
    if (scene->relays[0].port == 0) {
        scene->sink = sink_start(&scene->sink_options);
        scene->relays[0].port = sink_port(scene->sink);
    }
    uint64_t started_ns = clock_mono_ns();
    assert_int_equal(run_new(&scene->settings, &store, &compose, scene->clock,
                             &scene->run, &scene->error),
                     ERR_NONE);
    assert_int_equal(run_start(scene->run, &scene->error), ERR_NONE);
    scene->err =
        run_wait(scene->run, 20, scene_tick, scene, &scene->end, &scene->error);
    scene->elapsed_ns = clock_mono_ns() - started_ns;
    run_free(scene->run);
    memory_store_counts(scene->store, scene->counts);
    if (scene->sink != NULL)
        sink_stop(scene->sink);
}

static inline void scene_fini(struct scene *scene)
{
    if (scene->sink != NULL)
        sink_free(scene->sink);
    memory_store_free(scene->store);
}

static inline int compare_rcpt(const void *a, const void *b)
{
    return strcmp(((const struct sink_entry *)a)->rcpt,
                  ((const struct sink_entry *)b)->rcpt);
}

/* Nobody was sent anything twice; returns how many got something. */
static inline size_t scene_check_once(struct scene *scene)
{
    size_t count;
    const struct sink_entry *log = sink_log(scene->sink, &count);
    struct sink_entry *sorted = calloc(count + 1, sizeof *sorted);
    if (count > 0)
        memcpy(sorted, log, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_rcpt);
    for (size_t i = 1; i < count; i++)
        assert_string_not_equal(sorted[i - 1].rcpt, sorted[i].rcpt);
    free(sorted);
    return count;
}

static inline void scene_add(struct scene *scene, const char *local, const char *domain,
                             size_t count)
{
    assert_true(memory_store_add(scene->store, str_of(local), str_of(domain), count));
}

static char domains[3000][32];

static inline void scene_add_domains(struct scene *scene, size_t lanes, size_t each)
{
    for (size_t i = 0; i < lanes; i++) {
        snprintf(domains[i], sizeof domains[i], "d%zu.example", i);
        scene_add(scene, "user", domains[i], each);
    }
}

#endif
