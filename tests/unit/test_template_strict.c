#include "templates/template.h"

#include "tests/unit/template_fixture.h"

#include <stdlib.h>
#include <unistd.h>

/* What the reference's strictest parser refuses, and where. */
static const struct {
    const char *source, *place, *why;
} refused[] = {
    {"{{ foo; exit }}", "t:1:7:", "Unexpected character ;"},
    {"a\n  {{ foo | }}", "t:2:12:", "Expected id but found end_of_string"},
    {"{{ 'oops }}", "t:1:4:", "Unexpected character '"},
    {"{{ a b }}", "t:1:6:", "Expected end_of_string but found id"},
    {"{{ 1 + 2 }}", "t:1:6:", "Unexpected character +"},
    {"{{ a | f: }}{{ | }}", "t:1:16:", "is not a valid expression"},
    {"{{ a..b }}", "t:1:5:", "found dotdot"},
    {"{{ -foo }}", "t:1:4:", "[:dash, \"-\"] is not a valid expression"},
    {"{{ (true..2) }}", "t:1:4:", "Invalid expression type 'true' in range"},
    {"{{ (1..(2..3)) }}", "t:1:4:", "Invalid expression type '(2..3)' in range"},
    {"{{ a ( & }}", "t:1:8:", "Unexpected character & in \"{{ a ( & }}\""},
    {"{{ ['a b'] }}", "t:1:4:", "Use self['...'] instead in \"{{ ['a b'] }}\""},
    {"{% if [a] %}{% endif %}", "t:1:7:", "Bare bracket access is not allowed"},
    {"{{ a[ }}", "t:1:7:", "[:end_of_string] is not a valid expression"},
    {"{% echo a ) %}", "t:1:11:", "found close_round in \"{{a ) }}\""},
    {"{% assign x = a ) %}", "t:1:17:", "found close_round in \"x = a )\""},
    {"{% unless a ) %}{% endunless %}", "t:1:13:", "found close_round in \"a )\""},
    {"{{ a | f: 1 2 }}", "t:1:13:", "found number"},
    {"{% nope %}", "t:1:1:", "Unknown tag 'nope'"},
    {"{% if a %}", "t:1:4:", "'if' tag was never closed"},
    {"{% if a %}{% endfor %}", "t:1:11:", "'endfor' is not a valid delimiter for if"},
    {"{% if a = b %}{% endif %}", "t:1:9:", "Unexpected character ="},
    {"{% if a startswith b %}{% endif %}", "t:1:9:", "found id"},
    {"{% if %}{% endif %}", "t:1:7:", "is not a valid expression"},
    {"{% for a of b %}{% endfor %}", "t:1:10:", "require an 'in' clause"},
    {"{% for a in b cols: 2 %}{% endfor %}",
     "t:1:15:", "Invalid attribute in for loop"},
    {"{% tablerow a in b rows: 2 %}{% endtablerow %}", "t:1:20:", "Invalid attribute"},
    {"{% case a %}{% when %}{% endcase %}", "t:1:21:", "is not a valid expression"},
    {"{% case a %}{% when 1 and 2 %}{% endcase %}", "t:1:23:", "found id"},
    {"{% case a %}{% else b %}{% endcase %}", "t:1:13:", "no parameters"},
    {"{% assign a %}", "t:1:1:", "Valid syntax: assign"},
    {"{% capture %}{% endcapture %}", "t:1:12:", "Expected id but found end_of"},
    {"{% capture a.b %}{% endcapture %}",
     "t:1:13:", "Expected end_of_string but found"},
    {"{% capture 42 %}{% endcapture %}", "t:1:12:", "Expected id but found number"},
    {"{% increment a b %}", "t:1:16:", "found id in \"a b\""},
    {"{% decrement 'a' %}", "t:1:14:", "Expected id but found string"},
    {"{% cycle %}", "t:1:1:", "Valid syntax: cycle"},
    {"{% cycle 1 2 %}", "t:1:12:", "found number"},
    {"{% render name %}", "t:1:11:", "Expected string but found id"},
    {"{% raw %}", "t:1:1:", "'raw' tag was never closed"},
    {"{% raw x %}{% endraw %}", "t:1:1:", "Valid syntax: raw"},
    {"{% doc x %}{% enddoc %}", "t:1:1:", "Valid syntax: {% doc %}{% enddoc %}"},
    {"{% comment %}{% comment %}{% endcomment %}", "t:1:1:", "never closed"},
    {"{% doc %}{% doc %}{% enddoc %}", "t:1:10:", "Nested doc"},
    {"{% # a\n b %}", "t:2:2:", "prefixed by the '#'"},
    {"{{ a", "t:1:1:", "was not properly terminated"},
    {"{{ a }", "t:1:1:", "was not properly terminated"},
    {"x\ny {% if a", "t:2:3:", "was not properly terminated"},
    {"{% %}", "t:1:1:", "was not properly terminated"},
    {"{% else %}", "t:1:1:", "Unexpected outer 'else' tag"},
    {"{% endif %}", "t:1:1:", "Unknown tag 'endif'"},
    {"xx{% if a %}\n\n y{% if b %}{% endif %}\n{% endif %}z{% nope %}",
     "t:4:13:", "Unknown tag"},
    {"{% liquid\n if a\n echo 1\n%}", "t:2:2:", "'if' tag was never closed"},
    {"{% liquid\n endif\n%}", "t:2:2:", "not a valid delimiter for liquid tags"},
};

