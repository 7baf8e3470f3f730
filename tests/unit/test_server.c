#include "cmocka_all.h"

#include "core/base/buf.h"
#include "core/smtp/server.h"

#include <stdio.h>
#include <stdlib.h>

/* A mail system of one address: "no@" is refused, "held@" gated, the rest taken. */
struct host {
    struct smtp_server *server;
    struct buf content, seen;
    size_t message_begin;
    int messages, abandoned;
    uint64_t gate;
    bool gates_messages;
};

static void host_rcpt(void *self, struct str rcpt, struct smtp_verdict *verdict)
{
    struct host *host = self;
    if (str_has_prefix(rcpt, STR("no@")))
        verdict->reply = STR("550 5.1.1 no such user");
    if (str_has_prefix(rcpt, STR("busy@"))) {
        verdict->reply = STR("421 4.3.2 busy");
        verdict->closes = true;
    }
    if (str_has_prefix(rcpt, STR("held@"))) {
        verdict->is_gated = verdict->stops = true;
        host->gate = verdict->gate;
    }
}

static void host_content(void *self, struct str bytes)
{
    buf_append(&((struct host *)self)->content, bytes);
}

static void host_message(void *self, struct smtp_verdict *verdict)
{
    struct host *host = self;
    host->messages++;
    buf_append(&host->seen, smtp_server_mail_from(host->server));
    buf_append(&host->seen, STR(">"));
    buf_append(&host->seen, smtp_server_rcpts(host->server));
    struct str text = str_from(buf_str(&host->content), host->message_begin);
    assert_int_equal(smtp_server_message_bytes(host->server), text.n);
    host->message_begin = host->content.n;
    verdict->is_gated = host->gates_messages;
    host->gate = verdict->gate;
    if (str_has_prefix(text, STR("drop"))) {
        verdict->reply = STR_NULL;
        verdict->closes = true;
    }
}

static void host_abandoned(void *self)
{
    struct host *host = self;
    host->abandoned++;
    host->message_begin = host->content.n;
}

static void host_open(struct host *host, bool offers_pipelining)
{
    struct smtp_server_settings settings = {.host = STR("mx.example"),
                                            .offers_pipelining = offers_pipelining,
                                            .offers_chunking = true,
                                            .bytes_max = 4000};
    struct smtp_server_events events = {host, host_rcpt, host_content, host_message,
                                        host_abandoned};
    *host = (struct host){0};
    buf_init(&host->content, 1 << 20);
    buf_init(&host->seen, 1 << 20);
    host->server = smtp_server_new(&settings, &events);
    assert_non_null(host->server);
}

static void host_close(struct host *host)
{
    smtp_server_free(host->server);
    buf_fini(&host->content);
    buf_fini(&host->seen);
}

static void feed(struct host *host, struct str bytes)
{
    assert_int_equal(smtp_server_feed(host->server, bytes), bytes.n);
}

/* Takes the output and compares the codes of its last lines with `want`. */
static void expect(struct host *host, const char *want)
{
    struct str out = smtp_server_output(host->server);
    char codes[512] = "";
    size_t n = 0;
    for (struct str rest = out; rest.n > 0;) {
        struct str line = str_split(rest, '\n', &rest);
        if (line.n >= 4 && line.p[3] == ' ')
            n += (size_t)snprintf(codes + n, sizeof codes - n, "%s%.3s",
                                  n > 0 ? " " : "", line.p);
    }
    assert_string_equal(codes, want);
    smtp_server_sent(host->server, out.n);
}

static void greet(struct host *host, bool offers_pipelining)
{
    host_open(host, offers_pipelining);
    expect(host, "220");
    feed(host, STR("EHLO me\r\n"));
    expect(host, "250");
}

