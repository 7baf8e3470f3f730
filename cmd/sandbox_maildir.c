#include "cmd/sandbox_maildir.h"

#include "core/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static _Atomic uint64_t file_count;

static bool make_folder(int at, const char *name)
{
    return mkdirat(at, name, 0755) == 0 || errno == EEXIST;
}

enum err sandbox_maildir_open(const char *path, int *folder, struct error *error)
{
    if (!make_folder(AT_FDCWD, path))
        goto fail;
    *folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0)
        goto fail;
    if (make_folder(*folder, "tmp") && make_folder(*folder, "new") &&
        make_folder(*folder, "cur"))
        return ERR_NONE;
    close(*folder);
fail:
    return error_cannot_write(error, "cannot make a Maildir", path, errno, "--dir");
}

/* "tmp/<seconds>.M<ms>P<pid>Q<count>.sandbox": unique, and in order of arrival. */
static void file_open(struct sandbox_file *file, int folder)
{
    int64_t now_ms = clock_wall_ms();
    snprintf(file->name, sizeof file->name, "tmp/%lld.M%03dP%dQ%09llu.sandbox",
             (long long)(now_ms / 1000), (int)(now_ms % 1000), (int)getpid(),
             (unsigned long long)file_count++);
    file->failed = 0;
    file->fd =
        openat(folder, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file->fd < 0)
        file->failed = errno;
    file->is_open = true;
}

void sandbox_file_write(struct sandbox_file *file, int folder, struct str bytes)
{
    if (!file->is_open)
        file_open(file, folder);
    while (file->failed == 0 && bytes.n > 0) {
        ssize_t wrote = write(file->fd, bytes.p, bytes.n);
        if (wrote < 0 && errno != EINTR)
            file->failed = errno;
        if (wrote > 0)
            bytes = str_from(bytes, (size_t)wrote);
    }
}

static void file_close(struct sandbox_file *file)
{
    if (file->fd >= 0 && close(file->fd) != 0 && file->failed == 0)
        file->failed = errno;
    file->is_open = false;
}

int sandbox_file_commit(struct sandbox_file *file, int folder)
{
    char name[SANDBOX_FILE_NAME_BYTES];
    sandbox_file_write(file, folder, STR(""));
    file_close(file);
    snprintf(name, sizeof name, "new%s", file->name + strlen("tmp"));
    if (file->failed == 0 && renameat(folder, file->name, folder, name) != 0)
        file->failed = errno;
    if (file->failed != 0)
        (void)unlinkat(folder, file->name, 0);
    return file->failed;
}

void sandbox_file_abandon(struct sandbox_file *file, int folder)
{
    if (!file->is_open)
        return;
    file_close(file);
    (void)unlinkat(folder, file->name, 0);
}
