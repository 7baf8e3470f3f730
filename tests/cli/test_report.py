"""`report`, `status`, `trace`, `resolve`: what became of everybody, in every format."""

import csv
import html.parser
import io
import json
import re

import pytest

from conftest import STATES, check_conserved, wait_until

RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
PEOPLE = ["a@example.org", "b@example.org", "c@example.com", "bounce1@example.org",
          "bounce2@example.com", "spam1@example.org", "+49@example.net"]


@pytest.fixture
def finished(scratch, sandbox):
    """A finished campaign over PEOPLE."""
    scratch.import_list(PEOPLE)
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", code=3)
    return scratch


def test_json_shape_is_the_contracts(finished):
    report = finished.report()
    assert set(report) >= {"campaign", "list", "state", "counts", "attempts", "started_at",
                           "finished_at", "elapsed_s", "rate_per_s", "domains", "replies"}
    assert (report["campaign"], report["list"], report["state"]) == ("spring", "people",
                                                                     "finished")
    counts = check_conserved(report)
    assert (counts["audience"], counts["delivered"], counts["failed"]) == (7, 4, 3)
    assert report["attempts"] == 7
    assert re.fullmatch(RFC3339, report["started_at"])
    assert re.fullmatch(RFC3339, report["finished_at"])
    assert report["elapsed_s"] >= 0 and report["rate_per_s"] >= 0


def test_domains_add_up(finished):
    report = finished.report()
    domains = {entry["domain"]: entry for entry in report["domains"]}
    assert set(domains) == {"example.org", "example.com", "example.net"}
    for state in ("delivered", "failed"):
        total = sum(entry["counts"].get(state, 0) for entry in domains.values())
        assert total == report["counts"][state]
    assert domains["example.com"]["counts"]["failed"] == 1
    assert all("rate_per_s" in entry for entry in domains.values())


def test_replies_are_grouped_with_an_example(finished):
    replies = finished.report()["replies"]
    bounce = [r for r in replies if r["enhanced"] == "5.1.1"]
    assert len(bounce) == 1
    assert bounce[0]["state"] == "failed" and bounce[0]["code"] == 550
    assert bounce[0]["count"] == 2
    assert bounce[0]["example"] in ("bounce1@example.org", "bounce2@example.com")
    assert any(r["enhanced"] == "5.7.1" and r["code"] == 554 for r in replies)


def test_csv_has_a_row_for_everybody(finished):
    text = finished.run("report", "spring", "--format", "csv").stdout
    assert text.splitlines()[0] == "address,state,attempts,code,enhanced,text,host,remote_id,at"
    rows = {row["address"]: row for row in csv.DictReader(io.StringIO(text))}
    assert set(rows) == {address.replace("+49", "'+49") for address in PEOPLE}
    assert rows["bounce1@example.org"]["state"] == "failed"
    assert rows["bounce1@example.org"]["code"] == "550"
    assert rows["bounce1@example.org"]["enhanced"] == "5.1.1"
    assert rows["bounce1@example.org"]["attempts"] == "1"
    assert "127.0.0.1" in rows["a@example.org"]["host"]
    for row in rows.values():
        assert re.fullmatch(RFC3339, row["at"])


def test_csv_neutralises_formulas(finished):
    text = finished.run("report", "spring", "--format", "csv").stdout
    for row in csv.reader(io.StringIO(text)):
        assert all(not cell or cell[0] not in "=+-@\t\r\n" for cell in row)


class Page(html.parser.HTMLParser):
    """Collects tags, attribute values and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.values, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data):
        self.text += data


def test_html_is_one_page_without_external_resources(finished):
    text = finished.run("report", "spring", "--format", "html").stdout
    page = Page(text)
    assert text.lower().startswith("<!doctype html>")
    assert "spring" in page.text and "example.org" in page.text and "5.1.1" in page.text
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not [v for v in page.values if v[1] in ("src", "href", "onload", "onclick")]
    assert "url(" not in text and "@import" not in text


def test_html_escapes(scratch, sandbox):
    scratch.write("people.csv", 'email\n"""<script>""@example.org"\n')
    summary = scratch.json("import", "people", "people.csv")
    if summary["imported"] != 1:
        pytest.skip("quoted local parts are rejected")
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", code=None)
    text = scratch.run("report", "spring", "--format", "html").stdout
    assert "<script>" not in text


