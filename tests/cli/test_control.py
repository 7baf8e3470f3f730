"""pause, resume and cancel from another terminal; Ctrl-C once, twice, thrice."""

import signal
import sqlite3
import time

import pytest

from conftest import check_conserved, wait_until

SLOW = "limits:\n  - domains: ['*']\n    rate: 40/s\n"


@pytest.fixture
def running(scratch, sandbox):
    """A campaign of 300 that takes about 8 s, under way."""
    scratch.import_list([f"r{i}@example.org" for i in range(300)])
    scratch.file = scratch.campaign(sandbox.port, extra=SLOW)
    scratch.receiver = sandbox
    scratch.process = scratch.start("launch", scratch.file, "--yes")
    wait_until(lambda: len(sandbox.accepted()) > 20, what="the first messages")
    return scratch


def finish_fast(scratch):
    """Takes the brake out of the campaign file and resumes."""
    text = (scratch.path / scratch.file).read_text()
    scratch.write(scratch.file, text.replace(SLOW, ""))
    scratch.run("resume", "spring")
    counts = check_conserved(scratch.report())
    assert counts["delivered"] == 300
    assert len(scratch.receiver.counts()) == 300
    assert set(scratch.receiver.counts().values()) == {1}


def test_pause_and_resume(running):
    running.run("pause", "spring")
    running.finish(running.process, code=75)
    report = running.report()
    assert report["state"] == "paused"
    counts = check_conserved(report)
    assert counts["in_doubt"] == counts["armed"] == counts["claimed"] == 0
    assert counts["delivered"] == len(running.receiver.accepted())
    assert counts["pending"] == 300 - counts["delivered"]
    finish_fast(running)


def test_pause_twice_is_harmless(running):
    running.run("pause", "spring")
    running.finish(running.process, code=75)
    running.run("pause", "spring")
    assert running.report()["state"] == "paused"


def test_cancel_ends_it_for_good(running):
    running.run("cancel", "spring")
    running.process.communicate(timeout=30)
    report = running.report()
    assert report["state"] == "cancelled"
    counts = check_conserved(report)
    assert counts["cancelled"] == 300 - counts["delivered"] > 0
    assert counts["delivered"] == len(running.receiver.accepted())
    running.run("resume", "spring", code=3)
    assert len(running.receiver.accepted()) == counts["delivered"]


def test_cancel_of_a_paused_campaign(running):
    running.run("pause", "spring")
    running.finish(running.process, code=75)
    running.run("cancel", "spring")
    report = running.report()
    assert report["state"] == "cancelled"
    assert check_conserved(report)["pending"] == 0


def over(scratch, *args, code=0):
    """A command about a campaign that is over: its exit code, and one line that says so."""
    done = scratch.run(*args, code=code)
    line, = done.stdout.splitlines()
    assert done.stderr == ""
    return line


