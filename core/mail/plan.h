/*
 * plan.h - inside a message plan: what message_plan.c makes and message.c uses
 *
 * Owns:    nothing by itself; all of it lies in the plan's arena.
 * Thread:  made by one, then read by any.
 * Limits:  those of message.h.
 */
#ifndef BROADSIDE_MAIL_PLAN_H
#define BROADSIDE_MAIL_PLAN_H

#include "core/mail/header.h"
#include "core/mail/identity.h"
#include "core/mail/message.h"
#include "core/mail/part.h"

struct plan_header {
    struct str name;
    enum header_kind kind;
};

/* Header and base64 body, from behind a boundary line to before the next. */
struct plan_file {
    struct str entity;
    bool is_inline;
};

struct message_plan {
    struct arena arena;
    /* "From: ...\r\n" to "Reply-To: ...\r\n". */
    struct str head;
    bool head_needs_smtputf8;
    struct plan_header *headers;
    size_t header_count;
    struct part html, text;
    bool has_html, has_text;
    struct plan_file *files;
    size_t file_count, inline_count;
    struct identity_key *key;
    struct str id_domain;
};

#endif
