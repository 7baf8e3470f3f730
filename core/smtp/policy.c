/*
 * The order of judgement, first match wins:
 *   1. 2xx to the final dot delivers; 421 and 3xx are about the session.
 *   2. before MAIL it is the host that refuses.
 *   3. a demand for authentication or TLS: our set-up, whatever the stage and code.
 *   4. an enhanced status that is precise, unless the words say that it is about us.
 *   5. the words: about us, then (at RCPT and later) about the address.
 *   6. a coarse enhanced status; the reply code; nothing.
 */
#include "core/smtp/policy.h"

#include "core/smtp/policy_rules.h"

static const char *const trouble_words[] = {
#define TROUBLE_WORDS(name, words) [name] = words,
    SMTP_TROUBLE_LIST(TROUBLE_WORDS)
#undef TROUBLE_WORDS
};

/* The text in lower case without the words that hold an '@': an address may contain
 * "spam" or "full". */
static struct str text_normalise(struct str text, char to[OUTCOME_TEXT_MAX])
{
    size_t n = 0, word = 0;
    bool has_at = false;
    for (size_t i = 0; i < text.n && n < OUTCOME_TEXT_MAX; i++) {
        char c = ascii_lower(text.p[i]);
        if (c == ' ') {
            n = has_at ? word : n;
            word = n + 1;
            has_at = false;
        }
        has_at = has_at || c == '@';
        to[n++] = c;
        word = word > n ? n : word;
    }
    return str_slice(to, has_at ? word : n);
}

static void set(struct outcome *outcome, enum outcome_state state,
                enum outcome_scope scope, const char *class_word)
{
    outcome->state = state;
    outcome->scope = scope;
    outcome->class_word = class_word;
    outcome->suppress = false;
}

static bool is_permanent(const struct outcome *outcome)
{
    return outcome->code >= 500;
}

static void apply_permanent(struct outcome *outcome, const struct policy_rule *rule,
                            unsigned attempts)
{
    bool is_repeated = attempts > 0;
    bool is_hard = rule->verdict == POLICY_HARD ||
                   (rule->verdict == POLICY_HARD_IF_REPEATED && is_repeated);
    bool is_retried = rule->verdict == POLICY_RETRY ||
                      (!is_repeated && (rule->verdict == POLICY_RETRY_ONCE ||
                                        rule->verdict == POLICY_HARD_IF_REPEATED));
    set(outcome, is_retried ? OUTCOME_DEFERRED : OUTCOME_FAILED, rule->scope,
        rule->class_word);
    /* Behind DATA "user unknown" is also what some receivers say of mail their filter
     * dislikes: there only a precise status is believed. */
    bool is_believed = outcome->stage == SMTP_STAGE_RCPT ||
                       (outcome->stage > SMTP_STAGE_RCPT && outcome->enhanced[1] == 1);
    outcome->suppress = is_hard && is_believed;
}

/* Before MAIL: the host, never a recipient. */
static void judge_host(struct outcome *outcome, struct str text)
{
    const struct policy_rule *rule = policy_rule_about_us(text, false);
    const char *class_word = rule != NULL ? rule->class_word : "TransientFailure";
    if (outcome->stage == SMTP_STAGE_AUTH && outcome->code >= 500)
        class_word = "AuthenticationFailed";
    set(outcome, OUTCOME_DEFERRED, OUTCOME_SCOPE_DESTINATION, class_word);
}

static const struct policy_rule *rule_of_address(const struct outcome *outcome,
                                                 struct str text)
{
    if (outcome->stage < SMTP_STAGE_RCPT)
        return NULL;
    const struct policy_rule *rule =
        policy_rule_of_directory(outcome->enhanced[1], outcome->enhanced[2], text);
    return rule != NULL ? rule : policy_rule_about_address(text);
}

static const struct policy_rule *rule_of(const struct outcome *outcome, struct str text)
{
    unsigned subject = outcome->enhanced[1], detail = outcome->enhanced[2];
    bool has_status = outcome->enhanced[0] != 0;
    const struct policy_rule *status =
        has_status ? policy_rule_of_status(subject, detail) : NULL;
    const struct policy_rule *us =
        policy_rule_about_us(text, outcome->stage >= SMTP_STAGE_DATA);
    bool is_precise = status != NULL && !policy_status_is_coarse(subject, detail);
    const struct policy_rule *abandoned =
        policy_rule_of_abandoned(subject, detail, text);
    if (is_permanent(outcome) && us == NULL && abandoned != NULL)
        return abandoned;
    /* What is about us is not weakened by a status about the address; a precise status
     * about us is not changed by words. */
    if (is_precise && (us == NULL || status->scope != OUTCOME_SCOPE_RECIPIENT))
        return status;
    if (us != NULL)
        return us;
    const struct policy_rule *address = rule_of_address(outcome, text);
    if (address != NULL)
        return address;
    const struct policy_rule *code = policy_rule_of_code(outcome->code, outcome->stage);
    return code != NULL ? code : status;
}

