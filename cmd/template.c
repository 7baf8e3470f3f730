/*
 * template.c - `template convert`: what was written for another tool, in Liquid
 *
 * The result goes to standard output; what could not be converted is listed on standard
 * error with its place, and the exit code is 3 then. What comes out is read as a
 * campaign would read it, so that nobody finds out at launch.
 */
#include "cmd/commands.h"

#include "cmd/files.h"
#include "templates/convert.h"
#include "templates/template.h"

#include <errno.h>

#define SOURCE_BYTES_MAX (16u << 20)
#define RESULT_BYTES_MAX (64u << 20)

enum { FROM_GUESS, FROM_MAILCHIMP, FROM_SENDGRID };

struct convert_values {
    unsigned from;
};

struct listing {
    const char *path;
    unsigned count;
};

static void list_note(void *self, unsigned line, unsigned column, struct str text,
                      const char *why)
{
    struct listing *listing = self;
    listing->count++;
    (void)fprintf(stderr, "%s:%u:%u: not converted: %.*s: %s\n", listing->path, line,
                  column, STR_ARG(str_head(text, 80)), why);
}

static enum err dialect_of(unsigned from, struct str source, const char *path,
                           enum convert_dialect *dialect, struct error *error)
{
    if (from != FROM_GUESS) {
        *dialect = from == FROM_MAILCHIMP ? CONVERT_MAILCHIMP : CONVERT_HANDLEBARS;
        return ERR_NONE;
    }
    if (convert_recognise(source, dialect))
        return ERR_NONE;
    return error_set(error, ERR_DATA,
                     "cannot convert: %s: it has neither merge tags nor Handlebars in "
                     "it; say which with --from",
                     path);
}

/* Of a result without notes that strict reading refuses, too. */
static void check_result(struct str liquid, struct listing *listing)
{
    struct error error;
    struct template *template;
    const struct template_options options = {.escape = TEMPLATE_ESCAPE_HTML,
                                             .name = STR("the result")};
    if (template_compile(liquid, &options, &template, &error) == ERR_NONE) {
        template_free(template);
        return;
    }
    listing->count++;
    (void)fprintf(stderr, "%s: %s\n", listing->path, error.text);
}

static enum err convert(const char *path, unsigned from, struct arena *arena,
                        struct listing *listing, struct error *error)
{
    struct str source;
    struct buf liquid;
    enum convert_dialect dialect = CONVERT_MAILCHIMP;
    enum err err = file_read(path, SOURCE_BYTES_MAX, arena, &source, error);
    if (err == ERR_NONE)
        err = dialect_of(from, source, path, &dialect, error);
    if (err != ERR_NONE)
        return err;
    buf_init(&liquid, RESULT_BYTES_MAX);
    err = convert_template(source, dialect, &liquid, listing, list_note);
    if (err != ERR_NONE)
        err = error_set(error, err, "cannot convert: %s: %s", path, err_words(err));
    if (err == ERR_NONE)
        check_result(buf_str(&liquid), listing);
    if (err == ERR_NONE && fwrite(liquid.p, 1, liquid.n, stdout) != liquid.n)
        err = error_set(error, ERR_STORAGE, "cannot write: standard output: %s",
                        strerror(errno));
    buf_fini(&liquid);
    return err;
}

static int run_template_convert(const struct invocation *invocation,
                                struct error *error)
{
    const struct convert_values *values = invocation->values;
    struct listing listing = {.path = invocation->args[0]};
    struct arena arena;
    arena_init(&arena, 2 * SOURCE_BYTES_MAX);
    enum err err = convert(invocation->args[0], values->from, &arena, &listing, error);
    arena_fini(&arena);
    if (err != ERR_NONE)
        return err_exit_code(err);
    return listing.count > 0 ? EXIT_SOME_FAILED : 0;
}

static const struct option convert_options[] = {
    {"from", OPTION_CHOICE, "guess|mailchimp|sendgrid",
     offsetof(struct convert_values, from), "what the file was written for", 0, 0},
    {0},
};

const struct command command_template_convert = {
    .name = "template convert",
    .arguments = "FILE",
    .summary = "turn merge tags or Handlebars into Liquid",
    .details =
        "Prints the template in Liquid. What has no counterpart becomes a comment "
        "and is\nlisted on standard error as FILE:LINE:COLUMN; the exit code is 3 "
        "then.\nMailchimp: *|FNAME|*, *|IF:...|*, *|UPPER:...|*, *|DATE:...|*. "
        "SendGrid: {{name}},\n{{{raw}}}, {{#if}}, {{#unless}}, {{#each}}, "
        "{{#equals}} and their like, {{insert}},\n{{formatDate}}, {{length}}.\n",
    .args_min = 1,
    .args_max = 1,
    .options = convert_options,
    .values_bytes = sizeof(struct convert_values),
    .run = run_template_convert,
};
