"""check and launch --dry-run: everybody rendered, nothing sent, nothing created."""

import re

CSV = ("email,first_name,plan\n"
       "a@example.org,Ada,pro\n"
       "b@example.org,,free\n"
       "c@example.org,Chlo\u00e9,pro\n")


def campaign(scratch, html="<p>Hello {{ first_name }}</p>\n", extra="", relay=True):
    scratch.write("people.csv", CSV)
    scratch.run("import", "people", "people.csv")
    scratch.write("spring.html", html)
    scratch.write("spring.yaml", "campaign: spring\nlist: people\n"
                  "from: Acme <news@acme.example>\nsubject: 'Hi {{ first_name }}'\n"
                  "html: spring.html\n" + extra +
                  ("relay: {host: 127.0.0.1, port: 9}\n" if relay else ""))
    return "spring.yaml"


def test_everything_renders(scratch):
    done = scratch.json("check", campaign(scratch))
    assert (done["recipients"], done["rendered"], done["invalid"]) == (3, 3, 0)
    assert 0 < done["smallest_bytes"] <= done["largest_bytes"]
    assert done["invalid_rows"] == []
    assert {sample for m in done["missing"] for sample in m["samples"]} == {"b@example.org"}
    assert scratch.json("status") == []


def test_no_relay_is_needed(scratch):
    scratch.run("check", campaign(scratch, relay=False))


def test_missing_fields_are_listed_with_position_and_samples(scratch):
    file = campaign(scratch, html="<p>Hello\n{{ first_name }}, {{ town }}</p>\n"
                                  "<p>{{ town | default: 'x' }}</p>\n")
    scratch.write("spring.txt", "text\n")
    done = scratch.json("check", file)
    html = [m for m in done["missing"] if m["template"] == "spring.html"]
    seen = [(m["line"], m["field"], m["recipients"]) for m in html]
    assert sorted(seen) == [(2, "first_name", 1), (2, "town", 3)]
    samples = {m["field"]: m["samples"] for m in html}
    assert samples["town"] == ["a@example.org", "b@example.org", "c@example.org"]
    assert samples["first_name"] == ["b@example.org"]
    text = scratch.run("check", file).stdout
    assert re.search(r"missing: spring\.html:2:\d+: town: 3 recipients, such as "
                     r"a@example\.org", text)


def test_missing_hold_makes_recipients_invalid(scratch):
    file = campaign(scratch, html="<p>{{ town }}</p>\n", extra="missing: hold\n")
    done = scratch.run("check", file, "--format", "json", code=65)
    import json
    result = json.loads(done.stdout)
    assert (result["rendered"], result["invalid"]) == (0, 3)
    assert "town" in result["invalid_rows"][0]["why"]


def test_an_empty_cell_is_missing_where_it_is_printed(scratch):
    """Once per recipient and place, a loop's too; a partial's place is its own."""
    scratch.write("greet.liquid", "\n{{ recipient['first name'] }}{{ name }}")
    scratch.write("people.csv", "email,first name,name\na@example.org,Ada,A\n"
                  "b@example.org,,\n")
    scratch.run("import", "people", "people.csv")
    scratch.write("spring.html", "{% for i in (1..3) %}{% render 'greet' %}{% endfor %}"
                  "{{ recipient['first name'] | default: 'you' }}"
                  "{% if name == blank %}{% assign name = 'you' %}{% endif %}{{ name }}")
    scratch.write("spring.yaml", "campaign: spring\nlist: people\nmissing: hold\n"
                  "from: Acme <news@acme.example>\nsubject: Hi\nhtml: spring.html\n")
    import json
    done = json.loads(scratch.run("check", "spring.yaml", "--format", "json", code=65).stdout)
    assert (done["rendered"], done["invalid"]) == (1, 1)
    missing = [(m["template"], m["line"], m["field"], m["recipients"], m["samples"])
               for m in done["missing"]]
    assert ("greet", 2, "first name", 1, ["b@example.org"]) in missing
    assert {m[0] for m in missing} == {"greet"}
    assert "greet:2:4: the field first name is missing or empty" in done["invalid_rows"][0]["why"]


def test_one_who_cannot_be_rendered_is_65_and_named(scratch):
    file = campaign(scratch, html="{% if plan == 'free' %}{{ 1 | divided_by: 0 }}{% endif %}x")
    done = scratch.run("check", file, code=65)
    assert "invalid: b@example.org: " in done.stdout
    assert done.stderr.count("\n") == 1
    dry = scratch.run("launch", file, "--dry-run", code=65)
    assert "b@example.org" in dry.stdout


