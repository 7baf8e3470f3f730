/*
 * report_pages.h - a campaign's report, gathered once and written in any format
 *
 * Owns:    nothing; arrays lie in the arena given to report_gather.
 * Thread:  main.
 * Errors:  the store's; a stream's own (ferror).
 * Limits:  REPORT_DOMAINS_MAX domains and REPORT_REPLIES_MAX replies in JSON; a page
 *          for people shows fewer.
 */
#ifndef BROADSIDE_CMD_REPORT_PAGES_H
#define BROADSIDE_CMD_REPORT_PAGES_H

#include "cmd/summary.h"

#define REPORT_DOMAINS_MAX 10000
#define REPORT_REPLIES_MAX 1000

struct report {
    struct summary summary;
    struct domain_reports domains;
    struct reply_reports replies;
    int64_t made_ms;
};

MUST_CHECK enum err report_gather(struct store *store, const struct campaign *campaign,
                                  struct arena *arena, struct report *report,
                                  struct error *error);
/* Delivered per second between a domain's first and last attempt; 0 if that says
 * nothing. */
double domain_rate(const struct domain_report *domain);

void report_write_text(const struct report *report, FILE *to);
void report_write_json(const struct report *report, FILE *to);
void report_write_html(const struct report *report, FILE *to);

#endif
