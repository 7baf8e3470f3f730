/* Messages composed: structure, determinism, limits, and what is refused. What other
 * parsers make of them is tested in tests/interop. */
#include "core/base/clock.h"
#include "core/mail/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct str html_spans[] = {{"<p>Hi ", 6}, {", welcome.</p>\n", 15}};
static const struct str text_spans[] = {{"Hi ", 3}, {", welcome.\n", 11}};

struct fixture {
    struct arena arena, kept;
    struct message_spec spec;
    struct message_input input;
    struct pieces html, text;
    struct message message;
    struct error error;
    char wire[1 << 18];
};

static void put_pieces(struct pieces *pieces, const struct str spans[2],
                       struct str value, struct arena *arena)
{
    pieces_init(pieces, arena, 100);
    assert_true(pieces_add(pieces, spans[0], 0));
    assert_true(pieces_add(pieces, value, PIECE_VALUE));
    assert_true(pieces_add(pieces, spans[1], 1));
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL)
        return 1;
    arena_init(&fixture->arena, 1 << 20);
    arena_init(&fixture->kept, 1 << 20);
    put_pieces(&fixture->html, html_spans, STR("Jane"), &fixture->kept);
    put_pieces(&fixture->text, text_spans, STR("Jane"), &fixture->kept);
    fixture->spec = (struct message_spec){.from = STR("Acme <news@acme.example>"),
                                          .html_spans = html_spans,
                                          .html_span_count = 2,
                                          .text_spans = text_spans,
                                          .text_span_count = 2,
                                          .has_html = true,
                                          .has_text = true,
                                          .secret = STR("secret"),
                                          .id_domain = STR("Acme.example")};
    fixture->input = (struct message_input){.to = STR("jane@x.org"),
                                            .to_name = STR("Jane"),
                                            .subject = STR("Hello"),
                                            .html = &fixture->html,
                                            .text = &fixture->text,
                                            .recipient_id = 7};
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_fini(&fixture->arena);
    arena_fini(&fixture->kept);
    free(fixture);
    return 0;
}

static enum err compose(struct fixture *fixture)
{
    struct message_plan *plan = NULL;
    size_t n = 0;
    arena_reset(&fixture->arena);
    fixture->wire[0] = '\0';
    enum err err = message_plan_new(&fixture->spec, &plan, &fixture->error);
    if (err == ERR_NONE)
        err = message_compose(plan, &fixture->input, &fixture->arena, &fixture->message,
                              &fixture->error);
    for (size_t i = 0; err == ERR_NONE && i < fixture->message.slice_count; i++) {
        struct str slice = fixture->message.slices[i];
        assert_true(n + slice.n < sizeof fixture->wire);
        memcpy(fixture->wire + n, slice.p, slice.n);
        n += slice.n;
    }
    fixture->wire[n] = '\0';
    if (err == ERR_NONE)
        assert_int_equal(n, fixture->message.bytes);
    message_plan_free(plan);
    return err;
}

static void assert_holds(const struct fixture *fixture, const char *part)
{
    if (strstr(fixture->wire, part) == NULL)
        fail_msg("no \"%s\" in:\n%s", part, fixture->wire);
}

static void message__text_alone_is_byte_for_byte(void **state)
{
    struct fixture *fixture = *state;
    fixture->spec.has_html = false;
    assert_int_equal(compose(fixture), ERR_NONE);
    char want[1024];
    snprintf(want, sizeof want,
             "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"
             "From: Acme <news@acme.example>\r\n"
             "To: Jane <jane@x.org>\r\n"
             "Subject: Hello\r\n"
             "Message-ID: <%.*s>\r\n"
             "MIME-Version: 1.0\r\n"
             "Content-Type: text/plain; charset=utf-8\r\n"
             "Content-Transfer-Encoding: 7bit\r\n"
             "\r\n"
             "Hi Jane, welcome.\r\n",
             STR_ARG(fixture->message.message_id));
    assert_string_equal(fixture->wire, want);
    assert_false(fixture->message.needs_smtputf8);
    assert_false(fixture->message.needs_8bitmime);
}

static void message__address_in_utf8_asks_for_both_extensions(void **state)
{
    struct fixture *fixture = *state;
    fixture->input.to = STR("j\xc3\xa4ne@x.org");
    assert_int_equal(compose(fixture), ERR_NONE);
    assert_true(fixture->message.needs_smtputf8);
    assert_true(fixture->message.needs_8bitmime);
}

static void message__identity_depends_on_recipient_and_wave_only(void **state)
{
    struct fixture *fixture = *state;
    char first[200];
    assert_int_equal(compose(fixture), ERR_NONE);
    snprintf(first, sizeof first, "%.*s", STR_ARG(fixture->message.message_id));
    assert_non_null(strstr(first, "@acme.example"));
    fixture->input.subject = STR("Another");
    assert_int_equal(compose(fixture), ERR_NONE);
    assert_true(str_equal(fixture->message.message_id, str_of(first)));
    fixture->input.recipient_id = 8;
    assert_int_equal(compose(fixture), ERR_NONE);
    assert_false(str_equal(fixture->message.message_id, str_of(first)));
    fixture->input.recipient_id = 7;
    fixture->input.wave = 1;
    assert_int_equal(compose(fixture), ERR_NONE);
    assert_false(str_equal(fixture->message.message_id, str_of(first)));
    fixture->input.wave = 0;
    fixture->spec.secret = STR("another");
    assert_int_equal(compose(fixture), ERR_NONE);
    assert_false(str_equal(fixture->message.message_id, str_of(first)));
}

