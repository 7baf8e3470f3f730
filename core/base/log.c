#include "core/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_int log_level_now = LOG_WARN;

void log_set_level(enum log_level level)
{
    atomic_store(&log_level_now, (int)level);
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load(&log_level_now);
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    char line[LOG_LINE_MAX];
    if (!log_is_on(level))
        return;
    int head = snprintf(line, sizeof line, "broadside: %s: %s: ", names[level], event);
    va_list args;
    va_start(args, format);
    int tail = vsnprintf(line + head, sizeof line - (size_t)head - 1, format, args);
    va_end(args);
    size_t n = (size_t)head + (size_t)(tail > 0 ? tail : 0);
    if (n > sizeof line - 2)
        n = sizeof line - 2;
    str_make_printable(line, n);
    line[n++] = '\n';
    /* There is nobody to tell that a line could not be written. */
    (void)!write(STDERR_FILENO, line, n);
}

static void printable_append_byte(struct buf *to, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    char escaped[4] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
    buf_append(to, str_slice(escaped, sizeof escaped));
}

void printable_append(struct buf *to, struct str s)
{
    while (s.n > 0) {
        size_t length = str_printable_length(s);
        if (length > 0)
            buf_append(to, str_head(s, length));
        else
            printable_append_byte(to, (unsigned char)s.p[0]);
        s = str_from(s, length > 0 ? length : 1);
    }
}
