#include "templates/convert.h"

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
        {"a\n *|POLL:x|* *|ARCHIVE|*", "a\n *|POLL:x|* *|ARCHIVE|*",
         "2:2 *|POLL:x|*;2:13 *|ARCHIVE|*;"},
        {"*|END:IF|*", "*|END:IF|*", "1:1 *|END:IF|*;"},
        {"*|IF:A|*", "{% if a != blank %}", "1:1 *|IF:A|*;"},
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
        {"x\n{{formatDate d \"YY\"}}", "x\n{{formatDate d \"YY\"}}",
         "2:1 {{formatDate d \"YY\"}};"},
        {"{{#foo a}}b{{/foo}}", "{{#foo a}}b{{/foo}}", "1:1 {{#foo a}};1:12 {{/foo}};"},
        {"{{/if}}{{#if a}}", "{{/if}}{% if a != blank %}", "1:1 {{/if}};1:11 if;"}};
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
