/*
 * classify.c - `classify`: what a server's reply would mean for a recipient
 *
 * One line in, `STAGE CODE text`, one JSON line out, in the same order. A line that is
 * no such thing is answered with an error, and makes the exit code 65.
 */
#include "cmd/commands.h"

#include "cmd/json_out.h"
#include "cmd/lines_in.h"
#include "core/smtp/policy.h"
#include "core/smtp/reply.h"

#include <errno.h>

/* Longer than any reply that is stored; what is beyond is dropped from the line. */
#define LINE_BYTES_MAX 4096

/* The outcome a session would hand to the policy; NULL, or why it is no reply. */
static const char *parse_line(struct str line, struct outcome *outcome,
                              char text[OUTCOME_TEXT_MAX])
{
    struct str rest, words;
    uint64_t code;
    if (!smtp_stage_of(str_split(str_trim(line), ' ', &rest), &outcome->stage))
        return "unknown stage: one of connect ehlo tls auth mail rcpt data dot";
    rest = str_trim(rest);
    struct str digits = str_head(rest, 3);
    words = str_from(rest, 3);
    if (digits.n < 3 || !str_to_u64(digits, &code) || code < 200 || code > 599)
        return "no reply code of three digits from 200 to 599";
    if (words.n > 0 && words.p[0] != ' ' && words.p[0] != '-')
        return "no space behind the reply code";
    words = str_trim(str_from(words, 1));
    outcome->code = (uint16_t)code;
    (void)smtp_enhanced_take(&words, outcome->enhanced);
    outcome->text = str_slice(text, smtp_text_append(text, 0, words));
    return NULL;
}

static bool print_verdict(struct str line)
{
    char text[OUTCOME_TEXT_MAX];
    struct outcome outcome = {.text = STR("")};
    const char *why = parse_line(line, &outcome, text);
    json_t *verdict = json_object();
    if (why != NULL) {
        json_object_set_new(verdict, "error", json_out_str(str_of(why)));
        json_out_line(stdout, verdict);
        return false;
    }
    smtp_policy_judge(&outcome, 0);
    json_object_set_new(verdict, "state",
                        json_out_str(str_of(outcome_state_word(outcome.state))));
    json_object_set_new(verdict, "class", json_out_str(str_of(outcome.class_word)));
    json_object_set_new(verdict, "scope",
                        json_out_str(str_of(outcome_scope_word(outcome.scope))));
    json_object_set_new(verdict, "suppress", json_boolean(outcome.suppress));
    json_out_line(stdout, verdict);
    return true;
}

static struct str without_cr(struct str line)
{
    return line.n > 0 && line.p[line.n - 1] == '\r' ? str_head(line, line.n - 1) : line;
}

static int run_classify(const struct invocation *invocation, struct error *error)
{
    struct buf line;
    unsigned long number = 0, first_bad = 0;
    (void)invocation;
    buf_init(&line, LINE_BYTES_MAX);
    while (line_read(stdin, &line)) {
        number++;
        if (!print_verdict(without_cr(buf_str(&line))) && first_bad == 0)
            first_bad = number;
    }
    buf_fini(&line);
    if (ferror(stdin))
        return command_fail(error, ERR_STORAGE, "cannot read: standard input: %s",
                            strerror(errno));
    if (first_bad > 0)
        return command_fail(error, ERR_DATA,
                            "cannot classify: standard input:%lu: not a reply; "
                            "write lines such as \"rcpt 550 5.1.1 user unknown\"",
                            first_bad);
    return 0;
}

const struct command command_classify = {
    .name = "classify",
    .arguments = "",
    .summary = "say what SMTP replies from standard input mean",
    .details =
        "Reads lines of the form STAGE CODE text, the stage one of connect ehlo tls\n"
        "auth mail rcpt data dot, and answers with one JSON line each:\n"
        "{\"state\",\"class\",\"scope\",\"suppress\"}. `scope` is how far the trouble\n"
        "reaches (recipient, message, session, destination), `suppress` whether the\n"
        "address would go on the suppression list. Exit 65 if a line is no reply.\n",
    .run = run_classify,
};
