/*
 * output.h - where a result goes: standard output, or a file that is complete or absent
 *
 * A file is written beside its final name and renamed when all of it is on the disk,
 * so that no reader and no crash ever sees half a report. What is no regular file
 * (/dev/null, a pipe) is written to directly.
 *
 * Owns:    the stream, from output_open to output_finish.
 * Thread:  main.
 * Errors:  ERR_STORAGE, with the file's name.
 */
#ifndef BROADSIDE_CMD_OUTPUT_H
#define BROADSIDE_CMD_OUTPUT_H

#include "core/base/err.h"

#include <limits.h>
#include <stdio.h>

struct output {
    FILE *to;
    /* NULL for standard output. */
    const char *path;
    /* The file being written; "" if that is `path` itself. */
    char unfinished[PATH_MAX];
};

/* `path` NULL or "-": standard output. It has to stay until output_finish. */
MUST_CHECK enum err output_open(struct output *output, const char *path,
                                struct error *error);
/* Ends it: under its name if `keep`, otherwise nothing is left of it. */
MUST_CHECK enum err output_finish(struct output *output, bool keep,
                                  struct error *error);

#endif
