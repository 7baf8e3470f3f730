"""Several campaigns of one database at the same time."""

import time


def test_two_campaigns_run_side_by_side(scratch):
    sandbox = scratch.sandbox("--latency", "2")
    scratch.import_list([f"u{i}@d{i % 20}.example" for i in range(800)])
    runs = []
    for name in ("one", "two", "three"):
        file = scratch.campaign(sandbox.port, name=name, relay={"connections": 2})
        runs.append(scratch.start("launch", file, "--yes", "--progress", "never"))
        time.sleep(0.1)
    for run in runs:
        scratch.finish(run)
    for name in ("one", "two", "three"):
        assert scratch.report(name)["counts"]["delivered"] == 800
    assert set(sandbox.counts().values()) == {3}
