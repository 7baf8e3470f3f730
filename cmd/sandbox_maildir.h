/*
 * sandbox_maildir.h - messages as files, byte for byte as they were received
 *
 * Written to tmp/, renamed into new/ when complete. No header is added and line ends
 * stay CRLF, so a file's digest is the one in the accept log. The files are not
 * synced: the accept log is what survives a loss of power.
 *
 * Owns:    a sandbox_file owns its descriptor and its name until commit or abandon.
 * Thread:  any; a file one at a time.
 * Errors:  errno, kept in the file until commit.
 * Source:  the maildir specification, cr.yp.to/proto/maildir.html.
 */
#ifndef BROADSIDE_CMD_SANDBOX_MAILDIR_H
#define BROADSIDE_CMD_SANDBOX_MAILDIR_H

#include "core/base/err.h"
#include "core/base/str.h"

#define SANDBOX_FILE_NAME_BYTES 96

/* Zero-initialised: no file. */
struct sandbox_file {
    bool is_open;
    int fd, failed;
    char name[SANDBOX_FILE_NAME_BYTES];
};

/* Makes `path` and its tmp, new, cur where missing; *folder is an open descriptor. */
MUST_CHECK enum err sandbox_maildir_open(const char *path, int *folder,
                                         struct error *error);

/* Opens the file with the first bytes. */
void sandbox_file_write(struct sandbox_file *file, int folder, struct str bytes);
/* 0, or the errno of what failed: then there is no file. */
MUST_CHECK int sandbox_file_commit(struct sandbox_file *file, int folder);
void sandbox_file_abandon(struct sandbox_file *file, int folder);

#endif