def test_where_and_suppression_are_counted(scratch):
    file = campaign(scratch, extra="where: plan == \"pro\"\n")
    scratch.run("suppress", "add", "c@example.org")
    done = scratch.json("check", file)
    assert (done["rendered"], done["left_out"], done["suppressed"]) == (1, 1, 1)


def test_warnings(scratch):
    file = campaign(scratch, html="<a href='http://x.example/'>x</a><img src='cid:a'>"
                                  + "y" * 110000)
    text = scratch.run("check", file).stdout
    for words in ("List-Unsubscribe", "unsubscribing", "http:", "alt text", "Gmail clips"):
        assert words in text, words


def test_cid_references_and_inline_files_belong_together(scratch):
    html = ("<style>p { background: url(cid:tile.png) }</style><img alt='' src='cid:logo.png'>"
            "{% if first_name == 'Ada' %}<img alt='' src=\"cid:lgoo.png\">{% endif %}"
            "{% if plan == 'pro' %}<img alt='' src=cid:extra.png>{% endif %} acid:x cid: y")
    for name in ("logo.png", "tile.png", "extra.png", "old.png"):
        scratch.write(name, "x")
    file = campaign(scratch, html=html,
                    extra="inline: [logo.png, tile.png, extra.png, old.png]\n")
    done = scratch.json("check", file)
    assert done["inline"] == {"unknown_cids": 1, "messages_with_unknown_cids": 1,
                              "unused": ["old.png"]}
    text = scratch.run("check", file).stdout
    assert "cid:lgoo.png is no file of inline: in 1 messages, such as a@example.org's" in text
    assert "inline: old.png: no message refers to it as cid:old.png" in text
    assert "extra.png" not in text


def test_a_written_text_is_looked_at_for_unsubscribing(scratch):
    file = campaign(scratch, extra="text: spring.txt\n").replace("html: spring.html\n", "")
    yaml = (scratch.path / file).read_text().replace("html: spring.html\n", "")
    scratch.write(file, yaml)
    scratch.write("spring.txt", "Hi\n{% if plan == 'pro' %}https://x.example/unsubscribe{% endif %}\n")
    assert scratch.json("check", file)["text"] == {"looked_at": 3, "without_unsubscribe_link": 1}
    assert "the text of 1 of 3 messages says nothing of unsubscribing" in \
        scratch.run("check", file).stdout


def test_unsubscribe_url_has_no_value_of_its_own(scratch):
    file = campaign(scratch, html="<a href='{{ unsubscribe_url }}'>leave</a>")
    said = "spring.html:1:13: unsubscribe_url: it has no value yet"
    assert said in scratch.run("check", file).stdout
    scratch.write("shop.json", '{"unsubscribe_url": "https://x.example/leave"}')
    (scratch.path / file).write_text((scratch.path / file).read_text() + "data: shop.json\n")
    text = scratch.run("check", file).stdout
    assert "no value yet" not in text and "lead nowhere" not in text


def test_identical_bodies_are_counted_with_samples(scratch):
    scratch.write("people.csv", "email,first_name,plan\n" + "".join(
        f"r{i}@example.org,{name},x\n" for i, name in enumerate(
            ["Ada", "", "Bo", "", "", "Bo", "Cy", ""])))
    scratch.run("import", "people", "people.csv")
    scratch.write("t.html", "<p>Hello {{ first_name | default: 'you' }}</p>\n")
    scratch.write("c.yaml", "campaign: c\nlist: people\nfrom: a@b.example\n"
                  "subject: s\nhtml: t.html\n")
    for workers in (1, 3):
        assert scratch.json("check", "c.yaml", "--workers", workers)["identical_bodies"] == {
            "compared": 8, "different": 4, "recipients": 6, "most_alike": 4,
            "samples": [f"r{i}@example.org" for i in (1, 3, 4, 7)]}
    assert ("identical: 6 of 8 recipients get the same body as somebody else, the most "
            "alike are 4, such as r1@example.org r3@example.org") in (
        scratch.run("check", "c.yaml").stdout)


