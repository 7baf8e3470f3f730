/*
 * A hostile server, a kernel that takes what it likes, a ledger that arms when it
 * likes. The input is a script: each byte below 16 is an action of ours, the rest is
 * what the server says, up to the next such byte. (CR and LF are said as 0x80 + '\r'
 * and '\n', so that they are no actions.)
 *
 * Always: every message submitted has exactly one done; it is delivered only after its
 * terminator was handed over and a reply was read; in doubt only if handed over, unsent
 * only if not; what is offered changes only at its end; the session ends once.
 */
#include "core/base/err.h"
#include "core/smtp/session.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGES_MAX 40

struct fuzz_message {
    struct smtp_message message;
    bool is_submitted, is_done, is_refused;
    /* The octets of the stream at which its content, its terminator begin and end. */
    bool was_handed_over;
};

struct fuzz {
    struct smtp_session *session;
    struct fuzz_message messages[MESSAGES_MAX];
    size_t count;
    uint64_t now_ns;
    unsigned ready, over;
    bool ends;
    /* The last octets that were written, to recognise a terminator by. */
    char tail[5];
    size_t bodies_ended;
};

static const struct str content[] = {
    {"Subject: x\r\n", 12}, {"\r\nbody of ", 10}, {"", 0}, {"no length\r\n", 11}};

static struct fuzz_message *fuzz_message_of(struct smtp_message *message)
{
    return container_of(message, struct fuzz_message, message);
}

static void on_arm(void *self, struct smtp_message *message)
{
    struct fuzz *fuzz = self;
    CHECK(!fuzz_message_of(message)->is_done);
    CHECK(!message->armed && fuzz->over == 0);
}

static void on_done(void *self, struct smtp_message *message,
                    const struct outcome *outcome)
{
    struct fuzz *fuzz = self;
    struct fuzz_message *mine = fuzz_message_of(message);
    CHECK(mine->is_submitted && !mine->is_done && fuzz->over == 0);
    CHECK(outcome->class_word != NULL && outcome->text.n <= OUTCOME_TEXT_MAX);
    CHECK(str_is_utf8(outcome->text) && outcome->remote_id.n <= outcome->text.n);
    mine->is_done = true;
    if (outcome->state == OUTCOME_DELIVERED)
        CHECK(mine->was_handed_over && outcome->code / 100 == 2);
    if (outcome->state == OUTCOME_IN_DOUBT)
        CHECK(mine->was_handed_over && outcome->code == 0);
    if (outcome->state == OUTCOME_UNSENT && outcome->code == 0)
        CHECK(!mine->was_handed_over);
    if (outcome->suppress)
        CHECK(outcome->state == OUTCOME_FAILED && outcome->code >= 500);
}

static void on_ready(void *self)
{
    struct fuzz *fuzz = self;
    fuzz->ready++;
    CHECK(fuzz->ready == 1 && fuzz->over == 0);
}

static void on_over(void *self, const struct outcome *why, bool was_orderly)
{
    struct fuzz *fuzz = self;
    (void)was_orderly;
    fuzz->over++;
    CHECK(fuzz->over == 1 && why->class_word != NULL);
    CHECK(why->text.n > 0 || why->code > 0);
    for (size_t i = 0; i < fuzz->count; i++)
        CHECK(!fuzz->messages[i].is_submitted || fuzz->messages[i].is_done);
}

/* The one whose content is on the wire is the first that is neither done nor handed
 * over and was armed; a terminator that is no lone dot ends it. */
static void terminator_passed(struct fuzz *fuzz)
{
    for (size_t i = 0; i < fuzz->count; i++) {
        struct fuzz_message *mine = &fuzz->messages[i];
        if (mine->is_done || !mine->is_submitted || mine->was_handed_over)
            continue;
        CHECK(mine->message.armed);
        mine->was_handed_over = true;
        return;
    }
    CHECK(false && "a terminator of no message");
}

static void byte_written(struct fuzz *fuzz, char c)
{
    memmove(fuzz->tail, fuzz->tail + 1, sizeof fuzz->tail - 1);
    fuzz->tail[sizeof fuzz->tail - 1] = c;
    /* "h" CRLF "." CRLF: the content ends in "length"; a lone dot stands behind DATA.
     */
    static const char end[] = {'\r', '\n', '.', '\r', '\n'};
    if (memcmp(fuzz->tail, end, sizeof end) == 0 && fuzz->bodies_ended > 0) {
        fuzz->bodies_ended = 0;
        terminator_passed(fuzz);
    } else if (c == 'h' && memcmp(fuzz->tail, "engt", 4) == 0) {
        fuzz->bodies_ended = 1;
    }
}

