"""`lists`, `lists show`, `lists export`, `lists delete`."""

import csv
import io


def test_no_lists_is_an_empty_answer(scratch):
    assert scratch.json("lists") == []
    assert scratch.run("lists").stdout


def test_lists_have_counts(scratch):
    scratch.import_list(["a@example.org", "b@example.org", "c@example.com"])
    scratch.import_list(["x@example.org"], name="other")
    lists = {entry["list"]: entry for entry in scratch.json("lists")}
    assert set(lists) == {"people", "other"}
    assert lists["people"]["recipients"] == 3
    text = scratch.run("lists").stdout
    assert "people" in text and "other" in text
    rows = list(csv.DictReader(io.StringIO(scratch.run("lists", "--format", "csv").stdout)))
    assert [(row["list"], row["recipients"]) for row in rows] == [
        (name, str(lists[name]["recipients"])) for name in sorted(lists)]


def test_show_says_columns_and_domains(scratch):
    scratch.import_list(["a@example.org", "b@example.org", "c@example.com"],
                        columns=("name", "Order no."))
    shown = scratch.json("lists", "show", "people")
    assert shown["list"] == "people"
    assert shown["recipients"] == 3
    assert shown["columns"] == ["email", "name", "Order no."]
    assert shown["domains"][0] == {"domain": "example.org", "recipients": 2}
    text = scratch.run("lists", "show", "people").stdout
    assert "example.org" in text and "Order no." in text


def test_export_round_trips_every_value(scratch):
    rows = [["email", "name", "note"],
            ["a@example.org", 'say "hi"', "two\nlines"],
            ["b@example.org", "=1+1", "+49 123"],
            ["c@example.org", " padded ", ""],
            ["d@example.org", "Jürgen, the 1st", "emoji \U0001f600"]]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    scratch.write("people.csv", out.getvalue())
    scratch.json("import", "people", "people.csv")
    exported = scratch.run("lists", "export", "people").stdout
    assert sorted(csv.reader(io.StringIO(exported))) == sorted(rows)
    scratch.write("again.csv", exported)
    scratch.json("import", "again", "again.csv")
    assert scratch.run("lists", "export", "again").stdout == exported


def test_export_to_a_file(scratch):
    scratch.import_list(["a@example.org"])
    scratch.run("lists", "export", "people", "--output", "out.csv")
    assert (scratch.path / "out.csv").read_text() == scratch.run("lists", "export",
                                                                 "people").stdout
    scratch.run("lists", "export", "people", "--output", "no/such/dir.csv", code=74)


def test_delete_wants_yes(scratch):
    scratch.import_list(["a@example.org"])
    scratch.run("lists", "delete", "people", code=64)
    scratch.run("lists", "show", "people")
    scratch.run("lists", "delete", "people", "--yes")
    scratch.run("lists", "show", "people", code=66)
    assert scratch.json("lists") == []


def test_delete_keeps_the_reports_of_campaigns_that_are_over(scratch, sandbox):
    scratch.import_list(["a@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes")
    scratch.run("lists", "delete", "people", "--yes")
    assert scratch.report()["counts"]["delivered"] == 1
    assert scratch.states() == {"a@example.org": "delivered"}


def test_delete_of_a_list_that_a_campaign_needs_is_refused(scratch):
    scratch.import_list(["a@example.org"])
    scratch.run("launch", scratch.campaign(1), "--yes", code=69)
    done = scratch.run("lists", "delete", "people", "--yes", code=77)
    assert "people" in done.stderr and "cancel" in done.stderr
    scratch.run("lists", "show", "people")
    scratch.run("cancel", "spring")
    scratch.run("lists", "delete", "people", "--yes")
