#include "core/mail/html_role.h"

#include "core/mail/text_flow.h"

static const struct {
    GumboTag tag;
    enum html_role role;
} roles[] = {
    {GUMBO_TAG_P, ROLE_PARAGRAPH},   {GUMBO_TAG_TABLE, ROLE_PARAGRAPH},
    {GUMBO_TAG_DL, ROLE_PARAGRAPH},  {GUMBO_TAG_FIELDSET, ROLE_PARAGRAPH},
    {GUMBO_TAG_H1, ROLE_HEADING},    {GUMBO_TAG_H2, ROLE_HEADING},
    {GUMBO_TAG_H3, ROLE_HEADING},    {GUMBO_TAG_H4, ROLE_HEADING},
    {GUMBO_TAG_H5, ROLE_HEADING},    {GUMBO_TAG_H6, ROLE_HEADING},
    {GUMBO_TAG_UL, ROLE_LIST},       {GUMBO_TAG_OL, ROLE_LIST},
    {GUMBO_TAG_LI, ROLE_ITEM},       {GUMBO_TAG_BLOCKQUOTE, ROLE_QUOTE},
    {GUMBO_TAG_PRE, ROLE_PRE},       {GUMBO_TAG_A, ROLE_LINK},
    {GUMBO_TAG_TD, ROLE_CELL},       {GUMBO_TAG_TH, ROLE_CELL},
    {GUMBO_TAG_IMG, ROLE_IMAGE},     {GUMBO_TAG_BR, ROLE_BREAK},
    {GUMBO_TAG_HR, ROLE_RULE},       {GUMBO_TAG_HEAD, ROLE_HIDDEN},
    {GUMBO_TAG_STYLE, ROLE_HIDDEN},  {GUMBO_TAG_SCRIPT, ROLE_HIDDEN},
    {GUMBO_TAG_TITLE, ROLE_HIDDEN},  {GUMBO_TAG_TEMPLATE, ROLE_HIDDEN},
    {GUMBO_TAG_SVG, ROLE_HIDDEN},    {GUMBO_TAG_OBJECT, ROLE_HIDDEN},
    {GUMBO_TAG_IFRAME, ROLE_HIDDEN}, {GUMBO_TAG_DIV, ROLE_BLOCK},
    {GUMBO_TAG_TR, ROLE_BLOCK},      {GUMBO_TAG_CAPTION, ROLE_BLOCK},
    {GUMBO_TAG_SECTION, ROLE_BLOCK}, {GUMBO_TAG_ARTICLE, ROLE_BLOCK},
    {GUMBO_TAG_HEADER, ROLE_BLOCK},  {GUMBO_TAG_FOOTER, ROLE_BLOCK},
    {GUMBO_TAG_MAIN, ROLE_BLOCK},    {GUMBO_TAG_ASIDE, ROLE_BLOCK},
    {GUMBO_TAG_NAV, ROLE_BLOCK},     {GUMBO_TAG_ADDRESS, ROLE_BLOCK},
    {GUMBO_TAG_CENTER, ROLE_BLOCK},  {GUMBO_TAG_FORM, ROLE_BLOCK},
    {GUMBO_TAG_DT, ROLE_BLOCK},      {GUMBO_TAG_DD, ROLE_BLOCK},
    {GUMBO_TAG_FIGURE, ROLE_BLOCK},  {GUMBO_TAG_FIGCAPTION, ROLE_BLOCK},
    {GUMBO_TAG_TBODY, ROLE_BLOCK},   {GUMBO_TAG_THEAD, ROLE_BLOCK},
    {GUMBO_TAG_TFOOT, ROLE_BLOCK},   {GUMBO_TAG_BODY, ROLE_BLOCK},
};

struct str html_attribute(const GumboNode *node, const char *name)
{
    const GumboAttribute *found =
        gumbo_get_attribute(&node->v.element.attributes, name);
    return found != NULL ? str_of(found->value) : STR_NULL;
}

/* "display:none" with any blanks and in any case. */
static bool style_hides(struct str style)
{
    char folded[512];
    size_t n = 0;
    for (size_t i = 0; i < style.n && n < sizeof folded; i++)
        if (text_blank_bytes(str_slice(style.p + i, 1)) == 0)
            folded[n++] = ascii_lower(style.p[i]);
    return memmem(folded, n, "display:none", 12) != NULL ||
           memmem(folded, n, "visibility:hidden", 17) != NULL;
}

enum html_role html_role_of(const GumboNode *node)
{
    if (node->type == GUMBO_NODE_DOCUMENT)
        return ROLE_INLINE;
    if (style_hides(html_attribute(node, "style")) ||
        !str_is_null(html_attribute(node, "hidden")))
        return ROLE_HIDDEN;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (roles[i].tag == node->v.element.tag)
            return roles[i].role;
    return ROLE_INLINE;
}
