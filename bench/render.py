#!/usr/bin/python3
"""Pages per second on one core: Broadside, liquidjs and jinja2, one after the other.

usage: bench/render.py [SECONDS]     of each, default 4

A peer that is not installed is left out (scripts/setup --bench installs them).
Wanted: 150,000/s, 50 times liquidjs, 12 times jinja2, no allocation per rendering.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

BENCH = pathlib.Path(__file__).resolve().parent
BUILD = BENCH.parent / "build" / "release"
PAGE = BENCH / "render" / "page.html"
DATA = BENCH / "campaign" / "offers.json"


def broadside(csv, seconds):
    subprocess.run(["cmake", "--build", BUILD, "--target", "bench_render"],
                   check=True, stdout=subprocess.DEVNULL)
    text = subprocess.run([BUILD / "bench" / "bench_render", PAGE, DATA, csv, seconds],
                          check=True, capture_output=True, text=True).stdout
    print(text.strip())
    return float(re.search(r"(\d+) renders/s", text)[1])


def peer(name, command, csv, seconds):
    done = subprocess.run([*command, PAGE, DATA, csv, seconds], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        print(f"{name}: not measured: {done.stderr.strip().splitlines()[-1:]}")
        return None
    result = json.loads(done.stdout)
    print(f"{name}: {result['per_s']:.0f} renders/s, {result['bytes']} bytes the first")
    return result["per_s"]


def main():
    seconds = sys.argv[1] if len(sys.argv) > 1 else "4"
    with tempfile.NamedTemporaryFile(suffix=".csv") as csv:
        csv.write(subprocess.run([BENCH / "recipients", "1000"], check=True,
                                 capture_output=True).stdout)
        csv.flush()
        ours = broadside(csv.name, seconds)
        peers = {
            "liquidjs": peer("liquidjs", ["node", BENCH / "render/liquidjs.mjs"],
                             csv.name, seconds),
            "jinja2": peer("jinja2", [sys.executable, BENCH / "render/jinja.py"],
                           csv.name, seconds),
        }
    for name, theirs in peers.items():
        if theirs:
            print(f"{ours / theirs:.1f} times {name}")


if __name__ == "__main__":
    main()
