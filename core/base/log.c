#include "core/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_int log_level_now = LOG_WARN;
static atomic_ulong log_lines_lost;

void log_set_level(enum log_level level)
{
    atomic_store(&log_level_now, (int)level);
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load(&log_level_now);
}

unsigned long log_lost(void)
{
    return atomic_load(&log_lines_lost);
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
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) != (ssize_t)n)
        atomic_fetch_add(&log_lines_lost, 1);
}

static void printable_append_byte(struct buf *to, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    char escaped[4] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
    buf_append(to, str_slice(escaped, sizeof escaped));
}

void printable_append(struct buf *to, struct str s)
{
    bool utf8 = str_is_utf8(s);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char byte = (unsigned char)s.p[i];
        /* C1 controls are the two bytes C2 80..9F. */
        bool c1 = byte == 0xC2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xA0;
        if (byte < 0x20 || byte == 0x7f || c1 || (byte >= 0x80 && !utf8))
            printable_append_byte(to, byte);
        else
            buf_append_char(to, (char)byte);
        if (c1)
            printable_append_byte(to, (unsigned char)s.p[++i]);
    }
}
