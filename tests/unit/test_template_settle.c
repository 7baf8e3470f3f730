/* What the data settles is rendered once, and nothing else changes by it. */
#include "tests/unit/template_fixture.h"

static const char data[] =
    "{\"offers\": [{\"name\": \"Tea & more\", \"price\": 3}, {\"name\": \"Pot\","
    " \"price\": 20}], \"shop\": \"Acme\", \"sale\": true, \"city\": \"Ghent\","
    " \"email\": \"data@x\", \"count\": 5}";

static const struct str fields[] = {{"first_name", 10}, {"city", 4}};
static const struct str reserved_names[] = {{"email", 5}};

struct case_of {
    const char *name, *source;
    /* It comes out as one piece of the template's own text. */
    bool is_one_span;
};

static const struct case_of cases[] = {
    {"an output", "a{{ shop }}b", true},
    {"a filter", "{{ shop | append: '!' | upcase }}", true},
    {"escaping", "<b title=\"{{ offers[0].name }}\">{{ offers[0].name }}</b>", true},
    {"a loop", "{% for o in offers %}{{ forloop.index }}{{ o.name }};{% endfor %}",
     true},
    {"a loop in a loop",
     "{% for o in offers %}{% for i in (1..o.price) limit: 2 %}{{ i }}{{ o.price }}"
     "{% endfor %}{% endfor %}",
     true},
    {"break", "{% for o in offers %}{{ o.name }}{% break %}{% endfor %}", true},
    {"if", "{% if sale and shop == 'Acme' %}now{% else %}later{% endif %}", true},
    {"case", "{% case shop %}{% when 'Acme' %}A{% else %}B{% endcase %}", true},
    {"a column", "{{ first_name }}", false},
    {"a column that data has too", "{{ city }}", false},
    {"a reserved name", "{{ email }}", false},
    {"recipient", "{{ recipient.city }}", false},
    {"a name that is set", "{% assign shop = first_name %}{{ shop }}", false},
    {"a counter", "{% increment count %}{{ count }}", false},
    {"a loop that sets",
     "{% for o in offers %}{% assign last = o.name %}{% endfor %}{{ last }}", false},
    {"a loop's value outside of it",
     "{% for shop in offers %}{{ first_name }}{% endfor %}{{ shop }}", false},
    {"a personal loop's number",
     "{% for c in recipient %}{% for o in offers %}{{ forloop.parentloop.index }}"
     "{% endfor %}{% endfor %}",
     false},
    {"offset: continue",
     "{% for o in offers limit: 1 %}{{ o.name }}{% endfor %}"
     "{% for o in offers offset: continue %}{{ o.name }}{% endfor %}",
     false},
    {"the clock", "{{ 'now' | date: '%Y' }}", false},
    {"cycle",
     "{% for o in offers %}{% cycle 'a', 'b' %}{% endfor %}{% cycle 'a', 'b' %}",
     false},
    {"a missing member", "{{ offers[0].nothing }}", false},
    {"inside a personal if", "{% if first_name %}{{ shop }}!{% endif %}", true},
    {"inside a personal loop",
     "{% for c in recipient %}{{ shop }}{{ c[0] }}{% endfor %}", false},
    {"inside capture", "{% capture x %}{{ shop }}{% endcapture %}{{ x }}", false},
};

struct seen {
    char text[2048];
    unsigned pieces, missing;
    bool is_one_span;
    enum err err;
};

static void count_missing(void *self, struct str partial, struct str name,
                          unsigned line, unsigned column)
{
    struct seen *seen = self;
    (void)partial, (void)name, (void)line, (void)column;
    seen->missing++;
}

static struct seen see(const char *source, const struct value *statics, bool settles)
{
    const struct str values[] = {STR("Ada"), STR("Oslo")};
    const struct str reserved[] = {STR("ada@example.org")};
    const struct template_options options = {.escape = TEMPLATE_ESCAPE_HTML,
                                             .name = STR("t"),
                                             .fields = fields,
                                             .field_count = 2,
                                             .statics = settles ? statics : NULL,
                                             .reserved_names = reserved_names,
                                             .reserved_count = 1};
    struct seen seen = {.err = ERR_NONE};
    const struct template_input input = {.statics = statics,
                                         .fields = values,
                                         .reserved_values = reserved,
                                         .now_s = 1704067318,
                                         .missing = count_missing,
                                         .missing_self = &seen};
    struct template *template = NULL;
    struct template_machine *machine = template_machine_new(NULL);
    struct pieces pieces = {.max = 1000};
    struct error error;
    struct arena arena;
    arena_init(&arena, 1u << 20);
    assert_int_equal(template_compile(str_of(source), &options, &template, &error),
                     ERR_NONE);
    seen.err = template_render(template, machine, &input, &pieces, &error);
    if (seen.err == ERR_NONE) {
        struct str joined = pieces_join(&pieces, &arena);
        snprintf(seen.text, sizeof seen.text, "%.*s", STR_ARG(joined));
        seen.is_one_span = pieces.n == 1 && pieces.p[0].span != PIECE_VALUE;
    } else {
        snprintf(seen.text, sizeof seen.text, "%s", error.text);
    }
    arena_fini(&arena);
    template_machine_free(machine);
    template_free(template);
    return seen;
}

static void settle__output_and_reports_stay_the_same(void **state)
{
    (void)state;
    struct value *statics = json_of(data);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seen plain = see(cases[i].source, statics, false);
        struct seen settled = see(cases[i].source, statics, true);
        if (strcmp(plain.text, settled.text) != 0 || plain.err != settled.err)
            fail_msg("%s: \"%s\", settled \"%s\"", cases[i].name, plain.text,
                     settled.text);
        if (plain.missing != settled.missing)
            fail_msg("%s: %u missing, settled %u", cases[i].name, plain.missing,
                     settled.missing);
    }
    value_free(statics);
}

static void settle__what_the_data_settles_is_one_span(void **state)
{
    (void)state;
    struct value *statics = json_of(data);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seen settled = see(cases[i].source, statics, true);
        if (settled.is_one_span != cases[i].is_one_span)
            fail_msg("%s: \"%s\": one span: %d", cases[i].name, settled.text,
                     settled.is_one_span);
    }
    value_free(statics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settle__output_and_reports_stay_the_same),
        cmocka_unit_test(settle__what_the_data_settles_is_one_span),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
