/*
 * dialog.h - a scenario script of this folder, played over some carrier
 *
 * The script (README.md) says what the server says, what we must say, what the caller
 * and the clock do and what must have come of it. What carries the octets between the
 * two is the carrier's: the pure session (run_dialog.c), or a channel of core/send and
 * a socket on loopback (run_dialog_net.c). The same script has to pass over both.
 *
 * Owns:    the events and the messages' content; the carrier owns the session.
 * Time:    a fake clock, in monotonic nanoseconds, that only the script moves.
 * Limits:  DIALOG_MESSAGES_MAX, DIALOG_EVENTS_MAX, DIALOG_TEXT_MAX.
 */
#ifndef BROADSIDE_TESTS_DIALOG_H
#define BROADSIDE_TESTS_DIALOG_H

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/smtp/session.h"

#define DIALOG_MESSAGES_MAX 16
#define DIALOG_EVENTS_MAX   64
#define DIALOG_TEXT_MAX     8192

/* How to cut what the server says: consecutive S lines in one piece, line by line, byte
 * by byte, in pseudo-random pieces. */
enum dialog_cut {
    DIALOG_CUT_WHOLE,
    DIALOG_CUT_LINES,
    DIALOG_CUT_BYTES,
    DIALOG_CUT_RANDOM,
    DIALOG_CUT_RANDOM_LAST = DIALOG_CUT_RANDOM + 4
};

/* What a message of the script consists of; the slices lie in `content`. */
struct dialog_message {
    struct str slices[3];
    char content[DIALOG_TEXT_MAX], from[256], rcpt[256];
    size_t content_bytes;
};

struct dialog_event {
    /* "done 1 delivered dot 250 ..." : what it was, then everything true of it. */
    char words[1024];
    char text[OUTCOME_TEXT_MAX + 1];
    bool has_suppress;
};

struct dialog;

/* Numbers of messages count from 1. */
struct dialog_carrier {
    /* What it is called in scripts ("only NAME") and in failures. */
    const char *name;
    /* Makes dialog->session from dialog->params; the connection stands. */
    void (*begin)(struct dialog *dialog);
    /* Ends it, whatever state it is in, and frees everything. */
    void (*end)(struct dialog *dialog);
    /* The server says it, in one piece. */
    void (*feed)(struct dialog *dialog, struct str bytes);
    /* Copies what we say and the script has not taken yet, up to `max` octets. */
    size_t (*peek)(struct dialog *dialog, char *to, size_t max);
    /* The script has matched so much of it. */
    void (*take)(struct dialog *dialog, size_t bytes);
    unsigned (*room)(const struct dialog *dialog);
    void (*submit)(struct dialog *dialog, unsigned number,
                   const struct smtp_message *message);
    void (*armed)(struct dialog *dialog, unsigned number);
    void (*withdraw)(struct dialog *dialog, unsigned number);
    /* The server closes the connection. */
    void (*lost)(struct dialog *dialog, struct str why);
    void (*quit)(struct dialog *dialog);
    void (*abort)(struct dialog *dialog, struct str why);
    /* dialog->now_ns has moved. */
    void (*tick)(struct dialog *dialog);
};

struct dialog {
    const char *path;
    unsigned line;
    enum dialog_cut cut;
    uint32_t seed;
    bool failed, may_leave_output, is_left_out;
    struct smtp_params params;
    const struct dialog_carrier *carrier;
    /* The carrier's own. */
    void *carrying;
    struct smtp_session *session;
    uint64_t now_ns;
    struct dialog_message messages[DIALOG_MESSAGES_MAX];
    struct dialog_event events[DIALOG_EVENTS_MAX];
    size_t event_count, event_next;
    /* S lines that were not fed yet. */
    char said[DIALOG_TEXT_MAX * 12];
    size_t said_bytes;
};

/* Plays every script that the command line names, cut in every way; the exit code. */
int dialog_main(int argc, char **argv, const struct dialog_carrier *carrier,
                void *carrying);
/* Only the first failure of a run is printed, with its line. */
void dialog_fail(struct dialog *dialog, const char *what, struct str got);

/* dialog_event.c: the carrier tells what it was told. */
void dialog_on_arm(struct dialog *dialog, unsigned number);
void dialog_on_done(struct dialog *dialog, unsigned number,
                    const struct outcome *outcome);
void dialog_on_ready(struct dialog *dialog);
void dialog_on_over(struct dialog *dialog, const struct outcome *why, bool was_orderly);
/* The next event must have every word of the line; text=... is a part of its text. */
void dialog_expect_event(struct dialog *dialog, const char *line);

/* dialog_line.c: the words of a line. */
/* The value of "name=value" among the words, copied; false if it is not there. */
bool dialog_option(const char *args, const char *name, char value[256]);
/* The same as a number; `otherwise` if it is not there. */
unsigned dialog_option_number(const char *args, const char *name, unsigned otherwise);
/* "\r \n \0 \\ \xNN" into bytes, in place; returns how many. */
size_t dialog_unescape(char *s);
/* The message number that the words begin with. */
unsigned dialog_message_number(const char *args);
/* Message `number` as `args` describes it; its strings lie in dialog->messages. */
struct smtp_message dialog_message_make(struct dialog *dialog, unsigned number,
                                        const char *args);

#endif
