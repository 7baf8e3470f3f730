#include "templates/template.h"

#include "tests/unit/template_fixture.h"

#include <malloc.h>
#include <stdlib.h>

static const struct str fields[] = {
    {"email", 5}, {"name", 4}, {"Order no.", 9}, {"plan", 4}};

static const struct template_options with_fields = {
    .name = {"t", 1}, .fields = fields, .field_count = COUNT_OF(fields)};

static const struct str values[] = {
    {"a@example.org", 13}, {"Ada", 3}, {"A-17", 4}, {NULL, 0}};

static void assert_renders(const char *source, const char *want)
{
    struct value *statics =
        json_of("{\"name\":\"Nobody\",\"shop\":\"Acme\",\"plan\":\"free\"}");
    const struct template_input input = {.statics = statics, .fields = values};
    struct result result = render_input(source, &with_fields, &input);
    assert_string_equal(result.text, want);
    value_free(statics);
}

static void template__fields_win_over_statics(void **state)
{
    (void)state;
    assert_renders("{{ name }} {{ shop }}", "Ada Acme");
}

static void template__missing_column_lets_statics_through(void **state)
{
    (void)state;
    assert_renders("{{ plan }}", "free");
}

static const struct case_of_setting {
    const char *source, *want;
} cases_of_setting[] = {
    {"{{ name }}{% assign name = 'x' %}{{ name }}", "Adax"},
    {"{% if plan == 'pro' %}{% assign name = 'x' %}{% endif %}{{ name }}", "Ada"},
    {"{{ name }}{% for name in (1..2) %}{{ name }}{% endfor %}{{ name }}", "Ada12Ada"},
    {"{% capture name %}<{{ name }}>{% endcapture %}{{ name }}", "<Ada>"},
    {"{% increment name %}{{ name }}", "01"},
    {"{% assign name = nil %}[{{ name }}]", "[]"},
    {"{{ name | default: 'x' }}{% assign name = 'y' %}{{ name | default: 'x' }}",
     "Aday"},
    {"{{ name | default: 'x' }} {{ plan | default: 'x' }} {{ none | default: 'x' }}",
     "Ada free x"},
    {"{{ name | default: 'x' | upcase }} {{ name | default: shop }}", "ADA Ada"},
};

static void template__what_is_set_hides_a_column(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases_of_setting); i++)
        assert_renders(cases_of_setting[i].source, cases_of_setting[i].want);
}

static void template__recipient_holds_the_columns(void **state)
{
    (void)state;
    assert_renders(
        "{{ recipient['Order no.'] }} {{ recipient.name }} "
        "[{{ recipient.plan }}] {% for f in recipient %}{{ f[0] }};{% endfor %}",
        "A-17 Ada [] email;name;Order no.;");
}

static void template__columns_are_seen_in_partials(void **state)
{
    (void)state;
    const struct template_input input = {.fields = values};
    struct template_options options = with_fields;
    struct result result =
        render_input("{% assign x = 1 %}{{ name }}", &options, &input);
    assert_string_equal(result.text, "Ada");
}

static void template__self_stands_for_all_variables(void **state)
{
    (void)state;
    assert_renders("{% assign x = 1 %}{{ self.x }}{{ self['name'] }}{{ self[shop] }}"
                   "{% assign self = 'me' %}{{ self }}{{ self.x }}",
                   "1Adame");
}

static const struct case_of_self {
    const char *source, *want;
} cases_of_self[] = {
    {"{% assign s = self %}{% assign x = 1 %}{{ s.x }}{{ s['name'] }}", "1Ada"},
    {"{% assign x = 1 %}{% assign s = self %}{% render 'p', s: s %}", "1 2"},
    {"{{ self }} {{ self | size }} {{ self | map: 'name' }}", "Liquid::SelfDrop 0 Ada"},
    {"{% assign s = self %}{% if s == self and self %}same{% endif %}", "same"},
    {"{% if self contains 'name' or self == blank %}no{% endif %}", ""},
};

