/* Text templates made from HTML templates. */
#include "core/mail/html_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *html, *want;
} cases[] = {
    {"", ""},
    {"Hello <b>{{ name }}</b>!", "Hello {{ name }}!\n"},
    {"<p>One</p><p>Two &amp; three</p>", "One\n\nTwo & three\n"},
    {"a<br>b<br/><br/>c", "a\nb\n\nc\n"},
    {"<h1>Title</h1>x", "Title\n=====\n\nx\n"},
    {"<ul><li>a<li>b<ul><li>c</ul></ul>d", "* a\n* b\n  * c\n\nd\n"},
    {"<ol><li>a</li><li>b</li></ol>", "1. a\n2. b\n"},
    {"<ol>{% for x in y %}<li>{{ x }}</li>{% endfor %}</ol>",
     "{% for x in y %}* {{ x }}\n{% endfor %}"},
    {"<blockquote>a<br>b</blockquote>", "> a\n> b\n"},
    {"<pre>a  b\n c</pre>", "a  b\n c\n"},
    {"<a href='https://x.org'>go</a> and <a href=\"https://x.org\">again</a>",
     "go [1] and again [1]\n\n[1] https://x.org\n"},
    {"<a href=\"{{ u | default: \"x\" }}\">go</a>",
     "go [1]\n\n[1] {{ u | default: \"x\" }}\n"},
    {"{% if a %}<a href='https://x.org/{{ b }}'>go</a>{% endif %}",
     "{% if a %}go <https://x.org/{{ b }}>{% endif %}\n"},
    {"<a href='mailto:a@b.c'>a@b.c</a> <a href='#top'>top</a>", "a@b.c top\n"},
    {"<a href='https://x.org'><img src='cid:l.png' alt='Logo {{ n }}'></a>",
     "Logo {{ n }} [1]\n\n[1] https://x.org\n"},
    {"<table>{% for i in l %}<tr><td>{{ i.a }}</td><td>{{ i.b }}</td></tr>{% endfor %}"
     "</table>",
     "{% for i in l %}{{ i.a }}  {{ i.b }}\n{% endfor %}"},
    {"<table>{% if a %}<b>loose</b>{% endif %}<tr><td>x</td></tr></table>",
     "{% if a %}loose{% endif %}\nx\n"},
    {"<head><title>{{ s }}</title>{% assign x = 1 %}<style>{% if y %}a{% endif "
     "%}</style>"
     "</head><p>{{ x }}",
     "{% assign x = 1 %}{% if y %}{% endif %}{{ x }}\n"},
    {"<div style='Display : none'>pre {{ x }}{% assign y = 2 %}</div>a",
     "{% assign y = 2 %}a\n"},
    {"a<!-- {{ x }} b {% assign z = 3 %} -->c", "a{% assign z = 3 %}c\n"},
    {"a{% comment %}<b>{% comment %}{% endcomment %}</p>{% endcomment %}b{% # c %}",
     "ab\n"},
    {"&#123;&#123; x }} &#123;% y %} a { b}", "{{ '{' }}{{ '{' }} x }} {{ '{' }}% y %} "
                                              "a {{ '{' }} b}\n"},
    {"{% raw %}{{ x }}{% endraw %}", "{% raw %}{{ x }}{% endraw %}\n"},
    {"<p>a&nbsp;&zwnj;&nbsp;&#8203;b&shy;c</p>", "a bc\n"},
    {"</body>{% if x %}foo{% endif %}</html>bar", "{% if x %}foo{% endif %}bar\n"},
    {"<p>a {{ unclosed", "a {{ '{' }}{{ '{' }} unclosed\n"},
    {"one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
     "fifteen",
     "one two three four five six seven eight nine ten eleven twelve thirteen\n"
     "fourteen fifteen\n"},
    {"a<hr>b", "a\n\n----------------------------------------\n\nb\n"},
    {"<script>x()</script>\xF3\xB0\x80\x80y", "y\n"},
    {"{{ a }} {{ b }}, you", "{{ a }} {{ b }}, you\n"},
    {"<style>x</style>{{ a }} {% echo b %}<p>c", "{{ a }} {% echo b %}\n\nc\n"},
    {"{% assign a = 1 %} <!-- b --> <!DOCTYPE html><html><body> {{ a }} {{ b }}",
     "{% assign a = 1 %}{{ a }} {{ b }}\n"},
    /* Whitespace control works on the HTML's white space, not on the text's. */
    {"a {%- if b -%} c {%- endif -%} d", "a{%  if b  %}c{%  endif  %}d\n"},
    {"<ul> {%- for x in y -%} <li> {{- x -}} </li> {%- endfor -%} </ul>",
     "{%  for x in y  %}* {{  x  }}\n{%  endfor  %}"},
    {"a {%- comment -%} b {%- endcomment -%} c {%- # d -%} e", "ace\n"},
    /* Values that are HTML themselves. */
    {"{{ a | raw }} {{ b |raw}} {{ c | raw | upcase }} {{ draw }}",
     "{{ a | strip_html }} {{ b |strip_html}} {{ c | raw | upcase }} {{ draw }}\n"},
    {"{% tablerow x in y cols: 2 limit:3 %}{{ x }}{% endtablerow %}",
     "{% for      x in y         limit:3 %}{{ x }}\n{% endfor      %}"},
    /* Layout and data in tables. */
    {"<table><tr><td>One.</td></tr><tr><td>&nbsp;</td><td>Two.</td></tr></table>",
     "One.\n\nTwo.\n"},
    {"<table><tr><td><p>Shoes</p></td><td> <p>5</p></td></tr>"
     "<tr><td><div>Hat</div></td><td>{{ p }}</td></tr></table>",
     "Shoes  5\nHat  {{ p }}\n"},
    {"<table><tr><td><p>a</p><p>b</p></td><td>c</td></tr></table>", "a\n\nb\n\nc\n"},
    {"<ol start=5><li>a<li>b</ol>", "5. a\n6. b\n"},
    {"<img alt=a><img alt='b'><img alt=''><img>c", "a b c\n"},
    {"a<select><option>b</select><textarea>c</textarea>", "a\n"},
    {"<a href='cid:a'>b</a>", "b\n"},
    /* Hidden by a style or a style sheet. */
    {"<p style='color:red; DISPLAY: none !important'>a</p><p style='display:block'>b",
     "b\n"},
    {"<p style='opacity:0'>a</p><p style='opacity:0.5'>b</p><p style='max-height:0px;"
     "overflow:hidden'>c</p><p style='max-height:0'>d</p>",
     "b\n\nd\n"},
    {"<style>/* .e{ */ .a, p.b, #c { display:none } .d p, .f:hover {display:none}"
     "@media print { .e { display:none } .g{} } @import 'x'; .h{visibility:hidden}"
     "</style><p class='x a'>1</p><p class=b>2</p><b class=b>3</b><p id=c>4</p>"
     "<p class=d>5</p><p class=e>6</p><p class=h>7</p><p class=ab>8</p>",
     "3\n\n5\n\n6\n\n8\n"},
    {"<p hidden>{% render 'a' %}{% echo b %}{% assign c = 1 %}</p>d",
     "{% assign c = 1 %}d\n"},
    {"a{% render 'two' %}b{% render \"one\", x: 1 %}c{% render 'none' %}d",
     "a\n\n{% render 'two' %}\n\nb\n{% render \"one\", x: 1 %}\nc"
     "{% render 'none' %}d\n"},
};

