/*
 * The interpreter: one line of the script, one step. What the server says is only
 * collected; anything else first lets it be heard, cut as this run cuts it.
 */
#include "tests/dialog/dialog.h"

#include "core/smtp/session_state.h"

#include <stdio.h>
#include <stdlib.h>

void dialog_fail(struct dialog *dialog, const char *what, struct str got)
{
    if (!dialog->failed)
        printf("%s:%u: (%s, cut %d) %s: \"%.*s\"\n", dialog->path, dialog->line,
               dialog->carrier->name, (int)dialog->cut, what, STR_ARG(got));
    dialog->failed = true;
}

/* ---- what the server says ---- */

static size_t next_piece(struct dialog *dialog, struct str left)
{
    const char *lf = memchr(left.p, '\n', left.n);
    size_t line = lf != NULL ? (size_t)(lf - left.p) + 1 : left.n;
    if (dialog->cut == DIALOG_CUT_WHOLE)
        return left.n;
    if (dialog->cut == DIALOG_CUT_LINES)
        return line;
    if (dialog->cut == DIALOG_CUT_BYTES)
        return 1;
    dialog->seed = dialog->seed * 1664525u + 1013904223u;
    size_t piece = 1 + (dialog->seed >> 16) % 37;
    return piece < left.n ? piece : left.n;
}

/* Feeds the S lines that were collected. */
static void flush_said(struct dialog *dialog)
{
    struct str left = str_slice(dialog->said, dialog->said_bytes);
    dialog->said_bytes = 0;
    while (left.n > 0) {
        size_t piece = next_piece(dialog, left);
        /* A copy of exact size, so that a sanitizer sees any byte read beyond. */
        char *copy = malloc(piece);
        CHECK(copy != NULL);
        memcpy(copy, left.p, piece);
        dialog->carrier->feed(dialog, str_slice(copy, piece));
        free(copy);
        left = str_from(left, piece);
    }
}

static void say(struct dialog *dialog, struct str bytes)
{
    CHECK(dialog->said_bytes + bytes.n <= sizeof dialog->said);
    memcpy(dialog->said + dialog->said_bytes, bytes.p, bytes.n);
    dialog->said_bytes += bytes.n;
}

/* "S* 300 text": the same text 300 times, without a line end. */
static void say_repeated(struct dialog *dialog, char *args)
{
    char *text;
    unsigned long count = strtoul(args, &text, 10);
    text += *text == ' ' ? 1 : 0;
    size_t n = dialog_unescape(text);
    for (unsigned long i = 0; i < count; i++)
        say(dialog, str_slice(text, n));
}

/* ---- what we say ---- */

static void expect_bytes(struct dialog *dialog, struct str want)
{
    static char got[DIALOG_TEXT_MAX * 4];
    while (want.n > 0 && !dialog->failed) {
        size_t max = want.n < sizeof got ? want.n : sizeof got;
        size_t n = dialog->carrier->peek(dialog, got, max);
        if (n == 0 || memcmp(got, want.p, n) != 0) {
            dialog_fail(dialog, "we say", str_slice(got, n));
            return;
        }
        dialog->carrier->take(dialog, n);
        want = str_from(want, n);
    }
    dialog->may_leave_output = false;
}

static void expect_no_output(struct dialog *dialog)
{
    char got[256];
    size_t n = dialog->carrier->peek(dialog, got, sizeof got);
    if (n > 0)
        dialog_fail(dialog, "we also say", str_slice(got, n));
}

static void take_bytes(struct dialog *dialog, size_t count)
{
    char got[DIALOG_TEXT_MAX];
    CHECK(count <= sizeof got);
    if (dialog->carrier->peek(dialog, got, count) < count)
        dialog_fail(dialog, "there is less to take", STR(""));
    else
        dialog->carrier->take(dialog, count);
    dialog->may_leave_output = true;
}