static enum err load_self_partial(void *self, struct str name, struct arena *arena,
                                  struct str *source)
{
    (void)self, (void)name, (void)arena;
    *source = STR("{% assign x = 2 %}{{ s.x }} {{ self.x }}");
    return ERR_NONE;
}

static void template__self_is_a_value_that_remembers_its_variables(void **state)
{
    (void)state;
    const struct template_loader loader = {.load = load_self_partial};
    struct template_options options = with_fields;
    options.loader = &loader;
    const struct template_input input = {.fields = values};
    for (size_t i = 0; i < COUNT_OF(cases_of_self); i++) {
        struct result result = render_input(cases_of_self[i].source, &options, &input);
        assert_string_equal(result.text, cases_of_self[i].want);
    }
}

static void template__ends_of_a_text_are_characters(void **state)
{
    (void)state;
    assert_renders("{{ '\xC3\xA4x\xC3\xB6' | first }}{{ name.last }}[{{ '' | first }}]",
                   "\xC3\xA4"
                   "a[]");
}

static void template__words_are_not_equal_to_themselves(void **state)
{
    (void)state;
    assert_renders(
        "{% if empty == empty or blank == blank or blank == empty %}no{% endif %}"
        "{% assign e = empty %}{% if e == empty and e == blank %}yes{% endif %}",
        "yes");
}

static void template__a_descending_range_has_its_ends(void **state)
{
    (void)state;
    assert_renders("{% assign r = (5..1) %}{{ r.first }}{{ r | last }}{{ r.size }}",
                   "510");
}

static void template__a_cycle_that_fails_prints_its_error_alone(void **state)
{
    (void)state;
    struct result result =
        render_json("{% cycle (f..2), 'b' %}{% cycle f: 'a' %}{% cycle (f..4): 'a' %}",
                    "{\"f\":2.5}", TEMPLATE_LAX, TEMPLATE_ESCAPE_NONE);
    assert_string_equal(result.text, "Liquid error (line 1): invalid integera"
                                     "Liquid error (line 1): invalid integer");
}

static void template__squish_leaves_one_space_between_words(void **state)
{
    (void)state;
    assert_renders("[{{ '  a \n\t b\r\nc  ' | squish }}][{{ ' ' | squish }}]"
                   "[{{ nil | squish }}{{ 5.2 | squish }}]",
                   "[a b c][][5.2]");
}

static void template__letter_case_is_that_of_all_scripts(void **state)
{
    (void)state;
    assert_renders(
        "{{ 'stra\u00DFe \uFB01n \u0561 \u10D0 \u13F8 \U00010428' | upcase }}",
        "STRASSE FIN \u0531 \u1C90 \u13F0 \U00010400");
    assert_renders("{{ '\u0130\u03A3 \u1E9E \u10A0 \u2C00' | downcase }}",
                   "i\u0307\u03C3 \u00DF \u2D00 \u2C30");
    assert_renders("{{ '\u00DFA' | capitalize }} {{ '\u01C6X' | capitalize }} "
                   "{{ '\u10D0' | capitalize }} {{ '\u4E2Dx' | capitalize }}",
                   "Ssa \u01C5x \u10D0 \u4E2Dx");
}

static void template__reserved_names_win_over_all(void **state)
{
    (void)state;
    static const struct str names[] = {{"email", 5}, {"list_name", 9}};
    static const struct str reserved[] = {{"real@example.org", 16}, {"customers", 9}};
    const struct template_input input = {.fields = values, .reserved_values = reserved};
    struct template_options options = with_fields;
    options.reserved_names = names;
    options.reserved_count = 2;
    struct result result = render_input(
        "{{ email }} {{ list_name }} {{ recipient.email }}", &options, &input);
    assert_string_equal(result.text, "real@example.org customers a@example.org");
    result =
        render_input("{{ self['email'] }} {{ self['list_name'] }} {{ self['name'] }}",
                     &options, &input);
    assert_string_equal(result.text, "real@example.org customers Ada");
}

