"""`broadside sandbox`, from outside: smtplib, and raw sockets for what it cannot do."""

import hashlib
import os
import re
import signal
import smtplib
import socket
import time

import pytest

from conftest import PATIENCE, wait_until

GROUP = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
MESSAGE = b"Subject: x\r\nMessage-ID: <1@b.example>\r\n\r\nHello\r\n"


class Client:
    """A socket that says what it is told, and reads replies."""

    def __init__(self, sandbox, ehlo=True):
        self.socket = socket.create_connection((sandbox.host, sandbox.port), 10 * PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        assert self.reply()[0] == 220
        if ehlo:
            self.say(b"EHLO me.example\r\n")
            self.offers = self.reply()[1]

    def say(self, data):
        self.socket.sendall(data)

    def reply(self):
        """One reply: (code, lines); None at the end of the stream."""
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return None
            assert line.endswith(b"\r\n"), line
            lines.append(line[4:-2].decode())
            if line[3:4] == b" ":
                return int(line[:3]), lines

    def codes(self, count):
        return [self.reply()[0] for _ in range(count)]

    def is_closed(self):
        try:
            return self.file.read() == b""
        except ConnectionResetError:
            return True


def send(sandbox, *rcpts, text="Subject: x\r\n\r\nHello\r\n", **options):
    with smtplib.SMTP(sandbox.host, sandbox.port, timeout=20 * PATIENCE) as smtp:
        return smtp.sendmail("news@acme.example", list(rcpts), text, **options)


def refusal(sandbox, rcpt):
    """The code and text with which a recipient is refused, at whatever stage."""
    try:
        return send(sandbox, rcpt).get(rcpt)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = error.recipients[rcpt]
    except smtplib.SMTPDataError as error:
        code, text = error.smtp_code, error.smtp_error
    return code, text.decode().split()[0]


# --- log and Maildir ---

def test_log_and_maildir_hold_what_was_sent(scratch):
    sandbox = scratch.sandbox("--dir", "mail")
    body = "Subject: x\r\nMessage-ID:\r\n <1@acme.example>\r\n\r\n.dot\r\n..\r\nend\r\n"
    send(sandbox, "c@d.example", "e@f.example", text=body)
    first, second = sandbox.accepted()
    assert list(first) == ["time", "mail_from", "rcpt", "message_id", "bytes", "sha256"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
    assert first["mail_from"] == "news@acme.example"
    assert [first["rcpt"], second["rcpt"]] == ["c@d.example", "e@f.example"]
    assert first["message_id"] == "<1@acme.example>"
    assert first["bytes"] == len(body)
    assert first["sha256"] == hashlib.sha256(body.encode()).hexdigest()
    files = list((scratch.path / "mail/new").iterdir())
    assert [file.read_bytes() for file in files] == [body.encode()]
    assert list((scratch.path / "mail/tmp").iterdir()) == []
    assert (scratch.path / "mail/cur").is_dir()


def test_log_is_there_when_the_250_is(scratch):
    """kill -9 right after the reply loses no line; the next run appends."""
    for round in range(5):
        sandbox = scratch.sandbox()
        client = Client(sandbox)
        for number in range(20):
            client.say(GROUP)
            assert client.codes(3) == [250, 250, 354]
            client.say(MESSAGE + b".\r\n")
            assert client.reply()[0] == 250
        sandbox.process.kill()
        assert len(sandbox.accepted()) == 20


def test_log_is_appended_to(scratch):
    for count in (1, 2):
        process = scratch.start("sandbox", "--listen", "127.0.0.1:0", "--log", "log")
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            smtp.sendmail("a@b", ["c@d"], "x")
        process.send_signal(signal.SIGTERM)
        scratch.finish(process)
        assert len((scratch.path / "log").read_text().splitlines()) == count


def test_message_without_id_is_logged_with_null(sandbox):
    send(sandbox, "c@d.example")
    assert sandbox.accepted()[0]["message_id"] is None


def test_hostile_message_id_stays_one_line_of_json(sandbox):
    client = Client(sandbox)
    client.say(b"MAIL FROM:<> BODY=8BITMIME\r\nRCPT TO:<\"a\\\"b\"@d>\r\nDATA\r\n")
    assert client.codes(3) == [250, 250, 354]
    client.say(b"Message-ID: <\"\xff\\\t{\x1b[31m>\r\n\r\n\r\n.\r\n")
    assert client.reply()[0] == 250
    entry, = sandbox.accepted()
    assert entry["mail_from"] == "" and entry["rcpt"] == '"a\\"b"@d'
    assert "\ufffd" in entry["message_id"]


def test_log_that_cannot_be_written_stops_it(scratch):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    process = scratch.start("sandbox", "--listen", "127.0.0.1:0", "--log", "/dev/full")
    port = int(process.stdout.readline().rsplit(":", 1)[1])
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            smtp.sendmail("a@b", ["c@d"], "x")
    _, err = scratch.finish(process, code=74)
    assert "accept log" in err


# --- the dialogue ---

def test_end_of_data_however_it_is_cut(scratch):
    """Every cut of a message's end, and of the group behind it, in two writes."""
    sandbox = scratch.sandbox("--dir", "mail")
    rest = b"\r\n..\r\nend\r\n.\r\n" + GROUP
    client = Client(sandbox)
    client.say(GROUP)
    assert client.codes(3) == [250, 250, 354]
    for cut in range(len(rest) + 1):
        client.say(b"cut" + rest[:cut])
        time.sleep(0.002)
        client.say(rest[cut:])
        assert client.codes(4) == [250, 250, 250, 354]
    files = list((scratch.path / "mail/new").iterdir())
    assert len(files) == len(rest) + 1
    assert {file.read_bytes() for file in files} == {b"cut\r\n.\r\nend\r\n"}


def test_pipelined_group_is_answered_by_one_packet(sandbox):
    client = Client(sandbox)
    client.say(GROUP)
    assert client.codes(3) == [250, 250, 354]
    client.say(MESSAGE + b".\r\n" + GROUP)
    wait_until(lambda: client.socket.recv(4096, socket.MSG_PEEK).count(b"\n") == 4)
    assert client.codes(4) == [250, 250, 250, 354]


def test_many_chunks_in_flight(sandbox):
    client = Client(sandbox)
    assert "CHUNKING" in client.offers
    one = GROUP.replace(b"DATA", b"BDAT %d LAST" % len(MESSAGE)) + MESSAGE
    client.say(one * 200)
    assert client.codes(600) == [250] * 600
    assert len(sandbox.accepted()) == 200
    assert sandbox.accepted()[0]["sha256"] == hashlib.sha256(MESSAGE).hexdigest()


@pytest.mark.parametrize("option, word", [("--no-pipelining", "PIPELINING"),
                                          ("--no-chunking", "CHUNKING")])
def test_extension_that_is_not_offered(scratch, option, word):
    client = Client(scratch.sandbox(option))
    assert word not in client.offers
    assert {"8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"} <= set(client.offers)


def test_pipelining_that_was_not_offered_is_refused(scratch):
    client = Client(scratch.sandbox("--no-pipelining"))
    client.say(GROUP)
    assert client.reply()[0] == 503
    assert client.is_closed()


@pytest.mark.parametrize("text", [b"a\nb\r\n", b"a\rb\r\n", b"a\n.\r\nMAIL FROM:<e@v>\r\n"])
def test_bare_line_end_is_refused_and_not_accepted(sandbox, text):
    client = Client(sandbox)
    client.say(GROUP)
    assert client.codes(3) == [250, 250, 354]
    client.say(text + b".\r\n")
    assert client.reply()[0] == 550
    assert client.is_closed()
    assert sandbox.accepted() == []


def test_session_that_ends_early_leaves_nothing(scratch):
    sandbox = scratch.sandbox("--dir", "mail")
    client = Client(sandbox)
    client.say(GROUP)
    assert client.codes(3) == [250, 250, 354]
    client.say(MESSAGE + b".\r")
    wait_until(lambda: list((scratch.path / "mail/tmp").iterdir()))
    client.file.close()
    client.socket.close()
    wait_until(lambda: not list((scratch.path / "mail/tmp").iterdir()))
    assert sandbox.accepted() == []
    assert not list((scratch.path / "mail/new").iterdir())


def test_client_that_reads_nothing_is_not_read_for_ever(sandbox):
    """Back-pressure: the replies it does not take stop its input, others go on."""
    client = Client(sandbox)
    client.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        for _ in range(200):
            client.say(b"VRFY x\r\n" * 10000)
    send(sandbox, "c@d.example")
    assert sandbox.counts() == {"c@d.example": 1}


# --- personalities ---

@pytest.mark.parametrize("rcpt, answer", [
    ("bounce@x.example", (550, "5.1.1")), ("bounce17@x.example", (550, "5.1.1")),
    ("BOUNCE+tag@x.example", (550, "5.1.1")), ("bounce17+x@x.example", (550, "5.1.1")),
    ("full@x.example", (452, "4.2.2")), ("busy3@x.example", (421, "4.3.2")),
    ("spam@x.example", (554, "5.7.1")), ("defer+1@x.example", (451, "4.7.1")),
    ("bouncer@x.example", None), ("abounce@x.example", None), ("bounce-1@x.example", None),
])
def test_local_part_picks_the_reply(sandbox, rcpt, answer):
    assert refusal(sandbox, rcpt) == answer
    assert sandbox.counts() == ({rcpt: 1} if answer is None else {})


def test_deferred_is_accepted_from_the_second_attempt_on(sandbox):
    for rcpt in ("defer@x.example", "defer1@x.example", "defer+a@y.example"):
        assert refusal(sandbox, rcpt) == (451, "4.7.1")
        assert refusal(sandbox, rcpt) is None
        assert refusal(sandbox, rcpt) is None
        assert sandbox.counts()[rcpt] == 2


def test_busy_says_so_and_closes(sandbox):
    client = Client(sandbox)
    client.say(b"MAIL FROM:<a@b>\r\nRCPT TO:<busy@x>\r\nDATA\r\n")
    assert client.codes(2) == [250, 421]
    assert client.is_closed()


def test_dropped_is_closed_without_a_reply_and_not_accepted(sandbox):
    client = Client(sandbox)
    client.say(b"MAIL FROM:<a@b>\r\nRCPT TO:<drop@x>\r\nDATA\r\n")
    assert client.codes(3) == [250, 250, 354]
    client.say(MESSAGE + b".\r\n" + GROUP)
    assert client.is_closed()
    assert sandbox.accepted() == []


def test_slow_answers_after_two_seconds_and_delays_nobody_else(sandbox):
    slow = Client(sandbox)
    begin = time.monotonic()
    slow.say(b"MAIL FROM:<a@b>\r\nRCPT TO:<slow@x>\r\nDATA\r\n")
    send(sandbox, "c@d.example")
    assert time.monotonic() - begin < 1.5 * PATIENCE
    assert slow.codes(3) == [250, 250, 354]
    assert 1.9 < time.monotonic() - begin < 3 * PATIENCE


# --- latency, threads, start and stop ---

def test_latency_costs_once_a_round_trip(scratch):
    client = Client(scratch.sandbox("--latency", "100"), ehlo=False)
    for data, replies in ((b"EHLO me\r\n", 1), (GROUP, 3), (MESSAGE + b".\r\n" + GROUP, 4)):
        begin = time.monotonic()
        client.say(data)
        client.codes(replies)
        assert 0.099 <= time.monotonic() - begin < 0.1 + 0.5 * PATIENCE


def test_latency_is_not_paid_by_each_message_in_flight(scratch):
    client = Client(scratch.sandbox("--latency", "100"))
    begin = time.monotonic()
    for _ in range(50):
        client.say(GROUP.replace(b"DATA", b"BDAT 0 LAST"))
        time.sleep(0.001)
    assert client.codes(150) == [250] * 150
    assert time.monotonic() - begin < 1 * PATIENCE


def test_threads_share_the_work(scratch):
    sandbox = scratch.sandbox("--threads", "4")
    clients = [Client(sandbox) for _ in range(16)]
    for client in clients:
        client.say(GROUP)
    for client in clients:
        assert client.codes(3) == [250, 250, 354]
        client.say(MESSAGE + b".\r\n")
    for client in clients:
        assert client.reply()[0] == 250
    assert len(sandbox.accepted()) == 16
    assert sandbox.stop() == 0
    assert "accepted 16 messages (16 recipients" in \
        sandbox.log.with_name(sandbox.log.name + ".stderr").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_with_a_summary(scratch, number):
    process = scratch.start("sandbox", "--listen", "127.0.0.1:0")
    line = process.stdout.readline()
    assert re.fullmatch(r"listening on 127\.0\.0\.1:\d+\n", line)
    socket.create_connection(("127.0.0.1", int(line.rsplit(":", 1)[1])))
    process.send_signal(number)
    out, err = scratch.finish(process, timeout=10)
    assert out == ""
    assert re.fullmatch(r"sandbox: accepted 0 messages .*\n", err)


def test_listens_on_ipv6(scratch):
    sandbox = scratch.sandbox(listen="[::1]:0")
    with smtplib.SMTP("::1", sandbox.port) as smtp:
        smtp.sendmail("a@b", ["c@d"], "x")
    assert sandbox.counts() == {"c@d": 1}


def test_taken_port_is_said(scratch):
    sandbox = scratch.sandbox()
    err = scratch.run("sandbox", "--listen", f"127.0.0.1:{sandbox.port}", code=71).stderr
    assert err.startswith("broadside: cannot listen") and "in use" in err


@pytest.mark.parametrize("options, code", [
    (("--tls", "auto"), 76), (("--tls", "implicit"), 76), (("--auth", "u:f"), 76),
    (("--listen", "nowhere"), 64), (("--listen", "127.0.0.1:70000"), 64),
    (("--dir", "d", "--discard"), 64), (("--threads", "0"), 64), (("--tls", "x"), 64),
    (("--log", "no/such/folder"), 74), (("--dir", "no/such/folder"), 74),
])
def test_wrong_options(scratch, options, code):
    err = scratch.run("sandbox", "--listen", "127.0.0.1:0", *options, code=code).stderr \
        if "--listen" not in options else scratch.run("sandbox", *options, code=code).stderr
    assert err.startswith("broadside: ") and err.count("\n") == 1
