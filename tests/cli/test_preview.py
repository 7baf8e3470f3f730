"""preview: any part of any recipient's message, and the bytes that are sent."""

import email
import email.policy
import hashlib

import pytest


@pytest.fixture
def file(scratch):
    scratch.write("people.csv", "email,name,Order no.\na@example.org,Ada,7\n"
                  "b@example.org,Bj\u00f6rn & <i>,8\n")
    scratch.run("import", "people", "people.csv")
    scratch.write("spring.html", "<p>Hello {{ name }}, order {{ recipient['Order no.'] }}"
                  "{% render 'foot', to: email %}</p>\n")
    scratch.write("foot.liquid", " for {{ to }}: {{ offer.text }}")
    scratch.write("shop.json", '{"offer": {"text": "10 % off"}}')
    scratch.write("logo.png", b"\x89PNG\r\n\x1a\n")
    scratch.write("spring.yaml", "campaign: spring\nlist: people\n"
                  "from: Acme News <news@acme.example>\nreply-to: hello@acme.example\n"
                  "subject: 'Hi {{ name }}'\nhtml: spring.html\ndata: shop.json\n"
                  "attach: [logo.png]\nheaders:\n  X-Campaign: '{{ campaign_name }}'\n"
                  "  X-Empty: '{{ nothing }}'\n")
    return "spring.yaml"


def message(data):
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    assert not parsed.defects
    return parsed


def test_whole_message(scratch, file):
    data = scratch.run("preview", file, text=False).stdout
    parsed = message(data)
    assert parsed["To"] == "a@example.org"
    assert parsed["Reply-To"] == "hello@acme.example"
    assert parsed["Subject"] == "Hi Ada"
    assert parsed["X-Campaign"] == "spring"
    assert parsed["X-Empty"] is None
    assert parsed.get_body(("html",)).get_content().strip() == (
        "<p>Hello Ada, order 7 for a@example.org: 10 % off</p>")
    assert "Hello Ada, order 7 for a@example.org: 10 % off" in (
        parsed.get_body(("plain",)).get_content())
    attached = list(parsed.iter_attachments())
    assert [a.get_filename() for a in attached] == ["logo.png"]
    assert attached[0].get_content() == b"\x89PNG\r\n\x1a\n"
    assert b"\n" not in data.replace(b"\r\n", b"")


def test_recipient_and_sample(scratch, file):
    second = scratch.run("preview", file, "--recipient", "b@example.org", "--part", "html")
    assert second.stdout.startswith("<p>Hello Bj\u00f6rn &amp; &lt;i&gt;, order 8")
    assert scratch.run("preview", file, "--sample", "2", "--part", "html").stdout == (
        second.stdout)


def test_parts(scratch, file):
    head = scratch.run("preview", file, "--part", "headers", text=False).stdout
    whole = scratch.run("preview", file, text=False).stdout
    assert head.endswith(b"\r\n\r\n") and head.count(b"\r\n\r\n") == 1
    assert whole[:30] == head[:30]
    assert "Hello Ada" in scratch.run("preview", file, "--part", "text").stdout


def test_output_file(scratch, file):
    assert scratch.run("preview", file, "--output", "one.eml").stdout == ""
    assert message((scratch.path / "one.eml").read_bytes())["Subject"] == "Hi Ada"


@pytest.mark.parametrize("args,code", [
    (["--recipient", "nobody@example.org"], 66), (["--sample", "3"], 66),
    (["--sample", "0"], 64), (["--sample", "1", "--recipient", "a@example.org"], 64),
    (["--part", "pdf"], 64)])
def test_what_is_not_there(scratch, file, args, code):
    done = scratch.run("preview", file, *args, code=code)
    assert done.stdout == "" and done.stderr.count("\n") == 1


@pytest.mark.parametrize("line,code", [
    ("attach: ['../people.csv']", 77), ("attach: [/etc/passwd]", 77), ("attach: [link]", 77),
    ("attach: [none.pdf]", 66), ("data: people.csv", 65), ("text: none.txt", 66),
    ("headers: {Subject: x}", 78), ("headers: {'X-A': \"{{ 'a%0Ab' | url_decode }}\"}", 65)])
def test_bad_campaign_files(scratch, file, line, code):
    (scratch.path / "link").symlink_to("logo.png")
    key = line.split(":")[0]
    lines = (scratch.path / file).read_text().split("headers:")[0].splitlines()
    lines = [text for text in lines if not text.startswith(key + ":")] + [line]
    scratch.write(file, "\n".join(lines) + "\n")
    done = scratch.run("preview", file, code=None)
    assert done.returncode == code, done.stderr
    assert done.stdout == "" and done.stderr.count("\n") == 1


def test_after_the_launch_it_is_what_was_sent(scratch, file):
    maildir = scratch.path / "maildir"
    sandbox = scratch.sandbox("--dir", maildir)
    with open(scratch.path / file, "a") as f:
        f.write(f"relay: {{host: 127.0.0.1, port: {sandbox.port}}}\n")
    scratch.run("launch", file, "--yes")
    arrived = {hashlib.sha256(f.read_bytes()).hexdigest() for f in (maildir / "new").iterdir()}
    shown = {hashlib.sha256(scratch.run("preview", file, "--sample", n, text=False).stdout)
             .hexdigest() for n in ("1", "2")}
    assert shown == arrived
    assert shown == {entry["sha256"] for entry in sandbox.accepted()}


def test_partials_of_a_made_text_are_text(scratch):
    """Header and footer in partials are HTML; in the text part they are none."""
    scratch.import_list(["a@example.org"])
    scratch.write("h.html", "<html><body>{% render 'header', t: name %}\n"
                            "<p>Hello {{ name }}{% render 'no', x: 1 %}!</p><table>"
                            "{% for i in (1..2) %}{% render 'row', i: i %}{% endfor %}</table>\n"
                            "{% render 'footer' %}{% include 'self' %}</body></html>")
    scratch.write("header.liquid", "<div><h1>Big {{ t }}</h1></div>\n")
    scratch.write("no.liquid", " <b>no. {{ x }}</b>")
    scratch.write("row.liquid", "<tr><td>Item {{ i }}</td><td>{{ i }} &euro;</td></tr>\n")
    scratch.write("footer.liquid", "<p>&copy; Acme<br><a href='https://x.example/u'>"
                                   "Unsubscribe</a></p>")
    scratch.write("self.liquid", "{% if false %}{% include 'self' %}{% endif %}<i>x</i>")
    scratch.write("c.yaml", "campaign: c\nlist: people\nfrom: a@b.example\nsubject: s\n"
                            "html: h.html\n")
    assert scratch.run("preview", "c.yaml", "--part", "text").stdout == (
        "Big name 0\n================\n\nHello name 0 no. 1!\n\nItem 1  1 \u20ac\n"
        "Item 2  2 \u20ac\n\n\u00a9 Acme\nUnsubscribe <https://x.example/u>\n\nx\n")
    assert "<h1>Big name 0</h1>" in scratch.run("preview", "c.yaml", "--part", "html").stdout
