"""Campaigns into a real Exim, which checks that nobody speaks before he is asked."""

import pytest

import exim_server
import hostile_campaign as hostile

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
