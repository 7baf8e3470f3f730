/*
 * report_html.c - a report as one page that can be mailed or put on a server
 *
 * Self-contained: no script, no image, no font, nothing is fetched; a content security
 * policy says so to the browser. Everything that came from outside is escaped.
 */
#include "cmd/report_pages.h"

#define DOMAINS_SHOWN 100
#define REPLIES_SHOWN 50

static const char page_style[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;"
    "padding:0 1em;color:#1d2733;background:#fff}"
    "h1{font-size:1.6em;margin-bottom:0}h2{font-size:1.15em;margin-top:2em}"
    ".muted{color:#66717d}"
    ".bar{display:flex;height:1.1em;border-radius:.3em;overflow:hidden;"
    "background:#e6e9ed;margin:1.2em 0}"
    ".delivered{background:#2e8b57}.deferred{background:#e0a526}"
    ".failed,.expired,.invalid{background:#c4453c}.in_doubt{background:#8455b5}"
    ".suppressed,.cancelled{background:#98a2ad}"
    "dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(9em,1fr));gap:.8em}"
    "dt{color:#66717d;font-size:.85em}dd{margin:0;font-size:1.35em}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.3em .7em;border-bottom:1px solid #dfe3e8;"
    "vertical-align:top}th{font-size:.85em;color:#66717d}"
    ".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "@media(prefers-color-scheme:dark){body{background:#14181d;color:#dce3ea}"
    ".bar{background:#2a313a}th,td{border-color:#2a313a}}"
    "@media print{body{margin:0}}";

/* Escaped for text and for attribute values; bytes that are not UTF-8 or could do
 * harm become the replacement character. */
static void put_text(FILE *to, struct str s)
{
    while (s.n > 0) {
        size_t n = str_printable_length(s);
        char c = s.p[0];
        if (n == 0)
            (void)fputs("\xEF\xBF\xBD", to);
        else if (c == '<')
            (void)fputs("&lt;", to);
        else if (c == '>')
            (void)fputs("&gt;", to);
        else if (c == '&')
            (void)fputs("&amp;", to);
        else if (c == '"')
            (void)fputs("&quot;", to);
        else if (c == '\'')
            (void)fputs("&#39;", to);
        else
            (void)fwrite(s.p, 1, n, to);
        s = str_from(s, n > 0 ? n : 1);
    }
}

static void put_cell(FILE *to, struct str text)
{
    (void)fputs("<td>", to);
    put_text(to, text);
    (void)fputs("</td>", to);
}

static void put_number(FILE *to, uint64_t number)
{
    char grouped[FORMAT_GROUPED_BYTES];
    struct str text = format_grouped(number, grouped);
    (void)fprintf(to, "<td class=\"n\">%.*s</td>", STR_ARG(text));
}

static void write_bar(const struct delivery_counts *counts, FILE *to)
{
    (void)fputs("<div class=\"bar\" role=\"img\" aria-label=\"shares of the states\">",
                to);
    for (int state = 0; state < DELIVERY_STATE_COUNT; state++) {
        const char *word = delivery_state_word((enum delivery_state)state);
        if (counts->by_state[state] == 0 || state < DELIVERY_DELIVERED)
            continue;
        (void)fprintf(
            to, "<div class=\"%s\" style=\"width:%.3f%%\" title=\"%s\"></div>", word,
            100 * (double)counts->by_state[state] / (double)counts->audience, word);
    }
    (void)fputs("</div>\n", to);
}

static void write_counts(const struct delivery_counts *counts, FILE *to)
{
    char grouped[FORMAT_GROUPED_BYTES];
    struct str text = format_grouped(counts->audience, grouped);
    (void)fprintf(to, "<dl><div><dt>audience</dt><dd>%.*s</dd></div>\n", STR_ARG(text));
    for (int state = 0; state < DELIVERY_STATE_COUNT; state++) {
        if (counts->by_state[state] == 0)
            continue;
        text = format_grouped(counts->by_state[state], grouped);
        (void)fprintf(to, "<div><dt>%s</dt><dd>%.*s</dd></div>\n",
                      delivery_state_word((enum delivery_state)state), STR_ARG(text));
    }
    (void)fputs("</dl>\n", to);
}

static void write_head(const struct report *report, FILE *to)
{
    const struct summary *summary = &report->summary;
    const struct campaign *campaign = &summary->campaign;
    char time[FORMAT_TIME_BYTES], span[FORMAT_SPAN_BYTES];
    (void)fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" "
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
        to);
    put_text(to, campaign->name);
    (void)fprintf(to, ": report</title>\n<style>%s</style>\n</head>\n<body>\n<h1>",
                  page_style);
    put_text(to, campaign->name);
    (void)fprintf(to, "</h1>\n<p class=\"muted\">%s",
                  campaign_state_word(campaign->state));
    if (campaign->list_name.n > 0) {
        (void)fputs(" &middot; list ", to);
        put_text(to, campaign->list_name);
    }
    if (campaign->started_ms != 0) {
        struct str text = format_time(campaign->started_ms, time);
        (void)fprintf(to, " &middot; started %.*s", STR_ARG(text));
    }
    struct str text = format_span(summary->elapsed_s, span);
    (void)fprintf(to, " &middot; %.*s &middot; %.1f/s</p>\n", STR_ARG(text),
                  summary->rate_per_s);
}

static void write_replies(const struct report *report, FILE *to)
{
    if (report->replies.n == 0)
        return;
    (void)fputs("<h2>What servers said</h2>\n<div class=\"wide\"><table>\n<tr>"
                "<th class=\"n\">count</th><th>state</th><th class=\"n\">code</th>"
                "<th>status</th><th>answer</th><th>such as</th></tr>\n",
                to);
    for (size_t i = 0; i < report->replies.n && i < REPLIES_SHOWN; i++) {
        const struct reply_report *reply = &report->replies.p[i];
        char code[FORMAT_COUNT_BYTES];
        (void)fputs("<tr>", to);
        put_number(to, reply->count);
        put_cell(to, str_of(delivery_state_word(reply->state)));
        put_cell(to, reply->code != 0 ? format_count(reply->code, code) : STR(""));
        put_cell(to, reply->enhanced);
        put_cell(to, reply->text);
        put_cell(to, reply->example);
        (void)fputs("</tr>\n", to);
    }
    (void)fputs("</table></div>\n", to);
}

static void write_domains(const struct report *report, FILE *to)
{
    size_t shown = 0;
    (void)fputs("<h2>Domains</h2>\n<div class=\"wide\"><table>\n<tr><th>domain</th>"
                "<th class=\"n\">audience</th><th class=\"n\">delivered</th>"
                "<th class=\"n\">deferred</th><th class=\"n\">failed</th>"
                "<th class=\"n\">in doubt</th><th class=\"n\">rate/s</th></tr>\n",
                to);
    for (; shown < report->domains.n && shown < DOMAINS_SHOWN; shown++) {
        const struct domain_report *domain = &report->domains.p[shown];
        const uint64_t *by_state = domain->counts.by_state;
        (void)fputs("<tr>", to);
        put_cell(to, domain->domain);
        put_number(to, domain->counts.audience);
        put_number(to, by_state[DELIVERY_DELIVERED]);
        put_number(to, by_state[DELIVERY_DEFERRED]);
        put_number(to, delivery_counts_failed(&domain->counts));
        put_number(to, by_state[DELIVERY_IN_DOUBT]);
        (void)fprintf(to, "<td class=\"n\">%.1f</td></tr>\n", domain_rate(domain));
    }
    (void)fputs("</table></div>\n", to);
    if (report->domains.total > shown)
        (void)fprintf(to, "<p class=\"muted\">and %llu more</p>\n",
                      (unsigned long long)(report->domains.total - shown));
}

void report_write_html(const struct report *report, FILE *to)
{
    char time[FORMAT_TIME_BYTES];
    write_head(report, to);
    write_bar(&report->summary.counts, to);
    write_counts(&report->summary.counts, to);
    write_replies(report, to);
    write_domains(report, to);
    struct str text = format_time(report->made_ms, time);
    (void)fprintf(to,
                  "<p class=\"muted\">Made %.*s by broadside " BROADSIDE_VERSION
                  ". <i>Delivered</i> means that the next server took "
                  "responsibility.</p>\n</body>\n</html>\n",
                  STR_ARG(text));
}
