/*
 * The words are those that the large receivers and the common servers send. They are
 * phrases, not single words: an address, a host name or a link in a reply may contain
 * any word. Rules about us come before rules about the address, because a suppression
 * that was wrong loses a reader for ever, and a missed one costs one more attempt.
 */
#include "core/smtp/policy_rules.h"

#define RECIPIENT   OUTCOME_SCOPE_RECIPIENT
#define MESSAGE     OUTCOME_SCOPE_MESSAGE
#define SESSION     OUTCOME_SCOPE_SESSION
#define DESTINATION OUTCOME_SCOPE_DESTINATION

struct status_rule {
    unsigned subject, first, last;
    struct policy_rule rule;
};

/* RFC 3463, the IANA registry, and what Gmail and Microsoft made of x.7.*. */
static const struct status_rule status_rules[] = {
    {1, 0, 0, {"InvalidRecipient", POLICY_HARD, RECIPIENT}},
    {1, 1, 3, {"InvalidRecipient", POLICY_HARD, RECIPIENT}},
    {1, 4, 4, {"InvalidRecipient", POLICY_RETRY_ONCE, RECIPIENT}},
    {1, 6, 6, {"InactiveMailbox", POLICY_HARD, RECIPIENT}},
    {1, 7, 8, {"InvalidSender", POLICY_FAIL, MESSAGE}},
    {1, 10, 10, {"BadDomain", POLICY_HARD, RECIPIENT}},
    {2, 1, 1, {"InactiveMailbox", POLICY_HARD, RECIPIENT}},
    {2, 2, 2, {"QuotaIssues", POLICY_RETRY, RECIPIENT}},
    {2, 3, 3, {"QuotaIssues", POLICY_FAIL, MESSAGE}},
    {2, 4, 4, {"InvalidRecipient", POLICY_FAIL, RECIPIENT}},
    {3, 1, 1, {"QuotaIssues", POLICY_RETRY, DESTINATION}},
    {3, 2, 2, {"TransientFailure", POLICY_RETRY_ONCE, DESTINATION}},
    {3, 3, 3, {"BadConfiguration", POLICY_FAIL, MESSAGE}},
    {3, 4, 4, {"QuotaIssues", POLICY_FAIL, MESSAGE}},
    {3, 5, 5, {"BadConfiguration", POLICY_FAIL, RECIPIENT}},
    {4, 1, 1, {"NoAnswerFromHost", POLICY_RETRY, RECIPIENT}},
    {4, 2, 2, {"BadConnection", POLICY_RETRY, RECIPIENT}},
    {4, 3, 3, {"DNSFailure", POLICY_RETRY, RECIPIENT}},
    {4, 4, 4, {"DNSFailure", POLICY_HARD_IF_REPEATED, RECIPIENT}},
    {4, 5, 5, {"TransientFailure", POLICY_RETRY, DESTINATION}},
    {4, 6, 6, {"RoutingErrors", POLICY_RETRY_ONCE, RECIPIENT}},
    {4, 7, 7, {"MessageExpired", POLICY_FAIL, RECIPIENT}},
    {5, 3, 3, {"TooManyRecipients", POLICY_RETRY, SESSION}},
    {5, 0, 999, {"ProtocolErrors", POLICY_FAIL, MESSAGE}},
    {6, 0, 999, {"ProtocolErrors", POLICY_FAIL, MESSAGE}},
    {7, 13, 13, {"InactiveMailbox", POLICY_HARD, RECIPIENT}},
    {7, 17, 17, {"InvalidRecipient", POLICY_HARD, RECIPIENT}},
    {7, 18, 18, {"BadDomain", POLICY_HARD, RECIPIENT}},
    {7, 28, 28, {"PolicyRelated", POLICY_RETRY, DESTINATION}},
    {7, 38, 38, {"PolicyRelated", POLICY_RETRY, DESTINATION}},
    {7, 20, 32, {"AuthenticationFailed", POLICY_FAIL, MESSAGE}},
    {7, 40, 40, {"AuthenticationFailed", POLICY_FAIL, MESSAGE}},
    {7, 508, 508, {"PolicyRelated", POLICY_RETRY, DESTINATION}},
    {7, 515, 515, {"AuthenticationFailed", POLICY_FAIL, MESSAGE}},
    {7, 511, 511, {"SpamBlock", POLICY_FAIL, DESTINATION}},
    {7, 606, 649, {"SpamBlock", POLICY_FAIL, DESTINATION}},
    {7, 650, 652, {"PolicyRelated", POLICY_RETRY, DESTINATION}},
};

const struct policy_rule *policy_rule_of_status(unsigned subject, unsigned detail)
{
    for (size_t i = 0; i < sizeof status_rules / sizeof *status_rules; i++) {
        const struct status_rule *status = &status_rules[i];
        if (status->subject == subject && status->first <= detail &&
            detail <= status->last)
            return &status->rule;
    }
    return NULL;
}

