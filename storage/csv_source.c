#include "storage/csv_source.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * One buffer of decoded text; lines are found in it and handed out where they lie.
 * When none is complete any more, the rest moves to the front and the buffer is filled
 * up, straight from the descriptor or through iconv. Every byte is moved at most once
 * per buffer, however it arrives.
 */

#define RAW_BYTES (64U << 10)
/* More than one character of any encoding is in UTF-8, combining ones with it. */
#define CHARACTER_BYTES_MAX 32
/* No valid UTF-8 contains it. */
#define BAD_BYTE '\xFF'

struct csv_source {
    int fd;
    const char *name;
    iconv_t conversion; /* (iconv_t)-1: the input is UTF-8 */
    size_t unit;        /* bytes that a character has at least, in that encoding */
    struct stat status;
    uint64_t position;
    bool at_end;        /* nothing more to read from fd */
    bool is_begun;      /* the start was looked at (byte order mark) */
    bool is_order_open; /* UTF-16 of which the byte order is not known yet */
    size_t raw_n;       /* read but not converted yet */
    size_t first, last; /* text that was not handed out */
    char raw[RAW_BYTES];
    char text[CSV_SOURCE_BYTES];
};

#define NO_CONVERSION ((iconv_t)-1)

/* ---- opening ------------------------------------------------------------------- */

static bool is_utf8_name(const char *encoding)
{
    struct str name = str_of(encoding);
    return str_is_null(name) || str_equal_nocase(name, STR("UTF-8")) ||
           str_equal_nocase(name, STR("UTF8"));
}

static enum err open_input(struct csv_source *source, const char *path,
                           struct error *error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    source->fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd >= 0 && fstat(source->fd, &source->status) == 0 &&
        !S_ISDIR(source->status.st_mode))
        return ERR_NONE;
    int why = source->fd >= 0 ? EISDIR : errno;
    enum err err = why == EACCES || why == EPERM ? ERR_PERMISSION : ERR_NO_INPUT;
    return error_set(error, err, "import: %s: %s", source->name, strerror(why));
}

static bool is_utf16_name(const char *encoding)
{
    struct str name = str_of(encoding);
    return str_equal_nocase(name, STR("UTF-16")) ||
           str_equal_nocase(name, STR("UTF16"));
}

/* What is wrong must be skipped in whole units, or all that follows is wrong too. */
static size_t unit_of(const char *encoding)
{
    static const struct {
        struct str prefix;
        size_t bytes;
    } units[] = {
        {{"UTF-16", 6}, 2}, {{"UTF16", 5}, 2}, {{"UCS-2", 5}, 2}, {{"UCS2", 4}, 2},
        {{"UTF-32", 6}, 4}, {{"UTF32", 5}, 4}, {{"UCS-4", 5}, 4}, {{"UCS4", 4}, 4},
    };
    struct str name = str_of(encoding);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (str_has_prefix_nocase(name, units[i].prefix))
            return units[i].bytes;
    return 1;
}

static enum err set_conversion(struct csv_source *source, const char *encoding,
                               struct error *error)
{
    source->conversion = iconv_open("UTF-8", encoding);
    if (source->conversion != NO_CONVERSION)
        return ERR_NONE;
    return error_set(error, ERR_USAGE,
                     "import: encoding %s: not known here; `iconv -l` lists the names",
                     encoding);
}

static enum err open_conversion(struct csv_source *source, const char *encoding,
                                struct error *error)
{
    source->conversion = NO_CONVERSION;
    if (is_utf8_name(encoding))
        return ERR_NONE;
    source->is_order_open = is_utf16_name(encoding);
    source->unit = unit_of(encoding);
    return set_conversion(source, encoding, error);
}

enum err csv_source_open(const char *path, const char *name, const char *encoding,
                         struct csv_source **source, struct error *error)
{
    *source = NULL;
    struct csv_source *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ERR_MEMORY, "import: %s: out of memory", name);
    made->name = name;
    made->conversion = NO_CONVERSION;
    enum err err = open_input(made, path, error);
    if (err == ERR_NONE)
        err = open_conversion(made, encoding, error);
    if (err != ERR_NONE)
        csv_source_close(made);
    else
        *source = made;
    return err;
}

void csv_source_close(struct csv_source *source)
{
    if (source == NULL)
        return;
    if (source->conversion != NO_CONVERSION)
        iconv_close(source->conversion);
    if (source->fd >= 0)
        close(source->fd);
    free(source);
}