static void server__greeting_and_ehlo_say_what_is_offered(void **state)
{
    (void)state;
    struct host host;
    host_open(&host, true);
    assert_true(str_equal(smtp_server_output(host.server),
                          STR("220 mx.example ESMTP Broadside sandbox\r\n")));
    expect(&host, "220");
    feed(&host, STR("ehlo me\r\n"));
    assert_true(str_equal(smtp_server_output(host.server),
                          STR("250-mx.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n"
                              "250-SIZE 4000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
                              "250 ENHANCEDSTATUSCODES\r\n")));
    host_close(&host);
}

/* Each line is fed by itself to a session that has said EHLO. */
static const struct {
    const char *name, *lines[8], *codes;
} dialogues[] = {
    {"a message",
     {"MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "x", "."},
     "250 250 354 250"},
    {"null sender", {"MAIL FROM:<>", "RCPT TO:<c@d>"}, "250 250"},
    {"sizes and bodies",
     {"MAIL FROM:<a@b> SIZE=4000 BODY=8BITMIME", "RSET", "MAIL FROM:<a@b> SIZE=4001",
      "MAIL FROM:<a@b> SIZE=x"},
     "250 250 552 501"},
    {"unknown parameter", {"MAIL FROM:<a@b> RET=HDRS", "MAIL FROM:<a@b>x"}, "555 501"},
    {"order",
     {"RCPT TO:<c@d>", "DATA", "MAIL FROM:<a@b>", "MAIL FROM:<a@b>", "DATA"},
     "503 503 250 503 554"},
    {"refused recipient",
     {"MAIL FROM:<a@b>", "RCPT TO:<no@d>", "DATA", "RSET"},
     "250 550 554 250"},
    {"UTF-8 in the header",
     {"MAIL FROM:<a@b> SMTPUTF8", "RCPT TO:<c@d>", "DATA", "To: \xc3\xa9@b", "."},
     "250 250 354 250"},
    {"bad paths",
     {"MAIL FROM:a@b", "MAIL FROM:<a b@c>", "MAIL FROM:<a@b", "MAIL TO:<a@b>",
      "MAIL FROM:<@x:a@b>", "MAIL FROM:<a@>", "MAIL FROM:<a>"},
     "501 501 501 501 501 501 501"},
    {"good paths",
     {"MAIL FROM:<\"a b\\\"c\"@d>", "RCPT TO:<x@[127.0.0.1]>", "RCPT TO:<Postmaster>",
      "RCPT TO:<a+b=c'd@e.f>"},
     "250 250 250 250"},
    {"not ASCII",
     {"MAIL FROM:<\xc3\xa9@b>", "MAIL FROM:<\xc3\xa9@b> SMTPUTF8",
      "RCPT TO:<\xc3\xa9@b>", "RSET", "MAIL FROM:<a@b>", "RCPT TO:<\xc3\xa9@b>"},
     "553 250 250 250 250 553"},
    {"small ones",
     {"NOOP", "VRFY x", "RSET", "STARTTLS", "xyzzy", "QUIT"},
     "250 252 250 502 502 221"},
    {"arguments", {"EHLO", "HELO", "DATA x", "BDAT x"}, "501 501 501 501"},
    {"no parameters after HELO", {"HELO me", "MAIL FROM:<a@b> SIZE=1"}, "250 555"},
};

static void run_dialogue(size_t i)
{
    struct host host;
    char all[512] = "", line[512];
    size_t n = 0;
    greet(&host, true);
    for (size_t at = 0; at < COUNT_OF(dialogues[i].lines); at++) {
        if (dialogues[i].lines[at] == NULL)
            break;
        snprintf(line, sizeof line, "%s\r\n", dialogues[i].lines[at]);
        feed(&host, str_of(line));
        struct str out = smtp_server_output(host.server);
        if (out.n > 0)
            n += (size_t)snprintf(all + n, sizeof all - n, "%s%.3s", n > 0 ? " " : "",
                                  out.p);
        smtp_server_sent(host.server, out.n);
    }
    if (strcmp(all, dialogues[i].codes) != 0)
        fail_msg("%s: %s, not %s", dialogues[i].name, all, dialogues[i].codes);
    host_close(&host);
}

static void server__commands_are_answered_as_by_a_strict_server(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(dialogues); i++)
        run_dialogue(i);
}

