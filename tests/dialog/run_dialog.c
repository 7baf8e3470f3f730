/*
 * run_dialog - plays the scenario scripts of this folder against the pure session
 *
 * Each script runs once for every way to cut what the server says: consecutive S lines
 * in one piece, line by line, byte by byte, and in pseudo-random pieces. README.md
 * describes the script format. Exit 0 if every run of every script passes.
 */
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/smtp/session.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGES_MAX 16
#define EVENTS_MAX   64
#define TEXT_MAX     8192

enum cut {
    CUT_WHOLE,
    CUT_LINES,
    CUT_BYTES,
    CUT_RANDOM,
    CUT_RANDOM_LAST = CUT_RANDOM + 4
};

struct test_message {
    struct smtp_message message;
    struct str slices[3];
    char content[TEXT_MAX], from[256], rcpt[256];
    size_t content_bytes;
};

struct event {
    /* "done 1 delivered dot 250 ..." : what it was, then everything true of it. */
    char words[1024];
    char text[OUTCOME_TEXT_MAX + 1];
    bool has_suppress;
};

struct run {
    const char *path;
    unsigned line;
    enum cut cut;
    uint32_t seed;
    bool failed, may_leave_output;
    struct smtp_params params;
    struct smtp_session *session;
    uint64_t now_ns;
    struct test_message messages[MESSAGES_MAX];
    struct event events[EVENTS_MAX];
    size_t event_count, event_next;
    /* S lines that were not fed yet. */
    char said[TEXT_MAX * 8];
    size_t said_bytes;
};

static void fail(struct run *run, const char *what, struct str got)
{
    if (!run->failed)
        printf("%s:%u: (cut %d) %s: \"%.*s\"\n", run->path, run->line, (int)run->cut,
               what, STR_ARG(got));
    run->failed = true;
}

/* ---- events ---- */

static struct event *event_add(struct run *run)
{
    CHECK(run->event_count < EVENTS_MAX);
    struct event *event = &run->events[run->event_count++];
    memset(event, 0, sizeof *event);
    return event;
}

static unsigned number_of(const struct run *run, const struct smtp_message *message)
{
    const struct test_message *test =
        container_of(message, struct test_message, message);
    return (unsigned)(test - run->messages) + 1;
}

static void event_describe(struct event *event, const char *head,
                           const struct outcome *outcome)
{
    snprintf(
        event->words, sizeof event->words, "%s %s %s %u %u.%u.%u %s %s %s id=%.*s ",
        head, outcome_state_word(outcome->state), smtp_stage_word(outcome->stage),
        outcome->code, outcome->enhanced[0], outcome->enhanced[1], outcome->enhanced[2],
        outcome->class_word, outcome_scope_word(outcome->scope),
        outcome->suppress ? "suppress" : "keep", STR_ARG(outcome->remote_id));
    memcpy(event->text, outcome->text.p, outcome->text.n);
    event->has_suppress = outcome->suppress;
}

static void on_arm(void *self, struct smtp_message *message)
{
    struct run *run = self;
    struct event *event = event_add(run);
    snprintf(event->words, sizeof event->words, "arm? %u ", number_of(run, message));
}

static void on_done(void *self, struct smtp_message *message,
                    const struct outcome *outcome)
{
    struct run *run = self;
    char head[32];
    snprintf(head, sizeof head, "done %u", number_of(run, message));
    event_describe(event_add(run), head, outcome);
    /* From here on the caller may do with it what it likes. */
    memset(message, 0xee, sizeof *message);
}

static void on_ready(void *self)
{
    struct event *event = event_add(self);
    snprintf(event->words, sizeof event->words, "ready ");
}

static void on_over(void *self, const struct outcome *why, bool was_orderly)
{
    event_describe(event_add(self), was_orderly ? "over orderly" : "over broken", why);
}

static bool has_word(const char *words, const char *word, size_t n)
{
    for (const char *at = words; *at != '\0';) {
        size_t length = strcspn(at, " ");
        if (length == n && memcmp(at, word, n) == 0)
            return true;
        at += length + (at[length] == ' ' ? 1 : 0);
    }
    return false;
}

/* The next event must have every word of the line; text=... is a part of its text. */
static void expect_event(struct run *run, const char *line)
{
    if (run->event_next == run->event_count) {
        fail(run, "no such event happened", str_of(line));
        return;
    }
    const struct event *event = &run->events[run->event_next++];
    const char *text = strstr(line, "text=");
    size_t end = text != NULL ? (size_t)(text - line) : strlen(line);
    bool wants_suppress = false;
    for (size_t at = 0; at < end;) {
        size_t length = strcspn(line + at, " ");
        wants_suppress |= length == 8 && memcmp(line + at, "suppress", 8) == 0;
        if (length > 0 && !has_word(event->words, line + at, length))
            fail(run, "the event was", str_of(event->words));
        at += length + 1;
    }
    if (text != NULL && strstr(event->text, text + 5) == NULL)
        fail(run, "its text was", str_of(event->text));
    if (event->has_suppress != wants_suppress)
        fail(run, "suppress differs", str_of(event->words));
}

