"""A database that may be read but not written: reports go on, changes are refused."""

import os
import shutil
import sqlite3

import pytest

from conftest import BINARY, check_error_line

READERS = [("lists",), ("lists", "show", "people"), ("lists", "export", "people"), ("status",),
           ("status", "spring"), ("report", "spring"), ("trace", "a@example.org"),
           ("suppress", "list"), ("suppress", "export"), ("resolve", "spring", "--list"),
           ("preview", "spring.yaml"), ("check", "spring.yaml")]
WRITERS = [("import", "people", "people.csv"), ("cancel", "spring"),
           ("suppress", "add", "b@example.org"), ("lists", "delete", "people", "--yes")]


@pytest.fixture
def read_only(scratch, sandbox):
    """A campaign that is over, in a folder where we, even if root, may not write."""
    scratch.import_list(["a@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes")
    sandbox.stop()
    bare = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root, and no setpriv(1)")
        bare = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    for file in scratch.path.glob("broadside.db*"):
        file.chmod(0o400)

    def run(*args, code):
        import subprocess
        scratch.path.chmod(0o500)
        done = subprocess.run([*bare, BINARY, *args], cwd=scratch.path, env=scratch.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        scratch.path.chmod(0o700)
        assert done.returncode == code, (args, done)
        if code:
            assert done.stderr.count("\n") == 1
            check_error_line(args, done.stderr)
        return done

    yield run
    scratch.path.chmod(0o700)


def test_readers_read(read_only):
    for args in READERS:
        done = read_only(*args, code=0)
        assert done.stderr == "" and done.stdout != ""


def test_writers_say_why_not(read_only):
    for args in WRITERS:
        assert "run it as the owner" in read_only(*args, code=77).stderr


def test_an_older_database_says_that_its_owner_is_needed(scratch, read_only):
    file = scratch.path / "broadside.db"
    file.chmod(0o600)
    # Open all the time, so that its index stays, which a reader could not make.
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("ALTER TABLE delivery DROP COLUMN room")
    database.execute("PRAGMA user_version = 2")
    file.chmod(0o400)
    assert "older version" in read_only("status", code=77).stderr
    file.chmod(0o600)
    scratch.run("status")
    file.chmod(0o400)
    assert read_only("status", code=0).stdout != ""
    database.close()


def test_a_folder_in_which_no_database_can_be_made(read_only):
    done = read_only("--db", "other.db", "lists", code=77)
    assert "no file can be made in that folder" in done.stderr


def test_without_its_index_a_database_cannot_be_read(scratch, read_only):
    (scratch.path / "broadside.db-shm").unlink()
    done = read_only("report", "spring", code=77)
    assert "broadside.db-shm" in done.stderr and "copy" in done.stderr
