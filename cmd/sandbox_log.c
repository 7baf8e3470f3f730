#include "cmd/sandbox_log.h"

#include "core/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Two buffers change places: one gathers under the mutex, the other is written without
 * it. While a sync runs, the lines of everybody else gather and share the next one, so
 * the cost of a sync is divided by as many messages as are waiting for it.
 */
struct sandbox_log {
    int fd;
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct buf gathered, writing;
    uint64_t appended;
    _Atomic uint64_t durable;
    _Atomic int failed;
    bool stops;
    pthread_t flusher;
    void (*flushed)(void *self);
    void *self;
};

/* 0 or errno. */
static int write_all(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t wrote = write(fd, bytes.p, bytes.n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return errno;
        bytes = str_from(bytes, (size_t)wrote);
    }
    return 0;
}

static int write_and_sync(int fd, struct str bytes)
{
    int failed = write_all(fd, bytes);
    if (failed == 0 && fdatasync(fd) != 0 && errno != EINVAL && errno != EROFS)
        failed = errno; /* a pipe or /dev/null cannot be synced, and need not be */
    return failed;
}

/* Waits for lines and takes them into `writing`; false when there will be none. */
static bool flusher_take(struct sandbox_log *log, uint64_t *end)
{
    pthread_mutex_lock(&log->mutex);
    while (log->gathered.n == 0 && !log->stops)
        pthread_cond_wait(&log->filled, &log->mutex);
    struct buf taken = log->gathered;
    log->gathered = log->writing;
    log->writing = taken;
    *end = log->appended;
    pthread_mutex_unlock(&log->mutex);
    return log->writing.n > 0;
}

static void *flusher_run(void *self)
{
    struct sandbox_log *log = self;
    uint64_t end;
    while (flusher_take(log, &end)) {
        int failed = log->failed != 0 ? log->failed
                                      : write_and_sync(log->fd, buf_str(&log->writing));
        if (failed == 0)
            log->durable = end;
        else
            log->failed = failed;
        buf_clear(&log->writing);
        log->flushed(log->self);
    }
    return NULL;
}

/* The name of a new file is durable only when its folder is. */
static void sync_folder_of(const char *path)
{
    struct str folder = str_of(path);
    const char *slash = strrchr(path, '/');
    folder = slash == NULL ? STR(".") : str_head(folder, (size_t)(slash - path) + 1);
    char *name = strndup(folder.p, folder.n);
    int fd = name != NULL ? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(name);
}

enum err sandbox_log_open(const char *path, void (*flushed)(void *self), void *self,
                          struct sandbox_log **to, struct error *error)
{
    struct sandbox_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return error_set(error, ERR_MEMORY, "cannot open: %s: out of memory", path);
    buf_init(&log->gathered, SANDBOX_LOG_GATHER_MAX);
    buf_init(&log->writing, SANDBOX_LOG_GATHER_MAX);
    pthread_mutex_init(&log->mutex, NULL);
    pthread_cond_init(&log->filled, NULL);
    log->flushed = flushed;
    log->self = self;
    log->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (log->fd < 0) {
        (void)error_cannot_write(error, "cannot open the accept log", path, errno,
                                 "--log");
        goto fail_open;
    }
    sync_folder_of(path);
    if (pthread_create(&log->flusher, NULL, flusher_run, log) != 0) {
        (void)error_set(error, ERR_OS, "cannot start a thread: accept log: %s",
                        strerror(errno));
        goto fail_thread;
    }
    *to = log;
    return ERR_NONE;

fail_thread:
    close(log->fd);
fail_open:
    free(log);
    return error->code;
}

void sandbox_log_close(struct sandbox_log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->mutex);
    log->stops = true;
    pthread_cond_signal(&log->filled);
    pthread_mutex_unlock(&log->mutex);
    pthread_join(log->flusher, NULL);
    close(log->fd);
    buf_fini(&log->gathered);
    buf_fini(&log->writing);
    pthread_cond_destroy(&log->filled);
    pthread_mutex_destroy(&log->mutex);
    free(log);
}

uint64_t sandbox_log_append(struct sandbox_log *log, struct str lines)
{
    pthread_mutex_lock(&log->mutex);
    bool was_empty = log->gathered.n == 0;
    buf_append(&log->gathered, lines);
    if (log->gathered.failed != ERR_NONE)
        log->failed = ENOMEM;
    log->appended += lines.n;
    uint64_t end = log->appended;
    if (was_empty)
        pthread_cond_signal(&log->filled);
    pthread_mutex_unlock(&log->mutex);
    return end;
}

uint64_t sandbox_log_durable(const struct sandbox_log *log)
{
    return log->durable;
}

int sandbox_log_has_failed(const struct sandbox_log *log)
{
    return log->failed;
}
