#include "cmocka_all.h"

#include "core/smtp/policy.h"
#include "core/smtp/reply.h"

#include <stdio.h>

struct policy_case {
    enum smtp_stage stage;
    /* "550 5.1.1 user unknown" */
    const char *reply;
    enum outcome_state state;
    enum outcome_scope scope;
    const char *class_word;
    bool suppress;
};

/* clang-format off */
#define CONNECT SMTP_STAGE_CONNECT
#define EHLO SMTP_STAGE_EHLO
#define AUTH SMTP_STAGE_AUTH
#define MAIL SMTP_STAGE_MAIL
#define RCPT SMTP_STAGE_RCPT
#define DATA SMTP_STAGE_DATA
#define DOT SMTP_STAGE_DOT
#define DELIVERED OUTCOME_DELIVERED
#define DEFERRED OUTCOME_DEFERRED
#define FAILED OUTCOME_FAILED
#define RECIPIENT OUTCOME_SCOPE_RECIPIENT
#define MESSAGE OUTCOME_SCOPE_MESSAGE
#define SESSION OUTCOME_SCOPE_SESSION
#define DESTINATION OUTCOME_SCOPE_DESTINATION

static const struct policy_case cases[] = {
    /* delivered by the first digit */
    {DOT, "250 2.0.0 Ok: queued as 12", DELIVERED, RECIPIENT, "Delivered", false},
    {DOT, "252 fine", DELIVERED, RECIPIENT, "Delivered", false},
    {RCPT, "250 2.1.5 Ok", OUTCOME_UNSENT, RECIPIENT, "None", false},
    {DOT, "354 go on", OUTCOME_IN_DOUBT, SESSION, "ProtocolErrors", false},
    /* the host */
    {CONNECT, "421 4.3.2 too busy", DEFERRED, DESTINATION, "TransientFailure", false},
    {CONNECT, "554 5.7.1 no", DEFERRED, DESTINATION, "TransientFailure", false},
    {CONNECT, "554 5.7.1 blocked using zen.spamhaus.org", DEFERRED, DESTINATION, "SpamBlock", false},
    {CONNECT, "550 5.1.1 user unknown", DEFERRED, DESTINATION, "TransientFailure", false},
    {EHLO, "550 bad name", DEFERRED, DESTINATION, "TransientFailure", false},
    {AUTH, "535 5.7.8 bad credentials", DEFERRED, DESTINATION, "AuthenticationFailed", false},
    {AUTH, "504 5.5.4 unrecognized authentication type", DEFERRED, DESTINATION, "AuthenticationFailed", false},
    {AUTH, "550 5.7.0 no", DEFERRED, DESTINATION, "AuthenticationFailed", false},
    {AUTH, "454 4.7.0 temporary", DEFERRED, DESTINATION, "TransientFailure", false},
    /* our set-up */
    {MAIL, "530 5.7.0 Must issue a STARTTLS command first", DEFERRED, DESTINATION, "AuthenticationFailed", false},
    {MAIL, "530 Authentication required", DEFERRED, DESTINATION, "AuthenticationFailed", false},
    {MAIL, "550 5.7.9 please", DEFERRED, DESTINATION, "AuthenticationFailed", false},
    {RCPT, "503 5.5.4 Error: SMTP authentication required", DEFERRED, DESTINATION, "AuthenticationFailed", false},
    {RCPT, "554 5.7.1 <a@b>: Relay access denied", FAILED, MESSAGE, "RelayDenied", false},
    {RCPT, "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", FAILED, MESSAGE, "RelayDenied", false},
    /* the sender */
    {MAIL, "553 5.1.8 <a@b>... Domain of sender address a@b does not exist", FAILED, MESSAGE, "InvalidSender", false},
    {MAIL, "550 5.1.1 user unknown", FAILED, MESSAGE, "InvalidRecipient", false},
    {MAIL, "501 5.1.7 bad sender address syntax", FAILED, MESSAGE, "InvalidSender", false},
    {MAIL, "553 not allowed", FAILED, MESSAGE, "InvalidSender", false},
    {MAIL, "552 5.3.4 message too big", FAILED, MESSAGE, "QuotaIssues", false},
    {MAIL, "554 5.7.1 blocked using zen.spamhaus.org", DEFERRED, DESTINATION, "SpamBlock", false},
    {MAIL, "451 4.3.0 later", DEFERRED, MESSAGE, "TransientFailure", false},
    {MAIL, "452 4.3.1 Insufficient system storage", DEFERRED, DESTINATION, "QuotaIssues", false},
    {RCPT, "550 5.7.1 <x@y>: Sender address rejected: not owned by user", FAILED, MESSAGE, "InvalidSender", false},
    {RCPT, "550 5.1.1 Sender address verification failed", FAILED, MESSAGE, "InvalidSender", false},
    {RCPT, "550 Verification failed for sender", FAILED, MESSAGE, "InvalidSender", false},
    /* the address */
    {RCPT, "550 5.1.1 <a@b>: Recipient address rejected: User unknown", FAILED, RECIPIENT, "InvalidRecipient", true},
    {RCPT, "550 No such user", FAILED, RECIPIENT, "InvalidRecipient", true},
    {RCPT, "551 user unknown here", FAILED, RECIPIENT, "InvalidRecipient", true},
    {RCPT, "450 4.1.1 user unknown", DEFERRED, RECIPIENT, "InvalidRecipient", false},
    {RCPT, "550 #5.1.0 Address rejected.", FAILED, RECIPIENT, "InvalidRecipient", false},
    {RCPT, "550 5.1.0 no", FAILED, RECIPIENT, "InvalidRecipient", true},
    {RCPT, "550 5.1.2 bad host", FAILED, RECIPIENT, "InvalidRecipient", true},
    {RCPT, "550 5.1.6 moved", FAILED, RECIPIENT, "InactiveMailbox", true},
    {RCPT, "556 5.1.10 null MX", FAILED, RECIPIENT, "BadDomain", true},
    {RCPT, "550 5.2.1 The email account that you tried to reach is disabled", FAILED, RECIPIENT, "InactiveMailbox", true},
    {RCPT, "525 5.7.13 disabled", FAILED, RECIPIENT, "InactiveMailbox", true},
    {RCPT, "550 5.4.1 Recipient address rejected: Access denied. [X.prod.outlook.com]", FAILED, RECIPIENT, "InvalidRecipient", true},
    {RCPT, "554 5.7.1 <a@b>: Recipient address rejected: Access denied", FAILED, RECIPIENT, "InvalidRecipient", false},
    {RCPT, "550 Requested action not taken: mailbox unavailable", FAILED, RECIPIENT, "InvalidRecipient", true},
    {RCPT, "554 delivery error: dd This user doesn't have a yahoo.com account", FAILED, RECIPIENT, "InvalidRecipient", true},
    {RCPT, "550 spam@example.net is unknown user", FAILED, RECIPIENT, "InvalidRecipient", true},
    {RCPT, "550 no", FAILED, RECIPIENT, "Uncategorized", false},
    {RCPT, "550 5.4.4 Host not found", DEFERRED, RECIPIENT, "DNSFailure", false},
    {DOT, "550 5.1.1 user unknown", FAILED, RECIPIENT, "InvalidRecipient", true},
    {DOT, "550 User unknown", FAILED, RECIPIENT, "InvalidRecipient", false},
    /* full */
    {RCPT, "452 4.2.2 mailbox full", DEFERRED, RECIPIENT, "QuotaIssues", false},
    {RCPT, "552 5.2.2 over quota", DEFERRED, RECIPIENT, "QuotaIssues", false},
    {RCPT, "552 whatever", DEFERRED, RECIPIENT, "QuotaIssues", false},
    {RCPT, "550 5.2.2 Mailbox Full", DEFERRED, RECIPIENT, "QuotaIssues", false},
    {RCPT, "552 5.2.2 The email account that you tried to reach is over quota and inactive.", FAILED, RECIPIENT, "InactiveMailbox", true},
    {RCPT, "452 4.2.2 The recipient's inbox is out of storage space and inactive", DEFERRED, RECIPIENT, "QuotaIssues", false},
    {DOT, "552 5.2.2 quota exceeded (mailbox for user is full)", DEFERRED, RECIPIENT, "QuotaIssues", false},
    {DOT, "552 5.3.4 Message size exceeds fixed limit", FAILED, MESSAGE, "QuotaIssues", false},
    {RCPT, "452 4.5.3 too many recipients", DEFERRED, SESSION, "TooManyRecipients", false},
    /* about us: never a suppression */
    {RCPT, "550 5.1.1 blocked using zen.spamhaus.org", FAILED, DESTINATION, "SpamBlock", false},
    {RCPT, "550 5.7.1 Unfortunately, messages from [1.2.3.4] weren't sent: part of their network is on our block list (S3140)", FAILED, DESTINATION, "SpamBlock", false},
    {RCPT, "550 5.7.606 Access denied, banned sending IP", FAILED, DESTINATION, "SpamBlock", false},
    {RCPT, "550 5.7.1 go away", FAILED, RECIPIENT, "PolicyRelated", false},
    {DOT, "554 5.7.1 Message rejected as spam", FAILED, MESSAGE, "SpamContent", false},
    {DOT, "554 5.7.1 [HM08] Message rejected due to local policy", FAILED, MESSAGE, "PolicyRelated", false},
    {DOT, "554 5.7.9 Message not accepted for policy reasons", FAILED, MESSAGE, "PolicyRelated", false},
    {DOT, "554 5.7.1 not wanted", FAILED, MESSAGE, "PolicyRelated", false},
    {DOT, "550 5.7.26 Unauthenticated email is not accepted due to DMARC policy", FAILED, MESSAGE, "AuthenticationFailed", false},
    {DOT, "552 5.7.0 blocked because its content presents a potential security issue", FAILED, MESSAGE, "ProhibitedAttachment", false},
    {DOT, "554 5.7.1 virus Eicar found", FAILED, MESSAGE, "VirusRelated", false},
    {DOT, "550 5.6.0 bad MIME", FAILED, MESSAGE, "ProtocolErrors", false},
    /* the lane */
    {RCPT, "450 4.2.1 The user you are trying to contact is receiving mail at a rate that", DEFERRED, DESTINATION, "PolicyRelated", false},
    {RCPT, "450 4.2.1 https://support.google.com/mail/?p=ReceivingRate", DEFERRED, DESTINATION, "PolicyRelated", false},
    {DOT, "421 4.7.28 Our system has detected an unusual rate of unsolicited mail", DEFERRED, DESTINATION, "PolicyRelated", false},
    {MAIL, "421 4.7.0 [TSS04] Messages from 1.2.3.4 temporarily deferred due to unexpected volume", DEFERRED, DESTINATION, "PolicyRelated", false},
    {RCPT, "451 4.7.650 The mail server has been temporarily rate limited", DEFERRED, DESTINATION, "PolicyRelated", false},
    {RCPT, "451 4.7.1 Greylisted, try again later", DEFERRED, RECIPIENT, "TransientFailure", false},
    {RCPT, "451 4.7.1 later", DEFERRED, RECIPIENT, "PolicyRelated", false},
    {RCPT, "421 4.3.2 busy", DEFERRED, SESSION, "TransientFailure", false},
    {DOT, "421 closing", DEFERRED, SESSION, "TransientFailure", false},
    {DOT, "451 4.3.0 queue file write error", DEFERRED, MESSAGE, "TransientFailure", false},
    /* out of step */
    {RCPT, "503 5.5.1 bad sequence", DEFERRED, SESSION, "ProtocolErrors", false},
    {DATA, "554 5.5.1 no valid recipients", FAILED, RECIPIENT, "InvalidRecipient", false},
};
/* clang-format on */