static void template__data_is_not_seen_in_render(void **state)
{
    (void)state;
    struct value *data = json_of("{\"x\":1}"), *statics = json_of("{\"y\":2}");
    const struct template_input input = {.data = data, .statics = statics};
    const struct template_options options = {.name = STR("t")};
    struct result result = render_input("{{ x }}{{ y }}", &options, &input);
    assert_string_equal(result.text, "12");
    value_free(data);
    value_free(statics);
}

static void template__rounds_to_any_place(void **state)
{
    (void)state;
    struct result result = render_json(
        "{{ 15 | round: -9223372036854775808 }} {{ 1.5 | round: 9223372036854775807 }} "
        "{{ 15 | round: -99999999999999999999999999999999999999999999 }} "
        "{{ 15 | round: -1 }} {{ 1.55 | round: 1.9 }}",
        "{}", TEMPLATE_STRICT, TEMPLATE_ESCAPE_NONE);
    assert_string_equal(result.text, "0 1.5 0 20 1.6");
}

static void template__value_that_looks_like_liquid_is_printed(void **state)
{
    (void)state;
    struct result result = render_json("{{ a }}", "{\"a\":\"{{ b }}{% raw %}\"}",
                                       TEMPLATE_STRICT, TEMPLATE_ESCAPE_NONE);
    assert_string_equal(result.text, "{{ b }}{% raw %}");
}

struct noted {
    char names[256];
};

static void note(void *self, struct str name, unsigned line, unsigned column)
{
    struct noted *noted = self;
    size_t n = strlen(noted->names);
    snprintf(noted->names + n, sizeof noted->names - n, "%.*s@%u:%u ", STR_ARG(name),
             line, column);
}

static void note_missing(void *self, struct str partial, struct str name, unsigned line,
                         unsigned column)
{
    assert_int_equal(partial.n, 0);
    note(self, name, line, column);
}

static void template__missing_variables_are_told_with_their_place(void **state)
{
    (void)state;
    struct noted noted = {{0}};
    const struct template_input input = {
        .fields = values, .missing = note_missing, .missing_self = &noted};
    struct result result =
        render_input("{{ name }}{{ plan }}\n {{ nope | upcase }}{{ gone | default: 1 }}"
                     "{% if never %}{{ unseen }}{% endif %}{{ recipient['x y'] }}",
                     &with_fields, &input);
    assert_int_equal(result.err, ERR_NONE);
    assert_string_equal(noted.names, "plan@1:14 nope@2:5 x y@2:84 ");
}

/* Column "hole" is there and empty. */
static const struct {
    const char *source, *missing;
} holes[] = {
    {"{{ hole }}", "hole@1:4 "},
    {"{{ recipient.hole }}", "hole@1:4 "},
    {"{{ recipient['hole'] }}", "hole@1:4 "},
    {"{{ self['hole'] }}", "hole@1:4 "},
    {"{% assign k = 'hole' %}{{ recipient[k] }}", "hole@1:27 "},
    {"{% assign r = recipient %}{{ r['hole'] }}", "r.hole@1:30 "},
    {"{% assign x = recipient['hole'] %}{{ x }}", "x@1:38 "},
    {"{% assign x = recipient.hole | upcase %}{{ x | strip }}", "x@1:44 "},
    {"{% assign x = 'Hi ' | append: hole %}{{ x }}", "x@1:41 "},
    {"{% assign x = nope.a %}{{ x }}", "x@1:27 "},
    {"{% assign x = hole %}{{ x | default: 'you' }}", ""},
    {"{% assign x = hole | default: 'you' %}{{ x }}", ""},
    {"{% assign x = hole %}", ""},
    {"{% if hole == blank %}{% assign hole = 'you' %}{% endif %}{{ hole }}", ""},
    {"{{ hole | upcase }}", "hole@1:4 "},
    {"{{ hole | upcase | default: 'x' }}", ""},
    {"{{ hole | default: '' }}", ""},
    {"{{ hole | default: nope }}", "hole@1:4 "},
    {"{{ hole | default: name }}", ""},
    {"{{ 'Hi ' | append: hole }}", "hole@1:20 "},
    {"{{ name | default: 'you' | prepend: hole }}", "hole@1:37 "},
    {"{{ '' | append: hole | default: 'you' }}", ""},
    {"{% echo hole %}", "hole@1:9 "},
    {"{% cycle hole, 'b' %}", "hole@1:10 "},
    {"{% capture c %}{{ hole }}{% endcapture %}", "hole@1:19 "},
    {"{{ name }}{{ '' }}{{ recipient.name | remove: 'Ada' }}", ""},
    {"{% if hole %}y{% endif %}{% unless recipient['hole'] %}{% endunless %}"
     "{% case hole %}{% when '' %}{% endcase %}{% for c in hole %}{% endfor %}",
     ""},
};

