"""A campaign of a real design to recipients full of hostile values: what was previewed is
what is sent, and Python, postal-mime, mailparser and reformime read it alike."""

import base64
import collections
import email
import email.policy
import shutil
import subprocess

import pytest

import test_message_readback as readback
import test_message_readers as readers
from conftest import cli
from postfix_server import without_trace

DESIGNS = cli.ROOT.parent / "shared/conformance/html"
VALUES = readback.HOSTILE + [
    "\U0001F469\u200d\U0001F469\u200d\U0001F467" * 20, "\U0001F1E9\U0001F1EA" * 30, "x" * 5000,
    "\u00fc" * 5000, "a" + "\u0301" * 100, "\u65e5\u672c\u8a9e\u306e\u4ef6\u540d\u3002" * 40,
    "{% if %}", "{{", "%}", "caf\u00e9; \"x\" <y@z>, q", "y " * 500, "z" * 998, "\U0010FFFF",
    "?=", "=?utf-8?B?YQ==?= =?utf-8?B?YQ==?=", "List-Unsubscribe: <x>", "--", "-- "]
# They cannot stand in a header: the recipient is invalid if they would have to.
BREAKS = ["a\nb", "a\rb", "a\r\nBcc: x@y.z", "a\r\n\r\nbody", "\n.\n", "\r\n.\r\n",
          "\u0085", "\u2028", "\u2029", "From here\n.dot\nFrom there", "\r.\r", "trail\n"]
# A preview is a process, and with sanitizers a slow one.
PREVIEW_EVERY = 1 if cli.PATIENCE == 1 else 5
ONCE = ("date from reply-to to subject message-id x-v list-unsubscribe list-unsubscribe-post "
        "list-id mime-version content-type").split()


def designs():
    found = sorted(DESIGNS.glob("*.html")) if DESIGNS.is_dir() else []
    return found + [cli.ROOT / "docs/examples/spring.html",
                    cli.ROOT / "bench/campaign/newsletter.html"]


def quote(value):
    return '"' + value.replace('"', '""') + '"'


def import_values(scratch, values):
    rows = [(f"r{n}@d{n % 7}.example", value) for n, value in enumerate(values)]
    lines = ["email,v,first_name"] + [f"{a},{quote(v)},{quote(v)}" for a, v in rows]
    scratch.write("people.csv", "\r\n".join(lines) + "\r\n")
    done = scratch.json("import", "people", "people.csv")
    assert done["rejected"] == 0, done
    return dict(rows)


def campaign(scratch, design, port, subject="{{ v }}", x_v="{{ v }}"):
    html = design.read_text()
    end = html.rfind("</body>")
    scratch.write("design.html", html[:end] + "<p>{{ v }}</p><pre>\n{{ v }}\n.\n</pre>"
                  + html[end:])
    shutil.copy(cli.ROOT / "bench/campaign/offers.json", scratch.path / "offers.json")
    scratch.write("logo.png", bytes(range(256)) * 9)
    scratch.write("d/\u00e9t\u00e9 \"\u65e5\u672c\".pdf", b"%PDF\r\n.\r\n")
    scratch.write("empty.txt", b"")
    scratch.write("c.yaml", f"""campaign: c
list: people
from: '"Acme, Gr\u00f6\u00dfe \\"X\\" News" <news@b\u00fccher.example>'
reply-to: 'Team: a@b.example, "Q (x)" <c@d.example>;, (comment) Joe Q. Public <e@f.example>'
subject: '{subject}'
html: design.html
data: offers.json
inline: [logo.png]
attach: ['d/\u00e9t\u00e9 "\u65e5\u672c".pdf', empty.txt]
headers:
  X-V: '{x_v}'
  List-Unsubscribe: '<https://x.example/{"u" * 200}?e={{{{ email | url_encode }}}}>, <mailto:u@x.example>'
  List-Unsubscribe-Post: List-Unsubscribe=One-Click
  List-Id: Acme Gr\u00f6\u00dfe {{{{ list_name }}}} <l.acme.example>
relay:
  host: 127.0.0.1
  port: {port}
  tls: none
""")


def launch(scratch, design, values, **keys):
    (scratch.path / "d").mkdir()
    rows = import_values(scratch, values)
    maildir = scratch.path / "maildir"
    sandbox = scratch.sandbox("--dir", maildir)
    campaign(scratch, design, sandbox.port, **keys)
    scratch.run("launch", "c.yaml", "--yes", code=None)
    return rows, [file.read_bytes() for file in (maildir / "new").iterdir()]


def normal(text):
    return readback.normal(text).strip("\n\ufeff")


def read(raw):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    readback.check_defects(message)
    return message


def files_of(message):
    return sorted((part.get_filename(), part.get_payload(decode=True))
                  for part in message.walk() if part.get_filename() is not None)


