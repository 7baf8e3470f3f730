/*
 * render.c - `render`: one template against one JSON object, or a file of cases
 *
 * In batch mode a case that cannot be rendered, or is no case, is answered with its
 * error; the others go on. Each case sees only its own partials.
 */
#include "cmd/case_partials.h"
#include "cmd/commands.h"

#include "cmd/files.h"
#include "cmd/json_out.h"
#include "cmd/lines_in.h"
#include "cmd/partials.h"
#include "templates/template.h"
#include "templates/value.h"

#include <errno.h>
#include <stdlib.h>

#define TEMPLATE_BYTES_MAX (16u << 20)
#define DATA_BYTES_MAX     (256u << 20)
#define OUTPUT_BYTES_MAX   (64u << 20)
#define PIECES_MAX         4000000

enum { ESCAPE_NONE, ESCAPE_HTML };
enum { MODE_STRICT, MODE_LAX };

struct render_values {
    const char *partials, *now, *batch;
    unsigned escape, mode;
};

/* One template with what it is rendered with. */
struct rendering {
    struct str name, source;
    const struct value *data, *statics;
    const struct template_loader *loader;
    struct template_machine *machine;
    enum template_mode mode;
    enum template_escape escape;
    int64_t now_s;
};

/* Renders into the arena. */
static enum err render(const struct rendering *rendering, struct arena *arena,
                       struct str *output, struct error *error)
{
    const struct template_options options = {.mode = rendering->mode,
                                             .escape = rendering->escape,
                                             .name = rendering->name,
                                             .loader = rendering->loader};
    const struct template_input input = {.data = rendering->data,
                                         .statics = rendering->statics,
                                         .now_s = rendering->now_s};
    struct template *template = NULL;
    struct pieces pieces;
    enum err err = template_compile(rendering->source, &options, &template, error);
    if (err != ERR_NONE)
        return err;
    pieces_init(&pieces, arena, PIECES_MAX);
    err = template_render(template, rendering->machine, &input, &pieces, error);
    if (err == ERR_NONE) {
        *output = pieces_join(&pieces, arena);
        if (str_is_null(*output))
            err = error_set(error, ERR_MEMORY,
                            "cannot render: its output: out of memory");
    }
    template_free(template);
    return err;
}

static enum err load_from_folder(void *self, struct str name, struct arena *arena,
                                 struct str *source)
{
    return partial_load(str_of(self), name, arena, source);
}

static enum err list_folder(void *self, void *context,
                            enum err (*found)(void *context, struct str name))
{
    return partials_list(str_of(self), context, found);
}

/* A member that is an object; false if it is there and is none. */
static bool object_member(const struct value *value, const char *name,
                          const struct value **object)
{
    *object = value_member(value, str_of(name));
    if (*object != NULL && value_is_null(*object))
        *object = NULL;
    return *object == NULL || value_is_object(*object);
}

static bool mode_member(const struct value *value, enum template_mode *mode)
{
    struct str text;
    const struct value *member = value_member(value, STR("mode"));
    if (member == NULL || value_is_null(member))
        return true;
    if (!value_is_string(member, &text))
        return false;
    *mode = str_equal(text, STR("lax")) ? TEMPLATE_LAX : TEMPLATE_STRICT;
    return str_has_prefix(text, STR("strict")) || *mode == TEMPLATE_LAX;
}

static enum err read_case(const struct value *value, struct rendering *rendering,
                          const struct value **partials, struct error *error)
{
    const struct value *source = value_member(value, STR("template"));
    const struct value *now = value_member(value, STR("now"));
    if (source == NULL || !value_is_string(source, &rendering->source))
        return error_set(error, ERR_DATA, "reading a case: it has no template");
    if (!object_member(value, "data", &rendering->data) ||
        !object_member(value, "static", &rendering->statics) ||
        !object_member(value, "partials", partials))
        return error_set(error, ERR_DATA,
                         "reading a case: data, static and partials are objects");
    if (now != NULL && !value_is_null(now) && !value_is_integer(now, &rendering->now_s))
        return error_set(error, ERR_DATA, "reading a case: now is a number of seconds");
    if (!mode_member(value, &rendering->mode))
        return error_set(error, ERR_DATA,
                         "reading a case: mode is \"strict\" or \"lax\"");
    return ERR_NONE;
}

