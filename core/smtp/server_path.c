#include "core/smtp/server_path.h"

#include "core/smtp/server.h"

#define LOCAL_PART_MAX 64

static bool is_quoted_text(unsigned char c)
{
    return c >= ' ' && c != 0x7f;
}

static bool is_atom_text(unsigned char c)
{
    return c > ' ' && c != 0x7f && strchr("()<>[]:;@\\,\"", c) == NULL;
}

/* The length of the local part at the front of s, 0 if it is none. */
static size_t local_part(struct str s)
{
    size_t at = 0;
    if (s.n == 0 || s.p[0] != '"') {
        while (at < s.n && is_atom_text((unsigned char)s.p[at]))
            at++;
        return at;
    }
    for (at = 1; at < s.n && is_quoted_text((unsigned char)s.p[at]); at++) {
        if (s.p[at] == '"')
            return at + 1;
        if (s.p[at] == '\\' && ++at == s.n)
            break;
    }
    return 0;
}

static size_t domain_part(struct str s)
{
    size_t at = 0;
    if (s.n > 0 && s.p[0] == '[') {
        const char *end = memchr(s.p, ']', s.n);
        return end != NULL ? (size_t)(end - s.p) + 1 : 0;
    }
    while (at < s.n && is_atom_text((unsigned char)s.p[at]))
        at++;
    return at;
}

/* The length of the mailbox at the front of s; 0 for the empty path, SIZE_MAX if it is
 * malformed. A local part by itself is for "postmaster" alone. */
static size_t mailbox_length(struct str s)
{
    if (s.n > 0 && s.p[0] == '>')
        return 0;
    size_t local = local_part(s);
    if (local == 0 || local > LOCAL_PART_MAX)
        return SIZE_MAX;
    if (local == s.n || s.p[local] != '@')
        return str_equal_nocase(str_head(s, local), STR("postmaster")) ? local
                                                                       : SIZE_MAX;
    size_t domain = domain_part(str_from(s, local + 1));
    return domain > 0 ? local + 1 + domain : SIZE_MAX;
}

struct str smtp_path_parse(struct str line, struct str word, struct smtp_path *path)
{
    if (!str_has_prefix_nocase(line, word))
        return STR("501 5.5.4 syntax: MAIL FROM:<address> or RCPT TO:<address>");
    struct str rest = str_from(line, word.n);
    if (rest.n == 0 || rest.p[0] != '<')
        return STR("501 5.1.7 the address must stand in angle brackets");
    rest = str_from(rest, 1);
    size_t length = mailbox_length(rest);
    if (length == SIZE_MAX || length >= rest.n || rest.p[length] != '>')
        return STR("501 5.1.3 bad address syntax");
    if (length > SMTP_SERVER_PATH_MAX)
        return STR("501 5.1.3 the address is too long");
    path->address = str_head(rest, length);
    path->params = str_from(rest, length + 1);
    if (path->params.n > 0 && path->params.p[0] != ' ')
        return STR("501 5.5.4 a space must stand before a parameter");
    path->params = str_trim(path->params);
    if (!str_is_utf8(path->address))
        return STR("501 5.6.7 the address is not UTF-8");
    return STR_NULL;
}

static struct str mail_param(struct str param, struct smtp_mail_params *to)
{
    struct str value;
    struct str name = str_split(param, '=', &value);
    if (str_equal_nocase(name, STR("SIZE")) && !str_is_null(value))
        return str_to_u64(value, &to->size) ? STR_NULL : STR("501 5.5.4 bad SIZE");
    if (str_equal_nocase(param, STR("SMTPUTF8"))) {
        to->is_smtputf8 = true;
        return STR_NULL;
    }
    if (str_equal_nocase(param, STR("BODY=8BITMIME"))) {
        to->is_8bitmime = true;
        return STR_NULL;
    }
    if (str_equal_nocase(param, STR("BODY=7BIT")))
        return STR_NULL;
    return STR("555 5.5.4 unknown parameter");
}

struct str smtp_mail_params_parse(struct str params, struct smtp_mail_params *to)
{
    struct str refusal = STR_NULL;
    *to = (struct smtp_mail_params){0};
    while (str_is_null(refusal) && params.n > 0) {
        struct str param = str_split(params, ' ', &params);
        if (param.n > 0)
            refusal = mail_param(param, to);
    }
    return refusal;
}
