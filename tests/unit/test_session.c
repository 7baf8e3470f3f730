/* What a script cannot say: a caller that acts from within the events, and memory. */
#include "cmocka_all.h"

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/smtp/session.h"
#include "tests/unit/alloc_fault.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum reaction { DO_NOTHING, DO_SUBMIT, DO_QUIT, DO_ABORT, DO_ARM };

struct caller {
    struct smtp_session *session;
    enum reaction reaction;
    struct smtp_message messages[16];
    unsigned submitted, done, delivered, in_doubt, unsent, over;
    char said[65536];
    size_t said_bytes;
};

static const struct str content[] = {{"Subject: x\r\n\r\nx\r\n", 17}};

static void submit_next(struct caller *caller, bool is_armed)
{
    /* The slots are used in turn: never more than depth are held. */
    struct smtp_message *message = &caller->messages[caller->submitted++ % 16];
    *message = (struct smtp_message){
        .mail_from = STR("a@acme.example"),
        .rcpt = STR("b@example.net"),
        .slices = content,
        .slice_count = 1,
        .bytes = 17,
        .armed = is_armed,
    };
    smtp_session_submit(caller->session, message, 1);
}

static void on_arm(void *self, struct smtp_message *message)
{
    struct caller *caller = self;
    if (caller->reaction == DO_ARM)
        smtp_session_armed(caller->session, message);
}

static void on_done(void *self, struct smtp_message *message,
                    const struct outcome *outcome)
{
    struct caller *caller = self;
    (void)message;
    caller->done++;
    caller->delivered += outcome->state == OUTCOME_DELIVERED;
    caller->in_doubt += outcome->state == OUTCOME_IN_DOUBT;
    caller->unsent += outcome->state == OUTCOME_UNSENT;
    if (caller->reaction == DO_SUBMIT && smtp_session_room(caller->session) > 0)
        submit_next(caller, true);
    if (caller->reaction == DO_QUIT)
        smtp_session_quit(caller->session, 1);
    if (caller->reaction == DO_ABORT)
        smtp_session_abort(caller->session, STR("enough"));
}

static void on_ready(void *self)
{
    (void)self;
}

static void on_over(void *self, const struct outcome *why, bool was_orderly)
{
    struct caller *caller = self;
    (void)why, (void)was_orderly;
    caller->over++;
}

static void drain(struct caller *caller)
{
    struct str slices[16];
    size_t count;
    caller->said_bytes = 0;
    while ((count = smtp_session_output(caller->session, slices, 16)) > 0) {
        size_t total = 0;
        for (size_t i = 0; i < count; i++) {
            memcpy(caller->said + caller->said_bytes, slices[i].p, slices[i].n);
            caller->said_bytes += slices[i].n;
            total += slices[i].n;
        }
        smtp_session_wrote(caller->session, total, 1);
    }
}

static void hear(struct caller *caller, const char *text)
{
    drain(caller);
    smtp_session_feed(caller->session, str_of(text), 1);
}

static void begin(struct caller *caller, enum reaction reaction)
{
    *caller = (struct caller){.reaction = reaction};
    struct smtp_params params = {STR("c.example"), true, 4, 0};
    struct smtp_events events = {caller, on_arm, on_done, on_ready, on_over};
    caller->session = smtp_session_new(&params, &events);
    assert_non_null(caller->session);
    smtp_session_start(caller->session, 1);
    hear(caller, "220 mx\r\n");
    hear(caller, "250-mx\r\n250 PIPELINING\r\n");
}

static const char accepted[] = "250 a\r\n250 b\r\n354 c\r\n";
static const char next_accepted[] = "250 2.0.0 Ok: queued as 4XyZ12\r\n"
                                    "250 a\r\n250 b\r\n354 c\r\n";

static void session__steady_state_allocates_nothing(void **state)
{
    (void)state;
    static struct caller caller;
    begin(&caller, DO_SUBMIT);
    for (unsigned i = 0; i < 4; i++)
        submit_next(&caller, true);
    hear(&caller, accepted);
    hear(&caller, next_accepted);
    hear(&caller, next_accepted);
    allocs_asked = 0;
    for (unsigned i = 0; i < 1000; i++)
        hear(&caller, next_accepted);
    assert_int_equal(allocs_asked, 0);
    assert_int_equal(caller.delivered, 1002);
    smtp_session_abort(caller.session, STR("end"));
    assert_int_equal(caller.done, caller.submitted);
    smtp_session_free(caller.session);
}