static json_t *case_id(const struct value *value)
{
    struct str text;
    int64_t integer;
    const struct value *id = value != NULL ? value_member(value, STR("id")) : NULL;
    if (id != NULL && value_is_string(id, &text))
        return json_out_str(text);
    if (id != NULL && value_is_integer(id, &integer))
        return json_integer(integer);
    return json_null();
}

static void answer_case(struct str line, const struct rendering *defaults,
                        struct arena *arena)
{
    struct rendering rendering = *defaults;
    const struct value *partials = NULL;
    struct value *value = NULL;
    struct error error = {.code = ERR_NONE};
    struct str output = STR("");
    enum err err = value_parse_json(line, STR("case"), &value, &error);
    if (err == ERR_NONE)
        err = read_case(value, &rendering, &partials, &error);
    struct case_partials by_name;
    if (err == ERR_NONE)
        err = case_partials_open(&by_name, partials, arena);
    struct template_loader loader = case_partials_loader(&by_name);
    if (partials != NULL)
        rendering.loader = &loader;
    if (err == ERR_NONE)
        err = render(&rendering, arena, &output, &error);
    json_t *answer = json_object();
    json_object_set_new(answer, "id", case_id(value));
    if (err == ERR_NONE)
        json_object_set_new(answer, "output", json_out_str(output));
    else
        json_object_set_new(answer, "error", json_out_str(str_of(error.text)));
    json_out_line(stdout, answer);
    value_free(value);
}

/* A case per line of standard input, answered before the next is read. */
static enum err render_lines(const struct rendering *defaults, struct error *error)
{
    struct arena scratch;
    struct buf line;
    arena_init(&scratch, OUTPUT_BYTES_MAX);
    buf_init(&line, DATA_BYTES_MAX / 2);
    while (line_read(stdin, &line)) {
        if (str_trim(buf_str(&line)).n == 0)
            continue;
        answer_case(buf_str(&line), defaults, &scratch);
        arena_reset(&scratch);
        (void)fflush(stdout);
    }
    buf_fini(&line);
    arena_fini(&scratch);
    return ferror(stdin) == 0
               ? ERR_NONE
               : error_set(error, ERR_STORAGE, "cannot read: standard input: %s",
                           strerror(errno));
}

static enum err render_batch(const char *path, const struct rendering *defaults,
                             struct error *error)
{
    struct arena file, scratch;
    struct str rest;
    if (strcmp(path, "-") == 0)
        return render_lines(defaults, error);
    arena_init(&file, DATA_BYTES_MAX);
    arena_init(&scratch, OUTPUT_BYTES_MAX);
    enum err err = file_read(path, DATA_BYTES_MAX / 2, &file, &rest, error);
    while (err == ERR_NONE && !str_is_null(rest)) {
        struct str line = str_split(rest, '\n', &rest);
        if (str_trim(line).n == 0)
            continue;
        answer_case(line, defaults, &scratch);
        arena_reset(&scratch);
    }
    arena_fini(&scratch);
    arena_fini(&file);
    return err;
}

static enum err render_file(const char *const *paths, struct rendering *rendering,
                            struct error *error)
{
    struct arena arena;
    struct str json, output;
    struct value *data = NULL;
    arena_init(&arena, DATA_BYTES_MAX);
    rendering->name = str_of(paths[0]);
    enum err err =
        file_read(paths[0], TEMPLATE_BYTES_MAX, &arena, &rendering->source, error);
    if (err == ERR_NONE)
        err = file_read(paths[1], DATA_BYTES_MAX / 4, &arena, &json, error);
    if (err == ERR_NONE)
        err = value_parse_json(json, str_of(paths[1]), &data, error);
    if (err == ERR_NONE && !value_is_object(data))
        err =
            error_set(error, ERR_DATA,
                      "cannot render: %s: it is no JSON object; write {...}", paths[1]);
    rendering->data = data;
    if (err == ERR_NONE)
        err = render(rendering, &arena, &output, error);
    if (err == ERR_NONE && fwrite(output.p, 1, output.n, stdout) != output.n)
        err = error_set(error, ERR_STORAGE, "cannot write: standard output: %s",
                        strerror(errno));
    value_free(data);
    arena_fini(&arena);
    return err;
}

