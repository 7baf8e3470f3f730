#include "cmd/config/units.h"

#include "core/base/clock.h"

const char *units_count(struct str text, uint64_t *value)
{
    uint64_t times = 1;
    if (text.n > 0 && text.p[text.n - 1] == 'k')
        times = 1000;
    else if (text.n > 0 && text.p[text.n - 1] == 'M')
        times = 1000000;
    if (!str_to_u64(times > 1 ? str_head(text, text.n - 1) : text, value))
        return "not a whole number";
    if (*value > UINT64_MAX / times)
        return "too large";
    *value *= times;
    return NULL;
}

/* Seconds in a unit of time, 0 if it is none. */
static uint64_t unit_seconds(char unit)
{
    switch (unit) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 60 * 60;
    case 'd': return 24 * 60 * 60;
    default: return 0;
    }
}

const char *units_time(struct str text, int64_t *ms)
{
    uint64_t number, seconds = text.n > 0 ? unit_seconds(text.p[text.n - 1]) : 0;
    if (seconds == 0)
        return "no time; write a whole number and s, m, h or d, such as 5m";
    if (!str_to_u64(str_head(text, text.n - 1), &number))
        return "no time; write a whole number and s, m, h or d, such as 5m";
    if (number == 0)
        return "too short; at least 1s";
    if (number > (uint64_t)UNITS_TIME_MAX_MS / 1000 / seconds)
        return "too long; at most 366d";
    *ms = (int64_t)(number * seconds * 1000);
    return NULL;
}

const char *units_rate(struct str text, struct rate *rate)
{
    static const char form[] =
        "no rate; write a whole number and /s, /m, /h or /d, such as 20/s";
    struct str unit;
    struct str number = str_split(text, '/', &unit);
    uint64_t seconds = unit.n == 1 ? unit_seconds(unit.p[0]) : 0;
    if (seconds == 0 || !str_to_u64(number, &rate->count))
        return form;
    if (rate->count == 0)
        return "a rate of zero would never send; leave the rule out, or pause";
    if (rate->count > UNITS_RATE_MAX)
        return "too fast; at most 1000000";
    rate->period_ns = seconds * NS_PER_S;
    return NULL;
}

#define FACTOR_DECIMALS_MAX 6

const char *units_factor(struct str text, double *factor)
{
    struct str decimals;
    uint64_t whole, part = 0, scale = 1;
    struct str digits = str_split(text, '.', &decimals);
    if (!str_to_u64(digits, &whole))
        return "not a number such as 2 or 1.5";
    if (!str_is_null(decimals)) {
        if (decimals.n > FACTOR_DECIMALS_MAX || !str_to_u64(decimals, &part))
            return "not a number such as 2 or 1.5";
        for (size_t i = 0; i < decimals.n; i++)
            scale *= 10;
    }
    if (whole < 1 || whole > 100 || (whole == 100 && part > 0))
        return "out of range; from 1 to 100";
    *factor = (double)whole + (double)part / (double)scale;
    return NULL;
}