static void template_strict__refuses_with_place_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct result result =
            render_json(refused[i].source, "{}", TEMPLATE_STRICT, TEMPLATE_ESCAPE_NONE);
        if (result.err != ERR_DATA || strstr(result.text, refused[i].place) == NULL ||
            strstr(result.text, refused[i].why) == NULL)
            fail_msg("%s\n  %s\n  wanted %s %s", refused[i].source, result.text,
                     refused[i].place, refused[i].why);
    }
}

/* Read in lax mode all the same. */
static const struct {
    const char *source, *want;
} tolerated[] = {
    {"{{ a || upcase }}", "X"},
    {"{{ a | }}", "x"},
    {"{{ a b }}", "x"},
    {"{% if a == 'x' junk %}y{% endif %}", "y"},
    {"{% for i in (1..3) nonsense limit:2 %}{{ i }}{% endfor %}", "12"},
    {"{% case a %}{% when 'x' and 'q' %}y{% endcase %}", "y"},
    {"{{ 1.2.3 }}", "1.2"},
    {"{{ -foo }}", ""},
    {"{% assign k = 'a' %}{{ ['a'] }}{{ [k] }}", "xx"},
    {"{% capture 'b' | x %}y{% endcapture %}{{ b }}", "y"},
    {"{% increment n, 2 %}", "0"},
    {"{% tablerow i in (1..2) nope:1 %}{{ i }}{% endtablerow %}",
     "<tr class=\"row1\">\n<td class=\"col1\">1</td><td class=\"col2\">2</td></tr>\n"},
};

static void template_lax__reads_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(tolerated); i++) {
        struct result result = render_json(tolerated[i].source, "{\"a\":\"x\"}",
                                           TEMPLATE_LAX, TEMPLATE_ESCAPE_NONE);
        if (strcmp(result.text, tolerated[i].want) != 0)
            fail_msg("%s\n  %s\n  wanted %s", tolerated[i].source, result.text,
                     tolerated[i].want);
    }
}

static void template_strict__nesting_is_bounded(void **state)
{
    (void)state;
    static char source[20000];
    size_t n = 0;
    for (int i = 0; i < 150; i++)
        n += (size_t)snprintf(source + n, sizeof source - n, "{%% if a %%}");
    assert_int_equal(
        render_json(source, "{}", TEMPLATE_STRICT, TEMPLATE_ESCAPE_NONE).err, ERR_DATA);
    n = (size_t)snprintf(source, sizeof source, "{{ a");
    for (int i = 0; i < 2000; i++)
        n += (size_t)snprintf(source + n, sizeof source - n, "[b");
    assert_int_equal(
        render_json(source, "{}", TEMPLATE_STRICT, TEMPLATE_ESCAPE_NONE).err, ERR_DATA);
}

/* Each block asks for its place behind its body, each bracket for its end: neither may
 * start from the beginning. Quadratic, either takes minutes. */
static void template_strict__reading_takes_linear_time(void **state)
{
    (void)state;
    enum { COUNT = 80000 };
    static const char block[] = "{% if a %}{% endif %}";
    char *source = malloc(COUNT * sizeof block + 8);
    assert_non_null(source);
    alarm(20);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(source + i * (sizeof block - 1), block, sizeof block);
    assert_int_equal(
        render_json(source, "{}", TEMPLATE_STRICT, TEMPLATE_ESCAPE_NONE).err, ERR_NONE);
    memcpy(source, "{{ a", 4);
    memset(source + 4, '[', COUNT);
    memcpy(source + 4 + COUNT, " }}", 4);
    assert_int_equal(render_json(source, "{}", TEMPLATE_LAX, TEMPLATE_ESCAPE_NONE).err,
                     ERR_NONE);
    alarm(0);
    free(source);
}

/* Loops of long work within one step each would run for minutes. */
static void template_strict__all_work_counts_as_steps(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "{% for i in (1..100000000) %}{% if a < b %}{% endif %}{% endfor %}",
        "{% for i in (1..100000000) %}{% if s == blank %}{% endif %}{% endfor %}",
        "{% for i in (1..100000000) %}{% if z or z or z or z %}{% endif %}{% endfor %}",
        "{% for i in (1..100000000) %}{{ self[s] }}{{ o[s] }}{% endfor %}"};
    static char json[300100];
    int n = snprintf(json, sizeof json, "{\"o\":{\"a\":1},\"s\":\"%*s\",", 100000, "");
    n += snprintf(json + n, sizeof json - (size_t)n, "\"a\":\"%*s\",", 99000, "");
    snprintf(json + n, sizeof json - (size_t)n, "\"b\":\"%*s\"}", 99000, "");
    alarm(60);
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct result result =
            render_json(sources[i], json, TEMPLATE_STRICT, TEMPLATE_ESCAPE_NONE);
        assert_non_null(strstr(result.text, "too many steps"));
    }
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template_strict__refuses_with_place_and_reason),
        cmocka_unit_test(template_lax__reads_on),
        cmocka_unit_test(template_strict__nesting_is_bounded),
        cmocka_unit_test(template_strict__reading_takes_linear_time),
        cmocka_unit_test(template_strict__all_work_counts_as_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
