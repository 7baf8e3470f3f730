"""--help and --version everywhere."""

import pytest


@pytest.mark.parametrize("group", ["address", "suppress"])
def test_first_words_have_help_too(scratch, group):
    for line in ([group, "--help"], ["--help", group], ["help", group]):
        done = scratch.run(*line)
        assert f"  {group} " in done.stdout and done.stderr == ""
    assert scratch.run(group, "--version").stdout.startswith("broadside ")
    assert "second word" in scratch.run(group, code=64).stderr
    assert "second word" in scratch.run(group, "nothing", "--help", code=64).stderr


def test_unknown_words_have_none(scratch):
    assert "unknown command: nope" in scratch.run("nope", "--help", code=64).stderr
