#include "cmd/format.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <stdio.h>

json_t *json_out_time(int64_t wall_ms)
{
    char text[CLOCK_RFC3339_BYTES];
    if (wall_ms == 0)
        return json_null();
    return json_string(clock_rfc3339(wall_ms, text));
}

json_t *json_out_u64(uint64_t number)
{
    return json_integer((json_int_t)number);
}

json_t *json_out_rounded(double number)
{
    return json_real((double)(int64_t)(number * 1000 + 0.5) / 1000);
}

struct str format_time(int64_t wall_ms, char to[FORMAT_TIME_BYTES])
{
    return wall_ms != 0 ? str_of(clock_rfc3339(wall_ms, to)) : STR("");
}

struct str format_count(uint64_t number, char to[FORMAT_COUNT_BYTES])
{
    int n = snprintf(to, FORMAT_COUNT_BYTES, "%llu", (unsigned long long)number);
    return str_slice(to, (size_t)n);
}

struct str format_grouped(uint64_t number, char to[FORMAT_GROUPED_BYTES])
{
    size_t at = FORMAT_GROUPED_BYTES, digits = 0;
    do {
        if (digits > 0 && digits % 3 == 0)
            to[--at] = ',';
        to[--at] = (char)('0' + number % 10);
        number /= 10;
        digits++;
    } while (number > 0);
    return str_slice(to + at, FORMAT_GROUPED_BYTES - at);
}

struct str format_span(double seconds, char to[FORMAT_SPAN_BYTES])
{
    unsigned long long whole = seconds > 0 ? (unsigned long long)(seconds + 0.5) : 0;
    int n;
    if (seconds < 10)
        n = snprintf(to, FORMAT_SPAN_BYTES, "%.1f s", seconds > 0 ? seconds : 0);
    else if (whole < 60)
        n = snprintf(to, FORMAT_SPAN_BYTES, "%llu s", whole);
    else if (whole < 3600)
        n = snprintf(to, FORMAT_SPAN_BYTES, "%llu min %llu s", whole / 60, whole % 60);
    else if (whole < 86400)
        n = snprintf(to, FORMAT_SPAN_BYTES, "%llu h %llu min", whole / 3600,
                     whole / 60 % 60);
    else
        n = snprintf(to, FORMAT_SPAN_BYTES, "%llu d %llu h", whole / 86400,
                     whole / 3600 % 24);
    return str_slice(to, (size_t)n);
}

void print_printable(FILE *to, struct str s)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    printable_append(&text, s);
    (void)fwrite(buf_str(&text).p, 1, text.n, to);
    buf_fini(&text);
}
