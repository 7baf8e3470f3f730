#include "core/mail/html_style.h"

/* Where `what` begins in s; s.n if nowhere. */
static size_t find(struct str s, struct str what)
{
    const char *at = s.n > 0 ? memmem(s.p, s.n, what.p, what.n) : NULL;
    return at != NULL ? (size_t)(at - s.p) : s.n;
}

static struct str trim(struct str s)
{
    while (s.n > 0 && ascii_is_space(s.p[0]))
        s = str_from(s, 1);
    while (s.n > 0 && ascii_is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* ---- declarations -------------------------------------------------------------- */

/* "0", "0px", "0.0": nothing but zeros before the unit. */
static bool is_zero(struct str value)
{
    size_t n = 0;
    while (n < value.n && (value.p[n] == '0' || value.p[n] == '.'))
        n++;
    return n > 0 && (n == value.n || value.p[n] < '1' || value.p[n] > '9');
}

bool html_style_hides(struct str declarations)
{
    bool has_no_height = false, hides_the_rest = false;
    struct str rest = declarations;
    while (!str_is_null(rest)) {
        struct str value,
            name = trim(str_split(str_split(rest, ';', &rest), ':', &value));
        value = trim(str_head(value, find(value, STR("!"))));
        if ((str_equal_nocase(name, STR("display")) &&
             str_equal_nocase(value, STR("none"))) ||
            (str_equal_nocase(name, STR("visibility")) &&
             str_equal_nocase(value, STR("hidden"))) ||
            (str_equal_nocase(name, STR("opacity")) && is_zero(value)))
            return true;
        has_no_height |= str_equal_nocase(name, STR("max-height")) && is_zero(value);
        hides_the_rest |= str_equal_nocase(name, STR("overflow")) &&
                          str_equal_nocase(value, STR("hidden"));
    }
    return has_no_height && hides_the_rest;
}

/* ---- style sheets -------------------------------------------------------------- */

static bool is_name_char(char c)
{
    return ascii_is_letter_or_digit(c) || c == '-' || c == '_' ||
           (unsigned char)c >= 0x80;
}

static struct str take_name(struct str *s)
{
    size_t n = 0;
    while (n < s->n && is_name_char(s->p[n]))
        n++;
    struct str name = str_head(*s, n);
    *s = str_from(*s, n);
    return name;
}

/* One selector; what is more than one class or id is left out. */
static void add_selector(struct html_style *style, struct str selector)
{
    struct str rest = trim(selector);
    struct html_hiding_rule rule = {.tag = take_name(&rest)};
    if (rest.n < 2 || (rest.p[0] != '.' && rest.p[0] != '#'))
        return;
    rule.is_id = rest.p[0] == '#';
    rest = str_from(rest, 1);
    rule.name = take_name(&rest);
    if (rule.name.n > 0 && rest.n == 0 && style->rule_count < HTML_STYLE_RULES_MAX)
        style->rules[style->rule_count++] = rule;
}

static void add_selectors(struct html_style *style, struct str selectors)
{
    while (!str_is_null(selectors))
        add_selector(style, str_split(selectors, ',', &selectors));
}

/* Bytes of an @-rule at the front of s: to its semicolon, or its block with all the
 * blocks inside. */
static size_t at_rule_bytes(struct str s)
{
    size_t depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        depth += s.p[i] == '{';
        if ((s.p[i] == ';' && depth == 0) || (s.p[i] == '}' && depth <= 1))
            return i + 1;
        depth -= s.p[i] == '}';
    }
    return s.n;
}

static void read_sheet(struct html_style *style, struct str sheet)
{
    while (sheet = trim(sheet), sheet.n > 0) {
        if (str_has_prefix(sheet, STR("/*"))) {
            sheet = str_from(sheet, find(sheet, STR("*/")) + 2);
        } else if (sheet.p[0] == '@') {
            sheet = str_from(sheet, at_rule_bytes(sheet));
        } else {
            size_t open = find(sheet, STR("{")), close = find(sheet, STR("}"));
            if (open < close &&
                html_style_hides(str_slice(sheet.p + open + 1, close - open - 1)))
                add_selectors(style, str_head(sheet, open));
            sheet = str_from(sheet, close + 1);
        }
    }
}

static size_t find_nocase(struct str s, struct str what)
{
    size_t at = 0;
    while (at < s.n && !str_has_prefix_nocase(str_from(s, at), what))
        at += 1 + find(str_from(s, at + 1), STR("<"));
    return at < s.n ? at : s.n;
}

void html_style_read(struct html_style *style, struct str html)
{
    *style = (struct html_style){.rule_count = 0};
    while (html = str_from(html, find_nocase(html, STR("<style"))), html.n > 0) {
        html = str_from(html, find(html, STR(">")) + 1);
        size_t bytes = find_nocase(html, STR("</style"));
        read_sheet(style, str_head(html, bytes));
        html = str_from(html, bytes);
    }
}

/* Is `name` one of the blank-separated words? */
static bool has_word(struct str words, struct str name)
{
    while (words.n > 0) {
        size_t n = 0;
        while (n < words.n && !ascii_is_space(words.p[n]))
            n++;
        if (str_equal(str_head(words, n), name))
            return true;
        words = str_from(words, n + 1);
    }
    return false;
}

bool html_style_hides_element(const struct html_style *style, struct str tag,
                              struct str classes, struct str id)
{
    for (size_t i = 0; i < style->rule_count; i++) {
        const struct html_hiding_rule *rule = &style->rules[i];
        bool is_named =
            rule->is_id ? str_equal(id, rule->name) : has_word(classes, rule->name);
        if (is_named && (rule->tag.n == 0 || str_equal_nocase(rule->tag, tag)))
            return true;
    }
    return false;
}
