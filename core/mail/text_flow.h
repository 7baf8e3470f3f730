/*
 * text_flow.h - plain text laid out: paragraphs, wrapping, indents, quotations
 *
 * White space is what is due, not what is written: a blank or a line end is put down
 * when something visible follows, or a Liquid tag, which may have anything behind it.
 *
 * Owns:    nothing but its indent.
 * Keeps:   the buffer it writes to.
 * Errors:  those of the buffer, sticky.
 * Limits:  FLOW_WIDTH columns where there is a space to break at; FLOW_INDENT_MAX of
 *          indent, deeper levels are not indented further.
 */
#ifndef BROADSIDE_MAIL_TEXT_FLOW_H
#define BROADSIDE_MAIL_TEXT_FLOW_H

#include "core/base/buf.h"

#define FLOW_WIDTH      76
#define FLOW_INDENT_MAX 40

struct text_flow {
    struct buf *text;
    /* Line ends that stand at the end of the text and that have to. */
    unsigned newlines, newlines_due;
    /* Blanks to put down, and whether one stands there already. */
    unsigned spaces_due;
    bool after_space, has_text;
    size_t column;
    /* What every line begins with. */
    char indent[FLOW_INDENT_MAX];
    size_t indent_bytes;
    /* Instead of the last bytes of the indent on the next line: an item's mark. */
    char marker[16];
    size_t marker_bytes;
};

void text_flow_init(struct text_flow *flow, struct buf *text);
/* The next thing begins a line, with count - 1 empty ones before it. */
void text_flow_newline(struct text_flow *flow, unsigned count);
/* The next thing is `count` blanks away, if it is on the same line. */
void text_flow_space(struct text_flow *flow, unsigned count);
/* Something visible without a blank in it, about `width` columns wide. */
void text_flow_word(struct text_flow *flow, struct str bytes, size_t width);
/* Something that takes no room by itself: a Liquid control tag. */
void text_flow_tag(struct text_flow *flow, struct str bytes);
/* A line end that is in the source and stays (br, pre). */
void text_flow_break(struct text_flow *flow);
/* Deeper by `bytes`; returns by how much, for text_flow_outdent. */
size_t text_flow_indent(struct text_flow *flow, struct str bytes);
void text_flow_outdent(struct text_flow *flow, size_t bytes);
/* The mark of a list's item, on the next line in place of the end of its indent. */
void text_flow_marker(struct text_flow *flow, struct str marker);
/* One line end at the end. */
void text_flow_finish(struct text_flow *flow);

/* The bytes at the front of s, which is not empty, that separate words: one blank of
 * any kind, or 0. */
size_t text_blank_bytes(struct str s);
/* The same for a character without width, with which preheaders are filled up: always
 * those that join nothing, at the beginning of a word the joiners too. */
size_t text_filler_bytes(struct str s, bool at_word_start);

#endif