static enum outcome_scope default_scope(const struct outcome *outcome)
{
    return outcome->stage == SMTP_STAGE_RCPT ? OUTCOME_SCOPE_RECIPIENT
                                             : OUTCOME_SCOPE_MESSAGE;
}

static const char *default_class(const struct outcome *outcome)
{
    if (outcome->enhanced[1] == 7)
        return "PolicyRelated";
    return is_permanent(outcome) ? "Uncategorized" : "TransientFailure";
}

static void judge_refusal(struct outcome *outcome, struct str text, unsigned attempts)
{
    const struct policy_rule *rule = rule_of(outcome, text);
    if (rule == NULL)
        set(outcome, is_permanent(outcome) ? OUTCOME_FAILED : OUTCOME_DEFERRED,
            default_scope(outcome), default_class(outcome));
    else if (is_permanent(outcome))
        apply_permanent(outcome, rule, attempts);
    else
        set(outcome, OUTCOME_DEFERRED, rule->scope, rule->class_word);
    /* Whatever it says of an address, at MAIL none was named yet. */
    if (outcome->stage < SMTP_STAGE_RCPT && outcome->scope == OUTCOME_SCOPE_RECIPIENT)
        outcome->scope = OUTCOME_SCOPE_MESSAGE;
    /* "Rejected due to local policy", when the content has been read, is about it. */
    if (outcome->stage >= SMTP_STAGE_DATA &&
        outcome->scope == OUTCOME_SCOPE_RECIPIENT &&
        strcmp(outcome->class_word, "PolicyRelated") == 0)
        outcome->scope = OUTCOME_SCOPE_MESSAGE;
    /* A block that is met at MAIL is met by everybody: back off, it may be lifted. */
    if (outcome->stage < SMTP_STAGE_RCPT && outcome->scope == OUTCOME_SCOPE_DESTINATION)
        outcome->state = OUTCOME_DEFERRED;
}

static bool wants_auth(const struct outcome *outcome, struct str text)
{
    bool says_so = outcome->enhanced[1] == 7 &&
                   (outcome->enhanced[2] == 8 || outcome->enhanced[2] == 9);
    if (outcome->code == 530 || outcome->code == 535 || outcome->code == 538 ||
        (says_so && outcome->stage <= SMTP_STAGE_MAIL))
        return true;
    return is_permanent(outcome) && policy_text_wants_auth(text);
}

/* 421: the connection is gone in any case; from MAIL on "closing down" by itself says
 * nothing of the destination, another connection may get through. */
static void judge_closing(struct outcome *outcome)
{
    bool is_plain = outcome->stage >= SMTP_STAGE_MAIL &&
                    strcmp(outcome->class_word, "TransientFailure") == 0;
    if (outcome->scope < OUTCOME_SCOPE_SESSION || is_plain)
        outcome->scope = OUTCOME_SCOPE_SESSION;
}

void smtp_policy_judge(struct outcome *outcome, unsigned attempts)
{
    unsigned kind = outcome->code / 100;
    if (kind == 2) {
        set(outcome,
            outcome->stage == SMTP_STAGE_DOT ? OUTCOME_DELIVERED : OUTCOME_UNSENT,
            OUTCOME_SCOPE_RECIPIENT,
            outcome->stage == SMTP_STAGE_DOT ? "Delivered" : "None");
        return;
    }
    char lower[OUTCOME_TEXT_MAX];
    struct str text = text_normalise(outcome->text, lower);
    if (kind == 3)
        set(outcome,
            outcome->stage == SMTP_STAGE_DOT ? OUTCOME_IN_DOUBT : OUTCOME_UNSENT,
            OUTCOME_SCOPE_SESSION, "ProtocolErrors");
    else if (wants_auth(outcome, text))
        set(outcome, OUTCOME_DEFERRED, OUTCOME_SCOPE_DESTINATION,
            "AuthenticationFailed");
    else if (outcome->stage < SMTP_STAGE_MAIL)
        judge_host(outcome, text);
    else
        judge_refusal(outcome, text, attempts);
    if (outcome->code == 421)
        judge_closing(outcome);
}

