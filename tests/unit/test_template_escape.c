#include "templates/template.h"

#include "tests/unit/template_fixture.h"

#include <stdlib.h>

#define DATA                                                                           \
    "{\"t\":\"<b "                                                                     \
    "a='1'>&\\\"\",\"js\":\"javascript:alert(1)\",\"tab\":\"java\\tscript:x\","        \
    "\"sp\":\" "                                                                       \
    "\\u0001JavaScript:x\",\"ok\":\"https://x.example/?a=1&b=2\",\"rel\":\"/a b\","    \
    "\"mail\":\"mailto:a@b.example\",\"data\":\"data:text/html,x\",\"frag\":\"#top\"," \
    "\"n\":3,\"l\":[\"<\",1],\"col\":\":x\",\"q\":\"a:b\",\"word\":\"a onclick=x\"}"

static const struct {
    const char *source, *want;
} cases[] = {
    {"<p>{{ t }}</p>", "<p>&lt;b a=&#39;1&#39;&gt;&amp;&quot;</p>"},
    {"{{ t | raw }}{{ n }}", "<b a='1'>&\"3"},
    {"{{ l }}", "&lt;1"},
    {"<p title=\"{{ t }}\">", "<p title=\"&lt;b a=&#39;1&#39;&gt;&amp;&quot;\">"},
    {"<p title={{ word }}>", "<p title=a&#32;onclick&#61;x>"},
    {"<p {{ word }}>", "<p a&#32;onclick&#61;x>"},
    {"<a href=\"{{ js }}\">", "<a href=\"#\">"},
    {"<a href='{{ tab }}'>", "<a href='#'>"},
    {"<a HREF = {{ sp }}>", "<a HREF = #>"},
    {"<img src=\"{{ data }}\">", "<img src=\"#\">"},
    {"<form action=\"{{ col }}\">", "<form action=\"#\">"},
    {"<a href=\"{{ ok }}\">", "<a href=\"https://x.example/?a=1&amp;b=2\">"},
    {"<a href=\"{{ rel }}\">{{ rel }}", "<a href=\"/a b\">/a b"},
    {"<a href=\"{{ mail }}\"><a href=\"{{ frag }}\">",
     "<a href=\"mailto:a@b.example\"><a href=\"#top\">"},
    /* Behind a scheme of the template's own a colon is a colon. */
    {"<a href=\"https://x/{{ q }}\">", "<a href=\"https://x/a:b\">"},
    {"<a href=\"?q={{ js }}\">", "<a href=\"?q=javascript:alert(1)\">"},
    /* Two values, and a scheme begun by the template, could make one together. */
    {"<a href=\"{{ n }}{{ q }}\">", "<a href=\"3#\">"},
    {"<a href=\"java{{ js }}\">", "<a href=\"java#\">"},
    /* What is raw is the author's word. */
    {"<a href=\"{{ js | raw }}\">", "<a href=\"javascript:alert(1)\">"},
    /* Not a URL. */
    {"<td data-href=\"{{ js }}\">", "<td data-href=\"javascript:alert(1)\">"},
    {"<script>var x = '{{ t }}';</script>{{ t }}",
     "<script>var x = '&lt;b a=&#39;1&#39;&gt;&amp;&quot;';</script>"
     "&lt;b a=&#39;1&#39;&gt;&amp;&quot;"},
    {"<script>if (a < b) {}</script><a href=\"{{ js }}\">",
     "<script>if (a < b) {}</script><a href=\"#\">"},
    {"<!-- <a href=\" --><p>{{ js }}", "<!-- <a href=\" --><p>javascript:alert(1)"},
    {"<a {% if n %}href=\"{% else %}title=\"{% endif %}{{ js }}\">", "<a href=\"#\">"},
    /* A filter that escapes is not escaped again. */
    {"{{ t | escape }}", "&lt;b a=&#39;1&#39;&gt;&amp;&quot;"},
    {"{{ '&lt;<' | escape_once }}", "&lt;&lt;"},
    {"{% assign x = '<\n>' | newline_to_br %}{{ x }}", "&lt;<br />\n&gt;"},
    /* Nor is what was captured; in a tag its quotes are. */
    {"{% capture x %}<i>{{ t }}</i>{% endcapture %}{{ x }}",
     "<i>&lt;b a=&#39;1&#39;&gt;&amp;&quot;</i>"},
    {"{% capture x %}a\"b&amp;{{ l }}{% endcapture %}<p title=\"{{ x }}\">",
     "<p title=\"a&quot;b&amp;&lt;1\">"},
    {"{% capture x %}javascript&colon;x{% endcapture %}<a href=\"{{ x }}\">",
     "<a href=\"#\">"},
    {"{% cycle t %}", "&lt;b a=&#39;1&#39;&gt;&amp;&quot;"},
    {"{% echo t %}", "&lt;b a=&#39;1&#39;&gt;&amp;&quot;"},
};

static void template_escape__html_by_context(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct result result =
            render_json(cases[i].source, DATA, TEMPLATE_STRICT, TEMPLATE_ESCAPE_HTML);
        if (strcmp(result.text, cases[i].want) != 0)
            fail_msg("%s\n  %s\n  wanted %s", cases[i].source, result.text,
                     cases[i].want);
    }
}

