"""Python's aiosmtpd, in the test's own process: no PIPELINING, but SMTPUTF8, and lines
of more than 1,000 octets are refused."""

from free_port import free_port

try:
    from aiosmtpd import controller
except ImportError:
    controller = None

REFUSED = {"bounce@refused.example": "550 5.1.1 no such user",
           "later@refused.example": "450 4.2.0 come back later"}


def why_not():
    return None if controller else "aiosmtpd is not installed (scripts/setup --tests)"


class Aiosmtpd:
    def __init__(self):
        self.taken = []
        self.port = free_port()
        self.controller = controller.Controller(
            self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=True,
            data_size_limit=100_000)
        self.controller.start()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in REFUSED:
            return REFUSED[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        rcpt, = envelope.rcpt_tos
        content = envelope.original_content.replace(b"\r\n", b"\n")
        self.taken.append(b"Envelope-to: " + rcpt.encode() + b"\n" + content)
        return "250 2.0.0 taken"

    def messages(self):
        return list(self.taken)

    def log(self):
        return ""

    def stop(self):
        self.controller.stop()
