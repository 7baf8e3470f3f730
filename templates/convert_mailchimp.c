#include "templates/converter.h"

/*
 * *|NAME|* and *|VERB:...|*. Tags that Mailchimp knows but a list has no column for
 * (addresses of the sender, archive links, polls) are reported.
 */

/* Mailchimp's names for what every list has here under another. */
static const struct {
    struct str tag, name;
} names[] = {{{"EMAIL", 5}, {"email", 5}},
             {{"MERGE0", 6}, {"email", 5}},
             {{"FNAME", 5}, {"first_name", 10}},
             {{"MERGE1", 6}, {"first_name", 10}},
             {{"LNAME", 5}, {"last_name", 9}},
             {{"MERGE2", 6}, {"last_name", 9}},
             {{"UNSUB", 5}, {"unsubscribe_url", 15}},
             {{"LIST:NAME", 9}, {"list_name", 9}},
             {{"MC:CAMPAIGN_NAME", 16}, {"campaign_name", 13}},
             {{"CAMPAIGN_NAME", 13}, {"campaign_name", 13}}};

/* A column is called like the tag, in lower case. */
static void add_name(struct converter *converter, struct str tag)
{
    char lower[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_equal_nocase(tag, names[i].tag)) {
            converter_add(converter, names[i].name);
            return;
        }
    }
    size_t n = tag.n < sizeof lower ? tag.n : sizeof lower;
    for (size_t i = 0; i < n; i++)
        lower[i] = ascii_lower(tag.p[i]);
    converter_add_name(converter, str_slice(lower, n));
}

static bool is_tag_name(struct str tag)
{
    for (size_t i = 0; i < tag.n; i++) {
        if (!is_word_char(tag.p[i]))
            return false;
    }
    return tag.n > 0;
}

static bool is_known_name(struct str tag)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_equal_nocase(tag, names[i].tag))
            return true;
    }
    return is_tag_name(tag);
}

static bool is_number(struct str text)
{
    size_t points = 0;
    for (size_t i = 0; i < text.n; i++) {
        points += text.p[i] == '.';
        if (text.p[i] != '.' && (text.p[i] < '0' || text.p[i] > '9'))
            return false;
    }
    return text.n > 0 && points < 2 && text.p[0] != '.' && text.p[text.n - 1] != '.';
}

/* "TOTAL >= 20", "TYPE = Customer", or a name alone, which must not be empty. */
static void add_condition(struct converter *converter, struct str condition,
                          bool wanted)
{
    size_t at = 0;
    while (at < condition.n && is_word_char(condition.p[at]))
        at++;
    add_name(converter, str_head(condition, at));
    struct str rest = strip_both(str_from(condition, at));
    size_t n = 0;
    while (n < rest.n && memchr("=!<>", rest.p[n], 4) != NULL)
        n++;
    if (n == 0) {
        converter_add(converter, wanted ? STR(" != blank") : STR(" == blank"));
        return;
    }
    struct str operator= str_head(rest, n), value = strip_both(str_from(rest, n));
    if (value.n >= 2 && (value.p[0] == '"' || value.p[0] == '\''))
        value = str_slice(value.p + 1, value.n - 2);
    bool is_equality = n == 1 && operator.p[0] == '=';
    converter_add(converter, STR(" "));
    converter_add(converter, is_equality ? STR("==") : operator);
    converter_add(converter, STR(" "));
    if (is_number(value))
        converter_add(converter, value);
    else
        converter_add_quoted(converter, value);
}

/* The words of a condition are a name and perhaps a comparison. */
static bool is_condition(struct str condition, bool *has_comparison)
{
    size_t at = 0;
    while (at < condition.n && is_word_char(condition.p[at]))
        at++;
    struct str rest = strip_both(str_from(condition, at));
    *has_comparison = rest.n > 0;
    return at > 0 && (rest.n == 0 || memchr("=!<>", rest.p[0], 4) != NULL);
}

