#include "core/mail/html_mask.h"

#include "core/mail/html_text.h"

#include <stdlib.h>

/*
 * A tokenizer that knows no more of HTML than where text, tags, comments and raw text
 * begin and end. Real comments are dropped, but for the Liquid control tags in them,
 * which Liquid runs. The end tags of body and html are dropped too: they may be left
 * out, and what stands behind them would come before the comments that mark Liquid.
 */

/* U+F0000 + number: plane 15, F3 B0 80 80 to F3 BF BF BD. */
#define MASK_LEAD 0xF3
#define MASK_MAX  0xFFFD

/* ---- Liquid -------------------------------------------------------------------- */

/* Ends that are known not to come any more, so that they are looked for once. */
struct liquid_ends {
    bool no_output, no_control;
};

/* Bytes of the Liquid tag at the front of s, 0 if there is none. */
static size_t liquid_bytes(struct str s, struct liquid_ends *ends)
{
    if (s.n < 4 || s.p[0] != '{' || (s.p[1] != '{' && s.p[1] != '%'))
        return 0;
    bool *absent = s.p[1] == '{' ? &ends->no_output : &ends->no_control;
    const char *close = NULL;
    if (!*absent)
        close = memmem(s.p + 2, s.n - 2, s.p[1] == '{' ? "}}" : "%}", 2);
    *absent = close == NULL;
    return close != NULL ? (size_t)(close - s.p) + 2 : 0;
}

struct str liquid_tag_name(const struct liquid_tag *tag)
{
    struct str s = tag->source;
    if (!tag->is_control)
        return STR("");
    s = str_slice(s.p + 2, s.n - 4);
    if (s.n > 0 && s.p[0] == '-')
        s = str_from(s, 1);
    while (s.n > 0 && (unsigned char)s.p[0] <= ' ')
        s = str_from(s, 1);
    size_t n = 0;
    while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') || s.p[n] == '#'))
        n++;
    return str_head(s, n);
}

static struct liquid_tag liquid_tag_of(struct str source)
{
    return (struct liquid_tag){.source = source, .is_control = source.p[1] == '%'};
}

/* Inside of the braces. */
static bool begins_with_hyphen(struct str source)
{
    return source.n > 4 && source.p[2] == '-';
}

static bool ends_with_hyphen(struct str source)
{
    return source.n > 5 && source.p[source.n - 3] == '-';
}

/* Leaves `word` of a tag's text out, with what follows it up to a blank. */
static void blank_out(char *text, size_t n, struct str word)
{
    char *at = memmem(text, n, word.p, word.n);
    char *end = text + n - 2;
    if (at == NULL)
        return;
    memset(at, ' ', word.n);
    for (at += word.n; at < end && ascii_is_space(*at); at++)
        continue;
    for (; at < end && !ascii_is_space(*at) && *at != ','; at++)
        *at = ' ';
}

/* {% tablerow x in y cols: 2 %} to {% for x in y %}; both names become shorter. */
static void rewrite_tablerow(char *text, size_t n, struct str from, struct str to)
{
    char *name = memmem(text, n, from.p, from.n);
    memcpy(name, to.p, to.n);
    memset(name + to.n, ' ', from.n - to.n);
    blank_out(text, n, STR("cols:"));
}

/* The place of "raw" at the end of an output, behind its '|'; NULL if it does not end
 * so. */
static char *raw_at_end(char *text, size_t n)
{
    char *end = text + n - 2;
    while (end > text + 2 && ascii_is_space(end[-1]))
        end--;
    if (end - text < 5 || memcmp(end - 3, "raw", 3) != 0)
        return NULL;
    char *before = end - 3;
    while (before > text + 2 && ascii_is_space(before[-1]))
        before--;
    return before[-1] == '|' ? end - 3 : NULL;
}