static void server__before_ehlo_nothing_goes(void **state)
{
    (void)state;
    struct host host;
    host_open(&host, true);
    feed(&host, STR("MAIL FROM:<a@b>\r\n"));
    expect(&host, "220 503");
    feed(&host, STR("HELO me\r\n"));
    feed(&host, STR("MAIL FROM:<a@b>\r\n"));
    expect(&host, "250 250");
    host_close(&host);
}

#define GROUP "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<no@d>\r\nDATA\r\n"

static void server__group_is_answered_in_one(void **state)
{
    (void)state;
    struct host host;
    greet(&host, true);
    feed(&host, STR(GROUP));
    expect(&host, "250 250 550 354");
    feed(&host, STR("..x\r\n.\r\n" GROUP));
    expect(&host, "250 250 250 550 354");
    assert_true(str_equal(buf_str(&host.content), STR(".x\r\n")));
    assert_true(str_equal(buf_str(&host.seen), STR("a@b>c@d\0")));
    feed(&host, STR("y\r\n.\r\nQUIT\r\n"));
    expect(&host, "250 221");
    assert_int_equal(host.messages, 2);
    assert_true(smtp_server_is_over(host.server));
    host_close(&host);
}

static void server__every_split_makes_no_difference(void **state)
{
    (void)state;
    static const char *const steps[] = {GROUP, ("..x\r\n.y\r\n.\r\n" GROUP),
                                        "z\r\n.\r\nRSET\r\nQUIT\r\n"};
    for (size_t cut = 1; cut < 80; cut++) {
        struct host host;
        greet(&host, true);
        for (size_t i = 0; i < COUNT_OF(steps); i++)
            for (struct str rest = str_of(steps[i]); rest.n > 0;
                 rest = str_from(rest, cut))
                feed(&host, str_head(rest, cut));
        expect(&host, "250 250 550 354 250 250 250 550 354 250 250 221");
        assert_true(str_equal(buf_str(&host.content), STR(".x\r\ny\r\nz\r\n")));
        host_close(&host);
    }
}

static void server__pipelining_where_it_must_not_ends_it(void **state)
{
    (void)state;
    struct host host;
    greet(&host, true);
    feed(&host, STR(GROUP "x\r\n.\r\n"));
    expect(&host, "250 250 550 503");
    assert_true(smtp_server_is_over(host.server));
    host_close(&host);
    greet(&host, false);
    feed(&host, STR("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"));
    expect(&host, "503");
    assert_true(smtp_server_is_over(host.server));
    host_close(&host);
}

/* A message that is not text as it should be; what follows is not believed after a
 * bare line end. */
static const struct {
    const char *name;
    struct str data;
    const char *codes;
    bool is_over;
} faults[] = {
    {"bare LF", STR("a\nb\r\n.\r\nQUIT\r\n"), "550", true},
    {"bare CR", STR("a\rb\r\n.\r\n"), "550", true},
    {"smuggled", STR("a\n.\r\nMAIL FROM:<e@vil>\r\n.\r\n"), "550", true},
    {"NUL", STR("a\0b\r\n.\r\nNOOP\r\n"), "550 250", false},
    {"8-bit", STR("\xc3\xa9\r\n.\r\nNOOP\r\n"), "554 250", false},
};

static void server__bad_text_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        struct host host;
        greet(&host, true);
        feed(&host, STR(GROUP));
        expect(&host, "250 250 550 354");
        feed(&host, faults[i].data);
        expect(&host, faults[i].codes);
        assert_int_equal(smtp_server_is_over(host.server), faults[i].is_over);
        assert_int_equal(host.messages, 0);
        assert_int_equal(host.abandoned, 1);
        host_close(&host);
    }
}