/* One that Liquid cannot say stays, and so do its parts and its end. */
static void add_if(struct converter *converter, struct str tag, struct str condition,
                   bool wanted)
{
    static const char why[] = "a condition that Liquid cannot say";
    bool has_comparison, is_readable = is_condition(condition, &has_comparison);
    bool is_unless = !wanted && has_comparison;
    size_t start = converter->liquid->n;
    struct block *block = converter_open(converter, STR("IF"), tag, "");
    if (block == NULL || !is_readable) {
        converter_keep(converter, tag, block == NULL ? "nested too deep" : why);
        return;
    }
    converter_add(converter, is_unless ? STR("{% unless ") : STR("{% if "));
    add_condition(converter, condition, wanted || is_unless);
    converter_add(converter, STR(" %}"));
    if (converter_accept(converter, start,
                         is_unless ? "{% endunless %}" : "{% endif %}", tag, why))
        block->end = is_unless ? "endunless" : "endif";
}

static void add_else_if(struct converter *converter, struct str tag,
                        struct str condition)
{
    static const char why[] = "a condition that Liquid cannot say";
    size_t start = converter->liquid->n;
    bool has_comparison, is_readable = is_condition(condition, &has_comparison);
    if (!converter_else(converter, tag, true))
        return;
    if (!is_readable) {
        converter_keep(converter, tag, why);
        return;
    }
    converter_add(converter, STR("{% if "));
    add_condition(converter, condition, true);
    converter_add(converter, STR(" %}"));
    if (!converter_accept(converter, start, "{% endif %}", tag, why))
        return;
    converter->liquid->n = start;
    converter_add(converter, STR("{% elsif "));
    add_condition(converter, condition, true);
    converter_add(converter, STR(" %}"));
}

static void add_end(struct converter *converter, struct str tag, struct str name)
{
    if (converter->depth == 0 ||
        !str_equal_nocase(converter->blocks[converter->depth - 1].name, name))
        converter_keep(converter, tag, "ends what is not open");
    else
        converter_close(converter, tag);
}

/* Liquid with a column in it. */
static void add_around(struct converter *converter, struct str tag, struct str before,
                       struct str name, struct str after)
{
    size_t start = converter->liquid->n;
    if (!is_known_name(name)) {
        converter_keep(converter, tag, "no column can be called that");
        return;
    }
    converter_add(converter, before);
    add_name(converter, name);
    converter_add(converter, after);
    (void)converter_accept(converter, start, "", tag, "no column can be called that");
}

/* Liquid's `capitalize` is for a sentence, this is for names: word by word. */
static void add_title(struct converter *converter, struct str tag, struct str name)
{
    add_around(converter, tag, STR("{% assign title_words = "), name,
               STR(" | split: \" \" %}{% for title_word in title_words %}"
                   "{{ title_word | capitalize }}"
                   "{% unless forloop.last %}{{ \" \" }}{% endunless %}{% endfor %}"));
}

static void add_date(struct converter *converter, struct str tag, struct str format)
{
    size_t start = converter->liquid->n;
    converter_add(converter, STR("{{ \"now\" | date: \""));
    if (!convert_php_date(converter, format)) {
        converter->liquid->n = start;
        converter_keep(converter, tag, "strftime has no such part of a date");
        return;
    }
    converter_add(converter, STR("\" }}"));
    (void)converter_accept(converter, start, "", tag, "no format of a date");
}

/* What follows a verb and its colon, if the tag begins with it. */
static bool verb(struct str inside, const char *word, struct str *rest)
{
    size_t n = strlen(word);
    if (inside.n <= n || inside.p[n] != ':' ||
        !str_equal_nocase(str_head(inside, n), str_of(word)))
        return false;
    *rest = strip_both(str_from(inside, n + 1));
    return true;
}

