#include "ledger_fixture.h"

/* Lane 0: delivered, failed, deferred (twice), in doubt, invalid; the rest untouched.
 */
static void work(struct fixture *f, struct desk *desk)
{
    struct lane lanes[2];
    assert_int_equal(lanes_of(desk, &f->arena, lanes, 2, 0), 2);
    struct job *jobs = desk_claim(desk, lanes[0].id, 0, 6);
    for (int i = 0; i < 5; i++)
        assert_true(desk_arm(desk, &jobs[i], 1000 + i));
    struct attempt_record record = desk_outcome(&jobs[0], 2000, OUTCOME_DELIVERED);
    desk_record(desk, record);
    record = desk_outcome(&jobs[1], 3000, OUTCOME_FAILED);
    record.outcome.code = 550;
    record.outcome.enhanced[0] = 5;
    record.outcome.enhanced[1] = 1;
    record.outcome.enhanced[2] = 1;
    record.outcome.text = STR("<u0@d0.example>: no such user 17");
    record.outcome.remote_id = STR_NULL;
    desk_record(desk, record);
    record.delivery_id = jobs[2].delivery_id;
    record.outcome.text = STR("<u1@d0.example>: no such user 4711");
    record.tls = STR("TLSv1.2 AES");
    desk_record(desk, record);
    record = desk_outcome(&jobs[3], 4000, OUTCOME_DEFERRED);
    record.outcome.code = 451;
    record.outcome.text = STR("greylisted");
    record.next_attempt_ms = 5000;
    desk_record(desk, record);
    record = desk_outcome(&jobs[4], 4000, OUTCOME_IN_DOUBT);
    record.outcome.code = 0;
    record.outcome.text = STR("connection lost");
    desk_record(desk, record);
    record = desk_outcome(&jobs[5], 4000, OUTCOME_INVALID);
    record.charged = false;
    desk_record(desk, record);
    desk_commit(desk);
    jobs = desk_claim(desk, lanes[0].id, 6000, 1);
    assert_int_equal(desk->batch.n, 1);
    assert_true(desk_arm(desk, jobs, 6000));
    record = desk_outcome(jobs, 7000, OUTCOME_DEFERRED);
    record.outcome.text = STR("still greylisted");
    record.next_attempt_ms = 99000;
    desk_record(desk, record);
    desk_commit(desk);
}

static void reports__counts_domains_and_attempts(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 2, 9);
    work(f, desk);
    struct delivery_counts counts = desk_counts(f, desk);
    assert_int_equal(counts.audience, 19);
    assert_int_equal(counts.by_state[DELIVERY_PENDING], 13);
    assert_int_equal(counts.by_state[DELIVERY_FAILED], 2);
    assert_int_equal(counts.by_state[DELIVERY_IN_DOUBT], 1);
    uint64_t attempts;
    assert_err_none(f,
                    report_attempts(f->store, desk->campaign.id, &attempts, &f->error));
    assert_int_equal(attempts, 6);
    struct domain_reports domains;
    assert_err_none(f, report_domains(f->store, desk->campaign.id, 0, &f->arena,
                                      &domains, &f->error));
    assert_int_equal(domains.n, 2);
    assert_int_equal(domains.total, 2);
    assert_true(str_equal(domains.p[0].domain, STR("d0.example")));
    assert_int_equal(domains.p[0].counts.audience, 10);
    assert_int_equal(domains.p[0].counts.by_state[DELIVERY_DELIVERED], 1);
    assert_int_equal(domains.p[0].first_ms, 1000);
    assert_int_equal(domains.p[0].last_ms, 7000);
    assert_int_equal(domains.p[1].first_ms + domains.p[1].last_ms, 0);
    assert_err_none(f, report_domains(f->store, desk->campaign.id, 1, &f->arena,
                                      &domains, &f->error));
    assert_int_equal(domains.n, 1);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    free(desk);
}

