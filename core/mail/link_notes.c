#include "core/mail/link_notes.h"

struct str link_notes_at(const struct link_notes *notes, size_t index)
{
    size_t begin = index > 0 ? notes->ends[index - 1] : 0;
    return str_slice(buf_str(&notes->urls).p + begin, notes->ends[index] - begin);
}

size_t link_notes_add(struct link_notes *notes, struct str url)
{
    for (size_t i = 0; i < notes->count; i++)
        if (str_equal(link_notes_at(notes, i), url))
            return i + 1;
    if (notes->count == LINK_NOTES_MAX)
        return 0;
    buf_append(&notes->urls, url);
    notes->ends[notes->count++] = notes->urls.n;
    return notes->count;
}

bool link_is_said(struct str text, struct str url)
{
    static const char *const schemes[] = {"mailto:", "tel:", "https://", "http://",
                                          NULL};
    for (size_t i = 0; schemes[i] != NULL; i++)
        if (str_has_prefix(url, str_of(schemes[i])) &&
            str_equal(text, str_from(url, strlen(schemes[i]))))
            return true;
    return str_equal(text, url);
}

bool link_leads_somewhere(struct str url)
{
    return url.n > 0 && url.p[0] != '#' && !str_equal(url, STR("mailto:")) &&
           !str_has_prefix_nocase(url, STR("javascript:")) &&
           !str_has_prefix_nocase(url, STR("cid:"));
}
