#include "core/mail/html_text.h"

#include "core/mail/html_mask.h"
#include "core/mail/html_role.h"
#include "core/mail/link_notes.h"
#include "core/mail/text_flow.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * The tree is walked with a stack of our own, for a design from an agency can be nested
 * deeply, and each element has a role. What the walk must not do is change the order of
 * Liquid's control tags: an {% endif %} before its {% if %} would be a broken template.
 * The parser keeps the order except where it moves elements out of a table; so they are
 * counted and compared, and when that or such a move shows everything is done again
 * with the tables flattened.
 */

/* How wide a value is taken to be when lines are wrapped. */
#define VALUE_WIDTH 12

struct frame {
    const GumboNode *node;
    unsigned next_child;
    enum html_role role;
    /* What text_flow_outdent takes back. */
    size_t indent;
    /* Of a list: items so far, and the Liquid blocks around it. */
    unsigned items, liquid_depth;
    /* Where its text begins, and the words that were there before. */
    size_t text_begin, words;
};

/* One source and how it is read. */
struct reading {
    struct str html;
    const struct html_partials *partials;
    bool is_partial, is_flat;
    /* Of a partial: line ends that it needs around it, known at the end. */
    unsigned lines;
};

struct walker {
    struct reading *reading;
    const struct html_mask *mask;
    struct html_style style;
    /* Of what was put before a fragment (wrapper_for). */
    size_t wrapper_bytes;
    struct text_flow flow;
    struct frame *frames;
    size_t depth, cap;
    unsigned hidden, pre;
    /* Liquid: open blocks, whether inside raw, control tags that came by. */
    unsigned liquid_depth;
    bool in_raw, is_out_of_order;
    size_t control_count;
    /* Where in the source the last text or comment was. */
    size_t source_offset;
    size_t words;
    /* Bytes of the word being put together. */
    struct buf word;
    struct link_notes notes;
    enum err failed;
};

/* ---- words --------------------------------------------------------------------- */

static void word_put(struct walker *walker, struct str bytes, size_t width)
{
    text_flow_word(&walker->flow, bytes, width);
    walker->words++;
}

/* Appends text to the word so that Liquid will print it as it is. */
static void word_literal(struct walker *walker, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool opens =
            s.p[i] == '{' && (i + 1 == s.n || s.p[i + 1] == '{' || s.p[i + 1] == '%');
        if (opens && !walker->in_raw)
            buf_append(&walker->word, STR("{{ '{' }}"));
        else
            buf_append_char(&walker->word, s.p[i]);
    }
}

/* The word that is put together, if there is one, to the text. */
static void word_end(struct walker *walker, size_t *width)
{
    if (walker->word.n > 0)
        word_put(walker, buf_str(&walker->word), *width);
    buf_clear(&walker->word);
    *width = 0;
}

static void control_put(struct walker *walker, const struct liquid_tag *tag);

/* The bytes at the front of s that are part of a word as they are. */
static size_t plain_bytes(const struct walker *walker, struct str s)
{
    size_t n = 1;
    while (n < s.n && text_blank_bytes(str_from(s, n)) == 0 &&
           text_filler_bytes(str_from(s, n), false) == 0 &&
           html_mask_at(walker->mask, str_from(s, n)) == NULL)
        n++;
    return n;
}

/* Text in which Liquid tags are masked by characters: of nodes and of attributes. */
static void text_put(struct walker *walker, struct str s)
{
    size_t width = 0;
    while (s.n > 0) {
        const struct liquid_tag *tag = html_mask_at(walker->mask, s);
        size_t used = HTML_MASK_BYTES, blank = text_blank_bytes(s);
        size_t filler = text_filler_bytes(s, walker->word.n == 0);
        if (tag != NULL) {
            buf_append(&walker->word, tag->source);
            width += tag->is_control ? 0 : VALUE_WIDTH;
        } else if (blank > 0) {
            word_end(walker, &width);
            text_flow_space(&walker->flow, 1);
            used = blank;
        } else if (filler > 0) {
            used = filler;
        } else {
            used = plain_bytes(walker, s);
            word_literal(walker, str_head(s, used));
            width += str_characters(str_head(s, used));
        }
        s = str_from(s, used);
    }
    word_end(walker, &width);
}