static struct outcome outcome_of(enum smtp_stage stage, const char *reply,
                                 unsigned attempts)
{
    struct str line = str_of(reply);
    uint64_t code;
    assert_true(str_to_u64(str_head(line, 3), &code));
    struct str text = str_from(line, 4);
    struct outcome outcome = {.stage = stage, .code = (uint16_t)code};
    (void)smtp_enhanced_take(&text, outcome.enhanced);
    outcome.text = text;
    smtp_policy_judge(&outcome, attempts);
    return outcome;
}

static void policy__known_replies_mean_what_they_should(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct policy_case *want = &cases[i];
        struct outcome got = outcome_of(want->stage, want->reply, 0);
        if (got.state == want->state && got.scope == want->scope &&
            got.suppress == want->suppress &&
            strcmp(got.class_word, want->class_word) == 0)
            continue;
        wrong++;
        print_message("%s %s: %s %s %s %d\n", smtp_stage_word(want->stage), want->reply,
                      outcome_state_word(got.state), got.class_word,
                      outcome_scope_word(got.scope), got.suppress);
    }
    assert_int_equal(wrong, 0);
}

static void policy__repeated_refusal_becomes_final(void **state)
{
    (void)state;
    assert_int_equal(outcome_of(RCPT, "550 5.4.4 no host", 1).state, OUTCOME_FAILED);
    assert_true(outcome_of(RCPT, "550 5.4.4 no host", 1).suppress);
    assert_int_equal(outcome_of(RCPT, "521 5.3.2 no mail here", 0).state,
                     OUTCOME_DEFERRED);
    assert_int_equal(outcome_of(RCPT, "521 5.3.2 no mail here", 1).state,
                     OUTCOME_FAILED);
    assert_false(outcome_of(RCPT, "521 5.3.2 no mail here", 1).suppress);
}

