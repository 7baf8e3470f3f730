/*
 * date.h - dates as people write them, and strftime
 *
 * Reads what the reference's Time.parse reads of ISO 8601, RFC 2822, "March 14, 2016",
 * "14 Mar 2016 3:05 PM", "2016/03/14", "20160314T150500Z" and their like; what a text
 * leaves out is taken from the clock from the left, and is the first from the right.
 *
 * Thread:  any.
 * Time:    UTC, proleptic Gregorian.
 * Limits:  years -9999 to 99999.
 * Source:  Ruby's Time.parse and Time#strftime; ISO 8601.
 */
#ifndef BROADSIDE_TEMPLATES_DATE_H
#define BROADSIDE_TEMPLATES_DATE_H

#include "core/base/str.h"

enum zone_kind { ZONE_UTC, ZONE_OFFSET };

struct date {
    int64_t year;
    int month, day, hour, minute, second, nanosecond;
    enum zone_kind zone;
    int offset_s;
};

/* Of seconds since 1970, UTC. */
struct date date_of_seconds(int64_t seconds);
int64_t date_seconds(const struct date *date);
/* False if the text is no date. `now` fills what it leaves out. */
bool date_parse(struct str text, const struct date *now, struct date *date);
/* Writes through `put`; false if the format ends within a directive. */
bool date_format(const struct date *date, struct str format, void *self,
                 void (*put)(void *self, struct str bytes));

#endif
