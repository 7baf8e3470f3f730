/*
 * retry.h - when a deferred delivery, or a host in trouble, is tried again
 *
 * Thread:  any (pure).
 * Time:    wall milliseconds.
 */
#ifndef BROADSIDE_SEND_RETRY_H
#define BROADSIDE_SEND_RETRY_H

#include "core/send/run.h"

/* At most so much is added to a pause, so that what was deferred together spreads
 * out. Never less than the pause: greylisting servers count it. */
#define RETRY_JITTER_PERCENT 10

/*
 * When to try again after `attempts` charged attempts (this one included) that failed
 * at now_ms, first_armed_ms being the delivery's first arming; -1: give up, it is
 * expired. The jitter depends on delivery_id and attempts alone.
 */
int64_t retry_at(const struct retry_settings *settings, uint32_t attempts,
                 int64_t now_ms, int64_t first_armed_ms, int64_t delivery_id);
/* No pause is longer. */
int64_t retry_longest_ms(const struct retry_settings *settings);

/* Of a host, not of a delivery: first, 2 * first, 4 * first .. most, in any unit, by
 * how many pauses in a row there were before this one. */
unsigned retry_doubled(unsigned first, unsigned before, unsigned most);

#endif
