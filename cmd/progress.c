/*
 * progress.c - a bar with rate, counts and time left
 *
 * The line is cut to the terminal's width, for a line that wraps cannot be redrawn.
 */
#include "cmd/progress.h"

#include "cmd/command.h"
#include "core/base/buf.h"
#include "core/base/clock.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINE_MAX_BYTES   512
#define BAR_CELLS        20
#define PLAIN_EVERY_MS   5000
#define LIVE_EVERY_MS    150
#define WIDTH_IF_UNKNOWN 80

void progress_init(struct progress *progress, enum progress_mode mode, bool quiet,
                   uint64_t audience, uint64_t done_before)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    *progress = (struct progress){
        .is_on = mode == PROGRESS_ALWAYS || (mode == PROGRESS_AUTO && !quiet),
        .is_live = is_terminal,
        .has_colour = command_may_colour(),
        .audience = audience,
        .done_before = done_before,
        .started_ms = clock_wall_ms(),
    };
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return WIDTH_IF_UNKNOWN;
    return size.ws_col;
}

/* 12345678 as "12,345,678". */
static void append_grouped(struct buf *to, uint64_t value)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            buf_append_char(to, ',');
        buf_append_char(to, digits[i]);
    }
}

static void append_count(struct buf *to, uint64_t value, const char *what)
{
    buf_append(to, STR("  "));
    append_grouped(to, value);
    buf_printf(to, " %s", what);
}

static void append_time_left(struct buf *to, uint64_t left, double per_s)
{
    if (per_s < 0.01 || left == 0)
        return;
    double seconds = (double)left / per_s;
    if (seconds > 99.0 * 3600)
        return;
    unsigned s = (unsigned)(seconds + 0.5);
    buf_printf(to, "  %u:%02u:%02u left", s / 3600, s / 60 % 60, s % 60);
}

static void append_bar(struct buf *to, uint64_t done, uint64_t all)
{
    unsigned cells = all > 0 ? (unsigned)(done * BAR_CELLS / all) : BAR_CELLS;
    buf_append_char(to, '[');
    for (unsigned i = 0; i < BAR_CELLS; i++)
        buf_append_char(to, i < cells ? '#' : '.');
    buf_append(to, STR("] "));
}

/* The cursor is left at the line's start, so that a log line covers it. */
static void draw(struct progress *progress, struct buf *line)
{
    static const char colour[] = "\033[36m", plain[] = "\033[0m";
    size_t width = terminal_width();
    struct str text = str_head(buf_str(line), width > 1 ? width - 1 : 1);
    if (progress->is_live)
        (void)fprintf(stderr, "\r\033[K%s%.*s%s\r", progress->has_colour ? colour : "",
                      STR_ARG(text), progress->has_colour ? plain : "");
    else
        (void)fprintf(stderr, "%.*s\n", STR_ARG(buf_str(line)));
    (void)fflush(stderr);
    progress->has_drawn = true;
}

static bool is_time(struct progress *progress, int64_t now_ms)
{
    int64_t every = progress->is_live ? LIVE_EVERY_MS : PLAIN_EVERY_MS;
    if (!progress->is_on || now_ms - progress->last_ms < every)
        return false;
    /* The first plain line comes after some seconds, not at once with all zeros. */
    bool is_first = progress->last_ms == 0;
    progress->last_ms = now_ms;
    return progress->is_live || !is_first;
}

static uint64_t finished(const struct run_progress *now)
{
    return now->delivered + now->failed + now->in_doubt + now->invalid +
           now->suppressed + now->expired;
}

static void append_run(struct buf *line, const struct progress *progress,
                       const struct run_progress *now)
{
    uint64_t done = progress->done_before + finished(now);
    if (done > progress->audience)
        done = progress->audience;
    if (progress->is_live)
        append_bar(line, done, progress->audience);
    buf_printf(line, "%3u%%  ",
               progress->audience > 0 ? (unsigned)(done * 100 / progress->audience)
                                      : 100);
    append_grouped(line, (uint64_t)(now->rate_per_s + 0.5));
    buf_append(line, STR("/s"));
    append_time_left(line, progress->audience - done, now->rate_per_s);
    append_count(line, now->delivered, "delivered");
    append_count(line, now->deferred, "deferred");
    append_count(line, now->failed + now->invalid + now->expired, "failed");
    if (now->in_doubt > 0)
        append_count(line, now->in_doubt, "in doubt");
    if (now->draining)
        buf_append(line, STR("  stopping: waiting for replies"));
    else if (now->connections == 0 && now->relay_trouble[0] != '\0')
        buf_printf(line, "  %s", now->relay_trouble);
}

void progress_show(struct progress *progress, const struct run_progress *now)
{
    struct buf line;
    if (!is_time(progress, now->now_ms))
        return;
    buf_init(&line, LINE_MAX_BYTES);
    append_run(&line, progress, now);
    draw(progress, &line);
    buf_fini(&line);
}

void progress_show_work(struct progress *progress, const char *what, uint64_t count,
                        uint64_t part, uint64_t whole)
{
    struct buf line;
    int64_t now_ms = clock_wall_ms();
    if (!is_time(progress, now_ms))
        return;
    buf_init(&line, LINE_MAX_BYTES);
    double seconds = (double)(now_ms - progress->started_ms + 1) / 1000;
    part = part < whole ? part : whole;
    if (whole > 0 && progress->is_live)
        append_bar(&line, part, whole);
    if (whole > 0)
        buf_printf(&line, "%3u%%", (unsigned)(part * 100 / whole));
    append_count(&line, count, what);
    buf_append(&line, STR("  "));
    append_grouped(&line, (uint64_t)((double)count / seconds + 0.5));
    buf_append(&line, STR("/s"));
    append_time_left(&line, whole - part, (double)part / seconds);
    draw(progress, &line);
    buf_fini(&line);
}

void progress_clear(struct progress *progress)
{
    if (progress->is_live && progress->has_drawn)
        (void)fputs("\r\033[K", stderr);
    progress->has_drawn = false;
}