def test_a_finished_campaign_has_nothing_to_stop_or_to_resume(scratch, sandbox):
    scratch.import_list(["a@example.org", "bounce@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", code=3)
    assert over(scratch, "pause", "spring") == "spring: finished already, nothing is left to pause"
    assert "finished already" in over(scratch, "cancel", "spring")
    # The result again, also when nothing of what it was launched from is left.
    (scratch.path / "spring.yaml").unlink()
    scratch.run("lists", "delete", "people", "--yes")
    assert "finished" in over(scratch, "resume", "spring", code=3)
    assert scratch.report()["state"] == "finished"


def test_a_cancelled_campaign_has_nothing_to_stop_or_to_resume(scratch, sandbox):
    scratch.campaign(sandbox.port, extra="limits:\n  - domains: ['*']\n    rate: 1/d\n")
    scratch.import_list(["a@example.org", "b@example.org"])
    process = scratch.start("launch", "spring.yaml", "--yes")
    wait_until(lambda: len(sandbox.accepted()) == 1, what="the first message")
    wait_until(lambda: scratch.report()["counts"]["delivered"] == 1, what="its outcome")
    scratch.run("cancel", "spring")
    scratch.finish(process, code=3)
    assert over(scratch, "cancel", "spring") == "spring: cancelled"
    assert "cancelled already" in over(scratch, "pause", "spring")
    assert "another name" in over(scratch, "resume", "spring", code=3)
    assert scratch.report()["state"] == "cancelled"
    scratch.run("resolve", "spring", "--retry", code=64)
    scratch.run("--quiet", "cancel", "spring")
    assert scratch.run("--quiet", "cancel", "spring").stdout == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_once_drains(running, number):
    running.process.send_signal(number)
    running.finish(running.process, code=75)
    report = running.report()
    assert report["state"] in ("interrupted", "paused")
    counts = check_conserved(report)
    assert counts["in_doubt"] == counts["armed"] == counts["claimed"] == 0
    assert counts["delivered"] == len(running.receiver.accepted())
    finish_fast(running)


def test_interrupt_once_waits_for_what_is_on_the_wire(scratch, sandbox):
    scratch.import_list([f"slow{i}@example.org" for i in range(4)])
    process = scratch.start("launch", scratch.campaign(sandbox.port), "--yes")
    wait_until(lambda: any(c["counts"]["armed"] for c in scratch.json("status")),
               what="an armed message")
    process.send_signal(signal.SIGINT)
    scratch.finish(process, code=None)
    counts = check_conserved(scratch.report())
    assert counts["in_doubt"] == 0
    assert counts["delivered"] == len(sandbox.accepted())


def test_interrupt_twice_stops_at_once(scratch):
    sandbox = scratch.sandbox("--latency", "3000")
    scratch.import_list([f"r{i}@example.org" for i in range(50)])
    process = scratch.start("launch", scratch.campaign(sandbox.port), "--yes")
    wait_until(lambda: scratch.json("status") and scratch.json("status", "spring")["counts"][
        "claimed"] > 0, what="the campaign to be under way")
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    scratch.finish(process, code=None, timeout=10)
    assert time.monotonic() - start < 3
    assert process.returncode in (4, 75, 130)
    assert check_conserved(scratch.report())["audience"] == 50


def test_interrupt_thrice_ends_a_run_whose_database_is_locked(running):
    other = sqlite3.connect(running.path / "broadside.db", isolation_level=None)
    other.execute("begin immediate")
    time.sleep(0.3)
    for _ in range(3):
        assert running.process.poll() is None
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    running.finish(running.process, code=-signal.SIGINT, timeout=10)
    other.execute("rollback")
    other.close()
    text = (running.path / running.file).read_text()
    running.write(running.file, text.replace(SLOW, ""))
    assert running.run("resume", "spring", code=None).returncode in (0, 4)
    counts = check_conserved(running.report())
    assert counts["delivered"] + counts["in_doubt"] == 300
    assert set(running.receiver.counts().values()) == {1}


def test_changed_template_is_refused_on_resume(running):
    running.run("pause", "spring")
    running.finish(running.process, code=75)
    running.write("spring.txt", "Something else, {{ name }}\n")
    done = running.run("resume", "spring", code=78)
    assert "--allow-change" in done.stderr
    text = (running.path / running.file).read_text()
    running.write(running.file, text.replace(SLOW, ""))
    running.run("resume", "spring", code=78)
    running.run("resume", "spring", "--allow-change")
    assert running.report()["counts"]["delivered"] == 300


def test_suppression_during_a_run_counts(running):
    running.run("suppress", "add", "r299@example.org")
    running.finish(running.process)
    assert running.states()["r299@example.org"] == "suppressed"
    assert running.receiver.counts()["r299@example.org"] == 0


def test_reports_during_a_run_are_consistent(running):
    for _ in range(5):
        counts = check_conserved(running.report())
        assert counts["audience"] == 300
        assert len(running.states()) == 300
    running.finish(running.process)
