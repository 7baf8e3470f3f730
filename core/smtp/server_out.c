#include "core/smtp/server_out.h"

/* The replies of one step: EHLO's are the longest, with a host name of 255 octets. */
#define STEP_BYTES 2048

void server_out_init(struct server_out *out)
{
    *out = (struct server_out){.begin = 0};
    buf_init(&out->bytes, SMTP_SERVER_OUT_MAX);
}

void server_out_fini(struct server_out *out)
{
    buf_fini(&out->bytes);
}

void server_out_text(struct server_out *out, struct str text)
{
    buf_append(&out->bytes, text);
}

void server_out_line(struct server_out *out, struct str text)
{
    buf_append(&out->bytes, text);
    buf_append(&out->bytes, STR("\r\n"));
}

void server_out_gate(struct server_out *out, bool stops)
{
    CHECK(out->gate_next - out->gate_first < SMTP_SERVER_GATES_MAX);
    out->gates[out->gate_next++ % SMTP_SERVER_GATES_MAX] =
        (struct server_gate){out->begin + out->bytes.n, false, stops};
    out->gates_that_stop += stops;
}

void server_out_open(struct server_out *out, uint64_t gate)
{
    CHECK(gate >= out->gate_first && gate < out->gate_next);
    struct server_gate *opened = &out->gates[gate % SMTP_SERVER_GATES_MAX];
    CHECK(!opened->is_open);
    opened->is_open = true;
    out->gates_that_stop -= opened->stops;
    while (out->gate_first < out->gate_next &&
           out->gates[out->gate_first % SMTP_SERVER_GATES_MAX].is_open)
        out->gate_first++;
}

struct str server_out_ready(const struct server_out *out)
{
    struct str all = buf_str(&out->bytes);
    if (out->gate_first == out->gate_next)
        return all;
    uint64_t end = out->gates[out->gate_first % SMTP_SERVER_GATES_MAX].position;
    return str_head(all, (size_t)(end - out->begin));
}

void server_out_sent(struct server_out *out, size_t bytes)
{
    CHECK(bytes <= out->bytes.n);
    buf_consume(&out->bytes, bytes);
    out->begin += bytes;
}

bool server_out_has_room(const struct server_out *out)
{
    return out->gates_that_stop == 0 &&
           out->gate_next - out->gate_first < SMTP_SERVER_GATES_MAX &&
           out->bytes.n + STEP_BYTES <= SMTP_SERVER_OUT_MAX;
}

bool server_out_is_empty(const struct server_out *out)
{
    return out->bytes.n == 0 && out->gate_first == out->gate_next;
}

bool server_out_has_failed(const struct server_out *out)
{
    return out->bytes.failed != ERR_NONE;
}
