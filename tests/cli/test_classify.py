"""`classify`: replies on standard input, verdicts as JSON lines."""

import json
import subprocess

from conftest import BINARY


def classify(text):
    done = subprocess.run([BINARY, "classify"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_one_line_of_json_for_each_reply():
    code, verdicts, errors = classify(
        "rcpt 550 5.1.1 <a@b.example>: user unknown\n"
        "rcpt 452 4.2.2 mailbox full\r\n"
        "dot 250 2.0.0 Ok: queued as 4XyZ\n"
        "connect 554 no\n"
        "mail 530 5.7.0 Authentication required\n"
        "rcpt 550-5.7.1 blocked using zen.spamhaus.org\n"
        "dot 250")
    assert code == 0 and errors == ""
    assert [list(v) for v in verdicts] == [["state", "class", "scope", "suppress"]] * 7
    assert [tuple(v.values()) for v in verdicts] == [
        ("failed", "InvalidRecipient", "recipient", True),
        ("deferred", "QuotaIssues", "recipient", False),
        ("delivered", "Delivered", "recipient", False),
        ("deferred", "TransientFailure", "destination", False),
        ("deferred", "AuthenticationFailed", "destination", False),
        ("failed", "SpamBlock", "destination", False),
        ("delivered", "Delivered", "recipient", False),
    ]


def test_what_is_no_reply_is_answered_with_an_error_and_65():
    for line in ("", "rcpt", "rcpt 55", "rcpt 5501 x", "rcpt 650 x", "rcpt abc",
                 "nowhere 550 x", "550 5.1.1 x"):
        code, verdicts, errors = classify(f"rcpt 250 ok\n{line}\ndot 250 ok\n")
        assert code == 65, line
        assert [list(v)[0] for v in verdicts] == ["state", "error", "state"], line
        assert errors.startswith("broadside: ") and ":2:" in errors and errors.count("\n") == 1


def test_nothing_in_nothing_out():
    assert classify("") == (0, [], "")
