#include "core/mail/address.h"

#include <idn2.h>

/*
 * A list has a million addresses and nearly all of them are plain ASCII atoms, so
 * the whole check is one pass over a table of character classes; only a quoted local
 * part, a literal, a byte beyond ASCII or a label that begins with "xn--" leaves it.
 *
 * Nothing is repaired: an address that would have to be changed to be right is an
 * address of which nobody knows whose it is. The domain alone is folded, because DNS
 * does not tell cases apart and U-labels have exactly one A-label.
 */

#define DNS_NAME_MAX 253
#define LABEL_MAX    63

enum char_class { CHAR_ATEXT = 1, CHAR_LDH = 2 };

#define A CHAR_ATEXT
#define L (CHAR_ATEXT | CHAR_LDH)
static const unsigned char char_classes[256] = {
    ['!'] = A, ['#'] = A, ['$'] = A, ['%'] = A, ['&'] = A, ['\''] = A, ['*'] = A,
    ['+'] = A, ['/'] = A, ['='] = A, ['?'] = A, ['^'] = A, ['_'] = A,  ['`'] = A,
    ['{'] = A, ['|'] = A, ['}'] = A, ['~'] = A, ['-'] = L, ['0'] = L,  ['1'] = L,
    ['2'] = L, ['3'] = L, ['4'] = L, ['5'] = L, ['6'] = L, ['7'] = L,  ['8'] = L,
    ['9'] = L, ['A'] = L, ['B'] = L, ['C'] = L, ['D'] = L, ['E'] = L,  ['F'] = L,
    ['G'] = L, ['H'] = L, ['I'] = L, ['J'] = L, ['K'] = L, ['L'] = L,  ['M'] = L,
    ['N'] = L, ['O'] = L, ['P'] = L, ['Q'] = L, ['R'] = L, ['S'] = L,  ['T'] = L,
    ['U'] = L, ['V'] = L, ['W'] = L, ['X'] = L, ['Y'] = L, ['Z'] = L,  ['a'] = L,
    ['b'] = L, ['c'] = L, ['d'] = L, ['e'] = L, ['f'] = L, ['g'] = L,  ['h'] = L,
    ['i'] = L, ['j'] = L, ['k'] = L, ['l'] = L, ['m'] = L, ['n'] = L,  ['o'] = L,
    ['p'] = L, ['q'] = L, ['r'] = L, ['s'] = L, ['t'] = L, ['u'] = L,  ['v'] = L,
    ['w'] = L, ['x'] = L, ['y'] = L, ['z'] = L,
};
#undef A
#undef L

static bool char_is(char c, enum char_class class)
{
    return (char_classes[(unsigned char)c] & class) != 0;
}

static bool byte_is_beyond_ascii(char c)
{
    return (unsigned char)c >= 0x80;
}

/* Characters that nobody can see or that end a line in some reader: valid to RFC
 * 6531, and in practice always left over from a spreadsheet or put there to deceive. */
static bool code_point_is_invisible(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x80, 0xA0},     {0xAD, 0xAD},     {0x1680, 0x1680}, {0x2000, 0x200B},
        {0x2028, 0x202F}, {0x205F, 0x2060}, {0x2066, 0x2069}, {0x3000, 0x3000},
        {0xFDD0, 0xFDEF}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return (c & 0xFFFE) == 0xFFFE;
}

/* The code point at p, which begins a well-formed sequence; its length to *length. */
static uint32_t code_point_at(const char *p, size_t *length)
{
    unsigned char lead = (unsigned char)p[0];
    *length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t c = *length == 1 ? lead : lead & (0x7Fu >> *length);
    for (size_t i = 1; i < *length; i++)
        c = c << 6 | ((unsigned char)p[i] & 0x3F);
    return c;
}

static bool has_invisible(struct str s)
{
    for (size_t at = 0, length; at < s.n; at += length)
        if (code_point_is_invisible(code_point_at(s.p + at, &length)))
            return true;
    return false;
}

/* ---- the local part ------------------------------------------------------------ */

/* The dot-atom at the front of s: where it ends, or why it is none. */
static const char *dot_atom_scan(struct str s, size_t *end)
{
    size_t at = 0, atom = 0;
    for (; at < s.n; at++) {
        char c = s.p[at];
        if (char_is(c, CHAR_ATEXT) || byte_is_beyond_ascii(c))
            continue;
        if (c != '.')
            break;
        if (at == atom)
            return at == 0 ? "local part begins with a dot" : "two dots in a row";
        atom = at + 1;
    }
    *end = at;
    if (at == 0)
        return "no local part";
    return at == atom ? "local part ends with a dot" : NULL;
}

/* The quoted string at the front of s (RFC 5321 qcontentSMTP). */
static const char *quoted_scan(struct str s, size_t *end)
{
    for (size_t at = 1; at < s.n; at++) {
        char c = s.p[at];
        if (c == '"') {
            *end = at + 1;
            return NULL;
        }
        if (c == '\\' && ++at < s.n)
            c = byte_is_beyond_ascii(s.p[at]) ? '\0' : s.p[at];
        if ((c >= 0 && c < ' ') || c == 0x7F)
            return "control character in the quoted local part";
    }
    return "quotation mark is not closed";
}

