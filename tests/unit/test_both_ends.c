/*
 * The client session against the sandbox's server, both pure, over a wire that cuts
 * and delays as chance has it, and breaks. The server's list of what it accepted is
 * compared with what the client was told.
 */
#include "cmocka_all.h"

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/smtp/server.h"
#include "core/smtp/session.h"

#include <stdio.h>
#include <stdlib.h>

#define MESSAGES_MAX 400

struct letter {
    struct smtp_message message;
    char rcpt[40], text[400];
    struct str slices[2];
    bool is_done, was_accepted;
    enum outcome_state state;
};

struct world {
    uint32_t seed;
    uint64_t now_ns;
    struct smtp_session *session;
    struct smtp_server *server;
    struct letter letters[MESSAGES_MAX];
    size_t submitted, done, in_doubt;
    bool is_over, was_orderly;
    uint64_t content_bytes;
    /* Refusals since the last letter that is accepted: many would end the session. */
    unsigned refused;
};

static uint32_t chance(struct world *world, uint32_t sides)
{
    world->seed = world->seed * 1664525u + 1013904223u;
    return (world->seed >> 12) % sides;
}

/* ---- the server's side ---- */

static size_t number_of(struct str rcpt)
{
    uint64_t number = 0;
    struct str rest;
    struct str local = str_split(rcpt, '@', &rest);
    assert_true(str_to_u64(str_from(local, 2), &number));
    return (size_t)number;
}

static void host_rcpt(void *self, struct str rcpt, struct smtp_verdict *verdict)
{
    (void)self;
    if (rcpt.p[0] == 'n')
        verdict->reply = STR("550 5.1.1 no such user");
    if (rcpt.p[0] == 'l')
        verdict->reply = STR("451 4.7.1 later");
}

static void host_content(void *self, struct str bytes)
{
    struct world *world = self;
    world->content_bytes += bytes.n;
}

static void host_message(void *self, struct smtp_verdict *verdict)
{
    struct world *world = self;
    struct str rcpt = str_of(smtp_server_rcpts(world->server).p);
    struct letter *letter = &world->letters[number_of(rcpt)];
    /* Every octet of it, and not one more. */
    assert_int_equal(world->content_bytes, letter->message.bytes);
    assert_int_equal(smtp_server_rcpt_count(world->server), 1);
    world->content_bytes = 0;
    if (rcpt.p[0] == 's') {
        verdict->reply = STR("554 5.7.1 spam");
        return;
    }
    assert_false(letter->was_accepted);
    letter->was_accepted = true;
}

static void host_abandoned(void *self)
{
    struct world *world = self;
    world->content_bytes = 0;
}

/* ---- the client's side ---- */

static void on_arm(void *self, struct smtp_message *message)
{
    (void)self, (void)message;
}

static void on_done(void *self, struct smtp_message *message,
                    const struct outcome *outcome)
{
    struct world *world = self;
    struct letter *letter = container_of(message, struct letter, message);
    assert_false(letter->is_done);
    letter->is_done = true;
    letter->state = outcome->state;
    world->done++;
    world->in_doubt += outcome->state == OUTCOME_IN_DOUBT;
}

static void on_ready(void *self)
{
    (void)self;
}

static void on_over(void *self, const struct outcome *why, bool was_orderly)
{
    struct world *world = self;
    (void)why;
    world->is_over = true;
    world->was_orderly = was_orderly;
}

static void submit(struct world *world)
{
    size_t number = world->submitted++;
    struct letter *letter = &world->letters[number];
    char kind = "uuuunlsu"[world->refused < 3 ? chance(world, 8) : 0];
    world->refused = kind == 'u' ? 0 : world->refused + 1;
    snprintf(letter->rcpt, sizeof letter->rcpt, "%c-%zu@example.net", kind, number);
    char filler[300];
    size_t filler_bytes = 1 + chance(world, sizeof filler - 1);
    memset(filler, 'a', sizeof filler);
    int n = snprintf(letter->text, sizeof letter->text, "Subject: %zu\r\n\r\n%.*s\r\n",
                     number, (int)filler_bytes, filler);
    struct str all = str_slice(letter->text, (size_t)n);
    letter->slices[0] = str_head(all, all.n / 2);
    letter->slices[1] = str_from(all, all.n / 2);
    letter->message = (struct smtp_message){
        .mail_from = STR("news@acme.example"),
        .rcpt = str_of(letter->rcpt),
        .slices = letter->slices,
        .slice_count = 2,
        .bytes = all.n,
        .armed = chance(world, 2) == 0,
    };
    smtp_session_submit(world->session, &letter->message, world->now_ns);
}

