"""Campaigns into Python's aiosmtpd."""

import pytest

import aiosmtpd_server
import hostile_campaign as hostile


@pytest.fixture
def aiosmtpd():
    if aiosmtpd_server.why_not():
        pytest.skip(aiosmtpd_server.why_not())
    server = aiosmtpd_server.Aiosmtpd()
    yield server
    server.stop()


def test_campaign_arrives_byte_for_byte(scratch, aiosmtpd):
    hostile.check_campaign(scratch, aiosmtpd)


def test_internationalised_addresses(scratch, aiosmtpd):
    scratch.import_list(["пользователь@d.example", "用户@bücher.example", "plain@d.example"])
    scratch.run("launch", scratch.campaign(aiosmtpd.port), "--yes")
    rcpts = [message.split(b"\n", 1)[0].decode() for message in aiosmtpd.messages()]
    assert sorted(rcpts) == ["Envelope-to: plain@d.example",
                             "Envelope-to: пользователь@d.example",
                             "Envelope-to: 用户@xn--bcher-kva.example"]


def test_size_is_respected(scratch, aiosmtpd):
    hostile.check_size(scratch, aiosmtpd)
