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
