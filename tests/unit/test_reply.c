#include "cmocka_all.h"

#include "core/smtp/reply.h"

#include <stdlib.h>

struct reply_case {
    const char *name, *input;
    enum smtp_reply_result result;
    unsigned code;
    unsigned enhanced[3];
    const char *text;
};

static const struct reply_case cases[] = {
    {"one line", "250 Ok\r\n", SMTP_REPLY_WHOLE, 250, {0}, "Ok"},
    {"code alone", "250\r\n", SMTP_REPLY_WHOLE, 250, {0}, ""},
    {"status", "550 5.1.1 no\r\n", SMTP_REPLY_WHOLE, 550, {5, 1, 1}, "no"},
    {"status of IronPort", "550 #5.1.0 x\r\n", SMTP_REPLY_WHOLE, 550, {5, 1, 0}, "x"},
    {"status alone", "250 2.0.0\r\n", SMTP_REPLY_WHOLE, 250, {2, 0, 0}, ""},
    {"long status", "550 5.7.606 x\r\n", SMTP_REPLY_WHOLE, 550, {5, 7, 606}, "x"},
    {"no status: an address",
     "220 5.1.1.2 x\r\n",
     SMTP_REPLY_WHOLE,
     220,
     {0},
     "5.1.1.2 x"},
    {"no status: class 3", "250 3.1.1 x\r\n", SMTP_REPLY_WHOLE, 250, {0}, "3.1.1 x"},
    {"no status: four digits",
     "250 2.1.1234\r\n",
     SMTP_REPLY_WHOLE,
     250,
     {0},
     "2.1.1234"},
    {"lines",
     "550-5.1.1 first\r\n550-5.1.1  second\r\n550 5.1.1 third\r\n",
     SMTP_REPLY_WHOLE,
     550,
     {5, 1, 1},
     "first / second / third"},
    {"empty lines", "250-\r\n250-x\r\n250 \r\n", SMTP_REPLY_WHOLE, 250, {0}, "x"},
    {"escaped",
     "250 a\tb\x1b\x80\r\n",
     SMTP_REPLY_WHOLE,
     250,
     {0},
     "a\\x09b\\x1b\\x80"},
    {"utf-8",
     "250 gr\xc3\xbc\xc3\x9f\r\n",
     SMTP_REPLY_WHOLE,
     250,
     {0},
     "gr\xc3\xbc\xc3\x9f"},
    {"second digit 7", "571 no\r\n", SMTP_REPLY_WHOLE, 571, {0}, "no"},
    {"not whole", "250-Ok\r\n", SMTP_REPLY_MORE, 0, {0}, NULL},
    {"not whole either", "250 Ok\r", SMTP_REPLY_MORE, 0, {0}, NULL},
    {"bare LF", "250 Ok\n", SMTP_REPLY_BAD, 0, {0}, NULL},
    {"only CRLF", "\r\n", SMTP_REPLY_BAD, 0, {0}, NULL},
    {"only LF", "\n", SMTP_REPLY_BAD, 0, {0}, NULL},
    {"two digits", "25 Ok\r\n", SMTP_REPLY_BAD, 0, {0}, NULL},
    {"four digits", "2500 Ok\r\n", SMTP_REPLY_BAD, 0, {0}, NULL},
    {"class 1", "150 Ok\r\n", SMTP_REPLY_BAD, 0, {0}, NULL},
    {"class 6", "650 Ok\r\n", SMTP_REPLY_BAD, 0, {0}, NULL},
    {"no space", "250Ok\r\n", SMTP_REPLY_BAD, 0, {0}, NULL},
    {"leading space", " 250 Ok\r\n", SMTP_REPLY_BAD, 0, {0}, NULL},
    {"code changes", "250-a\r\n251 b\r\n", SMTP_REPLY_BAD, 0, {0}, NULL},
};

/* Fed in two pieces, each of exact size on the heap. */
static enum smtp_reply_result feed_split(struct smtp_reply_parser *parser,
                                         struct str input, size_t split,
                                         struct smtp_reply *reply)
{
    enum smtp_reply_result result = SMTP_REPLY_MORE;
    struct str pieces[2] = {str_head(input, split), str_from(input, split)};
    for (size_t i = 0; i < 2 && result == SMTP_REPLY_MORE; i++) {
        size_t used;
        char *copy = malloc(pieces[i].n + 1);
        assert_non_null(copy);
        memcpy(copy, pieces[i].p, pieces[i].n);
        result = smtp_reply_feed(parser, str_slice(copy, pieces[i].n), &used, reply);
        free(copy);
    }
    return result;
}

static void check_case(const struct reply_case *want, size_t split)
{
    struct smtp_reply_parser parser;
    struct smtp_reply reply;
    char text[OUTCOME_TEXT_MAX];
    uint16_t enhanced[3];
    smtp_reply_parser_init(&parser);
    assert_int_equal(feed_split(&parser, str_of(want->input), split, &reply),
                     want->result);
    if (want->result == SMTP_REPLY_WHOLE) {
        assert_int_equal(reply.code, want->code);
        struct str got = smtp_reply_text(&reply, enhanced, text);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(enhanced[i], want->enhanced[i]);
        assert_int_equal(got.n, strlen(want->text));
        assert_memory_equal(got.p, want->text, got.n);
    }
    assert_true((parser.why != NULL) == (want->result == SMTP_REPLY_BAD));
    smtp_reply_parser_fini(&parser);
}