/* Preformatted text: its lines and blanks stay. */
static void pre_put(struct walker *walker, struct str s)
{
    while (s.n > 0) {
        struct str rest, line = str_split(s, '\n', &rest);
        word_literal(walker, line);
        if (line.n > 0)
            word_put(walker, buf_str(&walker->word), str_characters(line));
        buf_clear(&walker->word);
        if (!str_is_null(rest))
            text_flow_break(&walker->flow);
        s = rest;
    }
}

/* What is not shown: only its control tags are of interest. */
static void hidden_put(struct walker *walker, struct str s)
{
    for (; s.n > 0; s = str_from(s, 1)) {
        const struct liquid_tag *tag = html_mask_at(walker->mask, s);
        if (tag != NULL && tag->is_control)
            control_put(walker, tag);
    }
}

/* ---- Liquid -------------------------------------------------------------------- */

static bool is_name_in(struct str name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (str_equal(name, str_of(*list)))
            return true;
    return false;
}

static void control_track(struct walker *walker, struct str name)
{
    static const char *const blocks[] = {
        "if", "unless", "case", "for", "tablerow", "raw", "ifchanged", "capture", NULL};
    walker->control_count++;
    if (is_name_in(name, blocks))
        walker->liquid_depth++;
    else if (str_has_prefix(name, STR("end")) && walker->liquid_depth > 0)
        walker->liquid_depth--;
    if (str_equal(name, STR("raw")) || str_equal(name, STR("endraw")))
        walker->in_raw = name.p[0] == 'r';
}

/* The name in {% render 'name' %}; empty if it is worked out at run time. */
static struct str partial_name(const struct liquid_tag *tag)
{
    struct str tag_name = liquid_tag_name(tag), rest = tag->source, name;
    rest = str_from(rest, (size_t)(tag_name.p + tag_name.n - rest.p));
    while (rest.n > 0 && (unsigned char)rest.p[0] <= ' ')
        rest = str_from(rest, 1);
    if (rest.n == 0 || (rest.p[0] != '"' && rest.p[0] != '\''))
        return STR("");
    name = str_split(str_from(rest, 1), rest.p[0], &rest);
    return name;
}

static void partial_put(struct walker *walker, const struct liquid_tag *tag)
{
    const struct html_partials *partials = walker->reading->partials;
    struct str name = partial_name(tag);
    unsigned lines =
        partials != NULL && name.n > 0 ? partials->lines(partials->self, name) : 0;
    if (lines > 0)
        text_flow_newline(&walker->flow, lines);
    word_put(walker, tag->source, VALUE_WIDTH);
    if (lines > 0)
        text_flow_newline(&walker->flow, lines);
}

static void control_put(struct walker *walker, const struct liquid_tag *tag)
{
    static const char *const partials[] = {"render", "include", NULL};
    static const char *const writers[] = {"echo",      "cycle",     "liquid",
                                          "increment", "decrement", NULL};
    struct str name = liquid_tag_name(tag);
    control_track(walker, name);
    if (tag->is_tablerow)
        text_flow_newline(&walker->flow, 1);
    if (walker->hidden == 0 && is_name_in(name, partials))
        partial_put(walker, tag);
    else if (walker->hidden == 0 && is_name_in(name, writers))
        word_put(walker, tag->source, VALUE_WIDTH);
    else if (!is_name_in(name, partials) && !str_equal(name, STR("echo")))
        text_flow_tag(&walker->flow, tag->source);
}

static void comment_put(struct walker *walker, struct str text)
{
    const struct liquid_tag *tag = html_mask_comment(walker->mask, text);
    if (tag == NULL)
        return;
    if (tag->is_control)
        control_put(walker, tag);
    else if (walker->hidden == 0)
        word_put(walker, tag->source, VALUE_WIDTH);
}

/* ---- links --------------------------------------------------------------------- */

