#!/usr/bin/env python3
"""(a) A whole campaign, beside what else sends that many messages into the same sink.

Broadside reads a list of recipients with 11 columns into its database, renders a
newsletter of about 15 KB (HTML and text) for each, sends it and records what became of
it, durably. smtp-source, Postfix's load generator, sends one constant message of the
same size and records nothing. The Node program does what a user would write with the
usual packages: no database, no record.

Each round runs them all against a fresh sink. Medians of the rounds.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

import measure
from campaign_folder import CampaignFolder

PEER = measure.ROOT / "bench/peers/node"


def figures(cost, messages, sink):
    sink_cost, sink_messages, sink_bytes = sink.stop()
    if sink_messages != messages:
        sys.exit(f"bench: the sink accepted {sink_messages} of {messages} messages")
    return {"messages": messages, "seconds": round(cost.wall, 3),
            "per_s": round(messages / cost.wall, 1),
            "cpu_us": round(cost.cpu / messages * 1e6, 2),
            "user_us": round(cost.user / messages * 1e6, 2),
            "rss_mib": round(cost.rss_mib, 1),
            "bytes": round(sink_bytes / messages),
            "sink_cpu_us": round(sink_cost.cpu / messages * 1e6, 2)}


def run_broadside(folder, options):
    folder.fresh()
    imported = folder.import_list()
    sink = measure.Sink("--discard", "--threads", str(options.sink_threads))
    cost = folder.launch(folder.campaign("bench", sink.port, options.connections))
    result = figures(cost, folder.recipients, sink)
    result["import_s"] = round(imported.wall, 3)
    result["import_rss_mib"] = round(imported.rss_mib, 1)
    return result


# What smtp-source puts before its payload.
SMTP_SOURCE_HEADER = 146


def run_smtp_source(count, size, options):
    sink = measure.Sink("--discard", "--threads", str(options.sink_threads))
    cost, _ = measure.run(["smtp-source", "-4", "-d", "-s", options.connections,
                           "-l", size - SMTP_SOURCE_HEADER, "-m", count, "-f", "news@acme.example",
                           "-t", "user@d0001.example", "-M", "bench.example",
                           f"127.0.0.1:{sink.port}"])
    return figures(cost, count, sink)


def run_node(folder, options):
    sink = measure.Sink("--discard", "--threads", str(options.sink_threads))
    cost, _ = measure.run(["node", PEER / "send.mjs", "127.0.0.1", sink.port,
                           options.connections, folder.path, folder.list])
    return figures(cost, folder.recipients, sink)


def node_is_there():
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    if not (PEER / "node_modules").is_dir():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=PEER)
    return (PEER / "node_modules/nodemailer").is_dir()


def interleave(options):
    """One round after the other, each sender once a round: name -> figures of the runs."""
    runs = {"broadside": [], "smtp-source": [], "nodemailer": []}
    with tempfile.TemporaryDirectory(prefix="broadside-bench-") as place:
        (pathlib.Path(place) / "all").mkdir()
        (pathlib.Path(place) / "few").mkdir()
        folder = CampaignFolder(pathlib.Path(place) / "all", options.count)
        few = CampaignFolder(pathlib.Path(place) / "few", options.node_count)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
            runs["broadside"].append(run_broadside(folder, options))
            if shutil.which("smtp-source"):
                size = runs["broadside"][-1]["bytes"]
                runs["smtp-source"].append(run_smtp_source(options.count, size, options))
            if options.node_count > 0 and node_is_there():
                runs["nodemailer"].append(run_node(few, options))
    return {name: measure.summary(name, all) for name, all in runs.items() if all}


WANTED = {"smtp-source": 1, "nodemailer": 40}


def report(found, options):
    ours = found["broadside"]
    rows = [["", "messages", "msg/s", "CPU-us/msg", "peak MiB", "bytes/msg", "ratio msg/s",
             "ratio CPU"]]
    for name, one in found.items():
        rows.append([name, f"{one['messages']:,.0f}", f"{one['per_s']:,.0f}", f"{one['cpu_us']:.1f}",
                     f"{one['rss_mib']:.0f}", f"{one['bytes']:,.0f}",
                     f"{ours['per_s'] / one['per_s']:.2f}", f"{one['cpu_us'] / ours['cpu_us']:.2f}"])
    lines = [f"end to end: {options.connections} connections, medians of {options.rounds} "
             f"rounds, on {measure.machine()['cpu']}, {measure.machine()['cores']} cores",
             *measure.table(rows),
             f"broadside's import before it: {ours['import_s']:.2f} s, "
             f"{options.count / ours['import_s']:,.0f} rows/s, peak {ours['import_rss_mib']:.0f} MiB; "
             f"the sink: {ours['sink_cpu_us']:.1f} CPU-us/msg"]
    for name, factor in WANTED.items():
        if name in found:
            ratio = ours["per_s"] / found[name]["per_s"]
            lines.append(f"{'ok' if ratio >= factor else 'MISSED'}: {ratio:.2f} times {name} "
                         f"in msg/s, wanted {factor}")
    lines.append(f"{'ok' if ours['cpu_us'] <= 30 else 'MISSED'}: {ours['cpu_us']:.1f} CPU-us per "
                 f"message, wanted 30; "
                 f"{'ok' if ours['rss_mib'] < 64 else 'MISSED'}: {ours['rss_mib']:.0f} MiB, wanted 64")
    measure.save("end_to_end", lines, {"options": vars(options), "found": found})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=200000, help="messages a round")
    parser.add_argument("--node-count", type=int, default=5000,
                        help="messages a round for the Node program; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--sink-threads", type=int, default=1)
    options = parser.parse_args()
    report(interleave(options), options)


if __name__ == "__main__":
    main()
