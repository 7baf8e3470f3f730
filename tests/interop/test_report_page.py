"""The report's page in a real browser: what a server answered is shown, never obeyed."""

import http.server
import re
import shutil
import socketserver
import subprocess
import threading

import pytest

from conftest import cli

CHROMIUM = shutil.which("chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


class Refuser(socketserver.StreamRequestHandler):
    """Refuses every recipient with words that are meant for the report's reader."""

    def handle(self):
        self.wfile.write(b"220 refuser.example\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.wfile.write(b"250-refuser.example\r\n250 PIPELINING\r\n")
            elif verb == b"RCPT":
                self.wfile.write(b"550 5.1.1 " + self.server.words + b"\r\n")
            elif verb == b"DATA":
                self.wfile.write(b"503 5.5.1 nobody to send it to\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


class Asked(http.server.BaseHTTPRequestHandler):
    """Notes that somebody fetched something."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    """serve(HANDLER, **attributes) -> a server on a thread."""
    servers = []

    def start(handler, **attributes):
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        for name, value in attributes.items():
            setattr(server, name, value)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def opened(scratch, file):
    """The document as the browser has it once everything has run."""
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={scratch.path}/browser",
         "--virtual-time-budget=2000", "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=120 * cli.PATIENCE, check=True)
    return done.stdout


def test_answers_are_shown_and_nothing_runs_or_is_fetched(scratch, serve):
    web = serve(Asked, asked=[])
    words = (f"<script>document.title='owned'</script><img src=http://127.0.0.1:"
             f"{web.server_address[1]}/seen onerror=\"document.title='owned'\">")
    relay = serve(Refuser, words=words.encode())
    scratch.import_list([f"u{i}@d{i}.example" for i in range(3)])
    scratch.run("launch", scratch.campaign(relay.server_address[1]), "--yes", code=3)
    page = scratch.path / "report.html"
    scratch.run("report", "spring", "--format", "html", "--output", page)
    document = opened(scratch, page)
    assert re.search(r"<title>spring: report</title>", document)
    assert "&lt;script&gt;document.title" in document
    assert not re.search(r"<(script|img)\b", document)
    assert len(re.findall(r"<td>d\d\.example</td>", document)) == 3
    assert web.asked == []
