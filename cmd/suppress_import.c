/*
 * suppress_import.c - `suppress import`: an address a line, or what `suppress export`
 * wrote
 *
 * A first line that names a column `address` (or email, e-mail, mail) is a header; then
 * cause, source, time, campaign and note are read from columns of that name. Good lines
 * are taken, bad ones are named one by one, and then the exit code is 65: a
 * suppression that was silently left out would be a message too many.
 */
#include "cmd/commands.h"

#include "cmd/csv_in.h"
#include "cmd/format.h"
#include "storage/suppressions.h"

#include <errno.h>
#include <time.h>

enum column { ADDRESS, CAUSE, SOURCE, TIME, CAMPAIGN, NOTE, COLUMN_COUNT };
#define COLUMN_ABSENT SIZE_MAX

struct import_values {
    unsigned format;
    const char *cause, *source;
};

struct suppress_import {
    struct store *store;
    const char *name;
    const struct import_values *values;
    struct csv_in csv;
    bool has_header;
    size_t columns[COLUMN_COUNT];
    uint64_t added, known, invalid;
};

static bool names_address(struct str name)
{
    return str_equal_nocase(name, STR("address")) ||
           str_equal_nocase(name, STR("email")) ||
           str_equal_nocase(name, STR("e-mail")) || str_equal_nocase(name, STR("mail"));
}

/* Whether the first record is a header; fills columns. */
static bool take_header(struct suppress_import *import)
{
    static const char *const names[COLUMN_COUNT] = {NULL,   "cause",    "source",
                                                    "time", "campaign", "note"};
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        import->columns[i] = COLUMN_ABSENT;
    for (size_t at = 0; at < import->csv.field_count; at++) {
        struct str field = csv_in_field(&import->csv, at);
        if (names_address(field))
            import->columns[ADDRESS] = at;
        for (size_t i = CAUSE; i < COLUMN_COUNT; i++)
            if (str_equal_nocase(field, str_of(names[i])))
                import->columns[i] = at;
    }
    if (import->columns[ADDRESS] != COLUMN_ABSENT)
        return true;
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        import->columns[i] = i == ADDRESS ? 0 : COLUMN_ABSENT;
    return false;
}

static struct str field_of(const struct suppress_import *import, enum column column)
{
    size_t at = import->columns[column];
    return at != COLUMN_ABSENT ? csv_in_field(&import->csv, at) : STR("");
}

/* "2026-01-01T00:00:00Z"; false for anything else. */
static bool parse_time(struct str text, int64_t *wall_ms)
{
    char copy[32];
    struct tm utc = {0};
    if (text.n != 20)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    const char *end = strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (end == NULL || *end != '\0')
        return false;
    *wall_ms = (int64_t)timegm(&utc) * 1000;
    return true;
}

static void refuse(struct suppress_import *import, const char *why)
{
    import->invalid++;
    (void)fprintf(stderr, "broadside: suppress import: %s:%lu: %s%s\n", import->name,
                  import->csv.line, why, strstr(why, "; ") == NULL ? "; left out" : "");
}

static enum err add_record(struct suppress_import *import, struct error *error)
{
    struct str time = field_of(import, TIME);
    struct suppression suppression = {
        .address = str_trim(field_of(import, ADDRESS)),
        .cause = field_of(import, CAUSE),
        .source = field_of(import, SOURCE),
        .campaign = field_of(import, CAMPAIGN),
        .note = field_of(import, NOTE),
    };
    if (!import->has_header && import->csv.field_count > 1) {
        refuse(import, "more than an address; name the columns in a first line");
        return ERR_NONE;
    }
    if (suppression.cause.n == 0)
        suppression.cause = str_of(import->values->cause);
    if (suppression.source.n == 0)
        suppression.source = str_of(import->values->source);
    if (time.n > 0 && !parse_time(time, &suppression.at_ms)) {
        refuse(import, "time: not as in 2026-01-01T00:00:00Z");
        return ERR_NONE;
    }
    bool is_new = false;
    enum err err = suppression_add(import->store, &suppression, &is_new, error);
    if (err == ERR_DATA) {
        /* "suppress: ADDRESS: why": the first word stands in the line already. */
        static const char head[] = "suppress: ";
        bool has_head = strncmp(error->text, head, sizeof(head) - 1) == 0;
        refuse(import, error->text + (has_head ? sizeof(head) - 1 : 0));
        *error = (struct error){ERR_NONE, ""};
        return ERR_NONE;
    }
    import->added += err == ERR_NONE && is_new;
    import->known += err == ERR_NONE && !is_new;
    return err;
}

