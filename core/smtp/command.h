/*
 * command.h - the one way to the wire: every protocol line is written here
 *
 * A line is refused as a whole if it holds a byte that no SMTP line may hold (a
 * control byte; one above 0x7e unless SMTPUTF8 was agreed) or is too long. So
 * nothing from a CSV can become a second command.
 *
 * Owns:    nothing.
 * Thread:  any.
 * Errors:  false: nothing was appended.
 * Limits:  SMTP_COMMAND_MAX octets with CRLF; SMTP_MAIL_MAX for MAIL, whose
 *          extensions each raise it.
 * Source:  RFC 5321 section 4.5.3.1.4, RFC 1870 section 3, 6152 section 2, 6531
 *          section 3.4.
 */
#ifndef BROADSIDE_SMTP_COMMAND_H
#define BROADSIDE_SMTP_COMMAND_H

#include "core/base/buf.h"

#define SMTP_COMMAND_MAX 512u
/* SIZE= adds 26, BODY= 17, SMTPUTF8 10. */
#define SMTP_MAIL_MAX (SMTP_COMMAND_MAX + 26 + 17 + 10)

struct smtp_mail_params {
    struct str from;
    /* SIZE=size, if has_size. */
    uint64_t size;
    bool has_size, is_8bitmime, is_smtputf8;
};

/* True if `path` can stand between < and > of MAIL or RCPT: not too long, no byte that
 * may not be there, no angle bracket or space outside of quotes. The empty path is the
 * null sender. */
bool smtp_path_is_sound(struct str path, bool is_utf8);

MUST_CHECK bool smtp_command_hello(struct buf *to, bool is_ehlo, struct str name);
MUST_CHECK bool smtp_command_mail(struct buf *to, const struct smtp_mail_params *mail);
MUST_CHECK bool smtp_command_rcpt(struct buf *to, struct str rcpt, bool is_utf8);
/* A verb without arguments: DATA, RSET, QUIT. */
MUST_CHECK bool smtp_command_bare(struct buf *to, struct str verb);

#endif