static void do_client(struct dialog *dialog, const char *args)
{
    unsigned number;
    if (sscanf(args, "<content %u>", &number) == 1) {
        struct dialog_message *test = &dialog->messages[number - 1];
        char copy[DIALOG_TEXT_MAX];
        memcpy(copy, test->content, test->content_bytes);
        expect_bytes(dialog, str_slice(copy, test->content_bytes));
        return;
    }
    char line[1024];
    int n = snprintf(line, sizeof line, "%s\r\n", args);
    expect_bytes(dialog, str_slice(line, (size_t)n));
}

/* ---- what the caller does ---- */

static void do_params(struct dialog *dialog, const char *args)
{
    char value[256];
    dialog->params = (struct smtp_params){
        .helo = STR("client.example"),
        .pipelining = !dialog_option(args, "pipelining", value) || *value != 'n',
        .depth = dialog_option_number(args, "depth", 4),
        .timeout_percent = dialog_option_number(args, "timeout-percent", 0),
    };
}

/* "only NAME: why": the script is for that carrier alone. */
static void do_only(struct dialog *dialog, const char *args)
{
    size_t n = strlen(dialog->carrier->name);
    dialog->is_left_out = strncmp(args, dialog->carrier->name, n) != 0;
}

static void do_submit(struct dialog *dialog, const char *args)
{
    unsigned number = dialog_message_number(args);
    struct smtp_message message = dialog_message_make(dialog, number, args);
    if (dialog->carrier->room(dialog) == 0)
        dialog_fail(dialog, "there is no room for", str_of(args));
    else
        dialog->carrier->submit(dialog, number, &message);
}

static void do_wait(struct dialog *dialog, const char *args)
{
    dialog->now_ns += strtoull(args, NULL, 10) * NS_PER_S;
    dialog->carrier->tick(dialog);
}

static void expect_deadline(struct dialog *dialog, const char *args)
{
    uint64_t deadline = smtp_session_deadline_ns(dialog->session);
    char got[32] = "none";
    if (deadline != UINT64_MAX)
        snprintf(got, sizeof got, "%llu",
                 (unsigned long long)((deadline - dialog->now_ns) / NS_PER_S));
    if (strcmp(got, args) != 0)
        dialog_fail(dialog, "the deadline is in", str_of(got));
}

static void expect_number(struct dialog *dialog, const char *args, unsigned got)
{
    char text[16];
    snprintf(text, sizeof text, "%u", got);
    if (strcmp(text, args) != 0)
        dialog_fail(dialog, "it is", str_of(text));
}

/* ---- lines ---- */

static bool is(const char *verb, const char *name)
{
    return strcmp(verb, name) == 0;
}

static bool play_server(struct dialog *dialog, const char *verb, char *args)
{
    if (!is(verb, "S") && !is(verb, "S:") && !is(verb, "S*"))
        return false;
    if (!dialog->may_leave_output && dialog->said_bytes == 0)
        expect_no_output(dialog);
    if (is(verb, "S*")) {
        say_repeated(dialog, args);
        return true;
    }
    say(dialog, str_slice(args, is(verb, "S:") ? dialog_unescape(args) : strlen(args)));
    if (is(verb, "S"))
        say(dialog, STR("\r\n"));
    return true;
}

static bool play_caller(struct dialog *dialog, const char *verb, char *args)
{
    const struct dialog_carrier *carrier = dialog->carrier;
    if (is(verb, "submit"))
        do_submit(dialog, args);
    else if (is(verb, "arm"))
        carrier->armed(dialog, dialog_message_number(args));
    else if (is(verb, "withdraw"))
        carrier->withdraw(dialog, dialog_message_number(args));
    else if (is(verb, "close"))
        carrier->lost(dialog, *args != '\0' ? str_of(args) : STR("end of file"));
    else if (is(verb, "quit"))
        carrier->quit(dialog);
    else if (is(verb, "abort"))
        carrier->abort(dialog, str_of(args));
    else if (is(verb, "wait"))
        do_wait(dialog, args);
    else if (is(verb, "take"))
        take_bytes(dialog, strtoul(args, NULL, 10));
    else
        return false;
    return true;
}