static void link_put(struct walker *walker, struct str url)
{
    bool is_noted = walker->liquid_depth == 0 && !walker->reading->is_partial;
    size_t number = is_noted ? link_notes_add(&walker->notes, url) : 0;
    text_flow_space(&walker->flow, 1);
    if (number > 0) {
        buf_printf(&walker->word, "[%zu]", number);
    } else {
        buf_append_char(&walker->word, '<');
        buf_append(&walker->word, url);
        buf_append_char(&walker->word, '>');
    }
    word_put(walker, buf_str(&walker->word), walker->word.n);
    buf_clear(&walker->word);
}

static void link_leave(struct walker *walker, const struct frame *frame)
{
    struct buf url;
    struct str text = str_from(buf_str(walker->flow.text), frame->text_begin);
    if (frame->words == walker->words || walker->hidden > 0)
        return;
    buf_init(&url, HTML_SOURCE_MAX);
    html_unmask(walker->mask, str_trim(html_attribute(frame->node, "href")), &url);
    while (text.n > 0 && (text.p[0] == '\n' || text.p[0] == ' '))
        text = str_from(text, 1);
    if (link_leads_somewhere(buf_str(&url)) && !link_is_said(text, buf_str(&url)))
        link_put(walker, buf_str(&url));
    if (url.failed != ERR_NONE)
        walker->failed = url.failed;
    buf_fini(&url);
}

static void notes_put(struct walker *walker)
{
    if (walker->notes.count > 0)
        text_flow_newline(&walker->flow, 2);
    for (size_t i = 0; i < walker->notes.count; i++) {
        buf_printf(&walker->word, "[%zu] ", i + 1);
        buf_append(&walker->word, link_notes_at(&walker->notes, i));
        word_put(walker, buf_str(&walker->word), walker->word.n);
        buf_clear(&walker->word);
        text_flow_newline(&walker->flow, 1);
    }
}

/* ---- entering and leaving ------------------------------------------------------ */

static void item_enter(struct walker *walker, struct frame *frame)
{
    char mark[16] = "* ", blanks[sizeof mark];
    struct frame *list = walker->depth > 1 ? &walker->frames[walker->depth - 2] : NULL;
    text_flow_newline(&walker->flow, 1);
    /* In a Liquid loop nobody knows the number yet. */
    if (list != NULL && list->role == ROLE_LIST &&
        list->node->v.element.tag == GUMBO_TAG_OL &&
        walker->liquid_depth == list->liquid_depth)
        snprintf(mark, sizeof mark, "%u. ", ++list->items);
    memset(blanks, ' ', sizeof blanks);
    frame->indent = text_flow_indent(&walker->flow, str_slice(blanks, strlen(mark)));
    if (frame->indent > 0)
        text_flow_marker(&walker->flow, str_of(mark));
}

/* The number before the first item of an ordered list. */
static unsigned items_before(const GumboNode *list)
{
    uint64_t start;
    if (list->type != GUMBO_NODE_ELEMENT || list->v.element.tag != GUMBO_TAG_OL ||
        !str_to_u64(html_attribute(list, "start"), &start) || start == 0)
        return 0;
    return start <= 1000000 ? (unsigned)start - 1 : 0;
}

static void image_put(struct walker *walker, const GumboNode *image)
{
    struct str alt = html_attribute(image, "alt");
    if (alt.n == 0)
        return;
    text_flow_space(&walker->flow, 1);
    text_put(walker, alt);
    text_flow_space(&walker->flow, 1);
}

static bool is_in_list(const struct walker *walker)
{
    for (size_t i = 0; i + 1 < walker->depth; i++)
        if (walker->frames[i].role == ROLE_LIST)
            return true;
    return false;
}

static void rule_put(struct walker *walker)
{
    text_flow_newline(&walker->flow, 2);
    word_put(walker, STR("----------------------------------------"), 40);
    text_flow_newline(&walker->flow, 2);
}