/* ---- bytes ---- */

static size_t next_piece(struct run *run, struct str left)
{
    const char *lf = memchr(left.p, '\n', left.n);
    size_t line = lf != NULL ? (size_t)(lf - left.p) + 1 : left.n;
    if (run->cut == CUT_WHOLE)
        return left.n;
    if (run->cut == CUT_LINES)
        return line;
    if (run->cut == CUT_BYTES)
        return 1;
    run->seed = run->seed * 1664525u + 1013904223u;
    size_t piece = 1 + (run->seed >> 16) % 37;
    return piece < left.n ? piece : left.n;
}

/* Feeds the S lines that were collected. */
static void flush_said(struct run *run)
{
    struct str left = str_slice(run->said, run->said_bytes);
    run->said_bytes = 0;
    while (left.n > 0) {
        size_t piece = next_piece(run, left);
        /* A copy of exact size, so that a sanitizer sees any byte read beyond. */
        char *copy = malloc(piece);
        CHECK(copy != NULL);
        memcpy(copy, left.p, piece);
        smtp_session_feed(run->session, str_slice(copy, piece), run->now_ns);
        free(copy);
        left = str_from(left, piece);
    }
}

/* What is there to be sent, joined; three slices at a time so that both sides of every
 * boundary are met. */
static size_t output_peek(struct run *run, char *to, size_t max)
{
    struct str slices[64];
    size_t n = 0, count = smtp_session_output(run->session, slices, 64);
    for (size_t i = 0; i < count; i++) {
        size_t take = slices[i].n < max - n ? slices[i].n : max - n;
        memcpy(to + n, slices[i].p, take);
        n += take;
    }
    struct str few[2];
    CHECK(smtp_session_output(run->session, few, 2) == (count < 2 ? count : 2));
    return n;
}

static void expect_bytes(struct run *run, struct str want)
{
    static char got[TEXT_MAX * 4];
    while (want.n > 0 && !run->failed) {
        size_t n = output_peek(run, got, want.n < sizeof got ? want.n : sizeof got);
        if (n == 0 || memcmp(got, want.p, n) != 0) {
            fail(run, "we say", str_slice(got, n));
            return;
        }
        smtp_session_wrote(run->session, n, run->now_ns);
        want = str_from(want, n);
    }
    run->may_leave_output = false;
}

static void expect_no_output(struct run *run)
{
    char got[256];
    size_t n = output_peek(run, got, sizeof got);
    if (n > 0)
        fail(run, "we also say", str_slice(got, n));
}

static void take_bytes(struct run *run, size_t count)
{
    char got[TEXT_MAX];
    CHECK(count <= sizeof got);
    if (output_peek(run, got, count) < count)
        fail(run, "there is less to take", STR(""));
    else
        smtp_session_wrote(run->session, count, run->now_ns);
    run->may_leave_output = true;
}

/* ---- verbs ---- */

static struct test_message *message_of(struct run *run, const char *args)
{
    unsigned long number = strtoul(args, NULL, 10);
    CHECK(number >= 1 && number <= MESSAGES_MAX);
    return &run->messages[number - 1];
}

/* The value of "name=value" among the words, copied; false if it is not there. */
static bool option(const char *args, const char *name, char value[256])
{
    size_t n = strlen(name);
    for (const char *at = args; *at != '\0';) {
        size_t length = strcspn(at, " ");
        if (length > n && at[n] == '=' && memcmp(at, name, n) == 0) {
            snprintf(value, 256, "%.*s", (int)(length - n - 1), at + n + 1);
            return true;
        }
        at += length + (at[length] == ' ' ? 1 : 0);
    }
    return false;
}

static void content_make(struct test_message *test, unsigned number, size_t bytes)
{
    test->content_bytes = (size_t)snprintf(
        test->content, sizeof test->content,
        "Subject: number %u\r\n\r\nHello, number %u.\r\n", number, number);
    while (test->content_bytes + 40 < bytes)
        test->content_bytes +=
            (size_t)snprintf(test->content + test->content_bytes,
                             sizeof test->content - test->content_bytes,
                             "This line has exactly forty octets....\r\n");
    size_t third = test->content_bytes / 3;
    struct str all = str_slice(test->content, test->content_bytes);
    test->slices[0] = str_head(all, third);
    test->slices[1] = str_head(str_from(all, third), third);
    test->slices[2] = str_from(all, 2 * third);
}