def test_text_is_for_people(finished):
    text = finished.run("report", "spring").stdout
    for word in ("spring", "delivered", "failed", "example.org", "550", "5.1.1"):
        assert word in text
    assert "\x1b" not in text


@pytest.mark.parametrize("format", ["text", "json", "csv", "html"])
def test_output_goes_into_a_file(finished, format):
    done = finished.run("report", "spring", "--format", format, "--output", "out")
    assert done.stdout == ""
    direct = finished.run("report", "spring", "--format", format).stdout
    if format in ("json", "csv"):
        assert (finished.path / "out").read_text() == direct
    assert (finished.path / "out").stat().st_size > 50
    assert not [f for f in finished.path.iterdir() if f.name.startswith("out.")]


def test_output_to_a_full_or_missing_place_is_74(finished):
    finished.run("report", "spring", "--output", "/dev/full", code=74)
    finished.run("report", "spring", "--output", "no/such/report.html", code=74)


def test_status_of_all_and_of_one(finished):
    campaigns = finished.json("status")
    assert [c["campaign"] for c in campaigns] == ["spring"]
    assert campaigns[0]["state"] == "finished"
    assert campaigns[0]["counts"]["delivered"] == 4
    one = finished.json("status", "spring")
    assert one["campaign"] == "spring" and one["counts"]["failed"] == 3
    assert "spring" in finished.run("status").stdout
    assert "delivered" in finished.run("status", "spring").stdout


def test_status_without_campaigns(scratch):
    assert scratch.json("status") == []
    scratch.run("status")


def test_status_is_live_and_shows_effective_limits(scratch, sandbox):
    scratch.import_list([f"r{i}@example.org" for i in range(400)])
    file = scratch.campaign(sandbox.port, extra="limits:\n  - domains: ['*']\n    rate: 20/s\n")
    process = scratch.start("launch", file, "--yes")
    wait_until(lambda: len(sandbox.accepted()) > 10, what="the first messages")
    status = scratch.json("status", "spring")
    assert status["state"] == "running"
    assert status["counts"]["delivered"] < 400
    assert status["in_flight"] >= 0
    limit = status["limits"][0]
    assert limit["domains"] == ["*"] and limit["rate"] == "20/s"
    status = wait_until(lambda: (s := scratch.json("status", "spring"))["limits"][0][
        "effective_per_s"] > 10 and s, what="an effective rate")
    assert 10 < status["limits"][0]["effective_per_s"] < 25
    scratch.run("pause", "spring")
    scratch.finish(process, code=75)
    assert scratch.json("status", "spring")["state"] == "paused"


