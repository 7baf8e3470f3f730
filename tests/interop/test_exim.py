"""Campaigns into a real Exim, which checks that nobody speaks before he is asked."""

import pytest

import exim_server
import hostile_campaign as hostile
from conftest import cli

TROUBLE = ("synchronization error", "unexpected disconnection", "syntax or protocol error",
           "rejected DATA", "too many")


@pytest.fixture
def exim():
    """Starts Exims: a function."""
    if exim_server.why_not():
        pytest.skip(exim_server.why_not())
    servers = []

    def start(**options):
        servers.append(exim_server.Exim(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def test_campaign_arrives_byte_for_byte(scratch, exim):
    server = exim()
    hostile.check_campaign(scratch, server)
    assert not [word for word in TROUBLE if word in server.log()], server.log()


def test_its_limits_charge_nobody(scratch, exim):
    """Fewer connections than we would like, few messages on each."""
    server = exim(smtp_accept_max=20, smtp_accept_max_per_host=2,
                  smtp_accept_max_per_connection=8)
    hostile.check_campaign(scratch, server, 40, connections=8)
    assert "too many messages in one connection" in server.log()
    assert "too many connections from that IP" in server.log()


def test_without_pipelining(scratch, exim):
    """Exim knows what it offered: nothing may come before its turn."""
    server = exim(pipelining_advertise_hosts="")
    hostile.check_campaign(scratch, server, 2 * len(hostile.VALUES))
    assert not [word for word in TROUBLE if word in server.log()], server.log()


def test_greylisted_are_delivered_later(scratch, exim):
    server = exim(acl="""defer ! ratelimit = 1.5 / 1h / strict / per_cmd / $local_part@$domain
         message = 451 4.7.1 greylisted, come back later""")
    addresses = hostile.import_hostile(scratch)
    campaign = hostile.write_campaign(scratch, server.port, retry="\n  first: 1s")
    scratch.run("launch", campaign, "--yes")
    report = scratch.report()
    assert report["attempts"] == 2 * len(addresses), report["replies"]
    messages = hostile.arrived(server, len(addresses))
    hostile.check_bytes(scratch, campaign, addresses, messages)


def test_drop_charges_nobody_else(scratch, exim):
    """550 to RCPT, and the connection is gone."""
    server = exim(acl="""drop domains = drop.example
         message = 550 5.7.1 go away""")
    scratch.import_list([f"u{n}@{'drop' if n % 3 == 0 else 'ok'}.example" for n in range(60)])
    done = scratch.run("launch", scratch.campaign(server.port, relay={"connections": 4}),
                       "--yes", code=3)
    assert "relay-" not in done.stderr
    report = scratch.report()
    assert (report["counts"]["delivered"], report["counts"]["failed"]) == (40, 20)
    assert report["attempts"] == 60, report["replies"]


INTERNATIONAL = ["пользователь@d.example", "用户@d.example", "user@bücher.example",
                 "用户@例え.example", "plain@d.example"]


def test_internationalised_addresses(scratch, exim):
    server = exim()
    assert scratch.import_list(INTERNATIONAL)["rejected"] == 0
    scratch.run("launch", scratch.campaign(server.port), "--yes")
    assert set(scratch.states().values()) == {"delivered"}
    cli.wait_until(lambda: len(server.messages()) >= len(INTERNATIONAL))
    rcpts = [line.split()[1].decode() for message in server.messages()
             for line in message.split(b"\n") if line.startswith(b"Envelope-to: ")]
    ascii = [f"{local}@{domain.encode('idna').decode()}" for local, domain in
             (address.split("@") for address in INTERNATIONAL)]
    assert sorted(rcpts) == sorted(ascii)


def test_without_smtputf8_only_those_fail_that_need_it(scratch, exim):
    server = exim(smtputf8_advertise_hosts="")
    scratch.import_list(INTERNATIONAL)
    scratch.run("launch", scratch.campaign(server.port), "--yes", code=3)
    states = scratch.states()
    assert sorted(states.values()) == ["delivered"] * 2 + ["failed"] * 3, states
    assert states["plain@d.example"] == "delivered"


def test_size_is_respected(scratch, exim):
    hostile.check_size(scratch, exim(message_size_limit="100K"))
