#include "storage/csv_delimiter.h"

#include "storage/import_header.h"

/*
 * A spreadsheet of a German office writes `email;Name, First`: by counting alone the
 * comma would do as well as the semicolon. What must be there tells them apart: the
 * column with the addresses.
 */

struct candidate {
    char delimiter;
    size_t count;
    bool has_email;
};

static struct str first_line(struct str text)
{
    bool is_quoted = false;
    while (text.n > 0 && (text.p[0] == '\n' || text.p[0] == '\r'))
        text = str_from(text, 1);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            is_quoted = !is_quoted;
        if (!is_quoted && (text.p[i] == '\n' || text.p[i] == '\r'))
            return str_head(text, i);
    }
    return text;
}

/* Up to the next delimiter outside quotes; `rest` is null behind the last field. */
static struct str next_field(struct str line, char delimiter, struct str *rest)
{
    bool is_quoted = false;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '"')
            is_quoted = !is_quoted;
        if (!is_quoted && line.p[i] == delimiter) {
            *rest = str_from(line, i + 1);
            return str_head(line, i);
        }
    }
    *rest = STR_NULL;
    return line;
}

static struct str unquoted(struct str field)
{
    field = str_trim(field);
    if (field.n >= 2 && field.p[0] == '"' && field.p[field.n - 1] == '"')
        field = str_trim(str_slice(field.p + 1, field.n - 2));
    return field;
}

static struct candidate try_delimiter(char delimiter, struct str line,
                                      struct str email_column)
{
    struct candidate candidate = {.delimiter = delimiter};
    while (!str_is_null(line)) {
        struct str field = unquoted(next_field(line, delimiter, &line));
        candidate.count++;
        if (import_header_is_email(field, email_column))
            candidate.has_email = true;
    }
    return candidate;
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
    return a->has_email != b->has_email ? a->has_email : a->count > b->count;
}

char csv_delimiter_detect(struct str text, struct str email_column)
{
    static const char delimiters[] = {',', ';', '\t', '|'};
    struct str line = first_line(text);
    struct candidate best = try_delimiter(delimiters[0], line, email_column);
    for (size_t i = 1; i < sizeof delimiters; i++) {
        struct candidate next = try_delimiter(delimiters[i], line, email_column);
        if (is_better(&next, &best))
            best = next;
    }
    return best.delimiter;
}