def test_trace_tells_the_journey(scratch, sandbox):
    scratch.import_list(["defer1@example.org", "a@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port, extra="retry:\n  first: 1s\n"), "--yes")
    journeys = scratch.json("trace", "DEFER1@example.org")
    assert len(journeys) == 1
    journey = journeys[0]
    assert (journey["campaign"], journey["state"]) == ("spring", "delivered")
    assert [a["state"] for a in journey["attempts"]] == ["deferred", "delivered"]
    first, last = journey["attempts"]
    assert first["code"] == 451 and first["enhanced"] == "4.7.1" and first["stage"] == "rcpt"
    assert last["code"] == 250 and last["stage"] == "dot"
    assert all(re.fullmatch(RFC3339, a["at"]) for a in journey["attempts"])
    assert first["at"] <= last["at"]
    assert journey["message_id"]
    message_ids = {e["rcpt"]: e["message_id"] for e in sandbox.accepted()}
    assert journey["message_id"].strip("<>") == message_ids["defer1@example.org"].strip("<>")
    text = scratch.run("trace", "defer1@example.org").stdout
    assert "451" in text and "deferred" in text and "delivered" in text


def test_trace_of_one_campaign(scratch, sandbox):
    scratch.import_list(["a@example.org"])
    for name in ("one", "two"):
        scratch.run("launch", scratch.campaign(sandbox.port, name=name), "--yes")
    assert {j["campaign"] for j in scratch.json("trace", "a@example.org")} == {"one", "two"}
    journeys = scratch.json("trace", "a@example.org", "--campaign", "two")
    assert [j["campaign"] for j in journeys] == ["two"]
    scratch.run("trace", "a@example.org", "--campaign", "three", code=66)


def test_trace_of_nobody_is_66(finished):
    finished.run("trace", "stranger@example.org", code=66)
    finished.run("trace", "no address", code=65)


@pytest.fixture
def in_doubt(scratch, sandbox):
    scratch.import_list([f"drop{i}@example.org" for i in range(5)] + ["a@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", code=4)
    scratch.receiver = sandbox
    return scratch


def test_resolve_lists_those_in_doubt(in_doubt):
    listed = in_doubt.json("resolve", "spring", "--list", code=4)
    assert sorted(e["address"] for e in listed) == [f"drop{i}@example.org" for i in range(5)]
    assert all(re.fullmatch(RFC3339, e["at"]) for e in listed)
    assert all(e["message_id"] for e in listed)
    text = in_doubt.run("resolve", "spring", "--list", code=4).stdout
    assert "drop3@example.org" in text


@pytest.mark.parametrize("choice,state", [("--assume-delivered", "delivered"),
                                          ("--assume-failed", "failed")])
def test_resolve_decides(in_doubt, choice, state):
    in_doubt.run("resolve", "spring", choice)
    states = in_doubt.states()
    assert all(states[f"drop{i}@example.org"] == state for i in range(5))
    counts = check_conserved(in_doubt.report())
    assert counts["in_doubt"] == 0
    assert in_doubt.json("resolve", "spring", "--list") == []
    in_doubt.run("resolve", "spring", choice)


def test_resolve_retry_sends_again_with_the_same_message_id(in_doubt):
    before = in_doubt.json("resolve", "spring", "--list", code=4)
    in_doubt.run("resolve", "spring", "--retry")
    assert in_doubt.report()["counts"]["in_doubt"] == 0
    in_doubt.run("resume", "spring", code=4)
    after = in_doubt.json("resolve", "spring", "--list", code=4)
    assert {e["address"]: e["message_id"] for e in before} == {
        e["address"]: e["message_id"] for e in after}


def test_resolve_one_address_alone(in_doubt):
    in_doubt.run("resolve", "spring", "--assume-delivered", "--address", "drop1@example.org",
                 code=4)
    states = in_doubt.states()
    assert states["drop1@example.org"] == "delivered"
    assert states["drop2@example.org"] == "in_doubt"
    steps = in_doubt.json("trace", "drop1@example.org")[0]["attempts"]
    assert steps[-1]["stage"] == "resolve" and steps[-1]["state"] == "delivered"


def test_resolve_is_refused_while_a_run_is_alive(scratch, sandbox):
    scratch.import_list(["drop1@a.example"] + [f"r{i}@b.example" for i in range(200)])
    file = scratch.campaign(sandbox.port,
                            extra="limits:\n  - domains: [b.example]\n    rate: 50/s\n")
    process = scratch.start("launch", file, "--yes")
    wait_until(lambda: len(sandbox.accepted()) > 5, what="the first messages")
    scratch.run("resolve", "spring", "--assume-delivered", code=77)
    scratch.finish(process, code=4)


@pytest.mark.parametrize("command", [["status"], ["status", "spring"], ["lists"],
                                     ["trace", "bounce1@example.org"], ["suppress", "list"],
                                     ["report", "spring"], ["lists", "show", "people"]])
def test_every_csv_has_a_header_and_even_rows(finished, command):
    text = finished.run(*command, "--format", "csv").stdout
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) >= 2
    assert {len(row) for row in rows} == {len(rows[0])}
    assert all(re.fullmatch(r"[a-z_]+", cell) for cell in rows[0])


def test_resolve_wants_one_choice(in_doubt):
    in_doubt.run("resolve", "spring", code=64)
    in_doubt.run("resolve", "spring", "--list", "--retry", code=64)


def test_report_of_all_states_has_every_key(finished):
    assert set(finished.report()["counts"]) == {"audience", *STATES}
    json.loads(finished.run("report", "spring", "--format", "json").stdout)