static unsigned lines_of(void *self, struct str name)
{
    (void)self;
    return str_equal(name, STR("two")) ? 2 : str_equal(name, STR("one"));
}
static const struct html_partials partials = {.lines = lines_of};

static const struct {
    const char *html, *want;
    unsigned lines;
} fragments[] = {
    {"", "", 0},
    {" ", " ", 0},
    {" <b>a</b>\n", " a ", 0},
    {"a", "a", 0},
    {"\n<p>a</p>\n", "a", 2},
    {"<div><p>a</p></div>", "a", 1},
    {"<tr><td>{{ a }}</td><td>b</td></tr>\n", "{{ a }}  b", 1},
    {"{% if x %}<td>a</td><td>b</td>{% endif %}", "{% if x %}a  b{% endif %}", 0},
    {"<li>a</li>", "* a", 1},
    {"<table><tr><td>a</table>", "a", 2},
    {"<a href='https://x.org'>a</a>", "a <https://x.org>", 0},
    {"<p>a</p>{% render 'two' %}", "a\n\n{% render 'two' %}", 2},
    {"</td></tr></table>", "", 0},
};

static void html__of_partials_fits_into_a_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fragments / sizeof fragments[0]; i++) {
        struct buf text;
        unsigned lines = 9;
        buf_init(&text, 1 << 20);
        buf_append(&text, STR(">"));
        assert_int_equal(html_partial_to_text(str_of(fragments[i].html), &partials,
                                              &text, &lines, NULL),
                         ERR_NONE);
        const char *got = buf_c_string(&text) + 1;
        if (strcmp(got, fragments[i].want) != 0 || lines != fragments[i].lines)
            fail_msg("%s\ngot %u:\n%s\nwant %u:\n%s", fragments[i].html, lines, got,
                     fragments[i].lines, fragments[i].want);
        buf_fini(&text);
    }
}

