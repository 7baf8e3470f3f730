/*
 * fuzz_template.c - compiles and renders any bytes, as any mode and escaping
 *
 * The first byte chooses; up to a NUL comes the template, behind it a partial. Limits
 * are small, so that whatever takes longer than a blink is a finding.
 */
#include "core/base/arena.h"
#include "templates/template.h"
#include "templates/value.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct template_limits limits = {.steps_max = 20000,
                                              .output_bytes_max = 1u << 20,
                                              .memory_bytes_max = 4u << 20,
                                              .depth_max = 100};

static enum err load(void *self, struct str name, struct arena *arena,
                     struct str *source)
{
    const struct str *partial = self;
    (void)arena;
    if (name.n > 0 && name.p[0] == 'x')
        return ERR_NOT_FOUND;
    *source = *partial;
    return ERR_NONE;
}

static enum err list(void *self, void *context,
                     enum err (*found)(void *context, struct str name))
{
    (void)self;
    enum err err = found(context, STR("a"));
    return err == ERR_NONE ? found(context, STR("x")) : err;
}

static struct value *statics(void)
{
    static struct value *value;
    if (value == NULL &&
        value_parse_json(
            STR("{\"a\":[1,2.5,\"x<y\",null,{\"b\":true}],\"h\":{\"a\":1,"
                "\"b\":[[1],[2,[3]]]},\"s\":\"H\xC3\xA9llo & w\xC3\xB6rld\","
                "\"n\":9223372036854775807,\"f\":-1.5e-7,\"d\":"
                "\"2020-06-15 14:30:45 -0400\",\"e\":\"\"}"),
            STR("data"), &value, NULL) != ERR_NONE)
        abort();
    return value;
}

/* Twice: the second rendering must not see the first. The text lies in `arena`. */
static enum err render(const struct template *template,
                       struct template_machine *machine,
                       const struct template_input *input, struct arena *arena,
                       struct str *text)
{
    struct pieces pieces = {.max = 10000};
    struct error error;
    enum err err = ERR_NONE;
    for (int i = 0; i < 2; i++) {
        err = template_render(template, machine, input, &pieces, &error);
        if (err != ERR_NONE && error.text[0] == '\0')
            abort();
        arena_reset(arena);
        *text = err == ERR_NONE ? pieces_join(&pieces, arena) : STR_NULL;
    }
    return err;
}

/* What is rendered once, when compiling, must come out as it would each time. */
static void compare_settled(struct str source, const struct template_options *options,
                            struct template_machine *machine,
                            const struct template_input *input, enum err err,
                            struct str text)
{
    struct template_options with_statics = *options;
    struct template *template;
    struct arena arena;
    struct str settled;
    with_statics.statics = input->statics;
    arena_init(&arena, 1u << 22);
    if (template_compile(source, &with_statics, &template, NULL) != ERR_NONE)
        abort();
    enum err again = render(template, machine, input, &arena, &settled);
    /* It takes fewer steps; nothing else may differ. */
    if (err != ERR_LIMIT && again != ERR_LIMIT &&
        (err != again || (err == ERR_NONE && !str_equal(text, settled))))
        abort();
    arena_fini(&arena);
    template_free(template);
}

static void render_condition(struct str source, const struct template_options *options,
                             struct template_machine *machine,
                             const struct template_input *input)
{
    struct template *condition;
    bool holds;
    if (template_compile_condition(source, options, &condition, NULL) != ERR_NONE)
        return;
    enum err err = template_holds(condition, machine, input, &holds, NULL);
    if (err != ERR_NONE && holds)
        abort();
    template_free(condition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    static const struct str fields[] = {{"email", 5}, {"name", 4}, {"Order no.", 9}};
    const struct str values[] = {{"a@b.example", 11}, {"<Ada> & \"Co\"", 12}, STR_NULL};
    struct str source = {(const char *)data + 1, size - 1}, partial;
    source = str_split(source, '\0', &partial);
    if (str_is_null(partial))
        partial = STR("[{{ a }}]");
    const struct template_loader loader = {&partial, load, list};
    const struct template_options options = {
        .mode = (data[0] & 1) != 0 ? TEMPLATE_LAX : TEMPLATE_STRICT,
        .escape = (enum template_escape)((data[0] >> 1) % 3),
        .name = STR("fuzz"),
        .loader = &loader,
        .fields = fields,
        .field_count = 3};
    const struct template_input input = {
        .statics = statics(), .fields = values, .now_s = 1704067318};
    struct template_machine *machine = template_machine_new(&limits);
    struct template *template;
    struct error error = {.code = ERR_NONE};
    if (machine == NULL)
        abort();
    if (template_compile(source, &options, &template, &error) == ERR_NONE) {
        struct arena arena;
        struct str text;
        arena_init(&arena, 1u << 22);
        enum err err = render(template, machine, &input, &arena, &text);
        compare_settled(source, &options, machine, &input, err, text);
        arena_fini(&arena);
        template_free(template);
    } else if (error.text[0] == '\0') {
        abort();
    }
    render_condition(source, &options, machine, &input);
    template_machine_free(machine);
    return 0;
}
