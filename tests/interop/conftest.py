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
def own_postfix():
    """Starts Postfixes of the test's own: a function."""
    if postfix_server.why_not():
        pytest.skip(postfix_server.why_not())
    servers = []

    def start(**options):
        servers.append(postfix_server.Postfix(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
