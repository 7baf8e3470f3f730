/*
 * import.c - `import`: a CSV file into a list
 *
 * All the work is storage/importer.h's; here are the options, the progress line and
 * the summary. A bad row is no failure of the command (exit 0): it is in the rejects
 * file, ready to be corrected and imported again.
 */
#include "cmd/commands.h"
#include "cmd/json_out.h"
#include "cmd/progress.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "storage/importer.h"

#include <stdlib.h>

struct import_values {
    const char *email_column, *delimiter, *encoding, *rejects;
    unsigned on_duplicate, format, progress;
    bool strict, dry_run, dump;
};

#define VALUE(member) offsetof(struct import_values, member)

static const struct option import_options[] = {
    {"email-column", OPTION_TEXT, "NAME", VALUE(email_column),
     "the address (default email, e-mail, mail or address)", 0, 0},
    {"delimiter", OPTION_TEXT, "C", VALUE(delimiter),
     "one character, or tab (default detected)", 0, 0},
    {"encoding", OPTION_TEXT, "NAME", VALUE(encoding), "of the file (default UTF-8)", 0,
     0},
    {"on-duplicate", OPTION_CHOICE, "update|skip", VALUE(on_duplicate),
     "an address that is there already (default update)", 0, 0},
    {"rejects", OPTION_TEXT, "FILE", VALUE(rejects),
     "for rows that are no good (default FILE.rejects.csv)", 0, 0},
    {"strict", OPTION_FLAG, NULL, VALUE(strict), "any bad row: store nothing", 0, 0},
    {"dry-run", OPTION_FLAG, NULL, VALUE(dry_run),
     "store nothing, only say what would be", 0, 0},
    {"dump", OPTION_FLAG, NULL, VALUE(dump),
     "with --dry-run: each accepted row as a JSON line", 0, 0},
    {"format", OPTION_CHOICE, "text|json", VALUE(format), "of the summary", 0, 0},
    {"progress", OPTION_CHOICE, PROGRESS_WORDS, VALUE(progress), "on standard error", 0,
     0},
    {0},
};

static enum err read_delimiter(const char *text, char *delimiter, struct error *error)
{
    *delimiter = 0;
    if (text == NULL)
        return ERR_NONE;
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0) {
        *delimiter = '\t';
        return ERR_NONE;
    }
    if (strlen(text) != 1 || strchr("\"\r\n", text[0]) != NULL)
        return error_set(
            error, ERR_USAGE,
            "bad option: --delimiter %s: no delimiter; give one character, or tab",
            text);
    *delimiter = text[0];
    return ERR_NONE;
}

/* Where bad rows go by default: beside the file; for a pipe, named after the list. A
 * dry run writes only where it is told to. */
static const char *rejects_path(const struct import_values *values, const char *list,
                                const char *file, struct buf *path)
{
    if (values->rejects != NULL || values->dry_run)
        return values->rejects;
    buf_printf(path, "%s.rejects.csv", strcmp(file, "-") == 0 ? list : file);
    return buf_c_string(path);
}

static void dump_record(void *self, const struct str *columns, const struct str *values,
                        size_t count)
{
    json_t *record = json_object();
    (void)self;
    for (size_t i = 0; i < count; i++)
        json_object_setn_new(record, columns[i].p, columns[i].n,
                             json_out_str(values[i]));
    json_out_line(stdout, record);
}

static void show_progress(void *self, const struct import_counts *counts)
{
    progress_show_work(self, "rows", counts->rows, counts->bytes, counts->file_bytes);
}

static void print_json(const char *list, const struct import_counts *counts,
                       const char *rejects, double elapsed_s)
{
    json_t *summary = json_object();
    json_object_set_new(summary, "list", json_out_str(str_of(list)));
    json_object_set_new(summary, "rows", json_integer((json_int_t)counts->rows));
    json_object_set_new(summary, "imported",
                        json_integer((json_int_t)counts->imported));
    json_object_set_new(summary, "updated", json_integer((json_int_t)counts->updated));
    json_object_set_new(summary, "duplicates",
                        json_integer((json_int_t)counts->duplicates));
    json_object_set_new(summary, "rejected",
                        json_integer((json_int_t)counts->rejected));
    json_object_set_new(summary, "rejects_file", json_out_str(str_of(rejects)));
    json_object_set_new(summary, "elapsed_s", json_real(elapsed_s));
    json_out_line(stdout, summary);
}

