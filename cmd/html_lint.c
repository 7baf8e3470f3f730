#include "cmd/html_lint.h"

static bool contains_nocase(struct str s, struct str what)
{
    for (size_t i = 0; i + what.n <= s.n; i++) {
        if (str_has_prefix_nocase(str_from(s, i), what))
            return true;
    }
    return false;
}

static struct str skip_spaces(struct str s)
{
    while (s.n > 0 && ascii_is_space(s.p[0]))
        s = str_from(s, 1);
    return s;
}

/* ---- tags ---------------------------------------------------------------------- */

static struct str take_name(struct str *s)
{
    size_t n = 0;
    while (n < s->n && !ascii_is_space(s->p[n]) && s->p[n] != '=' && s->p[n] != '/')
        n++;
    struct str name = str_head(*s, n);
    *s = str_from(*s, n);
    return name;
}

/* Quoted values may contain anything but their quote. */
static struct str take_value(struct str *s)
{
    size_t n = 0;
    struct str value = *s;
    if (s->n > 0 && (s->p[0] == '"' || s->p[0] == '\''))
        return str_split(str_from(*s, 1), s->p[0], s);
    while (n < s->n && !ascii_is_space(s->p[n]))
        n++;
    *s = str_from(*s, n);
    return str_head(value, n);
}

/* The value of an attribute of a tag (without its angle brackets), empty if it stands
 * there without one, STR_NULL if it does not stand there. */
static struct str attribute(struct str tag, struct str wanted)
{
    (void)take_name(&tag);
    while (tag = skip_spaces(tag), tag.n > 0) {
        struct str name = take_name(&tag), value = STR("");
        tag = skip_spaces(tag);
        if (tag.n > 0 && tag.p[0] == '=') {
            tag = skip_spaces(str_from(tag, 1));
            value = take_value(&tag);
        } else if (name.n == 0) {
            tag = str_from(tag, 1);
        }
        if (str_equal_nocase(name, wanted))
            return value;
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

static bool is_tag(struct str tag, struct str name)
{
    return str_equal_nocase(take_name(&tag), name);
}

/* ---- links --------------------------------------------------------------------- */

/* In a link's address or text; lower-case, without the characters beyond ASCII that
 * languages differ in. */
bool says_unsubscribe(struct str text)
{
    static const char *const words[] = {
        "unsubscri",   "opt-out",  "optout",    "abmelden",
        "abbestellen", "desabonn", "sabonner",  "darse de baja",
        "desinscri",   "disiscri", "uitschrij", "afmelden",
        "avmeld",      "wypisz",   "leiratko",  NULL};
    for (size_t i = 0; words[i] != NULL; i++)
        if (contains_nocase(text, str_of(words[i])))
            return true;
    return false;
}

static bool has_scheme(struct str href)
{
    size_t n = 0;
    while (n < href.n && (ascii_is_letter_or_digit(href.p[n]) || href.p[n] == '+' ||
                          href.p[n] == '-' || href.p[n] == '.'))
        n++;
    return n > 0 && n < href.n && href.p[n] == ':';
}

/* Up to the end tag of a link, or a little of what never ends. */
static struct str link_text(struct str s)
{
    size_t n = 0;
    s = str_head(s, 2000);
    while (n < s.n && !str_has_prefix_nocase(str_from(s, n), STR("</a")))
        n++;
    return str_head(s, n);
}

/* `behind` is what follows the tag. */
static void look_at_link(struct str tag, struct str behind, struct html_lint *lint)
{
    struct str href = attribute(tag, STR("href")), address = str_trim(href);
    if (str_is_null(href))
        return;
    if (str_has_prefix_nocase(address, STR("http:")))
        lint->http_links++;
    else if (address.n == 0 || str_equal(address, STR("#")) ||
             (address.p[0] != '#' && !has_scheme(address)))
        lint->dead_links++;
    if (!lint->has_unsubscribe)
        lint->has_unsubscribe =
            says_unsubscribe(address) || says_unsubscribe(link_text(behind));
}

static void look_at_tag(struct str tag, struct str behind, struct html_lint *lint)
{
    if (is_tag(tag, STR("img")) && str_is_null(attribute(tag, STR("alt"))))
        lint->images_without_alt++;
    if (is_tag(tag, STR("a")) || is_tag(tag, STR("area")))
        look_at_link(tag, behind, lint);
}

/* ---- all of it ----------------------------------------------------------------- */

static struct str skip_to(struct str s, struct str what)
{
    const char *at = s.n > 0 ? memmem(s.p, s.n, what.p, what.n) : NULL;
    return at != NULL ? str_from(s, (size_t)(at - s.p)) : str_from(s, s.n);
}

static bool is_cid_byte(char c)
{
    return (unsigned char)c > ' ' && strchr("\"'<>()", c) == NULL;
}

void html_cids(struct str html, void *self, void (*each)(void *self, struct str name))
{
    for (size_t i = 1; i + 4 < html.n; i++) {
        if (html.p[i + 3] != ':' || strchr("\"'=(", html.p[i - 1]) == NULL ||
            !str_has_prefix_nocase(str_from(html, i), STR("cid:")))
            continue;
        struct str name = str_from(html, i + 4);
        size_t n = 0;
        while (n < name.n && is_cid_byte(name.p[n]))
            n++;
        if (n > 0)
            each(self, str_head(name, n));
        i += 3 + n;
    }
}

struct html_lint html_lint(struct str html)
{
    struct html_lint lint = {0};
    struct str rest = html;
    while (rest = skip_to(rest, STR("<")), rest.n > 0) {
        rest = str_from(rest, 1);
        if (str_has_prefix(rest, STR("!--"))) {
            rest = skip_to(rest, STR("-->"));
            continue;
        }
        struct str tag = tag_at(rest);
        rest = str_from(rest, tag.n);
        look_at_tag(tag, rest, &lint);
    }
    if (!lint.has_unsubscribe)
        lint.has_unsubscribe = contains_nocase(html, STR("unsubscribe"));
    return lint;
}
