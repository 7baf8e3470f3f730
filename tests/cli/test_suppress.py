"""`suppress`: who is never written to, why, and since when."""

import csv
import io
import re

import pytest

RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def entries(scratch):
    """Address in lower case -> entry."""
    return {entry["address"].lower(): entry for entry in scratch.json("suppress", "list")}


def test_add_list_remove(scratch):
    scratch.run("suppress", "add", "Ada@Example.ORG", "--cause", "complaint")
    entry = entries(scratch)["ada@example.org"]
    assert entry["cause"] == "complaint"
    assert entry["source"] == "command"
    assert re.fullmatch(RFC3339, entry["time"])
    text = scratch.run("suppress", "list").stdout
    assert "ada@example.org" in text.lower() and "complaint" in text
    scratch.run("suppress", "remove", "ada@EXAMPLE.org")
    assert entries(scratch) == {}


def test_empty_list(scratch):
    assert scratch.json("suppress", "list") == []
    rows = scratch.run("suppress", "list", "--format", "csv").stdout
    assert rows == "address,cause,source,time,campaign,note\n"


def test_add_is_idempotent(scratch):
    scratch.run("suppress", "add", "a@example.org")
    first = entries(scratch)
    scratch.run("suppress", "add", "A@example.org")
    assert entries(scratch) == first


def test_several_addresses_at_once(scratch):
    scratch.run("suppress", "add", "a@example.org", "b@example.org", "@example.com")
    assert set(entries(scratch)) == {"a@example.org", "b@example.org", "@example.com"}
    scratch.run("suppress", "remove", "a@example.org", "@example.com")
    assert set(entries(scratch)) == {"b@example.org"}


def test_remove_of_what_is_not_there(scratch):
    scratch.run("suppress", "remove", "a@example.org", code=66)


@pytest.mark.parametrize("bad", ["", "no at sign", "a@", "@", "a b@example.org", "a@b@c",
                                 "@exa mple.org", "a@example.org\nb@example.org"])
def test_invalid_address_is_65_and_changes_nothing(scratch, bad):
    scratch.run("suppress", "add", "good@example.org", bad, code=65)
    assert entries(scratch) == {}


def test_import_and_export_round_trip(scratch):
    scratch.run("suppress", "add", "a@example.org", "@example.com", "--cause", "unsubscribe")
    exported = scratch.run("suppress", "export").stdout
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert [row["address"] for row in rows] == ["@example.com", "a@example.org"]
    scratch.write("s.csv", exported)
    scratch.run("--db", "other.db", "suppress", "import", "s.csv")
    assert scratch.run("--db", "other.db", "suppress", "export").stdout == exported


def test_import_of_plain_lines(scratch):
    scratch.write("s.txt", "a@example.org\n\nB@Example.org\r\n@example.com\n")
    done = scratch.run("suppress", "import", "s.txt", "--cause", "old tool", "--format", "json")
    assert '"added": 3' in done.stdout
    assert {e["cause"] for e in entries(scratch).values()} == {"old tool"}
    assert "@example.com" in entries(scratch)


def test_import_says_which_lines_are_bad_and_takes_the_others(scratch):
    scratch.write("s.txt", "a@example.org\nbroken\nb@example.org\n")
    done = scratch.run("suppress", "import", "s.txt", code=65)
    assert "s.txt:2" in done.stderr
    assert set(entries(scratch)) == {"a@example.org", "b@example.org"}


def test_import_from_standard_input(scratch):
    scratch.run("suppress", "import", "-", stdin="a@example.org\n")
    assert set(entries(scratch)) == {"a@example.org"}


def test_suppressed_recipients_are_not_sent(scratch, sandbox):
    scratch.import_list(["a@example.org", "B@example.org", "c@example.com", "d@example.com",
                         "e@sub.example.com"])
    scratch.run("suppress", "add", "b@example.org", "@example.com")
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes")
    assert set(sandbox.counts()) == {"a@example.org", "e@sub.example.com"}
    counts = scratch.report()["counts"]
    assert counts["suppressed"] == 3 and counts["delivered"] == 2


def test_hard_bounce_is_suppressed_with_its_campaign(scratch, sandbox):
    scratch.import_list(["bounce1@example.org", "full2@example.org", "ok@example.org"])
    file = scratch.campaign(sandbox.port, extra="retry:\n  first: 1s\n  give-up: 2s\n")
    scratch.run("launch", file, "--yes", code=3)
    found = entries(scratch)
    assert set(found) == {"bounce1@example.org"}
    assert "spring" in str(found["bounce1@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port, name="summer",
                                           extra="retry:\n  first: 1s\n  give-up: 2s\n"),
                "--yes", code=3)
    assert scratch.states("summer")["bounce1@example.org"] == "suppressed"
