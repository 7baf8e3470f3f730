#include "tests/support/sink.h"

#include "core/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uthash.h>

#define SINK_CONNECTIONS_MAX 256
#define SINK_BUFFER          (512u << 10)

struct sink_connection {
    int fd;
    unsigned number, messages;
    bool in_data, is_closing, has_mail;
    char rcpt[120];
    /* Nothing is read before. */
    uint64_t paused_until_ns;
    size_t in_bytes, out_bytes, data_bytes;
    char *in, out[8192];
};

struct sink_seen {
    char rcpt[120];
    unsigned times;
    UT_hash_handle hh;
};

struct sink {
    struct sink_options options;
    pthread_t thread;
    int listener;
    uint16_t port;
    atomic_bool is_stopping;
    atomic_size_t accepted;
    struct sink_connection connections[SINK_CONNECTIONS_MAX];
    size_t open;
    unsigned peak, total, mails, mails_refused, groups;
    uint64_t mails_since_ns;
    struct sink_entry *log;
    size_t log_max;
    struct sink_seen *seen;
};

static void sink_say(struct sink_connection *c, const char *text)
{
    size_t n = strlen(text);
    if (c->out_bytes + n > sizeof c->out)
        abort();
    memcpy(c->out + c->out_bytes, text, n);
    c->out_bytes += n;
}

static bool sink_is(const struct sink_connection *c, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(c->rcpt, word, n) != 0)
        return false;
    const char *p = c->rcpt + n;
    while (*p >= '0' && *p <= '9')
        p++;
    return *p == '@';
}

static unsigned sink_times(struct sink *sink, const char *rcpt)
{
    struct sink_seen *seen = NULL;
    HASH_FIND_STR(sink->seen, rcpt, seen);
    if (seen == NULL) {
        seen = calloc(1, sizeof *seen);
        snprintf(seen->rcpt, sizeof seen->rcpt, "%s", rcpt);
        HASH_ADD_STR(sink->seen, rcpt, seen);
    }
    return ++seen->times;
}

static void sink_accept_message(struct sink *sink, struct sink_connection *c)
{
    size_t n = atomic_load(&sink->accepted);
    if (n == sink->log_max) {
        sink->log_max = n > 0 ? 2 * n : 1024;
        sink->log = reallocarray(sink->log, sink->log_max, sizeof *sink->log);
    }
    struct sink_entry *entry = &sink->log[n];
    *entry = (struct sink_entry){
        .at_ns = clock_mono_ns(), .connection = c->number, .bytes = c->data_bytes};
    memcpy(entry->rcpt, c->rcpt, sizeof entry->rcpt);
    atomic_store(&sink->accepted, n + 1);
    sink_say(c, "250 2.0.0 Ok: queued as ABC123\r\n");
}

static bool sink_is_too_much(struct sink *sink)
{
    uint64_t now_ns = clock_mono_ns(), window_ns = sink->options.mails_window_ns;
    if (window_ns > 0 && now_ns >= sink->mails_since_ns + window_ns) {
        sink->mails_since_ns = now_ns;
        sink->mails = 0;
    }
    return sink->options.limits_mails && sink->mails++ >= sink->options.mails_max;
}

static void sink_mail(struct sink *sink, struct sink_connection *c)
{
    c->rcpt[0] = '\0';
    c->has_mail = !sink_is_too_much(sink);
    if (!c->has_mail) {
        sink->mails_refused++;
        sink_say(c, "450 4.7.1 Error: too much mail from 127.0.0.1\r\n");
        return;
    }
    unsigned max = sink->options.messages_421;
    c->is_closing = max > 0 && c->messages >= max;
    sink_say(c, c->is_closing ? "421 too many messages in this connection\r\n"
                              : "250 2.1.0 Ok\r\n");
}

static void sink_rcpt(struct sink *sink, struct sink_connection *c, const char *line)
{
    const char *from = strchr(line, '<'), *to = from ? strchr(from, '>') : NULL;
    c->rcpt[0] = '\0';
    if (to != NULL)
        snprintf(c->rcpt, sizeof c->rcpt, "%.*s", (int)(to - from - 1), from + 1);
    if (!c->has_mail)
        sink_say(c, "503 5.5.1 Error: need MAIL command\r\n");
    else if (sink->options.rcpt_reply != NULL)
        sink_say(c, sink->options.rcpt_reply);
    else if (sink_is(c, "bounce"))
        sink_say(c, "550 5.1.1 no such user\r\n");
    else if (sink_is(c, "full"))
        sink_say(c, "452 4.2.2 mailbox full\r\n");
    else if (sink_is(c, "defer") && sink_times(sink, c->rcpt) == 1)
        sink_say(c, "451 4.7.1 try again later\r\n");
    else if (sink_is(c, "busy")) {
        sink_say(c, "421 4.3.2 too busy\r\n");
        c->is_closing = true;
    } else if (sink_is(c, "expel")) {
        sink_say(c, "550 5.7.1 go away\r\n");
        c->is_closing = true;
    } else if (sink_is(c, "hangup"))
        c->is_closing = true;
    else {
        sink_say(c, "250 2.1.5 Ok\r\n");
        return;
    }
    c->rcpt[0] = '\0';
}

