#include "cmd/html_lint.h"
#include "cmd/media_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void html_lint__counts_what_readers_mind(void **state)
{
    static const struct {
        const char *html;
        unsigned http_links, dead_links, images_without_alt;
        bool has_unsubscribe;
    } cases[] = {
        {"", 0, 0, 0, false},
        {"<a href=\"http://x\">a</a> <A HREF='HTTP://y'>b</A> <a href=https://z>c</a>",
         2, 0, 0, false},
        {"<img src=a><IMG src=b alt=''><img alt=\"x > y\" src=c><img\nalt=x><img alt>",
         0, 0, 1, false},
        {"<image><abbr href='http://x'><area href='http://x'>", 1, 0, 0, false},
        {"<a href='https://x/Unsubscribe?u=1'>leave</a>", 0, 0, 0, true},
        {"<a href='https://x/?u=1'>Newsletter <b>Abmelden</b></a>", 0, 0, 0, true},
        {"<a href='https://x/?u=1'>News</a> abmelden", 0, 0, 0, false},
        {"<p>To UNSUBSCRIBE, write to us</p>", 0, 0, 0, true},
        {"<!-- <a href='http://x'><img> --><p data-href='http://x'>", 0, 0, 0, false},
        {"<a title='x href=http://x' href='https://y'>", 0, 0, 0, false},
        {"<a data-href='http://x' / href = 'https://y'>", 0, 0, 0, false},
        {"<a href=''>x</a><a href=' '>x</a><a href='#'>x</a><a href='#top'>x</a>"
         "<a href='www.x.example'>x</a><a href='//x.example'>x</a><a name=x>x</a>"
         "<a href='mailto:a@b.c'>x</a><a href='tel:1'>x</a><a href>x</a>",
         0, 6, 0, false},
        {"<a href", 0, 1, 0, false},
        {"<a href=", 0, 1, 0, false},
        {"<a href='http:", 1, 0, 0, false},
        {"<", 0, 0, 0, false},
        {"<!--", 0, 0, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct html_lint lint = html_lint(str_of(cases[i].html));
        if (lint.http_links != cases[i].http_links ||
            lint.dead_links != cases[i].dead_links ||
            lint.images_without_alt != cases[i].images_without_alt ||
            lint.has_unsubscribe != cases[i].has_unsubscribe)
            fail_msg("%s", cases[i].html);
    }
}

static void gather_cid(void *self, struct str name)
{
    char *names = self;
    strncat(names, name.p, name.n);
    strcat(names, ";");
}

static void html_cids__are_those_of_attributes_and_styles(void **state)
{
    char names[256] = "";
    (void)state;
    html_cids(
        STR("cid:a <img src=cid:b> <td background=\"CID:c.png\"> url(cid:d) 'cid:e'"
            " url('cid:') acid:f see cid:g <img src='cid:h"),
        names, gather_cid);
    assert_string_equal(names, "b;c.png;d;e;h;");
}

static void media_type_of__goes_by_the_last_suffix(void **state)
{
    (void)state;
    assert_true(str_equal(media_type_of(STR("a.b.PDF")), STR("application/pdf")));
    assert_true(str_equal(media_type_of(STR("logo.png")), STR("image/png")));
    assert_true(str_equal(media_type_of(STR("pdf")), STR("application/octet-stream")));
    assert_true(str_equal(media_type_of(STR("a.")), STR("application/octet-stream")));
    assert_true(str_equal(media_type_of(STR("")), STR("application/octet-stream")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_lint__counts_what_readers_mind),
        cmocka_unit_test(html_cids__are_those_of_attributes_and_styles),
        cmocka_unit_test(media_type_of__goes_by_the_last_suffix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
