"""Lists beside one another: an import touches its own list and nothing else."""

import csv
import io


def exported(scratch, name):
    text = scratch.run("lists", "export", name).stdout
    return [row["email"] for row in csv.DictReader(io.StringIO(text))]


def test_import_after_one_that_ends_with_a_duplicate(scratch):
    """The duplicate leaves its number to the next import, of whichever list."""
    scratch.write("one.csv", "email\na@x.example\nb@x.example\na@x.example\n")
    scratch.write("two.csv", "email\nc@x.example\nc@x.example\n")
    scratch.write("three.csv", "email\nd@x.example\n")
    scratch.run("import", "one", "one.csv")
    scratch.run("import", "two", "two.csv")
    scratch.run("import", "one", "three.csv")
    assert exported(scratch, "one") == ["a@x.example", "b@x.example", "d@x.example"]
    assert exported(scratch, "two") == ["c@x.example"]


def test_nobody_of_another_list_is_written_to(scratch, sandbox):
    scratch.write("one.csv", "email\na@x.example\na@x.example\n")
    scratch.write("two.csv", "email\nb@x.example\n")
    scratch.run("import", "one", "one.csv")
    scratch.run("import", "two", "two.csv")
    scratch.run("launch", scratch.campaign(sandbox.port, list="one", text="Hello\n"),
                "--yes")
    assert dict(sandbox.counts()) == {"a@x.example": 1}
