"""Help, version, wrong usage: what every command does alike."""

import re
import subprocess

import pytest

from conftest import BINARY

COMMANDS = ["import", "lists", "lists show", "lists export", "lists delete", "render",
            "address check", "classify", "preview", "check", "launch", "resume", "pause",
            "cancel", "resolve", "status", "report", "trace", "suppress add",
            "suppress remove", "suppress list", "suppress import", "suppress export",
            "sandbox"]


def test_version_is_a_line(scratch):
    assert re.fullmatch(r"broadside \d+\.\d+\.\d+\n", scratch.run("--version").stdout)


def test_help_lists_every_command(scratch):
    text = scratch.run("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", text, re.M), command


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(scratch, command):
    text = scratch.run(*command.split(), "--help").stdout
    assert f"usage: broadside [OPTIONS] {command}" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_option_is_64(scratch, command):
    done = scratch.run(*command.split(), "--no-such-option", code=64)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("broadside: ")


@pytest.mark.parametrize("args", [[], ["no-such-command"], ["--db"], ["report"],
                                  ["report", "a", "b"], ["lists", "show"],
                                  ["report", "a", "--format", "xml"], ["suppress"],
                                  ["resolve", "a"], ["--no-such-option", "lists"]])
def test_wrong_usage_is_64(scratch, args):
    done = scratch.run(*args, code=64)
    assert done.stdout == ""
    assert done.stderr.strip()


@pytest.mark.parametrize("args", [["report", "nobody"], ["status", "nobody"],
                                  ["resolve", "nobody", "--list"], ["pause", "nobody"],
                                  ["cancel", "nobody"], ["resume", "nobody"],
                                  ["lists", "show", "nobody"], ["lists", "export", "nobody"],
                                  ["lists", "delete", "nobody", "--yes"],
                                  ["import", "people", "nobody.csv"],
                                  ["launch", "nobody.yaml", "--yes"]])
def test_what_is_not_there_is_66(scratch, args):
    done = scratch.run(*args, code=66)
    assert done.stdout == ""
    assert re.fullmatch(r"broadside: [^\n]*nobody[^\n]*\n", done.stderr), done.stderr


def test_database_is_private_and_made_on_first_use(scratch):
    scratch.import_list(["a@example.org"])
    assert (scratch.path / "broadside.db").stat().st_mode & 0o777 == 0o600


def test_database_is_chosen_by_option_then_environment(scratch):
    scratch.write("p.csv", "email\na@example.org\n")
    scratch.run("--db", "one.db", "import", "p", "p.csv", env={"BROADSIDE_DB": "two.db"})
    assert (scratch.path / "one.db").exists()
    assert not (scratch.path / "two.db").exists()
    scratch.run("import", "p", "p.csv", env={"BROADSIDE_DB": "two.db"})
    assert (scratch.path / "two.db").exists()
    assert not (scratch.path / "broadside.db").exists()


@pytest.mark.parametrize("content", [b"this is no database, it is a text\n" * 100,
                                     b"SQLite format 3\0" + b"\xff" * 4000],
                         ids=["text", "torn"])
def test_foreign_database_is_74(scratch, content):
    file = scratch.write("broadside.db", content)
    done = scratch.run("lists", code=74)
    assert re.fullmatch(r"broadside: [^\n]*broadside\.db[^\n]*\n", done.stderr)
    assert file.read_bytes() == content


def test_another_programs_sqlite_file_is_74_and_untouched(scratch):
    import sqlite3
    db = sqlite3.connect(scratch.path / "broadside.db")
    db.execute("CREATE TABLE theirs(x)")
    db.commit()
    db.close()
    before = (scratch.path / "broadside.db").read_bytes()
    scratch.run("lists", code=74)
    assert (scratch.path / "broadside.db").read_bytes() == before


def test_newer_schema_is_74(scratch):
    import sqlite3
    scratch.import_list(["a@example.org"])
    db = sqlite3.connect(scratch.path / "broadside.db")
    db.execute("PRAGMA user_version = 9999")
    db.close()
    done = scratch.run("lists", code=74)
    assert "newer" in done.stderr or "version" in done.stderr


def test_database_in_a_missing_directory_is_74(scratch):
    scratch.run("--db", "no/such/place.db", "lists", code=74)


def test_reader_that_went_away_is_no_crash(scratch):
    scratch.import_list([f"r{i}@example.org" for i in range(5000)])
    done = subprocess.run(f"'{BINARY}' lists export people | head -n 1", shell=True,
                          cwd=scratch.path, env=scratch.env, capture_output=True, text=True,
                          timeout=60)
    assert done.stdout.startswith("email")
    assert done.stderr == ""


def test_full_disk_on_output_is_74(scratch):
    scratch.import_list([f"r{i}@example.org" for i in range(100)])
    with open("/dev/full", "w") as full:
        process = scratch.start("lists", "export", "people", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 74
    assert "standard output" in err
