#include "templates/convert.h"

#include "templates/template.h"
#include "tests/unit/template_fixture.h"

struct notes {
    char text[512];
};

static void take_note(void *self, unsigned line, unsigned column, struct str text,
                      const char *why)
{
    struct notes *notes = self;
    size_t n = strlen(notes->text);
    (void)why;
    snprintf(notes->text + n, sizeof notes->text - n, "%u:%u %.*s;", line, column,
             STR_ARG(text));
}

/* Whatever comes out can be read as a campaign reads it. */
static void assert_compiles(struct str liquid)
{
    struct error error;
    struct template *template = NULL;
    const struct template_options options = {.name = STR("t")};
    if (template_compile(liquid, &options, &template, &error) != ERR_NONE)
        fail_msg("%.*s: %s", STR_ARG(liquid), error.text);
    template_free(template);
}

static void assert_converts(const char *source, enum convert_dialect dialect,
                            const char *want, const char *want_notes)
{
    struct buf liquid;
    struct notes notes = {{0}};
    buf_init(&liquid, 1u << 16);
    assert_int_equal(
        convert_template(str_of(source), dialect, &liquid, &notes, take_note),
        ERR_NONE);
    assert_string_equal(buf_c_string(&liquid), want);
    assert_string_equal(notes.text, want_notes);
    assert_compiles(buf_str(&liquid));
    buf_fini(&liquid);
}