static void take(struct fuzz *fuzz, size_t max)
{
    struct str slices[8];
    size_t count = smtp_session_output(fuzz->session, slices, 8), taken = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < slices[i].n && taken < max; j++, taken++)
            byte_written(fuzz, slices[i].p[j]);
    smtp_session_wrote(fuzz->session, taken, fuzz->now_ns);
}

static void submit(struct fuzz *fuzz, bool is_armed, bool is_odd)
{
    if (fuzz->count == MESSAGES_MAX || smtp_session_room(fuzz->session) == 0)
        return;
    struct fuzz_message *mine = &fuzz->messages[fuzz->count++];
    mine->is_submitted = true;
    mine->message = (struct smtp_message){
        .mail_from = STR("news@acme.example"),
        .rcpt = is_odd ? STR("a\r\nb@c") : STR("user@example.net"),
        .slices = content,
        .slice_count = 4,
        .bytes = is_odd ? 33 : 3000,
        .armed = is_armed,
    };
    smtp_session_submit(fuzz->session, &mine->message, fuzz->now_ns);
}

/* Arms or withdraws the first message that waits for it. */
static void decide(struct fuzz *fuzz, bool arms)
{
    for (size_t i = 0; i < fuzz->count; i++) {
        struct fuzz_message *mine = &fuzz->messages[i];
        if (mine->is_done || mine->message.armed)
            continue;
        if (arms)
            smtp_session_armed(fuzz->session, &mine->message);
        else
            smtp_session_withdraw(fuzz->session, &mine->message);
        return;
    }
}

static void wait_for(struct fuzz *fuzz, uint64_t seconds)
{
    fuzz->now_ns += seconds * 1000000000u;
    if (fuzz->now_ns >= smtp_session_deadline_ns(fuzz->session))
        smtp_session_timeout(fuzz->session, fuzz->now_ns);
}

static void act(struct fuzz *fuzz, uint8_t action)
{
    switch (action) {
    case 0: take(fuzz, 1); return;
    case 1: take(fuzz, 13); return;
    case 2:
    case 3: take(fuzz, SIZE_MAX); return;
    case 4: submit(fuzz, true, false); return;
    case 5: submit(fuzz, false, false); return;
    case 6: decide(fuzz, true); return;
    case 7: decide(fuzz, false); return;
    case 8: wait_for(fuzz, 1); return;
    case 9: wait_for(fuzz, 130); return;
    case 10: smtp_session_quit(fuzz->session, fuzz->now_ns); return;
    case 11: smtp_session_lost(fuzz->session, STR("end of file")); return;
    case 12: submit(fuzz, true, true); return;
    default: take(fuzz, 40); return;
    }
}

static void say(struct fuzz *fuzz, const uint8_t *data, size_t size)
{
    char *said = malloc(size);
    CHECK(said != NULL);
    for (size_t i = 0; i < size; i++)
        said[i] = (char)(data[i] == 0x80 + '\r'   ? '\r'
                         : data[i] == 0x80 + '\n' ? '\n'
                                                  : data[i]);
    smtp_session_feed(fuzz->session, str_slice(said, size), fuzz->now_ns);
    free(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {.now_ns = 1};
    struct smtp_params params = {
        .helo = STR("c.example"),
        .pipelining = size > 0 && (data[0] & 1) != 0,
        .depth = 3,
    };
    struct smtp_events events = {&fuzz, on_arm, on_done, on_ready, on_over};
    fuzz.session = smtp_session_new(&params, &events);
    CHECK(fuzz.session != NULL);
    smtp_session_start(fuzz.session, fuzz.now_ns);
    for (size_t at = 1; at < size;) {
        size_t n = 0;
        while (at + n < size && data[at + n] >= 16)
            n++;
        if (n > 0)
            say(&fuzz, data + at, n);
        else
            act(&fuzz, data[at]);
        at += n > 0 ? n : 1;
    }
    smtp_session_abort(fuzz.session, STR("end of script"));
    CHECK(fuzz.over == 1);
    smtp_session_free(fuzz.session);
    return 0;
}
