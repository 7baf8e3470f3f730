/*
 * sink.h - a small SMTP server on a thread of the test, with manners to choose from
 *
 * The recipient's local part picks what happens, as in the sandbox: bounce, full,
 * defer (451 at first, accepted later), busy (421 and closes), spam (554 after the
 * data), drop (closes after the data), slow (answers late), hangup (closes at RCPT),
 * expel (550 at RCPT, and closes);
 * digits behind the word are allowed. Everything else is accepted and logged.
 *
 * Thread:  its own; the log is read after sink_stop.
 */
#ifndef BROADSIDE_TESTS_SUPPORT_SINK_H
#define BROADSIDE_TESTS_SUPPORT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink;

struct sink_options {
    /* "slow" answers after so long. */
    uint64_t slow_ns;
    /* The first connections are greeted with 421 and closed. */
    unsigned greet_421;
    /* More connections at once are greeted with 421 and closed; 0: no limit. */
    unsigned connections_max;
    /* Closes without a word after so many messages on a connection; 0: never. */
    unsigned messages_max;
    /* The next MAIL on a connection that took so many is answered with 421, in words
     * that say why; 0: never. */
    unsigned messages_421;
    /* MAIL is answered with 450 once there were mails_max of them, on whatever
     * connections, within such a time (0: for ever). */
    bool limits_mails;
    unsigned mails_max;
    uint64_t mails_window_ns;
    bool has_pipelining;
    /* Whatever was sent ahead of the reply to another command is out of place. */
    bool breaks_pipelining;
    /* Resets the connection when commands come ahead of the reply to another one. */
    bool resets_pipelining;
    /* The first connections are reset at their first command behind EHLO. */
    unsigned resets_first;
    /* Every RCPT is answered with this (with its CRLF); NULL: as it deserves. */
    const char *rcpt_reply;
};

struct sink_entry {
    char rcpt[120];
    uint64_t at_ns;
    unsigned connection;
    /* Of the content. */
    size_t bytes;
};

struct sink *sink_start(const struct sink_options *options);
uint16_t sink_port(const struct sink *sink);
/* Messages accepted so far; from any thread. */
size_t sink_accepted(struct sink *sink);
void sink_stop(struct sink *sink);
const struct sink_entry *sink_log(const struct sink *sink, size_t *count);
/* The most connections that were open at once. */
unsigned sink_connections_peak(const struct sink *sink);
unsigned sink_connections_total(const struct sink *sink);
/* How often commands had come ahead of a reply. */
unsigned sink_groups(const struct sink *sink);
/* MAIL commands that met the limit. */
unsigned sink_mails_refused(const struct sink *sink);
void sink_free(struct sink *sink);

#endif
