#include "core/base/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_mono_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + (int64_t)(now.tv_nsec / 1000000);
}

static struct tm clock_utc(int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
    struct tm utc = {.tm_mday = 1, .tm_year = 70};
    gmtime_r(&seconds, &utc);
    return utc;
}

const char *clock_rfc3339(int64_t wall_ms, char to[CLOCK_RFC3339_BYTES])
{
    struct tm utc = clock_utc(wall_ms);
    snprintf(to, CLOCK_RFC3339_BYTES, "%04d-%02d-%02dT%02d:%02d:%02dZ",
             utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
             utc.tm_sec);
    return to;
}

const char *clock_rfc5322(int64_t wall_ms, char to[CLOCK_RFC5322_BYTES])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm utc = clock_utc(wall_ms);
    snprintf(to, CLOCK_RFC5322_BYTES, "%s, %02d %s %04d %02d:%02d:%02d +0000",
             days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900,
             utc.tm_hour, utc.tm_min, utc.tm_sec);
    return to;
}
