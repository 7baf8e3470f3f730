/* Rendering in one call, for the tests of templates. */
#ifndef BROADSIDE_TESTS_TEMPLATE_FIXTURE_H
#define BROADSIDE_TESTS_TEMPLATE_FIXTURE_H

#include "tests/unit/cmocka_all.h"

#include "templates/template.h"
#include "templates/value.h"

#include <stdio.h>

/* What a template gives: its output, or the error's text. */
struct result {
    enum err err;
    char text[4096];
};

static inline struct value *json_of(const char *json)
{
    struct value *value = NULL;
    struct error error;
    if (value_parse_json(str_of(json), STR("json"), &value, &error) != ERR_NONE)
        fail_msg("%s", error.text);
    return value;
}

static inline struct result render_input(const char *source,
                                         const struct template_options *options,
                                         const struct template_input *input)
{
    struct result result = {.err = ERR_NONE};
    struct error error = {.code = ERR_NONE};
    struct template *template = NULL;
    struct template_machine *machine = template_machine_new(NULL);
    struct pieces pieces = {.max = 10000};
    result.err = template_compile(str_of(source), options, &template, &error);
    if (result.err == ERR_NONE)
        result.err = template_render(template, machine, input, &pieces, &error);
    if (result.err == ERR_NONE) {
        struct arena arena;
        arena_init(&arena, 1u << 20);
        struct str joined = pieces_join(&pieces, &arena);
        snprintf(result.text, sizeof result.text, "%.*s", STR_ARG(joined));
        arena_fini(&arena);
    } else {
        snprintf(result.text, sizeof result.text, "%s", error.text);
    }
    template_machine_free(machine);
    template_free(template);
    return result;
}

static inline struct result render_json(const char *source, const char *json,
                                        enum template_mode mode,
                                        enum template_escape escape)
{
    struct value *data = json_of(json);
    const struct template_options options = {
        .mode = mode, .escape = escape, .name = STR("t")};
    const struct template_input input = {.statics = data, .now_s = 1704067318};
    struct result result = render_input(source, &options, &input);
    value_free(data);
    return result;
}

#endif