static void template__what_is_printed_and_empty_is_missing(void **state)
{
    (void)state;
    static const struct str names[] = {{"name", 4}, {"hole", 4}};
    static const struct str cells[] = {{"Ada", 3}, {"", 0}};
    const struct template_options options = {
        .name = STR("t"), .fields = names, .field_count = 2};
    for (size_t i = 0; i < sizeof holes / sizeof *holes; i++) {
        struct noted noted = {{0}};
        const struct template_input input = {
            .fields = cells, .missing = note_missing, .missing_self = &noted};
        struct result result = render_input(holes[i].source, &options, &input);
        if (result.err != ERR_NONE || strcmp(noted.names, holes[i].missing) != 0)
            fail_msg("%s: %s, wanted %s", holes[i].source, noted.names,
                     holes[i].missing);
    }
}

static void template__reads_lists_what_the_template_does_not_set(void **state)
{
    (void)state;
    struct noted noted = {{0}};
    struct template *template;
    const struct template_options options = {.name = STR("t")};
    assert_int_equal(
        template_compile(STR("{% assign a = b %}{{ a }}{% for i in c.d %}{{ i "
                             "}}{{ e[f] }}{% endfor %}"),
                         &options, &template, NULL),
        ERR_NONE);
    template_reads(template, &noted, note);
    assert_string_equal(noted.names, "b@1:15 c@1:38 e@1:54 f@1:56 ");
    template_free(template);
}

static void template__static_text_comes_as_numbered_spans(void **state)
{
    (void)state;
    struct template *template;
    struct template_machine *machine = template_machine_new(NULL);
    struct pieces pieces = {.max = 100};
    const struct template_input input = {.fields = values};
    assert_int_equal(template_compile(STR("Dear {{ name }}{{ name }}, hello"),
                                      &with_fields, &template, NULL),
                     ERR_NONE);
    assert_int_equal(template_render(template, machine, &input, &pieces, NULL),
                     ERR_NONE);
    assert_int_equal(pieces.n, 3);
    assert_ptr_equal(pieces.p[0].text.p, template_span(template, pieces.p[0].span).p);
    assert_int_equal(pieces.p[1].span, PIECE_VALUE);
    assert_memory_equal(pieces.p[1].text.p, "AdaAda", 6);
    assert_in_range(pieces.p[2].span, 0, template_span_count(template) - 1);
    template_machine_free(machine);
    template_free(template);
}

/* Each way of writing behind a value that lies where it was found. */
static const struct {
    const char *source, *want;
    bool is_lent;
} cases_of_lending[] = {
    {"[{{ name }}]", "Ada", true},
    {"[{{ 'a' | append: 'b' }}]", "ab", false},
    {"[{{ nil }}{{ name }}{{ nil }}]", "Ada", true},
    {"[{{ name }}{{ 7 }}{{ name }}]", "Ada7Ada", false},
    {"[{{ 7 }}{{ name }}]", "7Ada", false},
    {"[{{ name }}{{ '<' }}]", "Ada&lt;", false},
    {"[{% for i in (1..3) %}{{ name }}{% endfor %}]", "AdaAdaAda", false},
    {"[{{ name }}{% tablerow i in (1..1) %}{{ i }}{% endtablerow %}]",
     "Ada<tr class=\"row1\">\n<td class=\"col1\">1</td></tr>\n", false},
    {"[{{ name }}{% capture x %}{{ name }}{{ 1 }}{% endcapture %}{{ x }}]", "AdaAda1",
     false},
    {"{% capture x %}({{ name }}){% endcapture %}[{{ x }}]", "(Ada)", false},
};