def test_identical_bodies_of_an_impersonal_template_are_no_finding(scratch):
    file = campaign(scratch, html="<p>Hello all</p>")
    assert scratch.json("check", file)["identical_bodies"] is None
    assert "identical" not in scratch.run("check", file).stdout
    file = campaign(scratch)
    assert scratch.json("check", file)["identical_bodies"]["recipients"] == 0
    assert "identical" not in scratch.run("check", file).stdout


def test_facts_of_the_messages_in_json(scratch):
    html = ("<a href='http://x.example/'>x</a><a href='https://y.example/'>y</a>"
            "<img src='https://x.example/a.png'><img src='https://x.example/b.png' alt=''>"
            "{% if plan == 'free' %}" + "y" * 110000 + "{% endif %}")
    file = campaign(scratch, html=html,
                    extra="headers: {List-Unsubscribe: \"{% if plan == 'pro' %}"
                          "<https://x.example/u>{% endif %}\"}\n")
    done = scratch.json("check", file)
    assert done["html"] == {
        "looked_at": 3, "without_unsubscribe_link": 3,
        "http_links": 1, "messages_with_http_links": 3,
        "dead_links": 0, "messages_with_dead_links": 0,
        "images_without_alt": 1, "messages_with_images_without_alt": 3}
    assert done["lint"] is None
    assert (done["over_102400_bytes"], done["without_unsubscribe_header"]) == (1, 1)
    assert done["largest_address"] == "b@example.org"
    assert done["smallest_address"] == "a@example.org"
    assert done["largest_bytes"] > 102400 > done["smallest_bytes"]
    # "Hi " (its blank is dropped later) to "Hi Chlo\u00e9", in characters.
    assert (done["subject_shortest"], done["subject_longest"]) == (3, 8)
    text = scratch.run("check", file).stdout
    assert re.search(r"messages of \d+ \(a@example.org\) to \d+ bytes "
                     r"\(b@example.org\), subjects of 3 to 8 characters", text)


def test_what_is_the_same_for_all_is_said_once(scratch):
    scratch.import_list(["a@example.org", "b@example.org"])
    scratch.write("t.html", "<p>x</p>")
    scratch.write("c.yaml", "campaign: c\nlist: people\nfrom: a@b.example\n"
                            "subject: spring\nhtml: t.html\n")
    assert re.search(r"messages of \d+ bytes \([ab]@example.org\), "
                     r"subjects of 6 characters\n", scratch.run("check", "c.yaml").stdout)


def test_subjects_empty_and_long(scratch):
    file = campaign(scratch)
    text = (scratch.path / file).read_text()
    scratch.write(file, text.replace("'Hi {{ first_name }}'",
                                     "\"{% if plan == 'pro' %}{{ 'x' | append: '"
                                     + "y" * 80 + "' }}{% endif %}\""))
    done = scratch.json("check", file)
    assert (done["subjects_empty"], done["subject_longest"]) == (1, 81)
    assert any("1 subjects are empty" in w for w in done["warnings"])
    assert any("longest subject has 81 characters" in w for w in done["warnings"])


def test_good_campaign_has_no_warnings(scratch):
    file = campaign(scratch, html="<p>Hi {{ first_name }} <img src='https://x.example/a.png' "
                                  "alt='A'><a href='https://x.example/u'>Unsubscribe</a></p>",
                    extra="headers: {List-Unsubscribe: '<https://x.example/u>'}\n")
    assert "warning" not in scratch.run("check", file).stdout


def test_result_is_the_same_with_any_number_of_threads(scratch):
    file = campaign(scratch, html="<p>{{ town }} {{ name }}</p>")
    scratch.import_list([f"r{i}@d{i % 9}.example" for i in range(2000)])
    results = []
    for workers in (1, 2, 7):
        result = scratch.json("check", file, "--workers", workers)
        del result["elapsed_s"]
        results.append(result)
    assert results[0] == results[1] == results[2]
    assert results[0]["recipients"] == 2003


def test_dry_run_shows_counts_and_samples(scratch):
    file = campaign(scratch)
    text = scratch.run("launch", file, "--dry-run").stdout
    assert "3 of 3 recipients of people would get it" in text
    assert "  a@example.org\n" in text
    assert scratch.json("status") == []