static bool play_expectation(struct dialog *dialog, const char *verb, char *args,
                             const char *line)
{
    if (is(verb, "C"))
        do_client(dialog, args);
    else if (is(verb, "silence"))
        expect_no_output(dialog);
    else if (is(verb, "done") || is(verb, "over") || is(verb, "ready") ||
             is(verb, "arm?"))
        dialog_expect_event(dialog, line);
    else if (is(verb, "deadline"))
        expect_deadline(dialog, args);
    else if (is(verb, "room"))
        expect_number(dialog, args, dialog->carrier->room(dialog));
    else if (is(verb, "pipelined"))
        expect_number(dialog, args, smtp_session_is_pipelined(dialog->session));
    else if (is(verb, "breaks-ahead"))
        expect_number(dialog, args,
                      smtp_session_has_broken_pipelining(dialog->session));
    else if (is(verb, "lost-ahead"))
        expect_number(dialog, args, smtp_session_was_lost_ahead(dialog->session));
    else if (is(verb, "idle"))
        expect_number(dialog, args, dialog->session->held == 0);
    else
        return false;
    return true;
}

static bool play_head(struct dialog *dialog, const char *verb, const char *args)
{
    if (is(verb, "params"))
        do_params(dialog, args);
    else if (is(verb, "only"))
        do_only(dialog, args);
    else
        return false;
    return true;
}

static void play_line(struct dialog *dialog, char *line)
{
    char verb[16] = "";
    size_t n = strcspn(line, " ");
    snprintf(verb, sizeof verb, "%.*s", (int)n, line);
    char *args = line + n + (line[n] == ' ' ? 1 : 0);
    if (play_head(dialog, verb, args))
        return;
    if (dialog->session == NULL)
        dialog->carrier->begin(dialog);
    char *copy = strdup(line);
    CHECK(copy != NULL);
    if (!play_server(dialog, verb, args)) {
        flush_said(dialog);
        if (!play_caller(dialog, verb, args) &&
            !play_expectation(dialog, verb, args, copy))
            dialog_fail(dialog, "no such verb", str_of(verb));
    }
    free(copy);
}

static void end(struct dialog *dialog)
{
    if (dialog->session == NULL)
        return;
    flush_said(dialog);
    if (!dialog->may_leave_output)
        expect_no_output(dialog);
    if (dialog->event_next < dialog->event_count)
        dialog_fail(dialog, "an event was not expected",
                    str_of(dialog->events[dialog->event_next].words));
    dialog->carrier->end(dialog);
}

static void play_file(struct dialog *dialog, FILE *file)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while (!dialog->failed && !dialog->is_left_out &&
           (n = getline(&line, &cap, file)) >= 0) {
        dialog->line++;
        if (n > 0 && line[n - 1] == '\n')
            line[--n] = '\0';
        if (n > 0 && line[0] != '#')
            play_line(dialog, line);
    }
    free(line);
    end(dialog);
}

/* ---- scripts ---- */

static bool play(struct dialog *dialog, const char *path, enum dialog_cut cut)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("%s: cannot be opened\n", path);
        return false;
    }
    *dialog = (struct dialog){.path = path,
                              .cut = cut,
                              .seed = (uint32_t)cut * 7919u,
                              .now_ns = NS_PER_S,
                              .carrier = dialog->carrier,
                              .carrying = dialog->carrying};
    do_params(dialog, "");
    play_file(dialog, file);
    fclose(file);
    return !dialog->failed;
}

int dialog_main(int argc, char **argv, const struct dialog_carrier *carrier,
                void *carrying)
{
    struct dialog *dialog = calloc(1, sizeof *dialog);
    bool all_pass = true;
    CHECK(dialog != NULL);
    dialog->carrier = carrier;
    dialog->carrying = carrying;
    for (int i = 1; i < argc; i++) {
        bool passes = true;
        for (int cut = DIALOG_CUT_WHOLE; cut <= DIALOG_CUT_RANDOM_LAST; cut++)
            passes &= play(dialog, argv[i], (enum dialog_cut)cut);
        printf("%s %s\n",
               !passes               ? "FAIL"
               : dialog->is_left_out ? "left out"
                                     : "pass",
               argv[i]);
        all_pass &= passes;
    }
    free(dialog);
    return all_pass ? 0 : 1;
}
