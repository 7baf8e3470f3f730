"""A mail server of the distribution that is not installed, and cannot be beside Postfix:
`scripts/setup --tests` unpacks its package into build/servers, and it runs from there in
mount and process namespaces of its own. There it finds its users and the paths that are
compiled into it; outside of them nothing exists, and nothing is left when it is stopped.
"""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from free_port import free_port

SERVERS = pathlib.Path(__file__).resolve().parents[2] / "build/servers"


def why_not(program):
    """Why a server cannot run here, or None. `program` is its path in build/servers."""
    if os.geteuid() != 0:
        return "a mount namespace is made by root only"
    if not (SERVERS / program).exists():
        return f"build/servers has no {program.split('/')[0]} (scripts/setup --tests)"
    probe = subprocess.run(["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs",
                            "none", "/mnt"], capture_output=True, text=True)
    if probe.returncode != 0:
        return f"no mount namespace here: {probe.stderr.strip()}"
    return None


class Unpacked:
    """Sub-classes write their configuration into `self.etc`, then call `start`."""

    def __init__(self, name):
        # Not below pytest's folder: that one is closed to the server's own user.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix=f"broadside-{name}-"))
        self.root.chmod(0o755)
        self.name = name
        self.port = free_port()
        self.etc = self.root / "etc"
        self.box = self.root / "mail/box"
        for folder in (self.etc, self.box):
            folder.mkdir(parents=True)
        shutil.chown(self.box, "nobody", "nogroup")
        self.mounts = []
        self.process = None

    def add_users(self, *names):
        """Users that exist for this server alone; name -> number."""
        known = {user.pw_name: user.pw_uid for user in pwd.getpwall()}
        numbers = {name: known.get(name, 64100 + at) for at, name in enumerate(names)}
        new = [name for name in names if name not in known]
        for file, line in (("passwd", "{0}:x:{1}:{1}::/nonexistent:/usr/sbin/nologin\n"),
                           ("group", "{0}:x:{1}:\n")):
            lines = [line.format(name, numbers[name]) for name in new]
            (self.etc / file).write_text(pathlib.Path("/etc", file).read_text()
                                         + "".join(lines))
            self.mounts.append(f"mount --bind {self.etc / file} /etc/{file}")
        return numbers

    def hide(self, folder):
        """An empty folder in the place of `folder`."""
        self.mounts.append(f"mount -t tmpfs -o mode=755 none {folder}")

    def make_volatile(self, folder, owner=0):
        """Synced to memory: these tests ask no server to survive."""
        self.mounts.append(f"mount -t tmpfs -o mode=755,uid={owner},gid={owner} none {folder}")

    def show(self, folder, at):
        """What is in `folder`, seen at another place, which is below a hidden one."""
        self.mounts.append(f"mkdir -p {at} && mount --bind {folder} {at}")

    def start(self, *command):
        # The shell stays, as the namespace's first process: the order to die with its
        # parent would not outlive the exec of a program that changes its user.
        script = "set -e\n" + "\n".join(self.mounts) + '\n"$@" &\nwait\n'
        with open(self.root / "stderr", "wb") as errors:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script,
                 self.name, *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                start_new_session=True)
        self.wait_for_port()

    def wait_for_port(self):
        for _ in range(200):
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as client:
                    client.recv(512)
                    client.sendall(b"QUIT\r\n")
                    client.recv(512)
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not answer: {self.log()}")

    def log(self):
        return (self.root / "stderr").read_text(errors="replace")

    def messages(self):
        """What was delivered: the files' bytes."""
        new = self.box / "new"
        return [file.read_bytes() for file in sorted(new.iterdir())] if new.exists() else []

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            # The namespace dies with its first process, and every other one in it.
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(20)
        shutil.rmtree(self.root, ignore_errors=True)
