/*
 * files.h - a campaign's files, read whole and once
 *
 * Owns:    nothing; contents lie in the given arena.
 * Thread:  main.
 * Errors:  ERR_NO_INPUT, ERR_PERMISSION, ERR_LIMIT, ERR_OS, ERR_MEMORY, with the path.
 * Limits:  the caller's; only regular files, so a FIFO or a device cannot hang us.
 */
#ifndef BROADSIDE_CMD_FILES_H
#define BROADSIDE_CMD_FILES_H

#include "core/base/arena.h"
#include "core/base/err.h"

/* `path`, taken from `folder` if it is relative, as one terminated string. */
struct str file_join(struct arena *arena, struct str folder, struct str path);
/* The part of a path before its last slash, "." if there is none. */
struct str file_folder(struct str path);
/* The part behind the last slash. */
struct str file_name(struct str path);

/* The content of the file at `path` (terminated). */
MUST_CHECK enum err file_read(const char *path, size_t bytes_max, struct arena *arena,
                              struct str *content, struct error *error);
/* The same for a path that must lie beneath `folder`: not absolute, no "..", and no
 * component may be a link, so that whoever may write a campaign file cannot mail out
 * a file from elsewhere. */
MUST_CHECK enum err file_read_beneath(struct str folder, struct str path,
                                      size_t bytes_max, struct arena *arena,
                                      struct str *content, struct error *error);
/* True if there is something at `path` (terminated). */
bool file_is_there(const char *path);

#endif
