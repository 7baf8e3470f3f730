#include "templates/filters.h"
#include "templates/machine.h"

#include <ctype.h>

/* Escaping and encoding. */

struct value filter_raw(struct template_machine *machine, struct value input,
                        const struct value *arguments, size_t count)
{
    (void)machine, (void)arguments, (void)count;
    return input;
}

static uint8_t html_flag(const struct template_machine *machine)
{
    return machine->template->escape == TEMPLATE_ESCAPE_HTML ? VALUE_IS_HTML : 0;
}

struct value filter_escape(struct template_machine *machine, struct value input,
                           const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    if (value_is_nil(input) || (input.flags & VALUE_IS_HTML) != 0)
        return input;
    struct text text = {.machine = machine};
    text_add_html(&text, value_text(machine, input));
    struct value escaped = text_value(&text);
    escaped.flags = html_flag(machine);
    return escaped;
}

/* The length of an entity at the start, "&amp;" or "&#39;"; 0 if there is none. */
static size_t entity_length(struct str s)
{
    size_t n = 1, start = 1;
    bool is_number = s.n > 1 && s.p[1] == '#';
    if (is_number)
        n = start = 2;
    while (n < s.n && (is_number ? isdigit((unsigned char)s.p[n])
                                 : isalpha((unsigned char)s.p[n])))
        n++;
    return n > start && n < s.n && s.p[n] == ';' ? n + 1 : 0;
}

struct value filter_escape_once(struct template_machine *machine, struct value input,
                                const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    struct text text = {.machine = machine};
    struct str rest = value_text(machine, input);
    while (rest.n > 0 && !machine->failed) {
        size_t n = rest.p[0] == '&' ? entity_length(rest) : 0;
        if (n > 0) {
            text_add(&text, str_head(rest, n));
        } else {
            n = 1;
            while (n < rest.n && rest.p[n] != '&')
                n++;
            text_add_html(&text, str_head(rest, n));
        }
        rest = str_from(rest, n);
    }
    struct value escaped = text_value(&text);
    escaped.flags = html_flag(machine);
    return escaped;
}

/* The bytes up to and with `end`, if the text starts with `start`; else 0. */
static size_t block_length(struct str s, struct str start, struct str end)
{
    if (!str_has_prefix(s, start))
        return 0;
    const char *found = memmem(s.p + start.n, s.n - start.n, end.p, end.n);
    return found != NULL ? (size_t)(found - s.p) + end.n : 0;
}

static size_t hidden_length(struct str s)
{
    size_t n = block_length(s, STR("<script"), STR("</script>"));
    if (n == 0)
        n = block_length(s, STR("<!--"), STR("-->"));
    if (n == 0)
        n = block_length(s, STR("<style"), STR("</style>"));
    return n;
}

static size_t tag_length(struct str s)
{
    return block_length(s, STR("<"), STR(">"));
}

static struct str without(struct template_machine *machine, struct str s,
                          size_t (*length)(struct str s))
{
    struct text text = {.machine = machine};
    /* Once a block has no end, a later one of its kind has none either; this bounds
     * the looking for it. */
    while (s.n > 0 && !machine->failed) {
        const char *found = memchr(s.p, '<', s.n);
        size_t n = found != NULL ? (size_t)(found - s.p) : s.n;
        text_add(&text, str_head(s, n));
        s = str_from(s, n);
        if (s.n == 0)
            break;
        size_t hidden = length(s);
        machine_step(machine, 1 + (hidden == 0 ? s.n / 64 : 0));
        if (hidden == 0)
            text_add_char(&text, '<');
        s = str_from(s, hidden > 0 ? hidden : 1);
    }
    return value_str(text_value(&text));
}

struct value filter_strip_html(struct template_machine *machine, struct value input,
                               const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    struct str text = value_text(machine, input);
    return value_string(
        without(machine, without(machine, text, hidden_length), tag_length));
}

static bool is_unreserved(char c)
{
    return ascii_is_letter_or_digit(c) || c == '-' || c == '_' || c == '.' || c == '~';
}

