"""An OpenSMTPD of its own for a test, out of build/servers. It takes mail for every domain
into one Maildir."""

import unpacked_server

PACKAGE = "opensmtpd"
PROGRAM = f"{PACKAGE}/usr/sbin/smtpd"

CONFIGURATION = """
queue ttl 1h
smtp max-message-size {size}
smtp limit max-mails {mails}
table unknown {{ "bounce@refused.example" }}
table busy {{ "later@refused.example" }}
table everybody {{ "@" = "nobody" }}
filter f1 phase rcpt-to match rcpt-to <unknown> reject "550 5.1.1 no such user"
filter f2 phase rcpt-to match rcpt-to <busy> reject "450 4.2.0 come back later"
filter refusals chain {{ f1, f2 }}
listen on 127.0.0.1 port {port} hostname mx.broadside.example filter refusals
action box maildir "{box}" virtual <everybody>
match from any for any action box
"""


def why_not():
    return unpacked_server.why_not(PROGRAM)


class OpenSMTPD(unpacked_server.Unpacked):
    def __init__(self, mails=100, size="35M"):
        super().__init__("opensmtpd")
        self.add_users("opensmtpd", "opensmtpq")
        for folder in ("/run", "/usr/libexec", "/var/lib", "/var/spool"):
            self.hide(folder)
        package = unpacked_server.SERVERS / PACKAGE
        for folder in ("/usr/libexec/opensmtpd", "/var/lib/opensmtpd"):
            self.show(package / folder.lstrip("/"), folder)
        self.mounts.append("mkdir -m 711 /var/spool/smtpd")
        conf = self.etc / "smtpd.conf"
        conf.write_text(CONFIGURATION.format(port=self.port, box=self.box, mails=mails,
                                             size=size))
        try:
            self.start(unpacked_server.SERVERS / PROGRAM, "-d", "-f", conf)
        except BaseException:
            self.stop()
            raise
