"""launch: what it asks, what it says, what it refuses."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from conftest import BINARY, wait_until


def on_terminal(scratch, args, answer=None, seconds=30, columns=0, until=None):
    """Runs the program on a terminal of its own; (exit code, all it printed). Interrupted
    when it has printed `until`, if that is given."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([BINARY, *args], cwd=scratch.path, env=scratch.env, stdin=slave,
                               stdout=slave, stderr=slave, close_fds=True)
    os.close(slave)
    out, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        ready, _, _ = select.select([master], [], [], 0.2)
        try:
            data = os.read(master, 65536) if ready else b""
        except OSError:
            break
        out += data
        if answer is not None and b"[y/N]" in out:
            os.write(master, answer)
            answer = None
        if until is not None and until in out:
            process.send_signal(signal.SIGINT)
            until = None
        if not data and process.poll() is not None:
            break
    os.close(master)
    return process.wait(10), out.decode(errors="replace")


def test_asks_on_a_terminal_and_obeys(scratch, sandbox):
    scratch.import_list([f"r{i}@example.org" for i in range(20)])
    file = scratch.campaign(sandbox.port)
    code, text = on_terminal(scratch, ["launch", file], b"n\n")
    assert code == 0 and "20 recipients of people" in text and "Nothing was sent" in text
    assert scratch.json("status") == [] and sandbox.accepted() == []
    code, text = on_terminal(scratch, ["launch", file], b"y\n")
    assert code == 0 and len(sandbox.accepted()) == 20


def test_one_worker_less_than_cores(scratch):
    """A run's threads, by default and with one worker, differ by the other workers."""
    sandbox = scratch.sandbox("--latency", "500")
    scratch.import_list([f"r{i}@example.org" for i in range(20)])
    threads = []
    for name, options in (("one", ("--workers", "1")), ("default", ())):
        file = scratch.campaign(sandbox.port, name=name, relay={"connections": 100})
        process = scratch.start("--quiet", "launch", file, "--yes", *options)
        wait_until(lambda: any(c["campaign"] == name and c["counts"]["armed"]
                               for c in scratch.json("status")), what="messages under way")
        threads.append(len(os.listdir(f"/proc/{process.pid}/task")))
        scratch.finish(process)
    assert threads[1] - threads[0] == min(max(os.cpu_count() - 1, 1), 64) - 1


def test_live_progress_on_a_terminal(scratch, sandbox):
    scratch.import_list([f"r{i}@example.org" for i in range(60)])
    file = scratch.campaign(sandbox.port, extra="limits:\n  - domains: ['*']\n    rate: 30/s\n")
    scratch.env["TERM"] = "xterm"
    code, text = on_terminal(scratch, ["launch", file, "--yes"])
    assert code == 0
    assert re.search(r"\[#+\.+\] +\d+%  [\d,]+/s  \d+:\d\d:\d\d left  [\d,]+ delivered", text), text
    assert "left" in text and "\033[36m" in text
    scratch.env["NO_COLOR"] = "1"
    text = file.replace("spring", "spring2")
    scratch.write(text, (scratch.path / file).read_text().replace("campaign: spring",
                                                                  "campaign: spring2"))
    code, text = on_terminal(scratch, ["launch", text, "--yes"])
    assert code == 0 and "\033[36m" not in text


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_live_progress_fits_the_terminal(scratch, sandbox, columns):
    scratch.import_list([f"r{i}@example.org" for i in range(40)])
    file = scratch.campaign(sandbox.port, extra="limits:\n  - domains: ['*']\n    rate: 30/s\n")
    code, text = on_terminal(scratch, ["launch", file, "--yes"], columns=columns)
    lines = [re.sub(r"\033\[[0-9;]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]+", text)]
    lines = [line for line in lines if re.search(r"\d+%", line)]
    assert code == 0 and lines
    for line in lines:
        assert len(line) < columns, line
        assert re.search(r"\d+% +\d+/s.* \d+ delivered +0 deferred +0 failed", line), line
        assert columns < 80 or re.match(r"\[[#.]{10,20}\] ", line), line


def test_progress_after_resume_is_about_the_whole_campaign(scratch, sandbox):
    scratch.import_list([*(f"r{i}@example.org" for i in range(6)), "bounce@example.org",
                         "defer@example.org"])
    scratch.campaign(sandbox.port, extra="retry:\n  first: 1h\n")
    scratch.run("launch", "spring.yaml", "--yes", "--no-wait", code=75)
    code, text = on_terminal(scratch, ["resume", "spring"], until=b" failed")
    assert code == 75
    assert re.search(r" 87% .* 6 delivered +1 deferred +1 failed", text), text