static void enter(struct walker *walker, struct frame *frame)
{
    switch (frame->role) {
    case ROLE_INLINE:
    case ROLE_LINK: break;
    case ROLE_BLOCK: text_flow_newline(&walker->flow, 1); break;
    case ROLE_PARAGRAPH:
    case ROLE_HEADING: text_flow_newline(&walker->flow, 2); break;
    case ROLE_LIST: text_flow_newline(&walker->flow, is_in_list(walker) ? 1 : 2); break;
    case ROLE_ITEM: item_enter(walker, frame); break;
    case ROLE_QUOTE:
        text_flow_newline(&walker->flow, 2);
        frame->indent = text_flow_indent(&walker->flow, STR("> "));
        break;
    case ROLE_PRE:
        text_flow_newline(&walker->flow, 2);
        walker->pre++;
        break;
    case ROLE_CELL: text_flow_space(&walker->flow, 2); break;
    case ROLE_IMAGE: image_put(walker, frame->node); break;
    case ROLE_BREAK: text_flow_break(&walker->flow); break;
    case ROLE_RULE: rule_put(walker); break;
    case ROLE_HIDDEN: walker->hidden++; break;
    }
}

static void heading_leave(struct walker *walker, const struct frame *frame)
{
    static const char lines[2][FLOW_WIDTH + 1] = {
        "============================================================================",
        "----------------------------------------------------------------------------"};
    GumboTag tag = frame->node->v.element.tag;
    size_t width = walker->flow.column;
    if (width > FLOW_WIDTH)
        width = FLOW_WIDTH;
    if (frame->words < walker->words && (tag == GUMBO_TAG_H1 || tag == GUMBO_TAG_H2)) {
        text_flow_newline(&walker->flow, 1);
        word_put(walker, str_slice(lines[tag == GUMBO_TAG_H2], width), width);
    }
    text_flow_newline(&walker->flow, 2);
}

static void leave(struct walker *walker, const struct frame *frame)
{
    switch (frame->role) {
    case ROLE_INLINE:
    case ROLE_CELL:
    case ROLE_IMAGE:
    case ROLE_BREAK:
    case ROLE_RULE: break;
    case ROLE_LINK: link_leave(walker, frame); break;
    case ROLE_BLOCK: text_flow_newline(&walker->flow, 1); break;
    case ROLE_PARAGRAPH: text_flow_newline(&walker->flow, 2); break;
    case ROLE_HEADING: heading_leave(walker, frame); break;
    case ROLE_LIST: text_flow_newline(&walker->flow, is_in_list(walker) ? 1 : 2); break;
    case ROLE_ITEM:
        text_flow_newline(&walker->flow, 1);
        text_flow_outdent(&walker->flow, frame->indent);
        break;
    case ROLE_QUOTE:
        text_flow_newline(&walker->flow, 2);
        text_flow_outdent(&walker->flow, frame->indent);
        break;
    case ROLE_PRE:
        text_flow_newline(&walker->flow, 2);
        walker->pre--;
        break;
    case ROLE_HIDDEN: walker->hidden--; break;
    }
}

/* ---- the walk ------------------------------------------------------------------ */

/* The first element that breaks lines says how a partial stands in a text. */
static void note_lines(struct walker *walker, const struct frame *frame)
{
    struct reading *reading = walker->reading;
    if (!reading->is_partial || reading->lines > 0 || walker->hidden > 0 ||
        frame->node->type == GUMBO_NODE_DOCUMENT ||
        frame->node->v.element.start_pos.offset < walker->wrapper_bytes)
        return;
    switch (frame->role) {
    case ROLE_INLINE:
    case ROLE_CELL:
    case ROLE_LINK:
    case ROLE_IMAGE:
    case ROLE_BREAK:
    case ROLE_HIDDEN: break;
    case ROLE_BLOCK:
    case ROLE_ITEM: reading->lines = 1; break;
    case ROLE_PARAGRAPH:
    case ROLE_HEADING:
    case ROLE_LIST:
    case ROLE_QUOTE:
    case ROLE_PRE:
    case ROLE_RULE: reading->lines = 2; break;
    }
}

