#include "templates/date.h"

#include <stdio.h>

/* strftime with the flags and widths of the reference's host language. */

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};

struct output {
    const struct date *date;
    void *self;
    void (*put)(void *self, struct str bytes);
};

/* What stands between '%' and the letter. */
struct directive {
    /* '0', ' ', or '\0': the directive's own. */
    char padding;
    /* is_left: no padding at all. */
    bool is_left, is_upper, is_swapped;
    int colons, width;
    char letter;
};

#define WIDTH_MAX 200

static void put_padding(const struct output *output, char c, int count)
{
    for (; count > 0; count--)
        output->put(output->self, str_slice(&c, 1));
}

static void put_number(const struct output *output, const struct directive *directive,
                       int64_t number, int width, char padding)
{
    char text[32];
    bool negative = number < 0;
    int n =
        snprintf(text, sizeof text, "%lld", (long long)(negative ? -number : number));
    if (directive->padding != '\0')
        padding = directive->padding;
    if (directive->width > 0)
        width = directive->width;
    int fill = directive->is_left ? 0 : width - n - negative;
    if (negative && padding == '0')
        output->put(output->self, STR("-"));
    put_padding(output, padding, fill);
    if (negative && padding != '0')
        output->put(output->self, STR("-"));
    output->put(output->self, str_slice(text, (size_t)n));
}

static void put_text(const struct output *output, const struct directive *directive,
                     struct str text)
{
    char changed[64];
    size_t n = text.n < sizeof changed ? text.n : sizeof changed;
    bool to_upper = directive->is_upper;
    bool to_lower =
        directive->is_swapped && (directive->letter == 'p' || directive->letter == 'Z');
    if (directive->is_swapped && !to_lower)
        to_upper = true;
    for (size_t i = 0; i < n; i++) {
        char c = text.p[i];
        if (to_upper && c >= 'a' && c <= 'z')
            c = (char)(c - 32);
        changed[i] = to_lower ? ascii_lower(c) : c;
    }
    /* An unnamed zone stays nothing. */
    int fill = n > 0 ? directive->width - (int)n : 0;
    if (!directive->is_left)
        put_padding(output, directive->padding == '0' ? '0' : ' ', fill);
    output->put(output->self, str_slice(changed, n));
}

static int weekday(const struct date *date)
{
    struct date at = *date;
    at.offset_s = 0;
    int64_t days_since = date_seconds(&at) / 86400;
    if (date_seconds(&at) % 86400 < 0)
        days_since--;
    return (int)(((days_since + 4) % 7 + 7) % 7);
}

static int day_of_year(const struct date *date)
{
    struct date day = {.year = date->year, .month = date->month, .day = date->day};
    struct date first = {.year = date->year, .month = 1, .day = 1};
    return (int)((date_seconds(&day) - date_seconds(&first)) / 86400) + 1;
}

/* The number of the week whose first day is `first` (0: Sunday). */
static int week(const struct date *date, int first)
{
    return (day_of_year(date) + 6 - (weekday(date) - first + 7) % 7) / 7;
}

static int weeks_in(int64_t year)
{
    struct date last = {.year = year, .month = 12, .day = 31};
    struct date before = {.year = year - 1, .month = 12, .day = 31};
    return weekday(&last) == 4 || weekday(&before) == 3 ? 53 : 52;
}

/* ISO 8601: the week belongs to the year that has its Thursday. */
static int iso_week(const struct date *date, int64_t *year)
{
    int number = (day_of_year(date) - (weekday(date) + 6) % 7 + 9) / 7;
    *year = date->year;
    if (number < 1) {
        (*year)--;
        return weeks_in(*year);
    }
    if (number > weeks_in(*year)) {
        (*year)++;
        return 1;
    }
    return number;
}

/* The width is the whole zone's, and goes to the hours. */
static void put_zone(const struct output *output, const struct directive *directive)
{
    int offset = output->date->offset_s;
    int absolute = offset < 0 ? -offset : offset;
    int hours = absolute / 3600, minutes = absolute / 60 % 60, seconds = absolute % 60;
    const char *colon = directive->colons > 0 ? ":" : "";
    bool has_seconds = directive->colons == 2 || (directive->colons == 3 && seconds);
    bool has_minutes = directive->colons < 3 || minutes > 0 || has_seconds;
    char rest[16] = "", number[16];
    int n = has_minutes ? snprintf(rest, sizeof rest, "%s%02d", colon, minutes) : 0;
    if (has_seconds)
        n += snprintf(rest + n, sizeof rest - (size_t)n, ":%02d", seconds);
    bool is_spaced = directive->padding == ' ';
    int digits = snprintf(number, sizeof number, is_spaced ? "%d" : "%02d", hours);
    int fill = (directive->width > n + 3 ? directive->width : n + 3) - n - 1 - digits;
    if (is_spaced)
        put_padding(output, ' ', fill);
    output->put(output->self, offset < 0 ? STR("-") : STR("+"));
    if (!is_spaced)
        put_padding(output, '0', fill);
    output->put(output->self, str_of(number));
    output->put(output->self, str_of(rest));
}

