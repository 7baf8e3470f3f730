#include "cmd/limit_pace.h"

#include "cmd/campaign_now.h"
#include "cmd/format.h"
#include "cmd/format_table.h"
#include "core/base/clock.h"
#include "storage/recent.h"

#include <uthash.h>

/* Attempts of one domain within the window. */
struct domain_pace {
    struct str domain;
    uint64_t count;
    int64_t first_ms, last_ms;
    UT_hash_handle hh;
};

struct pace_counter {
    const struct limit_rule *rules;
    size_t rule_count;
    /* Of each rule that its domains share. */
    struct domain_pace *together;
    /* Of each domain under a rule for "*". */
    struct domain_pace *alone;
    struct limit_pace *paces;
    struct arena *arena;
};

/* They come newest first. */
static void pace_add(struct domain_pace *pace, int64_t at_ms)
{
    if (pace->count++ == 0)
        pace->last_ms = at_ms;
    pace->first_ms = at_ms;
}

/* n events have n - 1 pauses between them. */
static double pace_per_s(const struct domain_pace *pace)
{
    int64_t span_ms = pace->last_ms - pace->first_ms;
    return span_ms > 0 ? (double)(pace->count - 1) * 1000 / (double)span_ms : 0;
}

static struct domain_pace *alone_of(struct pace_counter *counter, struct str domain)
{
    struct domain_pace *found;
    HASH_FIND(hh, counter->alone, domain.p, domain.n, found);
    if (found != NULL)
        return found;
    found = arena_calloc(counter->arena, 1, sizeof(*found));
    struct str copy = arena_copy(counter->arena, domain);
    CHECK(found != NULL && !str_is_null(copy));
    found->domain = copy;
    HASH_ADD_KEYPTR(hh, counter->alone, found->domain.p, found->domain.n, found);
    return found;
}

static void count_attempt(void *self, const struct recent_attempt *attempt)
{
    struct pace_counter *counter = self;
    bool is_together;
    const struct limit_rule *rule = limit_rule_find(counter->rules, counter->rule_count,
                                                    attempt->domain, &is_together);
    if (rule == NULL)
        return;
    pace_add(is_together ? &counter->together[rule - counter->rules]
                         : alone_of(counter, attempt->domain),
             attempt->at_ms);
}

static void settle(struct pace_counter *counter)
{
    for (size_t i = 0; i < counter->rule_count; i++) {
        counter->paces[i] = (struct limit_pace){.rule = &counter->rules[i]};
        counter->paces[i].effective_per_s = pace_per_s(&counter->together[i]);
    }
    for (struct domain_pace *at = counter->alone; at != NULL; at = at->hh.next) {
        bool is_together;
        const struct limit_rule *rule = limit_rule_find(
            counter->rules, counter->rule_count, at->domain, &is_together);
        struct limit_pace *pace = &counter->paces[rule - counter->rules];
        double per_s = pace_per_s(at);
        if (per_s > pace->effective_per_s)
            pace->effective_per_s = per_s;
    }
    HASH_CLEAR(hh, counter->alone);
}

static enum err count_recent(struct store *store, const struct campaign *campaign,
                             struct limit_table *table, struct error *error)
{
    struct pace_counter counter = {
        .rules = table->file.limits,
        .rule_count = table->file.limit_count,
        .arena = &table->arena,
    };
    counter.together =
        arena_calloc(&table->arena, counter.rule_count, sizeof(*counter.together));
    counter.paces =
        arena_calloc(&table->arena, counter.rule_count, sizeof(*counter.paces));
    CHECK(counter.together != NULL && counter.paces != NULL);
    enum err err = recent_attempts(store, campaign->id, clock_wall_ms() - LIMIT_PACE_MS,
                                   LIMIT_PACE_ATTEMPTS, count_attempt, &counter, error);
    settle(&counter);
    table->paces = counter.paces;
    table->count = counter.rule_count;
    return err;
}