static void arm_one(struct world *world)
{
    for (size_t i = 0; i < world->submitted; i++) {
        struct letter *letter = &world->letters[i];
        if (letter->is_done || letter->message.armed)
            continue;
        smtp_session_armed(world->session, &letter->message);
        return;
    }
}

/* ---- the wire ---- */

static void client_to_server(struct world *world)
{
    struct str slices[3];
    size_t count = smtp_session_output(world->session, slices, 3), taken = 0;
    size_t limit = 1 + chance(world, 200);
    for (size_t i = 0; i < count && taken < limit; i++) {
        struct str piece = str_head(slices[i], limit - taken);
        assert_int_equal(smtp_server_feed(world->server, piece), piece.n);
        taken += piece.n;
    }
    smtp_session_wrote(world->session, taken, world->now_ns);
}

static void server_to_client(struct world *world)
{
    struct str out = smtp_server_output(world->server);
    struct str piece = str_head(out, 1 + chance(world, 60));
    if (piece.n == 0)
        return;
    smtp_session_feed(world->session, piece, world->now_ns);
    smtp_server_sent(world->server, piece.n);
}

/* Each step takes a millisecond: a refusal that nothing contradicts settles. */
static void pass_time(struct world *world)
{
    world->now_ns += NS_PER_MS;
    if (world->now_ns >= smtp_session_deadline_ns(world->session))
        smtp_session_timeout(world->session, world->now_ns);
}

static void step(struct world *world)
{
    pass_time(world);
    switch (chance(world, 4)) {
    case 0:
        if (world->submitted < MESSAGES_MAX && smtp_session_room(world->session) > 0)
            submit(world);
        return;
    case 1: client_to_server(world); return;
    case 2: server_to_client(world); return;
    default: arm_one(world); return;
    }
}

static void world_init(struct world *world, uint32_t seed, bool is_pipelined)
{
    memset(world, 0, sizeof *world);
    world->seed = seed;
    struct smtp_server_settings settings = {STR("mx.example"), is_pipelined, false, 0};
    struct smtp_server_events host = {world, host_rcpt, host_content, host_message,
                                      host_abandoned};
    struct smtp_params params = {STR("client.example"), true, 5, 0};
    struct smtp_events caller = {world, on_arm, on_done, on_ready, on_over};
    world->server = smtp_server_new(&settings, &host);
    world->session = smtp_session_new(&params, &caller);
    assert_true(world->server != NULL && world->session != NULL);
    smtp_session_start(world->session, world->now_ns);
}

static void world_fini(struct world *world)
{
    smtp_session_free(world->session);
    smtp_server_free(world->server);
}

/* What each was told has to be true; `is_broken`: some may be in doubt or unsent. */
static void check_letters(const struct world *world, bool is_broken)
{
    for (size_t i = 0; i < world->submitted; i++) {
        const struct letter *letter = &world->letters[i];
        assert_true(letter->is_done);
        if (letter->state == OUTCOME_DELIVERED)
            assert_true(letter->was_accepted);
        if (letter->was_accepted)
            assert_true(letter->state == OUTCOME_DELIVERED ||
                        letter->state == OUTCOME_IN_DOUBT);
        if (is_broken)
            continue;
        enum outcome_state want = letter->rcpt[0] == 'u'   ? OUTCOME_DELIVERED
                                  : letter->rcpt[0] == 'l' ? OUTCOME_DEFERRED
                                                           : OUTCOME_FAILED;
        assert_int_equal(letter->state, want);
    }
}

static void both_ends__agree_on_every_message(void **state)
{
    (void)state;
    static struct world world;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        world_init(&world, seed, seed % 4 != 0);
        while (world.done < MESSAGES_MAX && !world.is_over)
            step(&world);
        assert_false(world.is_over);
        smtp_session_quit(world.session, world.now_ns);
        for (unsigned i = 0; i < 1000 && !world.is_over; i++) {
            client_to_server(&world);
            server_to_client(&world);
        }
        assert_true(world.is_over && world.was_orderly);
        check_letters(&world, false);
        world_fini(&world);
    }
}

static void both_ends__broken_anywhere_at_most_one_is_in_doubt(void **state)
{
    (void)state;
    static struct world world;
    for (uint32_t seed = 1; seed <= 3000; seed++) {
        world_init(&world, seed * 77, seed % 4 != 0);
        for (uint32_t steps = chance(&world, 300); steps > 0; steps--)
            step(&world);
        smtp_session_lost(world.session, STR("reset"));
        assert_true(world.is_over && world.in_doubt <= 1);
        check_letters(&world, true);
        world_fini(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends__agree_on_every_message),
        cmocka_unit_test(both_ends__broken_anywhere_at_most_one_is_in_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
