/*
 * sandbox.c - `broadside sandbox`: an SMTP server to try things against
 *
 * The main thread is the first desk and accepts; --threads adds more desks, which get
 * the connections in turn.
 */
#include "cmd/command.h"
#include "cmd/sandbox_desk.h"
#include "cmd/sandbox_maildir.h"
#include "core/base/clock.h"
#include "core/net/listener.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define DESKS_MAX         64
#define MESSAGE_BYTES_MAX (64u << 20)
#define HOST_BYTES        256

enum { TLS_AUTO, TLS_NONE, TLS_IMPLICIT };

struct sandbox_values {
    const char *listen, *dir, *log, *auth;
    bool discard, no_pipelining, no_chunking;
    uint64_t latency_ms, threads;
    unsigned tls;
};

static const struct sandbox_values sandbox_defaults = {
    .listen = "127.0.0.1:2525", .tls = TLS_NONE, .threads = 1};

#define AT(member) offsetof(struct sandbox_values, member)
static const struct option sandbox_options[] = {
    {"listen", OPTION_TEXT, "HOST:PORT", AT(listen),
     "where (default 127.0.0.1:2525); port 0 takes any, standard output says which", 0,
     0},
    {"dir", OPTION_TEXT, "DIR", AT(dir),
     "keep messages in this Maildir, byte for byte, made if missing", 0, 0},
    {"discard", OPTION_FLAG, NULL, AT(discard),
     "keep no message, only count (the default without --dir)", 0, 0},
    {"log", OPTION_TEXT, "FILE", AT(log),
     "a JSON line per accepted recipient, written and synced before the 250", 0, 0},
    {"latency", OPTION_COUNT, "MS", AT(latency_ms),
     "hold every reply back for so long, as a round trip would", 0, 60000},
    {"tls", OPTION_CHOICE, "auto|none|implicit", AT(tls),
     "none (the default) is all there is for now", 0, 0},
    {"auth", OPTION_TEXT, "USER:PASSWORD-FILE", AT(auth),
     "needs TLS, which is not there yet", 0, 0},
    {"no-pipelining", OPTION_FLAG, NULL, AT(no_pipelining),
     "do not offer PIPELINING, and refuse it", 0, 0},
    {"no-chunking", OPTION_FLAG, NULL, AT(no_chunking), "do not offer CHUNKING", 0, 0},
    {"threads", OPTION_COUNT, "N", AT(threads), "serve with N threads (default 1)", 1,
     DESKS_MAX},
    {0},
};
#undef AT

static const char sandbox_details[] =
    "It accepts everything, strictly by the book, until it is interrupted. The local\n"
    "part of a recipient picks a reply; digits and +tags behind the word are allowed\n"
    "(bounce17@, bounce+x@):\n"
    "  bounce@  550 5.1.1                 full@  452 4.2.2\n"
    "  defer@   451 4.7.1 the first time, accepted from the second on\n"
    "  busy@    421 4.3.2, and closes     spam@  554 5.7.1 after the data\n"
    "  drop@    closes after the data without a reply: not accepted, not logged\n"
    "  slow@    answers RCPT after 2 s\n";

struct sandbox {
    struct sandbox_shop shop;
    struct sandbox_desk desks[DESKS_MAX];
    pthread_t threads[DESKS_MAX];
    size_t desk_count, thread_count, next_desk;
    struct net_listener *listener;
    char host[HOST_BYTES];
};

static void sandbox_accepted(void *self, int socket)
{
    struct sandbox *sandbox = self;
    sandbox_desk_take(&sandbox->desks[sandbox->next_desk], socket);
    sandbox->next_desk = (sandbox->next_desk + 1) % sandbox->desk_count;
}

static void sandbox_stop(struct sandbox *sandbox)
{
    for (size_t i = 0; i < sandbox->desk_count; i++)
        sandbox_desk_stop(&sandbox->desks[i]);
}

static void sandbox_signalled(void *self, int signal_number)
{
    (void)signal_number;
    sandbox_stop(self);
}