enum err limit_table_read(struct store *store, const struct campaign *campaign,
                          const char *settings_path, struct limit_table *table,
                          struct error *error)
{
    *table = (struct limit_table){0};
    arena_init(&table->arena, FORMAT_MEMORY_MAX);
    if (campaign_file_now(campaign, settings_path, &table->file) != ERR_NONE) {
        table->file = (struct campaign_file){0};
        return ERR_NONE;
    }
    enum err err = ERR_NONE;
    if (table->file.limit_count > 0)
        err = count_recent(store, campaign, table, error);
    if (err != ERR_NONE)
        limit_table_free(table);
    return err;
}

void limit_table_free(struct limit_table *table)
{
    if (table->file.name.n > 0)
        campaign_file_free(&table->file);
    arena_fini(&table->arena);
}

/* "20/s" as the file would have it; "" without a limit. */
static struct str rate_text(struct rate rate, char to[FORMAT_COUNT_BYTES + 8])
{
    static const struct {
        uint64_t period_s;
        char unit;
    } units[] = {{1, 's'}, {60, 'm'}, {3600, 'h'}, {86400, 'd'}};
    if (rate.count == 0)
        return STR("");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (rate.period_ns != units[i].period_s * NS_PER_S)
            continue;
        int n = snprintf(to, FORMAT_COUNT_BYTES + 8, "%llu/%c",
                         (unsigned long long)rate.count, units[i].unit);
        return str_slice(to, (size_t)n);
    }
    return STR("?");
}

json_t *limit_table_json(const struct limit_table *table)
{
    json_t *array = json_array();
    for (size_t i = 0; i < table->count; i++) {
        const struct limit_rule *rule = table->paces[i].rule;
        json_t *object = json_object(), *domains = json_array();
        char text[FORMAT_COUNT_BYTES + 8];
        struct str rate = rate_text(rule->rate, text);
        for (size_t at = 0; at < rule->domain_count; at++)
            json_array_append_new(domains, json_out_str(rule->domains[at]));
        json_object_set_new(object, "domains", domains);
        json_object_set_new(object, "rate", json_out_str(rate.n > 0 ? rate : STR_NULL));
        json_object_set_new(object, "connections",
                            rule->connections > 0 ? json_out_u64(rule->connections)
                                                  : json_null());
        json_object_set_new(object, "effective_per_s",
                            json_out_rounded(table->paces[i].effective_per_s));
        json_array_append_new(array, object);
    }
    return array;
}

static struct str domains_text(const struct limit_rule *rule, char *to, size_t bytes)
{
    struct str first = str_head(rule->domains[0], bytes / 2);
    int n = rule->domain_count > 1 ? snprintf(to, bytes, "%.*s and %zu more",
                                              STR_ARG(first), rule->domain_count - 1)
                                   : snprintf(to, bytes, "%.*s", STR_ARG(first));
    return str_slice(to, (size_t)n);
}

void limit_table_print(const struct limit_table *limits, FILE *to)
{
    static const struct table_column columns[] = {
        {"limit", false}, {"rate", true}, {"effective", true}, {"connections", true}};
    struct table table;
    if (limits->count == 0)
        return;
    (void)fputc('\n', to);
    table_init(&table, to, columns, 4);
    table.indent = "  ";
    for (size_t i = 0; i < limits->count; i++) {
        const struct limit_rule *rule = limits->paces[i].rule;
        char domains[160], text[FORMAT_COUNT_BYTES + 8];
        struct str rate = rate_text(rule->rate, text);
        table_cell(&table, domains_text(rule, domains, sizeof domains));
        table_cell(&table, rate.n > 0 ? rate : STR("-"));
        int n = snprintf(text, sizeof text, "%.1f/s", limits->paces[i].effective_per_s);
        table_cell(&table, str_slice(text, (size_t)n));
        n = snprintf(text, sizeof text, "%u", rule->connections);
        table_cell(&table,
                   rule->connections > 0 ? str_slice(text, (size_t)n) : STR("-"));
    }
    table_fini(&table);
}
