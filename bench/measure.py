"""What the benchmarks share: run a program and see what it cost; print and keep results."""

import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = os.environ.get("BROADSIDE", str(ROOT / "build/release/broadside"))
RESULTS = ROOT / "bench/results"


class Cost:
    """Wall and CPU seconds and peak resident MiB of a process that ended."""

    def __init__(self, wall, usage):
        self.wall = wall
        self.user, self.system = usage.ru_utime, usage.ru_stime
        self.cpu = self.user + self.system
        self.rss_mib = usage.ru_maxrss / 1024


def finish(process, begin):
    """Waits for a Popen that nobody has waited for; its Cost."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(time.monotonic() - begin, usage)


def run(command, codes=(0,), **options):
    """Runs a command to its end; its Cost, and what it wrote to standard output."""
    begin = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                               text=True, **options)
    out = process.stdout.read()
    cost = finish(process, begin)
    if process.returncode not in codes:
        sys.exit(f"bench: {' '.join(map(str, command))}: exit {process.returncode}")
    return cost, out


class Sink:
    """`broadside sandbox`, and what it cost to be it."""

    def __init__(self, *options):
        self.begin = time.monotonic()
        self.process = subprocess.Popen(
            [BINARY, "sandbox", "--listen", "127.0.0.1:0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.host, port = self.process.stdout.readline().split()[-1].rsplit(":", 1)
        self.port = int(port)

    def stop(self):
        """(Cost, messages, bytes)"""
        self.process.send_signal(signal.SIGTERM)
        said = self.process.stderr.read().replace("(", "").split()
        cost = finish(self.process, self.begin)
        return cost, int(said[2]), int(said[6])


def summary(name, runs):
    """The median of each figure over the runs (dictionaries of numbers)."""
    keys = [key for key in runs[0] if isinstance(runs[0][key], (int, float))]
    return {"name": name, "runs": len(runs),
            **{key: round(statistics.median(run[key] for run in runs), 3) for key in keys},
            "all": runs}


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release()}


def save(name, lines, data):
    """Prints the lines and writes them with the figures to bench/results."""
    RESULTS.mkdir(exist_ok=True)
    text = "\n".join(lines) + "\n"
    print(text, end="", flush=True)
    (RESULTS / f"{name}.txt").write_text(text)
    (RESULTS / f"{name}.json").write_text(
        json.dumps({"benchmark": name, "machine": machine(), **data}, indent=1) + "\n")


def table(rows):
    """Rows of cells as lines, the first column flush left, the others right."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                      for i, (cell, width) in enumerate(zip(row, widths)))
            for row in rows]
