/* Any bytes, cut anywhere: no fault, replies are lines, gates and events balance. The
 * first byte says how the rest is cut and whether messages are gated. */
#include "core/base/err.h"
#include "core/smtp/server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct host {
    struct smtp_server *server;
    bool gates;
    uint64_t oldest, next;
    uint64_t content;
};

static void host_rcpt(void *self, struct str rcpt, struct smtp_verdict *verdict)
{
    (void)self;
    CHECK(rcpt.n > 0 && rcpt.n <= SMTP_SERVER_PATH_MAX);
    CHECK(memchr(rcpt.p, '\0', rcpt.n) == NULL);
    if (rcpt.p[0] == 'n')
        verdict->reply = STR("550 5.1.1 no");
}

static void host_content(void *self, struct str bytes)
{
    struct host *host = self;
    CHECK(bytes.n > 0);
    host->content += bytes.n;
}

static void host_message(void *self, struct smtp_verdict *verdict)
{
    struct host *host = self;
    CHECK(smtp_server_rcpt_count(host->server) > 0);
    CHECK(smtp_server_message_bytes(host->server) == host->content);
    CHECK(host->content <= 4096);
    host->content = 0;
    verdict->is_gated = host->gates;
    if (host->gates)
        host->next = verdict->gate + 1;
}

static void host_abandoned(void *self)
{
    ((struct host *)self)->content = 0;
}

static void drain(struct host *host, bool opens)
{
    while (opens && host->oldest < host->next)
        smtp_server_open_gate(host->server, host->oldest++);
    struct str out = smtp_server_output(host->server);
    CHECK(out.n == 0 || out.p[out.n - 1] == '\n');
    smtp_server_sent(host->server, out.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t step = 1 + (data[0] & 63u);
    struct host host = {.gates = (data[0] & 64) != 0};
    struct smtp_server_settings settings = {.host = STR("mx"),
                                            .offers_pipelining = (data[0] & 128) == 0,
                                            .offers_chunking = true,
                                            .bytes_max = 4096};
    struct smtp_server_events events = {&host, host_rcpt, host_content, host_message,
                                        host_abandoned};
    host.server = smtp_server_new(&settings, &events);
    CHECK(host.server != NULL);
    struct str rest = {(const char *)data + 1, size - 1};
    while (rest.n > 0) {
        size_t taken = smtp_server_feed(host.server, str_head(rest, step));
        drain(&host, taken == 0 || (taken & 1) != 0);
        rest = str_from(rest, taken);
    }
    drain(&host, true);
    smtp_server_free(host.server);
    return 0;
}
