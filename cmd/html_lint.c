#include "cmd/html_lint.h"

static bool contains_nocase(struct str s, struct str what)
{
    for (size_t i = 0; i + what.n <= s.n; i++) {
        if (str_has_prefix_nocase(str_from(s, i), what))
            return true;
    }
    return false;
}

/* The value of an attribute of a tag (without its angle brackets), STR_NULL if it has
 * none. Quoted values may contain anything but their quote. */
static struct str attribute(struct str tag, struct str name)
{
    for (size_t i = 1; i + name.n <= tag.n; i++) {
        char before = tag.p[i - 1];
        if (before != ' ' && before != '\t' && before != '\n' && before != '\r')
            continue;
        if (!str_has_prefix_nocase(str_from(tag, i), name))
            continue;
        struct str rest = str_trim(str_from(tag, i + name.n));
        if (rest.n == 0 || rest.p[0] != '=')
            continue;
        rest = str_trim(str_from(rest, 1));
        if (rest.n > 0 && (rest.p[0] == '"' || rest.p[0] == '\'')) {
            struct str unused;
            return str_split(str_from(rest, 1), rest.p[0], &unused);
        }
        struct str unused;
        return str_split(rest, ' ', &unused);
    }
    return STR_NULL;
}

/* The tag at the front of s (behind its '<'), up to its '>' outside of quotes. */
static struct str tag_at(struct str s)
{
    char quote = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (quote != 0)
            quote = s.p[i] == quote ? 0 : quote;
        else if (s.p[i] == '"' || s.p[i] == '\'')
            quote = s.p[i];
        else if (s.p[i] == '>')
            return str_head(s, i);
    }
    return s;
}

static void look_at_tag(struct str tag, struct html_lint *lint)
{
    if (str_has_prefix_nocase(tag, STR("img")) &&
        str_is_null(attribute(tag, STR("alt"))))
        lint->images_without_alt++;
    if (!str_has_prefix_nocase(tag, STR("a")))
        return;
    struct str href = attribute(tag, STR("href"));
    if (str_has_prefix_nocase(href, STR("http:")))
        lint->http_links++;
    if (contains_nocase(href, STR("unsubscribe")))
        lint->has_unsubscribe = true;
}

struct html_lint html_lint(struct str html)
{
    struct html_lint lint = {0};
    struct str rest = html;
    while (rest.n > 0) {
        const char *open = memchr(rest.p, '<', rest.n);
        if (open == NULL)
            break;
        rest = str_from(rest, (size_t)(open - rest.p) + 1);
        if (str_has_prefix(rest, STR("!--"))) {
            while (rest.n > 0 && !str_has_prefix(rest, STR("-->")))
                rest = str_from(rest, 1);
            continue;
        }
        struct str tag = tag_at(rest);
        look_at_tag(tag, &lint);
        rest = str_from(rest, tag.n);
    }
    if (!lint.has_unsubscribe)
        lint.has_unsubscribe = contains_nocase(html, STR("unsubscribe"));
    return lint;
}
