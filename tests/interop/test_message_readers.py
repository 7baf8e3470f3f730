"""The messages of test_message_readback.py, read by other people's programs.

postal-mime and mailparser (`npm ci` or `npm install` in tests/interop/readers, or
BROADSIDE_READERS names a folder with node_modules) and reformime (Debian: maildrop).
"""

import base64
import os
import pathlib
import random
import shutil
import subprocess
import json

import pytest

import test_message_readback as readback

HERE = pathlib.Path(__file__).parent / "readers"
READERS = pathlib.Path(os.environ.get("BROADSIDE_READERS", HERE))


def hostile_messages(seed, count):
    rng = random.Random(seed)
    cases = [readback.case(rng) for _ in range(count)]
    return [(given, base64.b64decode(answer["message"]), answer["message_id"])
            for given, answer in zip(cases, readback.compose(cases))]


def squeezed(text):
    # Readers decode each encoded-word by itself and take a byte order mark off.
    return "".join(text.replace("\ufeff", "").split())


def same_text(got, want):
    # The readers trim or add line ends and take a byte order mark off.
    return got.strip("\n\ufeff") == want.strip("\n\ufeff")


def check_reading(name, read, given, message_id):
    spec, values = given["spec"], given["input"]
    assert squeezed(read["subject"]) == squeezed(values["subject"])
    assert [one["address"] for one in read["to"]] == ["jane@x.org"]
    assert squeezed(read["to"][0]["name"] or "") == squeezed(values["to_name"])
    assert read["message_id"] == f"<{message_id}>"
    want = [header.lower() for header in readback.FIXED] + ["list-id"]
    if values["header_values"][0].strip(" \t"):
        want.append("x-one")
    got = [header.lower() for header in read["headers"]]
    assert sorted(set(got) - {"content-transfer-encoding"}) == sorted(want)
    assert len(got) == len(set(got))
    for subtype, key in (("html", "html"), ("text", "text")):
        if key + "_spans" in spec:
            want_text = readback.rendered(values[key], spec[key + "_spans"])
            assert same_text(readback.normal(read[subtype] or ""), want_text), name
    files = sorted((file["name"], file["content"]) for file in spec["files"])
    got_files = sorted((file, base64.b64decode(content).decode())
                       for file, content in read["files"])
    assert got_files == files


def why_no_node():
    """Why its readers cannot be asked here, or None."""
    if shutil.which("node") is None:
        return "Node.js is not installed (scripts/setup --tests)"
    if not (READERS / "node_modules" / "postal-mime").exists():
        return "no mail readers from npm (npm ci in tests/interop/readers)"
    return None


def read_with_node(raws, folder):
    """What each reader makes of each message: name -> reading."""
    # Node looks for modules beside the script, so it runs where they are.
    script = READERS / "read_messages.mjs"
    if not script.exists():
        script = folder / "read_messages.mjs"
        script.write_text((HERE / "read_messages.mjs").read_text())
        (folder / "node_modules").symlink_to((READERS / "node_modules").resolve())
    lines = b"".join(base64.b64encode(raw) + b"\n" for raw in raws)
    done = subprocess.run(["node", str(script)], input=lines, capture_output=True,
                          check=True, timeout=120)
    readings = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(readings) == len(raws)
    return readings


@pytest.mark.skipif(why_no_node() is not None, reason=str(why_no_node()))
@pytest.mark.parametrize("seed", range(4))
def test_node_readers_agree(seed, tmp_path):
    messages = hostile_messages(seed, 100)
    readings = read_with_node([raw for _, raw, _ in messages], tmp_path)
    for (given, _, message_id), reading in zip(messages, readings):
        for name, read in reading.items():
            check_reading(name, read, given, message_id)


def reformime(raw, *options):
    return subprocess.run(["reformime", *options], input=raw, capture_output=True,
                          check=True, timeout=30).stdout


def sections(raw):
    """(section number, content type) of every leaf."""
    found, number = [], None
    for line in reformime(raw, "-i").decode().splitlines():
        if line.startswith("section: "):
            number = line.split()[1]
        elif line.startswith("content-type: "):
            if not line.split()[1].startswith("multipart/"):
                found.append((number, line.split()[1]))
    return found


@pytest.mark.skipif(shutil.which("reformime") is None, reason="no reformime")
def test_reformime_agrees():
    for given, raw, _ in hostile_messages(7, 60):
        spec, values = given["spec"], given["input"]
        leaves = sections(raw)
        want = len(spec["files"]) + sum(key in spec for key in ("html_spans", "text_spans"))
        assert len(leaves) == want
        for number, content_type in leaves:
            key = {"text/html": "html", "text/plain": "text"}.get(content_type)
            if key is None or key + "_spans" not in spec:
                continue
            got = reformime(raw, "-e", "-s", number).decode()
            if got in [file["content"] for file in spec["files"]]:
                continue
            assert same_text(readback.normal(got),
                             readback.rendered(values[key], spec[key + "_spans"]))