static void policy__every_code_and_status_keeps_the_invariants(void **state)
{
    (void)state;
    for (unsigned stage = 0; stage <= SMTP_STAGE_DOT; stage++)
        for (unsigned code = 200; code <= 599; code++)
            for (unsigned subject = 0; subject <= 7; subject++)
                for (unsigned detail = 0; detail <= 60; detail++) {
                    struct outcome outcome = {
                        .stage = (enum smtp_stage)stage,
                        .code = (uint16_t)code,
                        .enhanced = {(uint16_t)(code / 100), (uint16_t)subject,
                                     (uint16_t)detail},
                        .text = STR("user unknown"),
                    };
                    smtp_policy_judge(&outcome, detail & 1);
                    assert_non_null(outcome.class_word);
                    if (outcome.state == OUTCOME_DELIVERED)
                        assert_true(stage == SMTP_STAGE_DOT && code < 300);
                    if (outcome.suppress)
                        assert_true(stage >= SMTP_STAGE_RCPT && code >= 500 &&
                                    outcome.state == OUTCOME_FAILED);
                    if (stage < SMTP_STAGE_MAIL)
                        assert_int_not_equal(outcome.state, OUTCOME_FAILED);
                    if (code == 421)
                        assert_true(outcome.state == OUTCOME_DEFERRED &&
                                    outcome.scope >= OUTCOME_SCOPE_SESSION);
                }
}