/* Nine digits, cut or filled up to the width. */
static void put_fraction(const struct output *output, int digits)
{
    char text[16];
    snprintf(text, sizeof text, "%09d", output->date->nanosecond);
    output->put(output->self, str_slice(text, (size_t)(digits < 9 ? digits : 9)));
    put_padding(output, '0', digits - 9);
}

static bool format(const struct output *output, struct str text);

/* A directive that stands for several. */
static struct str expansion(char letter)
{
    switch (letter) {
    case 'c': return STR("%a %b %e %H:%M:%S %Y");
    case 'D':
    case 'x': return STR("%m/%d/%y");
    case 'F': return STR("%Y-%m-%d");
    case 'T':
    case 'X': return STR("%H:%M:%S");
    case 'R': return STR("%H:%M");
    case 'r': return STR("%I:%M:%S %p");
    case 'v': return STR("%e-%^b-%Y");
    default: return STR_NULL;
    }
}

struct gathered {
    char p[128];
    size_t n;
};

static void gather(void *self, struct str bytes)
{
    struct gathered *gathered = self;
    size_t room = sizeof gathered->p - gathered->n;
    size_t n = bytes.n < room ? bytes.n : room;
    memcpy(gathered->p + gathered->n, bytes.p, n);
    gathered->n += n;
}

static bool put_expansion(const struct output *output,
                          const struct directive *directive)
{
    struct str text = expansion(directive->letter);
    struct gathered gathered = {.n = 0};
    struct output inner = {output->date, &gathered, gather};
    if (str_is_null(text))
        return false;
    (void)format(&inner, text);
    /* Of the flags only ^ and 0 reach it. */
    struct directive whole = *directive;
    whole.is_left = whole.is_swapped = false;
    put_text(output, &whole, str_slice(gathered.p, gathered.n));
    return true;
}

static bool put_name(const struct output *output, const struct directive *directive)
{
    const struct date *date = output->date;
    bool is_afternoon = date->hour >= 12;
    struct str text;
    switch (directive->letter) {
    case 'A': text = str_of(days[weekday(date)]); break;
    case 'a': text = str_head(str_of(days[weekday(date)]), 3); break;
    case 'B': text = str_of(months[date->month - 1]); break;
    case 'b':
    case 'h': text = str_head(str_of(months[date->month - 1]), 3); break;
    case 'p': text = is_afternoon ? STR("PM") : STR("AM"); break;
    case 'P': text = is_afternoon ? STR("pm") : STR("am"); break;
    case 'Z': text = date->zone == ZONE_UTC ? STR("UTC") : STR(""); break;
    case 'n': text = STR("\n"); break;
    case 't': text = STR("\t"); break;
    case '%': text = STR("%"); break;
    default: return false;
    }
    put_text(output, directive, text);
    return true;
}

static int64_t hour_of_twelve(const struct date *date)
{
    return date->hour % 12 == 0 ? 12 : date->hour % 12;
}

static int64_t floor_hundredth(int64_t year)
{
    return year >= 0 ? year / 100 : -((99 - year) / 100);
}

static bool put_date_number(const struct output *output,
                            const struct directive *directive)
{
    const struct date *date = output->date;
    int64_t year;
    switch (directive->letter) {
    case 'Y':
        put_number(output, directive, date->year, date->year < 0 ? 5 : 4, '0');
        break;
    case 'C': put_number(output, directive, floor_hundredth(date->year), 2, '0'); break;
    case 'y':
        put_number(output, directive, (date->year % 100 + 100) % 100, 2, '0');
        break;
    case 'm': put_number(output, directive, date->month, 2, '0'); break;
    case 'd': put_number(output, directive, date->day, 2, '0'); break;
    case 'e': put_number(output, directive, date->day, 2, ' '); break;
    case 'j': put_number(output, directive, day_of_year(date), 3, '0'); break;
    case 'U': put_number(output, directive, week(date, 0), 2, '0'); break;
    case 'W': put_number(output, directive, week(date, 1), 2, '0'); break;
    case 'V': put_number(output, directive, iso_week(date, &year), 2, '0'); break;
    case 'G':
        iso_week(date, &year);
        put_number(output, directive, year, 4, '0');
        break;
    case 'g':
        iso_week(date, &year);
        put_number(output, directive, (year % 100 + 100) % 100, 2, '0');
        break;
    case 'u':
        put_number(output, directive, weekday(date) == 0 ? 7 : weekday(date), 1, '0');
        break;
    case 'w': put_number(output, directive, weekday(date), 1, '0'); break;
    default: return false;
    }
    return true;
}

