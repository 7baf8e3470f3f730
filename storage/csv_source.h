/*
 * csv_source.h - the bytes of a file as UTF-8, and the lines in them
 *
 * Opens a file, a pipe or standard input, converts with iconv where another encoding
 * is named, eats a byte order mark, and hands out physical lines (ended by LF, CR LF or
 * CR). Bytes that are not what the encoding says come out as 0xFF, which is never valid
 * UTF-8: the row they stand in will be rejected, the rest not.
 *
 * Owns:    its buffers and the descriptor.
 * Thread:  one at a time.
 * Errors:  ERR_NO_INPUT, ERR_PERMISSION, ERR_OS, ERR_MEMORY; ERR_USAGE for an unknown
 *          encoding; ERR_DATA for UTF-16 without being told so.
 * Limits:  CSV_SOURCE_BYTES of buffer; a longer line comes in pieces.
 */
#ifndef BROADSIDE_STORAGE_CSV_SOURCE_H
#define BROADSIDE_STORAGE_CSV_SOURCE_H

#include "core/base/err.h"
#include "core/base/str.h"

#define CSV_SOURCE_BYTES (256U << 10)

struct csv_source;

struct csv_line {
    /* With its line end, if it has one. */
    struct str bytes;
    /* False: the line goes on in the next piece. */
    bool ends;
};

/* `path` "-" is standard input; `name` is for messages. */
MUST_CHECK enum err csv_source_open(const char *path, const char *name,
                                    const char *encoding, struct csv_source **source,
                                    struct error *error);
void csv_source_close(struct csv_source *source);
/* ERR_NOT_FOUND at the end of the input. The line is good until the next call. */
MUST_CHECK enum err csv_source_next(struct csv_source *source, struct csv_line *line,
                                    struct error *error);
/* What the next calls will hand out, without taking it: the whole buffer. */
MUST_CHECK enum err csv_source_peek(struct csv_source *source, struct str *bytes,
                                    struct error *error);
/* Bytes of the file read so far; the size of the file, 0 if it has none. */
uint64_t csv_source_position(const struct csv_source *source);
uint64_t csv_source_size(const struct csv_source *source);
/* True if `path` names the file that is being read. */
bool csv_source_is_file(const struct csv_source *source, const char *path);
/* True if the file was written to since it was opened. */
bool csv_source_has_changed(const struct csv_source *source);

#endif