static void session__one_output_call_holds_a_whole_round_trip(void **state)
{
    (void)state;
    static struct caller caller;
    begin(&caller, DO_NOTHING);
    submit_next(&caller, true);
    submit_next(&caller, true);
    hear(&caller, accepted);
    struct str slices[8];
    size_t count = smtp_session_output(caller.session, slices, 8);
    assert_int_equal(count, 2);
    assert_true(str_equal(slices[0], content[0]));
    assert_true(str_equal(slices[1], STR(".\r\nMAIL FROM:<a@acme.example>\r\n"
                                         "RCPT TO:<b@example.net>\r\nDATA\r\n")));
    smtp_session_abort(caller.session, STR("end"));
    smtp_session_free(caller.session);
}

static void session__done_may_submit_quit_or_abort(void **state)
{
    (void)state;
    static struct caller caller;
    const enum reaction reactions[] = {DO_SUBMIT, DO_QUIT, DO_ABORT};
    for (size_t i = 0; i < COUNT_OF(reactions); i++) {
        begin(&caller, reactions[i]);
        submit_next(&caller, true);
        submit_next(&caller, true);
        submit_next(&caller, true);
        hear(&caller, accepted);
        hear(&caller, next_accepted);
        drain(&caller);
        smtp_session_abort(caller.session, STR("end"));
        assert_int_equal(caller.over, 1);
        assert_int_equal(caller.done, caller.submitted);
        assert_int_equal(caller.delivered, 1);
        smtp_session_free(caller.session);
    }
}

static void session__abort_from_done_reports_the_second_verdict_too(void **state)
{
    (void)state;
    static struct caller caller;
    begin(&caller, DO_ABORT);
    submit_next(&caller, true);
    submit_next(&caller, true);
    hear(&caller, accepted);
    /* Two verdicts end with one group. */
    hear(&caller, "250 Ok\r\n550 5.1.8 no\r\n503 x\r\n503 y\r\n");
    assert_int_equal(caller.done, 2);
    assert_int_equal(caller.delivered, 1);
    assert_int_equal(caller.unsent, 0);
    assert_int_equal(caller.over, 1);
    smtp_session_free(caller.session);
}

/* S18: behind the last message no 354 tells replies and commands apart. */
static void session__reply_too_many_to_the_last_dot_leaves_it_in_doubt(void **state)
{
    (void)state;
    static struct caller caller;
    const char *replies[] = {
        "250 too many\r\n554 5.7.1 no\r\n", "250 Ok\r\n250 too many\r\n",
        "554 5.7.1 too many\r\n250 Ok\r\n", "451 too many\r\n250 Ok\r\n"};
    for (size_t i = 0; i < COUNT_OF(replies); i++) {
        begin(&caller, DO_NOTHING);
        submit_next(&caller, true);
        hear(&caller, accepted);
        drain(&caller);
        hear(&caller, replies[i]);
        assert_int_equal(caller.done, 1);
        assert_int_equal(caller.in_doubt, 1);
        assert_int_equal(caller.over, 1);
        smtp_session_free(caller.session);
    }
}

static void session__arming_may_be_answered_at_once(void **state)
{
    (void)state;
    static struct caller caller;
    begin(&caller, DO_ARM);
    submit_next(&caller, false);
    hear(&caller, accepted);
    drain(&caller);
    assert_int_equal(caller.said_bytes, 17 + 3);
    hear(&caller, "250 Ok\r\n");
    assert_int_equal(caller.delivered, 1);
    smtp_session_abort(caller.session, STR("end"));
    smtp_session_free(caller.session);
}

/* N2: three messages, the connection reset at every octet that we may have written. */
static void session__reset_at_every_octet_is_classified(void **state)
{
    (void)state;
    static struct caller caller;
    /* Content, dot, and the next envelope of 65 octets. */
    for (size_t octets = 0; octets <= 17 + 3 + 59; octets++) {
        begin(&caller, DO_NOTHING);
        for (unsigned i = 0; i < 3; i++)
            submit_next(&caller, true);
        hear(&caller, accepted);
        smtp_session_wrote(caller.session, octets, 1);
        smtp_session_lost(caller.session, STR("reset"));
        assert_int_equal(caller.done, 3);
        assert_int_equal(caller.in_doubt, octets >= 20 ? 1 : 0);
        assert_int_equal(caller.unsent, octets >= 20 ? 2 : 3);
        smtp_session_free(caller.session);
    }
}

/* Submits these slices and runs up to the dot; what it said is in caller->said. */
static void send_content(struct caller *caller, const struct str *slices, size_t count)
{
    begin(caller, DO_NOTHING);
    struct smtp_message *message = &caller->messages[caller->submitted++];
    *message = (struct smtp_message){.mail_from = STR("a@acme.example"),
                                     .rcpt = STR("b@example.net"),
                                     .slices = slices,
                                     .slice_count = count,
                                     .armed = true};
    for (size_t i = 0; i < count; i++)
        message->bytes += slices[i].n;
    smtp_session_submit(caller->session, message, 1);
    hear(caller, accepted);
    drain(caller);
}