static void reports__replies_are_grouped(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 2, 9);
    work(f, desk);
    struct reply_reports replies;
    assert_err_none(f, report_replies(f->store, desk->campaign.id, 10, &f->arena,
                                      &replies, &f->error));
    assert_int_equal(replies.n, 5);
    assert_int_equal(replies.p[0].count, 2);
    assert_int_equal(replies.p[0].state, DELIVERY_FAILED);
    assert_int_equal(replies.p[0].code, 550);
    assert_true(str_equal(replies.p[0].enhanced, STR("5.1.1")));
    assert_true(str_equal(replies.p[0].text, STR("<u0@d0.example>: no such user 17")));
    assert_true(str_equal(replies.p[0].example, STR("u0@d0.example")));
    assert_err_none(f, report_replies(f->store, desk->campaign.id, 2, &f->arena,
                                      &replies, &f->error));
    assert_int_equal(replies.n, 2);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    free(desk);
}

static void reports__a_walk_shows_every_delivery(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 2, 9);
    work(f, desk);
    struct delivery_walk *walk;
    struct delivery_row row;
    assert_err_none(f, delivery_walk_open(f->store, desk->campaign.id,
                                          DELIVERY_STATE_COUNT, &walk, &f->error));
    size_t n = 0;
    while (delivery_walk_next(walk, &row)) {
        if (n == 0) {
            assert_true(str_equal(row.address, STR("extra@d0.example")));
            assert_int_equal(row.state, DELIVERY_DELIVERED);
            assert_true(str_equal(row.remote_id, STR("4XyZ123456")));
            assert_true(str_equal(row.host, STR("mx.example:25")));
            assert_int_equal(row.code, 250);
        }
        if (row.state == DELIVERY_PENDING)
            assert_int_equal(row.code + row.text.n + (size_t)row.at_ms, 0);
        n++;
    }
    assert_int_equal(n, 19);
    assert_err_none(f, delivery_walk_close(walk, &f->error));
    assert_err_none(f, delivery_walk_open(f->store, desk->campaign.id,
                                          DELIVERY_IN_DOUBT, &walk, &f->error));
    assert_true(delivery_walk_next(walk, &row));
    assert_true(str_equal(row.text, STR("connection lost")));
    assert_false(delivery_walk_next(walk, &row));
    assert_err_none(f, delivery_walk_close(walk, &f->error));
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    free(desk);
}

static void trace__the_journey_is_in_order(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 2, 9);
    work(f, desk);
    struct trace *traces;
    size_t count;
    assert_err_none(f, trace_address(f->store, STR("U2@D0.Example"), STR_NULL,
                                     &f->arena, &traces, &count, &f->error));
    assert_int_equal(count, 1);
    assert_int_equal(traces[0].state, DELIVERY_DEFERRED);
    assert_int_equal(traces[0].attempts, 2);
    assert_int_equal(traces[0].first_armed_ms, 1003);
    assert_int_equal(traces[0].next_attempt_ms, 99000);
    assert_true(str_equal(traces[0].campaign, STR("spring")));
    assert_true(str_equal(traces[0].list, STR("people")));
    assert_int_equal(traces[0].step_count, 2);
    assert_int_equal(traces[0].steps[0].at_ms, 4000);
    assert_true(str_equal(traces[0].steps[0].text, STR("greylisted")));
    assert_int_equal(traces[0].steps[1].state, DELIVERY_DEFERRED);
    assert_true(str_equal(traces[0].steps[1].text, STR("still greylisted")));
    assert_true(str_equal(traces[0].steps[1].peer, STR("192.0.2.1")));
    assert_err_none(f, trace_address(f->store, STR("u8@d1.example"), STR("spring"),
                                     &f->arena, &traces, &count, &f->error));
    assert_int_equal(count, 1);
    assert_int_equal(traces[0].step_count, 0);
    assert_err_none(f, trace_address(f->store, STR("nobody@d1.example"), STR_NULL,
                                     &f->arena, &traces, &count, &f->error));
    assert_int_equal(count, 0);
    assert_int_equal(trace_address(f->store, STR("no address"), STR_NULL, &f->arena,
                                   &traces, &count, &f->error),
                     ERR_DATA);
    assert_int_equal(trace_address(f->store, STR("u8@d1.example"), STR("autumn"),
                                   &f->arena, &traces, &count, &f->error),
                     ERR_NOT_FOUND);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    free(desk);
}

