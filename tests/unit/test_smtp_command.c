#include "cmocka_all.h"

#include "core/smtp/capability.h"
#include "core/smtp/command.h"

static void assert_line(const struct buf *buf, const char *want)
{
    assert_int_equal(buf->n, strlen(want));
    assert_memory_equal(buf->p, want, buf->n);
}

static void command__mail_says_what_was_agreed(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    struct smtp_mail_params mail = {.from = STR("a@b"), .size = 1234};
    assert_true(smtp_command_mail(&out, &mail));
    assert_line(&out, "MAIL FROM:<a@b>\r\n");
    buf_clear(&out);
    mail.has_size = mail.is_8bitmime = mail.is_smtputf8 = true;
    assert_true(smtp_command_mail(&out, &mail));
    assert_line(&out, "MAIL FROM:<a@b> SIZE=1234 BODY=8BITMIME SMTPUTF8\r\n");
    buf_clear(&out);
    mail = (struct smtp_mail_params){.from = STR("")};
    assert_true(smtp_command_mail(&out, &mail));
    assert_line(&out, "MAIL FROM:<>\r\n");
    buf_fini(&out);
}

static void command__no_byte_escapes_its_line(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    for (unsigned byte = 0; byte < 256; byte++) {
        char rcpt[] = "a?b@c.example";
        rcpt[1] = (char)byte;
        bool allowed =
            byte > 0x20 && byte < 0x7f && byte != '<' && byte != '>' && byte != '"';
        assert_int_equal(smtp_command_rcpt(&out, str_slice(rcpt, 13), false), allowed);
        assert_int_equal(out.n > 0, allowed);
        buf_clear(&out);
        assert_int_equal(smtp_command_rcpt(&out, str_slice(rcpt, 13), true),
                         allowed || byte >= 0x80);
        buf_clear(&out);
    }
    buf_fini(&out);
}

static void command__quotes_may_hold_brackets(void **state)
{
    (void)state;
    assert_true(smtp_path_is_sound(STR("\"a> b\"@c"), false));
    assert_true(smtp_path_is_sound(STR("\"a\\\"> b\"@c"), false));
    assert_false(smtp_path_is_sound(STR("\"a\"> b@c"), false));
    assert_false(smtp_path_is_sound(STR("\"a@c"), false));
    assert_false(smtp_path_is_sound(STR("a@b> SIZE=1"), false));
}

static void command__length_limit_is_exact(void **state)
{
    (void)state;
    char path[600];
    struct buf out;
    buf_init(&out, 4096);
    memset(path, 'a', sizeof path);
    assert_true(smtp_command_rcpt(&out, str_slice(path, 500), false));
    assert_int_equal(out.n, SMTP_COMMAND_MAX);
    buf_clear(&out);
    assert_false(smtp_command_rcpt(&out, str_slice(path, 501), false));
    assert_int_equal(out.n, 0);
    assert_false(smtp_command_hello(&out, true, STR("")));
    assert_false(smtp_command_hello(&out, true, STR("a\r\nRSET")));
    buf_fini(&out);
}

static struct smtp_capabilities parse(const char *text)
{
    struct smtp_reply_parser parser;
    struct smtp_reply reply;
    size_t used;
    smtp_reply_parser_init(&parser);
    assert_int_equal(smtp_reply_feed(&parser, str_of(text), &used, &reply),
                     SMTP_REPLY_WHOLE);
    struct smtp_capabilities capabilities = smtp_capabilities_of(&reply);
    smtp_reply_parser_fini(&parser);
    return capabilities;
}

static void capability__keywords_are_found(void **state)
{
    (void)state;
    struct smtp_capabilities c = parse(
        "250-PIPELINING.example says SIZE\r\n250-pipelining\r\n250-SIZE 35882577\r\n"
        "250-AUTH PLAIN LOGIN XOAUTH2\r\n250-X8BITMIME\r\n250 SMTPUTF8\r\n");
    assert_true(smtp_can(&c, SMTP_CAN_PIPELINING));
    assert_true(smtp_can(&c, SMTP_CAN_SIZE));
    assert_true(smtp_can(&c, SMTP_CAN_SMTPUTF8));
    assert_true(smtp_can(&c, SMTP_CAN_AUTH));
    assert_false(smtp_can(&c, SMTP_CAN_8BITMIME));
    assert_int_equal(c.size_max, 35882577);
    assert_int_equal(c.auth, 1u << SMTP_AUTH_PLAIN | 1u << SMTP_AUTH_LOGIN);
}

static void capability__the_name_of_the_server_is_none(void **state)
{
    (void)state;
    struct smtp_capabilities c = parse("250 PIPELINING\r\n");
    assert_int_equal(c.offered, 0);
    c = parse("250-x\r\n250-SIZE\r\n250-AUTH=LOGIN CRAM-MD5\r\n250 SIZE x\r\n");
    assert_int_equal(c.size_max, 0);
    assert_true(smtp_can(&c, SMTP_CAN_SIZE));
    assert_int_equal(c.auth, 1u << SMTP_AUTH_LOGIN | 1u << SMTP_AUTH_CRAM_MD5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command__mail_says_what_was_agreed),
        cmocka_unit_test(command__no_byte_escapes_its_line),
        cmocka_unit_test(command__quotes_may_hold_brackets),
        cmocka_unit_test(command__length_limit_is_exact),
        cmocka_unit_test(capability__keywords_are_found),
        cmocka_unit_test(capability__the_name_of_the_server_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