bool smtp_policy_is_session_limit(const struct outcome *outcome)
{
    char lower[OUTCOME_TEXT_MAX];
    unsigned code = outcome->code;
    /* Nobody was named yet, and nothing was said of the host. */
    if (code == 421 && outcome->stage == SMTP_STAGE_MAIL &&
        outcome->scope == OUTCOME_SCOPE_SESSION)
        return true;
    return (code == 421 || code == 451 || code == 452) &&
           policy_text_is_session_limit(text_normalise(outcome->text, lower));
}

/* MAIL names nobody but the sender: what is not about him is about the host. Only where
 * that is beyond doubt does it stop all others. */
bool smtp_policy_is_host_limit(const struct outcome *outcome)
{
    char lower[OUTCOME_TEXT_MAX];
    if (outcome->stage != SMTP_STAGE_MAIL || outcome->code / 100 != 4)
        return false;
    if (outcome->code == 421 || outcome->scope == OUTCOME_SCOPE_DESTINATION)
        return true;
    struct str text = text_normalise(outcome->text, lower);
    return strcmp(outcome->class_word, "InvalidSender") != 0 &&
           (policy_text_is_session_limit(text) || policy_text_is_host_trouble(text));
}

/* By SMTP_TROUBLE_LIST. The enhanced status is the one a server would have given. */
static const struct {
    enum outcome_state state;
    enum outcome_scope scope;
    const char *class_word;
    uint16_t enhanced[3];
} troubles[] = {
    [SMTP_TROUBLE_CLOSED] = {OUTCOME_UNSENT, OUTCOME_SCOPE_SESSION, "None", {0}},
    [SMTP_TROUBLE_WITHDRAWN] = {OUTCOME_UNSENT, OUTCOME_SCOPE_SESSION, "None", {0}},
    [SMTP_TROUBLE_CONNECT] = {OUTCOME_UNSENT,
                              OUTCOME_SCOPE_DESTINATION,
                              "NoAnswerFromHost",
                              {4, 4, 1}},
    [SMTP_TROUBLE_LOST] = {OUTCOME_UNSENT,
                           OUTCOME_SCOPE_SESSION,
                           "BadConnection",
                           {4, 4, 2}},
    [SMTP_TROUBLE_TIMEOUT] = {OUTCOME_DEFERRED,
                              OUTCOME_SCOPE_SESSION,
                              "NoAnswerFromHost",
                              {4, 4, 2}},
    [SMTP_TROUBLE_PROTOCOL] = {OUTCOME_DEFERRED,
                               OUTCOME_SCOPE_SESSION,
                               "ProtocolErrors",
                               {4, 5, 0}},
    [SMTP_TROUBLE_SIZE] = {OUTCOME_FAILED,
                           OUTCOME_SCOPE_MESSAGE,
                           "QuotaIssues",
                           {5, 3, 4}},
    [SMTP_TROUBLE_NO_8BITMIME] = {OUTCOME_FAILED,
                                  OUTCOME_SCOPE_MESSAGE,
                                  "ProtocolErrors",
                                  {5, 6, 3}},
    [SMTP_TROUBLE_NO_SMTPUTF8] = {OUTCOME_FAILED,
                                  OUTCOME_SCOPE_RECIPIENT,
                                  "ProtocolErrors",
                                  {5, 6, 7}},
    [SMTP_TROUBLE_ADDRESS] = {OUTCOME_INVALID,
                              OUTCOME_SCOPE_RECIPIENT,
                              "InvalidRecipient",
                              {5, 1, 3}},
};

void smtp_policy_trouble(struct outcome *outcome, enum smtp_stage stage,
                         enum smtp_trouble trouble)
{
    set(outcome, troubles[trouble].state, troubles[trouble].scope,
        troubles[trouble].class_word);
    /* A host that does not get as far as MAIL is the host's trouble. */
    if (stage < SMTP_STAGE_MAIL && trouble >= SMTP_TROUBLE_CONNECT)
        outcome->scope = OUTCOME_SCOPE_DESTINATION;
    outcome->stage = stage;
    outcome->code = 0;
    memcpy(outcome->enhanced, troubles[trouble].enhanced, sizeof outcome->enhanced);
    if (outcome->text.n == 0)
        outcome->text = str_of(trouble_words[trouble]);
}

bool smtp_policy_is_trouble(const struct outcome *outcome)
{
    return strcmp(outcome->class_word, "None") != 0;
}

void smtp_policy_in_doubt(struct outcome *outcome)
{
    outcome->state = OUTCOME_IN_DOUBT;
    outcome->stage = SMTP_STAGE_DOT;
    outcome->suppress = false;
}