static void template__value_alone_between_spans_is_not_copied(void **state)
{
    (void)state;
    struct template_options options = with_fields;
    const struct template_input input = {.fields = values};
    options.escape = TEMPLATE_ESCAPE_HTML;
    for (size_t i = 0; i < COUNT_OF(cases_of_lending); i++) {
        struct template *template;
        struct template_machine *machine = template_machine_new(NULL);
        struct pieces pieces = {.max = 3};
        assert_int_equal(template_compile(str_of(cases_of_lending[i].source), &options,
                                          &template, NULL),
                         ERR_NONE);
        assert_int_equal(template_render(template, machine, &input, &pieces, NULL),
                         ERR_NONE);
        assert_int_equal(pieces.n, 3);
        assert_int_equal(pieces.p[1].span, PIECE_VALUE);
        assert_int_equal(pieces.p[1].text.n, strlen(cases_of_lending[i].want));
        assert_memory_equal(pieces.p[1].text.p, cases_of_lending[i].want,
                            pieces.p[1].text.n);
        assert_int_equal(pieces.p[1].text.p == values[1].p,
                         cases_of_lending[i].is_lent);
        template_machine_free(machine);
        template_free(template);
    }
}

static void template__values_beyond_the_pieces_end_a_rendering(void **state)
{
    (void)state;
    for (size_t max = 1; max <= 4; max++) {
        struct template *template;
        struct template_machine *machine = template_machine_new(NULL);
        struct pieces pieces = {.max = max};
        struct error error;
        const struct template_input input = {.fields = values};
        assert_int_equal(template_compile(STR("{{ name }}{{ name }}[{{ name }}]"),
                                          &with_fields, &template, NULL),
                         ERR_NONE);
        enum err err = template_render(template, machine, &input, &pieces, &error);
        assert_int_equal(err, max < 4 ? ERR_LIMIT : ERR_NONE);
        if (max < 4)
            assert_non_null(strstr(error.text, "too many pieces"));
        template_machine_free(machine);
        template_free(template);
    }
}

static void template__rendering_does_not_see_the_one_before(void **state)
{
    (void)state;
    struct template *template;
    struct template_machine *machine = template_machine_new(NULL);
    const struct template_input input = {.fields = values};
    const struct template_options options = {.name = STR("t")};
    assert_int_equal(
        template_compile(STR("{{ x }}{% assign x = 1 %}{% increment c %}{% cycle "
                             "'a', 'b' %}{% ifchanged %}q{% endifchanged %}"),
                         &options, &template, NULL),
        ERR_NONE);
    for (int i = 0; i < 3; i++) {
        struct pieces pieces = {.max = 100};
        struct arena arena;
        arena_init(&arena, 1000);
        assert_int_equal(template_render(template, machine, &input, &pieces, NULL),
                         ERR_NONE);
        assert_memory_equal(pieces_join(&pieces, &arena).p, "0aq", 4);
        arena_fini(&arena);
    }
    template_machine_free(machine);
    template_free(template);
}

static size_t mallocs;

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    mallocs++;
    return __real_malloc(bytes);
}

static void template__warm_rendering_allocates_nothing(void **state)
{
    (void)state;
    struct value *statics =
        json_of("{\"offers\":[{\"n\":\"<b>\",\"p\":12.9},{\"n\":\"x\","
                "\"p\":3}]}");
    struct template *template;
    struct template_machine *machine = template_machine_new(NULL);
    struct template_options options = with_fields;
    options.escape = TEMPLATE_ESCAPE_HTML;
    assert_int_equal(
        template_compile(
            STR("<p>{{ name | upcase | append: '!' }}</p>{% for o in offers "
                "%}<a href=\"{{ o.n }}\">{{ o.p | times: 1.19 | round: 2 }}"
                "</a>{% endfor %}{% capture x %}{{ email }}{% endcapture %}"
                "{{ x }}{{ offers | map: 'n' | join: ', ' }}"
                "{{ 'now' | date: '%F' }}"),
            &options, &template, NULL),
        ERR_NONE);
    const struct template_input input = {
        .statics = statics, .fields = values, .now_s = 1704067318};
    for (int i = 0; i < 1000; i++) {
        struct pieces pieces = {.max = 1000};
        if (i == 5)
            mallocs = 0;
        assert_int_equal(template_render(template, machine, &input, &pieces, NULL),
                         ERR_NONE);
    }
    assert_int_equal(mallocs, 0);
    template_machine_free(machine);
    template_free(template);
    value_free(statics);
}