static void do_submit(struct run *run, const char *args)
{
    struct test_message *test = message_of(run, args);
    char value[256];
    size_t bytes = option(args, "bytes", value) ? strtoul(value, NULL, 10) : 0;
    memset(test, 0, sizeof *test);
    content_make(test, number_of(run, &test->message), bytes);
    snprintf(test->from, sizeof test->from, "%s",
             option(args, "from", value) ? value : "news@acme.example");
    if (option(args, "rcpt", value))
        snprintf(test->rcpt, sizeof test->rcpt, "%s", value);
    else
        snprintf(test->rcpt, sizeof test->rcpt, "user%u@example.net",
                 number_of(run, &test->message));
    test->message = (struct smtp_message){
        .mail_from = str_of(test->from),
        .rcpt = str_of(test->rcpt),
        .slices = test->slices,
        .slice_count = 3,
        .bytes = test->content_bytes,
        .armed = !option(args, "armed", value),
        .needs_8bitmime = option(args, "8bit", value),
        .needs_smtputf8 = option(args, "utf8", value),
        .attempts =
            option(args, "attempts", value) ? (unsigned)strtoul(value, NULL, 10) : 0,
    };
    if (smtp_session_room(run->session) == 0)
        fail(run, "there is no room for", str_of(args));
    else
        smtp_session_submit(run->session, &test->message, run->now_ns);
}

static void do_params(struct run *run, const char *args)
{
    char value[256];
    run->params.pipelining = !option(args, "pipelining", value) || *value != 'n';
    run->params.depth =
        option(args, "depth", value) ? (unsigned)strtoul(value, NULL, 10) : 4;
    run->params.messages_max =
        option(args, "messages-max", value) ? (unsigned)strtoul(value, NULL, 10) : 0;
    run->params.timeout_percent =
        option(args, "timeout-percent", value) ? (unsigned)strtoul(value, NULL, 10) : 0;
}

/* "\r \n \0 \\ \xNN" into bytes, in place; returns how many. */
static size_t unescape(char *s)
{
    size_t n = 0;
    for (size_t i = 0; s[i] != '\0'; i++) {
        char c = s[i];
        if (c == '\\' && s[i + 1] != '\0') {
            c = s[++i];
            if (c == 'x' && isxdigit((unsigned char)s[i + 1]) &&
                isxdigit((unsigned char)s[i + 2])) {
                char hex[3] = {s[i + 1], s[i + 2], '\0'};
                c = (char)strtoul(hex, NULL, 16);
                i += 2;
            } else {
                c = c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c;
            }
        }
        s[n++] = c;
    }
    return n;
}

static void say(struct run *run, struct str bytes)
{
    CHECK(run->said_bytes + bytes.n <= sizeof run->said);
    memcpy(run->said + run->said_bytes, bytes.p, bytes.n);
    run->said_bytes += bytes.n;
}

/* "S* 300 text": the same text 300 times, without a line end. */
static void say_repeated(struct run *run, char *args)
{
    char *text;
    unsigned long count = strtoul(args, &text, 10);
    size_t n = unescape(text + (*text == ' ' ? 1 : 0));
    for (unsigned long i = 0; i < count; i++)
        say(run, str_slice(text + 1, n));
}

static void do_client(struct run *run, const char *args)
{
    unsigned number;
    if (sscanf(args, "<content %u>", &number) == 1) {
        struct test_message *test = &run->messages[number - 1];
        char copy[TEXT_MAX];
        memcpy(copy, test->content, test->content_bytes);
        expect_bytes(run, str_slice(copy, test->content_bytes));
        return;
    }
    char line[1024];
    int n = snprintf(line, sizeof line, "%s\r\n", args);
    expect_bytes(run, str_slice(line, (size_t)n));
}

static void do_wait(struct run *run, const char *args)
{
    run->now_ns += strtoull(args, NULL, 10) * NS_PER_S;
    if (run->now_ns >= smtp_session_deadline_ns(run->session))
        smtp_session_timeout(run->session, run->now_ns);
}

static void expect_deadline(struct run *run, const char *args)
{
    uint64_t deadline = smtp_session_deadline_ns(run->session);
    char got[32] = "none";
    if (deadline != UINT64_MAX)
        snprintf(got, sizeof got, "%llu",
                 (unsigned long long)((deadline - run->now_ns) / NS_PER_S));
    if (strcmp(got, args) != 0)
        fail(run, "the deadline is in", str_of(got));
}

static void expect_number(struct run *run, const char *args, unsigned got)
{
    char text[16];
    snprintf(text, sizeof text, "%u", got);
    if (strcmp(text, args) != 0)
        fail(run, "it is", str_of(text));
}

static bool is(const char *verb, const char *name)
{
    return strcmp(verb, name) == 0;
}

