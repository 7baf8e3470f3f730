"""A campaign that has everything in it that has broken senders, and the proof that what
arrived is what was previewed, byte for byte and once."""

import collections
import concurrent.futures
import math

from conftest import cli
from postfix_server import without_trace

# Line ends, dots, long lines, other scripts.
VALUES = [
    "plain", ".", "..", ".dot at the front", "From here", "a\nb", "a\r\nb", "\n.\n", "\r\n.\r\n",
    "\n.\nMAIL FROM:<evil@example.com>", "\r.\r", "\rx", "tab\there", "=3D=20", "trailing  ",
    "ünïcödé", "日本語のニュース", "emoji 🎉", "x" * 990, "x" * 998, "." * 999, "ü" * 600,
    "a, \"quoted\" <b@c>", "{{ subject }}", "</p><script>", "\u2028line\u0085sep", "%s%n", "-- ",
    "=2E\n=2e",
]

# What may stand in a header: a long one is folded there.
NAMES = ["Ann", "Jürgen Größe", "\"Q\" (x), <y@z>", "日本語" * 40, "word " * 180 + "end",
         "w" * 900, "=?utf-8?Q?no?="]

LOCAL_PARTS = ["r{}", "r{}+tag", "R{}.Upper", "o'r{}", "r{}=x", "a!r{}#$%&*/?^_`{{|}}~",
               "r{}" + "x" * 60]

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

HEADERS = f"""
  X-Number: '{{{{ number }}}}'
  X-Name: '{{{{ name }}}}'
  List-Unsubscribe: '<https://u.example/{"u" * 880}?n={{{{ number }}}}>'"""


def quote(value):
    return '"' + value.replace('"', '""') + '"'


def address_of(number, local_parts):
    local = local_parts[number % len(local_parts)].format(number)
    return f"{local[:64]}@d{number % 11}.example"


def import_hostile(scratch, count=len(VALUES), extra=(), local_parts=LOCAL_PARTS[:1]):
    """number -> address."""
    addresses = [address_of(number, local_parts) for number in range(count)] + list(extra)
    lines = ["email,number,name,value"]
    for number, address in enumerate(addresses):
        name, value = NAMES[number % len(NAMES)], VALUES[number % len(VALUES)]
        lines.append(",".join((quote(address), str(number), quote(name), quote(value))))
    scratch.write("people.csv", "\r\n".join(lines) + "\r\n")
    assert scratch.json("import", "people", "people.csv")["rejected"] == 0
    return {str(number): address for number, address in enumerate(addresses)}


def write_campaign(scratch, port, **keys):
    scratch.write("spring.html", "<html><body><p>{{ name }}</p>\n<p>{{ value }}</p>\n"
                                 ".\n<pre>\n.\n{{ value }}\n</pre></body></html>\n")
    return scratch.campaign(port, text=TEXT, html="spring.html",
                            subject="'News for {{ name }}'", headers=HEADERS, **keys)


def number_of(message):
    head = message.split(b"\n\n", 1)[0]
    line, = [line for line in head.split(b"\n") if line.startswith(b"X-Number: ")]
    return line.split()[1].decode()


def arrived(server, want, seconds=30):
    """number -> (rcpt, message), once `want` messages are there."""
    cli.wait_until(lambda: len(server.messages()) >= want, seconds,
                   f"{want} messages in the Maildir")
    messages = [without_trace(message) for message in server.messages()]
    counts = collections.Counter(number_of(message) for _, message in messages)
    assert max(counts.values()) == 1, counts.most_common(3)
    return {number_of(message): (rcpt, message) for rcpt, message in messages}


def check_bytes(scratch, campaign, addresses, messages):
    """Each was sent to whom it is for, and one in some is what `preview` shows."""
    def preview(number):
        return scratch.run("preview", campaign, "--recipient", addresses[number],
                           "--part", "eml", text=False).stdout

    # A preview is a process, and with sanitizers a slow one; the step has no factor in
    # common with the lists of values.
    step = 1 + len(messages) // (60 if cli.PATIENCE == 1 else 12)
    while any(math.gcd(step, len(values)) != 1 for values in (VALUES, NAMES)):
        step += 1
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        chosen = [number for number in messages if int(number) % step == 0]
        previews = dict(zip(chosen, pool.map(preview, chosen)))
    for number, (rcpt, message) in messages.items():
        assert rcpt == addresses[number]
        if number not in previews:
            continue
        eml = previews[number]
        assert b"\n" not in eml.replace(b"\r\n", b"")
        assert message == eml.replace(b"\r\n", b"\n"), addresses[number]


REFUSED = ("bounce@refused.example", "later@refused.example")


def check_campaign(scratch, server, count=300, connections=2, local_parts=LOCAL_PARTS):
    """`count` recipients, and the two that every server here refuses: everybody else is
    sent his message once, as it was previewed, whatever the server's limits."""
    addresses = import_hostile(scratch, count, REFUSED, local_parts)
    campaign = write_campaign(scratch, server.port, relay={"connections": connections},
                              retry="\n  first: 1h\n  give-up: 2h")
    done = scratch.run("launch", campaign, "--yes", "--no-wait", code=75)
    assert "relay-lock-step" not in done.stderr
    report = scratch.report()
    counts = cli.check_conserved(report)
    assert counts["delivered"] == count, report["replies"]
    assert (counts["failed"], counts["deferred"]) == (1, 1), report["replies"]
    assert report["attempts"] == count + 2, report["replies"]
    states = scratch.states()
    assert [states[address] for address in REFUSED] == ["failed", "deferred"]
    messages = arrived(server, count)
    assert len(messages) == count
    check_bytes(scratch, campaign, addresses, messages)


def check_size(scratch, server):
    """What is larger than the 100 KB of the server's SIZE is not sent; the others are."""
    scratch.write("people.csv", "email,name\nsmall@d.example,s\nlarge@d.example,"
                  + "l" * 150_000 + "\nother@d.example,o\n")
    scratch.json("import", "people", "people.csv")
    scratch.run("launch", scratch.campaign(server.port), "--yes", code=3)
    assert scratch.states() == {"small@d.example": "delivered", "large@d.example": "failed",
                                "other@d.example": "delivered"}
    cli.wait_until(lambda: len(server.messages()) >= 2)
    assert "large" not in server.log()
