"""Fails each allocation, each write, sync and read of a file, and each send and receive
of a small import and a small campaign in turn, and looks at what is left.

fault_shim.so (LD_PRELOAD) makes the nth call fail. After each failure: no signal ended the
program, no bug (70) was met, a list is whole or not there, and of a campaign nobody is
said to have got what the receiver did not log, nobody got it twice, nobody is missing; a
run without the fault then finishes it. Called by ctest with a few points of each kind and
by scripts/fault-loop with all of them.
"""

import argparse
import collections
import os
import pathlib
import shutil
import sqlite3
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from conftest import Scratch, check_conserved  # noqa: E402

# (command, kind of call, what becomes of it)
PLANS = [
    ("import", "alloc", "fail"), ("import", "alloc", "out"), ("import", "write", "EIO"),
    ("import", "write", "ENOSPC"), ("import", "write", "short"), ("import", "write", "kill"),
    ("import", "write", "power"), ("import", "sync", "power"),
    ("import", "sync", "EIO"), ("import", "read", "EIO"),
    ("launch", "alloc", "fail"), ("launch", "alloc", "out"), ("launch", "write", "EIO"),
    ("launch", "write", "ENOSPC"), ("launch", "write", "short"), ("launch", "write", "kill"),
    ("launch", "write", "power"), ("launch", "sync", "power"),
    ("launch", "sync", "EIO"), ("launch", "sync", "kill"), ("launch", "read", "EIO"),
    ("launch", "send", "short"), ("launch", "send", "again"), ("launch", "send", "reset"),
    ("launch", "send", "kill"), ("launch", "recv", "short"), ("launch", "recv", "again"),
    ("launch", "recv", "reset"), ("launch", "recv", "kill"),
]
# finished, in doubt, unusable relay, out of memory or descriptors, disk, left for resume
ENDS = {0, 3, 4, 69, 71, 74, 75}
TERMINAL = {"delivered", "failed", "in_doubt"}


class Broken(Exception):
    """Something that must not happen did."""


def addresses(name):
    return [f"r{i}@d{i % 5}.{name}.example" for i in range(20)] + [f"bounce1@{name}.example"]


class Place:
    """A directory of its own for one point, with the receiver shared by all."""

    def __init__(self, sandbox, shim, name):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="broadside-fault-"))
        self.scratch, self.sandbox = Scratch(self.path), sandbox
        self.shim, self.name, self.people = shim, name, addresses(name)
        rows = "".join(f"{a},Name {i}\n" for i, a in enumerate(self.people))
        self.scratch.write("people.csv", "email,name\n" + rows + "no address,x\n")
        self.file = self.scratch.campaign(sandbox.port, name=name, relay={"connections": 2},
                                          extra="retry:\n  first: 1s\n  factor: 1\n")

    def run(self, command, fault=None):
        words = {"import": ("import", "people", "people.csv"),
                 "launch": ("launch", self.file, "--yes", "--progress", "never"),
                 "resume": ("resume", self.name, "--progress", "never")}[command]
        env = {}
        if fault is not None:
            env = {"LD_PRELOAD": self.shim, "BROADSIDE_FAULT": fault,
                   "BROADSIDE_FAULT_COUNT": str(self.path / "count")}
        return self.scratch.run(*words, code=None, env=env)

    def count(self):
        return int((self.path / "count").read_text())

    def check_database(self):
        file = self.path / "broadside.db"
        if not file.exists():
            return
        database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            found = database.execute("pragma integrity_check").fetchone()[0]
        except sqlite3.Error as error:
            # Killed or failed before it was a database at all, or while it was made: its
            # first journal is to be played back by the next who may write.
            is_young = file.stat().st_size == 0 or "readonly" in str(error)
            found = "ok" if is_young else str(error)
        finally:
            database.close()
        if found != "ok":
            raise Broken(f"integrity_check: {found}")

    def close(self):
        self.scratch.close()
        shutil.rmtree(self.path)


def check_import(place):
    place.check_database()
    lists = {entry["list"]: entry["recipients"] for entry in place.scratch.json("lists")}
    if lists.get("people", len(place.people)) != len(place.people):
        raise Broken(f"half a list: {lists}")
    done = place.run("import")
    if done.returncode != 0:
        raise Broken(f"the next import: exit {done.returncode}: {done.stderr}")
    if place.scratch.json("lists", "show", "people")["recipients"] != len(place.people):
        raise Broken("the next import did not complete the list")


