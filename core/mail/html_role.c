#include "core/mail/html_role.h"

#include "core/mail/text_flow.h"

static const struct {
    GumboTag tag;
    enum html_role role;
} roles[] = {
    {GUMBO_TAG_P, ROLE_PARAGRAPH},     {GUMBO_TAG_TABLE, ROLE_PARAGRAPH},
    {GUMBO_TAG_DL, ROLE_PARAGRAPH},    {GUMBO_TAG_FIELDSET, ROLE_PARAGRAPH},
    {GUMBO_TAG_H1, ROLE_HEADING},      {GUMBO_TAG_H2, ROLE_HEADING},
    {GUMBO_TAG_H3, ROLE_HEADING},      {GUMBO_TAG_H4, ROLE_HEADING},
    {GUMBO_TAG_H5, ROLE_HEADING},      {GUMBO_TAG_H6, ROLE_HEADING},
    {GUMBO_TAG_UL, ROLE_LIST},         {GUMBO_TAG_OL, ROLE_LIST},
    {GUMBO_TAG_LI, ROLE_ITEM},         {GUMBO_TAG_BLOCKQUOTE, ROLE_QUOTE},
    {GUMBO_TAG_PRE, ROLE_PRE},         {GUMBO_TAG_A, ROLE_LINK},
    {GUMBO_TAG_TD, ROLE_CELL},         {GUMBO_TAG_TH, ROLE_CELL},
    {GUMBO_TAG_IMG, ROLE_IMAGE},       {GUMBO_TAG_BR, ROLE_BREAK},
    {GUMBO_TAG_HR, ROLE_RULE},         {GUMBO_TAG_HEAD, ROLE_HIDDEN},
    {GUMBO_TAG_STYLE, ROLE_HIDDEN},    {GUMBO_TAG_SCRIPT, ROLE_HIDDEN},
    {GUMBO_TAG_TITLE, ROLE_HIDDEN},    {GUMBO_TAG_TEMPLATE, ROLE_HIDDEN},
    {GUMBO_TAG_SVG, ROLE_HIDDEN},      {GUMBO_TAG_OBJECT, ROLE_HIDDEN},
    {GUMBO_TAG_IFRAME, ROLE_HIDDEN},   {GUMBO_TAG_SELECT, ROLE_HIDDEN},
    {GUMBO_TAG_TEXTAREA, ROLE_HIDDEN}, {GUMBO_TAG_DIV, ROLE_BLOCK},
    {GUMBO_TAG_TR, ROLE_BLOCK},        {GUMBO_TAG_CAPTION, ROLE_BLOCK},
    {GUMBO_TAG_SECTION, ROLE_BLOCK},   {GUMBO_TAG_ARTICLE, ROLE_BLOCK},
    {GUMBO_TAG_HEADER, ROLE_BLOCK},    {GUMBO_TAG_FOOTER, ROLE_BLOCK},
    {GUMBO_TAG_MAIN, ROLE_BLOCK},      {GUMBO_TAG_ASIDE, ROLE_BLOCK},
    {GUMBO_TAG_NAV, ROLE_BLOCK},       {GUMBO_TAG_ADDRESS, ROLE_BLOCK},
    {GUMBO_TAG_CENTER, ROLE_BLOCK},    {GUMBO_TAG_FORM, ROLE_BLOCK},
    {GUMBO_TAG_DT, ROLE_BLOCK},        {GUMBO_TAG_DD, ROLE_BLOCK},
    {GUMBO_TAG_FIGURE, ROLE_BLOCK},    {GUMBO_TAG_FIGCAPTION, ROLE_BLOCK},
    {GUMBO_TAG_TBODY, ROLE_BLOCK},     {GUMBO_TAG_THEAD, ROLE_BLOCK},
    {GUMBO_TAG_TFOOT, ROLE_BLOCK},
};

struct str html_attribute(const GumboNode *node, const char *name)
{
    const GumboAttribute *found =
        gumbo_get_attribute(&node->v.element.attributes, name);
    return found != NULL ? str_of(found->value) : STR_NULL;
}

