"""Rate limits as the receiver measures them."""

import datetime

import pytest

from conftest import FULL


def arrivals(sandbox, domain):
    """Times in seconds at which messages to the domain were accepted."""
    return [datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00")).timestamp()
            for entry in sandbox.accepted() if entry["rcpt"].endswith("@" + domain)]


def rate_of(times):
    return (len(times) - 1) / (times[-1] - times[0])


def test_limited_domain_is_exact_while_others_run_at_full_speed(scratch, sandbox):
    seconds = 10 if FULL else 6
    limited = [f"r{i}@slow.example" for i in range(50 * seconds)]
    free = [f"r{i}@d{i % 50}.example" for i in range(6000)]
    scratch.import_list([a for pair in zip(free, limited) for a in pair] + free[len(limited):])
    file = scratch.campaign(sandbox.port, relay={"connections": 16}, extra=
                            "limits:\n  - domains: [slow.example]\n    rate: 50/s\n")
    scratch.run("launch", file, "--yes", timeout=180)
    times = arrivals(sandbox, "slow.example")
    assert len(times) == len(limited)
    # 1 % over 10 s is five messages, and as many may be made up for what was late.
    assert rate_of(times) == pytest.approx(50, abs=5 / seconds)
    # Evenly paced: no second has more than the limit allows, but for its edges.
    for start in range(seconds):
        inside = [t for t in times if start <= t - times[0] < start + 1]
        assert len(inside) <= 52
    free_times = sorted(t for i in range(50) for t in arrivals(sandbox, f"d{i}.example"))
    # The others did not wait for it: they are through while it is still being paced.
    assert free_times[-1] < times[-1]
    assert set(sandbox.counts().values()) == {1}


def test_star_limits_each_domain_by_itself(scratch, sandbox):
    scratch.import_list([f"r{i}@d{i % 4}.example" for i in range(240)])
    file = scratch.campaign(sandbox.port, relay={"connections": 16},
                            extra="limits:\n  - domains: ['*']\n    rate: 20/s\n")
    scratch.run("launch", file, "--yes")
    for number in range(4):
        assert rate_of(arrivals(sandbox, f"d{number}.example")) == pytest.approx(20, rel=0.03)


def test_named_domains_share_one_limit(scratch, sandbox):
    scratch.import_list([f"r{i}@{('a', 'b')[i % 2]}.example" for i in range(100)])
    file = scratch.campaign(sandbox.port, relay={"connections": 16}, extra=
                            "limits:\n  - domains: ['*']\n    rate: 1000/s\n"
                            "  - domains: [a.example, B.example]\n    rate: 20/s\n")
    scratch.run("launch", file, "--yes")
    times = sorted(arrivals(sandbox, "a.example") + arrivals(sandbox, "b.example"))
    assert rate_of(times) == pytest.approx(20, rel=0.02)


def test_rate_holds_for_slow_rates(scratch, sandbox):
    scratch.import_list([f"r{i}@a.example" for i in range(6)])
    file = scratch.campaign(sandbox.port,
                            extra="limits:\n  - domains: [a.example]\n    rate: 120/m\n")
    scratch.run("launch", file, "--yes")
    assert rate_of(arrivals(sandbox, "a.example")) == pytest.approx(2, rel=0.02)


@pytest.mark.parametrize("rate", ["0/s", "-1/s", "1e30/s", "5", "5/x", "/s", "nan/s"])
def test_nonsense_rates_are_78(scratch, rate):
    scratch.import_list(["a@example.org"])
    file = scratch.campaign(2525, extra=f"limits:\n  - domains: ['*']\n    rate: {rate}\n")
    done = scratch.run("launch", file, "--yes", code=78)
    assert "spring.yaml:" in done.stderr
