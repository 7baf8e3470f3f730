/*
 * progress.c - a bar with rate, counts and time left
 *
 * A line that wraps cannot be redrawn, so it fits the terminal: the bar has the room
 * that the words leave. Where that is next to nothing the words are set tight, with
 * numbers in thousands; what is too wide even then is cut.
 */
#include "cmd/progress.h"

#include "cmd/command.h"
#include "core/base/buf.h"
#include "core/base/clock.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINE_MAX_BYTES   512
#define BAR_CELLS_MAX    20
#define BAR_CELLS_WANTED 10
#define BAR_CELLS_MIN    4
#define BAR_FRAME        3 /* "[" and "] " */
#define PLAIN_EVERY_MS   5000
#define LIVE_EVERY_MS    150
#define WIDTH_IF_UNKNOWN 80

/* Not by the wall clock, which may jump. */
static int64_t mono_ms(void)
{
    return (int64_t)(clock_mono_ns() / (NS_PER_S / 1000));
}

void progress_init(struct progress *progress, enum progress_mode mode, bool quiet,
                   uint64_t audience, const struct progress_before *before)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    *progress = (struct progress){
        .is_on = mode == PROGRESS_ALWAYS || (mode == PROGRESS_AUTO && !quiet),
        .is_live = is_terminal,
        .has_colour = command_may_colour(),
        .audience = audience,
        .started_ms = mono_ms(),
    };
    if (before != NULL)
        progress->before = *before;
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return WIDTH_IF_UNKNOWN;
    return size.ws_col;
}

/* How a line is written: loosely, or in as few columns as can be. */
struct style {
    struct str gap;
    bool is_tight;
};

static const struct style loose = {{"  ", 2}, false}, tight = {{" ", 1}, true};

/* 12345678 as "12,345,678", tight as "12,346k". */
static void append_number(struct buf *to, const struct style *style, uint64_t value)
{
    char digits[24];
    bool is_thousands = style->is_tight && value >= 10000;
    if (is_thousands)
        value = (value + 500) / 1000;
    int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            buf_append_char(to, ',');
        buf_append_char(to, digits[i]);
    }
    if (is_thousands)
        buf_append_char(to, 'k');
}

static void append_count(struct buf *to, const struct style *style, uint64_t value,
                         const char *what)
{
    buf_append(to, style->gap);
    append_number(to, style, value);
    buf_printf(to, " %s", what);
}

static void append_rate(struct buf *to, const struct style *style, double per_s)
{
    buf_append(to, style->gap);
    append_number(to, style, (uint64_t)(per_s + 0.5));
    buf_append(to, STR("/s"));
}

static void append_time_left(struct buf *to, const struct style *style, uint64_t left,
                             double per_s)
{
    if (per_s < 0.01 || left == 0)
        return;
    double seconds = (double)left / per_s;
    if (seconds > 99.0 * 3600)
        return;
    unsigned s = (unsigned)(seconds + 0.5);
    buf_append(to, style->gap);
    buf_printf(to, "%u:%02u:%02u left", s / 3600, s / 60 % 60, s % 60);
}

static void append_bar(struct buf *to, size_t cells, uint64_t done, uint64_t all)
{
    size_t full =
        all > 0 ? (size_t)((double)done / (double)all * (double)cells) : cells;
    buf_append_char(to, '[');
    for (size_t i = 0; i < cells; i++)
        buf_append_char(to, i < full ? '#' : '.');
    buf_append(to, STR("] "));
}

/* Cells of a bar before `columns` of text; 0: there is no room for one. */
static size_t bar_cells(size_t width, size_t columns)
{
    if (width < columns + BAR_FRAME + BAR_CELLS_MIN)
        return 0;
    size_t room = width - columns - BAR_FRAME;
    return room < BAR_CELLS_MAX ? room : BAR_CELLS_MAX;
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

/* What the words say of a campaign: this run, and the ones before it. */
struct run_view {
    uint64_t done, audience, delivered, deferred, failed, in_doubt;
    double rate_per_s;
};

static struct run_view view_of(const struct progress *progress,
                               const struct run_progress *now)
{
    const struct progress_before *before = &progress->before;
    uint64_t done = before->done + finished(now);
    int64_t deferred = (int64_t)before->deferred + now->deferred;
    return (struct run_view){
        .done = done < progress->audience ? done : progress->audience,
        .audience = progress->audience,
        .delivered = before->delivered + now->delivered,
        .deferred = deferred > 0 ? (uint64_t)deferred : 0,
        .failed = before->failed + now->failed + now->invalid + now->expired,
        .in_doubt = before->in_doubt + now->in_doubt,
        .rate_per_s = now->rate_per_s,
    };
}

static void append_run(struct buf *line, const struct style *style,
                       const struct run_view *view)
{
    buf_printf(line, "%3u%%",
               view->audience > 0 ? (unsigned)(view->done * 100 / view->audience)
                                  : 100);
    append_rate(line, style, view->rate_per_s);
    append_time_left(line, style, view->audience - view->done, view->rate_per_s);
    append_count(line, style, view->delivered, "delivered");
    append_count(line, style, view->deferred, "deferred");
    append_count(line, style, view->failed, "failed");
    if (view->in_doubt > 0)
        append_count(line, style, view->in_doubt, "in doubt");
}

/* The words, and before them the bar that still fits. */
static void append_live_run(struct buf *line, const struct run_view *view)
{
    struct buf words;
    size_t width = terminal_width() - 1;
    buf_init(&words, LINE_MAX_BYTES);
    append_run(&words, &loose, view);
    size_t cells = bar_cells(width, words.n);
    if (cells < BAR_CELLS_WANTED) {
        buf_clear(&words);
        append_run(&words, &tight, view);
        cells = bar_cells(width, words.n);
    }
    if (cells > 0)
        append_bar(line, cells, view->done, view->audience);
    buf_append(line, buf_str(&words));
    buf_fini(&words);
}

void progress_show(struct progress *progress, const struct run_progress *now)
{
    struct buf line;
    if (!is_time(progress, mono_ms()))
        return;
    struct run_view view = view_of(progress, now);
    buf_init(&line, LINE_MAX_BYTES);
    if (progress->is_live)
        append_live_run(&line, &view);
    else
        append_run(&line, &loose, &view);
    if (now->draining)
        buf_append(&line, STR("  stopping: waiting for replies"));
    else if (now->connections == 0 && now->relay_trouble[0] != '\0')
        buf_printf(&line, "  %s", now->relay_trouble);
    draw(progress, &line);
    buf_fini(&line);
}

void progress_show_work(struct progress *progress, const char *what, uint64_t count,
                        uint64_t part, uint64_t whole)
{
    struct buf line;
    int64_t now_ms = mono_ms();
    if (!is_time(progress, now_ms))
        return;
    buf_init(&line, LINE_MAX_BYTES);
    double seconds = (double)(now_ms - progress->started_ms + 1) / 1000;
    part = part < whole ? part : whole;
    if (whole > 0 && progress->is_live && terminal_width() > 2 * BAR_CELLS_MAX)
        append_bar(&line, BAR_CELLS_MAX, part, whole);
    if (whole > 0)
        buf_printf(&line, "%3u%%", (unsigned)(part * 100 / whole));
    append_count(&line, &loose, count, what);
    append_rate(&line, &loose, (double)count / seconds);
    append_time_left(&line, &loose, whole - part, (double)part / seconds);
    draw(progress, &line);
    buf_fini(&line);
}

void progress_clear(struct progress *progress)
{
    if (progress->is_live && progress->has_drawn)
        (void)fputs("\r\033[K", stderr);
    progress->has_drawn = false;
}