def test_dry_run_opens_no_socket(scratch):
    import os
    import shutil
    import subprocess

    import pytest
    from conftest import BINARY
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    file = campaign(scratch)
    subprocess.run(["strace", "-f", "-e", "trace=socket,connect", "-o", "calls", BINARY,
                    "launch", file, "--dry-run"], cwd=scratch.path, check=True,
                   capture_output=True, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    assert "AF_INET" not in (scratch.path / "calls").read_text()


def test_empty_list_is_65(scratch):
    file = campaign(scratch)
    scratch.write("none.csv", "email\n")
    scratch.run("import", "none", "none.csv", code=None)
    text = (scratch.path / file).read_text().replace("list: people", "list: none")
    scratch.write(file, text)
    assert scratch.run("check", file, code=None).returncode in (65, 66)


def test_columns_compare_with_numbers_as_numbers(scratch):
    """A CSV has no types: beside a number a cell is read as one, or is neither more nor
    less than it."""
    cells = ["10", "9.5", "-3", "", "many", "3", "03"]
    scratch.write("people.csv", "email,orders\n" +
                  "".join(f"r{i}@example.org,{cell}\n" for i, cell in enumerate(cells)))
    scratch.run("import", "people", "people.csv")
    scratch.write("t.txt", "x\n")
    for condition, count in (("orders > 3", 2), ("orders >= 3", 4), ("orders < 3", 1),
                             ("orders == 3", 2), ("orders != 3", 5), ("9 < orders", 2),
                             ("recipient.orders > 3", 2), ('orders == "3"', 1),
                             ("nothing > 3", 0)):
        scratch.write("c.yaml", "campaign: c\nlist: people\nfrom: a@b.example\nsubject: s\n"
                      f"text: t.txt\nwhere: '{condition}'\n")
        assert scratch.json("check", "c.yaml")["rendered"] == count, condition


def test_misspelt_fields_are_warned_of(scratch):
    scratch.write("shop.json", '{"offer": {"text": "x"}}')
    file = campaign(scratch, extra="data: shop.json\n", html=(
        "{% assign mine = 1 %}{% for x in offer.list %}{{ x }}{{ forloop.index }}{% endfor %}"
        "<p>{{ mine }}{{ first_name }}{{ offer.text }}{{ email }}{{ list_name }}\n"
        "{{ recipient.plan }}{{ fist_name }}{{ fist_name }}</p>"))
    warnings = [w for w in scratch.json("check", file)["warnings"] if "neither" in w]
    assert len(warnings) == 1
    assert re.match(r"spring\.html:2:\d+: fist_name: ", warnings[0])


def test_every_message_is_looked_at(scratch):
    """What is wrong with one value far down the list is found, and whose it is."""
    rows = [f"r{i}@example.org,https://x.example/{i}" for i in range(1500)]
    rows[777] = "r777@example.org,http://x.example/777"
    rows[900] = "r900@example.org,"
    scratch.write("people.csv", "email,url\n" + "\n".join(rows) + "\n")
    scratch.run("import", "people", "people.csv")
    scratch.write("t.html", "<a href='{{ url }}'>x</a>")
    scratch.write("c.yaml", "campaign: c\nlist: people\nfrom: a@b.example\n"
                            "subject: s\nhtml: t.html\n")
    done = scratch.json("check", "c.yaml")
    assert done["html"]["looked_at"] == 1500
    assert done["html"]["messages_with_http_links"] == 1
    assert done["html"]["messages_with_dead_links"] == 1
    assert any("http:" in w and "r777@example.org" in w for w in done["warnings"])
    assert any("nowhere" in w and "r900@example.org" in w for w in done["warnings"])


# ---- --lint: stand-ins on PATH, which keep what they were given -------------------------

RSPAMC = """#!/bin/sh
cat > message.$$
[ "$*" = "--json symbols" ] || exit 2
printf '{"score": 16.5, "required_score": 15.0, "symbols": {
  "BAD_WORD": {"name": "BAD_WORD", "score": 2.5, "description": "Says it"},
  "NEUTRAL": {"name": "NEUTRAL", "score": 0.0}}}\\n'
"""

SPAMASSASSIN = """#!/bin/sh
cat > message.$$
cat message.$$
printf '\\nbroadside-lint: 3.4 5.0\\n'
printf -- '-0.0 NO_RELAYS              Informational\\n'
printf ' 2.8 DRUG_ED_CAPS           BODY: Mentions it\\n'
printf '                            and goes on\\n1000 GTUBE                  BODY: Test\\n\\n'
"""


def lint(scratch, programs, *args, html="<p>Hello {{ first_name }}</p>\n"):
    """The result, with these programs and the shell's tools alone to be found."""
    import os
    import shutil
    bin_folder = scratch.path / "bin"
    bin_folder.mkdir()
    for name in ("cat", "sleep"):
        (bin_folder / name).symlink_to(shutil.which(name))
    for name, text in programs.items():
        file = bin_folder / name
        file.write_text(text)
        os.chmod(file, 0o755)
    return scratch.json("check", campaign(scratch, html=html), "--lint", *args,
                        env={"PATH": str(bin_folder)})


def given_messages(scratch):
    import email
    import email.policy
    return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            for file in sorted(scratch.path.glob("message.*"))]