static void html__becomes_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text;
        struct error error = {0};
        buf_init(&text, 1 << 20);
        if (html_to_text(str_of(cases[i].html), &partials, &text, &error) != ERR_NONE)
            fail_msg("%s: %s", cases[i].html, error.text);
        const char *got = buf_c_string(&text);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s\ngot:\n%s\nwant:\n%s", cases[i].html, got, cases[i].want);
        buf_fini(&text);
    }
}

static void html__every_truncation_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t n = 0; n < strlen(cases[i].html); n++) {
            struct buf text;
            char *exact = malloc(n + 1);
            assert_non_null(exact);
            memcpy(exact, cases[i].html, n);
            buf_init(&text, 1 << 20);
            (void)!html_to_text(str_slice(exact, n), NULL, &text, NULL);
            buf_fini(&text);
            free(exact);
        }
    }
}

static void html__limits_are_errors(void **state)
{
    struct buf text, html;
    (void)state;
    buf_init(&html, 1 << 20);
    buf_init(&text, 16);
    for (int i = 0; i <= HTML_TAGS_MAX; i++)
        buf_append(&html, STR("<b>"));
    assert_int_equal(html_to_text(buf_str(&html), NULL, &text, NULL), ERR_LIMIT);
    assert_int_equal(html_to_text(STR("more than sixteen bytes"), NULL, &text, NULL),
                     ERR_LIMIT);
    buf_fini(&html);
    buf_fini(&text);
}

static void html__deep_nesting_is_survived(void **state)
{
    struct buf text, html;
    (void)state;
    buf_init(&html, 1 << 20);
    buf_init(&text, 1 << 20);
    for (int i = 0; i < HTML_TAGS_MAX; i++)
        buf_append(&html, STR("<div>"));
    buf_append(&html, STR("x"));
    assert_int_equal(html_to_text(buf_str(&html), NULL, &text, NULL), ERR_NONE);
    assert_int_equal(text.n, 2);
    buf_fini(&html);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html__becomes_text),
        cmocka_unit_test(html__of_partials_fits_into_a_text),
        cmocka_unit_test(html__every_truncation_is_survived),
        cmocka_unit_test(html__limits_are_errors),
        cmocka_unit_test(html__deep_nesting_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
