"""kill -9 in the middle, then resume: nobody lost, nobody twice, those in doubt listed."""

import random
import signal
import subprocess

import pytest

from conftest import FULL, check_conserved, wait_until


def check_ledger(scratch, sandbox, people):
    """What the report says against what the receiver has logged."""
    counts = check_conserved(scratch.report())
    assert counts["audience"] == len(people)
    accepted, states = sandbox.counts(), scratch.states()
    assert set(states) == set(people)
    twice = {a: n for a, n in accepted.items() if n > 1}
    assert not twice
    false = [a for a, s in states.items() if s == "delivered" and not accepted[a]]
    assert not false
    lost = [a for a, s in states.items() if s in ("pending", "claimed") and accepted[a]]
    assert not lost
    return states


@pytest.mark.parametrize("round_number", range(6 if FULL else 2))
def test_kill_and_resume_under_hold(scratch, sandbox, round_number):
    count = 20_000 if FULL else 4_000
    people = [f"r{i}@d{i % 40}.example" for i in range(count)]
    scratch.import_list(people)
    file = scratch.campaign(sandbox.port, relay={"connections": 16})
    process = scratch.start("launch", file, "--yes")
    some = random.Random(round_number).randint(50, count // 2)
    wait_until(lambda: len(sandbox.accepted()) > some, what="the campaign to be under way")
    process.send_signal(signal.SIGKILL)
    scratch.finish(process, code=-9)

    assert scratch.report()["state"] == "interrupted"
    done = scratch.run("resume", "spring", code=None, timeout=300)
    states = check_ledger(scratch, sandbox, people)
    doubtful = [a for a, s in states.items() if s == "in_doubt"]
    assert done.returncode == (4 if doubtful else 0), done.stderr
    assert len(doubtful) <= 1024
    listed = scratch.json("resolve", "spring", "--list", code=None)
    assert sorted(e["address"] for e in listed) == sorted(doubtful)
    rest = [a for a, s in states.items() if s not in ("delivered", "in_doubt")]
    assert not rest
    accepted = sandbox.counts()
    assert all(accepted[address] == 1 for address in set(people) - set(doubtful))


def test_unconfirmed_bound_holds(scratch, sandbox):
    people = [f"r{i}@d{i % 40}.example" for i in range(6000)]
    scratch.import_list(people)
    file = scratch.campaign(sandbox.port, relay={"connections": 16})
    process = scratch.start("launch", file, "--yes", "--max-unconfirmed", "8")
    wait_until(lambda: len(sandbox.accepted()) > 500, what="the campaign to be under way")
    process.kill()
    scratch.finish(process, code=-9)
    scratch.run("resume", "spring", code=None, timeout=300)
    states = check_ledger(scratch, sandbox, people)
    assert sum(s == "in_doubt" for s in states.values()) <= 8


def test_kill_again_and_again_then_resolve_by_the_log(scratch, sandbox):
    people = [f"r{i}@d{i % 40}.example" for i in range(6000)]
    scratch.import_list(people)
    file = scratch.campaign(sandbox.port, relay={"connections": 8})
    command = ("launch", file, "--yes")
    dice = random.Random(7)
    for _ in range(4):
        process = scratch.start(*command)
        before = len(sandbox.accepted())
        goal = before + dice.randint(1, 900)
        wait_until(lambda: len(sandbox.accepted()) > goal or process.poll() is not None,
                   what="progress")
        process.kill()
        process.communicate()
        check_ledger(scratch, sandbox, people)
        command = ("resume", "spring")
    scratch.run("resume", "spring", code=None, timeout=300)
    states = check_ledger(scratch, sandbox, people)
    assert set(states.values()) <= {"delivered", "in_doubt"}


def test_kill_under_retry_loses_nobody_and_repeats_identically(scratch, sandbox):
    people = [f"r{i}@d{i % 40}.example" for i in range(4000)]
    scratch.import_list(people)
    file = scratch.campaign(sandbox.port, relay={"connections": 8}, in_doubt="retry",
                            extra="retry:\n  first: 1s\n")
    process = scratch.start("launch", file, "--yes")
    wait_until(lambda: len(sandbox.accepted()) > 700, what="the campaign to be under way")
    process.kill()
    scratch.finish(process, code=-9)
    scratch.run("resume", "spring", timeout=300)
    counts = sandbox.counts()
    assert set(counts) == set(people)
    assert sum(n - 1 for n in counts.values()) <= 1024
    digests = {}
    for entry in sandbox.accepted():
        digests.setdefault(entry["rcpt"], set()).add((entry["message_id"], entry["sha256"]))
    assert all(len(found) == 1 for found in digests.values())


def test_pause_after_a_kill_obeys_the_campaign(scratch):
    """Under `retry` nobody is held: those that were on the wire are due again."""
    sandbox = scratch.sandbox("--latency", "300")
    people = [f"r{i}@d{i % 4}.example" for i in range(60)]
    scratch.import_list(people)
    file = scratch.campaign(sandbox.port, relay={"connections": 8}, in_doubt="retry")
    process = scratch.start("launch", file, "--yes")
    wait_until(lambda: any(c["counts"]["armed"] for c in scratch.json("status")),
               what="messages to be armed")
    process.kill()
    scratch.finish(process, code=-9)
    scratch.run("pause", "spring")
    counts = check_conserved(scratch.report("spring"))
    assert counts["in_doubt"] == 0 and counts["deferred"] > 0
    scratch.run("resume", "spring", timeout=300)
    assert set(scratch.states("spring").values()) == {"delivered"}


def test_second_run_exits_77_and_names_the_first(scratch, sandbox):
    scratch.import_list([f"r{i}@example.org" for i in range(300)])
    file = scratch.campaign(sandbox.port, extra="limits:\n  - domains: ['*']\n    rate: 50/s\n")
    process = scratch.start("launch", file, "--yes")
    wait_until(lambda: len(sandbox.accepted()) > 5, what="the first messages")
    done = scratch.run("resume", "spring", code=77)
    assert str(process.pid) in done.stderr
    assert scratch.run("launch", file, "--yes", code=None).returncode in (77, 78)
    scratch.finish(process)
    assert set(sandbox.counts().values()) == {1}


def test_sandbox_killed_in_the_middle_is_no_loss(scratch):
    """The receiver dies: everybody is delivered, in doubt, or still to be sent."""
    first = scratch.sandbox()
    people = [f"r{i}@d{i % 40}.example" for i in range(3000)]
    scratch.import_list(people)
    file = scratch.campaign(first.port, relay={"connections": 8})
    process = scratch.start("launch", file, "--yes")
    wait_until(lambda: len(first.accepted()) > 300, what="the campaign to be under way")
    first.process.kill()
    second = scratch.sandbox(listen=f"127.0.0.1:{first.port}")
    out, err = scratch.finish(process, code=None, timeout=200)
    accepted = first.counts() + second.counts()
    states = scratch.states()
    assert not [a for a, n in accepted.items() if n > 1]
    assert set(states.values()) <= {"delivered", "in_doubt"}, err
    assert not [a for a, s in states.items() if s == "delivered" and not accepted[a]]
    assert not [a for a in people if not accepted[a] and states[a] != "in_doubt"]


def test_kill_during_import_is_all_or_nothing(scratch):
    rows = "".join(f"r{i}@d{i % 500}.example,name {i}\n" for i in range(60_000))
    scratch.write("people.csv", "email,name\n" + rows)
    dice = random.Random(3)
    for attempt in range(6):
        process = scratch.start("import", f"list{attempt}", "people.csv")
        try:
            process.wait(dice.uniform(0.01, 0.3))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        found = {entry["list"]: entry["recipients"] for entry in scratch.json("lists")}
        assert found.get(f"list{attempt}", 60_000) == 60_000
        assert scratch.json("import", f"list{attempt}", "people.csv")["rejected"] == 0
        assert scratch.json("lists", "show", f"list{attempt}")["recipients"] == 60_000


def test_kill_during_launch_leaves_a_whole_campaign_or_none(scratch, sandbox):
    people = [f"r{i}@d{i % 500}.example" for i in range(30_000)]
    scratch.import_list(people)
    dice = random.Random(4)
    for attempt in range(6):
        name = f"c{attempt}"
        process = scratch.start("launch", scratch.campaign(9, name=name), "--yes")
        try:
            process.wait(dice.uniform(0.01, 0.3))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        campaigns = {c["campaign"]: c for c in scratch.json("status")}
        if name in campaigns:
            counts = check_conserved(scratch.report(name))
            assert counts["audience"] == len(people)
