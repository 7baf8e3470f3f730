"""Campaigns into a real OpenSMTPD, which offers no PIPELINING."""

import pytest

import hostile_campaign as hostile
import opensmtpd_server


@pytest.fixture
def opensmtpd():
    """Starts OpenSMTPDs: a function."""
    if opensmtpd_server.why_not():
        pytest.skip(opensmtpd_server.why_not())
    servers = []

    def start(**options):
        servers.append(opensmtpd_server.OpenSMTPD(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def test_campaign_arrives_byte_for_byte(scratch, opensmtpd):
    server = opensmtpd(mails=1000)
    hostile.check_campaign(scratch, server)
    refused = [line for line in server.log().splitlines() if "failed-command" in line]
    assert len(refused) == 2, refused


def test_its_limit_of_messages_charges_nobody(scratch, opensmtpd):
    server = opensmtpd(mails=7)
    hostile.check_campaign(scratch, server, 40)
    assert "Too many messages sent" in server.log()


def test_size_is_respected(scratch, opensmtpd):
    server = opensmtpd(size="100K")
    hostile.check_size(scratch, server)
