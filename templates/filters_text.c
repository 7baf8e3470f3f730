#include "templates/filters.h"
#include "templates/lexer.h"
#include "templates/machine.h"
#include "templates/unicode.h"

/* Filters that make one text from another. */

static struct value joined(struct template_machine *machine, struct str a, struct str b)
{
    struct text text = {.machine = machine};
    text_add(&text, a);
    text_add(&text, b);
    return text_value(&text);
}

struct value filter_append(struct template_machine *machine, struct value input,
                           const struct value *arguments, size_t count)
{
    (void)count;
    return joined(machine, value_text(machine, input),
                  value_text(machine, arguments[0]));
}

struct value filter_prepend(struct template_machine *machine, struct value input,
                            const struct value *arguments, size_t count)
{
    (void)count;
    return joined(machine, value_text(machine, arguments[0]),
                  value_text(machine, input));
}

static struct value change_case(struct template_machine *machine, struct value input,
                                enum letter_case first, enum letter_case others)
{
    struct text text = {.machine = machine};
    struct str rest = value_text(machine, input);
    for (enum letter_case next = first; rest.n > 0 && !machine->failed; next = others) {
        char p[CASE_BYTES_MAX];
        size_t bytes;
        uint32_t code = utf8_get(rest, &bytes);
        text_add(&text, str_slice(p, unicode_case(code, next, p)));
        rest = str_from(rest, bytes);
    }
    return text_value(&text);
}

struct value filter_upcase(struct template_machine *machine, struct value input,
                           const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    return change_case(machine, input, CASE_UPPER, CASE_UPPER);
}

struct value filter_downcase(struct template_machine *machine, struct value input,
                             const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    return change_case(machine, input, CASE_LOWER, CASE_LOWER);
}

struct value filter_capitalize(struct template_machine *machine, struct value input,
                               const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    return change_case(machine, input, CASE_TITLE, CASE_LOWER);
}

struct value filter_strip(struct template_machine *machine, struct value input,
                          const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    return value_string(strip_both(value_text(machine, input)));
}

struct value filter_lstrip(struct template_machine *machine, struct value input,
                           const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    return value_string(strip_start(value_text(machine, input)));
}

struct value filter_rstrip(struct template_machine *machine, struct value input,
                           const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    return value_string(strip_end(value_text(machine, input)));
}