/* ---- filling ------------------------------------------------------------------- */

/* Reads up to `max` bytes; 0 at the end. */
static enum err read_some(struct csv_source *source, char *to, size_t max, size_t *n,
                          struct error *error)
{
    ssize_t got;
    do
        got = read(source->fd, to, max);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_set(error, errno == EISDIR ? ERR_NO_INPUT : ERR_OS,
                         "import: %s: %s", source->name, strerror(errno));
    *n = (size_t)got;
    source->position += (uint64_t)got;
    source->at_end = got == 0;
    return ERR_NONE;
}

/* One byte that stands for what could not be converted, and past it. */
static void skip_bad(struct csv_source *source, char **in, size_t *in_n)
{
    size_t n = *in_n < source->unit ? *in_n : source->unit;
    source->text[source->last++] = BAD_BYTE;
    *in += n;
    *in_n -= n;
    (void)iconv(source->conversion, NULL, NULL, NULL, NULL);
}

static void convert(struct csv_source *source)
{
    char *in = source->raw;
    size_t in_n = source->raw_n;
    while (in_n > 0 && source->last < CSV_SOURCE_BYTES) {
        char *out = source->text + source->last;
        size_t room = CSV_SOURCE_BYTES - source->last;
        size_t rc = iconv(source->conversion, &in, &in_n, &out, &room);
        source->last = CSV_SOURCE_BYTES - room;
        if (rc != (size_t)-1 || errno == E2BIG)
            break;
        /* EINVAL: the rest of the character is still to be read, or never comes. */
        if (errno == EINVAL && !source->at_end)
            break;
        if (source->last < CSV_SOURCE_BYTES)
            skip_bad(source, &in, &in_n);
    }
    memmove(source->raw, in, in_n);
    source->raw_n = in_n;
}

/* "UTF-16" leaves the order of the bytes to the mark at the start. Without one iconv
 * takes this machine's order, but most text has characters below U+0100, whose upper
 * byte is NUL: that says which byte comes first. The order is named to iconv even where
 * there is a mark, for it forgets the mark after a character that is wrong. */
static enum err settle_byte_order(struct csv_source *source, struct error *error)
{
    struct str raw = str_slice(source->raw, source->raw_n);
    size_t nul[2] = {0};
    source->is_order_open = false;
    for (size_t i = 0; i < raw.n; i++)
        nul[i % 2] += raw.p[i] == '\0';
    bool is_big_endian = str_has_prefix(raw, STR("\xFE\xFF")) ||
                         (!str_has_prefix(raw, STR("\xFF\xFE")) && nul[0] > nul[1]);
    (void)iconv_close(source->conversion);
    return set_conversion(source, is_big_endian ? "UTF-16BE" : "UTF-16LE", error);
}

static enum err fill_converted(struct csv_source *source, struct error *error)
{
    size_t got = 0;
    if (!source->at_end && source->raw_n < RAW_BYTES) {
        enum err err = read_some(source, source->raw + source->raw_n,
                                 RAW_BYTES - source->raw_n, &got, error);
        if (err != ERR_NONE)
            return err;
    }
    source->raw_n += got;
    if (source->is_order_open) {
        if (source->raw_n < RAW_BYTES && !source->at_end)
            return ERR_NONE;
        enum err err = settle_byte_order(source, error);
        if (err != ERR_NONE)
            return err;
    }
    convert(source);
    return ERR_NONE;
}

/* No more text goes in before some is handed out. A character that iconv writes must
 * fit as a whole: with less room than that it would never get on. */
static bool is_full(const struct csv_source *source)
{
    size_t room = CSV_SOURCE_BYTES - (source->last - source->first);
    return room < (source->conversion != NO_CONVERSION ? CHARACTER_BYTES_MAX : 1);
}

/* More text behind what there is; the rest moves to the front first. */
static enum err fill(struct csv_source *source, struct error *error)
{
    memmove(source->text, source->text + source->first, source->last - source->first);
    source->last -= source->first;
    source->first = 0;
    if (is_full(source))
        return ERR_NONE;
    if (source->conversion != NO_CONVERSION)
        return fill_converted(source, error);
    size_t got = 0;
    enum err err = read_some(source, source->text + source->last,
                             CSV_SOURCE_BYTES - source->last, &got, error);
    if (err == ERR_NONE)
        source->last += got;
    return err;
}