/* In the log's own thread. */
static void sandbox_log_flushed(void *self)
{
    struct sandbox *sandbox = self;
    for (size_t i = 0; i < sandbox->desk_count; i++)
        sandbox_desk_wake(&sandbox->desks[i]);
    if (sandbox_log_has_failed(sandbox->shop.log) != 0)
        sandbox_stop(sandbox);
}

static void *sandbox_thread(void *desk)
{
    sandbox_desk_run(desk);
    return NULL;
}

/* "host:port", "[::1]:port". */
static enum err parse_listen(const char *text, struct str *host, uint16_t *port,
                             struct error *error)
{
    const char *colon = strrchr(text, ':');
    uint64_t number = 0;
    *host = colon != NULL ? str_slice(text, (size_t)(colon - text)) : STR("");
    if (host->n >= 2 && host->p[0] == '[' && host->p[host->n - 1] == ']')
        *host = str_slice(host->p + 1, host->n - 2);
    if (host->n == 0 || !str_to_u64(str_of(colon + 1), &number) || number > UINT16_MAX)
        return error_set(
            error, ERR_USAGE,
            "bad option: --listen %s: not HOST:PORT; write one such as 127.0.0.1:2525",
            text);
    *port = (uint16_t)number;
    return ERR_NONE;
}

static enum err check_values(const struct sandbox_values *values, struct error *error)
{
    if (values->tls != TLS_NONE)
        return error_set(error, ERR_PROTOCOL,
                         "bad option: --tls: TLS is not there yet; use --tls none");
    if (values->auth != NULL)
        return error_set(
            error, ERR_PROTOCOL,
            "bad option: --auth: it needs TLS, which is not there yet; leave it out");
    if (values->dir != NULL && values->discard)
        return error_set(
            error, ERR_USAGE,
            "bad option: --discard: --dir keeps the messages; give one of them");
    return ERR_NONE;
}

static enum err open_desks(struct sandbox *sandbox, size_t count, struct error *error)
{
    for (; sandbox->desk_count < count; sandbox->desk_count++) {
        enum err err =
            sandbox_desk_init(&sandbox->desks[sandbox->desk_count], &sandbox->shop);
        if (err != ERR_NONE)
            return error_set(error, err, "cannot start: event loop: %s",
                             err_words(err));
    }
    return ERR_NONE;
}