/* A copy of the tag as a text wants it. */
static enum err liquid_tag_adapt(struct liquid_tag *tag, struct arena *arena)
{
    struct str name = liquid_tag_name(tag), raw = STR("raw"), strip = STR("strip_html");
    size_t n = tag->source.n;
    bool has_raw = false;
    char *text = arena_alloc(arena, n + strip.n);
    if (text == NULL)
        return ERR_MEMORY;
    memcpy(text, tag->source.p, n);
    if (begins_with_hyphen(tag->source))
        text[2] = ' ';
    if (ends_with_hyphen(tag->source))
        text[n - 3] = ' ';
    tag->is_tablerow =
        str_equal(name, STR("tablerow")) || str_equal(name, STR("endtablerow"));
    if (str_equal(name, STR("tablerow")))
        rewrite_tablerow(text, n, name, STR("for"));
    else if (tag->is_tablerow)
        rewrite_tablerow(text, n, name, STR("endfor"));
    char *at = tag->is_control ? NULL : raw_at_end(text, n);
    if (at != NULL) {
        has_raw = true;
        memmove(at + strip.n, at + raw.n, (size_t)(text + n - at) - raw.n);
        memcpy(at, strip.p, strip.n);
    }
    tag->source = str_slice(text, n + (has_raw ? strip.n - raw.n : 0));
    return ERR_NONE;
}

/* Bytes from the front of s to behind the tag that closes the comment (or doc) which
 * the tag of `bytes` opens there; the whole rest if none does. */
static size_t liquid_comment_bytes(struct str s, size_t bytes, struct str opener,
                                   struct str closer)
{
    struct liquid_ends ends = {0};
    size_t at = bytes, depth = 1;
    while (at < s.n && depth > 0) {
        size_t n = liquid_bytes(str_from(s, at), &ends);
        if (n > 0) {
            struct liquid_tag tag = liquid_tag_of(str_slice(s.p + at, n));
            struct str name = liquid_tag_name(&tag);
            depth += str_equal(name, opener);
            depth -= str_equal(name, closer);
        }
        at += n > 0 ? n : 1;
    }
    return at;
}

/* Bytes of what Liquid leaves out altogether: comments and documentation. */
static size_t liquid_silent_bytes(struct str s, size_t bytes)
{
    struct liquid_tag tag = liquid_tag_of(str_head(s, bytes));
    struct str name = liquid_tag_name(&tag);
    if (name.n > 0 && name.p[0] == '#')
        return bytes;
    if (str_equal(name, STR("comment")))
        return liquid_comment_bytes(s, bytes, STR("comment"), STR("endcomment"));
    if (str_equal(name, STR("doc")))
        return liquid_comment_bytes(s, bytes, STR("doc"), STR("enddoc"));
    return 0;
}

/* ---- masking ------------------------------------------------------------------- */

struct masker {
    struct str rest;
    struct html_mask *mask;
    enum { IN_TEXT, IN_TAG, IN_RAW_TEXT } where;
    /* The quotation mark of the attribute value inside a tag, or 0. */
    char quote;
    /* Raw text ends at its end tag. */
    struct str raw_name;
    struct liquid_ends ends;
    bool flat;
    size_t html_tags;
    enum err failed;
};

static void masker_fail(struct masker *masker, enum err err)
{
    masker->failed = err;
    masker->rest = str_from(masker->rest, masker->rest.n);
}

static void masker_copy(struct masker *masker, size_t bytes)
{
    buf_append(&masker->mask->html, str_head(masker->rest, bytes));
    masker->rest = str_from(masker->rest, bytes);
}

static bool tag_add(struct masker *masker, struct str source)
{
    struct html_mask *mask = masker->mask;
    if (mask->count == HTML_TAGS_MAX || mask->count == MASK_MAX) {
        masker_fail(masker, ERR_LIMIT);
        return false;
    }
    if (mask->count == mask->cap) {
        size_t cap = mask->cap > 0 ? 2 * mask->cap : 64;
        struct liquid_tag *tags = realloc(mask->tags, cap * sizeof *tags);
        if (tags == NULL) {
            masker_fail(masker, ERR_MEMORY);
            return false;
        }
        mask->tags = tags;
        mask->cap = cap;
    }
    struct liquid_tag tag = liquid_tag_of(source);
    if (liquid_tag_adapt(&tag, &mask->arena) != ERR_NONE) {
        masker_fail(masker, ERR_MEMORY);
        return false;
    }
    mask->tags[mask->count++] = tag;
    return true;
}