static void server__too_big_or_too_long_a_line_is_refused(void **state)
{
    (void)state;
    struct host host;
    static char text[5000];
    memset(text, 'a', sizeof text);
    greet(&host, true);
    feed(&host, STR(GROUP));
    feed(&host, str_slice(text, 1000));
    feed(&host, STR("\r\n.\r\n" GROUP));
    expect(&host, "250 250 550 354 550 250 250 550 354");
    for (size_t i = 0; i < 5; i++) {
        feed(&host, str_slice(text, 998));
        feed(&host, STR("\r\n"));
    }
    feed(&host, STR(".\r\nNOOP\r\n"));
    expect(&host, "552 250");
    assert_int_equal(host.content.n, 1002 + 4000);
    host_close(&host);
}

static void server__bad_lines_of_command(void **state)
{
    (void)state;
    struct host host;
    static char text[3000];
    memset(text, 'a', sizeof text);
    greet(&host, true);
    feed(&host, str_slice(text, sizeof text));
    feed(&host, STR("\r\nNOOP\r\nNO\0OP\r\n"));
    expect(&host, "500 250 500");
    feed(&host, STR("NOOP\nNOOP\r\n"));
    expect(&host, "500");
    assert_true(smtp_server_is_over(host.server));
    host_close(&host);
}

static void server__too_many_errors_end_it(void **state)
{
    (void)state;
    struct host host;
    greet(&host, true);
    for (int i = 1; i < SMTP_SERVER_ERRORS_MAX; i++) {
        feed(&host, STR("what\r\n"));
        expect(&host, "502");
        assert_false(smtp_server_is_over(host.server));
    }
    feed(&host, STR("what\r\nNOOP\r\n"));
    expect(&host, "502 421");
    assert_true(smtp_server_is_over(host.server));
    host_close(&host);
}

static void server__refused_recipients_are_no_errors(void **state)
{
    (void)state;
    struct host host;
    greet(&host, true);
    for (int i = 0; i < 3 * SMTP_SERVER_ERRORS_MAX; i++) {
        feed(&host, STR("MAIL FROM:<a@b>\r\nRCPT TO:<no@d>\r\nDATA\r\n"));
        expect(&host, "250 550 554");
        feed(&host, STR("RSET\r\n"));
        expect(&host, "250");
    }
    host_close(&host);
}

static void server__chunks_make_a_message(void **state)
{
    (void)state;
    struct host host;
    greet(&host, true);
    feed(&host, STR("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 6\r\n.\r\nx\r\n"
                    "BDAT 3 LAST\r\n.\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
                    "BDAT 0 LAST\r\n"));
    expect(&host, "250 250 250 250 250 250 250");
    assert_true(str_equal(buf_str(&host.content), STR(".\r\nx\r\n.\r\n")));
    assert_int_equal(host.messages, 2);
    host_close(&host);
}

static void server__refused_chunk_is_consumed(void **state)
{
    (void)state;
    struct host host;
    greet(&host, true);
    feed(&host, STR("MAIL FROM:<a@b>\r\nRCPT TO:<no@d>\r\nBDAT 6 LAST\r\nQUIT\r\n"
                    "RSET\r\nBDAT 3\r\nx\r\nNOOP\r\n"));
    expect(&host, "250 550 554 250 503 250");
    host_close(&host);
}

static void server__gate_holds_replies_back_in_order(void **state)
{
    (void)state;
    struct host host;
    greet(&host, true);
    host.gates_messages = true;
    feed(&host, STR("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 0 LAST\r\n"
                    "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 0 LAST\r\nQUIT\r\n"));
    expect(&host, "250 250");
    smtp_server_open_gate(host.server, host.gate);
    expect(&host, "");
    assert_false(smtp_server_is_over(host.server));
    smtp_server_open_gate(host.server, host.gate - 1);
    expect(&host, "250 250 250 250 221");
    assert_true(smtp_server_is_over(host.server));
    host_close(&host);
}

