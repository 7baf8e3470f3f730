/*
 * filter_run.c - one loop over poll, so that neither side waits for the other
 *
 * The input may be larger than a pipe and the program may answer before it has read
 * all of it. Both ends of ours do not block and are closed in the child.
 */
#include "cmd/filter_run.h"

#include "core/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

struct filter {
    const char *name;
    const struct str *input;
    size_t input_count, input_offset;
    struct buf *output;
    uint64_t deadline_ns;
    pid_t pid;
    /* Our ends; -1 when closed. */
    int to, from;
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static enum err filter_failed(const struct filter *filter, const char *why,
                              struct error *error)
{
    return error_set(error, ERR_OS, "cannot run: %s: %s", filter->name, why);
}

static int spawn(struct filter *filter, const char *const *argv, int in, int out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    int rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        (void)posix_spawnattr_setsigdefault(&attributes, &defaults);
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        rc = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO) |
             posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) |
             posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                              O_WRONLY, 0);
        /* It does not write to the arguments; the prototype is older than const. */
        if (rc == 0)
            rc = posix_spawnp(&filter->pid, filter->name, &actions, &attributes,
                              (char *const *)(uintptr_t)argv, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static enum err filter_start(struct filter *filter, const char *const *argv,
                             struct error *error)
{
    int input[2] = {-1, -1}, output[2] = {-1, -1};
    enum err err = ERR_NONE;
    if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) {
        err = filter_failed(filter, strerror(errno), error);
    } else {
        (void)fcntl(input[1], F_SETFL, O_NONBLOCK);
        (void)fcntl(output[0], F_SETFL, O_NONBLOCK);
        int rc = spawn(filter, argv, input[0], output[1]);
        if (rc == ENOENT)
            err = error_set(error, ERR_NOT_FOUND, "cannot run: %s: not installed",
                            filter->name);
        else if (rc != 0)
            err = filter_failed(filter, strerror(rc), error);
    }
    close_end(&input[0]);
    close_end(&output[1]);
    filter->to = input[1];
    filter->from = output[0];
    return err;
}

/* Writes what the pipe takes; closes it behind the last byte, or if nobody reads. */
static void filter_feed(struct filter *filter)
{
    while (filter->input_count > 0) {
        struct str rest = str_from(*filter->input, filter->input_offset);
        ssize_t n = rest.n > 0 ? write(filter->to, rest.p, rest.n) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            break;
        filter->input_offset += (size_t)n;
        if (filter->input_offset == filter->input->n) {
            filter->input++;
            filter->input_count--;
            filter->input_offset = 0;
        }
    }
    close_end(&filter->to);
}

/* False at the end of its output. */
static bool filter_drain(struct filter *filter)
{
    char *to = buf_reserve(filter->output, 16384);
    if (to == NULL)
        return false;
    ssize_t n = read(filter->from, to, 16384);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    filter->output->n += (size_t)n;
    return n > 0;
}

static enum err filter_talk(struct filter *filter, struct error *error)
{
    bool goes_on = true;
    while (goes_on) {
        uint64_t now_ns = clock_mono_ns();
        struct pollfd ends[2] = {{.fd = filter->from, .events = POLLIN},
                                 {.fd = filter->to, .events = POLLOUT}};
        if (now_ns >= filter->deadline_ns)
            return filter_failed(filter, "no answer within a minute", error);
        int left_ms = (int)((filter->deadline_ns - now_ns) / 1000000) + 1;
        if (poll(ends, 2, left_ms) < 0 && errno != EINTR)
            return filter_failed(filter, strerror(errno), error);
        if (ends[1].revents != 0)
            filter_feed(filter);
        if (ends[0].revents != 0)
            goes_on = filter_drain(filter);
    }
    if (filter->output->failed != ERR_NONE)
        return error_set(error, filter->output->failed,
                         "cannot run: %s: its answer: %s", filter->name,
                         err_words(filter->output->failed));
    return ERR_NONE;
}

/* What was not read to its end is not waited for. */
static enum err filter_reap(struct filter *filter, bool kills, struct error *error)
{
    int status = 0;
    if (kills)
        (void)kill(filter->pid, SIGKILL);
    while (waitpid(filter->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (kills || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return ERR_NONE;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return error_set(error, ERR_NOT_FOUND, "cannot run: %s: not installed",
                         filter->name);
    return filter_failed(filter, "it failed; run it by hand to see why", error);
}

enum err filter_run(const char *const *argv, const struct str *input,
                    size_t input_count, struct buf *output, struct error *error)
{
    struct filter filter = {
        .name = argv[0],
        .input = input,
        .input_count = input_count,
        .output = output,
        .deadline_ns = clock_mono_ns() + FILTER_SECONDS * NS_PER_S,
        .to = -1,
        .from = -1,
    };
    enum err err = filter_start(&filter, argv, error);
    if (err == ERR_NONE) {
        err = filter_talk(&filter, error);
        close_end(&filter.to);
        enum err reap_err = filter_reap(&filter, err != ERR_NONE, error);
        err = err != ERR_NONE ? err : reap_err;
    }
    close_end(&filter.to);
    close_end(&filter.from);
    return err;
}
