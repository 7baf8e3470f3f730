#include "core/send/retry.h"

/* first * factor^(attempts - 1), at most longest. */
static int64_t retry_pause(const struct retry_settings *settings, uint32_t attempts)
{
    double pause = (double)settings->first_ms, longest = (double)settings->longest_ms;
    for (uint32_t i = 1; i < attempts && pause < longest; i++)
        pause *= settings->factor;
    return (int64_t)(pause < longest ? pause : longest);
}

/* 0..RETRY_JITTER_PERCENT. */
static int64_t retry_jitter(uint32_t attempts, int64_t delivery_id)
{
    struct {
        int64_t id;
        int64_t attempts;
    } key = {delivery_id, attempts};
    uint64_t hash = str_hash(str_slice((const char *)&key, sizeof key));
    return (int64_t)(hash % (RETRY_JITTER_PERCENT + 1));
}

int64_t retry_longest_ms(const struct retry_settings *settings)
{
    return settings->longest_ms + settings->longest_ms / 100 * RETRY_JITTER_PERCENT;
}

int64_t retry_at(const struct retry_settings *settings, uint32_t attempts,
                 int64_t now_ms, int64_t first_armed_ms, int64_t delivery_id)
{
    int64_t pause_ms = retry_pause(settings, attempts);
    int64_t at_ms =
        now_ms + pause_ms + pause_ms / 100 * retry_jitter(attempts, delivery_id);
    if (first_armed_ms > 0 && at_ms - first_armed_ms > settings->give_up_ms)
        return -1;
    return at_ms;
}

unsigned retry_doubled(unsigned first, unsigned before, unsigned most)
{
    for (; before > 0 && first < most; before--)
        first *= 2;
    return first < most ? first : most;
}
