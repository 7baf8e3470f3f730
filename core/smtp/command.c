#include "core/smtp/command.h"

static bool byte_is_allowed(unsigned char byte, bool is_utf8)
{
    return byte >= 0x80 ? is_utf8 : byte >= 0x20 && byte != 0x7f;
}

static bool bytes_are_allowed(struct str s, bool is_utf8)
{
    if (str_is_printable_ascii(s))
        return true;
    for (size_t i = 0; i < s.n; i++)
        if (!byte_is_allowed((unsigned char)s.p[i], is_utf8))
            return false;
    return true;
}

/* The only function that puts a line into an output buffer. */
static bool line_append(struct buf *to, size_t bytes_max, bool is_utf8,
                        const struct str *parts, size_t count)
{
    size_t total = 2;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].n > bytes_max || !bytes_are_allowed(parts[i], is_utf8))
            return false;
        total += parts[i].n;
    }
    char *p = total > bytes_max ? NULL : buf_reserve(to, total);
    if (p == NULL)
        return false;
    for (size_t i = 0; i < count; p += parts[i].n, i++)
        if (parts[i].n > 0)
            memcpy(p, parts[i].p, parts[i].n);
    memcpy(p, "\r\n", 2);
    to->n += total;
    return true;
}

/* What has a meaning of its own in a path. */
static const bool path_specials[256] = {
    [' '] = true, ['"'] = true, ['<'] = true, ['>'] = true, ['\\'] = true};

/* As nearly all are. */
static bool path_is_plain(struct str path)
{
    bool has_special = false;
    for (size_t i = 0; i < path.n; i++)
        has_special |= path_specials[(unsigned char)path.p[i]];
    return !has_special && str_is_printable_ascii(path);
}

bool smtp_path_is_sound(struct str path, bool is_utf8)
{
    bool is_quoted = false, is_escaped = false;
    /* "RCPT TO:<>" and CRLF are 12 octets. */
    if (path.n > SMTP_COMMAND_MAX - 12)
        return false;
    if (path_is_plain(path))
        return true;
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        if (!byte_is_allowed((unsigned char)c, is_utf8) ||
            (!is_quoted && (c == '<' || c == '>' || c == ' ')))
            return false;
        if (c == '"' && !is_escaped)
            is_quoted = !is_quoted;
        is_escaped = is_quoted && c == '\\' && !is_escaped;
    }
    return !is_quoted;
}

bool smtp_command_hello(struct buf *to, bool is_ehlo, struct str name)
{
    struct str parts[] = {is_ehlo ? STR("EHLO ") : STR("HELO "), name};
    return name.n > 0 && line_append(to, SMTP_COMMAND_MAX, false, parts, 2);
}

bool smtp_command_mail(struct buf *to, const struct smtp_mail_params *mail)
{
    char digits[STR_U64_MAX];
    struct str none = STR("");
    struct str parts[] = {
        STR("MAIL FROM:<"),
        mail->from,
        STR(">"),
        mail->has_size ? STR(" SIZE=") : none,
        mail->has_size ? str_of_u64(mail->size, digits) : none,
        mail->is_8bitmime ? STR(" BODY=8BITMIME") : none,
        mail->is_smtputf8 ? STR(" SMTPUTF8") : none,
    };
    return smtp_path_is_sound(mail->from, mail->is_smtputf8) &&
           line_append(to, SMTP_MAIL_MAX, mail->is_smtputf8, parts,
                       sizeof parts / sizeof *parts);
}

bool smtp_command_rcpt(struct buf *to, struct str rcpt, bool is_utf8)
{
    struct str parts[] = {STR("RCPT TO:<"), rcpt, STR(">")};
    return rcpt.n > 0 && smtp_path_is_sound(rcpt, is_utf8) &&
           line_append(to, SMTP_COMMAND_MAX, is_utf8, parts, 3);
}

bool smtp_command_bare(struct buf *to, struct str verb)
{
    return line_append(to, SMTP_COMMAND_MAX, false, &verb, 1);
}
