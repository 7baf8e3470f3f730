/*
 * files.c - open once, check what was opened, read from that
 *
 * Everything is decided on the descriptor, never on the path again, so a file that is
 * swapped meanwhile cannot be a different one than the one that was checked.
 */
#include "cmd/files.h"

#include "core/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct str file_folder(struct str path)
{
    for (size_t i = path.n; i > 0; i--) {
        if (path.p[i - 1] == '/')
            return i == 1 ? str_head(path, 1) : str_head(path, i - 1);
    }
    return STR(".");
}

struct str file_name(struct str path)
{
    size_t i = path.n;
    while (i > 0 && path.p[i - 1] != '/')
        i--;
    return str_from(path, i);
}

struct str file_join(struct arena *arena, struct str folder, struct str path)
{
    if (path.n > 0 && path.p[0] == '/')
        return arena_copy(arena, path);
    char *p = arena_alloc(arena, folder.n + path.n + 2);
    if (p == NULL)
        return STR_NULL;
    memcpy(p, folder.p, folder.n);
    p[folder.n] = '/';
    memcpy(p + folder.n + 1, path.p, path.n);
    p[folder.n + 1 + path.n] = '\0';
    return str_slice(p, folder.n + 1 + path.n);
}

bool file_is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static enum err refuse_errno(struct str path, int number, struct error *error)
{
    enum err code = ERR_OS;
    if (number == ENOENT || number == ENOTDIR || number == ENAMETOOLONG)
        code = ERR_NO_INPUT;
    else if (number == EACCES || number == EPERM)
        code = ERR_PERMISSION;
    else if (number == EIO)
        code = ERR_STORAGE;
    if (number == ELOOP)
        return error_set(error, ERR_PERMISSION,
                         "cannot read: %.*s: it is a link; use a copy of the file",
                         STR_ARG(path));
    return error_set(error, code, "cannot read: %.*s: %s", STR_ARG(path),
                     strerror(number));
}

static enum err read_all(int fd, size_t bytes, struct str path, char *to,
                         struct error *error)
{
    size_t n = 0;
    while (n < bytes) {
        ssize_t got = read(fd, to + n, bytes - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return refuse_errno(path, errno, error);
        if (got == 0)
            return error_set(
                error, ERR_OS,
                "cannot read: %.*s: it became shorter meanwhile; try again",
                STR_ARG(path));
        n += (size_t)got;
    }
    return ERR_NONE;
}

static enum err read_open_file(int fd, struct str path, size_t bytes_max,
                               struct arena *arena, struct str *content,
                               struct error *error)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return refuse_errno(path, errno, error);
    if (!S_ISREG(stat.st_mode))
        return error_set(error, ERR_NO_INPUT,
                         "cannot read: %.*s: it is no regular file", STR_ARG(path));
    size_t bytes = (size_t)stat.st_size;
    if (bytes > bytes_max)
        return error_set(error, ERR_LIMIT,
                         "cannot read: %.*s: %zu bytes; give at most %zu",
                         STR_ARG(path), bytes, bytes_max);
    char *p = arena_alloc(arena, bytes + 1);
    if (p == NULL)
        return error_set(error, ERR_MEMORY, "cannot read: %.*s: out of memory",
                         STR_ARG(path));
    p[bytes] = '\0';
    *content = str_slice(p, bytes);
    return read_all(fd, bytes, path, p, error);
}

enum err file_read(const char *path, size_t bytes_max, struct arena *arena,
                   struct str *content, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return refuse_errno(str_of(path), errno, error);
    enum err err = read_open_file(fd, str_of(path), bytes_max, arena, content, error);
    (void)close(fd);
    return err;
}

/* A link to a folder fails as "not a directory"; it is a link all the same. */
static int errno_of_folder(int at, const char *component, int number)
{
    struct stat stat;
    bool is_link = number == ENOTDIR &&
                   fstatat(at, component, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
                   S_ISLNK(stat.st_mode);
    return is_link ? ELOOP : number;
}

/* Opens the next component below `at`, which it closes; -1 with errno. An empty one, as
 * in "a//b", is the folder itself. */
static int open_component(int at, struct str name, bool is_last)
{
    char component[256] = ".";
    int fd = -1, flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    if (name.n >= sizeof(component)) {
        errno = ENAMETOOLONG;
    } else if (str_equal(name, STR(".."))) {
        errno = EPERM;
    } else {
        if (name.n > 0) {
            memcpy(component, name.p, name.n);
            component[name.n] = '\0';
        }
        fd = openat(at, component, is_last ? flags : flags | O_DIRECTORY);
        if (fd < 0)
            errno = errno_of_folder(at, component, errno);
    }
    int number = errno;
    (void)close(at);
    errno = number;
    return fd;
}

enum err file_read_beneath(struct str folder, struct str path, size_t bytes_max,
                           struct arena *arena, struct str *content,
                           struct error *error)
{
    struct str root = arena_copy(arena, folder), rest = path;
    if (str_is_null(root))
        return error_set(error, ERR_MEMORY, "cannot read: %.*s: out of memory",
                         STR_ARG(path));
    if (path.n == 0 || path.p[0] == '/')
        return error_set(error, ERR_PERMISSION,
                         "cannot read: %.*s: it lies elsewhere; move it beneath the "
                         "campaign's folder",
                         STR_ARG(path));
    int fd = open(root.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0 && !str_is_null(rest)) {
        struct str name = str_split(rest, '/', &rest);
        fd = open_component(fd, name, str_is_null(rest));
    }
    if (fd < 0 && errno == EPERM)
        return error_set(error, ERR_PERMISSION,
                         "cannot read: %.*s: it lies elsewhere; move it beneath the "
                         "campaign's folder",
                         STR_ARG(path));
    if (fd < 0)
        return refuse_errno(path, errno, error);
    enum err err = read_open_file(fd, path, bytes_max, arena, content, error);
    (void)close(fd);
    return err;
}
