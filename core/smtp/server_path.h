/*
 * server_path.h - MAIL FROM:<path> and RCPT TO:<path> as a strict server reads them
 *
 * Owns:    nothing; results are slices of the line.
 * Thread:  any.
 * Errors:  the reply that refuses the line.
 * Source:  RFC 5321 section 4.1.2, RFC 6531 section 3.3; no source routes.
 */
#ifndef BROADSIDE_SMTP_SERVER_PATH_H
#define BROADSIDE_SMTP_SERVER_PATH_H

#include "core/base/str.h"

struct smtp_path {
    /* Between the angle brackets. */
    struct str address;
    /* Behind them, without the space that comes first. */
    struct str params;
};

/* The parameters of MAIL that this server knows. */
struct smtp_mail_params {
    uint64_t size;
    bool is_8bitmime, is_smtputf8;
};

/* `line` is what follows the verb, `word` "FROM:" or "TO:". STR_NULL if it is well
 * formed, else the reply. An empty path is well formed; a non-ASCII one too. */
struct str smtp_path_parse(struct str line, struct str word, struct smtp_path *path);
/* Likewise. */
struct str smtp_mail_params_parse(struct str params, struct smtp_mail_params *to);

#endif
