/*
 * limits.c - the keys of `limits` and of `retry`
 */
#include "cmd/config/schema.h"
#include "core/mail/address.h"

#define LIMIT_RULES_MAX   1000
#define LIMIT_DOMAINS_MAX 10000

struct limit_draft {
    struct str_list domains;
    struct rate rate;
    unsigned connections, messages_per_connection;
};

static enum err read_domains(const struct config_reader *reader,
                             const struct config_key *key,
                             const struct yaml_node *value, void *into);

#define IN_DRAFT(member) offsetof(struct limit_draft, member)

const struct config_key config_limit_keys[] = {
    {"domains", read_domains, IN_DRAFT(domains),
     "recipient domains, together; '*': every other domain, each by itself", NULL, 0,
     0},
    {"rate", config_read_rate, IN_DRAFT(rate), "N/s, N/m, N/h or N/d; evenly paced",
     NULL, 0, 0},
    {"connections", config_read_count, IN_DRAFT(connections), "at once", NULL, 1,
     RUN_CONNECTIONS_MAX},
    {"messages-per-connection", config_read_count, IN_DRAFT(messages_per_connection),
     "to these domains on one connection", NULL, 1, 1000000000},
    {0},
};

const struct config_key config_retry_keys[] = {
    {"first", config_read_time, offsetof(struct retry_settings, first_ms),
     "pause before the first retry, default 5m", NULL, 0, 0},
    {"factor", config_read_factor, offsetof(struct retry_settings, factor),
     "each further pause is the one before times this, default 2", NULL, 0, 0},
    {"longest", config_read_time, offsetof(struct retry_settings, longest_ms),
     "longest pause, default 4h", NULL, 0, 0},
    {"give-up", config_read_time, offsetof(struct retry_settings, give_up_ms),
     "from the first attempt on, then expired; default 2d", NULL, 0, 0},
    {0},
};

static enum err read_domains(const struct config_reader *reader,
                             const struct config_key *key,
                             const struct yaml_node *value, void *into)
{
    struct str_list *list = (struct str_list *)(void *)((char *)into + key->offset);
    enum err err = config_read_texts(reader, key, value, into);
    if (err != ERR_NONE)
        return err;
    struct str *domains = arena_calloc(reader->arena, list->n, sizeof(*domains));
    const struct yaml_node *node = value->kind == YAML_LIST ? value->first : value;
    if (domains == NULL)
        return config_no_memory(reader);
    for (size_t i = 0; i < list->n; i++, node = node->next) {
        domains[i] = list->p[i];
        const char *why = str_equal(domains[i], STR("*"))
                              ? NULL
                              : domain_parse(list->p[i], reader->arena, &domains[i]);
        if (why != NULL)
            return config_refuse(reader, node, "domains: %.*s: %s",
                                 STR_ARG(str_head(list->p[i], 64)), why);
    }
    list->p = domains;
    return ERR_NONE;
}

static bool is_named(struct str domain, const struct limit_rule *rules, size_t count)
{
    for (size_t r = 0; r < count; r++) {
        for (size_t d = 0; d < rules[r].domain_count; d++) {
            if (str_equal(rules[r].domains[d], domain))
                return true;
        }
    }
    return false;
}

/* A domain in two rules: only the first would hold, and nobody would notice. */
static enum err refuse_repeated(const struct config_reader *reader,
                                const struct yaml_node *node,
                                const struct limit_rule *rules, size_t count)
{
    const struct limit_rule *rule = &rules[count];
    for (size_t i = 0; i < rule->domain_count; i++) {
        struct limit_rule before = {.domains = rule->domains, .domain_count = i};
        if (is_named(rule->domains[i], rules, count) ||
            is_named(rule->domains[i], &before, 1))
            return config_refuse(reader, node,
                                 "limits: %.*s stands here twice; name it in one rule",
                                 STR_ARG(str_head(rule->domains[i], 64)));
    }
    return ERR_NONE;
}

static enum err read_limit(const struct config_reader *reader,
                           const struct yaml_node *node, struct limit_rule *rule)
{
    struct limit_draft draft = {0};
    enum err err = config_read_map(reader, config_limit_keys, node, &draft);
    if (err != ERR_NONE)
        return err;
    if (draft.domains.n == 0)
        return config_refuse(
            reader, node,
            "limits: domains is missing; write domains: ['*'] for every domain");
    if (draft.rate.count == 0 && draft.connections == 0 &&
        draft.messages_per_connection == 0)
        return config_refuse(reader, node,
                             "limits: a rule without rate, connections or "
                             "messages-per-connection limits nothing; "
                             "add one of them");
    rule->domains = draft.domains.p;
    rule->domain_count = draft.domains.n;
    rule->rate = draft.rate;
    rule->connections = draft.connections;
    rule->messages_per_connection = draft.messages_per_connection;
    return ERR_NONE;
}

enum err config_read_limits(const struct config_reader *reader,
                            const struct config_key *key, const struct yaml_node *value,
                            void *into)
{
    struct campaign_file *campaign = into;
    size_t n = 0, domains = 0;
    (void)key;
    if (value->kind != YAML_LIST)
        return config_refuse(reader, value,
                             "must be a list of rules; write - domains: [...]");
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next)
        n++;
    if (n == 0 || n > LIMIT_RULES_MAX)
        return config_refuse(reader, value,
                             "must have 1 to %d rules; leave the key out for no limits",
                             LIMIT_RULES_MAX);
    struct limit_rule *rules = arena_calloc(reader->arena, n, sizeof(*rules));
    if (rules == NULL)
        return config_no_memory(reader);
    n = 0;
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        enum err err = read_limit(reader, node, &rules[n]);
        domains += rules[n].domain_count;
        if (err == ERR_NONE && domains > LIMIT_DOMAINS_MAX)
            err = config_refuse(reader, node, "more than %d domains; leave some out",
                                LIMIT_DOMAINS_MAX);
        if (err == ERR_NONE)
            err = refuse_repeated(reader, node, rules, n);
        if (err != ERR_NONE)
            return err;
        n++;
    }
    campaign->limits = rules;
    campaign->limit_count = n;
    return ERR_NONE;
}

enum err config_read_retry(const struct config_reader *reader,
                           const struct config_key *key, const struct yaml_node *value,
                           void *into)
{
    struct campaign_file *campaign = into;
    (void)key;
    enum err err = config_read_map(reader, config_retry_keys, value, &campaign->retry);
    if (err != ERR_NONE)
        return err;
    if (campaign->retry.longest_ms < campaign->retry.first_ms)
        return config_refuse(reader, value,
                             "longest is shorter than first; make it as long");
    return ERR_NONE;
}