static void print_text(const char *list, const struct import_counts *counts,
                       const char *rejects, double elapsed_s, bool dry_run)
{
    (void)printf(
        "%s: %llu rows: %llu imported, %llu updated, %llu duplicates, "
        "%llu rejected, in %.1f s%s\n",
        list, (unsigned long long)counts->rows, (unsigned long long)counts->imported,
        (unsigned long long)counts->updated, (unsigned long long)counts->duplicates,
        (unsigned long long)counts->rejected, elapsed_s,
        dry_run ? " (dry run: nothing stored)" : "");
    if (rejects != NULL)
        (void)printf("rejected rows, with line and reason: %s\n", rejects);
}

static int import_into(struct store *store, const struct invocation *invocation,
                       const struct import_options *options, struct error *error)
{
    const struct import_values *values = invocation->values;
    struct import_counts counts = {0};
    struct progress progress;
    progress_init(&progress, (enum progress_mode)values->progress,
                  invocation->globals->quiet, 0, NULL);
    struct import_options with_progress = *options;
    with_progress.self = &progress;
    uint64_t start_ns = clock_mono_ns();
    enum err err = import_run(store, &with_progress, &counts, error);
    double elapsed_s = (double)(clock_mono_ns() - start_ns) / (double)NS_PER_S;
    progress_clear(&progress);
    if (err != ERR_NONE)
        return err_exit_code(err);
    const char *rejects = counts.rejected > 0 ? options->rejects_path : NULL;
    if (values->dump)
        return 0;
    if (values->format == 1)
        print_json(invocation->args[0], &counts, rejects, elapsed_s);
    else if (!invocation->globals->quiet)
        print_text(invocation->args[0], &counts, rejects, elapsed_s, values->dry_run);
    return 0;
}

static int run_import(const struct invocation *invocation, struct error *error)
{
    const struct import_values *values = invocation->values;
    const char *list = invocation->args[0], *file = invocation->args[1];
    struct store *store;
    struct buf path;
    char delimiter;
    if (values->dump && !values->dry_run)
        return command_fail(
            error, ERR_USAGE,
            "bad option: --dump: the records would be stored too; give --dry-run");
    if (read_delimiter(values->delimiter, &delimiter, error) != ERR_NONE)
        return err_exit_code(error->code);
    enum err err = store_open(invocation->globals->db, &store, error);
    if (err != ERR_NONE)
        return err_exit_code(err);
    buf_init(&path, 8192);
    struct import_options options = {
        .list = str_of(list),
        .path = file,
        .email_column = str_of(values->email_column),
        .delimiter = delimiter,
        .encoding = values->encoding,
        .skip_duplicates = values->on_duplicate == 1,
        .strict = values->strict,
        .dry_run = values->dry_run,
        .rejects_path = rejects_path(values, list, file, &path),
        .dump = values->dump ? dump_record : NULL,
        .progress = show_progress,
    };
    int exit_code = import_into(store, invocation, &options, error);
    buf_fini(&path);
    store_close(store);
    return exit_code;
}

const struct command command_import = {
    .name = "import",
    .arguments = "LIST FILE|-",
    .summary = "read recipients from CSV into a list",
    .details =
        "The first row names the columns; any column becomes a field of the "
        "templates.\n"
        "Rows that are no good go to the rejects file with line and reason; correct\n"
        "them there and import that file. A file that is no CSV at all (a quote that\n"
        "never ends) is refused as a whole, exit 65.\n",
    .args_min = 2,
    .args_max = 2,
    .options = import_options,
    .values_bytes = sizeof(struct import_values),
    .run = run_import,
};
