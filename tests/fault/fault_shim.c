/*
 * fault_shim - makes the nth call of one kind fail, in a program that does not know it
 *
 * For LD_PRELOAD. BROADSIDE_FAULT=KIND:N:WHAT, where KIND is
 *   alloc: malloc, calloc, realloc, posix_memalign; fail (once) or out (from then on)
 *   write: pwrite64, ftruncate64; EIO, ENOSPC (from then on), short (once), kill, power
 *   sync: fdatasync, fsync; EIO (from then on), kill, power, slow (2 s, from then on)
 *   read: pread64; EIO (from then on), short (once)
 *   send: sendmsg; short (once: one octet), again (once: EAGAIN), reset, kill
 *   recv: recv; short (once: one octet), again, reset, kill
 *
 * N counts from 1; N = 0 only counts. BROADSIDE_FAULT_COUNT=FILE: how many calls of
 * that kind there were is written there at the end.
 *
 * power is a power failure: the process is killed, and of what was written since the
 * last sync of its file some sectors of 512 bytes are there and others are as before,
 * at random (the same for the same N).
 *
 * The 64-bit names are the ones that SQLite and this program call on Linux.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

enum kind {
    KIND_NONE,
    KIND_ALLOC,
    KIND_WRITE,
    KIND_SYNC,
    KIND_READ,
    KIND_SEND,
    KIND_RECV
};

enum what { WHAT_NOTHING, WHAT_SHORT, WHAT_ERROR, WHAT_KILL, WHAT_POWER, WHAT_SLOW };

static enum kind fault_kind;
static enum what fault_what;
static unsigned long fault_at;
static int fault_errno;
/* The fault stays: a full disk, a dead one, no memory any more. */
static bool fault_stays;
static atomic_ulong calls;
/* Nothing fails, and nothing is counted, before the program's own code runs. */
static bool is_armed;

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

static const struct {
    const char *name;
    enum kind kind;
} kinds[] = {
    {"alloc", KIND_ALLOC}, {"write", KIND_WRITE}, {"sync", KIND_SYNC},
    {"read", KIND_READ},   {"send", KIND_SEND},   {"recv", KIND_RECV},
};

static const struct {
    const char *name;
    enum what what;
    int error;
    bool stays;
} whats[] = {
    {"fail", WHAT_ERROR, ENOMEM, false},      {"out", WHAT_ERROR, ENOMEM, true},
    {"EIO", WHAT_ERROR, EIO, true},           {"ENOSPC", WHAT_ERROR, ENOSPC, true},
    {"reset", WHAT_ERROR, ECONNRESET, false}, {"again", WHAT_ERROR, EAGAIN, false},
    {"short", WHAT_SHORT, 0, false},          {"kill", WHAT_KILL, 0, false},
    {"power", WHAT_POWER, 0, false},          {"slow", WHAT_SLOW, 0, true},
};

static void choose_what(const char *name)
{
    for (size_t i = 0; i < sizeof whats / sizeof *whats; i++)
        if (strcmp(name, whats[i].name) == 0) {
            fault_what = whats[i].what;
            fault_errno = whats[i].error;
            fault_stays = whats[i].stays;
        }
}

__attribute__((constructor)) static void begin(void)
{
    const char *plan = getenv("BROADSIDE_FAULT");
    char kind[16], what[16];
    if (plan == NULL || sscanf(plan, "%15[^:]:%lu:%15s", kind, &fault_at, what) != 3)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i].name) == 0)
            fault_kind = kinds[i].kind;
    choose_what(what);
    is_armed = true;
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("BROADSIDE_FAULT_COUNT");
    if (!is_armed || path == NULL)
        return;
    is_armed = false;
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return;
    fprintf(file, "%lu\n", atomic_load(&calls));
    fclose(file);
}

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* ---- power failure ------------------------------------------------------------- */

#define SECTOR_BYTES 512

/* What a write that was not synced yet has replaced; newest first. */
struct unsynced {
    struct unsynced *before;
    int file;
    off64_t at;
    size_t bytes;
    char was[];
};

static struct unsynced *unsynced;
static pthread_mutex_t unsynced_mutex = PTHREAD_MUTEX_INITIALIZER;

static void remember_write(int file, size_t bytes, off64_t at)
{
    ssize_t (*call)(int, void *, size_t, off64_t);
    if (fault_what != WHAT_POWER)
        return;
    /* Beyond the end there were zeros, or the file was shorter: as good. */
    struct unsynced *write = __libc_calloc(1, sizeof *write + bytes);
    if (write == NULL)
        abort();
    *(void **)&call = real("pread64");
    (void)!call(file, write->was, bytes, at);
    write->file = file;
    write->at = at;
    write->bytes = bytes;
    pthread_mutex_lock(&unsynced_mutex);
    write->before = unsynced;
    unsynced = write;
    pthread_mutex_unlock(&unsynced_mutex);
}

