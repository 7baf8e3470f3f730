"""The error line: what failed: on what (file:line:column): why; what to do."""

import re

import pytest

from conftest import ERROR_LINE

HEAD = "campaign: c\nlist: people\nfrom: a@b.example\nsubject: s\ntext: t.txt\n"

# arguments, exit code, what the line must name
USES = [
    ((), 64, "broadside --help"),
    (("nothing",), 64, "unknown command: nothing"),
    (("lauch", "c.yaml"), 64, "did you mean launch?"),
    (("list",), 64, "did you mean lists?"),
    (("import",), 64, "import LIST FILE"),
    (("import", "a", "b", "c"), 64, "too many"),
    (("suppress",), 64, "add|remove|list|import|export"),
    (("lists", "--nothing"), 64, "unknown option: --nothing"),
    (("lists", "--format"), 64, "--format"),
    (("lists", "--format", "xml"), 64, "text|json|csv"),
    (("preview", "c.yaml", "--sample", "0"), 64, "at least 1"),
    (("preview", "c.yaml", "--sample", "one"), 64, "whole number"),
    (("import", "l", "none.csv"), 66, "none.csv"),
    (("import", "l", "."), 66, "directory"),
    (("lists", "show", "nobody"), 66, "see `broadside lists`"),
    (("report", "nothing"), 66, "nothing"),
    (("trace", "nobody@example.org"), 66, "nobody@example.org"),
    (("trace", "nobody"), 65, "no @ sign"),
    (("suppress", "add", "nobody"), 65, "no @ sign"),
    (("suppress", "import", "none.csv"), 66, "none.csv"),
    (("check", "none.yaml"), 66, "none.yaml"),
    (("render", "none.txt", "none.json"), 66, "none"),
    (("sandbox", "--listen", "nowhere"), 64, "HOST:PORT"),
    (("sandbox", "--listen", "nowhere.invalid:2525"), 64, "such as 127.0.0.1"),
    (("sandbox", "--listen", "192.0.2.1:2525"), 64, "such as 127.0.0.1"),
    (("sandbox", "--listen", "127.0.0.1:0", "--log", "none/log"), 74,
     "make its folder first, or give another --log"),
    (("sandbox", "--listen", "127.0.0.1:0", "--log", "."), 74, "a file in it with --log"),
    (("sandbox", "--listen", "127.0.0.1:0", "--dir", "none/mail"), 74, "--dir"),
    (("suppress", "export", "--output", "none/out"), 74,
     "none/out: No such file or directory; make its folder first, or give another --output"),
    (("suppress", "export", "--output", "."), 74, "that is a folder"),
    (("import", "a/b", "none.csv"), 64, "slash"),
    (("import", "a\nb", "none.csv"), 64, "control character"),
    (("import", "", "none.csv"), 64, "give it one"),
    (("import", "x" * 129, "none.csv"), 64, "128"),
    (("resolve", "spring", "--list", "--address", "a@b.example"), 64, "leave it out"),
    (("--db", "/nonexistent/b.db", "lists"), 74, "/nonexistent/b.db"),
]


@pytest.mark.parametrize("args,code,names", USES)
def test_every_error_is_one_line_of_four_parts(scratch, args, code, names):
    done = scratch.run(*args, code=code)
    assert done.stdout == ""
    assert ERROR_LINE.fullmatch(done.stderr.rstrip("\n")), done.stderr
    assert names in done.stderr


@pytest.mark.parametrize("text,place,names", [
    ("bogus: 1\n", "6:1", "unknown key: bogus"),
    ("list: again\n", "6:1", "twice: list"),
    ("reply-to: &a x@y.example\n", "6:11", "anchors"),
    ("reply-to: *a\n", "6:11", "aliases"),
    ("reply-to: !!str x@y.example\n", "6:11", "tags"),
    ("\tdata: x\n", "6:1", "use spaces"),
    ("headers:\n\tX-A: 1\n", "7:1", "use spaces"),
    ("---\ncampaign: c\n", "6:1", "second document"),
    ("where: {{ x }}\n", "6:", "needs quotes"),
    ("headers: {X-A: 1, x-a: 2}\n", "6:19", "twice"),
    ("headers: {Subject: 1}\n", "6:11", "not for a campaign"),
    ("headers: {'X A': 1}\n", "6:11", "header name"),
    ("limits: [{domains: [a.example], rate: 0/s}]\n", "6:39", "never send"),
    ("retry: {first: 5}\n", "6:16", "no time"),
    ("in-doubt: maybe\n", "6:11", "hold|retry"),
    ("relay: {host: h.example, port: 1e3}\n", "6:32", "whole number"),
    ("data: \x01\n", "6:7", "UTF-8"),
])
def test_configuration_errors_name_file_line_and_column(scratch, text, place, names):
    scratch.write("t.txt", "hello\n")
    scratch.write("c.yaml", HEAD + text)
    scratch.write("people.csv", "email\na@example.org\n")
    scratch.run("import", "people", "people.csv")
    done = scratch.run("check", "c.yaml", code=78)
    assert re.match(rf"broadside: [^:]+: c\.yaml:{place}", done.stderr), done.stderr
    assert names in done.stderr and ERROR_LINE.fullmatch(done.stderr.rstrip("\n"))


@pytest.mark.parametrize("text,place", [
    ("where: plan ==\n", "c.yaml:6:8: where:1:"),
    ("headers:\n  X-A: '{% if %}'\n", "c.yaml:7:8: X-A:1:"),
])
def test_a_template_in_the_campaign_file_is_named_by_its_place_there(scratch, text, place):
    scratch.write("t.txt", "hello\n")
    scratch.write("c.yaml", HEAD + text)
    scratch.write("people.csv", "email,plan\na@example.org,pro\n")
    scratch.run("import", "people", "people.csv")
    assert place in scratch.run("check", "c.yaml", code=65).stderr


def test_a_port_that_is_taken(scratch, sandbox):
    done = scratch.run("sandbox", "--listen", f"127.0.0.1:{sandbox.port}", code=71)
    assert "stop it, or take another port" in done.stderr


def test_a_rejects_file_that_cannot_be_written(scratch):
    scratch.write("l.csv", "email\na@example.org\nbad\n")
    done = scratch.run("import", "l", "l.csv", "--rejects", "none/r.csv", code=74)
    assert "make its folder first, or give another --rejects" in done.stderr
    assert scratch.json("lists") == []


def test_resolve_of_an_address_that_is_not_in_doubt(scratch, sandbox):
    scratch.import_list(["a@example.org", "drop@example.org"])
    scratch.run("launch", scratch.campaign(sandbox.port), "--yes", code=4)
    done = scratch.run("resolve", "spring", "--retry", "--address", "nobody@example.org", code=66)
    assert done.stdout == "" and "nobody@example.org: no recipient" in done.stderr
    done = scratch.run("resolve", "spring", "--retry", "--address", "a@example.org", code=66)
    assert "not in doubt but delivered" in done.stderr
    scratch.run("resolve", "spring", "--assume-failed", "--address", "drop@example.org")
