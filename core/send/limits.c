#include "core/send/limits.h"

static bool limit_rule_names(const struct limit_rule *rule, struct str domain)
{
    for (size_t i = 0; i < rule->domain_count; i++)
        if (str_equal_nocase(rule->domains[i], domain))
            return true;
    return false;
}

static const struct limit_rule *limit_rule_first(const struct limit_rule *rules,
                                                 size_t count, struct str domain)
{
    for (size_t i = 0; i < count; i++)
        if (limit_rule_names(&rules[i], domain))
            return &rules[i];
    return NULL;
}

const struct limit_rule *limit_rule_find(const struct limit_rule *rules, size_t count,
                                         struct str domain, bool *together)
{
    const struct limit_rule *rule = limit_rule_first(rules, count, domain);
    *together = rule != NULL;
    return rule != NULL ? rule : limit_rule_first(rules, count, STR("*"));
}
