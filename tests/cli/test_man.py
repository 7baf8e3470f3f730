"""The manual pages and the program say the same: commands, options, keys, exit codes,
log events, in both directions."""

import re

import pytest

from conftest import ROOT


def page(name):
    """The page's source with roff's escapes taken away."""
    text = (ROOT / "docs/man" / name).read_text()
    text = text.replace("\\-", "-").replace("\\&", "").replace("\\(dq", '"')
    return re.sub(r"\\f[A-Z]", "", text)


def sections(text):
    """.SS title -> body."""
    parts = re.split(r"^\.S[SH] (.*)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def commands(scratch):
    text = scratch.run("--help").stdout
    listed = text[text.index("commands:"):text.index("options, before")]
    return re.findall(r"^  (\S+(?: \S+)?)  ", listed, re.M)


def options_of_help(text):
    own = text.split("options of every command:")[0]
    return set(re.findall(r"^  --([a-z-]+)", own, re.M))


def section_of(command, all_sections):
    found = [body for title, body in all_sections.items()
             if re.sub(r" ?[A-Z\[@|.-].*$", "", title).strip() == command]
    assert len(found) == 1, f"{command}: {len(found)} sections"
    return found[0]


def test_every_command_and_option_stands_in_the_page_and_no_other(scratch):
    parts = sections(page("broadside.1"))
    for command in commands(scratch):
        body = section_of(command, parts)
        options = options_of_help(scratch.run(*command.split(), "--help").stdout)
        tags = re.findall(r"^\.TP\n(.*)$", body, re.M)
        described = set(re.findall(r"--([a-z-]+)", " ".join(tags)))
        assert described == options, command


def test_no_section_describes_a_command_that_is_not_there(scratch):
    known = set(commands(scratch))
    for title in re.findall(r"^\.SS (.*)$", page("broadside.1"), re.M):
        name = re.sub(r" ?[A-Z\[@|.-].*$", "", title).strip()
        assert name in known, title


def test_global_options(scratch):
    text = scratch.run("--help").stdout
    options = set(re.findall(r"^  --([a-z-]+)", text, re.M))
    body = sections(page("broadside.1"))["OPTIONS"]
    assert set(re.findall(r"^\.BI? --([a-z-]+)", body, re.M)) == options


def test_exit_codes():
    errors = (ROOT / "core/base/err.h").read_text()
    ends = (ROOT / "cmd/command.h").read_text()
    codes = (re.findall(r'X\(ERR_\w+, "[^"]*", (\d+),', errors) +
             re.findall(r"#define EXIT_\w+ +(\d+)", ends))
    body = sections(page("broadside.1"))["EXIT STATUS"]
    assert set(re.findall(r"^\.B (\d+)$", body, re.M)) == set(codes)


def test_log_events():
    events = set()
    for folder in ("cmd", "core", "storage", "templates"):
        for file in (ROOT / folder).rglob("*.c"):
            events |= set(re.findall(r'log_line\(LOG_\w+,\s*"([^"]+)"', file.read_text()))
    body = sections(page("broadside.1"))["MESSAGES"]
    described = set()
    for line in re.findall(r"^\.TP\n\.B (.*)$", body, re.M):
        described |= set(line.split(", "))
    assert described == events


@pytest.mark.parametrize("section,title", [("", "KEYS"), ("relay", "RELAY"),
                                           ("limits", "LIMITS"), ("retry", "RETRY")])
def test_campaign_keys(scratch, section, title):
    text = scratch.run("help", "campaign-file").stdout
    keys = set()
    for key in re.findall(r"^  (\S+) ", text, re.M):
        head, _, tail = key.rpartition(".")
        if head == section:
            keys.add(tail)
    body = sections(page("broadside-campaign.5"))[title]
    described = set()
    for line in re.findall(r"^\.TP\n\.BR? (.*)$", body, re.M):
        described |= set(re.findall(r"[a-z][a-z-]+", line))
    assert described == keys


def test_the_campaign_file_of_the_page_is_accepted(scratch):
    body = sections(page("broadside-campaign.5"))["EXAMPLE"]
    text = re.search(r"\.nf\n(.*?)\.fi", body, re.S).group(1)
    scratch.write("customers.csv", "email,first_name,plan,orders\na@example.org,Ada,pro,7\n")
    scratch.run("import", "customers", "customers.csv")
    scratch.write("spring.yaml", text)
    scratch.write("spring.html", "<p>Hello {{ first_name }}</p>\n")
    scratch.write("shop.json", "{}")
    scratch.write("terms.pdf", "%PDF")
    scratch.run("check", "spring.yaml")
