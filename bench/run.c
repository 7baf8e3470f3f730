/*
 * run.c - a campaign run alone: a store in memory, one constant message, a real relay
 *
 * What core/send, core/smtp and core/net cost per message, sockets included, without
 * SQLite and without composing. Start a sink first:
 *
 *   broadside sandbox --discard --listen 127.0.0.1:2525 &
 *   bench_run 127.0.0.1 2525 [MESSAGES] [CONNECTIONS] [WORKERS] [BYTES] [COMMIT_US]
 */
#include "core/send/run.h"
#include "core/base/clock.h"
#include "core/send/memory_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define LANES 2000

static char domains[LANES][32];

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static char *make_content(size_t bytes)
{
    static const char head[] = "Subject: bench\r\n\r\n";
    char *content = malloc(bytes + 1);
    if (content == NULL)
        return NULL;
    for (size_t i = 0; i < bytes; i++)
        content[i] = i % 76 == 74 ? '\r' : i % 76 == 75 ? '\n' : 'x';
    memcpy(content, head, sizeof head - 1);
    memcpy(content + bytes - 2, "\r\n", 2);
    return content;
}

static void print_result(const struct memory_store *store, size_t messages,
                         double elapsed_s)
{
    struct rusage usage;
    uint64_t counts[MEMORY_STATES];
    getrusage(RUSAGE_SELF, &usage);
    memory_store_counts(store, counts);
    double user_s = seconds(usage.ru_utime), system_s = seconds(usage.ru_stime);
    double count = (double)messages;
    printf("delivered=%llu of %zu  %.0f msg/s  cpu %.1f us/msg (user %.1f system %.1f)"
           "  commits %.0f/s  armed peak %llu  rss %ld KiB\n",
           (unsigned long long)counts[MEMORY_DELIVERED], messages, count / elapsed_s,
           (user_s + system_s) * 1e6 / count, user_s * 1e6 / count,
           system_s * 1e6 / count, (double)memory_store_commits(store) / elapsed_s,
           (unsigned long long)memory_store_armed_peak(store), usage.ru_maxrss);
}

static size_t argument(int argc, char **argv, int index, size_t otherwise)
{
    return argc > index ? strtoul(argv[index], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    size_t messages = argument(argc, argv, 3, 200000);
    size_t bytes = argument(argc, argv, 6, 15000);
    struct relay_settings relay = {
        .host = str_of(argc > 1 ? argv[1] : "127.0.0.1"),
        .port = (uint16_t)argument(argc, argv, 2, 2525),
        .connections = (unsigned)argument(argc, argv, 4, 50),
        .pipelining = true,
        .helo = STR("bench.example"),
    };
    struct run_settings settings;
    run_settings_init(&settings);
    settings.relays = &relay;
    settings.relay_count = 1;
    settings.workers = (unsigned)argument(argc, argv, 5, 0);
    struct memory_store *store = memory_store_new();
    struct constant_message constant = {{make_content(bytes), bytes}};
    memory_store_set_latency(store, argument(argc, argv, 7, 250) * 1000);
    for (size_t i = 0; i < LANES; i++) {
        snprintf(domains[i], sizeof domains[i], "d%zu.example", i);
        if (!memory_store_add(store, STR("user"), str_of(domains[i]), messages / LANES))
            return 71;
    }
    struct store_port port = memory_store_port(store);
    struct compose_port compose = constant_compose_port(&constant);
    struct error error = {0};
    struct run *run;
    enum run_end end;
    uint64_t started_ns = clock_mono_ns();
    if (run_new(&settings, &port, &compose, NULL, &run, &error) != ERR_NONE ||
        run_start(run, &error) != ERR_NONE ||
        run_wait(run, 1000, NULL, NULL, &end, &error) != ERR_NONE) {
        fprintf(stderr, "bench_run: %s\n", error.text);
        return err_exit_code(error.code);
    }
    double elapsed_s = (double)(clock_mono_ns() - started_ns) / 1e9;
    print_result(store, messages / LANES * LANES, elapsed_s);
    run_free(run);
    memory_store_free(store);
    free((char *)constant.content.p);
    return end == RUN_FINISHED ? 0 : 75;
}