static void trace__survives_the_list(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 2, 9);
    enum campaign_state answer;
    work(f, desk);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    assert_int_equal(list_delete(f->store, STR("people"), &f->error), ERR_LOCKED);
    assert_err_none(f, campaign_command(f->store, STR("spring"), RUN_CANCEL, false,
                                        &answer, &f->error));
    assert_err_none(f, list_delete(f->store, STR("people"), &f->error));
    struct recipient_list *lists;
    struct trace *traces;
    size_t count;
    assert_err_none(f, lists_all(f->store, &f->arena, &lists, &count, &f->error));
    assert_int_equal(count, 0);
    assert_err_none(f, trace_address(f->store, STR("extra@d0.example"), STR_NULL,
                                     &f->arena, &traces, &count, &f->error));
    assert_int_equal(count, 1);
    assert_int_equal(traces[0].state, DELIVERY_DELIVERED);
    assert_int_equal(traces[0].list.n, 0);
    /* The name is free again, and new recipients are others. */
    fixture_import(f, "email\nfresh@d0.example\n");
    assert_int_equal(fixture_list(f).recipient_count, 1);
    free(desk);
}

static void resolve__decides_and_leaves_its_trace(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 2, 9);
    uint64_t count;
    work(f, desk);
    assert_int_equal(campaign_resolve(f->store, STR("spring"), RESOLVE_ASSUME_DELIVERED,
                                      STR_NULL, &count, &f->error),
                     ERR_LOCKED);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    assert_int_equal(campaign_resolve(f->store, STR("spring"), RESOLVE_ASSUME_FAILED,
                                      STR("u7@d1.example"), &count, &f->error),
                     ERR_NOT_FOUND);
    assert_err_none(f,
                    campaign_resolve(f->store, STR("spring"), RESOLVE_ASSUME_DELIVERED,
                                     STR_NULL, &count, &f->error));
    assert_int_equal(count, 1);
    assert_count(f, desk, DELIVERY_IN_DOUBT, 0);
    assert_count(f, desk, DELIVERY_DELIVERED, 2);
    struct trace *traces;
    size_t n;
    assert_err_none(f, trace_address(f->store, STR("u3@d0.example"), STR_NULL,
                                     &f->arena, &traces, &n, &f->error));
    assert_int_equal(traces[0].step_count, 2);
    assert_true(str_equal(traces[0].steps[1].stage, STR("resolve")));
    free(desk);
}

static void resolve__retry_makes_a_finished_campaign_go_on(void **state)
{
    struct fixture *f = *state;
    struct desk *desk = desk_launch(f, 1, 0);
    struct lane lane;
    assert_int_equal(lanes_of(desk, &f->arena, &lane, 1, 0), 1);
    struct job *jobs = desk_claim(desk, lane.id, 0, 1);
    assert_true(desk_arm(desk, jobs, 1));
    desk_record(desk, desk_outcome(jobs, 2, OUTCOME_IN_DOUBT));
    desk_commit(desk);
    desk_shut(f, desk, CAMPAIGN_FINISHED);
    uint64_t count;
    assert_err_none(f, campaign_resolve(f->store, STR("spring"), RESOLVE_RETRY,
                                        STR_NULL, &count, &f->error));
    assert_int_equal(count, 1);
    struct campaign campaign;
    assert_err_none(
        f, campaign_find(f->store, STR("spring"), &f->arena, &campaign, &f->error));
    assert_int_equal(campaign.state, CAMPAIGN_INTERRUPTED);
    desk_open(f, desk, false);
    int64_t due;
    desk_check(desk, desk->port.next_due(desk->port.self, &due));
    assert_true(due < INT64_MAX);
    jobs = desk_claim(desk, lane.id, due, 1);
    assert_int_equal(desk->batch.n, 1);
    assert_int_equal(jobs[0].first_armed_ms, 1);
    desk_shut(f, desk, CAMPAIGN_PAUSED);
    free(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(reports__counts_domains_and_attempts),
        fixture_test(reports__replies_are_grouped),
        fixture_test(reports__a_walk_shows_every_delivery),
        fixture_test(trace__the_journey_is_in_order),
        fixture_test(trace__survives_the_list),
        fixture_test(resolve__decides_and_leaves_its_trace),
        fixture_test(resolve__retry_makes_a_finished_campaign_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
