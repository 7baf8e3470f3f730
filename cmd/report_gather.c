#include "cmd/report_pages.h"

#include "core/base/clock.h"

enum err report_gather(struct store *store, const struct campaign *campaign,
                       struct arena *arena, struct report *report, struct error *error)
{
    report->made_ms = clock_wall_ms();
    enum err err = summary_read(store, campaign, &report->summary, error);
    if (err == ERR_NONE)
        err = report_domains(store, campaign->id, REPORT_DOMAINS_MAX, arena,
                             &report->domains, error);
    if (err == ERR_NONE)
        err = report_replies(store, campaign->id, REPORT_REPLIES_MAX, arena,
                             &report->replies, error);
    return err;
}

double domain_rate(const struct domain_report *domain)
{
    int64_t span_ms = domain->last_ms - domain->first_ms;
    uint64_t delivered = domain->counts.by_state[DELIVERY_DELIVERED];
    return span_ms > 0 ? (double)delivered * 1000 / (double)span_ms : 0;
}