static bool push(struct walker *walker, const GumboNode *node)
{
    if (walker->depth == walker->cap) {
        size_t cap = walker->cap > 0 ? 2 * walker->cap : 64;
        struct frame *frames = realloc(walker->frames, cap * sizeof *frames);
        if (frames == NULL) {
            walker->failed = ERR_MEMORY;
            return false;
        }
        walker->frames = frames;
        walker->cap = cap;
    }
    struct frame *frame = &walker->frames[walker->depth++];
    *frame = (struct frame){
        .node = node,
        .role = walker->hidden > 0 ? ROLE_INLINE : html_role_of(node, &walker->style),
        .items = items_before(node),
        .liquid_depth = walker->liquid_depth,
        .text_begin = walker->flow.text->n,
        .words = walker->words};
    note_lines(walker, frame);
    enter(walker, frame);
    return true;
}

static void visit(struct walker *walker, const GumboNode *node)
{
    if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_COMMENT) {
        walker->is_out_of_order |=
            node->v.text.start_pos.offset < walker->source_offset;
        walker->source_offset = node->v.text.start_pos.offset;
    }
    switch (node->type) {
    case GUMBO_NODE_DOCUMENT:
    case GUMBO_NODE_ELEMENT:
    case GUMBO_NODE_TEMPLATE: (void)push(walker, node); break;
    case GUMBO_NODE_COMMENT: comment_put(walker, str_of(node->v.text.text)); break;
    case GUMBO_NODE_TEXT:
    case GUMBO_NODE_WHITESPACE:
    case GUMBO_NODE_CDATA:
        if (walker->hidden > 0)
            hidden_put(walker, str_of(node->v.text.text));
        else if (walker->pre > 0)
            pre_put(walker, str_of(node->v.text.text));
        else
            text_put(walker, str_of(node->v.text.text));
        break;
    }
}

static const GumboVector *children_of(const GumboNode *node)
{
    return node->type == GUMBO_NODE_DOCUMENT ? &node->v.document.children
                                             : &node->v.element.children;
}

static void walk(struct walker *walker, const GumboNode *document)
{
    visit(walker, document);
    while (walker->depth > 0 && walker->failed == ERR_NONE) {
        struct frame *frame = &walker->frames[walker->depth - 1];
        const GumboVector *children = children_of(frame->node);
        if (frame->next_child < children->length) {
            visit(walker, children->data[frame->next_child++]);
        } else {
            struct frame left = *frame;
            leave(walker, &left);
            walker->depth--;
        }
    }
}

static enum err walker_result(const struct walker *walker)
{
    if (walker->failed != ERR_NONE)
        return walker->failed;
    if (walker->word.failed != ERR_NONE)
        return walker->word.failed;
    if (walker->notes.urls.failed != ERR_NONE)
        return walker->notes.urls.failed;
    if (walker->flow.text->failed != ERR_NONE)
        return walker->flow.text->failed;
    bool is_whole = walker->control_count == walker->mask->expected;
    bool is_moved = walker->is_out_of_order && walker->mask->count > 0;
    return is_whole && !is_moved ? ERR_NONE : ERR_DATA;
}

static bool is_blank_at(struct str html, size_t at)
{
    return at < html.n && text_blank_bytes(str_slice(html.p + at, 1)) > 0;
}

static bool begins_with_one_of(struct str html, const char *const *tags)
{
    for (; *tags != NULL; tags++)
        if (str_has_prefix_nocase(html, str_of(*tags)))
            return true;
    return false;
}

/* What a source has to stand in to be read as it is meant: a fragment in a body, for
 * before one the parser drops white space, and what is inside of a table in a table. */
static struct str wrapper_for(struct str html)
{
    static const char *const documents[] = {"<!doctype", "<html", "<head", "<body",
                                            NULL};
    static const char *const rows[] = {"<tr", "<tbody", "<thead", "<tfoot", NULL};
    static const char *const cells[] = {"<td", "<th", NULL};
    while (html.n > 0 && (str_has_prefix(html, STR("<!--")) || is_blank_at(html, 0))) {
        const char *end = NULL;
        if (html.p[0] == '<')
            end = memmem(html.p, html.n, "-->", 3);
        html = str_from(html, end != NULL ? (size_t)(end - html.p) + 3 : 1);
    }
    if (begins_with_one_of(html, documents))
        return STR("");
    return begins_with_one_of(html, rows)    ? STR("<body><table>")
           : begins_with_one_of(html, cells) ? STR("<body><table><tr>")
                                             : STR("<body>");
}

