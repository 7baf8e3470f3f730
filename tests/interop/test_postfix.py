"""A campaign into a real Postfix: what arrived is what was previewed, byte for byte."""

import re
import smtplib
import socket

import pytest

import hostile_campaign as hostile
from conftest import cli
from postfix_server import REFUSED

def test_harness_refuses_what_it_is_told_to(postfix):
    """The Postfix of these tests is as strict as they claim."""
    with socket.create_connection(("127.0.0.1", postfix.port), 10) as client:
        file = client.makefile("rb")
        assert file.readline().startswith(b"220")
        client.sendall(b"EHLO me\r\n")
        while not file.readline().startswith(b"250 "):
            pass
        for line in (b"MAIL FROM:<a@b.example>", b"RCPT TO:<c@d.example>", b"DATA"):
            client.sendall(line + b"\r\n")
            assert file.readline()[:1] in b"23"
        client.sendall(b"Subject: x\r\n\r\na\nb\r\n.\r\n")
        assert file.readline().startswith(b"5")
    with smtplib.SMTP("127.0.0.1", postfix.port) as smtp:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            smtp.sendmail("a@b.example", list(REFUSED), "x")


def test_campaign_arrives_byte_for_byte(scratch, postfix):
    assert postfix.messages() == []
    said = len(postfix.log())
    hostile.check_campaign(scratch, postfix)
    for trouble in ("improper command pipelining", "lost connection after DATA",
                    "lost connection after END", "bare <LF>"):
        assert trouble not in postfix.log()[said:]


def test_plain_server_gets_the_same(scratch, plain_postfix):
    """No PIPELINING, 8BITMIME, SIZE nor anything else."""
    hostile.check_campaign(scratch, plain_postfix, len(hostile.VALUES))


def test_remote_queue_id_is_kept(scratch, postfix):
    """What `trace` and the report name is what Postfix logged."""
    scratch.import_list(["id@queue.example"])
    scratch.run("launch", scratch.campaign(postfix.port), "--yes")
    row, = [line for line in scratch.run("report", "spring", "--format", "csv").stdout.splitlines()
            if line.startswith("id@queue.example")]
    queue_id = row.split(",")[-2]
    assert queue_id
    cli.wait_until(lambda: f"{queue_id}: to=<id@queue.example>" in postfix.log(), 20)


def test_dead_domain_does_not_slow_the_server_down(scratch, postfix):
    """Postfix answers a connection with ten errors on it a second late each time, and
    closes it at twenty: a domain where nobody is left would take for ever."""
    said = len(postfix.log())
    scratch.import_list([f"u{n}@dead.example" for n in range(40)] + ["last@alive.example"])
    campaign = scratch.campaign(postfix.port, relay={"connections": 2})
    scratch.run("launch", campaign, "--yes", code=3)
    report = scratch.report()
    assert (report["counts"]["failed"], report["counts"]["delivered"]) == (40, 1)
    assert report["attempts"] == 41
    log = postfix.log()[said:]
    assert log.count("nobody is here any more") == 40
    assert "too many errors" not in log
    refused = [int(total) - int(taken) for taken, total in
               re.findall(r"disconnect from .* rcpt=(\d+)/(\d+)", log)]
    assert refused and max(refused) < 8, refused
