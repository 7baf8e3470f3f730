"""A campaign into a real Postfix: what arrived is what was previewed, byte for byte."""

import re
import smtplib
import socket

import pytest

import hostile_campaign as hostile
import postfix_server
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


def test_plain_server_gets_the_same(scratch, own_postfix):
    """It offers as little as can be."""
    server = own_postfix(smtpd_discard_ehlo_keywords="pipelining, chunking, 8bitmime, "
                         "smtputf8, size, dsn, enhancedstatuscodes")
    hostile.check_campaign(scratch, server, len(hostile.VALUES))


def test_few_connections_are_enough(scratch, own_postfix):
    """421 at the greeting of all but two."""
    server = own_postfix(smtpd_client_connection_count_limit=2)
    hostile.check_campaign(scratch, server, 60, connections=8)
    assert "Connection concurrency limit exceeded" in server.log()


def test_rate_of_messages_charges_nobody(scratch, own_postfix):
    """Twenty messages in five seconds, as anvil counts them, and 450 at MAIL to the rest."""
    server = own_postfix(smtpd_client_message_rate_limit=20, anvil_rate_time_unit="5s")
    addresses = hostile.import_hostile(scratch, 50)
    campaign = hostile.write_campaign(scratch, server.port, relay={"connections": 4})
    done = scratch.run("launch", campaign, "--yes", "--no-wait")
    assert done.stderr.count("relay-limit") == 1, done.stderr
    report = scratch.report()
    assert cli.check_conserved(report)["delivered"] == len(addresses)
    assert report["attempts"] == len(addresses), report["replies"]
    hostile.check_bytes(scratch, campaign, addresses, hostile.arrived(server, len(addresses)))
    # Nobody hammers it: what was on its way on each connection, and a question now and then.
    assert 1 <= server.log().count("Message delivery request rate limit exceeded") <= 30


def test_postscreen_lets_us_in(scratch, own_postfix):
    """It listens for who speaks before the greeting, pipelines what he may not, sends bare
    line feeds or anything but SMTP, while it answers 450; at a second try it lets in."""
    server = own_postfix(
        entry=postfix_server.POSTSCREEN, postscreen_greet_wait="1s",
        postscreen_greet_action="enforce", postscreen_pipelining_enable="yes",
        postscreen_pipelining_action="enforce", postscreen_bare_newline_enable="yes",
        postscreen_bare_newline_action="enforce", postscreen_non_smtp_command_enable="yes")
    addresses = hostile.import_hostile(scratch, 12)
    campaign = hostile.write_campaign(scratch, server.port, relay={"connections": 1},
                                      retry="\n  first: 1s")
    scratch.run("launch", campaign, "--yes")
    messages = hostile.arrived(server, len(addresses))
    hostile.check_bytes(scratch, campaign, addresses, messages)
    assert "PASS NEW" in server.log()
    for trouble in ("PREGREET", "COMMAND PIPELINING", "BARE NEWLINE", "NON-SMTP"):
        assert trouble not in server.log()


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