static void message__date_is_that_of_its_second(void **state)
{
    static const int64_t dates_ms[] = {0,  999,   1000,  1999,    0,
                                       -1, -1000, -1001, 86400000};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof dates_ms / sizeof dates_ms[0]; i++) {
        char date[CLOCK_RFC5322_BYTES];
        fixture->input.date_ms = dates_ms[i];
        assert_int_equal(compose(fixture), ERR_NONE);
        assert_holds(fixture, clock_rfc5322(dates_ms[i], date));
    }
}

/* Known answer, computed with Python's hmac: key "secret", 8 bytes 7, 4 bytes 0. */
static void message__identity_is_hmac_sha256(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(compose(fixture), ERR_NONE);
    assert_true(str_has_prefix(fixture->message.message_id,
                               STR("ygaq6fc6o4nvqzc3b43gnkq37e@")));
}

static void message__encoding_follows_the_value(void **state)
{
    static const struct {
        const char *value, *encoding, *line;
    } cases[] = {
        {"Jane", "7bit", "Hi Jane, welcome."},
        {"J\xC3\xBC", "quoted-printable", "Hi J=C3=BC, welcome."},
        {"a\n.b", "quoted-printable", "\r\n=2Eb, welcome."},
        {"a\rb", "7bit", "Hi a\r\nb, welcome."},
        {"a\x01", "quoted-printable", "Hi a=01, welcome."},
        {"=", "7bit", "Hi =, welcome."},
        {"0123456789012345678901234567890123456789012345678901234567890123", "7bit",
         "0123, welcome."},
        {"0123456789012345678901234567890123456789012345678901234567890123456789",
         "quoted-printable", "=\r\n"},
    };
    struct fixture *fixture = *state;
    fixture->spec.has_html = false;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char header[100];
        put_pieces(&fixture->text, text_spans, str_of(cases[i].value), &fixture->kept);
        assert_int_equal(compose(fixture), ERR_NONE);
        snprintf(header, sizeof header, "Content-Transfer-Encoding: %s\r\n",
                 cases[i].encoding);
        assert_holds(fixture, header);
        assert_holds(fixture, cases[i].line);
    }
}

static void message__mostly_other_scripts_are_base64(void **state)
{
    static const struct str spans[] = {
        {"\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97 ", 13},
        {"\n\xE6\xBC\xA2\xE5\xAD\x97\n", 8}};
    struct fixture *fixture = *state;
    fixture->spec.has_html = false;
    fixture->spec.text_spans = spans;
    put_pieces(&fixture->text, spans, STR("a\nb"), &fixture->kept);
    assert_int_equal(compose(fixture), ERR_NONE);
    assert_holds(fixture, "base64\r\n\r\n5ryi5a2X5ryi5a2XIGENCmINCua8ouWtlw0K\r\n");
}

static void message__files_go_where_they_belong(void **state)
{
    struct message_file files[] = {
        {STR("terms.pdf"), STR("application/pdf"), STR("pdf"), false},
        {STR("logo.png"), STR("image/png"), STR("png"), true}};
    struct fixture *fixture = *state;
    fixture->spec.files = files;
    fixture->spec.file_count = 2;
    assert_int_equal(compose(fixture), ERR_NONE);
    const char *mixed = strstr(fixture->wire, "multipart/mixed");
    const char *alternative = strstr(fixture->wire, "multipart/alternative");
    const char *text = strstr(fixture->wire, "text/plain");
    const char *related = strstr(fixture->wire, "multipart/related");
    const char *html = strstr(fixture->wire, "text/html; charset");
    const char *logo = strstr(fixture->wire, "Content-ID: <logo.png>");
    const char *pdf = strstr(fixture->wire, "attachment; filename=\"terms.pdf\"");
    assert_true(mixed != NULL && mixed < alternative && alternative < text);
    assert_true(text < related && related < html && html < logo && logo < pdf);
    files[1].name = STR("../logo png");
    assert_int_equal(compose(fixture), ERR_DATA);
}

static void message__bad_specs_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct str names[] = {STR("X-One"), STR("x-one")};
    const struct message_spec good = fixture->spec;
    fixture->spec.from = STR("nobody");
    assert_int_equal(compose(fixture), ERR_DATA);
    fixture->spec.from = STR("Nobody: ;");
    assert_int_equal(compose(fixture), ERR_DATA);
    fixture->spec = good;
    fixture->spec.reply_to = STR("a@b.c\r\nBcc: d@e.f");
    assert_int_equal(compose(fixture), ERR_DATA);
    fixture->spec = good;
    fixture->spec.has_html = fixture->spec.has_text = false;
    assert_int_equal(compose(fixture), ERR_DATA);
    fixture->spec = good;
    fixture->spec.header_names = names;
    fixture->spec.header_count = 2;
    assert_int_equal(compose(fixture), ERR_DATA);
    names[1] = STR("Subject");
    assert_int_equal(compose(fixture), ERR_DATA);
    fixture->spec = good;
    fixture->spec.id_domain = STR("a b");
    assert_int_equal(compose(fixture), ERR_DATA);
}