static enum err import_records(struct suppress_import *import, struct error *error)
{
    enum err err = ERR_NONE, read = csv_in_next(&import->csv);
    import->has_header = read == ERR_NONE && take_header(import);
    bool is_header = import->has_header;
    for (; read != ERR_CLOSED && err == ERR_NONE; read = csv_in_next(&import->csv)) {
        if (read != ERR_NONE)
            refuse(import, read == ERR_LIMIT ? "line too long" : "bad quotation marks");
        else if (!is_header)
            err = add_record(import, error);
        is_header = false;
    }
    if (err == ERR_NONE && ferror(import->csv.from) != 0)
        err = error_set(error, ERR_NO_INPUT, "suppress import: %s: cannot read",
                        import->name);
    return err;
}

static enum err import_all(struct suppress_import *import, struct error *error)
{
    enum err err = suppressions_begin(import->store, error);
    if (err != ERR_NONE)
        return err;
    err = import_records(import, error);
    if (err == ERR_NONE)
        return suppressions_commit(import->store, error);
    suppressions_rollback(import->store);
    return err;
}

static void print_counts(const struct suppress_import *import)
{
    if (import->values->format == FORMAT_JSON) {
        json_t *answer = json_object();
        json_object_set_new(answer, "added", json_out_u64(import->added));
        json_object_set_new(answer, "known", json_out_u64(import->known));
        json_object_set_new(answer, "invalid", json_out_u64(import->invalid));
        json_out_document(stdout, answer);
        return;
    }
    (void)printf("%llu added, %llu known before, %llu invalid\n",
                 (unsigned long long)import->added, (unsigned long long)import->known,
                 (unsigned long long)import->invalid);
}

static int run_import(const struct invocation *invocation, struct error *error)
{
    const char *path = invocation->args[0];
    bool is_stdin = strcmp(path, "-") == 0;
    struct suppress_import import = {
        .name = is_stdin ? "standard input" : path,
        .values = invocation->values,
    };
    FILE *from = is_stdin ? stdin : fopen(path, "r");
    if (from == NULL)
        return command_fail(error, errno == EACCES ? ERR_PERMISSION : ERR_NO_INPUT,
                            "suppress import: %s: %s", path, strerror(errno));
    enum err err = store_open(invocation->globals->db, &import.store, error);
    if (err == ERR_NONE) {
        csv_in_init(&import.csv, from);
        err = import_all(&import, error);
        csv_in_fini(&import.csv);
        store_close(import.store);
    }
    if (!is_stdin)
        (void)fclose(from);
    if (err != ERR_NONE)
        return err_exit_code(err);
    print_counts(&import);
    return import.invalid > 0 ? err_exit_code(ERR_DATA) : 0;
}

static const struct option import_options[] = {
    {"cause", OPTION_TEXT, "WORD", offsetof(struct import_values, cause),
     "why, for lines that do not say (default import)", 0, 0},
    {"source", OPTION_TEXT, "TEXT", offsetof(struct import_values, source),
     "who says so, for lines that do not say (default import)", 0, 0},
    {"format", OPTION_CHOICE, "text|json", offsetof(struct import_values, format),
     "how to print the counts (default text)", 0, 0},
    {0},
};

static const struct import_values import_defaults = {
    .cause = "import",
    .source = "import",
};

const struct command command_suppress_import = {
    .name = "suppress import",
    .arguments = "FILE|-",
    .summary = "addresses, one a line, or the CSV of `suppress export`",
    .details = "Bad lines are named and left out; the exit code is 65 then.\n",
    .args_min = 1,
    .args_max = 1,
    .options = import_options,
    .values_bytes = sizeof(struct import_values),
    .defaults = &import_defaults,
    .run = run_import,
};