bool policy_status_is_coarse(unsigned subject, unsigned detail)
{
    if (detail == 0)
        return true;
    /* 5.7.1 is "blocked" at Microsoft, "relay denied" or "user unknown" elsewhere;
     * 5.4.1 "access denied" is Microsoft's unknown user; 5.5.x is sent for anything. */
    return (subject == 7 && detail == 1) || (subject == 4 && detail == 1) ||
           subject == 5;
}

struct text_rule {
    /* Phrases in lower case, separated by '|'. */
    const char *phrases;
    struct policy_rule rule;
};

static const struct text_rule rules_about_us[] = {
    {"rate limit|rate-limit|too many messages|too many connections|"
     "too many concurrent|concurrent connections|too many sessions|"
     "maximum number of connections|max connections|receiving mail at a rate|"
     "receivingrate|submission rate|rate overlimit|"
     "receiving mail too quickly|unusual rate|exceeded the rate|sending rate|"
     "sending too|too much mail|too much email|excessive volume|unexpected volume|"
     "throttl|frequency limit|temporarily deferred|permanently deferred|[tss0|slow "
     "down|"
     "connection limit|message limit",
     {"PolicyRelated", POLICY_RETRY, DESTINATION}},
    {"too many recipients|too many rcpt", {"TooManyRecipients", POLICY_RETRY, SESSION}},
    {"spamhaus|spamcop|barracudacentral|dnsbl|blocklist|block list|block-list|"
     "blacklist|black list|blocked using|is blocked|been blocked|was blocked|"
     "is listed|listed at|listed on|listed by|reputation|banned send|banned ip|"
     "client host rejected|blocked ip|[cs01]|uceprotect|sorbs.net|network is on our",
     {"SpamBlock", POLICY_FAIL, DESTINATION}},
    {"relay access denied|relaying denied|relay denied|relaying not allowed|"
     "not permitted to relay|relay not permitted|relaying is not|unable to relay|"
     "we do not relay|does not relay|not allowed to relay|allowed rcpthosts|"
     "relaying prohibited|no relaying",
     {"RelayDenied", POLICY_FAIL, MESSAGE}},
    {"spf check|spf fail|spf valid|failed spf|sender policy framework|dkim|dmarc|"
     "unauthenticated|not authenticated|authentication information|sender "
     "authentication|ptr record|"
     "reverse dns|rdns|reverse lookup|reverse hostname",
     {"AuthenticationFailed", POLICY_FAIL, MESSAGE}},
    {"sender address|sender rejected|sender verify failed|"
     "sender verification|verification failed for sender|domain of sender|sender "
     "domain|sender's domain|"
     "invalid sender|bad sender|from address|mail from domain",
     {"InvalidSender", POLICY_FAIL, MESSAGE}},
    {"virus|malware|infected", {"VirusRelated", POLICY_FAIL, MESSAGE}},
    {"attachment|potential security issue|executable",
     {"ProhibitedAttachment", POLICY_FAIL, MESSAGE}},
    {"message too big|message too large|message size exceeds|too large|"
     "exceeds size|exceeds maximum message size|maximum message size|"
     "size limit exceeded for message",
     {"QuotaIssues", POLICY_FAIL, MESSAGE}},
    {"greylist|graylist|grey list|gray list|greylisted",
     {"TransientFailure", POLICY_RETRY, RECIPIENT}},
};

static const char spam_phrases[] =
    "spam|unsolicited|junk mail|bulk mail|content rejected|content policy|phish";
static const struct policy_rule rule_spam_content = {"SpamContent", POLICY_FAIL,
                                                     MESSAGE};
static const struct policy_rule rule_spam_block = {"SpamBlock", POLICY_FAIL,
                                                   DESTINATION};

static const struct text_rule rules_about_address[] = {
    {"denied by policy|policy reasons|local policy|policy restriction|"
     "policy violation|violates policy|policy rejection",
     {"PolicyRelated", POLICY_FAIL, RECIPIENT}},
    {"over quota|overquota|over-quota|quota exceeded|exceeded quota|"
     "exceeded its quota|exceeded storage|exceeded its storage|out of storage|"
     "insufficient storage|insufficient system storage|not enough space|"
     "mailbox full|mailbox is full|mailbox has exceeded|mailfolder is full|"
     "mailbox size limit|storage allocation|inbox is full|disk quota",
     {"QuotaIssues", POLICY_RETRY, RECIPIENT}},
    {"account disabled|mailbox disabled|is disabled|been disabled|is inactive|"
     "account inactive|mailbox inactive|inactive account|inactive mailbox|"
     "inactive user|deactivated|account has been suspended|account is suspended|"
     "account suspended|mailbox suspended|account expired|no longer active|"
     "no longer available|no longer valid|no longer in use|account closed|"
     "account has been closed|user has moved",
     {"InactiveMailbox", POLICY_HARD, RECIPIENT}},
    {"user unknown|unknown user|no such user|no such recipient|no such mailbox|"
     "no such address|no such account|no such person|does not exist|doesn't exist|"
     "not exist|mailbox not found|mailbox unavailable|mailbox unknown|"
     "mailbox not available|unknown mailbox|recipient not found|recipient unknown|"
     "unknown recipient|recipnotfound|user not found|user doesn't have|"
     "address unknown|unknown address|unknown local|invalid recipient|"
     "invalid mailbox|invalid address|bad destination|bad recipient|"
     "not a valid mailbox|not a valid recipient|not a valid user|no mailbox|"
     "not our customer|undeliverable address|unrouteable|unroutable|"
     "not listed in|no valid recipients|isn't a valid|"
     "account that you tried to reach",
     {"InvalidRecipient", POLICY_HARD, RECIPIENT}},
    {"address rejected|recipient rejected",
     {"InvalidRecipient", POLICY_FAIL, RECIPIENT}},
    {"null mx|does not accept mail|does not accept email|accepts no mail",
     {"BadDomain", POLICY_HARD, RECIPIENT}},
};

