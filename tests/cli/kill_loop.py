"""Kills a running campaign with SIGKILL at random moments, again and again, and compares
what the store says with what the receiver logged. Called by scripts/kill-loop.

Each campaign is killed until it gets through. In `hold` nobody may be accepted twice; in
`retry` everybody has to be accepted at least once, with the same bytes each time. With
--receiver the receiving server is killed as well, now and then.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from conftest import BINARY, Scratch, check_conserved  # noqa: E402

MAX_UNCONFIRMED = 256


class Broken(Exception):
    """The promise was broken."""


class Receiver:
    """A sandbox that can be killed and comes back on its port; one log over all lives."""

    def __init__(self, scratch):
        self.scratch, self.logs = scratch, []
        self.sandbox = scratch.sandbox()
        self.logs.append(self.sandbox.log)

    def kill_and_restart(self):
        self.sandbox.process.kill()
        self.sandbox.process.wait()
        self.sandbox = self.scratch.sandbox(listen=f"127.0.0.1:{self.sandbox.port}")
        self.logs.append(self.sandbox.log)

    def accepted(self, domain):
        found = collections.defaultdict(list)
        for log in self.logs:
            if not log.exists():
                continue
            for line in log.read_text().split("\n")[:-1]:
                # The last line of a killed receiver may be torn; it was not acknowledged.
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if entry["rcpt"].endswith(domain):
                    found[entry["rcpt"]].append((entry["message_id"], entry["sha256"]))
        return found


def check_hold(accepted, states, name):
    for address, messages in accepted.items():
        if len(messages) > 1:
            raise Broken(f"{name}: {address} was accepted {len(messages)} times")
        if states[address] not in ("delivered", "in_doubt", "armed"):
            raise Broken(f"{name}: {address} was accepted and is {states[address]}")


def check_retry(accepted, states, name):
    for address, messages in accepted.items():
        if len(set(messages)) > 1:
            raise Broken(f"{name}: {address} got different messages")


def check(scratch, receiver, name, people, mode):
    """The invariants that hold at every moment."""
    counts = check_conserved(scratch.report(name))
    accepted = receiver.accepted(f".{name}.example")
    states = scratch.states(name)
    if set(states) != set(people):
        raise Broken(f"{name}: {len(people)} recipients, {len(states)} in the report")
    for address, state in states.items():
        if state == "delivered" and address not in accepted:
            raise Broken(f"{name}: {address} is delivered but was never accepted")
    (check_hold if mode == "hold" else check_retry)(accepted, states, name)
    return counts, accepted, states


def one_campaign(scratch, receiver, number, options, dice):
    """Launches, kills, resumes until it gets through; how often it was killed."""
    name, mode = f"c{number}", options.mode if options.mode != "both" else (
        "hold", "retry")[number % 2]
    people = [f"r{i}@d{i % 20}.{name}.example" for i in range(options.recipients)]
    scratch.import_list(people, name=name)
    file = scratch.campaign(receiver.sandbox.port, name=name, list=name, in_doubt=mode,
                            relay={"connections": dice.choice([1, 4, 16])},
                            extra="retry:\n  first: 1s\n  factor: 1\n")
    more = ("--max-unconfirmed", str(MAX_UNCONFIRMED), "--workers", dice.choice("123"))
    command = ("launch", file, "--yes", *more)
    kills = 0
    while True:
        process = scratch.start(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(dice.uniform(0, options.longest))
        except subprocess.TimeoutExpired:
            pass
        if options.receiver and dice.random() < 0.3:
            receiver.kill_and_restart()
        if process.poll() is not None and process.returncode in (0, 4):
            break
        if process.poll() is None:
            process.kill()
            process.wait()
            kills += 1
        elif process.returncode not in (69, 75):
            raise Broken(f"{name}: {' '.join(command)}: exit {process.returncode}")
        known = [c["campaign"] for c in scratch.json("status")]
        if name in known:
            command = ("resume", name, *more)
            counts, _, _ = check(scratch, receiver, name, people, mode)
            if mode == "hold" and counts["in_doubt"] + counts["armed"] > (
                    (kills + 1) * MAX_UNCONFIRMED):
                raise Broken(f"{name}: {counts['in_doubt']} in doubt after {kills} kills")
        if kills >= options.per_campaign:
            scratch.run(*command, code=None, timeout=300)
            break
    counts, accepted, states = check(scratch, receiver, name, people, mode)
    left = [a for a, s in states.items() if s not in ("delivered", "in_doubt")]
    if left:
        raise Broken(f"{name}: {left[0]} is {states[left[0]]} at the end")
    if mode == "retry" and set(accepted) != set(people):
        raise Broken(f"{name}: {len(people) - len(accepted)} were lost")
    listed = {e["address"] for e in scratch.json("resolve", name, "--list", code=None)}
    if listed != {a for a, s in states.items() if s == "in_doubt"}:
        raise Broken(f"{name}: resolve --list does not list those in doubt")
    twice = sum(len(messages) - 1 for messages in accepted.values())
    print(f"{name} {mode}: killed {kills} times, {counts['delivered']} delivered, "
          f"{counts['in_doubt']} in doubt ({sum(a in accepted for a in listed)} of them "
          f"accepted), {twice} repeated", flush=True)
    return kills, counts["in_doubt"], twice if mode == "hold" else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=20)
    parser.add_argument("--mode", choices=["hold", "retry", "both"], default="both")
    parser.add_argument("--recipients", type=int, default=2000)
    parser.add_argument("--longest", type=float, default=0.4,
                        help="seconds that a run may live at most")
    parser.add_argument("--per-campaign", type=int, default=8)
    parser.add_argument("--receiver", action="store_true", help="kill the receiver, too")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"kill-loop: {BINARY}, seed {options.seed}", flush=True)
    dice = random.Random(options.seed)
    place = tempfile.mkdtemp(prefix="broadside-kill-")
    scratch = Scratch(place)
    kills = doubtful = campaigns = 0
    try:
        receiver = Receiver(scratch)
        while kills < options.kills:
            done = one_campaign(scratch, receiver, campaigns, options, dice)
            kills, doubtful, campaigns = kills + done[0], doubtful + done[1], campaigns + 1
    except Broken as broken:
        print(f"kill-loop: BROKEN after {kills} kills: {broken}; see {place}, "
              f"seed {options.seed}", file=sys.stderr)
        return 1
    finally:
        scratch.close()
    print(f"kill-loop: {kills} kills, {campaigns} campaigns, "
          f"{campaigns * options.recipients} recipients: nobody lost, nobody twice under "
          f"hold, {doubtful} in doubt and listed")
    subprocess.run(["rm", "-rf", place], check=False)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("BROADSIDE", str(BINARY))
    sys.exit(main())
