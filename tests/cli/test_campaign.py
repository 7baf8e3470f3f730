"""A whole campaign: everybody accounted for, every personality in its right state."""

import csv
import io
import json
import re

import pytest

from conftest import FULL, check_conserved

RETRY = "retry:\n  first: 1s\n  factor: 1\n  give-up: 30s\n"

# Rows that have to be rejected, whatever stands around them.
BAD_ROWS = [
    b"no at sign,x,x", b",empty,x", b"two@@example.org,x,x", b"a b@example.org,x,x",
    b"a@,x,x", b"@example.org,x,x", b".dot@example.org,x,x", b"dot.@example.org,x,x",
    b"a..b@example.org,x,x", b"a@-example.org,x,x", b"a@exa_mple..org,x,x",
    b"x" * 65 + b"@example.org,x,x", b"a@" + b"d" * 64 + b".org,x,x",
    b"few@example.org,x", b"many@example.org,x,x,x", b"latin@example.org,J\xfcrgen,x",
    b"nul@example.org,a\0b,x", b'"a\nb@example.org",x,x', b"<a@example.org>,x,x",
    b"a@example.org;b@example.org,x,x", b"a@example.org\x07,x,x",
]


def mixed_list(count, domains):
    """A CSV of `count` good rows with bad rows, blank lines and quoted line breaks
    between; (bytes, {address}, {line of each bad row})."""
    out, good, bad_lines, line = [b"email,name,note\n"], [], [], 2
    for number in range(count):
        address = f"r{number}@d{number % domains}.example"
        good.append(address)
        note = f'"two\nlines, {number}"' if number % 97 == 0 else f"note {number}"
        row = f"{address},Name {number},{note}\n".encode()
        out.append(row)
        line += row.count(b"\n")
        if number % 50 == 0:
            bad = BAD_ROWS[number // 50 % len(BAD_ROWS)] + b"\n"
            bad_lines.append(line)
            out.append(bad)
            line += bad.count(b"\n")
        if number % 333 == 0:
            out.append(b"\n")
            line += 1
    return b"".join(out), set(good), bad_lines


def test_everybody_exactly_once_and_bad_rows_rejected(scratch, sandbox):
    count, domains = (100_000, 2_000) if FULL else (4_000, 200)
    text, good, bad_lines = mixed_list(count, domains)
    scratch.write("people.csv", text)
    summary = scratch.json("import", "people", "people.csv")
    assert summary["imported"] == count
    assert summary["rejected"] == len(bad_lines)
    assert summary["rows"] == count + len(bad_lines)
    with open(scratch.path / "people.csv.rejects.csv", newline="", encoding="utf-8",
              errors="surrogateescape") as f:
        rejects = list(csv.DictReader((line.replace("\0", "?") for line in f)))
    assert [int(row["line"]) for row in rejects] == bad_lines
    assert all(row["reason"] for row in rejects)

    file = scratch.campaign(sandbox.port, text="Hello {{ name }}, {{ note }}\n",
                            relay={"connections": 16})
    scratch.run("launch", file, "--yes", timeout=600)
    counts = sandbox.counts()
    assert set(counts) == good
    assert set(counts.values()) == {1}
    report = scratch.report()
    assert check_conserved(report)["delivered"] == count
    assert report["state"] == "finished"
    assert len({entry["message_id"] for entry in sandbox.accepted()}) == count


PERSONALITIES = {  # local part: final state, attempts, accepted by the sandbox
    "ok": ("delivered", 1, 1), "bounce": ("failed", 1, 0), "full": ("expired", None, 0),
    "defer": ("delivered", 2, 1), "busy": (None, None, 0), "spam": ("failed", 1, 0),
    "drop": ("in_doubt", 1, 0), "slow": ("delivered", 1, 1),
}


def test_personalities_end_in_the_right_states(scratch, sandbox):
    each = 5
    people = [f"{word}{i}@{word}.example" for word in PERSONALITIES for i in range(each)
              if word != "busy"]
    scratch.import_list(people)
    file = scratch.campaign(sandbox.port, extra="retry:\n  first: 1s\n  factor: 1\n"
                            "  give-up: 4s\n")
    scratch.run("launch", file, "--yes", code=4, timeout=180)
    text = scratch.run("report", "spring", "--format", "csv").stdout
    rows = {row["address"]: row for row in csv.DictReader(io.StringIO(text))}
    accepted = sandbox.counts()
    for address in people:
        state, attempts, received = PERSONALITIES[re.match("[a-z]+", address).group()]
        assert rows[address]["state"] == state, rows[address]
        if attempts is not None:
            assert int(rows[address]["attempts"]) == attempts, rows[address]
        assert accepted[address] == received, address
    assert int(rows["full0@full.example"]["attempts"]) >= 2
    counts = check_conserved(scratch.report())
    assert (counts["delivered"], counts["failed"], counts["expired"], counts["in_doubt"]) == (
        3 * each, 2 * each, each, each)


def test_busy_server_costs_nobody_an_attempt_for_ever(scratch, sandbox):
    """421 closes the connection: the recipient is tried again later, others go on."""
    scratch.import_list(["busy1@busy.example"] + [f"ok{i}@ok.example" for i in range(50)])
    file = scratch.campaign(sandbox.port, relay={"connections": 2},
                            extra="retry:\n  first: 1s\n  factor: 1\n  give-up: 4s\n")
    scratch.run("launch", file, "--yes", code=3, timeout=180)
    states = scratch.states()
    assert states["busy1@busy.example"] == "expired"
    assert all(states[f"ok{i}@ok.example"] == "delivered" for i in range(50))
    assert set(sandbox.counts().values()) == {1}


def test_deferred_are_retried_and_delivered(scratch, sandbox):
    people = [f"defer{i}@d{i % 7}.example" for i in range(100)]
    scratch.import_list(people)
    scratch.run("launch", scratch.campaign(sandbox.port, extra=RETRY), "--yes")
    assert sandbox.counts() == {address: 1 for address in people}
    report = scratch.report()
    assert report["counts"]["delivered"] == 100
    assert report["attempts"] == 200


def test_no_wait_leaves_deferred_for_resume(scratch, sandbox):
    scratch.import_list(["defer1@example.org", "ok@example.org"])
    file = scratch.campaign(sandbox.port, extra=RETRY)
    scratch.run("launch", file, "--yes", "--no-wait", code=75)
    assert scratch.states() == {"defer1@example.org": "deferred", "ok@example.org": "delivered"}
    scratch.run("resume", "spring")
    assert scratch.states() == {"defer1@example.org": "delivered", "ok@example.org": "delivered"}


def test_slow_recipients_do_not_stop_the_others(scratch, sandbox):
    scratch.import_list(["slow1@slow.example"] + [f"r{i}@d{i % 20}.example" for i in range(400)])
    scratch.run("launch", scratch.campaign(sandbox.port, relay={"connections": 3}), "--yes")
    order = [entry["rcpt"] for entry in sandbox.accepted()]
    assert len(order) == 401
    assert order.index("slow1@slow.example") > 100


def test_in_doubt_retry_sends_again_the_same_message(scratch, sandbox):
    scratch.import_list(["drop1@example.org", "ok@example.org"])
    file = scratch.campaign(sandbox.port, extra="in-doubt: retry\nretry:\n  first: 1s\n"
                            "  factor: 1\n  give-up: 3s\n")
    scratch.run("launch", file, "--yes", code=None, timeout=60)
    trace = scratch.json("trace", "drop1@example.org")[0]
    assert len(trace["attempts"]) >= 2
    assert trace["state"] in ("expired", "in_doubt")


def test_limit_sends_the_first_n_only(scratch, sandbox):
    scratch.import_list([f"r{i}@d{i % 3}.example" for i in range(30)])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", "--limit", "7")
    assert set(sandbox.counts()) == {f"r{i}@d{i % 3}.example" for i in range(7)}
    assert scratch.report()["counts"]["audience"] == 7


def test_limit_counts_those_whom_where_keeps(scratch, sandbox):
    rows = "".join(f"r{i}@d{i % 3}.example,{'pro' if i % 2 else 'free'}\n" for i in range(30))
    scratch.write("people.csv", "email,plan\n" + rows)
    scratch.json("import", "people", "people.csv")
    scratch.run("suppress", "add", "r3@d0.example", "r2@d2.example")
    file = scratch.campaign(sandbox.port, where="'plan == \"pro\"'")
    out = scratch.run("launch", file, "--dry-run", "--limit", "4").stdout
    assert re.search(r"dry run: 3 of 8 .* \(4 left out by where, 1 suppressed, 0 invalid\)", out)
    scratch.run("launch", file, "--yes", "--limit", "4")
    assert set(sandbox.counts()) == {"r1@d1.example", "r5@d2.example", "r7@d1.example"}
    counts = scratch.report()["counts"]
    assert (counts["audience"], counts["suppressed"]) == (4, 1)


def test_where_chooses_the_audience(scratch, sandbox):
    scratch.write("people.csv", "email,plan,orders\na@example.org,pro,4\n"
                  "b@example.org,pro,3\nc@example.org,free,9\n")
    scratch.json("import", "people", "people.csv")
    file = scratch.campaign(sandbox.port, where="'plan == \"pro\" and orders > 3'")
    scratch.run("launch", file, "--yes")
    assert set(sandbox.counts()) == {"a@example.org"}
    assert scratch.report()["counts"]["audience"] == 1


def test_dry_run_opens_no_connection_and_creates_nothing(scratch, sandbox):
    scratch.import_list(["a@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", "--dry-run")
    assert sandbox.accepted() == []
    assert scratch.json("status") == []


def test_unrenderable_recipient_is_invalid_and_alone(scratch, sandbox):
    scratch.import_list(["a@example.org", "b@example.org"])
    file = scratch.campaign(sandbox.port, text="{% if name == 'name 0' %}"
                            "{{ 1 | divided_by: 0 }}{% endif %}hi\n")
    done = scratch.run("launch", file, "--yes", code=None)
    if done.returncode == 65:
        pytest.skip("refused before anything was sent")
    assert done.returncode == 3
    assert scratch.states() == {"a@example.org": "invalid", "b@example.org": "delivered"}


def test_hostile_values_make_no_header_and_no_command(scratch, sandbox):
    scratch.write("people.csv", b'email,name\na@example.org,"x\r\nBcc: evil@example.org\r\n'
                  b'\r\n.\r\nMAIL FROM:<evil@example.org>\r\n"\n')
    scratch.json("import", "people", "people.csv")
    file = scratch.campaign(sandbox.port, subject="'Hi {{ name }}'",
                            text="Hello {{ name }}\n.\n..\n")
    done = scratch.run("launch", file, "--yes", code=None)
    assert done.returncode in (0, 3, 65)
    assert set(sandbox.counts()) <= {"a@example.org"}
    assert all(e["mail_from"] == "news@acme.example" for e in sandbox.accepted())


def test_smtputf8_addresses_are_accounted_for(scratch, sandbox):
    scratch.write("people.csv", "email\nj\u00fcrgen@example.org\nx@b\u00fccher.example\n")
    summary = scratch.json("import", "people", "people.csv")
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", code=None)
    counts = check_conserved(scratch.report())
    assert counts["audience"] == summary["imported"]
    assert counts["delivered"] + counts["failed"] == counts["audience"]
    assert "x@xn--bcher-kva.example" in sandbox.counts()


def test_message_is_what_preview_shows(scratch):
    maildir = scratch.path / "maildir"
    sandbox = scratch.sandbox("--dir", maildir)
    scratch.import_list(["a@example.org"])
    file = scratch.campaign(sandbox.port, text="Grüße, {{ name }}\n.dot\n")
    scratch.run("launch", file, "--yes")
    arrived = [f for f in (maildir / "new").iterdir()]
    assert len(arrived) == 1
    import email
    import email.policy
    message = email.message_from_bytes(arrived[0].read_bytes(), policy=email.policy.default)
    assert not message.defects
    assert message["From"] == "Acme News <news@acme.example>"
    assert message["To"] == "a@example.org"
    body = message.get_body().get_content().replace("\r\n", "\n")
    assert body == "Grüße, name 0\n.dot\n"
    journeys = json.loads(scratch.run("trace", "a@example.org", "--format", "json").stdout)
    assert journeys[0]["message_id"].strip("<>") == message["Message-ID"].strip("<>")