def test_lint_asks_rspamd(scratch):
    done = lint(scratch, {"rspamc": RSPAMC, "spamassassin": SPAMASSASSIN})
    assert done["lint"] == {
        "program": "rspamd", "messages": 3, "score": 16.5, "required": 15.0,
        "address": "a@example.org",
        "rules": [{"rule": "BAD_WORD", "score": 2.5, "description": "Says it",
                   "messages": 3, "sample": "a@example.org"}]}
    assert any("rspamd takes a@example.org's message for spam" in w for w in done["warnings"])
    # The first, the smallest and the largest: whole messages.
    assert sorted(m["to"] for m in given_messages(scratch)) == [
        "a@example.org", "b@example.org", "c@example.org"]
    assert all(m["message-id"] and m.get_body(("html",)) for m in given_messages(scratch))


def test_lint_asks_spamassassin_where_rspamd_does_not_answer(scratch):
    done = lint(scratch, {"rspamc": "#!/bin/sh\nexit 1\n", "spamassassin": SPAMASSASSIN},
                html="<p>broadside-lint: 9 9\n{{ first_name }}</p>")
    assert (done["lint"]["program"], done["lint"]["score"]) == ("SpamAssassin", 3.4)
    assert [(r["rule"], r["score"]) for r in done["lint"]["rules"]] == [
        ("DRUG_ED_CAPS", 2.8), ("GTUBE", 1000.0)]
    assert not any("for spam" in w or "lint" in w for w in done["warnings"])


def test_lint_says_when_there_is_nobody_to_ask(scratch):
    done = lint(scratch, {})
    assert done["lint"] is None and done["rendered"] == 3
    assert any("install rspamd or SpamAssassin" in w for w in done["warnings"])


def test_lint_outlives_a_program_that_fails_or_does_not_read(scratch):
    done = lint(scratch, {"rspamc": "#!/bin/sh\necho nonsense\n",
                          "spamassassin": "#!/bin/sh\nexit 3\n"},
                html="<p>{{ first_name }}" + "y" * 1000000 + "</p>")
    assert done["lint"] is None
    assert any(w.startswith("lint: cannot run: spamassassin: it failed")
               for w in done["warnings"])


def test_lint_with_a_real_spamassassin(scratch):
    import shutil

    import pytest
    if not shutil.which("spamassassin"):
        pytest.skip("SpamAssassin is not installed")
    env = {"PATH": str(scratch.path / "bin")}
    (scratch.path / "bin").mkdir()
    for name in ("spamassassin", "perl"):
        (scratch.path / "bin" / name).symlink_to(shutil.which(name))
    file = campaign(scratch, html="<p>{{ first_name }} XJS*C4JDBQADN1.NSBN3*2IDNEN*"
                                  "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X</p>")
    done = scratch.json("check", file, "--lint", env=env)
    assert done["lint"]["program"] == "SpamAssassin", done["warnings"]
    assert "GTUBE" in [rule["rule"] for rule in done["lint"]["rules"]]
    assert done["lint"]["score"] > 900 and done["lint"]["required"] == 5.0


def test_a_filter_that_there_is_not(scratch):
    scratch.import_list(["a@example.org"])
    scratch.campaign(1, text="Hi {{ name | upcas }} {{ 'x' | upcase | raw }}\n",
                     subject="'{{ name | defualt: \"you\" }}'")
    warnings = scratch.json("check", "spring.yaml")["warnings"]
    assert [w for w in warnings if "no filter" in w] == [
        "subject:1:11: defualt: no filter is called that; what is before it is printed as it is",
        "spring.txt:1:14: upcas: no filter is called that; what is before it is printed as it is"]
