"""A campaign into a real Postfix: what arrived is what was previewed, byte for byte."""

import collections
import smtplib
import socket

import pytest

from conftest import cli
from postfix_server import REFUSED, without_trace

# Values that have broken senders: line ends, dots, long ones, other scripts.
VALUES = [
    "plain", ".", "..", ".dot at the front", "From here", "a\nb", "a\r\nb", "\n.\n", "\r\n.\r\n",
    "\n.\nMAIL FROM:<evil@example.com>", "\r.\r", "\rx", "tab\there", "=3D=20", "trailing  ",
    "ünïcödé", "日本語のニュース", "emoji 🎉", "x" * 990, "ü" * 600, "a, \"quoted\" <b@c>",
    "{{ subject }}", "</p><script>", "\u2028line\u0085sep", "%s%n", "-- ",
]

TEXT = """Hello {{ name }},

{{ value }}
.
..
.leading dot {{ value }}
From the desk of {{ name }}
a line that is rather long, {{ value }}, {{ value }}, and so goes on beyond what a line may be
--
{{ value }}
"""


def quote(value):
    return '"' + value.replace('"', '""') + '"'


def import_hostile(scratch, extra=()):
    rows = [(f"r{i}@d{i % 7}.example", f"Name {i}", v) for i, v in enumerate(VALUES)]
    rows += [(address, "Extra", "value") for address in extra]
    lines = ["email,name,value"] + [f"{a},{quote(n)},{quote(v)}" for a, n, v in rows]
    scratch.write("people.csv", "\r\n".join(lines) + "\r\n")
    assert scratch.json("import", "people", "people.csv")["rejected"] == 0
    return [address for address, _, _ in rows]


def launch(scratch, port, **keys):
    scratch.write("spring.html", "<html><body><p>{{ name }}</p>\n<p>{{ value }}</p>\n"
                                 ".\n<pre>\n.\n{{ value }}\n</pre></body></html>\n")
    campaign = scratch.campaign(port, text=TEXT, html="spring.html", subject="'News for {{ name }}'",
                                **keys)
    return campaign


def arrived(server, want, seconds=30):
    """rcpt -> message, once `want` messages are there."""
    cli.wait_until(lambda: len(server.messages()) >= want, seconds, f"{want} messages in the Maildir")
    messages = [without_trace(message) for message in server.messages()]
    counts = collections.Counter(rcpt for rcpt, _ in messages)
    assert max(counts.values()) == 1, counts
    return dict(messages)


def check_bytes(scratch, campaign, messages):
    for rcpt, message in messages.items():
        eml = scratch.run("preview", campaign, "--recipient", rcpt, "--part", "eml",
                          text=False).stdout
        assert b"\n" not in eml.replace(b"\r\n", b"")
        assert message == eml.replace(b"\r\n", b"\n"), rcpt


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
    addresses = import_hostile(scratch, REFUSED)
    campaign = launch(scratch, postfix.port, retry="\n  first: 1h\n  give-up: 2h")
    scratch.run("launch", campaign, "--yes", "--no-wait", code=75)
    report = scratch.report()
    counts = cli.check_conserved(report)
    assert counts["delivered"] == len(VALUES), report["replies"]
    states = scratch.states()
    assert states["bounce@refused.example"] == "failed"
    assert states["later@refused.example"] == "deferred"
    messages = arrived(postfix, len(VALUES))
    assert set(messages) == set(addresses) - set(REFUSED)
    check_bytes(scratch, campaign, messages)
    for trouble in ("improper command pipelining", "lost connection after DATA",
                    "lost connection after END", "bare <LF>"):
        assert trouble not in postfix.log()[said:]


def test_plain_server_gets_the_same(scratch, plain_postfix):
    """No PIPELINING, 8BITMIME, SIZE nor anything else."""
    addresses = import_hostile(scratch)
    campaign = launch(scratch, plain_postfix.port)
    scratch.run("launch", campaign, "--yes")
    messages = arrived(plain_postfix, len(addresses))
    assert set(messages) == set(addresses)
    check_bytes(scratch, campaign, messages)


def test_remote_queue_id_is_kept(scratch, postfix):
    """What `trace` and the report name is what Postfix logged."""
    scratch.import_list(["id@queue.example"])
    scratch.run("launch", scratch.campaign(postfix.port), "--yes")
    row, = [line for line in scratch.run("report", "spring", "--format", "csv").stdout.splitlines()
            if line.startswith("id@queue.example")]
    queue_id = row.split(",")[-2]
    assert queue_id
    cli.wait_until(lambda: f"{queue_id}: to=<id@queue.example>" in postfix.log(), 20)
