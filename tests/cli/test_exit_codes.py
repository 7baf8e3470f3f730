"""The exit codes of the contract, each from its own cause."""

import os
import random
import re
import socket

import pytest

from conftest import check_conserved, wait_until


def one_line(done):
    assert re.fullmatch(r"broadside: [^\n]+\n", done.stderr.split("\n")[-2] + "\n"), done.stderr
    return done.stderr


def free_port():
    """Where nobody listens: below the ports that the system gives to clients, so that no
    test beside this one is given it meanwhile."""
    for port in random.SystemRandom().sample(range(12000, 20000), 100):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("a hundred ports are all in use")


def test_0_everybody_delivered(scratch, sandbox):
    scratch.import_list(["a@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes")


def test_3_some_failed(scratch, sandbox):
    scratch.import_list(["bounce@example.org", "a@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", code=3)
    # Nothing is left to do: resume says the same again.
    scratch.run("resume", "spring", code=3)


def test_4_wins_over_3(scratch, sandbox):
    scratch.import_list(["bounce@example.org", "drop@example.com", "a@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", code=4)


def test_64_launch_without_yes_and_without_a_terminal(scratch, sandbox):
    scratch.import_list(["a@example.org"])
    done = scratch.run("launch", scratch.campaign(sandbox.port), code=64)
    assert "--yes" in done.stderr
    assert sandbox.accepted() == []


def test_65_bad_template(scratch, sandbox):
    scratch.import_list(["a@example.org"])
    done = scratch.run("launch", scratch.campaign(sandbox.port, text="one\n{% if %}\n"), "--yes",
                       code=65)
    assert "spring.txt:2" in one_line(done)
    assert scratch.json("status") == []


@pytest.mark.parametrize("missing", ["spring.txt", "spring.yaml"])
def test_66_missing_file(scratch, sandbox, missing):
    scratch.import_list(["a@example.org"])
    file = scratch.campaign(sandbox.port)
    (scratch.path / missing).unlink()
    assert missing in one_line(scratch.run("launch", file, "--yes", code=66))


def test_66_missing_list(scratch, sandbox):
    scratch.import_list(["a@example.org"])
    file = scratch.campaign(sandbox.port, list="strangers")
    assert "strangers" in one_line(scratch.run("launch", file, "--yes", code=66))


def test_69_relay_down_charges_nobody(scratch):
    scratch.import_list([f"r{i}@example.org" for i in range(20)])
    port = free_port()
    done = scratch.run("launch", scratch.campaign(port), "--yes", code=69, timeout=60)
    assert str(port) in done.stderr
    report = scratch.report()
    counts = check_conserved(report)
    assert counts["pending"] == 20 and report["attempts"] == 0
    sandbox = scratch.sandbox(listen=f"127.0.0.1:{port}")
    scratch.run("resume", "spring")
    assert len(sandbox.counts()) == 20


def test_69_no_such_host(scratch):
    scratch.import_list(["a@example.org"])
    file = scratch.campaign(25, relay={"host": "no-such-host.invalid"})
    done = scratch.run("launch", file, "--yes", code=69, timeout=90)
    assert "no-such-host.invalid" in done.stderr


def test_second_relay_takes_over(scratch, sandbox):
    scratch.import_list([f"r{i}@example.org" for i in range(20)])
    scratch.campaign(sandbox.port)
    text = (scratch.path / "spring.yaml").read_text()
    text = text[:text.index("relay:")] + (
        f"relay:\n  - host: 127.0.0.1\n    port: {free_port()}\n    tls: none\n"
        f"  - host: 127.0.0.1\n    port: {sandbox.port}\n    tls: none\n")
    scratch.write("spring.yaml", text)
    scratch.run("launch", "spring.yaml", "--yes")
    assert len(sandbox.counts()) == 20


def test_74_database_on_a_full_disk(scratch):
    if os.geteuid() == 0 and os.path.exists("/dev/full"):
        done = scratch.run("--db", "/dev/full", "lists", code=74)
        one_line(done)


def test_74_database_read_only_directory(scratch):
    scratch.run("--db", "/proc/broadside.db", "lists", code=74)


def test_75_pause_from_another_terminal(scratch, sandbox):
    scratch.import_list([f"r{i}@example.org" for i in range(200)])
    file = scratch.campaign(sandbox.port, extra="limits:\n  - domains: ['*']\n    rate: 30/s\n")
    process = scratch.start("launch", file, "--yes")
    wait_until(lambda: len(sandbox.accepted()) > 3, what="the first messages")
    scratch.run("pause", "spring")
    scratch.finish(process, code=75)


@pytest.mark.parametrize("change,where", [
    ("surprise: 1\n", 14), ("list: again\n", 14), ("relay: &x\n", 14), ("retry: *x\n", 14),
    ("retry:\n  first: soon\n", 15), ("retry:\n  first: -5s\n", 15),
    ("in-doubt: maybe\n", 14), ("where: {{ x }}\n", 14), ("limits:\n  - rate: 5/s\n", None)])
def test_78_campaign_file(scratch, sandbox, change, where):
    scratch.import_list(["a@example.org"])
    file = scratch.campaign(sandbox.port)
    lines = len((scratch.path / file).read_text().splitlines())
    with open(scratch.path / file, "a") as f:
        f.write(change)
    done = scratch.run("launch", file, "--yes", code=78)
    line = one_line(done)
    if where is not None:
        assert f"spring.yaml:{lines + 1 + where - 14}:" in line, line
    assert scratch.json("status") == []


def test_78_name_taken(scratch, sandbox):
    scratch.import_list(["a@example.org"])
    file = scratch.campaign(sandbox.port)
    scratch.run("launch", file, "--yes")
    done = scratch.run("launch", file, "--yes", code=78)
    assert "finished; `broadside report spring` tells" in one_line(done)
    assert sandbox.counts() == {"a@example.org": 1}


@pytest.mark.parametrize("name", ["a b", "../x", "", "a/b", "x" * 300, "-"])
def test_78_campaign_name(scratch, sandbox, name):
    scratch.import_list(["a@example.org"])
    file = scratch.campaign(sandbox.port)
    text = (scratch.path / file).read_text()
    scratch.write(file, text.replace("campaign: spring", f"campaign: '{name}'"))
    done = scratch.run("launch", file, "--yes", code=None)
    assert done.returncode == 78 or name == "-"


def test_76_or_78_password_without_tls(scratch, sandbox):
    scratch.import_list(["a@example.org"])
    scratch.write("password", "secret\n").chmod(0o600)
    file = scratch.campaign(sandbox.port, relay={"user": "me", "password-file": "password"})
    done = scratch.run("launch", file, "--yes", code=None)
    assert done.returncode in (76, 78)
    assert sandbox.accepted() == []
    assert "secret" not in done.stderr