static enum err render_limited(const char *source, struct template_limits limits,
                               enum template_mode mode)
{
    struct value *data = json_of("{\"s\":\"0123456789\",\"a\":[1,2,3]}");
    struct template_machine *machine = template_machine_new(&limits);
    struct template *template;
    struct error error = {.code = ERR_NONE};
    struct pieces pieces = {.max = 10000};
    const struct template_options options = {.mode = mode, .name = STR("t")};
    const struct template_input input = {.statics = data};
    assert_int_equal(template_compile(str_of(source), &options, &template, &error),
                     ERR_NONE);
    enum err err = template_render(template, machine, &input, &pieces, &error);
    if (err != ERR_NONE)
        assert_true(error.text[0] != '\0');
    template_machine_free(machine);
    template_free(template);
    value_free(data);
    return err;
}

static void template__limits_end_a_rendering(void **state)
{
    (void)state;
    static const struct template_limits limits = {.steps_max = 100000,
                                                  .output_bytes_max = 10000,
                                                  .memory_bytes_max = 1000000,
                                                  .depth_max = 100};
    static const char *const sources[] = {
        "{% for i in (1..1000000000) %}{% endfor %}",
        "{% for i in (1..99999) %}{% for j in (1..99999) %}{% endfor %}{% endfor %}",
        "{% for i in (1..5000) %}{{ s }}{% endfor %}",
        "{% for i in (1..99) %}{% assign s = s | append: s %}{% endfor %}",
        "{% for i in (1..99) %}{% assign a = a | concat: a %}{% endfor %}",
        "{{ (1..1000000000) | join }}",
        "{% tablerow i in (1..1000000000) %}{% endtablerow %}",
        "{% capture x %}{% for i in (1..9999) %}{{ s }}{% endfor %}{% endcapture %}"};
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        assert_int_equal(render_limited(sources[i], limits, TEMPLATE_STRICT),
                         ERR_LIMIT);
        /* Nor does a lax template go on. */
        assert_int_equal(render_limited(sources[i], limits, TEMPLATE_LAX), ERR_LIMIT);
    }
}

/* Of a column of 640 bytes: the node's step, and those of what looks at its bytes. */
static const struct case_of_steps {
    const char *source;
    unsigned steps;
} cases_of_steps[] = {
    {"{{ long }}", 1},
    {"{{ long | default: 'x' }}", 1 + 1 + 640 / 8},
    {"{% if long == 'x' %}{% endif %}", 1 + 1 + 1 + 640 / 64},
    {"{% if long != 'x' %}{% endif %}", 1 + 1 + 1 + 640 / 64},
};

static void template__short_ways_take_the_same_steps(void **state)
{
    (void)state;
    static char text[640];
    static const struct str field = {"long", 4}, value = {text, sizeof text};
    const struct template_options options = {
        .name = STR("t"), .fields = &field, .field_count = 1};
    const struct template_input input = {.fields = &value};
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < 2 * COUNT_OF(cases_of_steps); i++) {
        const struct case_of_steps *of = &cases_of_steps[i / 2];
        struct template_limits limits = template_limits_default;
        limits.steps_max = of->steps - i % 2;
        struct template_machine *machine = template_machine_new(&limits);
        struct template *template;
        struct pieces pieces = {.max = 10};
        assert_int_equal(
            template_compile(str_of(of->source), &options, &template, NULL), ERR_NONE);
        assert_int_equal(template_render(template, machine, &input, &pieces, NULL),
                         i % 2 == 0 ? ERR_NONE : ERR_LIMIT);
        template_machine_free(machine);
        template_free(template);
    }
}

