/*
 * format.h - what every command that prints data has in common
 *
 * Times are RFC 3339 in UTC, states are the words of the database, JSON keys are
 * stable: they are part of the contract.
 *
 * Owns:    nothing.
 * Thread:  main.
 */
#ifndef BROADSIDE_CMD_FORMAT_H
#define BROADSIDE_CMD_FORMAT_H

#include "cmd/json_out.h"

/* For OPTION_CHOICE. */
#define FORMAT_WORDS "text|json|csv"
enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV, FORMAT_HTML };

/* Room for a list of campaigns or lists, or for a report. */
#define FORMAT_MEMORY_MAX ((size_t)1 << 30)

/* A time as a JSON string; null for 0. */
json_t *json_out_time(int64_t wall_ms);
json_t *json_out_u64(uint64_t number);
/* With three decimals: nobody measured more. */
json_t *json_out_rounded(double number);

/* A time as text in `to`; "" for 0. */
#define FORMAT_TIME_BYTES 80
struct str format_time(int64_t wall_ms, char to[FORMAT_TIME_BYTES]);
/* A count as text in `to`, as it is: for CSV. */
#define FORMAT_COUNT_BYTES 24
struct str format_count(uint64_t number, char to[FORMAT_COUNT_BYTES]);
/* The same with thousands set off by commas: for people. */
#define FORMAT_GROUPED_BYTES 32
struct str format_grouped(uint64_t number, char to[FORMAT_GROUPED_BYTES]);
/* "3 d 4 h", "5 min 2 s", "0.8 s". */
#define FORMAT_SPAN_BYTES 48
struct str format_span(double seconds, char to[FORMAT_SPAN_BYTES]);

/* A text from outside for a person: nothing in it drives the terminal. */
void print_printable(FILE *to, struct str s);

#endif
