#include "core/mail/text_flow.h"

void text_flow_init(struct text_flow *flow, struct buf *text)
{
    *flow = (struct text_flow){.text = text};
}

void text_flow_newline(struct text_flow *flow, unsigned count)
{
    if (flow->newlines_due < count)
        flow->newlines_due = count;
    flow->spaces_due = 0;
}

void text_flow_space(struct text_flow *flow, unsigned count)
{
    if (flow->column > 0 && flow->newlines_due == 0 && !flow->after_space &&
        flow->spaces_due < count)
        flow->spaces_due = count;
}

/* The line ends that are due; none before the first text. */
static void flow_lines(struct text_flow *flow)
{
    while (flow->has_text && flow->newlines < flow->newlines_due) {
        buf_append_char(flow->text, '\n');
        flow->newlines++;
        flow->column = 0;
        flow->after_space = false;
    }
    flow->newlines_due = 0;
}

static void flow_spaces(struct text_flow *flow)
{
    flow->column += flow->spaces_due;
    for (; flow->spaces_due > 0; flow->spaces_due--)
        buf_append_char(flow->text, ' ');
}

static void flow_indent(struct text_flow *flow)
{
    size_t bytes = flow->indent_bytes;
    if (flow->column > 0)
        return;
    if (flow->marker_bytes <= bytes) {
        buf_append(flow->text, str_slice(flow->indent, bytes - flow->marker_bytes));
        buf_append(flow->text, str_slice(flow->marker, flow->marker_bytes));
    }
    flow->marker_bytes = 0;
    flow->column = bytes;
}

void text_flow_word(struct text_flow *flow, struct str bytes, size_t width)
{
    flow_lines(flow);
    if (flow->spaces_due > 0 && flow->column + flow->spaces_due + width > FLOW_WIDTH) {
        buf_append_char(flow->text, '\n');
        flow->column = 0;
        flow->spaces_due = 0;
    }
    flow_spaces(flow);
    flow_indent(flow);
    buf_append(flow->text, bytes);
    flow->column += width;
    flow->newlines = 0;
    flow->after_space = false;
    flow->has_text = true;
}

void text_flow_tag(struct text_flow *flow, struct str bytes)
{
    flow_lines(flow);
    flow->after_space |= flow->spaces_due > 0;
    flow_spaces(flow);
    buf_append(flow->text, bytes);
}

void text_flow_break(struct text_flow *flow)
{
    if (!flow->has_text)
        return;
    flow_lines(flow);
    buf_append_char(flow->text, '\n');
    flow->newlines++;
    flow->column = 0;
    flow->spaces_due = 0;
    flow->after_space = false;
}

size_t text_flow_indent(struct text_flow *flow, struct str bytes)
{
    if (flow->indent_bytes + bytes.n > FLOW_INDENT_MAX)
        return 0;
    memcpy(flow->indent + flow->indent_bytes, bytes.p, bytes.n);
    flow->indent_bytes += bytes.n;
    return bytes.n;
}

void text_flow_outdent(struct text_flow *flow, size_t bytes)
{
    flow->indent_bytes -= bytes;
    flow->marker_bytes = 0;
}

void text_flow_marker(struct text_flow *flow, struct str marker)
{
    flow->marker_bytes =
        marker.n < sizeof flow->marker ? marker.n : sizeof flow->marker;
    memcpy(flow->marker, marker.p, flow->marker_bytes);
}

void text_flow_finish(struct text_flow *flow)
{
    flow->newlines_due = 1;
    flow_lines(flow);
}

size_t text_blank_bytes(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (p[0] == ' ' || (p[0] >= '\t' && p[0] <= '\r'))
        return 1;
    if (s.n >= 2 && p[0] == 0xC2 && p[1] == 0xA0)
        return 2;
    bool is_wide = s.n >= 3 && p[0] == 0xE2 && p[1] == 0x80 &&
                   ((p[2] >= 0x80 && p[2] <= 0x8A) || p[2] == 0xAF);
    return is_wide ? 3 : 0;
}

size_t text_filler_bytes(struct str s, bool at_word_start)
{
    static const struct {
        struct str bytes;
        bool at_start_only;
    } fillers[] = {
        {{"\xC2\xAD", 2}, false},     {{"\xCD\x8F", 2}, false},
        {{"\xE2\x80\x8B", 3}, false}, {{"\xE2\x81\xA0", 3}, false},
        {{"\xEF\xBB\xBF", 3}, false}, {{"\xE2\x80\x8C", 3}, true},
        {{"\xE2\x80\x8D", 3}, true},  {{"\xE2\x80\x8E", 3}, true},
        {{"\xE2\x80\x8F", 3}, true},
    };
    for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++)
        if ((at_word_start || !fillers[i].at_start_only) &&
            str_has_prefix(s, fillers[i].bytes))
            return fillers[i].bytes.n;
    return 0;
}