static bool text_has(struct str text, const char *phrase, size_t n)
{
    return n > 0 && memmem(text.p, text.n, phrase, n) != NULL;
}

static bool text_has_any(struct str text, const char *phrases)
{
    while (*phrases != '\0') {
        size_t n = strcspn(phrases, "|");
        if (text_has(text, phrases, n))
            return true;
        phrases += phrases[n] == '|' ? n + 1 : n;
    }
    return false;
}

static const struct policy_rule *find(struct str text, const struct text_rule *rules,
                                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_has_any(text, rules[i].phrases))
            return &rules[i].rule;
    return NULL;
}

const struct policy_rule *policy_rule_about_us(struct str text, bool is_after_rcpt)
{
    const struct policy_rule *rule =
        find(text, rules_about_us, sizeof rules_about_us / sizeof *rules_about_us);
    if (rule != NULL || !text_has_any(text, spam_phrases))
        return rule;
    /* Before the content was seen it can only be about who sends. */
    return is_after_rcpt ? &rule_spam_content : &rule_spam_block;
}

const struct policy_rule *policy_rule_about_address(struct str text)
{
    return find(text, rules_about_address,
                sizeof rules_about_address / sizeof *rules_about_address);
}

const struct policy_rule *policy_rule_of_directory(unsigned subject, unsigned detail,
                                                   struct str text)
{
    static const struct policy_rule unknown = {"InvalidRecipient", POLICY_HARD,
                                               RECIPIENT};
    return subject == 4 && detail == 1 && text_has_any(text, "access denied") ? &unknown
                                                                              : NULL;
}

const struct policy_rule *policy_rule_of_abandoned(unsigned subject, unsigned detail,
                                                   struct str text)
{
    static const struct policy_rule abandoned = {"InactiveMailbox", POLICY_HARD,
                                                 RECIPIENT};
    return subject == 2 && detail == 2 && text_has_any(text, "inactive") ? &abandoned
                                                                         : NULL;
}

bool policy_text_wants_auth(struct str text)
{
    return text_has_any(text, "authentication required|authentication is required|"
                              "must authenticate|authenticate first|not logged in|"
                              "must issue a starttls|starttls first|"
                              "encryption required|requires authentication|"
                              "auth required|login first|not authenticated to send|"
                              "smtp authentication");
}

bool policy_text_is_session_limit(struct str text)
{
    return text_has_any(text, "too many messages|message limit|messages per connection|"
                              "messages per session|too many mails|session limit|"
                              "messages in this session|messages on this connection|"
                              "maximum number of messages|transactions per");
}

/* Exim's, and RFC 5321's own words for 451 and 452. */
bool policy_text_is_host_trouble(struct str text)
{
    return text_has_any(text, "temporary local problem|local error in processing|"
                              "insufficient system|insufficient disk|system resources|"
                              "server busy|server is busy|too busy|overload|"
                              "system load");
}

const struct policy_rule *policy_rule_of_code(unsigned code, enum smtp_stage stage)
{
    static const struct policy_rule quota = {"QuotaIssues", POLICY_RETRY, RECIPIENT};
    static const struct policy_rule out_of_step = {"ProtocolErrors", POLICY_RETRY,
                                                   SESSION};
    static const struct policy_rule host = {"TransientFailure", POLICY_RETRY_ONCE,
                                            DESTINATION};
    static const struct policy_rule domain = {"BadDomain", POLICY_HARD, RECIPIENT};
    static const struct policy_rule inactive = {"InactiveMailbox", POLICY_HARD,
                                                RECIPIENT};
    static const struct policy_rule sender = {"InvalidSender", POLICY_FAIL, MESSAGE};

    switch (code) {
    case 521: return &host;
    case 525: return &inactive;
    case 556: return &domain;
    case 452:
    case 552: return &quota;
    case 500:
    case 502:
    case 503: return &out_of_step;
    case 501:
    case 553: return stage == SMTP_STAGE_MAIL ? &sender : NULL;
    default: return NULL;
    }
}