static void convert__mailchimp_tags(void **state)
{
    (void)state;
    static const struct {
        const char *source, *want, *notes;
    } cases[] = {
        {"Hi *|FNAME|*, *|UPPER:LNAME|*",
         "Hi {{ first_name }}, {{ last_name | upcase }}", ""},
        {"*|EMAIL|* *|MERGE0|* *|UNSUB|*",
         "{{ email }} {{ email }} {{ unsubscribe_url }}", ""},
        {"*|IF:FNAME|*a*|ELSE:|*b*|END:IF|*",
         "{% if first_name != blank %}a{% else %}b{% endif %}", ""},
        {"*|IFNOT:CITY|*x*|END:IF|*", "{% if city == blank %}x{% endif %}", ""},
        {"*|IF:TOTAL >= 20|*a*|ELSEIF:TYPE=Big one|*b*|END:IF|*",
         "{% if total >= 20 %}a{% elsif type == \"Big one\" %}b{% endif %}", ""},
        {"*|DATE:d/m/Y|* *|CURRENT_YEAR|*",
         "{{ \"now\" | date: \"%d/%m/%Y\" }} {{ \"now\" | date: \"%Y\" }}", ""},
        {"*|HTML:BIO|*", "{{ bio | raw }}", ""},
        {"a\n *|POLL:x|* *|ARCHIVE|*",
         "a\n {% comment %}*|POLL:x|*{% endcomment %} "
         "{% comment %}*|ARCHIVE|*{% endcomment %}",
         "2:2 *|POLL:x|*;2:13 *|ARCHIVE|*;"},
        {"*|END:IF|*", "{% comment %}*|END:IF|*{% endcomment %}", "1:1 *|END:IF|*;"},
        {"*|IF:A|*x", "{% if a != blank %}x{% endif %}", "1:1 *|IF:A|*;"},
        {"*|IFNOT:A = b|*x*|ELSE:|*y*|END:IF|*",
         "{% unless a == \"b\" %}x{% else %}y{% endunless %}", ""},
        {"*|IF:A|*1*|IF:B is c|*2*|ELSE:|*3*|END:IF|*4*|END:IF|*",
         "{% if a != blank %}1{% comment %}*|IF:B is c|*{% endcomment %}2"
         "{% comment %}*|ELSE:|*{% endcomment %}3"
         "{% comment %}*|END:IF|*{% endcomment %}4{% endif %}",
         "1:10 *|IF:B is c|*;1:24 *|ELSE:|*;1:34 *|END:IF|*;"},
        {"*|IF:A|*1*|ELSE:|*2*|ELSEIF:B|*3*|END:IF|*",
         "{% if a != blank %}1{% else %}2{% comment %}*|ELSEIF:B|*{% endcomment %}3"
         "{% endif %}",
         "1:20 *|ELSEIF:B|*;"},
        {"*|INTERESTED:X:Y|*a*|ELSE:|*b*|END:INTERESTED|*",
         "{% comment %}*|INTERESTED:X:Y|*{% endcomment %}a"
         "{% comment %}*|ELSE:|*{% endcomment %}b"
         "{% comment %}*|END:INTERESTED|*{% endcomment %}",
         "1:1 *|INTERESTED:X:Y|*;1:20 *|ELSE:|*;1:30 *|END:INTERESTED|*;"},
        {"*|LIST:COMPANY|*\n*|MC_PREVIEW_TEXT|*",
         "{% comment %}*|LIST:COMPANY|*{% endcomment %}\n"
         "{% comment %}*|MC_PREVIEW_TEXT|*{% endcomment %}",
         "1:1 *|LIST:COMPANY|*;2:1 *|MC_PREVIEW_TEXT|*;"},
        {"*|LIST:NAME|* *|LOWER: LNAME|* *|URL:CITY|*",
         "{{ list_name }} {{ last_name | downcase }} {{ city | url_encode }}", ""},
        {"*|TITLE:FNAME|*",
         "{% assign title_words = first_name | split: \" \" %}"
         "{% for title_word in title_words %}{{ title_word | capitalize }}"
         "{% unless forloop.last %}{{ \" \" }}{% endunless %}{% endfor %}",
         ""},
        {"*|DATE:l, F j, Y \\a\\t g:i 100%|*",
         "{{ \"now\" | date: \"%A, %B %-d, %Y at %-l:%M 100%%\" }}", ""},
        {"*|DATE:jS F|*", "{% comment %}*|DATE:jS F|*{% endcomment %}",
         "1:1 *|DATE:jS F|*;"},
        {"{{x}} {% if %} {*|FNAME|*",
         "{{ \"{\" }}{x}} {{ \"{\" }}% if %} {{ \"{\" }}{{ first_name }}", ""},
        {"5 *| 6", "5 *| 6", ""}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_converts(cases[i].source, CONVERT_MAILCHIMP, cases[i].want,
                        cases[i].notes);
}

static void convert__handlebars(void **state)
{
    (void)state;
    static const struct {
        const char *source, *want, *notes;
    } cases[] = {
        {"{{name}} {{{bio}}} {{& x}}", "{{ name }} {{ bio | raw }} {{ x | raw }}", ""},
        {"{{user.first}} {{[First Name]}}",
         "{{ user.first }} {{ recipient[\"First Name\"] }}", ""},
        {"{{#if a}}1{{else if b}}2{{else}}3{{/if}}",
         "{% if a != blank %}1{% elsif b != blank %}2{% else %}3{% endif %}", ""},
        {"{{#unless a}}1{{/unless}}", "{% if a == blank %}1{% endif %}", ""},
        {"{{#each items}}{{@index}}{{this.name}}{{price}}{{../shop}}{{#if "
         "@last}}.{{/if}}"
         "{{/each}}",
         "{% for item in items %}{{ forloop.index0 }}{{ item.name }}{{ item.price }}"
         "{{ shop }}{% if forloop.last %}.{% endif %}{% endfor %}",
         ""},
        {"{{#each a}}{{#each this.b}}{{this}}{{../c}}{{@root.d}}{{/each}}{{/each}}",
         "{% for item in a %}{% for item2 in item.b %}{{ item2 }}{{ item.c }}{{ d }}"
         "{% endfor %}{% endfor %}",
         ""},
        {"{{#equals plan \"pro\"}}a{{else}}b{{/equals}}",
         "{% if plan == \"pro\" %}a{% else %}b{% endif %}", ""},
        {"{{#greaterThan n 3}}a{{/greaterThan}}{{#and a b}}c{{/and}}",
         "{% if n > 3 %}a{% endif %}{% if a != blank and b != blank %}c{% endif %}",
         ""},
        {"{{insert name \"default=you\"}}", "{{ name | default: \"you\" }}", ""},
        {"{{#with user}}{{name}}{{/with}}", "{{ user.name }}", ""},
        {"{{! a }}{{!-- }} --}}",
         "{% comment %} a{% endcomment %}{% comment %} }} "
         "{% endcomment %}",
         ""},
        {"{{> footer}}", "{% include \"footer\" %}", ""},
        {"{{unsubscribe}}", "{{ unsubscribe_url }}", ""},
        {"{{formatDate d \"MMMM DD, YYYY h:mm:ss A Z\"}}",
         "{{ d | date: \"%B %d, %Y %-l:%M:%S %p %:z\" }}", ""},
        {"{{formatDate d 'dddd [at] HH'}}", "{{ d | date: \"%A at %H\" }}", ""},
        {"x\n{{formatDate d \"Qo\"}} {{formatDate d fmt}}",
         "x\n{% comment %}{{formatDate d \"Qo\"}}{% endcomment %} "
         "{% comment %}{{formatDate d fmt}}{% endcomment %}",
         "2:1 {{formatDate d \"Qo\"}};2:23 {{formatDate d fmt}};"},
        {"{{length a}} {{length user.b}}", "{{ a | size }} {{ user.b | size }}", ""},
        {"{{#greaterThan (length a) 3}}x{{/greaterThan}}",
         "{% if a.size > 3 %}x{% endif %}", ""},
        {"{{#notEquals a b}}1{{/notEquals}}{{#lessThan a 2}}2{{/lessThan}}"
         "{{#or a b}}3{{/or}}",
         "{% if a != b %}1{% endif %}{% if a < 2 %}2{% endif %}"
         "{% if a != blank or b != blank %}3{% endif %}",
         ""},
        {"{{a.0.b}} {{a.[x y]}} {{a-b}} {{[x y].c}} {{this}}",
         "{{ a[0].b }} {{ a[\"x y\"] }} {{ a-b }} {{ recipient[\"x y\"].c }} "
         "{% comment %}{{this}}{% endcomment %}",
         "1:43 {{this}};"},
        {"{{#each a}}{{#each b}}{{../../c}}{{@key}}{{/each}}{{else}}d{{/each}}",
         "{% for item in a %}{% for item2 in item.b %}{{ c }}"
         "{% comment %}{{@key}}{% endcomment %}{% endfor %}{% else %}d{% endfor %}",
         "1:34 {{@key}};"},
        {"{{#foo a}}b{{else}}c{{/foo}}",
         "{% comment %}{{#foo a}}{% endcomment %}b{% comment %}{{else}}"
         "{% endcomment %}c{% comment %}{{/foo}}{% endcomment %}",
         "1:1 {{#foo a}};1:12 {{else}};1:21 {{/foo}};"},
        {"{{#with a}}b{{else}}c{{/with}}", "b{% comment %}{{else}}{% endcomment %}c",
         "1:13 {{else}};"},
        {"{{~#if a~}} x {{~/if~}} {{{~b~}}}",
         "{%- if a != blank -%} x {%- endif -%} {{- b | raw -}}", ""},
        {"\\{{a}} {% x %} {{! {% endcomment %} }}",
         "{{ \"{\" }}{a}} {{ \"{\" }}% x %} "
         "{% comment %} { % endcomment %}{% endcomment %}",
         ""},
        {"a {{ b", "a {{ \"{\" }}{ b", "1:3 {{ b;"},
        {"{{/if}}{{#if a}}",
         "{% comment %}{{/if}}{% endcomment %}{% if a != blank %}{% endif %}",
         "1:1 {{/if}};1:8 {{#if a}};"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_converts(cases[i].source, CONVERT_HANDLEBARS, cases[i].want,
                        cases[i].notes);
}

static void convert__recognises_the_dialect(void **state)
{
    (void)state;
    enum convert_dialect dialect;
    assert_true(convert_recognise(STR("*|A|* {{b}}"), &dialect));
    assert_int_equal(dialect, CONVERT_MAILCHIMP);
    assert_true(convert_recognise(STR("{{b}}"), &dialect));
    assert_int_equal(dialect, CONVERT_HANDLEBARS);
    assert_false(convert_recognise(STR("plain"), &dialect));
}

static void convert__every_truncation_ends(void **state)
{
    (void)state;
    struct str source =
        STR("{{#each a}}{{#if b.c}}{{{d}}}{{else}}{{insert e \"default=f\"}}"
            "{{/if}}{{!-- x --}}{{/each}}*|IF:X = \"y\"|*z*|END:IF|*");
    for (size_t n = 0; n <= source.n; n++) {
        struct buf liquid;
        struct notes notes = {{0}};
        buf_init(&liquid, 1u << 16);
        assert_int_equal(
            convert_template(str_head(source, n),
                             n % 2 == 0 ? CONVERT_HANDLEBARS : CONVERT_MAILCHIMP,
                             &liquid, &notes, take_note),
            ERR_NONE);
        assert_compiles(buf_str(&liquid));
        buf_fini(&liquid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convert__mailchimp_tags),
        cmocka_unit_test(convert__handlebars),
        cmocka_unit_test(convert__recognises_the_dialect),
        cmocka_unit_test(convert__every_truncation_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
