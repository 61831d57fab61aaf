# SPDX-License-Identifier: BSD-2-Clause
"""Rows about streams: one flow of bytes against kernel TCP through the same number of hops over the same veth pairs, and scp against
scp through jump hosts. Each data path of romond has a line of its own. The peers run on that of `packet`: XDP takes from a veth pair what
it has for TCP."""
import atexit
import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import openssh
from lab import PORTS, conf
from measure import Absent, Case, Side
from routed import DATAPATHS, SERVICES, Line, address, datapath_settings, program

FLOW = Path(__file__).resolve().parent / "flow.py"
SECONDS, PORT, TCP_PORT = 1.5, 100, 5000
COPY = 32 << 20  # bytes that scp copies


class Flow:
    """A line of that many hops with a sink at its end, for streams and for TCP."""

    def __init__(self, hops, offloads, datapath):
        self.settings = datapath_settings(datapath)
        self.line = Line(hops, offloads, configs=self.configs, datapath=datapath)
        self.sinks = {"romon": self.sink(f"unix:{self.path}"), "tcp": self.sink(f"tcp:0.0.0.0:{TCP_PORT}")}

    def configs(self, lab, nodes):
        self.path = lab.folder / "sink"
        plain = {node.name: conf(f"identity={node.name} board=lab{self.settings}", PORTS) for node in nodes}
        plain[nodes[-1].name] += f"{SERVICES}add name=sink port={PORT} to=unix:{self.path}\n"
        return plain

    def sink(self, where):
        process = self.line.start(self.line.far, sys.executable, FLOW, "sink", where, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        return process

    def pour(self, kind, where):
        """Millions of bytes a second that reach the sink."""
        near = self.line.nodes[0]
        subprocess.run(near.command(sys.executable, FLOW, "pour", f"{kind}:{where}", SECONDS), check=True, timeout=60)
        report = json.loads(self.sinks["tcp" if kind == "tcp" else "romon"].stdout.readline())
        return report["bytes"] / report["seconds"] / 1e6

    def romon(self):
        return self.pour("romon", f"{self.line.nodes[0].socket},{self.line.far_id},{PORT}")

    def connect(self):
        near = self.line.nodes[0]
        return self.pour("pipe", f"{self.line.lab.romon},{near.socket},{self.line.far_id},{PORT}")

    def tcp(self):
        return self.pour("tcp", f"{self.line.far_ip}:{TCP_PORT}")


def lines(stack, make):
    """What make() makes for each data path, its line being taken down with the stack; and a side for each that there is none of."""
    made, missing = {}, []
    for datapath in DATAPATHS:
        try:
            made[datapath] = make(datapath)
            stack.enter_context(made[datapath].line)
        except Absent as reason:
            missing.append(Side(datapath, ours=True, missing=str(reason)))
    return made, missing


def cases(rounds):
    for offloads in (False, True):
        for hops in (1, 3):
            name = f"one flow over {hops} hop{'s' if hops > 1 else ''}, offloads {'on' if offloads else 'off'}"
            with contextlib.ExitStack() as stack:
                flows, sides = lines(stack, lambda datapath: Flow(hops, offloads, datapath))
                for datapath, flow in flows.items():
                    sides.append(Side(f"stream, {datapath}", flow.romon, ours=True))
                if "packet" in flows:
                    sides += [Side("stream, packet, by pipe through romon connect", flows["packet"].connect, ours=True),
                              Side("TCP, routed", flows["packet"].tcp)]
                yield Case("streams", name, "MB/s", sides).run(rounds or 7)


@functools.lru_cache
def server():
    """An sshd, installed or not."""
    place = Path(tempfile.mkdtemp(prefix="openromon-sshd-"))
    atexit.register(shutil.rmtree, place)
    try:
        return openssh.sshd(place / "sshd")
    except openssh.Missing as reason:
        raise Absent(f"no sshd: {reason}") from None


class Copies:
    """A line on which every router but the first has an sshd, as a service and on its IP addresses."""

    def __init__(self, hops, datapath):
        self.settings = datapath_settings(datapath)
        self.scp, keygen = program("scp", "openssh-client"), program("ssh-keygen", "openssh-client")
        self.sshd = server()
        self.hops, self.keygen = hops, keygen
        self.line = Line(hops, configs=self.configs, datapath=datapath)
        for node in self.line.nodes[1:]:
            self.line.start(node, self.sshd, "-D", "-f", node.folder / "sshd_config", stderr=subprocess.DEVNULL)
        self.client_config()

    def key(self, path):
        subprocess.run([self.keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
        return path

    def configs(self, lab, nodes):
        self.folder = lab.folder
        shutil.copy(self.key(self.folder / "key").with_suffix(".pub"), self.folder / "authorized")
        made = {}
        for node in nodes:
            made[node.name] = conf(f"identity={node.name} board=lab{self.settings}", PORTS)
            if node is nodes[0]:
                continue
            self.key(node.folder / "hostkey")
            (node.folder / "sshd_config").write_text(
                f"HostKey {node.folder}/hostkey\nAuthorizedKeysFile {self.folder}/authorized\nPermitRootLogin prohibit-password\n"
                "StrictModes no\nUsePAM no\nPidFile none\nPrintMotd no\nPrintLastLog no\nSubsystem sftp internal-sftp\n")
            made[node.name] += (f'{SERVICES}set [find name=ssh] to="exec:{self.sshd} -i -f {node.folder}/sshd_config" '
                                "disabled=no\n")
        return made

    def client_config(self):
        near, lab = self.line.nodes[0], self.line.lab
        (self.folder / "config").write_text(
            f"Host *.romon\n\tProxyCommand \"{lab.romon}\" -s \"{near.socket}\" connect %h ssh --fdpass\n\tProxyUseFdpass yes\n"
            f"Host *\n\tUser root\n\tIdentityFile {self.folder}/key\n\tUserKnownHostsFile /dev/null\n\tGlobalKnownHostsFile none\n"
            "\tStrictHostKeyChecking no\n\tBatchMode yes\n\tLogLevel ERROR\n")
        with (self.folder / "much").open("wb") as file:
            file.write(os.urandom(COPY))

    def copy(self, to, *options):
        """Millions of bytes a second, the login included."""
        target = self.folder / "copied"
        begin = time.monotonic()
        subprocess.run(self.line.nodes[0].command(self.scp, "-q", "-F", self.folder / "config", *options, self.folder / "much",
                                                  f"{to}:{target}"), check=True, stdin=subprocess.DEVNULL, timeout=120)
        seconds = time.monotonic() - begin
        if target.stat().st_size != COPY:
            raise RuntimeError(f"scp to {to} copied {target.stat().st_size} bytes")
        target.unlink()
        return COPY / seconds / 1e6

    def romon(self):
        return self.copy(f"[{self.line.far_id}.romon]")

    def identity(self):
        return self.copy(f"{self.line.far.name}.romon")

    def jumps(self):
        return self.copy(self.line.far_ip, "-J", ",".join(address(link, 2) for link in range(self.hops - 1)))

    def routed(self):
        return self.copy(self.line.far_ip)


def scp_cases(rounds):
    for hops in (3, 4):
        with contextlib.ExitStack() as stack:
            copies, sides = lines(stack, lambda datapath: Copies(hops, datapath))
            for datapath, of in copies.items():
                sides.append(Side(f"scp over romon, {datapath}", of.romon, ours=True))
            if "packet" in copies:
                packet = copies["packet"]
                sides += [Side("scp over romon, packet, by identity", packet.identity, ours=True),
                          Side(f"scp -J through {hops - 1} jump hosts", packet.jumps), Side("scp, routed", packet.routed)]
            yield Case("scp", f"32 MiB over {hops} hops ({hops - 1} routers between)", "MB/s", sides).run(rounds or 5)