/* A column has a way of its own to where it is printed. */
static void template_escape__columns_are_escaped_as_data_is(void **state)
{
    enum { FIELDS_MAX = 20 };
    struct str fields[FIELDS_MAX], values[FIELDS_MAX];
    struct value *data = json_of(DATA);
    struct template_options options = {
        .escape = TEMPLATE_ESCAPE_HTML, .name = STR("t"), .fields = fields};
    const struct template_input input = {.statics = data, .fields = values};
    (void)state;
    for (size_t i = 0; i < value_member_count(data); i++) {
        size_t n = options.field_count;
        const struct value *member = value_member_at(data, i, &fields[n]);
        options.field_count += value_is_string(member, &values[n]);
    }
    assert_in_range(options.field_count, 10, FIELDS_MAX - 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct result result = render_input(cases[i].source, &options, &input);
        if (strcmp(result.text, cases[i].want) != 0)
            fail_msg("%s\n  %s\n  wanted %s", cases[i].source, result.text,
                     cases[i].want);
    }
    value_free(data);
}

/* Sixteen bytes are looked at together where they can be: each byte at each place. */
#define LENGTH_MAX 40

static void template_escape__byte_is_escaped_at_any_place(void **state)
{
    static const struct {
        char byte;
        const char *want;
    } bytes[] = {{'&', "&amp;"},  {'<', "&lt;"}, {'>', "&gt;"},   {'"', "&quot;"},
                 {'\'', "&#39;"}, {'%', "%"},    {'!', "!"},      {'=', "="},
                 {'?', "?"},      {'#', "#"},    {'\xBC', "\xBC"}};
    static const struct str field = {"x", 1};
    const struct template_options options = {.escape = TEMPLATE_ESCAPE_HTML,
                                             .name = STR("t"),
                                             .fields = &field,
                                             .field_count = 1};
    (void)state;
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        for (size_t length = 1; length <= LENGTH_MAX; length++) {
            for (size_t at = 0; at < length; at++) {
                /* Of its own, so that a reader beyond its end is found out. */
                char *text = malloc(length), want[2 * LENGTH_MAX];
                memset(text, 'a', length);
                text[at] = bytes[i].byte;
                snprintf(want, sizeof want, "%.*s%s%.*s", (int)at, text, bytes[i].want,
                         (int)(length - at - 1), text + at + 1);
                struct str value = str_slice(text, length);
                const struct template_input input = {.fields = &value};
                struct result result = render_input("{{ x }}", &options, &input);
                assert_string_equal(result.text, want);
                free(text);
            }
        }
    }
}

static void template_escape__inline_errors_are_escaped(void **state)
{
    (void)state;
    struct result result =
        render_json("{% include t %}", DATA, TEMPLATE_LAX, TEMPLATE_ESCAPE_HTML);
    assert_null(strstr(result.text, "<b"));
}

static void template_escape__header_refuses_line_breaks(void **state)
{
    (void)state;
    static const char *const data[] = {"{\"v\":\"a\\nb\"}", "{\"v\":\"a\\rb\"}",
                                       "{\"v\":\"a\\u0000b\"}",
                                       "{\"v\":[\"a\",\"\\n\"]}"};
    for (size_t i = 0; i < COUNT_OF(data); i++)
        assert_int_equal(
            render_json("x {{ v }}", data[i], TEMPLATE_STRICT, TEMPLATE_ESCAPE_HEADER)
                .err,
            ERR_DATA);
    struct result result = render_json("x {{ v }}", "{\"v\":\"<a> & b\"}",
                                       TEMPLATE_STRICT, TEMPLATE_ESCAPE_HEADER);
    assert_string_equal(result.text, "x <a> & b");
}

struct partials {
    const char *source;
};

static enum err load(void *self, struct str name, struct arena *arena,
                     struct str *source)
{
    const struct partials *partials = self;
    (void)arena;
    *source = str_of(partials->source);
    return str_equal(name, STR("p")) ? ERR_NONE : ERR_NOT_FOUND;
}

static void template_escape__partial_is_read_in_its_place(void **state)
{
    (void)state;
    struct partials partials = {"{{ u }}"};
    const struct template_loader loader = {.self = &partials, .load = load};
    const struct template_options options = {
        .escape = TEMPLATE_ESCAPE_HTML, .name = STR("t"), .loader = &loader};
    struct value *data = json_of("{\"u\":\"javascript:x\"}");
    const struct template_input input = {.statics = data};
    struct result result = render_input(
        "<a href=\"{% render 'p' %}\">{% render 'p' %}</a>", &options, &input);
    assert_string_equal(result.text, "<a href=\"#\">javascript:x</a>");
    value_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template_escape__html_by_context),
        cmocka_unit_test(template_escape__columns_are_escaped_as_data_is),
        cmocka_unit_test(template_escape__byte_is_escaped_at_any_place),
        cmocka_unit_test(template_escape__inline_errors_are_escaped),
        cmocka_unit_test(template_escape__header_refuses_line_breaks),
        cmocka_unit_test(template_escape__partial_is_read_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