static void sink_end_of_data(struct sink *sink, struct sink_connection *c)
{
    c->in_data = false;
    c->messages++;
    if (sink_is(c, "drop"))
        c->is_closing = true;
    else if (sink_is(c, "spam"))
        sink_say(c, "554 5.7.1 we do not want this\r\n");
    else {
        if (sink_is(c, "slow"))
            c->paused_until_ns = clock_mono_ns() + sink->options.slow_ns;
        sink_accept_message(sink, c);
    }
    if (sink->options.messages_max > 0 && c->messages >= sink->options.messages_max)
        c->is_closing = true;
    c->data_bytes = 0;
}

static void sink_command(struct sink *sink, struct sink_connection *c, const char *line)
{
    if (sink->options.breaks_pipelining && c->out_bytes > 0)
        sink_say(c, "503 5.5.1 one at a time, please\r\n");
    else if (strncasecmp(line, "EHLO", 4) == 0)
        sink_say(c, sink->options.has_pipelining
                        ? "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
                          "250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n"
                        : "250 sink\r\n");
    else if (strncasecmp(line, "MAIL", 4) == 0)
        sink_mail(sink, c);
    else if (strncasecmp(line, "RCPT", 4) == 0)
        sink_rcpt(sink, c, line);
    else if (strncasecmp(line, "DATA", 4) == 0) {
        if (c->rcpt[0] == '\0') {
            sink_say(c, "554 5.5.1 no valid recipients\r\n");
        } else {
            sink_say(c, "354 go on\r\n");
            c->in_data = true;
        }
    } else if (strncasecmp(line, "QUIT", 4) == 0) {
        sink_say(c, "221 2.0.0 bye\r\n");
        c->is_closing = true;
    } else
        sink_say(c, "250 2.0.0 Ok\r\n");
}

/* Consumes one command or one message; 0: more bytes are needed. */
static size_t sink_step(struct sink *sink, struct sink_connection *c, char *p, size_t n)
{
    if (c->in_data) {
        if (n >= 3 && c->data_bytes == 0 && memcmp(p, ".\r\n", 3) == 0) {
            sink_end_of_data(sink, c);
            return 3;
        }
        char *end = memmem(p, n, "\r\n.\r\n", 5);
        if (end == NULL)
            return 0;
        c->data_bytes = (size_t)(end - p) + 2;
        sink_end_of_data(sink, c);
        return (size_t)(end - p) + 5;
    }
    char *end = memmem(p, n, "\r\n", 2);
    if (end == NULL)
        return 0;
    *end = '\0';
    sink_command(sink, c, p);
    return (size_t)(end - p) + 2;
}

static void sink_flush(struct sink_connection *c)
{
    if (c->out_bytes > 0 && clock_mono_ns() >= c->paused_until_ns) {
        ssize_t sent = send(c->fd, c->out, c->out_bytes, MSG_NOSIGNAL);
        (void)sent;
        c->out_bytes = 0;
    }
}

static void sink_close(struct sink *sink, struct sink_connection *c)
{
    close(c->fd);
    free(c->in);
    *c = sink->connections[--sink->open];
}

/* Whether what has come is more than one command. */
static bool sink_has_group(const struct sink_connection *c)
{
    const char *end = memmem(c->in, c->in_bytes, "\r\n", 2);
    return !c->in_data && end != NULL &&
           memmem(end + 2, c->in_bytes - (size_t)(end + 2 - c->in), "\r\n", 2) != NULL;
}

static bool sink_is_reset(struct sink *sink, const struct sink_connection *c)
{
    bool has_group = sink_has_group(c);
    bool is_one_of_the_first = c->number <= sink->options.resets_first;
    sink->groups += has_group;
    return (has_group && sink->options.resets_pipelining) ||
           (is_one_of_the_first && c->in_bytes > 4 && memcmp(c->in, "EHLO", 4) != 0);
}

static void sink_reset(struct sink_connection *c)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    c->in_bytes = c->out_bytes = 0;
    c->is_closing = true;
}