def check_message(raw, value, has_value):
    readback.check_wire(raw)
    message = read(raw)
    names = collections.Counter(name.lower() for name in message.keys())
    wanted = set(ONCE) - (set() if has_value and value.strip(" \t") else {"x-v"})
    assert names == collections.Counter(wanted)
    if has_value:
        assert message["subject"] == value.strip(" \t")
        assert (message["x-v"] or "") == value.strip(" \t")
    assert [a.addr_spec for a in message["reply-to"].addresses] == [
        "a@b.example", "c@d.example", "e@f.example"]
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related",
        "text/html", "image/png", "application/pdf", "text/plain"]
    assert [name for name, _ in files_of(message)] == [
        "empty.txt", "logo.png", "\u00e9t\u00e9 \"\u65e5\u672c\".pdf"]
    # Each boundary stands where it has to and nowhere else.
    for part in message.walk():
        if part.is_multipart():
            boundary = b"--" + part.get_boundary().encode()
            assert raw.count(boundary) == len(part.get_payload()) + 1
    return message


def check_sent(scratch, rows, raws, has_value):
    ids = set()
    for number, raw in enumerate(raws):
        to = read(raw)["to"].addresses[0].addr_spec
        message = check_message(raw, rows[to], has_value)
        ids.add(message["message-id"])
        if number % PREVIEW_EVERY == 0:
            shown = scratch.run("preview", "c.yaml", "--recipient", to, text=False).stdout
            assert shown == raw, to
    assert len(ids) == len(raws)


@pytest.mark.parametrize("design", designs(), ids=lambda path: path.stem)
def test_values_in_headers_and_body(scratch, design):
    rows, raws = launch(scratch, design, VALUES + BREAKS)
    counts = cli.check_conserved(scratch.report("c"))
    assert (counts["delivered"], counts["invalid"]) == (len(VALUES), len(BREAKS))
    check_sent(scratch, rows, raws, True)


def test_line_breaks_in_the_body(scratch):
    rows, raws = launch(scratch, designs()[0], VALUES + BREAKS, subject="News", x_v="{{ nothing }}")
    assert scratch.report("c")["counts"]["delivered"] == len(rows) == len(raws)
    check_sent(scratch, rows, raws, False)


def check_node_reading(name, got, message):
    assert readers.squeezed(got["subject"]) == readers.squeezed(message["subject"]), name
    assert [one["address"] for one in got["to"]] == [message["to"].addresses[0].addr_spec]
    assert got["message_id"] == message["message-id"]
    assert sorted(key.lower() for key in got["headers"]) == sorted(
        key.lower() for key in message.keys())
    assert normal(got["html"]) == normal(message.get_body(("html",)).get_content())
    assert normal(got["text"]) == normal(message.get_body(("plain",)).get_content())
    assert sorted((file, base64.b64decode(content)) for file, content in got["files"]) == (
        files_of(message))


@pytest.mark.skipif(readers.why_no_node() is not None, reason=str(readers.why_no_node()))
def test_node_readers_agree(scratch, tmp_path):
    _, raws = launch(scratch, designs()[-1], VALUES + BREAKS)
    for raw, line in zip(raws, readers.read_with_node(raws, tmp_path)):
        for name, got in line.items():
            check_node_reading(name, got, read(raw))


@pytest.mark.skipif(shutil.which("reformime") is None, reason="no reformime (maildrop)")
def test_reformime_agrees(scratch):
    _, raws = launch(scratch, designs()[-1], VALUES[::3])
    for raw in raws:
        leaves = [part for part in read(raw).walk() if not part.is_multipart()]
        sections = readers.sections(raw)
        assert [kind for _, kind in sections] == [part.get_content_type() for part in leaves]
        for (number, _), part in zip(sections, leaves):
            got = readers.reformime(raw, "-e", "-s", number)
            assert (got.replace(b"\r\n", b"\n").strip(b"\n")
                    == part.get_payload(decode=True).replace(b"\r\n", b"\n").strip(b"\n"))


def test_postfix_takes_each_as_one_message(scratch, postfix):
    """With smtpd_forbid_bare_newline=reject, strict MIME and 7-bit headers."""
    (scratch.path / "d").mkdir()
    before = len(postfix.messages())
    rows = import_values(scratch, VALUES + BREAKS)
    campaign(scratch, designs()[0], postfix.port, subject="News", x_v="{{ nothing }}")
    scratch.run("launch", "c.yaml", "--yes")
    cli.wait_until(lambda: len(postfix.messages()) >= before + len(rows), 60, "the messages")
    arrived = dict(without_trace(message) for message in postfix.messages())
    assert set(rows) <= set(arrived) and len(postfix.messages()) == before + len(rows)
    for rcpt in list(rows)[::5]:
        shown = scratch.run("preview", "c.yaml", "--recipient", rcpt, text=False).stdout
        assert arrived[rcpt] == shown.replace(b"\r\n", b"\n"), rcpt