def check_campaign(place):
    accepted = collections.Counter(
        entry["rcpt"] for entry in place.sandbox.accepted()
        if entry["rcpt"].endswith(f"{place.name}.example"))
    states = place.scratch.states(place.name)
    if set(states) != set(place.people):
        raise Broken(f"{len(states)} recipients of {len(place.people)}")
    for address, state in states.items():
        if state == "delivered" and not accepted[address]:
            raise Broken(f"{address} is delivered and was never accepted")
        if accepted[address] > 1:
            raise Broken(f"{address} was accepted {accepted[address]} times")
        if accepted[address] and state not in ("delivered", "in_doubt", "armed"):
            raise Broken(f"{address} was accepted and is {state}")
    return states


def check_launch(place, end, is_for_ever):
    place.check_database()
    known = [entry["campaign"] for entry in place.scratch.json("status")]
    if place.name in known:
        states = check_campaign(place)
        # Neither after a kill nor with a dead disk, nor without any memory at all, can
        # they be given back.
        if end not in (-9, 74) and not is_for_ever and {"claimed", "armed"} & set(states.values()):
            raise Broken("claimed rows are left")
    done = place.run("resume" if place.name in known else "launch")
    if done.returncode not in (3, 4):
        raise Broken(f"the next run: exit {done.returncode}: {done.stderr}")
    check_conserved(place.scratch.report(place.name))
    left = set(check_campaign(place).values()) - TERMINAL
    if left:
        raise Broken(f"{left} are left at the end")


def try_point(sandbox, shim, plan, number, at):
    """One failure; how many calls of that kind there were, if the program got through."""
    command, kind, what = plan
    place = Place(sandbox, shim, f"p{number}")
    try:
        if command == "launch":
            place.run("import")
        done = place.run(command, f"{kind}:{at}:{what}")
        was_killed = done.returncode == -9 and what in ("kill", "power")
        if not was_killed and done.returncode not in ENDS:
            raise Broken(f"exit {done.returncode}: {done.stderr}")
        if command == "import":
            check_import(place)
        else:
            check_launch(place, done.returncode, what == "out")
        return done.returncode, None if was_killed else place.count()
    except BaseException as error:
        print(f"fault-loop: BROKEN at {command} {kind}:{at}:{what}: {error}; {place.path}",
              file=sys.stderr, flush=True)
        place.scratch.close()
        raise Broken from error
    finally:
        if sys.exc_info()[0] is None:
            place.close()


def points_of(count, most):
    """All from 1 to count, or `most` of them, evenly spread."""
    if count <= most:
        return range(1, count + 1)
    return sorted({1 + i * (count - 1) // (most - 1) for i in range(most)})


def run_plan(sandbox, options, plan, number, counts):
    command, kind, what = plan
    if (command, kind) not in counts:
        counts[command, kind] = try_point(sandbox, options.shim, plan, number, 0)[1]
        number += 1
    count = counts[command, kind]
    ends, broken = collections.Counter(), 0
    points = points_of(count, options.points)
    for at in points:
        try:
            ends[try_point(sandbox, options.shim, plan, number, at)[0]] += 1
        except Broken:
            broken += 1
        number += 1
    said = ", ".join(f"{n} times exit {end}" for end, n in sorted(ends.items()))
    print(f"{command} {kind} {what}: {len(points)} of {count} calls: {said}"
          f"{f', {broken} BROKEN' if broken else ''}", flush=True)
    return number, broken


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shim", required=True, help="fault_shim.so")
    parser.add_argument("--points", type=int, default=10**9, help="of each kind at most")
    parser.add_argument("--only", default="", help='such as "launch write"')
    options = parser.parse_args()
    options.shim = os.path.abspath(options.shim)
    number, broken, counts = 0, 0, {}
    with tempfile.TemporaryDirectory(prefix="broadside-fault-receiver-") as directory:
        receiver = Scratch(directory)
        try:
            sandbox = receiver.sandbox()
            for plan in PLANS:
                if " ".join(plan).startswith(options.only):
                    number, more = run_plan(sandbox, options, plan, number, counts)
                    broken += more
        finally:
            receiver.close()
    print(f"fault-loop: {number} runs, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