static void policy__trouble_before_mail_is_the_hosts(void **state)
{
    (void)state;
    struct outcome outcome = {.text = STR("")};
    smtp_policy_trouble(&outcome, SMTP_STAGE_CONNECT, SMTP_TROUBLE_LOST);
    assert_int_equal(outcome.scope, OUTCOME_SCOPE_DESTINATION);
    assert_int_equal(outcome.state, OUTCOME_UNSENT);
    assert_true(outcome.text.n > 0);
    smtp_policy_trouble(&outcome, SMTP_STAGE_RCPT, SMTP_TROUBLE_LOST);
    assert_int_equal(outcome.scope, OUTCOME_SCOPE_SESSION);
    smtp_policy_in_doubt(&outcome);
    assert_int_equal(outcome.state, OUTCOME_IN_DOUBT);
}

static void policy__limit_of_the_host_is_told_from_the_senders_trouble(void **state)
{
    (void)state;
    static const struct {
        enum smtp_stage stage;
        const char *reply;
        bool is_limit;
    } replies[] = {
        {MAIL, "450 4.7.1 Error: too much mail from 127.0.0.1", true},
        {MAIL, "421 4.7.0 Error: too many connections from 192.0.2.1", true},
        {MAIL, "451 Temporary local problem - please try later", true},
        {MAIL, "421 4.4.2 Message submission rate for this client has exceeded", true},
        {MAIL, "451 Sender rate overlimit - 12.0 / 1m", true},
        {MAIL, "452 4.3.2 Connection rate limit exceeded", true},
        {MAIL, "452 4.3.1 Insufficient system resources", true},
        {MAIL, "452 Requested action not taken: insufficient system storage", true},
        {MAIL, "452 maximum number of messages reached", true},
        {MAIL, "421 closing", true},
        {MAIL, "450 4.1.8 <a@b>: Sender address rejected: Domain not found", false},
        {MAIL, "451 Temporary local problem: sender verify failed", false},
        {MAIL, "451 4.7.1 Greylisted, try again later", false},
        {MAIL, "451 later", false},
        {MAIL, "550 5.7.1 too many messages", false},
        {RCPT, "450 4.7.1 Error: too many recipients from 127.0.0.1", false},
        {DOT, "452 4.3.1 Insufficient system storage", false},
    };
    for (size_t i = 0; i < COUNT_OF(replies); i++) {
        struct outcome outcome = outcome_of(replies[i].stage, replies[i].reply, 0);
        if (smtp_policy_is_host_limit(&outcome) != replies[i].is_limit)
            fail_msg("%s", replies[i].reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy__known_replies_mean_what_they_should),
        cmocka_unit_test(policy__repeated_refusal_becomes_final),
        cmocka_unit_test(policy__every_code_and_status_keeps_the_invariants),
        cmocka_unit_test(policy__trouble_before_mail_is_the_hosts),
        cmocka_unit_test(policy__limit_of_the_host_is_told_from_the_senders_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