/* ---- tables -------------------------------------------------------------------- */

static bool is_tag(const GumboNode *node, GumboTag tag)
{
    return node != NULL && node->type == GUMBO_NODE_ELEMENT &&
           node->v.element.tag == tag;
}

static bool is_cell(const GumboNode *node)
{
    return is_tag(node, GUMBO_TAG_TD) || is_tag(node, GUMBO_TAG_TH);
}

static bool is_blank_text(struct str s)
{
    for (size_t bytes; s.n > 0; s = str_from(s, bytes))
        if ((bytes = text_blank_bytes(s)) == 0)
            return false;
    return true;
}

/* A child that does not count: a comment (a Liquid tag too) or white space. */
static bool is_blank_node(const GumboNode *node)
{
    return node->type == GUMBO_NODE_WHITESPACE || node->type == GUMBO_NODE_COMMENT ||
           (node->type == GUMBO_NODE_TEXT && is_blank_text(str_of(node->v.text.text)));
}

/* In a cell that is a Liquid output a comment is what there is to see. */
static bool has_content(const GumboNode *cell)
{
    const GumboVector *children = &cell->v.element.children;
    for (unsigned i = 0; i < children->length; i++) {
        const GumboNode *child = children->data[i];
        if (!is_blank_node(child) || child->type == GUMBO_NODE_COMMENT)
            return true;
    }
    return false;
}

static unsigned filled_cells(const GumboNode *row)
{
    const GumboVector *children = &row->v.element.children;
    unsigned count = 0;
    for (unsigned i = 0; i < children->length; i++)
        count += is_cell(children->data[i]) && has_content(children->data[i]);
    return count;
}

static bool holds_blocks(const GumboNode *node)
{
    const GumboVector *children = &node->v.element.children;
    for (unsigned i = 0; i < children->length; i++) {
        const GumboNode *child = children->data[i];
        for (size_t r = 0; r < sizeof roles / sizeof roles[0]; r++)
            if (is_tag(child, roles[r].tag) && roles[r].role != ROLE_LINK &&
                roles[r].role != ROLE_IMAGE && roles[r].role != ROLE_BREAK)
                return true;
    }
    return false;
}

/* A paragraph that is all there is in one of several cells of a row: the row stays on
 * one line. */
static bool is_lone_in_cell(const GumboNode *node)
{
    const GumboNode *cell = node->parent;
    if (!is_cell(cell) || !is_tag(cell->parent, GUMBO_TAG_TR) || holds_blocks(node))
        return false;
    const GumboVector *siblings = &cell->v.element.children;
    for (unsigned i = 0; i < siblings->length; i++)
        if (siblings->data[i] != node && !is_blank_node(siblings->data[i]))
            return false;
    return filled_cells(cell->parent) > 1;
}

/* ---- elements ------------------------------------------------------------------ */

static enum html_role role_by_tag(const GumboNode *node)
{
    GumboTag tag = node->v.element.tag;
    if (tag == GUMBO_TAG_TR && filled_cells(node) <= 1)
        return ROLE_PARAGRAPH;
    if ((tag == GUMBO_TAG_P || tag == GUMBO_TAG_DIV) && is_lone_in_cell(node))
        return ROLE_INLINE;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (roles[i].tag == tag)
            return roles[i].role;
    return ROLE_INLINE;
}

enum html_role html_role_of(const GumboNode *node, const struct html_style *style)
{
    if (node->type == GUMBO_NODE_DOCUMENT)
        return ROLE_INLINE;
    struct str tag = str_of(gumbo_normalized_tagname(node->v.element.tag));
    if (html_style_hides(html_attribute(node, "style")) ||
        !str_is_null(html_attribute(node, "hidden")) ||
        html_style_hides_element(style, tag, html_attribute(node, "class"),
                                 html_attribute(node, "id")))
        return ROLE_HIDDEN;
    return role_by_tag(node);
}