static void mask_comment(struct html_mask *mask, size_t number)
{
    buf_append(&mask->html, STR("<!--"));
    buf_append_u64(&mask->html, number);
    buf_append(&mask->html, STR("-->"));
}

static void mask_character(struct html_mask *mask, size_t number)
{
    char c[HTML_MASK_BYTES] = {(char)MASK_LEAD, (char)(0xB0 | number >> 12),
                               (char)(0x80 | (number >> 6 & 63)),
                               (char)(0x80 | (number & 63))};
    buf_append(&mask->html, str_slice(c, sizeof c));
}

static void trim_before(struct buf *html)
{
    while (html->n > 0 && ascii_is_space(html->p[html->n - 1]))
        html->n--;
}

static void trim_behind(struct masker *masker)
{
    while (masker->rest.n > 0 && ascii_is_space(masker->rest.p[0]))
        masker->rest = str_from(masker->rest, 1);
}

/* At a Liquid tag of `bytes`. */
static void mask_liquid(struct masker *masker, size_t bytes)
{
    struct html_mask *mask = masker->mask;
    struct str source = str_head(masker->rest, bytes);
    size_t silent = liquid_silent_bytes(masker->rest, bytes);
    struct str whole = str_head(masker->rest, silent > 0 ? silent : bytes);
    if (begins_with_hyphen(source))
        trim_before(&mask->html);
    masker->rest = str_from(masker->rest, whole.n);
    if (ends_with_hyphen(whole))
        trim_behind(masker);
    if (silent > 0 || !tag_add(masker, source))
        return;
    mask->expected += mask->tags[mask->count - 1].is_control && masker->where != IN_TAG;
    if (masker->where == IN_TEXT)
        mask_comment(mask, mask->count - 1);
    else
        mask_character(mask, mask->count - 1);
}

/* A private-use character of the source's own, which would be taken for a tag. */
static size_t foreign_mask_bytes(struct str s)
{
    return s.n >= HTML_MASK_BYTES && (unsigned char)s.p[0] == MASK_LEAD &&
                   (unsigned char)s.p[1] >= 0xB0
               ? HTML_MASK_BYTES
               : 0;
}

/* At "<!--". */
static void mask_html_comment(struct masker *masker)
{
    const char *close = memmem(masker->rest.p + 2, masker->rest.n - 2, "-->", 3);
    const char *end = masker->rest.p + masker->rest.n;
    if (close != NULL)
        end = close + 3;
    while (masker->rest.p < end) {
        size_t bytes = liquid_bytes(masker->rest, &masker->ends);
        if (bytes > 0 && masker->rest.p[1] == '%')
            mask_liquid(masker, bytes);
        else
            masker->rest = str_from(masker->rest, bytes > 0 ? bytes : 1);
    }
}

/* ---- HTML tags ----------------------------------------------------------------- */

static struct str html_name(struct str s)
{
    size_t n = 0;
    while (n < s.n && ascii_is_letter_or_digit(s.p[n]))
        n++;
    return str_head(s, n);
}

static bool is_name_in(struct str name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (str_equal_nocase(name, str_of(*list)))
            return true;
    return false;
}

/* At '<': does a tag begin here? */
static bool begins_tag(struct str s)
{
    return s.n > 1 && (html_name(str_from(s, 1)).n > 0 || s.p[1] == '/' ||
                       s.p[1] == '!' || s.p[1] == '?');
}

static void drop_tag(struct masker *masker)
{
    const char *close = memchr(masker->rest.p, '>', masker->rest.n);
    size_t bytes =
        close != NULL ? (size_t)(close - masker->rest.p) + 1 : masker->rest.n;
    masker->rest = str_from(masker->rest, bytes);
}

