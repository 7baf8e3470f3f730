#include "core/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t clock_ns(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t clock_boot_ns(void)
{
    return clock_ns(CLOCK_BOOTTIME);
}

int64_t clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + (int64_t)(now.tv_nsec / 1000000);
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/*
 * Every message has a Date, and gmtime_r takes glibc's lock of the time zone, which all
 * workers would wait for. Years are counted from 1 March, so that the leap day is the
 * last of its year, and in eras of 400 years, after which the calendar repeats.
 */
static struct tm clock_utc(int64_t wall_ms)
{
    int64_t seconds = floor_divide(wall_ms, 1000), day = floor_divide(seconds, 86400);
    int in_day = (int)(seconds - day * 86400);
    /* Days since 1 March of year 0, and of its era. */
    int64_t days = day + 719468, era = floor_divide(days, 146097);
    int of_era = (int)(days - era * 146097);
    int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year + year / 4 - year / 100);
    int month = (5 * of_year + 2) / 153;
    return (struct tm){
        .tm_year = (int)(era * 400) + year + (month >= 10) - 1900,
        .tm_mon = (month + 2) % 12,
        .tm_mday = of_year - (153 * month + 2) / 5 + 1,
        .tm_wday = (int)(((day + 4) % 7 + 7) % 7),
        .tm_hour = in_day / 3600,
        .tm_min = in_day / 60 % 60,
        .tm_sec = in_day % 60,
    };
}

const char *clock_rfc3339(int64_t wall_ms, char to[CLOCK_RFC3339_BYTES])
{
    struct tm utc = clock_utc(wall_ms);
    snprintf(to, CLOCK_RFC3339_BYTES, "%04d-%02d-%02dT%02d:%02d:%02dZ",
             utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
             utc.tm_sec);
    return to;
}

static char *put_two(char *to, unsigned n)
{
    *to++ = (char)('0' + n / 10 % 10);
    *to++ = (char)('0' + n % 10);
    return to;
}

/* By hand, because each message has one: snprintf takes ten times as long. */
const char *clock_rfc5322(int64_t wall_ms, char to[CLOCK_RFC5322_BYTES])
{
    static const char days[] = "Sun, Mon, Tue, Wed, Thu, Fri, Sat, ";
    static const char months[] = " Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
    struct tm utc = clock_utc(wall_ms);
    unsigned year = (unsigned)utc.tm_year + 1900;
    char *end = mempcpy(to, days + 5 * (size_t)utc.tm_wday, 5);
    end = put_two(end, (unsigned)utc.tm_mday);
    end = mempcpy(end, months + 4 * (size_t)utc.tm_mon, 5);
    end = put_two(put_two(end, year / 100), year);
    *end++ = ' ';
    end = put_two(end, (unsigned)utc.tm_hour);
    *end++ = ':';
    end = put_two(end, (unsigned)utc.tm_min);
    *end++ = ':';
    end = put_two(end, (unsigned)utc.tm_sec);
    memcpy(end, " +0000", sizeof " +0000");
    return to;
}
