/*
 * clock.h - the clocks, and how times are written
 *
 * Monotonic nanoseconds pace rates, timeouts and back-off; wall-clock milliseconds
 * since 1970 (UTC) are what is stored and shown. They are never mixed.
 *
 * Thread:  any.
 * Source:  RFC 5322 section 3.3 (date-time), RFC 3339.
 */
#ifndef BROADSIDE_BASE_CLOCK_H
#define BROADSIDE_BASE_CLOCK_H

#include "core/base/str.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

/* Nanoseconds since some fixed moment; never goes back. */
uint64_t clock_mono_ns(void);
/* The same, and it goes on while the machine sleeps. */
uint64_t clock_boot_ns(void);
/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_wall_ms(void);

#define CLOCK_RFC3339_BYTES 80
#define CLOCK_RFC5322_BYTES 96
/* "2026-01-01T00:00:00Z", terminated; returns `to`. */
const char *clock_rfc3339(int64_t wall_ms, char to[CLOCK_RFC3339_BYTES]);
/* "Thu, 01 Jan 2026 00:00:00 +0000", terminated; returns `to`. In UTC and in English
 * whatever the locale. */
const char *clock_rfc5322(int64_t wall_ms, char to[CLOCK_RFC5322_BYTES]);

#endif