/* What the server says is only collected; anything else first lets it be heard. */
static bool play_server(struct run *run, const char *verb, char *args)
{
    if (!is(verb, "S") && !is(verb, "S:") && !is(verb, "S*"))
        return false;
    if (!run->may_leave_output && run->said_bytes == 0)
        expect_no_output(run);
    if (is(verb, "S*")) {
        say_repeated(run, args);
        return true;
    }
    say(run, str_slice(args, is(verb, "S:") ? unescape(args) : strlen(args)));
    if (is(verb, "S"))
        say(run, STR("\r\n"));
    return true;
}

static bool play_caller(struct run *run, const char *verb, char *args)
{
    struct smtp_session *session = run->session;
    if (is(verb, "submit"))
        do_submit(run, args);
    else if (is(verb, "arm"))
        smtp_session_armed(session, &message_of(run, args)->message);
    else if (is(verb, "withdraw"))
        smtp_session_withdraw(session, &message_of(run, args)->message);
    else if (is(verb, "close"))
        smtp_session_lost(session, *args != '\0' ? str_of(args) : STR("end of file"));
    else if (is(verb, "quit"))
        smtp_session_quit(session, run->now_ns);
    else if (is(verb, "abort"))
        smtp_session_abort(session, str_of(args));
    else if (is(verb, "wait"))
        do_wait(run, args);
    else if (is(verb, "take"))
        take_bytes(run, strtoul(args, NULL, 10));
    else
        return false;
    return true;
}

static bool play_expectation(struct run *run, const char *verb, char *args,
                             const char *line)
{
    if (is(verb, "C"))
        do_client(run, args);
    else if (is(verb, "silence"))
        expect_no_output(run);
    else if (is(verb, "done") || is(verb, "over") || is(verb, "ready") ||
             is(verb, "arm?"))
        expect_event(run, line);
    else if (is(verb, "deadline"))
        expect_deadline(run, args);
    else if (is(verb, "room"))
        expect_number(run, args, smtp_session_room(run->session));
    else if (is(verb, "pipelined"))
        expect_number(run, args, smtp_session_is_pipelined(run->session));
    else if (is(verb, "idle"))
        expect_number(run, args, smtp_session_is_idle(run->session));
    else
        return false;
    return true;
}

static void begin(struct run *run)
{
    static const struct smtp_events events = {
        .arm = on_arm, .done = on_done, .ready = on_ready, .over = on_over};
    struct smtp_events mine = events;
    mine.self = run;
    run->params.helo = STR("client.example");
    run->session = smtp_session_new(&run->params, &mine);
    CHECK(run->session != NULL);
    smtp_session_start(run->session, run->now_ns);
}

static void play_line(struct run *run, char *line)
{
    char verb[16] = "";
    size_t n = strcspn(line, " ");
    snprintf(verb, sizeof verb, "%.*s", (int)n, line);
    char *args = line + n + (line[n] == ' ' ? 1 : 0);
    if (is(verb, "params")) {
        do_params(run, args);
        return;
    }
    if (run->session == NULL)
        begin(run);
    char *copy = strdup(line);
    CHECK(copy != NULL);
    if (!play_server(run, verb, args)) {
        flush_said(run);
        if (!play_caller(run, verb, args) && !play_expectation(run, verb, args, copy))
            fail(run, "no such verb", str_of(verb));
    }
    free(copy);
}

static void end(struct run *run)
{
    if (run->session == NULL)
        return;
    flush_said(run);
    if (!run->may_leave_output)
        expect_no_output(run);
    if (run->event_next < run->event_count)
        fail(run, "an event was not expected",
             str_of(run->events[run->event_next].words));
    smtp_session_abort(run->session, STR("end of script"));
    smtp_session_free(run->session);
}

static bool run_script(const char *path, enum cut cut)
{
    static struct run run;
    memset(&run, 0, sizeof run);
    run.path = path;
    run.cut = cut;
    run.seed = (uint32_t)cut * 7919u;
    run.now_ns = NS_PER_S;
    do_params(&run, "");
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("%s: cannot be opened\n", path);
        return false;
    }
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while (!run.failed && (n = getline(&line, &cap, file)) >= 0) {
        run.line++;
        if (n > 0 && line[n - 1] == '\n')
            line[--n] = '\0';
        if (n > 0 && line[0] != '#')
            play_line(&run, line);
    }
    free(line);
    fclose(file);
    end(&run);
    return !run.failed;
}

int main(int argc, char **argv)
{
    bool passed = true;
    for (int i = 1; i < argc; i++) {
        bool this_passed = true;
        for (int cut = CUT_WHOLE; cut <= CUT_RANDOM_LAST; cut++)
            this_passed &= run_script(argv[i], (enum cut)cut);
        printf("%s %s\n", this_passed ? "pass" : "FAIL", argv[i]);
        passed &= this_passed;
    }
    return passed ? 0 : 1;
}