static void forget_writes(int file)
{
    pthread_mutex_lock(&unsynced_mutex);
    for (struct unsynced **at = &unsynced; *at != NULL;) {
        struct unsynced *write = *at;
        if (write->file == file) {
            *at = write->before;
            free(write);
        } else {
            at = &write->before;
        }
    }
    pthread_mutex_unlock(&unsynced_mutex);
}

static void fail_power(void)
{
    ssize_t (*call)(int, const void *, size_t, off64_t);
    *(void **)&call = real("pwrite64");
    srandom((unsigned)fault_at);
    pthread_mutex_lock(&unsynced_mutex);
    for (struct unsynced *write = unsynced; write != NULL; write = write->before)
        for (size_t from = 0; from < write->bytes;) {
            size_t in_sector = (size_t)(write->at + (off64_t)from) % SECTOR_BYTES;
            size_t bytes = SECTOR_BYTES - in_sector;
            if (bytes > write->bytes - from)
                bytes = write->bytes - from;
            if (random() % 2 == 0)
                (void)!call(write->file, write->was + from, bytes,
                            write->at + (off64_t)from);
            from += bytes;
        }
    kill(getpid(), SIGKILL);
}

/* ---- whose turn it is ---------------------------------------------------------- */

/* What is to become of this call. */
static enum what turn(enum kind kind)
{
    if (!is_armed || kind != fault_kind)
        return WHAT_NOTHING;
    unsigned long number = atomic_fetch_add(&calls, 1) + 1;
    if (fault_at == 0 || number < fault_at || (number > fault_at && !fault_stays))
        return WHAT_NOTHING;
    if (fault_what == WHAT_KILL)
        kill(getpid(), SIGKILL);
    if (fault_what == WHAT_POWER)
        fail_power();
    if (fault_what == WHAT_SLOW)
        sleep(2);
    errno = fault_errno;
    return fault_what;
}

/* ---- memory -------------------------------------------------------------------- */

void *malloc(size_t bytes)
{
    return turn(KIND_ALLOC) == WHAT_ERROR ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return turn(KIND_ALLOC) == WHAT_ERROR ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
    return turn(KIND_ALLOC) == WHAT_ERROR ? NULL : __libc_realloc(memory, bytes);
}

int posix_memalign(void **to, size_t alignment, size_t bytes)
{
    void *memory = NULL;
    if (turn(KIND_ALLOC) != WHAT_ERROR)
        memory = __libc_memalign(alignment, bytes);
    if (memory == NULL)
        return ENOMEM;
    *to = memory;
    return 0;
}

/* ---- files --------------------------------------------------------------------- */

ssize_t pwrite64(int file, const void *from, size_t bytes, off64_t at)
{
    enum what what = turn(KIND_WRITE);
    if (what == WHAT_ERROR)
        return -1;
    if (what == WHAT_SHORT)
        bytes = (bytes + 1) / 2;
    remember_write(file, bytes, at);
    ssize_t (*call)(int, const void *, size_t, off64_t);
    *(void **)&call = real("pwrite64");
    return call(file, from, bytes, at);
}

int ftruncate64(int file, off64_t bytes)
{
    if (turn(KIND_WRITE) == WHAT_ERROR)
        return -1;
    int (*call)(int, off64_t);
    *(void **)&call = real("ftruncate64");
    return call(file, bytes);
}

static int sync_file(const char *name, int file)
{
    if (turn(KIND_SYNC) == WHAT_ERROR)
        return -1;
    int (*call)(int);
    *(void **)&call = real(name);
    int rc = call(file);
    forget_writes(file);
    return rc;
}

int fdatasync(int file)
{
    return sync_file("fdatasync", file);
}

int fsync(int file)
{
    return sync_file("fsync", file);
}

ssize_t pread64(int file, void *to, size_t bytes, off64_t at)
{
    enum what what = turn(KIND_READ);
    if (what == WHAT_ERROR)
        return -1;
    if (what == WHAT_SHORT)
        bytes = (bytes + 1) / 2;
    ssize_t (*call)(int, void *, size_t, off64_t);
    *(void **)&call = real("pread64");
    return call(file, to, bytes, at);
}

/* ---- sockets ------------------------------------------------------------------- */

ssize_t sendmsg(int to, const struct msghdr *message, int flags)
{
    enum what what = turn(KIND_SEND);
    if (what == WHAT_ERROR)
        return -1;
    if (what == WHAT_SHORT && message->msg_iovlen > 0 &&
        message->msg_iov[0].iov_len > 0)
        return send(to, message->msg_iov[0].iov_base, 1, flags);
    ssize_t (*call)(int, const struct msghdr *, int);
    *(void **)&call = real("sendmsg");
    return call(to, message, flags);
}

ssize_t recv(int from, void *to, size_t bytes, int flags)
{
    enum what what = turn(KIND_RECV);
    if (what == WHAT_ERROR)
        return -1;
    ssize_t (*call)(int, void *, size_t, int);
    *(void **)&call = real("recv");
    return call(from, to, what == WHAT_SHORT ? 1 : bytes, flags);
}