/* Groups of a list are not among its columns; what they enclose stays for all. */
static void keep_group(struct converter *converter, struct str tag)
{
    (void)converter_open(converter, STR("INTERESTED"), tag, "");
    converter_keep(converter, tag, "a list has no groups");
}

static bool convert_block(struct converter *converter, struct str tag,
                          struct str inside)
{
    struct str rest;
    if (verb(inside, "IF", &rest))
        add_if(converter, tag, rest, true);
    else if (verb(inside, "IFNOT", &rest))
        add_if(converter, tag, rest, false);
    else if (verb(inside, "ELSEIF", &rest))
        add_else_if(converter, tag, rest);
    else if (verb(inside, "INTERESTED", &rest) || verb(inside, "NOT_INTERESTED", &rest))
        keep_group(converter, tag);
    else if (str_equal_nocase(inside, STR("ELSE:")) ||
             str_equal_nocase(inside, STR("ELSE"))) {
        if (converter_else(converter, tag, false))
            converter_add(converter, STR("{% else %}"));
    } else if (verb(inside, "END", &rest) && is_tag_name(rest))
        add_end(converter, tag, rest);
    else
        return false;
    return true;
}

/* What Mailchimp itself fills in, though it looks like a column. */
static bool is_unknown_verb(struct str inside)
{
    static const char *const words[] = {"ARCHIVE",         "ARCHIVE_LINK_SHORT",
                                        "FORWARD",         "UPDATE_PROFILE",
                                        "TWITTER",         "REWARDS",
                                        "ABOUT_LIST",      "TRANSLATE",
                                        "MC_PREVIEW_TEXT", "MC_LANGUAGE",
                                        "UNIQID",          "EMAIL_UID",
                                        "CAMPAIGN_UID",    "ABUSE_EMAIL",
                                        "REWARDS_TEXT",    "MC_LANGUAGE_LABEL"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_equal_nocase(inside, str_of(words[i])))
            return true;
    }
    return false;
}

static void convert_tag(struct converter *converter, struct str tag)
{
    struct str inside = strip_both(str_slice(tag.p + 2, tag.n - 4)), rest;
    if (convert_block(converter, tag, inside))
        return;
    if (verb(inside, "UPPER", &rest))
        add_around(converter, tag, STR("{{ "), rest, STR(" | upcase }}"));
    else if (verb(inside, "LOWER", &rest))
        add_around(converter, tag, STR("{{ "), rest, STR(" | downcase }}"));
    else if (verb(inside, "TITLE", &rest))
        add_title(converter, tag, rest);
    else if (verb(inside, "HTML", &rest))
        add_around(converter, tag, STR("{{ "), rest, STR(" | raw }}"));
    else if (verb(inside, "URL", &rest))
        add_around(converter, tag, STR("{{ "), rest, STR(" | url_encode }}"));
    else if (verb(inside, "DATE", &rest))
        add_date(converter, tag, rest);
    else if (str_equal_nocase(inside, STR("CURRENT_YEAR")))
        add_date(converter, tag, STR("Y"));
    else if (is_known_name(inside) && !is_unknown_verb(inside))
        add_around(converter, tag, STR("{{ "), inside, STR(" }}"));
    else
        converter_keep(converter, tag, "has no counterpart");
}

void convert_mailchimp(struct converter *converter)
{
    struct str rest = converter->source;
    while (rest.n > 0) {
        const char *start = memmem(rest.p, rest.n, "*|", 2);
        size_t before = start != NULL ? (size_t)(start - rest.p) : rest.n;
        converter_add_text(converter, str_head(rest, before));
        rest = str_from(rest, before);
        if (rest.n < 4)
            break;
        const char *end = memmem(rest.p + 2, rest.n - 2, "|*", 2);
        if (end == NULL)
            break;
        size_t n = (size_t)(end - rest.p) + 2;
        convert_tag(converter, str_head(rest, n));
        rest = str_from(rest, n);
    }
    converter_add_text(converter, rest);
}
