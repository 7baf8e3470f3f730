#include "cmd/spam_report.h"

#include <jansson.h>
#include <stdlib.h>

/* Below this a rule is for information only; reports have one decimal place. */
#define SCORE_MIN 0.05

static enum err rule_add(struct spam_report *report, struct arena *arena,
                         struct str name, struct str description, double score)
{
    if (report->rule_count == SPAM_RULES_MAX ||
        (score < SCORE_MIN && score > -SCORE_MIN))
        return ERR_NONE;
    struct spam_rule *rule = &report->rules[report->rule_count++];
    *rule = (struct spam_rule){arena_copy(arena, name), arena_copy(arena, description),
                               score};
    return str_is_null(rule->name) || str_is_null(rule->description) ? ERR_MEMORY
                                                                     : ERR_NONE;
}

/* ---- SpamAssassin -------------------------------------------------------------- */

/* The blank-separated word at the front of *s, which moves behind it. */
static struct str take_word(struct str *s)
{
    struct str rest = *s;
    while (rest.n > 0 && rest.p[0] == ' ')
        rest = str_from(rest, 1);
    size_t n = 0;
    while (n < rest.n && rest.p[n] != ' ')
        n++;
    *s = str_from(rest, n);
    return str_head(rest, n);
}

static bool take_number(struct str *s, double *number)
{
    char digits[32], *end;
    struct str word = take_word(s);
    if (word.n == 0 || word.n >= sizeof digits)
        return false;
    memcpy(digits, word.p, word.n);
    digits[word.n] = '\0';
    *number = strtod(digits, &end);
    return end == digits + word.n;
}

static struct str behind_last_mark(struct str text)
{
    struct str mark = STR(SPAM_REPORT_MARK), found = STR_NULL;
    const char *at;
    while (text.n > 0 && (at = memmem(text.p, text.n, mark.p, mark.n)) != NULL) {
        text = str_from(text, (size_t)(at - text.p) + mark.n);
        found = text;
    }
    return found;
}

/* " 2.8 DRUG_ED_CAPS           BODY: Mentions an E.D. drug". A line that goes on with
 * a description has no number; the first line says enough. */
static enum err read_rule(struct str line, struct arena *arena,
                          struct spam_report *report)
{
    double score;
    if (!take_number(&line, &score))
        return ERR_NONE;
    struct str name = take_word(&line);
    if (name.n == 0)
        return ERR_NONE;
    return rule_add(report, arena, name, str_trim(line), score);
}

enum err spam_report_read_spamassassin(struct str text, struct arena *arena,
                                       struct spam_report *report)
{
    struct str rest = behind_last_mark(text), line = str_split(rest, '\n', &rest);
    *report = (struct spam_report){.rule_count = 0};
    if (!take_number(&line, &report->score) || !take_number(&line, &report->required))
        return ERR_DATA;
    while (!str_is_null(rest)) {
        line = str_split(rest, '\n', &rest);
        if (read_rule(line, arena, report) != ERR_NONE)
            return ERR_MEMORY;
    }
    return ERR_NONE;
}

/* ---- rspamd -------------------------------------------------------------------- */

static struct str member_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? str_of(text) : STR("");
}

static enum err read_symbols(json_t *symbols, struct arena *arena,
                             struct spam_report *report)
{
    const char *name;
    json_t *symbol;
    json_object_foreach(symbols, name, symbol)
    {
        double score = json_number_value(json_object_get(symbol, "score"));
        enum err err = rule_add(report, arena, str_of(name),
                                member_text(symbol, "description"), score);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

enum err spam_report_read_rspamd(struct str text, struct arena *arena,
                                 struct spam_report *report)
{
    const char *begin = text.n > 0 ? memchr(text.p, '{', text.n) : NULL;
    *report = (struct spam_report){.rule_count = 0};
    if (begin == NULL)
        return ERR_DATA;
    json_t *answer = json_loadb(begin, text.n - (size_t)(begin - text.p),
                                JSON_DISABLE_EOF_CHECK, NULL);
    json_t *score = json_object_get(answer, "score");
    enum err err = json_is_number(score) ? ERR_NONE : ERR_DATA;
    if (err == ERR_NONE) {
        report->score = json_number_value(score);
        report->required = json_number_value(json_object_get(answer, "required_score"));
        err = read_symbols(json_object_get(answer, "symbols"), arena, report);
    }
    json_decref(answer);
    return err;
}