static void server__gate_that_stops_takes_no_more(void **state)
{
    (void)state;
    struct host host;
    greet(&host, true);
    struct str first = STR("MAIL FROM:<a@b>\r\nRCPT TO:<held@d>\r\n");
    struct str all = STR("MAIL FROM:<a@b>\r\nRCPT TO:<held@d>\r\nDATA\r\n");
    assert_int_equal(smtp_server_feed(host.server, all), first.n);
    expect(&host, "250");
    assert_int_equal(smtp_server_feed(host.server, STR("DATA\r\n")), 0);
    smtp_server_open_gate(host.server, host.gate);
    feed(&host, STR("DATA\r\n"));
    expect(&host, "250 354");
    host_close(&host);
}

static void server__replies_not_taken_stop_it(void **state)
{
    (void)state;
    struct host host;
    greet(&host, true);
    size_t taken = 0;
    while (smtp_server_feed(host.server, STR("NOOP\r\n")) > 0)
        taken++;
    assert_true(taken > 100);
    struct str out = smtp_server_output(host.server);
    assert_true(out.n <= SMTP_SERVER_OUT_MAX);
    smtp_server_sent(host.server, out.n);
    feed(&host, STR("NOOP\r\n"));
    expect(&host, "250");
    host_close(&host);
}

static void server__closing_verdicts(void **state)
{
    (void)state;
    struct host host;
    greet(&host, true);
    feed(&host, STR("MAIL FROM:<a@b>\r\nRCPT TO:<busy@d>\r\nDATA\r\n"));
    expect(&host, "250 421");
    assert_true(smtp_server_is_over(host.server));
    host_close(&host);
    greet(&host, true);
    feed(&host, STR(GROUP));
    expect(&host, "250 250 550 354");
    feed(&host, STR("drop it\r\n.\r\nNOOP\r\n"));
    expect(&host, "");
    assert_true(smtp_server_is_over(host.server));
    host_close(&host);
}

static void server__too_many_recipients_are_put_off(void **state)
{
    (void)state;
    struct host host;
    greet(&host, true);
    feed(&host, STR("MAIL FROM:<a@b>\r\n"));
    expect(&host, "250");
    for (int i = 0; i < SMTP_SERVER_RCPTS_MAX; i++) {
        feed(&host, STR("RCPT TO:<c@d>\r\n"));
        expect(&host, "250");
    }
    feed(&host, STR("RCPT TO:<c@d>\r\n"));
    expect(&host, "452");
    assert_int_equal(smtp_server_rcpt_count(host.server), SMTP_SERVER_RCPTS_MAX);
    host_close(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server__greeting_and_ehlo_say_what_is_offered),
        cmocka_unit_test(server__commands_are_answered_as_by_a_strict_server),
        cmocka_unit_test(server__before_ehlo_nothing_goes),
        cmocka_unit_test(server__group_is_answered_in_one),
        cmocka_unit_test(server__every_split_makes_no_difference),
        cmocka_unit_test(server__pipelining_where_it_must_not_ends_it),
        cmocka_unit_test(server__bad_text_is_refused),
        cmocka_unit_test(server__too_big_or_too_long_a_line_is_refused),
        cmocka_unit_test(server__bad_lines_of_command),
        cmocka_unit_test(server__too_many_errors_end_it),
        cmocka_unit_test(server__refused_recipients_are_no_errors),
        cmocka_unit_test(server__chunks_make_a_message),
        cmocka_unit_test(server__refused_chunk_is_consumed),
        cmocka_unit_test(server__gate_holds_replies_back_in_order),
        cmocka_unit_test(server__gate_that_stops_takes_no_more),
        cmocka_unit_test(server__replies_not_taken_stop_it),
        cmocka_unit_test(server__closing_verdicts),
        cmocka_unit_test(server__too_many_recipients_are_put_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
