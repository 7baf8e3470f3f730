"""Fixtures of the end-to-end tests: the real binary in a scratch directory.

BROADSIDE names the binary (default: build/debug/broadside). BROADSIDE_FULL=1 runs the
campaigns at the sizes of the acceptance list instead of the small ones.
"""

import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("BROADSIDE", ROOT / "build/debug/broadside")).resolve()
FULL = os.environ.get("BROADSIDE_FULL", "") not in ("", "0")
# Under a sanitizer everything takes longer.
PATIENCE = float(os.environ.get("BROADSIDE_PATIENCE", "1"))

STATES = ("pending claimed armed delivered deferred failed in_doubt suppressed invalid "
          "expired cancelled").split()


def wait_until(condition, seconds=20, what="a condition"):
    """Polls until condition() is true; its value. Fails the test after `seconds`."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds} s for {what}")
        time.sleep(0.02)


class Sandbox:
    """`broadside sandbox` on a port of its own, with an accept log."""

    def __init__(self, directory, *options, listen="127.0.0.1:0"):
        self.log = pathlib.Path(directory) / f"accepted-{time.monotonic_ns()}.jsonl"
        destination = () if "--dir" in options else ("--discard",)
        self.errors = open(str(self.log) + ".stderr", "wb")
        self.process = subprocess.Popen(
            [BINARY, "sandbox", "--listen", listen, "--log", self.log,
             *destination, *options],
            stdout=subprocess.PIPE, stderr=self.errors, cwd=directory, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), (line, self.stderr())
        self.host, port = line.split()[-1].rsplit(":", 1)
        self.port = int(port)

    def stderr(self):
        return pathlib.Path(self.errors.name).read_text()

    def accepted(self):
        """What the log says was accepted: a list of dictionaries."""
        if not self.log.exists():
            return []
        lines = self.log.read_text().split("\n")
        return [json.loads(line) for line in lines[:-1]]

    def counts(self):
        """How often each recipient was accepted."""
        return collections.Counter(entry["rcpt"] for entry in self.accepted())

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                pytest.fail("the sandbox did not stop on SIGTERM")
        self.process.stdout.close()
        self.errors.close()
        return self.process.returncode


ERROR_LINE = re.compile(r"broadside: [^:]+: .*: .+; .+")


def check_error_line(args, stderr):
    """What failed: on what: why; what to do: whatever the error, it is one such line."""
    lines = [line for line in stderr.splitlines()
             if re.match(r"broadside: (?!(error|warning|info|debug): )", line)]
    for line in lines[-1:]:
        assert ERROR_LINE.fullmatch(line), (args, line)


def command_line(args):
    """The program and its arguments; two workers as on three cores, however many there
    are here: what they could do to each other has to show."""
    words = [str(word) for word in args]
    if words[:1] in (["launch"], ["resume"]) and "--workers" not in words:
        words[1:1] = ["--workers", "2"]
    return [BINARY, *words]


class Scratch:
    """A directory with a database, files, and the program run in it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.started = []
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.path), "LC_ALL": "C",
                    "TZ": "UTC"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def write(self, name, text):
        file = self.path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def run(self, *args, code=0, stdin=None, env=None, timeout=120, text=True, cwd=None):
        """Runs the program; asserts its exit code unless that is None."""
        if stdin is not None and text and isinstance(stdin, bytes):
            text = False
        done = subprocess.run(
            command_line(args), input=stdin if stdin is not None else None,
            stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True,
            text=text, cwd=cwd or self.path, env={**self.env, **(env or {})},
            timeout=timeout * PATIENCE)
        if code is not None and done.returncode != code:
            pytest.fail(f"broadside {' '.join(map(str, args))}: exit {done.returncode}, "
                        f"expected {code}\n--- stdout\n{done.stdout}\n--- stderr\n"
                        f"{done.stderr}")
        if done.returncode >= 64 and done.returncode != 75:
            err = done.stderr
            check_error_line(args, err if isinstance(err, str) else err.decode())
        return done

    def json(self, *args, **options):
        return json.loads(self.run(*args, "--format", "json", **options).stdout)

    def start(self, *args, env=None, **options):
        """Starts the program in the background; killed at the end of the test."""
        process = subprocess.Popen(
            command_line(args), cwd=self.path,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=options.pop("stderr", subprocess.PIPE), text=True,
            env={**self.env, **(env or {})}, **options)
        self.started.append(process)
        return process

    def finish(self, process, code=0, timeout=120):
        """Waits for a started program; its (stdout, stderr)."""
        out, err = process.communicate(timeout=timeout * PATIENCE)
        if code is not None and process.returncode != code:
            pytest.fail(f"exit {process.returncode}, expected {code}\n--- stdout\n{out}"
                        f"\n--- stderr\n{err}")
        return out, err

    def sandbox(self, *options, **more):
        sandbox = Sandbox(self.path, *options, **more)
        self.started.append(sandbox)
        return sandbox

    def close(self):
        for process in self.started:
            if isinstance(process, Sandbox):
                process.stop()
            elif process.poll() is None:
                process.kill()
                process.communicate()

    # The usual steps of a campaign.

    def import_list(self, addresses, name="people", columns=("name",)):
        """A list of these addresses, each with a value per column."""
        lines = [",".join(("email", *columns))]
        for number, address in enumerate(addresses):
            lines.append(",".join((address, *(f"{c} {number}" for c in columns))))
        self.write(f"{name}.csv", "\n".join(lines) + "\n")
        return self.json("import", name, f"{name}.csv")

    def campaign(self, port, name="spring", **keys):
        """Writes NAME.yaml, with a text template, and returns its file name."""
        self.write(f"{name}.txt", keys.pop("text", "Hello {{ name }}!\n"))
        extra = keys.pop("extra", "")
        relay = {"host": "127.0.0.1", "port": port, "tls": "none", "connections": 8}
        relay.update(keys.pop("relay", {}))
        lines = [f"campaign: {name}", f"list: {keys.pop('list', 'people')}",
                 "from: Acme News <news@acme.example>",
                 f"subject: {keys.pop('subject', 'News')}", f"text: {name}.txt"]
        lines += [f"{key.replace('_', '-')}: {value}" for key, value in keys.items()]
        lines += ["relay:"] + [f"  {key}: {value}" for key, value in relay.items()]
        self.write(f"{name}.yaml", "\n".join(lines) + "\n" + extra)
        return f"{name}.yaml"

    def report(self, name="spring"):
        return self.json("report", name)

    def states(self, name="spring"):
        """The report's csv: address -> state."""
        import csv
        import io
        text = self.run("report", name, "--format", "csv").stdout
        return {row["address"]: row["state"] for row in csv.DictReader(io.StringIO(text))}


def check_conserved(report):
    """The sum of all states is the audience."""
    counts = report["counts"]
    assert set(counts) == {"audience", *STATES}
    assert sum(counts[state] for state in STATES) == counts["audience"], counts
    return counts


@pytest.fixture
def scratch(tmp_path):
    place = Scratch(tmp_path)
    yield place
    place.close()


@pytest.fixture
def sandbox(scratch):
    return scratch.sandbox()
