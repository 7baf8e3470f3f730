/*
 * Where the receivers of the field put their queue id: a phrase before it, a phrase
 * behind it, or "Ok" in front of one word. Tried in that order; the first that yields
 * a plausible id wins.
 */
#include "core/smtp/reply.h"

/* Letters, digits and what queue ids are made of. */
static bool is_id_char(char c)
{
    return ascii_is_letter_or_digit(c) || (c != '\0' && strchr("-_./+=:@", c) != NULL);
}

static bool has_digit(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (ascii_is_digit(s.p[i]))
            return true;
    return false;
}

/* The id at the front of s: a full stop or colon at its end is punctuation. */
static struct str id_front(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_id_char(s.p[n]))
        n++;
    while (n > 0 && (s.p[n - 1] == '.' || s.p[n - 1] == ':'))
        n--;
    return n <= SMTP_REMOTE_ID_MAX ? str_head(s, n) : STR("");
}

static struct str id_back(struct str s)
{
    size_t start = s.n;
    while (start > 0 && is_id_char(s.p[start - 1]))
        start--;
    return s.n - start <= SMTP_REMOTE_ID_MAX ? str_from(s, start) : STR("");
}

/* Where `phrase` (lower case) last occurs in s; s.n if nowhere. */
static size_t find_last(struct str s, struct str phrase)
{
    for (size_t at = s.n < phrase.n ? 0 : s.n - phrase.n + 1; at-- > 0;)
        if (ascii_lower(s.p[at]) == phrase.p[0] &&
            str_has_prefix_nocase(str_from(s, at), phrase))
            return at;
    return s.n;
}

static struct str id_after_phrase(struct str text)
{
    /* Postfix and its kin; Exim; KumoMTA; Exchange; Haraka; Mimecast; MDaemon */
    static const struct str phrases[] = {
        {"queued as ", 10},    {"id=", 3},          {"ids=", 4},
        {"internalid=", 11},   {"queued (", 8},     {"received ok [", 13},
        {"message-id: <", 13}, {"message id ", 11}, {"accepted as ", 12},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        size_t at = find_last(text, phrases[i]);
        struct str id = id_front(str_from(text, at + phrases[i].n));
        if (at < text.n && has_digit(id))
            return id;
    }
    return STR("");
}

static struct str id_before_phrase(struct str text)
{
    /* sendmail and OpenSMTPD; Gmail */
    static const struct str phrases[] = {
        {" message accepted", 17},
        {" - gsmtp", 8},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        size_t at = find_last(text, phrases[i]);
        struct str id = id_back(str_head(text, at));
        if (at < text.n && has_digit(id))
            return id;
    }
    return STR("");
}

/* qmail: "ok 1700000000 qp 12345". */
static struct str id_of_qmail(struct str text)
{
    size_t at = find_last(text, STR(" qp "));
    if (at == text.n)
        return STR("");
    struct str time = id_back(str_head(text, at)),
               number = id_front(str_from(text, at + 4));
    if (!has_digit(time) || !has_digit(number))
        return STR("");
    return str_slice(time.p, (size_t)(number.p + number.n - time.p));
}

/* Amazon SES, Momentum, Courier: "Ok" and one word that fills the line. */
static struct str id_after_ok(struct str text)
{
    if (!str_has_prefix_nocase(text, STR("ok")))
        return STR("");
    struct str rest = str_from(text, 2);
    while (rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == ':' || rest.p[0] == '.'))
        rest = str_from(rest, 1);
    struct str id = id_front(rest);
    return id.n == rest.n && id.n >= 6 && has_digit(id) ? id : STR("");
}

struct str smtp_remote_id(struct str text)
{
    struct str (*const forms[])(struct str) = {id_after_phrase, id_before_phrase,
                                               id_of_qmail, id_after_ok};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct str id = forms[i](text);
        if (id.n > 0)
            return id;
    }
    return STR("");
}