static void message__several_authors_have_a_sender(void **state)
{
    struct fixture *fixture = *state;
    fixture->spec.from = STR("A <a@x.org>, B <b@x.org>");
    assert_int_equal(compose(fixture), ERR_NONE);
    assert_holds(fixture, "From: A <a@x.org>, B <b@x.org>\r\nSender: A <a@x.org>\r\n");
}

static void message__extra_headers_are_left_out_when_empty(void **state)
{
    struct str names[] = {STR("X-One"), STR("List-Unsubscribe"), STR("Errors-To")};
    struct str values[] = {STR(" "), STR("<https://x.org/u>"),
                           STR("\"E, x\" <e@x.org>")};
    struct fixture *fixture = *state;
    fixture->spec.header_names = names;
    fixture->spec.header_count = 3;
    fixture->input.header_values = values;
    assert_int_equal(compose(fixture), ERR_NONE);
    assert_null(strstr(fixture->wire, "X-One"));
    assert_holds(fixture, "\r\nList-Unsubscribe: <https://x.org/u>\r\n"
                          "Errors-To: \"E, x\" <e@x.org>\r\n");
    values[0] = STR("a\r\nBcc: b@c.d");
    assert_int_equal(compose(fixture), ERR_DATA);
    assert_non_null(strstr(fixture->error.text, "X-One"));
}

static void message__a_piece_that_lies_about_its_span_is_a_value(void **state)
{
    struct fixture *fixture = *state;
    fixture->spec.has_html = false;
    pieces_init(&fixture->text, &fixture->kept, 100);
    assert_true(pieces_add(&fixture->text, STR("short"), 1));
    assert_true(pieces_add(&fixture->text, STR("beyond"), 99));
    assert_int_equal(compose(fixture), ERR_NONE);
    assert_holds(fixture, "\r\n\r\nshortbeyond\r\n");
}

/* Values of two blocks of scratch each, in all transfer encodings that there are. */
static void message__long_values_take_more_room(void **state)
{
    static const char *const units[] = {"word\n", "=", "\xC3\xA4 "};
    struct fixture *fixture = *state;
    char value[20000];
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t n = 0, length = strlen(units[i]), lines = 0;
        for (; n + length <= sizeof value; n += length)
            memcpy(value + n, units[i], length);
        put_pieces(&fixture->text, text_spans, str_slice(value, n), &fixture->kept);
        put_pieces(&fixture->html, html_spans, str_slice(value, n), &fixture->kept);
        assert_int_equal(compose(fixture), ERR_NONE);
        for (size_t at = 0; at < fixture->message.bytes; at++)
            lines += fixture->wire[at] == '\n';
        assert_true(fixture->message.bytes > 2 * n && lines > 2 * n / 76);
        assert_holds(fixture, "welcome.");
    }
}

/* With more room at every turn, from the first slices to the last value. */
static void message__without_room_is_too_large(void **state)
{
    struct fixture *fixture = *state;
    struct message_plan *plan;
    char value[20000];
    unsigned refused = 0;
    memset(value, 'x', sizeof value);
    put_pieces(&fixture->text, text_spans, str_slice(value, sizeof value),
               &fixture->kept);
    put_pieces(&fixture->html, html_spans, str_slice(value, sizeof value),
               &fixture->kept);
    assert_int_equal(compose(fixture), ERR_NONE);
    uint64_t bytes = fixture->message.bytes;
    assert_int_equal(message_plan_new(&fixture->spec, &plan, &fixture->error),
                     ERR_NONE);
    for (size_t max = 0; max < 1u << 18; max += 4096) {
        struct arena small;
        arena_init(&small, max);
        enum err err = message_compose(plan, &fixture->input, &small, &fixture->message,
                                       &fixture->error);
        assert_true(err == ERR_LIMIT ||
                    (err == ERR_NONE && fixture->message.bytes == bytes));
        refused += err == ERR_LIMIT;
        arena_fini(&small);
    }
    assert_in_range(refused, 30, 60);
    message_plan_free(plan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(message__text_alone_is_byte_for_byte),
        TEST(message__address_in_utf8_asks_for_both_extensions),
        TEST(message__identity_depends_on_recipient_and_wave_only),
        TEST(message__date_is_that_of_its_second),
        TEST(message__identity_is_hmac_sha256),
        TEST(message__encoding_follows_the_value),
        TEST(message__mostly_other_scripts_are_base64),
        TEST(message__files_go_where_they_belong),
        TEST(message__bad_specs_are_refused),
        TEST(message__several_authors_have_a_sender),
        TEST(message__extra_headers_are_left_out_when_empty),
        TEST(message__a_piece_that_lies_about_its_span_is_a_value),
        TEST(message__long_values_take_more_room),
        TEST(message__without_room_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