static const char *local_scan(struct str s, size_t *end)
{
    const char *why =
        s.n > 0 && s.p[0] == '"' ? quoted_scan(s, end) : dot_atom_scan(s, end);
    if (why != NULL)
        return why;
    if (*end == s.n)
        return "no @ sign";
    if (s.p[*end] != '@')
        return s.p[*end] == ' ' ? "space in the address"
                                : "character not allowed in the local part";
    return *end > ADDRESS_LOCAL_MAX ? "local part is longer than 64 octets" : NULL;
}

static const char *local_check_utf8(struct str local)
{
    if (!str_is_utf8(local))
        return "not valid UTF-8";
    return has_invisible(local) ? "invisible character in the local part" : NULL;
}

/* ---- literals ------------------------------------------------------------------ */

static bool ipv4_is_valid(struct str s)
{
    unsigned parts = 0, digits = 0, value = 0;
    for (size_t i = 0; i <= s.n; i++) {
        if (i == s.n || s.p[i] == '.') {
            if (digits == 0 || value > 255 || ++parts > 4)
                return false;
            digits = value = 0;
        } else if (ascii_is_digit(s.p[i]) && ++digits <= 3) {
            value = value * 10 + (unsigned)(s.p[i] - '0');
        } else {
            return false;
        }
    }
    return parts == 4;
}

static bool hex_group_is_valid(struct str s)
{
    if (s.n < 1 || s.n > 4)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return false;
    }
    return true;
}

/* Groups separated by single colons; an IPv4 address may stand last and counts two.
 * The count, or -1. An empty s has none. */
static int ipv6_groups(struct str s, bool may_end_in_ipv4)
{
    int count = 0;
    struct str rest = s;
    while (s.n > 0 && !str_is_null(rest)) {
        struct str group = str_split(rest, ':', &rest);
        if (str_is_null(rest) && may_end_in_ipv4 && ipv4_is_valid(group))
            return count + 2;
        if (!hex_group_is_valid(group))
            return -1;
        count++;
    }
    return count;
}

/* RFC 5321 lets "::" stand for two groups or more, unlike RFC 4291. */
static bool ipv6_is_valid(struct str s)
{
    const char *gap = s.n > 1 ? memmem(s.p, s.n, "::", 2) : NULL;
    if (gap == NULL)
        return ipv6_groups(s, true) == 8;
    size_t before = (size_t)(gap - s.p);
    int left = ipv6_groups(str_head(s, before), false);
    int right = ipv6_groups(str_from(s, before + 2), true);
    return left >= 0 && right >= 0 && left + right <= 6;
}

static const char *literal_parse(struct str input, struct arena *arena,
                                 struct str *ascii)
{
    if (input.n < 2 || input.p[input.n - 1] != ']')
        return "address literal is not closed";
    struct str inside = str_slice(input.p + 1, input.n - 2);
    bool valid = str_has_prefix_nocase(inside, STR("IPv6:"))
                     ? ipv6_is_valid(str_from(inside, 5))
                     : ipv4_is_valid(inside);
    if (!valid)
        return "not an IPv4 or IPv6 address literal";
    char *to = arena_alloc(arena, input.n);
    if (to == NULL)
        return "out of memory";
    for (size_t i = 0; i < input.n; i++)
        to[i] = ascii_lower(input.p[i]);
    *ascii = str_slice(to, input.n);
    return NULL;
}

/* ---- host names ---------------------------------------------------------------- */

/* Writes the lower-case form of an ASCII host name to `to`, which has room for it. */
static const char *ldh_fold(struct str s, char *to, bool *has_alabel)
{
    size_t label = 0;
    if (s.n == 0)
        return "no domain";
    if (s.n > DNS_NAME_MAX)
        return "domain is too long";
    for (size_t at = 0; at <= s.n; at++) {
        if (at < s.n && char_is(s.p[at], CHAR_LDH)) {
            to[at] = ascii_lower(s.p[at]);
            continue;
        }
        if (at < s.n && s.p[at] != '.')
            return s.p[at] == '@' ? "more than one @ sign"
                                  : "character not allowed in the domain";
        size_t length = at - label;
        if (length == 0)
            return at == s.n ? "domain ends with a dot"
                   : at == 0 ? "domain begins with a dot"
                             : "two dots in a row";
        if (length > LABEL_MAX)
            return "domain label is longer than 63 octets";
        if (to[label] == '-' || to[at - 1] == '-')
            return "domain label begins or ends with a hyphen";
        if (length >= 4 && memcmp(to + label, "xn--", 4) == 0)
            *has_alabel = true;
        if (at < s.n)
            to[at] = '.';
        label = at + 1;
    }
    return NULL;
}