struct value filter_url_encode(struct template_machine *machine, struct value input,
                               const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    static const char digits[] = "0123456789ABCDEF";
    if (value_is_nil(input))
        return input;
    struct text text = {.machine = machine};
    struct str s = value_text(machine, input);
    for (size_t i = 0; i < s.n && !machine->failed; i++) {
        unsigned char c = (unsigned char)s.p[i];
        const char encoded[3] = {'%', digits[c >> 4], digits[c & 15]};
        if (is_unreserved(s.p[i]))
            text_add_char(&text, s.p[i]);
        else if (c == ' ')
            text_add_char(&text, '+');
        else
            text_add(&text, str_slice(encoded, 3));
    }
    return text_value(&text);
}

struct value filter_url_decode(struct template_machine *machine, struct value input,
                               const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    if (value_is_nil(input))
        return input;
    struct text text = {.machine = machine};
    struct str s = value_text(machine, input);
    for (size_t i = 0; i < s.n && !machine->failed; i++) {
        int high = -1, low = -1;
        if (s.p[i] == '%' && i + 2 < s.n) {
            high = ascii_hex_digit(s.p[i + 1]);
            low = ascii_hex_digit(s.p[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            text_add_char(&text, (char)(high << 4 | low));
            i += 2;
        } else {
            text_add_char(&text, s.p[i] == '+' ? ' ' : s.p[i]);
        }
    }
    struct value decoded = text_value(&text);
    if (decoded.type == VALUE_STRING && !str_is_utf8(value_str(decoded)))
        machine_fail(machine, "invalid byte sequence in UTF-8");
    return decoded;
}

static const char base64_plain[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct value encode(struct template_machine *machine, struct value input,
                           const char *alphabet)
{
    struct text text = {.machine = machine};
    struct str s = value_text(machine, input);
    for (size_t i = 0; i < s.n && !machine->failed; i += 3) {
        size_t left = s.n - i;
        uint32_t bits = (uint32_t)(unsigned char)s.p[i] << 16;
        if (left > 1)
            bits |= (uint32_t)(unsigned char)s.p[i + 1] << 8;
        if (left > 2)
            bits |= (unsigned char)s.p[i + 2];
        const char four[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63],
                              left > 1 ? alphabet[bits >> 6 & 63] : '=',
                              left > 2 ? alphabet[bits & 63] : '='};
        text_add(&text, str_slice(four, 4));
    }
    return text_value(&text);
}

struct value filter_base64_encode(struct template_machine *machine, struct value input,
                                  const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    return encode(machine, input, base64_plain);
}

struct value filter_base64_url_safe_encode(struct template_machine *machine,
                                           struct value input,
                                           const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    return encode(machine, input, base64_url);
}

static int digit_value(const char *alphabet, char c)
{
    const char *found = c != '\0' ? strchr(alphabet, c) : NULL;
    return found != NULL ? (int)(found - alphabet) : -1;
}

/* Four digits to a group; `s` is without its padding. False: not base64. */
static bool decode(struct text *text, struct str s, const char *alphabet)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < s.n; i++) {
        int digit = digit_value(alphabet, s.p[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 == 3) {
            const char three[3] = {(char)(bits >> 16 & 255), (char)(bits >> 8 & 255),
                                   (char)(bits & 255)};
            text_add(text, str_slice(three, 3));
        }
    }
    if (s.n % 4 == 1)
        return false;
    if (s.n % 4 == 2) {
        text_add_char(text, (char)(bits >> 4 & 255));
        return (bits & 15) == 0;
    }
    if (s.n % 4 == 3) {
        text_add_char(text, (char)(bits >> 10 & 255));
        text_add_char(text, (char)(bits >> 2 & 255));
        return (bits & 3) == 0;
    }
    return true;
}

static struct str without_padding(struct str s)
{
    for (int i = 0; i < 2 && s.n > 0 && s.p[s.n - 1] == '='; i++)
        s.n--;
    return s;
}

struct value filter_base64_decode(struct template_machine *machine, struct value input,
                                  const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    struct text text = {.machine = machine};
    struct str s = value_text(machine, input);
    if (s.n % 4 != 0 || !decode(&text, without_padding(s), base64_plain))
        machine_fail(machine, "invalid base64 provided to base64_decode");
    return text_value(&text);
}

struct value filter_base64_url_safe_decode(struct template_machine *machine,
                                           struct value input,
                                           const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    struct text text = {.machine = machine};
    struct str s = value_text(machine, input), digits = without_padding(s);
    bool padded = digits.n != s.n;
    if ((padded && s.n % 4 != 0) || !decode(&text, digits, base64_url))
        machine_fail(machine, "invalid base64 provided to base64_url_safe_decode");
    return text_value(&text);
}