/* However it is cut, the dot stands on a line of its own. */
static void session__content_may_be_cut_within_its_last_line_end(void **state)
{
    (void)state;
    static struct caller caller;
    const struct str contents[][4] = {
        {STR("x\r\n")},
        {STR("x\r"), STR("\n")},
        {STR("x"), STR("\r\n")},
        {STR("x"), STR("\r"), STR("\n")},
        {STR("x\r\n"), STR("")},
        {STR("x\r"), STR(""), STR("\n"), STR("")},
        {STR("")},
    };
    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        send_content(&caller, contents[i], 4);
        const char *want = contents[i][0].n > 0 ? "x\r\n.\r\n" : ".\r\n";
        assert_int_equal(caller.said_bytes, strlen(want));
        assert_memory_equal(caller.said, want, caller.said_bytes);
        smtp_session_abort(caller.session, STR("end"));
        smtp_session_free(caller.session);
    }
}

/* A dot behind it would be no terminator, or the server's idea of one and not ours. */
/* S23: some octets just before each deadline for writing; the seconds it lasts. */
static uint64_t trickle(struct caller *caller, size_t body_bytes)
{
    char *body = malloc(body_bytes);
    assert_non_null(body);
    memset(body, 'x', body_bytes - 2);
    memcpy(body + body_bytes - 2, "\r\n", 2);
    struct str slice = str_slice(body, body_bytes);
    struct smtp_message message = {.mail_from = STR("a@acme.example"),
                                   .rcpt = STR("b@example.net"),
                                   .slices = &slice,
                                   .slice_count = 1,
                                   .bytes = body_bytes,
                                   .armed = true};
    begin(caller, DO_NOTHING);
    smtp_session_submit(caller->session, &message, 1);
    hear(caller, accepted);
    uint64_t now_ns = 1;
    while (caller->over == 0) {
        now_ns += 170 * NS_PER_S;
        if (smtp_session_deadline_ns(caller->session) > now_ns)
            smtp_session_wrote(caller->session, 1000, now_ns);
        else
            smtp_session_timeout(caller->session,
                                 smtp_session_deadline_ns(caller->session));
    }
    assert_int_equal(caller->unsent, 1);
    smtp_session_free(caller->session);
    free(body);
    return now_ns / NS_PER_S;
}

static void session__body_that_is_taken_too_slowly_goes_back(void **state)
{
    (void)state;
    struct caller caller;
    assert_in_range(trickle(&caller, 10000), 600, 600 + 170);
    assert_in_range(trickle(&caller, 600 << 10), 600, 600 + 170);
    assert_in_range(trickle(&caller, 8 << 20), 8192, 8192 + 170);
}

static void session__content_without_its_last_line_end_stops_the_program(void **state)
{
    (void)state;
    static struct caller caller;
    const struct str contents[][2] = {
        {STR("x")},
        {STR("x\n")},
        {STR("x\r")},
        {STR("x\r\n"), STR("\n")},
        {STR("x\r"), STR("y\n")},
        {STR("x\r\n"), STR("y\n")},
        {STR("x\r\n"), STR("\r")},
    };
    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            close(STDERR_FILENO);
            send_content(&caller, contents[i], 2);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 70);
    }
}

static void session__no_memory_gives_none(void **state)
{
    (void)state;
    struct smtp_params params = {STR("c.example"), true, 4, 0};
    struct smtp_events events = {NULL, on_arm, on_done, on_ready, on_over};
    /* Two: the session and its output (calloc is not counted by the wrapper). */
    allocs_left = 0;
    struct smtp_session *session = smtp_session_new(&params, &events);
    allocs_left = ULONG_MAX;
    assert_null(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session__steady_state_allocates_nothing),
        cmocka_unit_test(session__one_output_call_holds_a_whole_round_trip),
        cmocka_unit_test(session__done_may_submit_quit_or_abort),
        cmocka_unit_test(session__abort_from_done_reports_the_second_verdict_too),
        cmocka_unit_test(session__reply_too_many_to_the_last_dot_leaves_it_in_doubt),
        cmocka_unit_test(session__arming_may_be_answered_at_once),
        cmocka_unit_test(session__reset_at_every_octet_is_classified),
        cmocka_unit_test(session__content_may_be_cut_within_its_last_line_end),
        cmocka_unit_test(session__body_that_is_taken_too_slowly_goes_back),
        cmocka_unit_test(session__content_without_its_last_line_end_stops_the_program),
        cmocka_unit_test(session__no_memory_gives_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