/* Is an "xn--" label undecodable, so that no registry can ever have had it? Whether
 * its characters are still allowed is not asked: there are live emoji domains. */
static bool alabels_are_broken(const char *name)
{
    uint8_t *unused = NULL;
    int rc = idn2_lookup_u8((const uint8_t *)name, &unused, IDN2_NONTRANSITIONAL);
    idn2_free(unused);
    return rc == IDN2_PUNYCODE_BAD_INPUT || rc == IDN2_PUNYCODE_OVERFLOW ||
           rc == IDN2_PUNYCODE_BIG_OUTPUT || rc == IDN2_INVALID_ALABEL ||
           rc == IDN2_ALABEL_ROUNDTRIP_FAILED || rc == IDN2_ENCODING_ERROR;
}

static const char *host_fold(struct str s, struct arena *arena, struct str *ascii)
{
    bool has_alabel = false;
    char *to = arena_alloc(arena, s.n + 1);
    if (to == NULL)
        return "out of memory";
    const char *why = ldh_fold(s, to, &has_alabel);
    if (why != NULL)
        return why;
    to[s.n] = '\0';
    if (has_alabel && alabels_are_broken(to))
        return "not a valid internationalised domain (bad A-label)";
    *ascii = str_slice(to, s.n);
    return NULL;
}

/* U+3002, U+FF0E and U+FF61, which UTS 46 would turn into dots: an address has only
 * the ASCII one (RFC 6531 keeps RFC 5321's). */
static bool has_foreign_dot(struct str s)
{
    return memmem(s.p, s.n, "\xE3\x80\x82", 3) != NULL ||
           memmem(s.p, s.n, "\xEF\xBC\x8E", 3) != NULL ||
           memmem(s.p, s.n, "\xEF\xBD\xA1", 3) != NULL;
}

static const char *idn_parse(struct str s, struct arena *arena, struct str *ascii)
{
    /* Generous, so that libidn2 never sees more than a mapped name could come from. */
    char name[4 * ADDRESS_DOMAIN_MAX + 1];
    uint8_t *folded = NULL;
    if (s.n >= sizeof name)
        return "domain is too long";
    if (!str_is_utf8(s))
        return "not valid UTF-8";
    if (has_invisible(s) || memchr(s.p, '\0', s.n) != NULL || has_foreign_dot(s))
        return "character not allowed in the domain";
    memcpy(name, s.p, s.n);
    name[s.n] = '\0';
    int rc = idn2_lookup_u8((const uint8_t *)name, &folded,
                            IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK)
        return rc == IDN2_MALLOC ? "out of memory"
               : rc == IDN2_TOO_BIG_DOMAIN || rc == IDN2_TOO_BIG_LABEL
                   ? "domain is too long"
                   : "not a valid internationalised domain";
    /* What came out is checked like any other: the mapping can produce ASCII that
     * is no host name. */
    const char *why = host_fold(str_of((const char *)folded), arena, ascii);
    idn2_free(folded);
    return why;
}

const char *domain_parse(struct str input, struct arena *arena, struct str *ascii)
{
    if (str_is_ascii(input))
        return host_fold(input, arena, ascii);
    return idn_parse(input, arena, ascii);
}

/* ---- both together ------------------------------------------------------------- */

static const char *address_join(struct str local, struct str domain,
                                struct arena *arena, struct address *address)
{
    size_t bytes = local.n + 1 + domain.n;
    if (bytes > ADDRESS_MAX)
        return "address is longer than 254 octets";
    char *text = arena_alloc(arena, bytes + 1);
    if (text == NULL)
        return "out of memory";
    memcpy(text, local.p, local.n);
    text[local.n] = '@';
    memcpy(text + local.n + 1, domain.p, domain.n);
    text[bytes] = '\0';
    address->text = str_slice(text, bytes);
    address->local = str_head(address->text, local.n);
    address->domain = str_from(address->text, local.n + 1);
    return NULL;
}

const char *address_parse(struct str input, struct arena *arena,
                          struct address *address)
{
    size_t end = 0;
    if (input.n == 0)
        return "empty";
    const char *why = local_scan(input, &end);
    if (why != NULL)
        return why;
    struct str local = str_head(input, end), given = str_from(input, end + 1), domain;
    bool is_literal = given.n > 0 && given.p[0] == '[';
    bool is_ascii = str_is_ascii(local);
    if (!is_ascii && (why = local_check_utf8(local)) != NULL)
        return why;
    why = is_literal ? literal_parse(given, arena, &domain)
                     : domain_parse(given, arena, &domain);
    if (why == NULL)
        why = address_join(local, domain, arena, address);
    if (why != NULL)
        return why;
    address->is_literal = is_literal;
    address->needs_smtputf8 = !is_ascii;
    return NULL;
}

struct str address_domain(struct str address)
{
    const char *at = address.n > 0 ? memrchr(address.p, '@', address.n) : NULL;
    return at != NULL ? str_from(address, (size_t)(at - address.p) + 1) : STR("");
}
