/*
 * fuzz_template_json.c - any bytes as JSON; what is accepted can be rendered
 */
#include "templates/template.h"
#include "templates/value.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct template *template;
    static struct template_machine *machine;
    struct str json = {(const char *)data, size};
    struct pieces pieces = {.max = 1000};
    struct value *value;
    struct error error = {.code = ERR_NONE};
    const struct template_options options = {.name = STR("fuzz")};
    if (template == NULL &&
        template_compile(STR("{{ a }}{{ b.c }}{% for x in a %}{{ x }}{{ x.a | plus: 1 "
                             "}}{% endfor %}{{ a | sort | join }}"),
                         &options, &template, NULL) != ERR_NONE)
        abort();
    if (machine == NULL)
        machine = template_machine_new(NULL);
    if (value_parse_json(json, STR("fuzz"), &value, &error) != ERR_NONE) {
        if (error.text[0] == '\0')
            abort();
        return 0;
    }
    const struct template_input input = {.statics = value};
    if (template_render(template, machine, &input, &pieces, &error) == ERR_NONE)
        (void)pieces_bytes(&pieces);
    value_free(value);
    return 0;
}