static void begin_tag(struct masker *masker)
{
    static const char *const raw_text[] = {"script", "style",  "title",    "textarea",
                                           "xmp",    "iframe", "noframes", NULL};
    static const char *const whole[] = {"body", "html", NULL};
    static const char *const tables[] = {"table", "tbody", "thead",   "tfoot",    "tr",
                                         "td",    "th",    "caption", "colgroup", NULL};
    bool is_end = masker->rest.n > 1 && masker->rest.p[1] == '/';
    struct str name = html_name(str_from(masker->rest, is_end ? 2 : 1));
    if (++masker->html_tags > HTML_TAGS_MAX) {
        masker_fail(masker, ERR_LIMIT);
    } else if (is_end && is_name_in(name, whole)) {
        drop_tag(masker);
    } else {
        masker->where = IN_TAG;
        masker->quote = 0;
        masker->raw_name = !is_end && is_name_in(name, raw_text) ? name : STR("");
        masker_copy(masker, is_end ? 2 : 1);
        if (masker->flat && is_name_in(name, tables)) {
            buf_append(&masker->mask->html, STR("div"));
            masker->rest = str_from(masker->rest, name.n);
        }
    }
}

static void mask_in_tag(struct masker *masker)
{
    char c = masker->rest.p[0];
    if (masker->quote != 0)
        masker->quote = c == masker->quote ? 0 : masker->quote;
    else if (c == '"' || c == '\'')
        masker->quote = c;
    else if (c == '>')
        masker->where = masker->raw_name.n > 0 ? IN_RAW_TEXT : IN_TEXT;
    masker_copy(masker, 1);
}

static void mask_in_raw_text(struct masker *masker)
{
    struct str rest = masker->rest;
    if (rest.p[0] == '<' && rest.n > 1 && rest.p[1] == '/' &&
        str_has_prefix_nocase(str_from(rest, 2), masker->raw_name)) {
        masker->where = IN_TEXT;
        begin_tag(masker);
    } else {
        masker_copy(masker, 1);
    }
}

static void mask_in_text(struct masker *masker)
{
    if (str_has_prefix(masker->rest, STR("<!--")))
        mask_html_comment(masker);
    else if (masker->rest.p[0] == '<' && begins_tag(masker->rest))
        begin_tag(masker);
    else
        masker_copy(masker, 1);
}

enum err html_mask(struct str source, bool flat, struct html_mask *mask)
{
    struct masker masker = {.rest = source, .mask = mask, .flat = flat};
    *mask = (struct html_mask){0};
    arena_init(&mask->arena, (size_t)HTML_SOURCE_MAX * 4);
    buf_init(&mask->html, (size_t)HTML_SOURCE_MAX * 4);
    if (source.n > HTML_SOURCE_MAX)
        return ERR_LIMIT;
    while (masker.rest.n > 0) {
        size_t bytes = liquid_bytes(masker.rest, &masker.ends);
        size_t foreign = foreign_mask_bytes(masker.rest);
        if (bytes > 0)
            mask_liquid(&masker, bytes);
        else if (foreign > 0)
            masker.rest = str_from(masker.rest, foreign);
        else if (masker.where == IN_TAG)
            mask_in_tag(&masker);
        else if (masker.where == IN_RAW_TEXT)
            mask_in_raw_text(&masker);
        else
            mask_in_text(&masker);
    }
    return masker.failed != ERR_NONE ? masker.failed : mask->html.failed;
}

void html_mask_fini(struct html_mask *mask)
{
    buf_fini(&mask->html);
    arena_fini(&mask->arena);
    free(mask->tags);
    *mask = (struct html_mask){0};
}

/* ---- putting back -------------------------------------------------------------- */

const struct liquid_tag *html_mask_at(const struct html_mask *mask, struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (foreign_mask_bytes(s) == 0)
        return NULL;
    size_t number = (p[1] & 0x0Fu) << 12 | (p[2] & 63u) << 6 | (p[3] & 63u);
    return number < mask->count ? &mask->tags[number] : NULL;
}

const struct liquid_tag *html_mask_comment(const struct html_mask *mask,
                                           struct str text)
{
    uint64_t number;
    if (!str_to_u64(text, &number) || number >= mask->count)
        return NULL;
    return &mask->tags[number];
}

void html_unmask(const struct html_mask *mask, struct str s, struct buf *to)
{
    while (s.n > 0) {
        const struct liquid_tag *tag = html_mask_at(mask, s);
        if (tag != NULL)
            buf_append(to, tag->source);
        else
            buf_append_char(to, s.p[0]);
        s = str_from(s, tag != NULL ? HTML_MASK_BYTES : 1);
    }
}