static bool put_time_number(const struct output *output,
                            const struct directive *directive)
{
    const struct date *date = output->date;
    int width = directive->width;
    switch (directive->letter) {
    case 'H': put_number(output, directive, date->hour, 2, '0'); break;
    case 'k': put_number(output, directive, date->hour, 2, ' '); break;
    case 'I': put_number(output, directive, hour_of_twelve(date), 2, '0'); break;
    case 'l': put_number(output, directive, hour_of_twelve(date), 2, ' '); break;
    case 'M': put_number(output, directive, date->minute, 2, '0'); break;
    case 'S': put_number(output, directive, date->second, 2, '0'); break;
    case 's': put_number(output, directive, date_seconds(date), 1, '0'); break;
    case 'L': put_fraction(output, width > 0 ? width : 3); break;
    case 'N': put_fraction(output, width > 0 ? width : 9); break;
    case 'z': put_zone(output, directive); break;
    default: return false;
    }
    return true;
}

/* One to three colons before a z; anywhere else they are no flag. */
static bool read_colons(struct str text, size_t *at, struct directive *directive)
{
    size_t end = *at;
    while (end < text.n && text.p[end] == ':')
        end++;
    if (end == text.n || text.p[end] != 'z' || end - *at > 3)
        return false;
    directive->colons = (int)(end - *at);
    *at = end - 1;
    return true;
}

static void read_width(struct str text, size_t *at, struct directive *directive)
{
    size_t end = *at;
    if (text.p[end] == '0')
        directive->padding = '0';
    for (directive->width = 0; end < text.n && ascii_is_digit(text.p[end]); end++)
        if (directive->width <= WIDTH_MAX)
            directive->width = directive->width * 10 + (text.p[end] - '0');
    if (directive->width > WIDTH_MAX)
        directive->width = WIDTH_MAX;
    *at = end - 1;
}

/* False: no flag may stand here. None stands behind a width; E and O mean nothing, but
 * only before some letters. */
static bool read_flag(struct str text, size_t *at, struct directive *directive)
{
    char c = text.p[*at];
    char next = *at + 1 < text.n ? text.p[*at + 1] : '\0';
    if (c == ':')
        return read_colons(text, at, directive);
    if (c == 'E' || c == 'O')
        return next != '\0' && strchr(c == 'E' ? "cCxXyY" : "deHkIlmMSuUVwWy", next);
    if (directive->width > 0)
        return false;
    if (c == '^')
        directive->is_upper = true;
    else if (c == '#')
        directive->is_swapped = true;
    else
        directive->padding = c == '_' ? ' ' : '\0';
    if (c == '-')
        directive->is_left = true;
    return true;
}

/* Reads flags, width and letter behind a '%'; false if the text ends before. A flag
 * where none may stand is the letter, and then known to nobody. */
static bool read_directive(struct str text, size_t *at, struct directive *directive)
{
    *directive = (struct directive){0};
    for (; *at < text.n; (*at)++) {
        char c = text.p[*at];
        if (ascii_is_digit(c))
            read_width(text, at, directive);
        else if (c == '\0' || strchr("-_^#:EO", c) == NULL ||
                 !read_flag(text, at, directive))
            break;
    }
    if (*at >= text.n)
        return false;
    directive->letter = text.p[(*at)++];
    return true;
}

static bool put_directive(const struct output *output,
                          const struct directive *directive)
{
    return put_date_number(output, directive) || put_time_number(output, directive) ||
           put_name(output, directive) || put_expansion(output, directive);
}

static bool format(const struct output *output, struct str text)
{
    struct directive directive;
    while (text.n > 0) {
        const char *percent = memchr(text.p, '%', text.n);
        size_t plain = percent != NULL ? (size_t)(percent - text.p) : text.n, at = 1;
        if (plain > 0)
            output->put(output->self, str_head(text, plain));
        text = str_from(text, plain);
        if (text.n == 0)
            return true;
        bool is_read = read_directive(text, &at, &directive);
        if (!is_read)
            return false;
        if (!put_directive(output, &directive))
            output->put(output->self, str_head(text, at));
        text = str_from(text, at);
    }
    return true;
}

bool date_format(const struct date *date, struct str text, void *self,
                 void (*put)(void *self, struct str bytes))
{
    struct output output = {date, self, put};
    return format(&output, text);
}
