/*
 * session.c - messages per second that one SMTP session costs, no network included
 *
 * A 15 KB message in 40 slices, against a peer in memory that answers at once what it
 * is expected to. Everything is counted that a connection does but the system calls:
 * output, accounting of what was written, parsing of the replies, verdict, the next
 * message. Pipelined across messages and in lock-step; and, for the cost of being cut
 * small, with the replies fed byte by byte.
 */
#include "core/smtp/session.h"
#include "core/base/clock.h"
#include "core/base/err.h"

#include <stdio.h>
#include <stdlib.h>

#define DEPTH       4
#define SLICES      40
#define SLICE_BYTES 384
#define ROUNDS      1000000

/* Counted by the linker's --wrap. */
void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
static size_t mallocs;

void *__wrap_malloc(size_t bytes)
{
    mallocs++;
    return __real_malloc(bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    mallocs++;
    return __real_realloc(memory, bytes);
}

struct bench {
    struct smtp_session *session;
    struct smtp_message messages[DEPTH];
    struct str slices[SLICES];
    uint64_t delivered, writes, bytes, now_ns;
};

static char text[SLICE_BYTES];

static void submit(struct bench *bench, struct smtp_message *message)
{
    *message = (struct smtp_message){
        .mail_from = STR("news@acme.example"),
        .rcpt = STR("someone.or.other@example.net"),
        .slices = bench->slices,
        .slice_count = SLICES,
        .bytes = (uint64_t)SLICES * SLICE_BYTES,
        .armed = true,
    };
    smtp_session_submit(bench->session, message, bench->now_ns);
}

static void on_arm(void *self, struct smtp_message *message)
{
    (void)self, (void)message;
}

static void on_done(void *self, struct smtp_message *message,
                    const struct outcome *outcome)
{
    struct bench *bench = self;
    CHECK(outcome->state == OUTCOME_DELIVERED);
    bench->delivered++;
    submit(bench, message);
}

static void on_ready(void *self)
{
    struct bench *bench = self;
    for (size_t i = 0; i < DEPTH; i++)
        submit(bench, &bench->messages[i]);
}

static void on_over(void *self, const struct outcome *why, bool was_orderly)
{
    (void)self, (void)why, (void)was_orderly;
    CHECK(false && "the session ended");
}

static void write_all(struct bench *bench)
{
    struct str slices[64];
    size_t count;
    while ((count = smtp_session_output(bench->session, slices, 64)) > 0) {
        size_t total = 0;
        for (size_t i = 0; i < count; i++)
            total += slices[i].n;
        smtp_session_wrote(bench->session, total, bench->now_ns);
        bench->writes++;
        bench->bytes += total;
    }
}

static void hear(struct bench *bench, struct str replies, size_t piece_bytes)
{
    write_all(bench);
    while (replies.n > 0) {
        struct str piece = str_head(replies, piece_bytes);
        smtp_session_feed(bench->session, piece, ++bench->now_ns);
        replies = str_from(replies, piece.n);
    }
}

static const struct str accepted[] = {
    {"250 2.1.0 Ok\r\n", 14},
    {"250 2.1.5 Ok\r\n", 14},
    {"354 End data with <CR><LF>.<CR><LF>\r\n", 37},
    {"250 2.0.0 Ok: queued as 4XyZ12abcD\r\n", 36},
};

static void run_rounds(struct bench *bench, bool is_pipelined, size_t piece_bytes)
{
    static const struct str group =
        STR("250 2.0.0 Ok: queued as 4XyZ12abcD\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
            "354 End data with <CR><LF>.<CR><LF>\r\n");
    for (size_t i = 0; i < ROUNDS / (piece_bytes == 1 ? 10 : 1); i++) {
        if (is_pipelined)
            hear(bench, group, piece_bytes);
        else
            for (size_t j = 0; j < 4; j++)
                hear(bench, accepted[j], piece_bytes);
    }
}

static void measure(const char *name, bool is_pipelined, size_t piece_bytes)
{
    struct bench bench = {.now_ns = 1};
    struct smtp_params params = {STR("client.example"), is_pipelined, DEPTH, 0};
    struct smtp_events events = {&bench, on_arm, on_done, on_ready, on_over};
    for (size_t i = 0; i < SLICES; i++)
        bench.slices[i] = str_slice(text, SLICE_BYTES);
    bench.session = smtp_session_new(&params, &events);
    CHECK(bench.session != NULL);
    smtp_session_start(bench.session, 1);
    hear(&bench, STR("220 mx.example ESMTP\r\n"), SIZE_MAX);
    hear(&bench, STR("250-mx.example\r\n250-SIZE 10240000\r\n250 PIPELINING\r\n"),
         SIZE_MAX);
    if (is_pipelined)
        for (size_t j = 0; j < 3; j++)
            hear(&bench, accepted[j], SIZE_MAX);
    bench.writes = bench.bytes = 0;
    mallocs = 0;
    uint64_t begin = clock_mono_ns();
    run_rounds(&bench, is_pipelined, piece_bytes);
    uint64_t took = clock_mono_ns() - begin;
    printf("%-34s %6.0f ns/message  %8.0f/s  %.2f outputs  %zu mallocs in all\n", name,
           (double)took / (double)bench.delivered,
           (double)bench.delivered * 1e9 / (double)took,
           (double)bench.writes / (double)bench.delivered, mallocs);
    smtp_session_free(bench.session);
}

int main(void)
{
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 2, "\r\n", 2);
    measure("pipelined across messages", true, SIZE_MAX);
    measure("lock-step", false, SIZE_MAX);
    measure("pipelined, replies byte by byte", true, 1);
    return 0;
}
