#include "cmd/summary.h"

#include "core/base/clock.h"

/* A stopped campaign ended with its last attempt, as far as anybody can tell. */
static enum err last_attempt(struct store *store, int64_t campaign_id, int64_t *last_ms,
                             struct error *error)
{
    struct domain_reports domains;
    struct arena arena;
    arena_init(&arena, FORMAT_MEMORY_MAX);
    enum err err = report_domains(store, campaign_id, 0, &arena, &domains, error);
    for (size_t i = 0; err == ERR_NONE && i < domains.n; i++)
        if (domains.p[i].last_ms > *last_ms)
            *last_ms = domains.p[i].last_ms;
    arena_fini(&arena);
    return err;
}

static void summary_set_rate(struct summary *summary, int64_t end_ms)
{
    int64_t start_ms = summary->campaign.started_ms;
    if (start_ms == 0 || end_ms <= start_ms)
        return;
    summary->elapsed_s = (double)(end_ms - start_ms) / 1000;
    summary->rate_per_s =
        (double)summary->counts.by_state[DELIVERY_DELIVERED] / summary->elapsed_s;
}

enum err summary_read(struct store *store, const struct campaign *campaign,
                      struct summary *summary, struct error *error)
{
    int64_t end_ms = campaign->finished_ms;
    *summary = (struct summary){.campaign = *campaign};
    enum err err = report_counts(store, campaign->id, &summary->counts, error);
    if (err == ERR_NONE)
        err = report_attempts(store, campaign->id, &summary->attempts, error);
    if (err == ERR_NONE && end_ms == 0 && campaign->has_run)
        end_ms = clock_wall_ms();
    else if (err == ERR_NONE && end_ms == 0)
        err = last_attempt(store, campaign->id, &end_ms, error);
    if (err == ERR_NONE)
        summary_set_rate(summary, end_ms);
    return err;
}

json_t *json_out_counts(const struct delivery_counts *counts)
{
    json_t *object = json_object();
    json_object_set_new(object, "audience", json_out_u64(counts->audience));
    for (int state = 0; state < DELIVERY_STATE_COUNT; state++)
        json_object_set_new(object, delivery_state_word((enum delivery_state)state),
                            json_out_u64(counts->by_state[state]));
    return object;
}

void summary_to_json(const struct summary *summary, json_t *object)
{
    const struct campaign *campaign = &summary->campaign;
    json_object_set_new(object, "campaign", json_out_str(campaign->name));
    json_object_set_new(object, "list", json_out_str(campaign->list_name));
    json_object_set_new(object, "state",
                        json_string(campaign_state_word(campaign->state)));
    json_object_set_new(object, "counts", json_out_counts(&summary->counts));
    json_object_set_new(object, "attempts", json_out_u64(summary->attempts));
    json_object_set_new(object, "started_at", json_out_time(campaign->started_ms));
    json_object_set_new(object, "finished_at", json_out_time(campaign->finished_ms));
    json_object_set_new(object, "elapsed_s", json_out_rounded(summary->elapsed_s));
    json_object_set_new(object, "rate_per_s", json_out_rounded(summary->rate_per_s));
}

static void print_line(FILE *to, const char *label, struct str value)
{
    (void)fprintf(to, "  %-12s", label);
    print_printable(to, value);
    (void)fputc('\n', to);
}

static void print_counts(const struct delivery_counts *counts, FILE *to)
{
    for (int state = 0; state < DELIVERY_STATE_COUNT; state++) {
        char number[FORMAT_GROUPED_BYTES];
        uint64_t count = counts->by_state[state];
        if (count == 0)
            continue;
        struct str grouped = format_grouped(count, number);
        (void)fprintf(to, "  %-12s%12.*s  %5.1f %%\n",
                      delivery_state_word((enum delivery_state)state), STR_ARG(grouped),
                      100 * (double)count / (double)counts->audience);
    }
}

void summary_print(const struct summary *summary, FILE *to)
{
    const struct campaign *campaign = &summary->campaign;
    char text[FORMAT_TIME_BYTES], grouped[FORMAT_GROUPED_BYTES],
        span[FORMAT_SPAN_BYTES];
    (void)fprintf(to, "campaign %.*s: %s\n", STR_ARG(campaign->name),
                  campaign_state_word(campaign->state));
    print_line(to, "list",
               campaign->list_name.n > 0 ? campaign->list_name : STR("(deleted)"));
    print_line(to, "started",
               campaign->started_ms != 0 ? format_time(campaign->started_ms, text)
                                         : STR("not yet"));
    if (campaign->finished_ms != 0)
        print_line(to, "finished", format_time(campaign->finished_ms, text));
    print_line(to, "elapsed", format_span(summary->elapsed_s, span));
    print_line(to, "audience", format_grouped(summary->counts.audience, grouped));
    print_line(to, "attempts", format_grouped(summary->attempts, grouped));
    (void)fprintf(to, "  %-12s%.1f/s\n\n", "rate", summary->rate_per_s);
    print_counts(&summary->counts, to);
}