/* Each line with `end` instead of its line feed (and a return before that). */
static void replace_line_ends(struct text *text, struct str rest, struct str end,
                              bool escapes)
{
    while (!str_is_null(rest)) {
        struct str line = str_split(rest, '\n', &rest);
        bool is_last = str_is_null(rest);
        if (!is_last && line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (escapes)
            text_add_html(text, line);
        else
            text_add(text, line);
        if (!is_last)
            text_add(text, end);
    }
}

struct value filter_strip_newlines(struct template_machine *machine, struct value input,
                                   const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    struct text text = {.machine = machine};
    replace_line_ends(&text, value_text(machine, input), STR(""), false);
    return text_value(&text);
}

/* Without white space at the ends, and one space for each run of it within. */
struct value filter_squish(struct template_machine *machine, struct value input,
                           const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    struct text text = {.machine = machine};
    struct str rest = strip_both(value_text(machine, input));
    while (rest.n > 0 && !machine->failed) {
        size_t n = 0;
        while (n < rest.n && !ascii_is_space(rest.p[n]))
            n++;
        text_add(&text, str_head(rest, n));
        rest = str_from(rest, n);
        if (rest.n > 0)
            text_add_char(&text, ' ');
        while (rest.n > 0 && ascii_is_space(rest.p[0]))
            rest = str_from(rest, 1);
    }
    return text_value(&text);
}

/* Where values are escaped, its breaks are meant to stay: the rest is escaped here. */
struct value filter_newline_to_br(struct template_machine *machine, struct value input,
                                  const struct value *arguments, size_t count)
{
    (void)arguments, (void)count;
    struct text text = {.machine = machine};
    bool in_html = machine->template->escape == TEMPLATE_ESCAPE_HTML;
    replace_line_ends(&text, value_text(machine, input), STR("<br />\n"),
                      in_html && (input.flags & VALUE_IS_HTML) == 0);
    struct value value = text_value(&text);
    value.flags = in_html ? VALUE_IS_HTML : 0;
    return value;
}

/* A replacement, in which a backslash and a letter stand for parts of the match. */
static void add_replacement(struct text *text, struct str replacement, struct str whole,
                            size_t at, struct str match)
{
    for (size_t i = 0; i < replacement.n; i++) {
        char c = replacement.p[i],
             next = i + 1 < replacement.n ? replacement.p[i + 1] : 0;
        if (c != '\\' || next == 0) {
            text_add_char(text, c);
            continue;
        }
        i++;
        if (next == '0' || next == '&')
            text_add(text, match);
        else if (next == '`')
            text_add(text, str_head(whole, at));
        else if (next == '\'')
            text_add(text, str_from(whole, at + match.n));
        else if (next == '\\')
            text_add_char(text, '\\');
        else if (next < '1' || next > '9')
            text_add(text, str_slice(&replacement.p[i - 1], 2));
    }
}

/* An empty pattern matches before every character and at the end. */
static struct value replace_empty(struct template_machine *machine, struct str input,
                                  struct str replacement, bool only_first)
{
    struct text text = {.machine = machine};
    for (size_t at = 0; !machine->failed;) {
        add_replacement(&text, replacement, input, at, STR(""));
        if (at >= input.n || only_first) {
            text_add(&text, str_from(input, at));
            break;
        }
        size_t bytes = utf8_bytes(str_from(input, at), 1);
        text_add(&text, str_slice(input.p + at, bytes));
        at += bytes;
    }
    return text_value(&text);
}

static struct value replace(struct template_machine *machine, struct value value,
                            struct value pattern_value, struct value by_value,
                            bool only_first)
{
    struct str input = value_text(machine, value);
    struct str pattern = value_text(machine, pattern_value);
    struct str by = value_text(machine, by_value);
    struct text text = {.machine = machine};
    if (pattern.n == 0)
        return replace_empty(machine, input, by, only_first);
    size_t at = 0;
    while (at < input.n && !machine->failed) {
        const char *found = memmem(input.p + at, input.n - at, pattern.p, pattern.n);
        if (found == NULL)
            break;
        size_t start = (size_t)(found - input.p);
        text_add(&text, str_slice(input.p + at, start - at));
        add_replacement(&text, by, input, start, str_slice(found, pattern.n));
        at = start + pattern.n;
        if (only_first)
            break;
    }
    text_add(&text, str_from(input, at));
    return text_value(&text);
}

static struct value or_empty(const struct value *arguments, size_t count, size_t index)
{
    return index < count ? arguments[index] : value_string(STR(""));
}

struct value filter_replace(struct template_machine *machine, struct value input,
                            const struct value *arguments, size_t count)
{
    return replace(machine, input, arguments[0], or_empty(arguments, count, 1), false);
}

struct value filter_replace_first(struct template_machine *machine, struct value input,
                                  const struct value *arguments, size_t count)
{
    return replace(machine, input, arguments[0], or_empty(arguments, count, 1), true);
}

struct value filter_remove(struct template_machine *machine, struct value input,
                           const struct value *arguments, size_t count)
{
    return replace(machine, input, arguments[0], or_empty(arguments, count, 1), false);
}

struct value filter_remove_first(struct template_machine *machine, struct value input,
                                 const struct value *arguments, size_t count)
{
    return replace(machine, input, arguments[0], or_empty(arguments, count, 1), true);
}

static struct value replace_last(struct template_machine *machine, struct value value,
                                 struct value pattern_value, struct value by_value)
{
    struct str input = value_text(machine, value);
    struct str pattern = value_text(machine, pattern_value);
    struct text text = {.machine = machine};
    if (pattern.n > input.n)
        return value_string(input);
    for (size_t at = input.n - pattern.n + 1; at-- > 0;) {
        if (pattern.n > 0 && memcmp(input.p + at, pattern.p, pattern.n) != 0)
            continue;
        text_add(&text, str_head(input, at));
        text_add(&text, value_text(machine, by_value));
        text_add(&text, str_from(input, at + pattern.n));
        return text_value(&text);
    }
    return value_string(input);
}

struct value filter_replace_last(struct template_machine *machine, struct value input,
                                 const struct value *arguments, size_t count)
{
    (void)count;
    return replace_last(machine, input, arguments[0], arguments[1]);
}

struct value filter_remove_last(struct template_machine *machine, struct value input,
                                const struct value *arguments, size_t count)
{
    (void)count;
    return replace_last(machine, input, arguments[0], value_string(STR("")));
}

/* [start, start + length) of `count`, counted from the end if negative; false: none. */
static bool slice_bounds(int64_t *start, int64_t *length, size_t count)
{
    int64_t n = (int64_t)count;
    if (*start < 0)
        *start += n;
    if (*start < 0 || *start > n || *length < 0)
        return false;
    if (*length > n - *start)
        *length = n - *start;
    return true;
}

struct value filter_slice(struct template_machine *machine, struct value input,
                          const struct value *arguments, size_t count)
{
    int64_t start = value_to_integer(machine, arguments[0]), length = 1;
    if (count > 1 && value_is_true(arguments[1]))
        length = value_to_integer(machine, arguments[1]);
    if (machine->failed)
        return value_nil();
    if (input.type == VALUE_ARRAY) {
        if (!slice_bounds(&start, &length, input.n) || length == 0)
            return value_array(NULL, 0);
        return value_array(input.items + start, (size_t)length);
    }
    struct str s = value_text(machine, input);
    if (!slice_bounds(&start, &length, utf8_count(s)))
        return value_string(STR(""));
    s = str_from(s, utf8_bytes(s, (size_t)start));
    return value_string(str_head(s, utf8_bytes(s, (size_t)length)));
}

struct value filter_truncate(struct template_machine *machine, struct value input,
                             const struct value *arguments, size_t count)
{
    if (value_is_nil(input))
        return input;
    struct str s = value_text(machine, input), end = STR("...");
    int64_t length = count > 0 ? value_to_integer(machine, arguments[0]) : 50;
    if (count > 1)
        end = value_text(machine, arguments[1]);
    if (machine->failed || (int64_t)utf8_count(s) <= length)
        return value_string(s);
    int64_t kept = length - (int64_t)utf8_count(end);
    return joined(machine, str_head(s, utf8_bytes(s, kept > 0 ? (size_t)kept : 0)),
                  end);
}

/* The next word; false if there is none. */
static bool next_word(struct str *rest, struct str *word)
{
    while (rest->n > 0 && ascii_is_space(rest->p[0]))
        *rest = str_from(*rest, 1);
    size_t n = 0;
    while (n < rest->n && !ascii_is_space(rest->p[n]))
        n++;
    *word = str_head(*rest, n);
    *rest = str_from(*rest, n);
    return n > 0;
}

struct value filter_truncatewords(struct template_machine *machine, struct value input,
                                  const struct value *arguments, size_t count)
{
    if (value_is_nil(input))
        return input;
    struct str s = value_text(machine, input), rest = s, word;
    int64_t words = count > 0 ? value_to_integer(machine, arguments[0]) : 15;
    struct str end = count > 1 ? value_text(machine, arguments[1]) : STR("...");
    struct text text = {.machine = machine};
    for (int64_t i = 0; i < (words > 1 ? words : 1); i++) {
        if (machine->failed || !next_word(&rest, &word))
            return value_string(s);
        if (i > 0)
            text_add_char(&text, ' ');
        text_add(&text, word);
    }
    /* White space behind the last word is one more, empty. */
    if (rest.n == 0)
        return value_string(s);
    text_add(&text, end);
    return text_value(&text);
}

/* A row of strings that grows in the arena. */
struct strings {
    struct template_machine *machine;
    struct value *p;
    size_t n, cap;
};

static void strings_add(struct strings *strings, struct str s)
{
    if (strings->n == strings->cap) {
        size_t cap = strings->cap > 0 ? strings->cap * 2 : 16;
        struct value *p = machine_alloc(strings->machine, cap * sizeof *p);
        if (p == NULL)
            return;
        if (strings->n > 0)
            memcpy(p, strings->p, strings->n * sizeof *p);
        strings->p = p;
        strings->cap = cap;
    }
    strings->p[strings->n++] = value_string(s);
}

static void split_at(struct strings *strings, struct str rest, struct str separator)
{
    while (!strings->machine->failed) {
        const char *found = memmem(rest.p, rest.n, separator.p, separator.n);
        if (found == NULL)
            break;
        strings_add(strings, str_head(rest, (size_t)(found - rest.p)));
        rest = str_from(rest, (size_t)(found - rest.p) + separator.n);
    }
    strings_add(strings, rest);
}

struct value filter_split(struct template_machine *machine, struct value input,
                          const struct value *arguments, size_t count)
{
    (void)count;
    struct str rest = value_text(machine, input), word;
    struct str separator = value_text(machine, arguments[0]);
    struct strings strings = {.machine = machine};
    if (separator.n == 0) {
        for (; rest.n > 0 && !machine->failed;) {
            size_t bytes = utf8_bytes(rest, 1);
            strings_add(&strings, str_head(rest, bytes));
            rest = str_from(rest, bytes);
        }
    } else if (str_equal(separator, STR(" "))) {
        while (next_word(&rest, &word) && !machine->failed)
            strings_add(&strings, word);
    } else if (rest.n > 0) {
        split_at(&strings, rest, separator);
    }
    while (strings.n > 0 && strings.p[strings.n - 1].n == 0)
        strings.n--;
    return value_array(strings.p, strings.n);
}