/* The other desks' threads leave the signals to the main one. */
static enum err start_threads(struct sandbox *sandbox, struct error *error)
{
    enum err err = ERR_NONE;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 1; i < sandbox->desk_count && err == ERR_NONE; i++) {
        if (pthread_create(&sandbox->threads[sandbox->thread_count], NULL,
                           sandbox_thread, &sandbox->desks[i]) == 0)
            sandbox->thread_count++;
        else
            err =
                error_set(error, ERR_OS, "cannot start: the sandbox: no more threads");
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

static enum err open_shop(struct sandbox *sandbox, const struct sandbox_values *values,
                          struct error *error)
{
    struct sandbox_shop *shop = &sandbox->shop;
    if (gethostname(sandbox->host, sizeof sandbox->host - 1) != 0 ||
        sandbox->host[0] == '\0')
        strcpy(sandbox->host, "localhost");
    shop->server = (struct smtp_server_settings){
        .host = str_of(sandbox->host),
        .offers_pipelining = !values->no_pipelining,
        .offers_chunking = !values->no_chunking,
        .bytes_max = MESSAGE_BYTES_MAX,
    };
    shop->latency_ns = values->latency_ms * NS_PER_MS;
    shop->maildir = -1;
    shop->memory = sandbox_memory_new();
    if (shop->memory == NULL)
        return error_set(error, ERR_MEMORY, "cannot start: the sandbox: out of memory");
    if (values->dir != NULL &&
        sandbox_maildir_open(values->dir, &shop->maildir, error) != ERR_NONE)
        return error->code;
    if (values->log != NULL)
        return sandbox_log_open(values->log, sandbox_log_flushed, sandbox, &shop->log,
                                error);
    return ERR_NONE;
}

static enum err open_door(struct sandbox *sandbox, const struct sandbox_values *values,
                          struct error *error)
{
    struct net_loop *loop = sandbox->desks[0].loop;
    struct str host;
    uint16_t port = 0;
    if (parse_listen(values->listen, &host, &port, error) != ERR_NONE)
        return error->code;
    if (net_loop_on_signal(loop, SIGINT, sandbox_signalled, sandbox) != ERR_NONE ||
        net_loop_on_signal(loop, SIGTERM, sandbox_signalled, sandbox) != ERR_NONE)
        return error_set(error, ERR_OS,
                         "cannot start: the sandbox: signals cannot be watched");
    return net_listener_open(loop, host, port, sandbox_accepted, sandbox,
                             &sandbox->listener, error);
}

/* Every desk is closed before the log, which they wait for. */
static void sandbox_close(struct sandbox *sandbox)
{
    sandbox_stop(sandbox);
    for (size_t i = 0; i < sandbox->thread_count; i++)
        pthread_join(sandbox->threads[i], NULL);
    net_listener_close(sandbox->listener);
    sandbox_log_close(sandbox->shop.log);
    for (size_t i = 0; i < sandbox->desk_count; i++)
        sandbox_desk_fini(&sandbox->desks[i]);
    sandbox_memory_free(sandbox->shop.memory);
    if (sandbox->shop.maildir >= 0)
        close(sandbox->shop.maildir);
}

static void print_summary(const struct sandbox *sandbox)
{
    struct sandbox_counts all = {0};
    for (size_t i = 0; i < sandbox->desk_count; i++) {
        const struct sandbox_counts *counts = &sandbox->desks[i].counts;
        all.connections += counts->connections;
        all.messages += counts->messages;
        all.rcpts += counts->rcpts;
        all.bytes += counts->bytes;
        all.refused += counts->refused;
    }
    (void)fprintf(stderr,
                  "sandbox: accepted %llu messages (%llu recipients, %llu bytes), "
                  "refused %llu, over %llu connections\n",
                  (unsigned long long)all.messages, (unsigned long long)all.rcpts,
                  (unsigned long long)all.bytes, (unsigned long long)all.refused,
                  (unsigned long long)all.connections);
}

static enum err sandbox_serve(struct sandbox *sandbox, bool is_quiet,
                              struct error *error)
{
    if (start_threads(sandbox, error) != ERR_NONE)
        return error->code;
    (void)printf("listening on %s\n", net_listener_address(sandbox->listener));
    (void)fflush(stdout);
    sandbox_desk_run(&sandbox->desks[0]);
    int failed =
        sandbox->shop.log != NULL ? sandbox_log_has_failed(sandbox->shop.log) : 0;
    if (failed != 0)
        return error_set(error, ERR_STORAGE, "cannot write: accept log: %s",
                         strerror(failed));
    sandbox_stop(sandbox);
    while (sandbox->thread_count > 0)
        pthread_join(sandbox->threads[--sandbox->thread_count], NULL);
    if (!is_quiet)
        print_summary(sandbox);
    return ERR_NONE;
}

static int run_sandbox(const struct invocation *invocation, struct error *error)
{
    const struct sandbox_values *values = invocation->values;
    if (check_values(values, error) != ERR_NONE)
        return err_exit_code(error->code);
    struct sandbox *sandbox = calloc(1, sizeof *sandbox);
    if (sandbox == NULL)
        return command_fail(error, ERR_MEMORY,
                            "cannot start: the sandbox: out of memory");
    enum err err = open_shop(sandbox, values, error);
    if (err == ERR_NONE)
        err = open_desks(sandbox, values->threads, error);
    if (err == ERR_NONE)
        err = open_door(sandbox, values, error);
    if (err == ERR_NONE)
        err = sandbox_serve(sandbox, invocation->globals->quiet, error);
    sandbox_close(sandbox);
    free(sandbox);
    return err_exit_code(err);
}

const struct command command_sandbox = {
    .name = "sandbox",
    .arguments = "",
    .summary = "an SMTP server to try things against",
    .details = sandbox_details,
    .options = sandbox_options,
    .values_bytes = sizeof(struct sandbox_values),
    .defaults = &sandbox_defaults,
    .run = run_sandbox,
};
