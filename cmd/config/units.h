/*
 * units.h - numbers with units as a configuration writes them
 *
 * Whole text or nothing: no sign, no exponent, no blanks, no silent default.
 *
 * Owns:    nothing.
 * Thread:  any.
 * Errors:  NULL if the value is good, else why not, as a fixed English phrase.
 * Limits:  the named maxima below.
 */
#ifndef BROADSIDE_CMD_CONFIG_UNITS_H
#define BROADSIDE_CMD_CONFIG_UNITS_H

#include "core/send/limits.h"

#define UNITS_RATE_MAX    UINT64_C(1000000)
#define UNITS_TIME_MAX_MS (INT64_C(366) * 24 * 60 * 60 * 1000)

/* "250", "16k" (thousands), "2M". */
const char *units_count(struct str text, uint64_t *value);
/* "90s", "5m", "4h", "2d", in milliseconds; at least a second, at most 366 days. */
const char *units_time(struct str text, int64_t *ms);
/* "100/s", "20/m", "500/h", "5000/d". */
const char *units_rate(struct str text, struct rate *rate);
/* "2", "1.5": from 1 to 100, up to six decimals. */
const char *units_factor(struct str text, double *factor);

#endif
