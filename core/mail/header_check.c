#include "core/mail/header.h"

/* ---- names and kinds ----------------------------------------------------------- */

/* Written by this program, by a relay or by nobody in a message under way. */
static const char *const reserved_names[] = {
    "From",
    "To",
    "Cc",
    "Bcc",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "Sender",
    "MIME-Version",
    "Return-Path",
    "Received",
    "Received-SPF",
    "Delivered-To",
    "DKIM-Signature",
    "Authentication-Results",
    "Apparently-To",
};
static const char *const reserved_prefixes[] = {"Content-", "Resent-", "ARC-"};

static const char *const structured_names[] = {
    "References",     "In-Reply-To",         "Precedence",
    "Auto-Submitted", "Feedback-ID",         "Importance",
    "Priority",       "X-Priority",          "Require-Recipient-Valid-Since",
    "X-SMTPAPI",      "X-Mailgun-Variables", "X-MC-Metadata",
    "Expires",
};
static const char *const address_names[] = {
    "Errors-To",         "Disposition-Notification-To",
    "Return-Receipt-To", "Mail-Followup-To",
    "Mail-Reply-To",
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool is_one_of(struct str name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal_nocase(name, str_of(list[i])))
            return true;
    return false;
}

const char *header_name_check(struct str name)
{
    if (name.n == 0 || name.n > HEADER_NAME_MAX)
        return "a header name has 1 to 76 characters";
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == ':')
            return "a header name is printable ASCII without spaces and colons";
    bool reserved = is_one_of(name, reserved_names, COUNT(reserved_names));
    for (size_t i = 0; i < COUNT(reserved_prefixes); i++)
        reserved |= str_has_prefix_nocase(name, str_of(reserved_prefixes[i]));
    return reserved ? "this header is not for a campaign to set" : NULL;
}

enum header_kind header_kind_of(struct str name)
{
    if (is_one_of(name, address_names, COUNT(address_names)))
        return HEADER_ADDRESSES;
    if (str_has_prefix_nocase(name, STR("List-")) ||
        is_one_of(name, structured_names, COUNT(structured_names)))
        return HEADER_STRUCTURED;
    return HEADER_TEXT;
}

/* ---- values judged ------------------------------------------------------------- */

/* U+0080 to U+009F, U+2028 and U+2029: controls and line breaks beyond ASCII. */
static bool is_wide_control(const unsigned char *p)
{
    return (p[0] == 0xC2 && p[1] < 0xA0) ||
           (p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9));
}

/* At a byte beyond ASCII; returns how many belong to it. */
static size_t wide_check(struct str s, const char **why)
{
    size_t length = str_utf8_length(s);
    if (length == 0)
        *why = "not valid UTF-8";
    else if (*why == NULL && is_wide_control((const unsigned char *)s.p))
        *why = "line break or control character";
    return length > 0 ? length : 1;
}

static const char *text_check(struct str value)
{
    const char *why = NULL;
    for (size_t i = 0, length; i < value.n; i += length) {
        unsigned char c = (unsigned char)value.p[i];
        length = 1;
        if (c >= ' ' && c < 0x7F)
            continue;
        if (c == '\r' || c == '\n')
            return "line break";
        if ((c < ' ' && c != '\t') || c == 0x7F)
            return "control character";
        if (c >= 0x80)
            length = wide_check(str_from(value, i), &why);
    }
    return why;
}

const char *header_value_check(struct str value)
{
    if (value.n > HEADER_VALUE_MAX)
        return "longer than 16384 octets";
    return str_is_printable_ascii(value) ? NULL : text_check(value);
}
