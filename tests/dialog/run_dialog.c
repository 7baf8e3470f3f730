/*
 * run_dialog - plays the scenario scripts of this folder against the pure session
 *
 * Each script runs once for every way to cut what the server says. README.md describes
 * the script format. Exit 0 if every run of every script passes.
 */
#include "tests/dialog/dialog.h"

#include <stdlib.h>

struct carried {
    struct smtp_message messages[DIALOG_MESSAGES_MAX];
};

static unsigned number_of(const struct dialog *dialog,
                          const struct smtp_message *message)
{
    const struct carried *carried = dialog->carrying;
    return (unsigned)(message - carried->messages) + 1;
}

static struct smtp_message *message_of(struct dialog *dialog, unsigned number)
{
    struct carried *carried = dialog->carrying;
    return &carried->messages[number - 1];
}

static void on_arm(void *self, struct smtp_message *message)
{
    dialog_on_arm(self, number_of(self, message));
}

static void on_done(void *self, struct smtp_message *message,
                    const struct outcome *outcome)
{
    dialog_on_done(self, number_of(self, message), outcome);
    /* From here on the caller may do with it what it likes. */
    memset(message, 0xee, sizeof *message);
}

static void on_ready(void *self)
{
    dialog_on_ready(self);
}

static void on_over(void *self, const struct outcome *why, bool was_orderly)
{
    dialog_on_over(self, why, was_orderly);
}

static void session_begin(struct dialog *dialog)
{
    struct smtp_events events = {dialog, on_arm, on_done, on_ready, on_over};
    dialog->session = smtp_session_new(&dialog->params, &events);
    CHECK(dialog->session != NULL);
    smtp_session_start(dialog->session, dialog->now_ns);
}

static void session_end_of_script(struct dialog *dialog)
{
    smtp_session_abort(dialog->session, STR("end of script"));
    smtp_session_free(dialog->session);
}

static void session_feed(struct dialog *dialog, struct str bytes)
{
    smtp_session_feed(dialog->session, bytes, dialog->now_ns);
}

static size_t session_peek(struct dialog *dialog, char *to, size_t max)
{
    struct str slices[64];
    size_t n = 0, count = smtp_session_output(dialog->session, slices, 64);
    for (size_t i = 0; i < count; i++) {
        size_t take = slices[i].n < max - n ? slices[i].n : max - n;
        memcpy(to + n, slices[i].p, take);
        n += take;
    }
    /* Two slices at a time as well, so that both sides of every boundary are met. */
    struct str few[2];
    CHECK(smtp_session_output(dialog->session, few, 2) == (count < 2 ? count : 2));
    return n;
}

static void session_take(struct dialog *dialog, size_t bytes)
{
    smtp_session_wrote(dialog->session, bytes, dialog->now_ns);
}

static unsigned session_room(const struct dialog *dialog)
{
    return smtp_session_room(dialog->session);
}

static void session_submit(struct dialog *dialog, unsigned number,
                           const struct smtp_message *message)
{
    struct smtp_message *mine = message_of(dialog, number);
    *mine = *message;
    smtp_session_submit(dialog->session, mine, dialog->now_ns);
}

static void session_armed(struct dialog *dialog, unsigned number)
{
    smtp_session_armed(dialog->session, message_of(dialog, number));
}

static void session_withdraw(struct dialog *dialog, unsigned number)
{
    smtp_session_withdraw(dialog->session, message_of(dialog, number));
}

static void session_lost(struct dialog *dialog, struct str why)
{
    smtp_session_lost(dialog->session, why);
}

static void session_quit(struct dialog *dialog)
{
    smtp_session_quit(dialog->session, dialog->now_ns);
}

static void session_abort(struct dialog *dialog, struct str why)
{
    smtp_session_abort(dialog->session, why);
}

static void session_tick(struct dialog *dialog)
{
    if (dialog->now_ns >= smtp_session_deadline_ns(dialog->session))
        smtp_session_timeout(dialog->session, dialog->now_ns);
}

int main(int argc, char **argv)
{
    static const struct dialog_carrier carrier = {
        .name = "session",
        .begin = session_begin,
        .end = session_end_of_script,
        .feed = session_feed,
        .peek = session_peek,
        .take = session_take,
        .room = session_room,
        .submit = session_submit,
        .armed = session_armed,
        .withdraw = session_withdraw,
        .lost = session_lost,
        .quit = session_quit,
        .abort = session_abort,
        .tick = session_tick,
    };
    static struct carried carried;
    return dialog_main(argc, argv, &carrier, &carried);
}
