/*
 * server_out.h - the replies of a server: a stream with gates in it
 *
 * A gate is a place in the stream. What stands behind the first one that is not open
 * waits; gates are opened in any order, replies leave in theirs.
 *
 * Owns:    the bytes that were not sent yet.
 * Thread:  one at a time.
 * Errors:  server_out_has_failed: no memory, or a reply beyond the maximum.
 * Limits:  SMTP_SERVER_OUT_MAX bytes, SMTP_SERVER_GATES_MAX gates (server.h); ask
 *          server_out_has_room before each step.
 */
#ifndef BROADSIDE_SMTP_SERVER_OUT_H
#define BROADSIDE_SMTP_SERVER_OUT_H

#include "core/base/buf.h"
#include "core/smtp/server.h"

struct server_gate {
    uint64_t position;
    bool is_open, stops;
};

struct server_out {
    struct buf bytes;
    /* Where in the stream `bytes` begins. */
    uint64_t begin;
    /* Gate g lies in gates[g % SMTP_SERVER_GATES_MAX]. */
    struct server_gate gates[SMTP_SERVER_GATES_MAX];
    uint64_t gate_first, gate_next;
    unsigned gates_that_stop;
};

void server_out_init(struct server_out *out);
void server_out_fini(struct server_out *out);

void server_out_text(struct server_out *out, struct str text);
/* The text and a CRLF. */
void server_out_line(struct server_out *out, struct str text);
/* A gate before what comes next; its number is gate_next. */
void server_out_gate(struct server_out *out, bool stops);
void server_out_open(struct server_out *out, uint64_t gate);

/* Up to the first gate that is not open. */
struct str server_out_ready(const struct server_out *out);
void server_out_sent(struct server_out *out, size_t bytes);

/* For the replies and the gate of one more step; false while a gate stops. */
bool server_out_has_room(const struct server_out *out);
bool server_out_is_empty(const struct server_out *out);
bool server_out_has_failed(const struct server_out *out);

#endif
