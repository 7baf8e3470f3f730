"""Runs the public Liquid suites through `broadside render --batch`.

usage: liquid.py BROADSIDE [--suite NAME] [--verbose]

Reads ../shared/conformance beside the repository; where that folder is absent
(a stranger's clone), it says so and exits 77, which ctest calls skipped. Fails
below the pass rates that docs/liquid.md promises.
"""

import argparse
import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "conformance"
SUITES = {
    "liquid-golden.jsonl": 0.99,
    "liquid-spec-basics.jsonl": 0.99,
    "liquid-spec-partials.jsonl": 0.99,
    "liquid-spec-benchmarks.jsonl": 0.99,
}
# The clock of the suite: 2024-01-01T00:01:58Z.
SPEC_NOW = 1704067318
SKIPPED = 77


def decoded(value):
    """Members called NAME_b64 hold bytes that are not UTF-8."""
    if isinstance(value, dict):
        return {
            key[:-4] if key.endswith("_b64") else key:
            base64.b64decode(item).decode("utf-8", "surrogateescape")
            if key.endswith("_b64") else decoded(item)
            for key, item in value.items()
        }
    return value


def request(number, case, is_spec):
    line = {"id": number, "template": case["template"], "partials": case["partials"]}
    if is_spec:
        line["static"] = case["data"]
        line["now"] = SPEC_NOW
    else:
        line["data"] = case["data"]
    if case.get("inline_errors") or case.get("mode") == "lax":
        line["mode"] = "lax"
    # Golden says of a few cases which parser they are about.
    if "strict2" not in case["id"] and case["id"].endswith("unexpected when token"):
        line["mode"] = "lax"
    return line


def failure(case, answer):
    """Why the answer is wrong, or None."""
    output = answer.get("output")
    text = output if output is not None else answer.get("error", "")
    if case.get("error"):
        if output is not None and not case.get("mode") == "lax":
            return f"an error was expected, got {output!r}"
        for part in case.get("err_match", []):
            if part.lower() not in text.lower():
                return f"{part!r} is not in {text!r}"
        return None
    if output is None:
        return f"error: {answer.get('error')}"
    if "want" in case:
        return None if output == case["want"] else f"{output!r}, wanted {case['want']!r}"
    if "pattern" in case:
        return None if re.search(case["pattern"], output, re.S) else f"{output!r}"
    for part in case.get("out_match", []):
        if part.lower() not in output.lower():
            return f"{part!r} is not in {output!r}"
    return None


def run(broadside, name, verbose):
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    cases = [decoded(json.loads(line)) for line in lines]
    cases = [case for case in cases if case.get("portable", True)]
    is_spec = "spec" in name
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        for number, case in enumerate(cases):
            json.dump(request(number, case, is_spec), file)
            file.write("\n")
        file.flush()
        done = subprocess.run([broadside, "render", "--batch", file.name],
                              capture_output=True, timeout=120, check=False)
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    if done.returncode != 0 or len(answers) != len(cases):
        print(f"{name}: exit {done.returncode}, {len(answers)} answers to {len(cases)} "
              f"cases\n{done.stderr.decode(errors='replace')}")
        return 0.0
    failures = [(case, why) for case, answer in zip(cases, answers)
                if (why := failure(case, answer)) is not None]
    passed = len(cases) - len(failures)
    print(f"{name}: {passed} of {len(cases)} ({100 * passed / len(cases):.2f} %)")
    for case, why in failures:
        print(f"  {case['id']}: {why[:300]}")
        if verbose:
            print(f"    {case['template'][:400]!r}\n    {str(case['data'])[:300]}")
    return passed / len(cases)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("broadside")
    parser.add_argument("--suite")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if not DATA.is_dir():
        print("skipped: no public test data in ../shared/conformance")
        return SKIPPED
    names = [name for name in SUITES if options.suite in (None, name)]
    rates = {name: run(options.broadside, name, options.verbose) for name in names}
    return int(any(rates[name] < SUITES[name] for name in names))


if __name__ == "__main__":
    sys.exit(main())
