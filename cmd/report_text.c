/*
 * report_text.c - a report for a terminal, and the same as JSON
 */
#include "cmd/report_pages.h"

#include "cmd/format_table.h"

#define DOMAINS_SHOWN 20
#define REPLIES_SHOWN 10

static json_t *domain_json(const struct domain_report *domain)
{
    json_t *object = json_object();
    json_object_set_new(object, "domain", json_out_str(domain->domain));
    json_object_set_new(object, "counts", json_out_counts(&domain->counts));
    json_object_set_new(object, "rate_per_s", json_out_rounded(domain_rate(domain)));
    return object;
}

static json_t *reply_json(const struct reply_report *reply)
{
    json_t *object = json_object();
    json_object_set_new(object, "state",
                        json_string(delivery_state_word(reply->state)));
    json_object_set_new(object, "code", json_integer(reply->code));
    json_object_set_new(object, "enhanced", json_out_str(reply->enhanced));
    json_object_set_new(object, "text", json_out_str(reply->text));
    json_object_set_new(object, "count", json_out_u64(reply->count));
    json_object_set_new(object, "example", json_out_str(reply->example));
    return object;
}

void report_write_json(const struct report *report, FILE *to)
{
    json_t *object = json_object(), *domains = json_array(), *replies = json_array();
    summary_to_json(&report->summary, object);
    for (size_t i = 0; i < report->domains.n; i++)
        json_array_append_new(domains, domain_json(&report->domains.p[i]));
    for (size_t i = 0; i < report->replies.n; i++)
        json_array_append_new(replies, reply_json(&report->replies.p[i]));
    json_object_set_new(object, "domains", domains);
    json_object_set_new(object, "domains_total", json_out_u64(report->domains.total));
    json_object_set_new(object, "replies", replies);
    json_out_document(to, object);
}

static void write_replies(const struct report *report, FILE *to)
{
    static const struct table_column columns[] = {{"count", true},
                                                  {"state", false},
                                                  {"code", true},
                                                  {"answer", false},
                                                  {"such as", false}};
    struct table table;
    if (report->replies.n == 0)
        return;
    (void)fputs("\nwhat servers said\n", to);
    table_init(&table, to, columns, 5);
    table.indent = "  ";
    for (size_t i = 0; i < report->replies.n && i < REPLIES_SHOWN; i++) {
        const struct reply_report *reply = &report->replies.p[i];
        struct buf answer;
        char number[FORMAT_GROUPED_BYTES], code[FORMAT_COUNT_BYTES];
        buf_init(&answer, 200);
        buf_append(&answer, reply->enhanced);
        if (reply->enhanced.n > 0)
            buf_append_char(&answer, ' ');
        buf_append(&answer, str_head(reply->text, 80));
        table_cell(&table, format_grouped(reply->count, number));
        table_cell(&table, str_of(delivery_state_word(reply->state)));
        table_cell(&table,
                   reply->code != 0 ? format_count(reply->code, code) : STR("-"));
        table_cell(&table, buf_str(&answer));
        table_cell(&table, reply->example);
        buf_fini(&answer);
    }
    table_fini(&table);
    if (report->replies.n > REPLIES_SHOWN)
        (void)fprintf(to, "  and %zu more kinds of answers\n",
                      report->replies.n - REPLIES_SHOWN);
}

static void write_domains(const struct report *report, FILE *to)
{
    static const struct table_column columns[] = {
        {"domain", false},  {"audience", true}, {"delivered", true}, {"failed", true},
        {"in doubt", true}, {"open", true},     {"rate/s", true}};
    struct table table;
    size_t shown = 0;
    if (report->domains.n == 0)
        return;
    (void)fputs("\ndomains\n", to);
    table_init(&table, to, columns, 7);
    table.indent = "  ";
    for (; shown < report->domains.n && shown < DOMAINS_SHOWN; shown++) {
        const struct domain_report *domain = &report->domains.p[shown];
        char text[FORMAT_GROUPED_BYTES];
        const uint64_t *by_state = domain->counts.by_state;
        table_cell(&table, domain->domain);
        table_cell(&table, format_grouped(domain->counts.audience, text));
        table_cell(&table, format_grouped(by_state[DELIVERY_DELIVERED], text));
        table_cell(&table,
                   format_grouped(delivery_counts_failed(&domain->counts), text));
        table_cell(&table, format_grouped(by_state[DELIVERY_IN_DOUBT], text));
        table_cell(&table,
                   format_grouped(delivery_counts_unfinished(&domain->counts), text));
        int n = snprintf(text, sizeof text, "%.1f", domain_rate(domain));
        table_cell(&table, str_slice(text, (size_t)n));
    }
    table_fini(&table);
    if (report->domains.total > shown)
        (void)fprintf(to, "  and %llu more domains\n",
                      (unsigned long long)(report->domains.total - shown));
}

/* What a person may want to do next. */
static void write_advice(const struct report *report, FILE *to)
{
    const struct campaign *campaign = &report->summary.campaign;
    const uint64_t *by_state = report->summary.counts.by_state;
    bool is_stopped =
        campaign->state == CAMPAIGN_PAUSED || campaign->state == CAMPAIGN_INTERRUPTED;
    if (by_state[DELIVERY_IN_DOUBT] > 0)
        (void)fprintf(to,
                      "\n%llu in doubt: they may have it or not; see "
                      "`broadside resolve %.*s --list`\n",
                      (unsigned long long)by_state[DELIVERY_IN_DOUBT],
                      STR_ARG(campaign->name));
    if (is_stopped)
        (void)fprintf(to, "\n`broadside resume %.*s` goes on\n",
                      STR_ARG(campaign->name));
}

void report_write_text(const struct report *report, FILE *to)
{
    summary_print(&report->summary, to);
    write_replies(report, to);
    write_domains(report, to);
    write_advice(report, to);
}