static enum err read_now(const char *text, int64_t *now_s, struct error *error)
{
    char *end;
    if (text == NULL)
        return ERR_NONE;
    errno = 0;
    long long seconds = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return error_set(
            error, ERR_USAGE,
            "bad option: --now %s: no number of seconds since 1970; give one", text);
    *now_s = seconds;
    return ERR_NONE;
}

static enum err render_asked(const struct invocation *invocation,
                             struct rendering *rendering, struct error *error)
{
    const struct render_values *values = invocation->values;
    size_t wanted = values->batch != NULL ? 0 : 2;
    if (invocation->arg_count != wanted)
        return error_set(error, ERR_USAGE,
                         "wrong usage: render: it takes TEMPLATE and DATA.json, or "
                         "--batch FILE; see `broadside render --help`");
    rendering->machine = template_machine_new(NULL);
    if (rendering->machine == NULL)
        return error_set(error, ERR_MEMORY,
                         "cannot render: the template: out of memory");
    enum err err = values->batch != NULL
                       ? render_batch(values->batch, rendering, error)
                       : render_file(invocation->args, rendering, error);
    template_machine_free(rendering->machine);
    return err;
}

static int run_render(const struct invocation *invocation, struct error *error)
{
    const struct render_values *values = invocation->values;
    struct rendering rendering = {
        .name = STR("template"),
        .mode = values->mode == MODE_LAX ? TEMPLATE_LAX : TEMPLATE_STRICT,
        .escape =
            values->escape == ESCAPE_HTML ? TEMPLATE_ESCAPE_HTML : TEMPLATE_ESCAPE_NONE,
        .now_s = INT64_MIN};
    struct template_loader loader = {(void *)(uintptr_t)values->partials,
                                     load_from_folder, list_folder};
    if (values->partials != NULL)
        rendering.loader = &loader;
    enum err err = read_now(values->now, &rendering.now_s, error);
    if (err == ERR_NONE)
        err = render_asked(invocation, &rendering, error);
    return err_exit_code(err);
}

static const struct option render_options[] = {
    {"escape", OPTION_CHOICE, "none|html", offsetof(struct render_values, escape),
     "escape values as in an HTML part (default none)", 0, 0},
    {"partials", OPTION_TEXT, "DIR", offsetof(struct render_values, partials),
     "where {% render %} and {% include %} find NAME.liquid or NAME", 0, 0},
    {"now", OPTION_TEXT, "EPOCH", offsetof(struct render_values, now),
     "what \"now\" is, in seconds since 1970 (default the clock)", 0, 0},
    {"mode", OPTION_CHOICE, "strict|lax", offsetof(struct render_values, mode),
     "how templates are read (default strict)", 0, 0},
    {"batch", OPTION_TEXT, "FILE.jsonl|-", offsetof(struct render_values, batch),
     "a case per line instead of TEMPLATE and DATA.json", 0, 0},
    {0},
};

const struct command command_render = {
    .name = "render",
    .arguments = "TEMPLATE DATA.json",
    .summary = "render a template against a JSON object",
    .details =
        "Prints the result. With --batch each line of the file is a case\n"
        "{\"id\",\"template\",\"data\",\"static\",\"partials\",\"now\",\"mode\"}, "
        "of which all but the\ntemplate may be missing, answered by a line "
        "{\"id\",\"output\"} or {\"id\",\"error\"}.\n",
    .args_min = 0,
    .args_max = 2,
    .options = render_options,
    .values_bytes = sizeof(struct render_values),
    .run = run_render,
};
