"""The disk gets full, the database is taken away: exit 74, and resume goes on."""

import os
import resource
import sqlite3
import subprocess

import pytest

from conftest import BINARY, check_conserved, wait_until


def limited_to(size):
    """No file may grow beyond `size` bytes: what a full disk looks like to one process."""
    def apply():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    # Otherwise SIGXFSZ would end it before it sees the error.
    return {"preexec_fn": apply, "restore_signals": False}


def test_disk_full_in_the_middle_of_a_run(scratch, sandbox):
    people = [f"r{i}@d{i % 40}.example" for i in range(6000)]
    scratch.import_list(people)
    file = scratch.campaign(sandbox.port)
    # Enough to launch, not enough to record everybody.
    process = scratch.start("launch", file, "--yes", **limited_to(1_500_000))
    out, err = scratch.finish(process, code=74)
    assert "disk" in err or "full" in err or "write" in err, err
    counts = check_conserved(scratch.report())
    assert 0 < counts["delivered"] < 6000
    assert counts["delivered"] <= len(sandbox.counts())
    done = scratch.run("resume", "spring", code=None)
    states, accepted = scratch.states(), sandbox.counts()
    doubtful = [a for a, s in states.items() if s == "in_doubt"]
    assert done.returncode == (4 if doubtful else 0)
    assert set(accepted.values()) == {1}
    assert len(doubtful) <= 1024
    assert all(accepted[a] == 1 for a in people if a not in doubtful)


def test_disk_full_during_import_stores_nothing(scratch):
    rows = "".join(f"r{i}@example.org,{'x' * 100}\n" for i in range(20_000))
    scratch.write("people.csv", "email,name\n" + rows)
    process = scratch.start("import", "people", "people.csv", **limited_to(500_000))
    scratch.finish(process, code=74)
    scratch.run("lists", "show", "people", code=66)
    assert scratch.json("import", "people", "people.csv")["imported"] == 20_000


def test_disk_full_at_launch_leaves_no_half_campaign(scratch, sandbox):
    scratch.import_list([f"r{i}@d{i % 40}.example" for i in range(20_000)])
    size = (scratch.path / "broadside.db").stat().st_size
    process = scratch.start("launch", scratch.campaign(sandbox.port), "--yes",
                            **limited_to(max(size // 4, 100_000)))
    scratch.finish(process, code=74)
    assert scratch.json("status") == []
    assert sandbox.accepted() == []


def test_torn_database_is_74_and_says_so(scratch):
    scratch.import_list([f"r{i}@example.org" for i in range(5000)])
    db = sqlite3.connect(scratch.path / "broadside.db")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    data = bytearray((scratch.path / "broadside.db").read_bytes())
    for at in range(4096, len(data), 4096):
        data[at:at + 64] = b"\xa5" * 64
    (scratch.path / "broadside.db").write_bytes(data)
    done = scratch.run("lists", "export", "people", code=74)
    assert "broadside.db" in done.stderr


def test_another_name_of_the_database_has_the_same_lock(scratch, sandbox):
    people = [f"r{i}@example.org" for i in range(300)]
    scratch.import_list(people)
    file = scratch.campaign(sandbox.port, extra="limits:\n  - domains: ['*']\n    rate: 60/s\n")
    process = scratch.start("launch", file, "--yes")
    wait_until(lambda: len(sandbox.accepted()) > 5, what="the first messages")
    (scratch.path / "other").mkdir()
    (scratch.path / "other/link.db").symlink_to(scratch.path / "broadside.db")
    scratch.run("--db", "other/link.db", "resume", "spring", code=77)
    scratch.finish(process)
    assert set(sandbox.counts().values()) == {1}


def test_another_reader_does_not_stop_a_run(scratch, sandbox):
    """A report that is being read for long must not stop the sender."""
    scratch.import_list([f"r{i}@d{i % 40}.example" for i in range(3000)])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", "--limit", "1")
    reader = sqlite3.connect(scratch.path / "broadside.db")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM delivery").fetchone()
    scratch.run("launch", scratch.campaign(sandbox.port, name="summer"), "--yes")
    reader.close()
    assert scratch.report("summer")["counts"]["delivered"] == 3000


def test_a_hard_link_is_refused(scratch):
    """Its log has another name, so it would be an older database that is written to."""
    scratch.import_list(["a@example.org"])
    os.link(scratch.path / "broadside.db", scratch.path / "hard.db")
    done = scratch.run("--db", "hard.db", "lists", code=74)
    assert "hard.db" in done.stderr and "hard links" in done.stderr
    os.unlink(scratch.path / "hard.db")
    scratch.run("lists")


def test_another_programs_database_is_left_alone(scratch):
    db = sqlite3.connect(scratch.path / "theirs.db")
    db.execute("CREATE TABLE t(x)")
    db.commit()
    db.close()
    before = (scratch.path / "theirs.db").read_bytes()
    assert "theirs.db" in scratch.run("--db", "theirs.db", "lists", code=74).stderr
    assert (scratch.path / "theirs.db").read_bytes() == before
    assert [f.name for f in scratch.path.iterdir()] == ["theirs.db"]


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>/dev/null", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_no_place_for_the_database(scratch, sandbox, closed):
    """With descriptor 2 free, what is said would go into the file opened next."""
    scratch.import_list([f"r{i}@example.org" for i in range(50)])
    file = scratch.campaign(sandbox.port)
    done = subprocess.run(
        ["sh", "-c", f"exec {BINARY} launch {file} --yes --verbose {closed}"],
        cwd=scratch.path, env=scratch.env, stdout=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0
    assert scratch.report()["counts"]["delivered"] == 50
    for name in ("broadside.db", "broadside.db-wal", "broadside.db.lock"):
        content = (scratch.path / name).read_bytes()
        assert b"broadside: " not in content and b"finished after" not in content, name