static void template__errors_are_inline_in_lax_templates(void **state)
{
    (void)state;
    struct result result = render_json("a\n{{ 1 | divided_by: 0 }}b", "{}",
                                       TEMPLATE_LAX, TEMPLATE_ESCAPE_NONE);
    assert_int_equal(result.err, ERR_NONE);
    assert_string_equal(result.text, "a\nLiquid error (line 2): divided by 0b");
}

static void template__errors_end_a_strict_rendering(void **state)
{
    (void)state;
    struct result result = render_json("a\n{{ 1 | divided_by: 0 }}b", "{}",
                                       TEMPLATE_STRICT, TEMPLATE_ESCAPE_NONE);
    assert_int_equal(result.err, ERR_DATA);
    assert_string_equal(result.text,
                        "rendering a template: t:2:1: Liquid error (line 2): "
                        "divided by 0");
}

static void template__condition_is_answered(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        bool want;
    } cases[] = {{"name == 'Ada' and email contains '@'", true},
                 {"plan == nil", true},
                 {"recipient['Order no.'] == 'A-17'", true},
                 {"name == 'Bob' or plan == 'pro'", false},
                 {"name", true}};
    struct template_machine *machine = template_machine_new(NULL);
    const struct template_input input = {.fields = values};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct template *condition;
        bool holds;
        assert_int_equal(template_compile_condition(str_of(cases[i].source),
                                                    &with_fields, &condition, NULL),
                         ERR_NONE);
        assert_int_equal(template_holds(condition, machine, &input, &holds, NULL),
                         ERR_NONE);
        assert_int_equal(holds, cases[i].want);
        template_free(condition);
    }
    template_machine_free(machine);
}

static void template__wrong_condition_is_refused(void **state)
{
    (void)state;
    struct template *condition;
    struct error error;
    assert_int_equal(
        template_compile_condition(STR("name =="), &with_fields, &condition, &error),
        ERR_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template__fields_win_over_statics),
        cmocka_unit_test(template__missing_column_lets_statics_through),
        cmocka_unit_test(template__what_is_set_hides_a_column),
        cmocka_unit_test(template__recipient_holds_the_columns),
        cmocka_unit_test(template__columns_are_seen_in_partials),
        cmocka_unit_test(template__self_stands_for_all_variables),
        cmocka_unit_test(template__self_is_a_value_that_remembers_its_variables),
        cmocka_unit_test(template__ends_of_a_text_are_characters),
        cmocka_unit_test(template__words_are_not_equal_to_themselves),
        cmocka_unit_test(template__a_descending_range_has_its_ends),
        cmocka_unit_test(template__a_cycle_that_fails_prints_its_error_alone),
        cmocka_unit_test(template__squish_leaves_one_space_between_words),
        cmocka_unit_test(template__letter_case_is_that_of_all_scripts),
        cmocka_unit_test(template__reserved_names_win_over_all),
        cmocka_unit_test(template__data_is_not_seen_in_render),
        cmocka_unit_test(template__value_that_looks_like_liquid_is_printed),
        cmocka_unit_test(template__rounds_to_any_place),
        cmocka_unit_test(template__missing_variables_are_told_with_their_place),
        cmocka_unit_test(template__what_is_printed_and_empty_is_missing),
        cmocka_unit_test(template__reads_lists_what_the_template_does_not_set),
        cmocka_unit_test(template__static_text_comes_as_numbered_spans),
        cmocka_unit_test(template__value_alone_between_spans_is_not_copied),
        cmocka_unit_test(template__values_beyond_the_pieces_end_a_rendering),
        cmocka_unit_test(template__rendering_does_not_see_the_one_before),
        cmocka_unit_test(template__warm_rendering_allocates_nothing),
        cmocka_unit_test(template__limits_end_a_rendering),
        cmocka_unit_test(template__short_ways_take_the_same_steps),
        cmocka_unit_test(template__errors_are_inline_in_lax_templates),
        cmocka_unit_test(template__errors_end_a_strict_rendering),
        cmocka_unit_test(template__condition_is_answered),
        cmocka_unit_test(template__wrong_condition_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