static enum err html_insert(struct buf *html, struct str wrapper)
{
    size_t n = html->n;
    if (buf_reserve(html, wrapper.n) == NULL)
        return html->failed;
    memmove(html->p + wrapper.n, html->p, n);
    memcpy(html->p, wrapper.p, wrapper.n);
    html->n += wrapper.n;
    return ERR_NONE;
}

/* Words in a line keep the blanks that part them from their neighbours. */
static void partial_finish(struct walker *walker, struct str html, size_t begin)
{
    struct buf *text = walker->flow.text;
    bool is_words = walker->reading->lines == 0 && html.n > 0;
    if (is_words && is_blank_at(html, html.n - 1) && text->n > begin)
        buf_append_char(text, ' ');
    if (!is_words || !is_blank_at(html, 0) || buf_reserve(text, 1) == NULL)
        return;
    memmove(text->p + begin + 1, text->p + begin, text->n - begin);
    text->p[begin] = ' ';
    text->n++;
}

static void whole_finish(struct walker *walker)
{
    notes_put(walker);
    text_flow_finish(&walker->flow);
}

static enum err masked_to_text(struct html_mask *mask, struct reading *reading,
                               struct buf *text)
{
    GumboOptions options = kGumboDefaultOptions;
    struct walker *walker = calloc(1, sizeof *walker);
    size_t begin = text->n;
    if (walker == NULL)
        return ERR_MEMORY;
    walker->reading = reading;
    walker->mask = mask;
    options.max_errors = 0;
    struct str wrapper = wrapper_for(buf_str(&mask->html));
    walker->wrapper_bytes = wrapper.n;
    enum err err = wrapper.n > 0 ? html_insert(&mask->html, wrapper) : ERR_NONE;
    struct str html = buf_str(&mask->html);
    html_style_read(&walker->style, html);
    GumboOutput *output = gumbo_parse_with_options(&options, html.p, html.n);
    text_flow_init(&walker->flow, text);
    buf_init(&walker->word, HTML_SOURCE_MAX * 2);
    buf_init(&walker->notes.urls, HTML_SOURCE_MAX * 2);
    walk(walker, output->document);
    if (reading->is_partial)
        partial_finish(walker, str_from(html, wrapper.n), begin);
    else
        whole_finish(walker);
    if (err == ERR_NONE)
        err = walker_result(walker);
    gumbo_destroy_output(&options, output);
    buf_fini(&walker->word);
    buf_fini(&walker->notes.urls);
    free(walker->frames);
    free(walker);
    return err;
}

static enum err try_to_text(struct reading *reading, struct buf *text)
{
    struct html_mask mask;
    size_t before = text->n;
    reading->lines = 0;
    enum err err = html_mask(reading->html, reading->is_flat, &mask);
    if (err == ERR_NONE)
        err = masked_to_text(&mask, reading, text);
    if (err != ERR_NONE)
        text->n = before;
    html_mask_fini(&mask);
    return err;
}

static enum err read_to_text(struct reading *reading, struct buf *text,
                             struct error *error)
{
    enum err err = try_to_text(reading, text);
    if (err == ERR_DATA) {
        reading->is_flat = true;
        err = try_to_text(reading, text);
    }
    if (err == ERR_DATA)
        return error_set(error, err,
                         "text from html: Liquid tags cut its elements in two; write a "
                         "text template");
    if (err != ERR_NONE)
        return error_set(error, err, "text from html: %s", err_words(err));
    return ERR_NONE;
}

enum err html_to_text(struct str html, const struct html_partials *partials,
                      struct buf *text, struct error *error)
{
    struct reading reading = {.html = html, .partials = partials};
    return read_to_text(&reading, text, error);
}

enum err html_partial_to_text(struct str html, const struct html_partials *partials,
                              struct buf *text, unsigned *lines, struct error *error)
{
    struct reading reading = {.html = html, .partials = partials, .is_partial = true};
    enum err err = read_to_text(&reading, text, error);
    *lines = reading.lines;
    return err;
}
