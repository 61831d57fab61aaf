# SPDX-License-Identifier: BSD-2-Clause
"""A router with a WinBox agent, in the laboratory: accounts that exist in its view of the machine only, users, and clients."""
import contextlib
import os
import socket
import subprocess
from pathlib import Path

import lab as laboratory
from lab import BUILD, EVERY_PID, conf, ip, status, wait
from winbox_peer import PORT, Client
from wire import namespace

AGENT = BUILD / "src/agent/romon-agent"
UID, GID, GROUP, ROMON_UID = 64201, 64202, 64203, 64204
SERVICE = "/tool romon service\nset winbox disabled=no to=unix:{}\n"


def accounts(lab):
    """Mounts under which the users romon and romon-agent exist, whatever this machine has."""
    mounts = {}
    for name, lines in (("passwd", f"romon:x:{ROMON_UID}:{GROUP}::/nonexistent:/usr/sbin/nologin\n"
                                   f"romon-agent:x:{UID}:{GID}::/nonexistent:/usr/sbin/nologin\n"),
                        ("group", f"romon:x:{GROUP}:\nromon-agent:x:{GID}:\n")):
        kept = [x for x in Path("/etc", name).read_text().splitlines(True) if not x.startswith("romon")]
        (lab.folder / name).write_text("".join(kept) + lines)
        mounts[f"/etc/{name}"] = lab.folder / name
    return mounts


class AgentNode:
    """A node whose romond runs an agent."""

    def __init__(self, node, settings="enabled=yes listen=127.0.0.1,127.0.0.2", options=(), users=(("noc", "secret"),)):
        self.node, self.mounts = node, accounts(node.lab)
        node.ip("link", "set", "lo", "up")
        for name, password in users:
            self.write_user(name, password)
        text = conf(f"identity={node.name} board=lab") + f"/tool romon winbox-agent\nset {settings}\n"
        node.start(text, mounts=self.mounts, options=["--agent", AGENT, *options])
        if "enabled=yes" in settings:
            self.wait_listening()

    def write_user(self, name, password):
        """Before romond runs, when `romon` cannot be asked where the file is: by another path to the same file."""
        import winbox
        users = self.node.folder / "winbox-users"
        salt, gamma = winbox.account(name.encode(), password.encode(), os.urandom(16))
        with users.open("a") as out:
            out.write(f"user {name} {salt.hex()} {winbox.x_bytes(gamma).hex()} {gamma[1] % 2:02x} *\n")
        os.chown(users, 0, GID)
        users.chmod(0o640)

    def romon(self, *arguments, stdin=None):
        line = self.node.command(self.node.lab.romon, "-s", self.node.socket, *arguments, mounts=self.mounts)
        return subprocess.run(line, input=stdin, stdin=None if stdin else subprocess.DEVNULL, capture_output=True, text=True, timeout=30)

    def pid(self):
        """Of the agent; None if it does not run."""
        for pid in self.node.daemon.pids()[1:]:
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/exe") == str(AGENT):
                    EVERY_PID.add(pid)
                    return pid
        return None

    def listening(self, address="127.0.0.1", port=PORT):
        try:
            self.connect(address, port=port).close()
            return True
        except OSError:
            return False

    def wait_listening(self, address="127.0.0.1", port=PORT):
        wait(lambda: self.listening(address, port), "the agent listens", 15)
        self.pid()

    def connect(self, address="127.0.0.1", source=None, port=PORT, timeout=30):
        with namespace(self.node.netns):
            return socket.create_connection((address, port), timeout, (source, 0) if source else None)

    def client(self, login="noc+r", password="secret", **options):
        sock = self.connect(**options)
        try:
            return Client(sock, login, password)
        except BaseException:
            sock.close()
            raise

    @property
    def log(self):
        return self.node.daemon.log
