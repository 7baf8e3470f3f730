#!/usr/bin/env python3
"""Peak resident memory of import and launch, for a short list and for a long one."""

import argparse
import tempfile

import measure
from campaign_folder import CampaignFolder


def run(count, connections):
    with tempfile.TemporaryDirectory(prefix="broadside-bench-") as place:
        folder = CampaignFolder(place, count)
        imported = folder.import_list()
        sink = measure.Sink("--discard")
        launched = folder.launch(folder.campaign("bench", sink.port, connections))
        sink.stop()
        return {"recipients": count, "import_mib": round(imported.rss_mib, 1),
                "launch_mib": round(launched.rss_mib, 1),
                "per_s": round(count / launched.wall)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[10000, 1000000])
    parser.add_argument("--connections", type=int, default=50)
    options = parser.parse_args()
    found = [run(count, options.connections) for count in options.counts]
    rows = [["recipients", "import MiB", "launch MiB", "msg/s"]]
    rows += [[f"{one['recipients']:,}", one["import_mib"], one["launch_mib"], f"{one['per_s']:,}"]
             for one in found]
    most = max(max(one["import_mib"], one["launch_mib"]) for one in found)
    lines = ["peak resident memory", *measure.table(rows),
             f"{'ok' if most < 64 else 'MISSED'}: {most:.0f} MiB at most, wanted 64"]
    measure.save("memory", lines, {"options": vars(options), "found": found})


if __name__ == "__main__":
    main()
