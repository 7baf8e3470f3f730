/* A campaign of generated recipients, its ledger and the port. */
#ifndef BROADSIDE_TESTS_LEDGER_FIXTURE_H
#define BROADSIDE_TESTS_LEDGER_FIXTURE_H

#include "store_fixture.h"

#include "storage/ledger_store.h"
#include "storage/reports.h"
#include "storage/suppressions.h"

#define JOBS_MAX 4096

static const struct ledger_options hold __attribute__((unused)) = {0};

struct desk {
    struct campaign campaign;
    struct ledger_store *ledger;
    struct store_port port;
    uint64_t recovered;
    struct job_batch batch;
    struct job jobs[JOBS_MAX];
};

/* `per_domain` recipients at each of `domains` domains, domain 0 has one more. */
static inline void desk_import(struct fixture *f, int domains, int per_domain)
{
    struct buf text;
    buf_init(&text, 256 << 20);
    buf_append(&text, STR("email,name\nextra@d0.example,Extra\n"));
    for (int i = 0; i < per_domain; i++)
        for (int d = 0; d < domains; d++)
            buf_printf(&text, "u%d@d%d.example,Name %d\n", i, d, i);
    fixture_import_with(f, buf_str(&text), fixture_options(f));
    buf_fini(&text);
}

static inline struct campaign_plan desk_plan(struct fixture *f)
{
    return (struct campaign_plan){.name = STR("spring"),
                                  .path = STR("/tmp/spring.yaml"),
                                  .settings = STR("campaign: spring\n"),
                                  .list_id = fixture_list(f).id};
}

/* Counted anew from the deliveries. */
static inline void assert_counts(struct fixture *f, struct desk *desk,
                                 const struct delivery_counts *counts)
{
    struct delivery_counts all;
    assert_err_none(f, report_counts(f->store, desk->campaign.id, &all, &f->error));
    assert_memory_equal(counts, &all, sizeof all);
}

static inline void desk_open(struct fixture *f, struct desk *desk, bool retry)
{
    struct ledger_options options = {.retry_in_doubt = retry};
    assert_err_none(f, ledger_store_open(f->store, desk->campaign.id, &options,
                                         &desk->ledger, &desk->recovered, &f->error));
    assert_counts(f, desk, ledger_store_counts(desk->ledger));
    desk->port = ledger_store_port(desk->ledger);
    arena_init(&desk->batch.arena, 64 << 20);
    desk->batch.jobs = desk->jobs;
    desk->batch.max = JOBS_MAX;
    desk->batch.n = 0;
}

static inline struct desk *desk_launch(struct fixture *f, int domains, int per_domain)
{
    struct desk *desk = calloc(1, sizeof *desk);
    desk_import(f, domains, per_domain);
    struct campaign_plan plan = desk_plan(f);
    assert_err_none(
        f, campaign_create(f->store, &plan, &f->arena, &desk->campaign, &f->error));
    desk_open(f, desk, false);
    return desk;
}

static inline void desk_shut(struct fixture *f, struct desk *desk,
                             enum campaign_state state)
{
    struct delivery_counts counts;
    assert_err_none(f, ledger_store_close(desk->ledger, state, &counts, &f->error));
    assert_counts(f, desk, &counts);
    desk->ledger = NULL;
    arena_fini(&desk->batch.arena);
}

static inline void desk_check(struct desk *desk, enum err err)
{
    struct error error = {0};
    if (err == ERR_NONE)
        return;
    desk->port.explain(desk->port.self, &error);
    fail_msg("%s", error.text);
}

static inline bool skip_none(void *self, int64_t lane_id)
{
    (void)self;
    (void)lane_id;
    return false;
}

static inline size_t lanes_of(struct desk *desk, struct arena *arena,
                              struct lane *lanes, size_t max, int64_t after)
{
    struct lane_batch batch = {arena, lanes, 0, max};
    desk_check(desk, desk->port.lanes(desk->port.self, after, &batch));
    return batch.n;
}

static inline size_t due_lanes_of(struct desk *desk, struct arena *arena,
                                  struct lane *lanes, size_t max, int64_t now_ms)
{
    struct lane_batch batch = {arena, lanes, 0, max};
    desk_check(desk,
               desk->port.due_lanes(desk->port.self, now_ms, skip_none, NULL, &batch));
    return batch.n;
}

static inline struct job *desk_claim(struct desk *desk, int64_t lane, int64_t now_ms,
                                     size_t max)
{
    desk->batch.n = 0;
    desk_check(desk,
               desk->port.claim(desk->port.self, lane, now_ms, max, &desk->batch));
    return desk->jobs;
}

static inline bool desk_arm(struct desk *desk, const struct job *job, int64_t at_ms)
{
    struct arm_item item = {.delivery_id = job->delivery_id, .at_ms = at_ms};
    desk_check(desk, desk->port.arm(desk->port.self, &item, 1));
    return item.granted;
}

static inline struct attempt_record desk_outcome(const struct job *job, int64_t at_ms,
                                                 enum outcome_state state)
{
    return (struct attempt_record){.delivery_id = job->delivery_id,
                                   .lane_id = job->lane_id,
                                   .last_attempt = job->last_attempt,
                                   .at_ms = at_ms,
                                   .outcome = {.state = state,
                                               .stage = SMTP_STAGE_DOT,
                                               .class_word = "Test",
                                               .code = 250,
                                               .enhanced = {2, 0, 0},
                                               .text = STR("Ok: queued as 4XyZ123456"),
                                               .remote_id = STR("4XyZ123456")},
                                   .host = STR("mx.example:25"),
                                   .peer = STR("192.0.2.1"),
                                   .tls = STR(""),
                                   .charged = true};
}

static inline void desk_record(struct desk *desk, struct attempt_record record)
{
    desk_check(desk, desk->port.record(desk->port.self, &record, 1));
}

static inline void desk_commit(struct desk *desk)
{
    desk_check(desk, desk->port.commit(desk->port.self));
}

static inline struct delivery_counts desk_counts(struct fixture *f, struct desk *desk)
{
    struct delivery_counts counts;
    assert_err_none(f, report_counts(f->store, desk->campaign.id, &counts, &f->error));
    return counts;
}

#define assert_count(f, desk, state, n)                                                \
    assert_int_equal(desk_counts(f, desk).by_state[state], n)

#endif
