"""A Postfix of its own for a test: own configuration, own queue, a port on loopback.

It takes mail for every domain into one Maildir, as strictly as it can be told to.
Nothing of an installed Postfix's configuration or queue is read or touched.
"""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

from free_port import free_port

# An address with a + or a quoted part must not be taken apart: no address extension. Nor
# one with a ! or a %: those were routes once.
MAIN = """
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {root}/log
maillog_file_prefixes = {root}
myhostname = mx.broadside.example
mydestination =
mynetworks = 192.0.2.1/32
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtpd_peername_lookup = no
default_database_type = hash
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:box/
virtual_mailbox_base = {root}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{{{access}}}, permit
smtpd_delay_reject = yes
smtpd_helo_required = yes
smtpd_forbid_bare_newline = reject
smtpd_forbid_bare_newline_exclusions =
smtpd_forbid_unauth_pipelining = yes
swap_bangpath = no
allow_percent_hack = no
allow_untrusted_routing = yes
strict_rfc821_envelopes = yes
strict_7bit_headers = yes
strict_8bitmime = yes
strict_mime_encoding_domain = yes
default_process_limit = 20
in_flow_delay = 0
{options}
"""

MASTER = """
{entry}
postlog   unix-dgram n - n - 1 postlogd
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       discard
defer     unix  -       -       n       -       0       discard
trace     unix  -       -       n       -       0       discard
verify    unix  -       -       n       -       1       verify
proxymap  unix  -       -       n       -       -       proxymap
virtual   unix  -       n       n       -       -       virtual
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
"""

# The port, or postscreen on it: who passes is handed to smtpd from his next connection on.
SMTPD = "127.0.0.1:{port} inet n - n - - smtpd"
POSTSCREEN = """127.0.0.1:{port} inet n - n - 1 postscreen
smtpd pass - - n - - smtpd"""

# What a test may want otherwise.
OPTIONS = {"smtpd_client_connection_count_limit": "0", "smtpd_discard_ehlo_keywords": ""}

REFUSED = {"bounce@refused.example": "550 5.1.1 no such user",
           "later@refused.example": "450 4.2.0 come back later"}
DEAD = {"dead.example": "550 5.1.1 nobody is here any more"}


def why_not():
    """Why it cannot run here, or None."""
    if os.geteuid() != 0:
        return "Postfix is started by root only"
    if shutil.which("postfix", path="/usr/sbin:/usr/bin") is None:
        return "Postfix is not installed (scripts/setup --tests)"
    return None


class Postfix:
    """`options` are parameters of main.cf."""

    def __init__(self, entry=SMTPD, **options):
        # Not below pytest's folder: that one is closed to Postfix's own user.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="broadside-postfix-"))
        self.root.chmod(0o755)
        self.port = free_port()
        self.etc = self.root / "etc"
        nobody = pwd.getpwnam("nobody")
        for name in ("etc", "queue", "data", "mail", "mail/box"):
            (self.root / name).mkdir()
        shutil.chown(self.root / "data", "postfix")
        shutil.chown(self.root / "mail/box", "nobody")
        access = ", ".join(f"{{{rcpt} = {reply}}}" for rcpt, reply in {**REFUSED, **DEAD}.items())
        (self.etc / "main.cf").write_text(MAIN.format(
            root=self.root, uid=nobody.pw_uid, gid=nobody.pw_gid, access=access,
            options="\n".join(f"{name} = {value}"
                              for name, value in {**OPTIONS, **options}.items())))
        (self.etc / "master.cf").write_text(MASTER.format(entry=entry.format(port=self.port)))
        try:
            self.command("start")
            self.wait_for_port()
        except BaseException:
            self.stop()
            raise

    def command(self, word):
        done = subprocess.run(["/usr/sbin/postfix", "-c", self.etc, word],
                              capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"postfix {word}: {done.stderr}{self.log()}")

    def wait_for_port(self):
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("Postfix does not answer: " + self.log())

    def log(self):
        file = self.root / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def messages(self):
        """What was delivered: the files' bytes."""
        new = self.root / "mail/box/new"
        return [file.read_bytes() for file in sorted(new.iterdir())] if new.exists() else []

    def stop(self):
        try:
            self.command("stop")
        except (RuntimeError, subprocess.TimeoutExpired):
            pass
        shutil.rmtree(self.root, ignore_errors=True)


TRACE = (b"return-path:", b"x-original-to:", b"delivered-to:", b"envelope-to:", b"received:")


def without_trace(message):
    """The message without the fields a receiver puts on top, and who it was for."""
    rcpt = None
    while True:
        name = message.split(b" ", 1)[0].split(b"\n", 1)[0].lower()
        if name not in TRACE:
            return rcpt, message
        end = message.index(b"\n") + 1
        while message[end:end + 1] in (b" ", b"\t"):
            end = message.index(b"\n", end) + 1
        if name in (b"delivered-to:", b"envelope-to:"):
            rcpt = message[len(name):end].strip().decode()
        message = message[end:]
