"""The fixtures of tests/cli, and real servers."""

import importlib.util
import pathlib

import pytest

import postfix_server

path = pathlib.Path(__file__).resolve().parents[1] / "cli" / "conftest.py"
spec = importlib.util.spec_from_file_location("cli_conftest", path)
cli = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cli)

scratch = cli.scratch
sandbox = cli.sandbox


@pytest.fixture(scope="session")
def postfix():
    if postfix_server.why_not():
        pytest.skip(postfix_server.why_not())
    server = postfix_server.Postfix()
    yield server
    server.stop()


@pytest.fixture
def plain_postfix():
    """One that offers as little as can be."""
    if postfix_server.why_not():
        pytest.skip(postfix_server.why_not())
    server = postfix_server.Postfix(
        hidden="pipelining, chunking, 8bitmime, smtputf8, size, dsn, enhancedstatuscodes")
    yield server
    server.stop()