static void reply__every_split_gives_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t split = 0; split <= strlen(cases[i].input); split++)
            check_case(&cases[i], split);
}

static void reply__stops_at_the_end_of_one(void **state)
{
    (void)state;
    struct smtp_reply_parser parser;
    struct smtp_reply reply;
    size_t used;
    struct str input = STR("250 a\r\n354 b\r\n");
    smtp_reply_parser_init(&parser);
    assert_int_equal(smtp_reply_feed(&parser, input, &used, &reply), SMTP_REPLY_WHOLE);
    assert_int_equal(used, 7);
    assert_int_equal(reply.code, 250);
    assert_int_equal(smtp_reply_fragment(&parser).n, 0);
    input = str_from(input, used);
    assert_int_equal(smtp_reply_feed(&parser, input, &used, &reply), SMTP_REPLY_WHOLE);
    assert_int_equal(reply.code, 354);
    smtp_reply_parser_fini(&parser);
}

static void reply__nul_is_malformed(void **state)
{
    (void)state;
    struct smtp_reply_parser parser;
    struct smtp_reply reply;
    size_t used;
    smtp_reply_parser_init(&parser);
    assert_int_equal(smtp_reply_feed(&parser, STR("250 O\0k\r\n"), &used, &reply),
                     SMTP_REPLY_BAD);
    smtp_reply_parser_fini(&parser);
}

static void reply__of_many_lines_is_taken_and_its_memory_given_back(void **state)
{
    (void)state;
    struct smtp_reply_parser parser;
    struct smtp_reply reply;
    size_t used;
    smtp_reply_parser_init(&parser);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(smtp_reply_feed(&parser, STR("250-XTENSION of some words\r\n"),
                                         &used, &reply),
                         SMTP_REPLY_MORE);
    assert_int_equal(smtp_reply_feed(&parser, STR("250 SIZE\r\n"), &used, &reply),
                     SMTP_REPLY_WHOLE);
    assert_int_equal(reply.raw.n, 1000 * 28 + 10);
    assert_int_equal(smtp_reply_feed(&parser, STR("250 Ok\r\n"), &used, &reply),
                     SMTP_REPLY_WHOLE);
    assert_true(parser.raw.cap <= SMTP_REPLY_KEPT);
    smtp_reply_parser_fini(&parser);
}

static void reply__text_is_cut_between_characters(void **state)
{
    (void)state;
    char line[2048] = "250 ", text[OUTCOME_TEXT_MAX];
    size_t n = 4;
    line[n++] = 'x';
    while (n < 1500) {
        memcpy(line + n, "\xc3\xbc", 2);
        n += 2;
    }
    memcpy(line + n, "\r\n", 2);
    struct smtp_reply_parser parser;
    struct smtp_reply reply;
    size_t used;
    smtp_reply_parser_init(&parser);
    assert_int_equal(smtp_reply_feed(&parser, str_slice(line, n + 2), &used, &reply),
                     SMTP_REPLY_WHOLE);
    uint16_t enhanced[3];
    struct str got = smtp_reply_text(&reply, enhanced, text);
    assert_true(got.n >= OUTCOME_TEXT_MAX - 3 && str_is_utf8(got));
    smtp_reply_parser_fini(&parser);
}

static void remote_id__is_found_where_servers_put_it(void **state)
{
    (void)state;
    static const struct {
        const char *text, *id;
    } ids[] = {
        {"Ok: queued as 4XyZ12abc", "4XyZ12abc"},
        {"Ok: queued as 4XyZ12abc.", "4XyZ12abc"},
        {"from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9F3", "9F3"},
        {"OK id=1rABCD-0001ab-2c", "1rABCD-0001ab-2c"},
        {"OK ids=0d5c9f00aa1122", "0d5c9f00aa1122"},
        {"3fA1b2 Message accepted for delivery", "3fA1b2"},
        {"4a5b6c7d Message accepted for delivery", "4a5b6c7d"},
        {"OK  1700000000 d2e1a72-abc.12 - gsmtp", "d2e1a72-abc.12"},
        {"ok 1700000000 qp 12345", "1700000000 qp 12345"},
        {"Ok 0100018f-aa11-000000", "0100018f-aa11-000000"},
        {"OK 12/34-56789-ABC", "12/34-56789-ABC"},
        {"Message Queued (5A6B-7C8D.1)", "5A6B-7C8D.1"},
        {"<x@y> [InternalId=123456, Hostname=AB] 12345 bytes in 0.1, KB/sec Queued "
         "mail "
         "for delivery",
         "123456"},
        {"ok dirdel", ""},
        {"Ok", ""},
        {"Queued. Thank you.", ""},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        struct str got = smtp_remote_id(str_of(ids[i].text));
        assert_int_equal(got.n, strlen(ids[i].id));
        assert_memory_equal(got.p, ids[i].id, got.n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reply__every_split_gives_the_same),
        cmocka_unit_test(reply__stops_at_the_end_of_one),
        cmocka_unit_test(reply__nul_is_malformed),
        cmocka_unit_test(reply__of_many_lines_is_taken_and_its_memory_given_back),
        cmocka_unit_test(reply__text_is_cut_between_characters),
        cmocka_unit_test(remote_id__is_found_where_servers_put_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
