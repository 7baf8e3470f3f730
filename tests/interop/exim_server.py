"""An Exim of its own for a test, out of build/servers. It takes mail for every domain into
one Maildir, with every check of the protocol that it has.

A configuration that is not the compiled-in one costs Exim root's rights as soon as it
starts itself again: it delivers as its own user."""

import os

import unpacked_server

PROGRAM = "exim4-daemon-light/usr/sbin/exim4"

CONFIGURATION = """
exim_path = {program}
spool_directory = {root}/spool
log_file_path = {root}/log/%slog
pid_file_path =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
primary_hostname = mx.broadside.example
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
deliver_drop_privilege = true
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
{options}

begin acl
acl_rcpt:
  {acl}
  deny   recipients = bounce@refused.example
         message = 550 5.1.1 no such user
  defer  recipients = later@refused.example
         message = 450 4.2.0 come back later
  accept
acl_data:
  deny   condition = ${{if > {{$max_received_linelength}}{{998}}}}
         message = 550 5.6.0 a line is too long
  accept

begin routers
everybody:
  driver = accept
  transport = box

begin transports
box:
  driver = appendfile
  directory = {root}/mail/box
  maildir_format
  envelope_to_add
  create_directory
"""

# What a test may want otherwise.
OPTIONS = {"smtp_enforce_sync": "true", "smtputf8_advertise_hosts": "*",
           "tls_advertise_hosts": "", "smtp_accept_max": "0",
           "smtp_accept_queue_per_connection": "0", "smtp_accept_max_per_connection": "0"}


def why_not():
    return unpacked_server.why_not(PROGRAM)


class Exim(unpacked_server.Unpacked):
    """`acl`: what comes first at RCPT; the rest are main options."""

    def __init__(self, acl="", **options):
        super().__init__("exim")
        user = self.add_users("Debian-exim")["Debian-exim"]
        program = unpacked_server.SERVERS / PROGRAM
        for folder in ("spool", "log"):
            (self.root / folder).mkdir()
        for folder in (self.root / "spool", self.root / "log", self.box):
            # By number: the name exists within the namespace only.
            os.chown(folder, user, user)
        self.make_volatile(self.root / "spool", user)
        (self.etc / "exim4.conf").write_text(CONFIGURATION.format(
            program=program, root=self.root, port=self.port, acl=acl,
            options="\n".join(f"{name} = {value}"
                              for name, value in {**OPTIONS, **options}.items())))
        try:
            self.start(program, "-bdf", "-C", self.etc / "exim4.conf")
        except BaseException:
            self.stop()
            raise

    def log(self):
        logs = [(self.root / "log" / name) for name in ("mainlog", "rejectlog", "paniclog")]
        return super().log() + "".join(
            log.read_text(errors="replace") for log in logs if log.exists())