def test_plain_progress_when_piped(scratch, sandbox):
    scratch.import_list([f"r{i}@example.org" for i in range(150)])
    file = scratch.campaign(sandbox.port, extra="limits:\n  - domains: ['*']\n    rate: 20/s\n")
    done = scratch.run("launch", file, "--yes")
    assert re.search(r"^ *\d+%  \d+/s  .*\d+ delivered", done.stderr, re.M), done.stderr
    assert "\r" not in done.stderr and "\033" not in done.stderr
    assert re.search(r"^spring: finished after [\d.]+ s: 150 recipients, 150 delivered",
                     done.stdout)


def test_quiet_says_nothing(scratch, sandbox):
    scratch.import_list(["a@example.org"])
    done = scratch.run("--quiet", "launch", scratch.campaign(sandbox.port), "--yes")
    assert done.stdout == "" and done.stderr == ""


def test_second_run_is_refused_with_77(scratch, sandbox):
    scratch.import_list([f"r{i}@example.org" for i in range(100)])
    file = scratch.campaign(sandbox.port, extra="limits:\n  - domains: ['*']\n    rate: 20/s\n")
    process = scratch.start("launch", file, "--yes")
    while not sandbox.accepted():
        time.sleep(0.05)
    done = scratch.run("resume", "spring", code=77)
    assert str(process.pid) in done.stderr
    scratch.run("cancel", "spring")
    scratch.finish(process, code=None)


def test_tls_is_refused_not_ignored(scratch, sandbox):
    scratch.import_list(["a@example.org"])
    for relay in ({"tls": "required"}, {"tls": "implicit"}):
        done = scratch.run("launch", scratch.campaign(sandbox.port, relay=relay), "--yes",
                           code=76)
        assert "TLS" in done.stderr
    assert sandbox.accepted() == [] and scratch.json("status") == []


def test_settings_file(scratch, sandbox):
    scratch.import_list(["a@example.org"])
    scratch.write("t.txt", "hi\n")
    scratch.write("c.yaml", "campaign: c\nlist: people\nsubject: s\ntext: t.txt\n")
    scratch.write("set.yaml", f"relay: {{host: 127.0.0.1, port: {sandbox.port}}}\n"
                              "from: news@acme.example\n")
    scratch.run("launch", "c.yaml", "--yes", code=78)
    scratch.run("launch", "c.yaml", "--yes", "--config", "set.yaml")
    assert sandbox.accepted()[0]["mail_from"] == "news@acme.example"


def test_relay_limits_and_retry_may_change_before_resume(scratch, sandbox):
    scratch.import_list(["defer1@example.org"])
    file = scratch.campaign(sandbox.port, extra="retry:\n  first: 1h\n")
    scratch.run("launch", file, "--yes", "--no-wait", code=75)
    other = scratch.sandbox()
    text = (scratch.path / file).read_text()
    scratch.write(file, text.replace(str(sandbox.port), str(other.port)))
    scratch.run("resume", "spring", "--no-wait", code=75)


def test_resume_from_another_folder(scratch, sandbox):
    scratch.import_list(["defer1@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port, extra="retry:\n  first: 1s\n"),
                "--yes", "--no-wait", code=75)
    scratch.run("--db", scratch.path / "broadside.db", "resume", "spring", cwd="/")
    assert len(sandbox.accepted()) == 1


def test_resume_of_a_finished_campaign_says_its_result_again(scratch, sandbox):
    scratch.import_list(["bounce1@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", code=3)
    scratch.run("resume", "spring", code=3)


def test_resume_finds_a_campaign_file_that_was_moved(scratch, sandbox):
    scratch.import_list(["a@example.org", "defer@example.org"])
    name = scratch.campaign(sandbox.port, extra="retry:\n  first: 1s\n")
    scratch.run("launch", name, "--yes", "--no-wait", code=75)
    moved = scratch.path / "moved"
    moved.mkdir()
    for file in (name, "spring.txt"):
        (scratch.path / file).rename(moved / file)
    refused = scratch.run("resume", "spring", "--no-wait", code=66)
    assert "--file" in refused.stderr
    # Where it is now is kept, though nothing may have been due yet.
    scratch.run("resume", "spring", "--file", moved / name, "--no-wait", code=None)
    scratch.run("resume", "spring")
    assert sandbox.counts() == {"a@example.org": 1, "defer@example.org": 1}


def test_resume_refuses_the_file_of_another_campaign(scratch, sandbox):
    scratch.import_list(["a@example.org", "defer@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", "--no-wait", code=75)
    other = scratch.campaign(sandbox.port, name="autumn")
    assert "autumn" in scratch.run("resume", "spring", "--file", other, code=78).stderr


def test_internationalised_addresses_are_delivered(scratch, sandbox):
    people = ["j\u00e4ne@example.org", "\u7528\u6237@xn--fsqu00a.example"]
    scratch.import_list(people)
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes")
    assert sandbox.counts() == {address: 1 for address in people}