static void sink_process(struct sink *sink, struct sink_connection *c)
{
    if (sink_is_reset(sink, c))
        sink_reset(c);
    size_t used = 0, step = 1;
    while (step > 0 && used < c->in_bytes && !c->is_closing &&
           clock_mono_ns() >= c->paused_until_ns && c->out_bytes < 4096) {
        step = sink_step(sink, c, c->in + used, c->in_bytes - used);
        used += step;
    }
    memmove(c->in, c->in + used, c->in_bytes - used);
    c->in_bytes -= used;
    sink_flush(c);
}

static void sink_read(struct sink *sink, struct sink_connection *c)
{
    ssize_t got =
        recv(c->fd, c->in + c->in_bytes, SINK_BUFFER - c->in_bytes, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        c->is_closing = true;
    if (got > 0)
        c->in_bytes += (size_t)got;
    (void)sink;
}

static void sink_accept(struct sink *sink)
{
    int fd = accept(sink->listener, NULL, NULL), on = 1;
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bool is_refused = sink->total < sink->options.greet_421 ||
                      (sink->options.connections_max > 0 &&
                       sink->open >= sink->options.connections_max) ||
                      sink->open == SINK_CONNECTIONS_MAX;
    sink->total++;
    if (is_refused) {
        ssize_t sent = send(fd, "421 4.3.2 not now\r\n", 19, MSG_NOSIGNAL);
        (void)sent;
        close(fd);
        return;
    }
    struct sink_connection *c = &sink->connections[sink->open++];
    *c = (struct sink_connection){
        .fd = fd, .number = sink->total, .in = malloc(SINK_BUFFER)};
    if (sink->open > sink->peak)
        sink->peak = (unsigned)sink->open;
    sink_say(c, "220 sink\r\n");
    sink_flush(c);
}

static void sink_turn(struct sink *sink)
{
    struct pollfd polls[SINK_CONNECTIONS_MAX + 1];
    size_t count = sink->open;
    for (size_t i = 0; i < count; i++)
        polls[i] = (struct pollfd){.fd = sink->connections[i].fd, .events = POLLIN};
    polls[count] = (struct pollfd){.fd = sink->listener, .events = POLLIN};
    poll(polls, count + 1, 5);
    for (size_t i = count; i-- > 0;) {
        struct sink_connection *c = &sink->connections[i];
        if (polls[i].revents != 0 && c->in_bytes < SINK_BUFFER)
            sink_read(sink, c);
        sink_process(sink, c);
        if (c->is_closing && c->out_bytes == 0)
            sink_close(sink, c);
    }
    if (polls[count].revents != 0)
        sink_accept(sink);
}

static void *sink_main(void *self)
{
    struct sink *sink = self;
    while (!atomic_load(&sink->is_stopping))
        sink_turn(sink);
    while (sink->open > 0)
        sink_close(sink, &sink->connections[0]);
    close(sink->listener);
    return NULL;
}

struct sink *sink_start(const struct sink_options *options)
{
    struct sink *sink = calloc(1, sizeof *sink);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    sink->options = *options;
    sink->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(sink->listener, (void *)&address, size) != 0 ||
        listen(sink->listener, 128) != 0 ||
        getsockname(sink->listener, (void *)&address, &size) != 0 ||
        pthread_create(&sink->thread, NULL, sink_main, sink) != 0)
        abort();
    sink->port = ntohs(address.sin_port);
    return sink;
}

uint16_t sink_port(const struct sink *sink)
{
    return sink->port;
}

size_t sink_accepted(struct sink *sink)
{
    return atomic_load(&sink->accepted);
}

void sink_stop(struct sink *sink)
{
    atomic_store(&sink->is_stopping, true);
    pthread_join(sink->thread, NULL);
}

const struct sink_entry *sink_log(const struct sink *sink, size_t *count)
{
    *count = atomic_load(&((struct sink *)sink)->accepted);
    return sink->log;
}

unsigned sink_connections_peak(const struct sink *sink)
{
    return sink->peak;
}

unsigned sink_connections_total(const struct sink *sink)
{
    return sink->total;
}

unsigned sink_groups(const struct sink *sink)
{
    return sink->groups;
}

unsigned sink_mails_refused(const struct sink *sink)
{
    return sink->mails_refused;
}

void sink_free(struct sink *sink)
{
    struct sink_seen *seen, *following;
    HASH_ITER(hh, sink->seen, seen, following)
    {
        HASH_DEL(sink->seen, seen);
        free(seen);
    }
    free(sink->log);
    free(sink);
}
