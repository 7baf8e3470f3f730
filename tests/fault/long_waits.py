"""What takes minutes: a database that another program keeps locked, a disk that takes 2 s
for each sync, a run that is stopped while its server goes away. Nobody is lost, nobody
gets it twice, and the run ends as docs/operating.md says. Called by scripts/fault-loop.
"""

import argparse
import os
import pathlib
import signal
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from conftest import Scratch, check_conserved, wait_until  # noqa: E402

COUNT = 600


def launch(scratch, sandbox, env=None):
    scratch.import_list([f"u{i}@d{i % 7}.example" for i in range(COUNT)])
    file = scratch.campaign(sandbox.port)
    process = scratch.start("launch", file, "--yes", "--progress", "never",
                            "--max-unconfirmed", "64", env=env)
    wait_until(lambda: len(sandbox.accepted()) > 50, what="the first messages")
    return process


def check(scratch, *sandboxes):
    """Finishes it; what the servers accepted and what is said about it agree."""
    assert scratch.run("resume", "spring", code=None).returncode in (0, 4)
    counts = check_conserved(scratch.report())
    assert counts["delivered"] + counts["in_doubt"] == COUNT, counts
    assert counts["in_doubt"] <= 64, counts
    accepted = [entry["rcpt"] for sandbox in sandboxes for entry in sandbox.accepted()]
    assert len(set(accepted)) == len(accepted)
    for address, state in scratch.states().items():
        assert state == "in_doubt" or address in accepted, address
    return counts["in_doubt"]


def locked_for_good(scratch, _):
    sandbox = scratch.sandbox("--latency", "20")
    process = launch(scratch, sandbox)
    other = sqlite3.connect(scratch.path / "broadside.db", isolation_level=None)
    other.execute("begin immediate")
    start = time.monotonic()
    scratch.finish(process, code=74, timeout=200)
    took = time.monotonic() - start
    assert 55 < took < 90, took
    other.execute("rollback")
    other.close()
    return f"74 after {took:.0f} s, {check(scratch, sandbox)} in doubt"


def slow_disk(scratch, shim):
    sandbox = scratch.sandbox("--latency", "20")
    process = launch(scratch, sandbox,
                     {"LD_PRELOAD": shim, "BROADSIDE_FAULT": "sync:1:slow"})
    scratch.finish(process, code=0, timeout=300)
    assert check(scratch, sandbox) == 0
    return "all delivered"


def stopped_for_a_while(scratch, _):
    sandbox = scratch.sandbox("--latency", "20")
    process = launch(scratch, sandbox)
    process.send_signal(signal.SIGSTOP)
    time.sleep(30)
    sandbox.stop()
    again = scratch.sandbox("--latency", "20", listen=f"127.0.0.1:{sandbox.port}")
    process.send_signal(signal.SIGCONT)
    scratch.finish(process, code=None, timeout=200)
    assert process.returncode in (0, 4), process.returncode
    return f"exit {process.returncode}, {check(scratch, sandbox, again)} in doubt"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shim", required=True, help="fault_shim.so")
    options = parser.parse_args()
    for scenario in (locked_for_good, slow_disk, stopped_for_a_while):
        with tempfile.TemporaryDirectory(prefix="broadside-long-") as directory:
            scratch = Scratch(directory)
            try:
                said = scenario(scratch, os.path.abspath(options.shim))
            finally:
                scratch.close()
        print(f"{scenario.__name__}: {said}", flush=True)
    print("fault-loop: all as promised")


if __name__ == "__main__":
    main()