static bool is_dry(const struct csv_source *source)
{
    return source->at_end && source->raw_n == 0;
}

/* UTF-16 begins with its mark, or with a character of which one byte is NUL; UTF-32
 * with a mark that looks much the same. NULL: it is neither. */
static const char *wide_encoding(struct str text)
{
    if (str_has_prefix(text, STR("\xFF\xFE\0\0")) ||
        str_has_prefix(text, STR("\0\0\xFE\xFF")))
        return "UTF-32";
    bool has_mark =
        str_has_prefix(text, STR("\xFF\xFE")) || str_has_prefix(text, STR("\xFE\xFF"));
    bool has_halves = text.n >= 4 && (text.p[0] == '\0') != (text.p[1] == '\0') &&
                      (text.p[2] == '\0') != (text.p[3] == '\0');
    return has_mark || has_halves ? "UTF-16" : NULL;
}

static enum err begin(struct csv_source *source, struct error *error)
{
    enum err err = ERR_NONE;
    while (err == ERR_NONE && !is_dry(source) && !is_full(source))
        err = fill(source, error);
    if (err != ERR_NONE)
        return err;
    source->is_begun = true;
    struct str text = str_slice(source->text, source->last);
    const char *wide = wide_encoding(text);
    if (source->conversion == NO_CONVERSION && wide != NULL)
        return error_set(error, ERR_DATA,
                         "import: %s:1: this is %s; give --encoding %s", source->name,
                         wide, wide);
    if (str_has_prefix(text, STR("\xEF\xBB\xBF")))
        source->first = 3;
    return ERR_NONE;
}

/* ---- lines --------------------------------------------------------------------- */

/* Bytes up to and with the first line end in text; 0 if there is none, or if it ends
 * with a CR of which it is not known yet whether an LF follows. */
static size_t line_length(struct str text, bool is_all)
{
    const char *lf = memchr(text.p, '\n', text.n);
    size_t n = lf != NULL ? (size_t)(lf - text.p) + 1 : text.n;
    const char *cr = memchr(text.p, '\r', n);
    if (cr == NULL)
        return lf != NULL ? n : 0;
    size_t end = (size_t)(cr - text.p) + 1;
    if (end < text.n)
        return text.p[end] == '\n' ? end + 1 : end;
    return is_all ? end : 0;
}

enum err csv_source_next(struct csv_source *source, struct csv_line *line,
                         struct error *error)
{
    if (!source->is_begun) {
        enum err err = begin(source, error);
        if (err != ERR_NONE)
            return err;
    }
    for (;;) {
        struct str text =
            str_slice(source->text + source->first, source->last - source->first);
        size_t n = line_length(text, is_dry(source));
        line->ends = n > 0;
        /* A piece never ends with a CR that may be half of a line end. */
        if (n == 0 && is_dry(source))
            n = text.n;
        else if (n == 0 && is_full(source))
            n = text.n - (text.p[text.n - 1] == '\r');
        if (n > 0) {
            line->bytes = str_head(text, n);
            source->first += n;
            return ERR_NONE;
        }
        if (is_dry(source))
            return ERR_NOT_FOUND;
        enum err err = fill(source, error);
        if (err != ERR_NONE)
            return err;
    }
}

enum err csv_source_peek(struct csv_source *source, struct str *bytes,
                         struct error *error)
{
    enum err err = source->is_begun ? ERR_NONE : begin(source, error);
    *bytes = str_slice(source->text + source->first, source->last - source->first);
    return err;
}

uint64_t csv_source_position(const struct csv_source *source)
{
    return source->position;
}

uint64_t csv_source_size(const struct csv_source *source)
{
    return S_ISREG(source->status.st_mode) ? (uint64_t)source->status.st_size : 0;
}

bool csv_source_is_file(const struct csv_source *source, const char *path)
{
    struct stat other;
    return stat(path, &other) == 0 && S_ISREG(source->status.st_mode) &&
           other.st_dev == source->status.st_dev &&
           other.st_ino == source->status.st_ino;
}

bool csv_source_has_changed(const struct csv_source *source)
{
    struct stat now;
    const struct stat *then = &source->status;
    return S_ISREG(then->st_mode) &&
           (fstat(source->fd, &now) != 0 || now.st_size != then->st_size ||
            now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != then->st_mtim.tv_nsec);
}
