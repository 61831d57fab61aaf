# SPDX-License-Identifier: BSD-2-Clause
"""OpenSSH over RoMON, and other real programs, from one end of a line of routers to the other. No node has an IP address, and loopback
is down everywhere. n0 asks; n1, one hop away, and n5, five hops away, run sshd."""
import hashlib
import json
import os
import pwd
import shlex
import socket
import subprocess
from pathlib import Path

import pytest

from lab import PORTS, conf, wait
from openssh import keygen, sshd_or_skip

CONFIG = Path(__file__).resolve().parents[2] / "packaging/ssh_config.d/openromon.conf"
MUCH = os.urandom(16 << 20)
HOPS = pytest.mark.parametrize("hops", [1, 5])


class Net:
    """The line, and what the asking end needs to log in."""

    def __init__(self, lab, sshd):
        self.sshd = sshd
        self.lab, self.nodes, self.folder = lab, lab.line(6), lab.folder
        self.key, self.known = self.folder / "key", self.folder / "known"
        (self.folder / "authorized").write_text(" ".join(keygen(self.key)) + "\n")
        self.host_keys = {}
        lab.start(*self.nodes, configs={node.name: self.config(node) for node in self.nodes})
        self.ids = [node.id for node in self.nodes]

    def config(self, node):
        """A configuration with services, those of n1 and n5 with an sshd of their own."""
        text = conf(f"identity={node.name} board=lab", PORTS) + "/tool romon service\n"
        if node.name not in ("n1", "n5"):
            return text + "set [find name=ssh] disabled=yes\n"
        slow = node.folder / "slow"
        slow.write_text("#!/bin/sh\necho begun\nexec sleep 60\n")
        slow.chmod(0o755)
        self.host_keys[node.name] = keygen(node.folder / "hostkey")
        (node.folder / "sshd_config").write_text(
            f"HostKey {node.folder}/hostkey\nAuthorizedKeysFile {self.folder}/authorized\nPermitRootLogin prohibit-password\n"
            "StrictModes no\nUsePAM no\nPidFile none\nPrintMotd no\nPrintLastLog no\nSubsystem sftp internal-sftp\n")
        return text + (f'set [find name=ssh] to="exec:{self.sshd} -i -f {node.folder}/sshd_config" disabled=no\n'
                       "add name=echo port=2000 to=exec:/bin/cat\nadd name=hello port=2001 to=\"exec:/bin/echo hello\"\n"
                       "add name=off port=2002 to=exec:/bin/cat disabled=yes\n"
                       f'add name=slow port=2003 to="exec:{slow}"\n')

    def options(self):
        return ["-F", "none", "-i", self.key, "-oBatchMode=yes", f"-oUserKnownHostsFile={self.known}", "-oLogLevel=ERROR",
                "-oGlobalKnownHostsFile=none", "-oStrictHostKeyChecking=accept-new"]

    def ssh_line(self, to, command):
        return self.nodes[0].romon_line("ssh", to, "user=root", f"command={command}", "--", *self.options())

    def ssh(self, to, command, **options):
        return self.run(self.ssh_line(to, command), **options)

    def run(self, line, **options):
        return subprocess.run(line, **{"stdin": None if "input" in options else subprocess.DEVNULL, "capture_output": True,
                                       "timeout": 60, **options})

    def client_config(self):
        """The file that is installed for ssh, and what a user's own file could say."""
        text = CONFIG.read_text().replace('"@bindir@/romon"', f'"{self.lab.romon}" -s "{self.nodes[0].socket}"')
        path = self.folder / "ssh_config"
        path.write_text(text + f"\nHost *\n\tIdentityFile {self.key}\n\tUserKnownHostsFile {self.known}\n\tBatchMode yes\n"
                               "\tGlobalKnownHostsFile none\n\tStrictHostKeyChecking accept-new\n\tLogLevel ERROR\n")
        return path

    def here(self, *words, **options):
        return self.run(self.nodes[0].command(*words), **options)


@pytest.fixture(scope="module")
def net(module_lab):
    return Net(module_lab, sshd_or_skip(module_lab.folder / "sshd"))


@HOPS
def test_command(net, hops):
    """The command runs in the namespace of the right router, gets our input, and its status is ours."""
    node = net.nodes[hops]
    done = net.ssh(net.ids[hops], "readlink /proc/self/ns/net; cat; echo oops >&2; exit 7", input=b"hello")
    assert done.returncode == 7
    inode = os.stat(f"/run/netns/{node.netns}").st_ino
    assert (done.stdout, done.stderr) == (f"net:[{inode}]\nhello".encode(), b"oops\n")
    assert all("UP" not in n.links()["lo"]["flags"] for n in net.nodes)
    assert all(n.ip("-o", "addr") == "" for n in net.nodes)


@HOPS
def test_host_key(net, hops):
    """It is known under the RoMON ID, also to who names the router by its identity; another key under that ID is refused. (ssh
    writes all names in lower case.)"""
    net.known.unlink(missing_ok=True)
    assert net.ssh(net.nodes[hops].name, "true").returncode == 0
    name, *key = net.known.read_text().split()
    assert (name.upper(), key) == (net.ids[hops], net.host_keys[net.nodes[hops].name])
    other = net.host_keys["n5" if hops == 1 else "n1"]
    net.known.write_text(" ".join([name, *other]) + "\n")
    done = net.ssh(net.ids[hops], "true")
    assert done.returncode == 255 and b"HOST IDENTIFICATION HAS CHANGED" in done.stderr
    net.known.unlink()


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_nobody_between(net):
    """An open session: romon waits for ssh, the proxy is gone, and both daemons show the stream."""
    process = subprocess.Popen(net.ssh_line(net.ids[5], "echo ready; cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    net.lab.processes.append(process)
    assert process.stdout.readline() == b"ready\n"
    (ssh,) = children(process.pid)
    assert Path(f"/proc/{ssh}/comm").read_text() == "ssh\n"
    wait(lambda: not children(ssh), "the proxy ends")
    (ours,) = net.nodes[0].json("streams")["streams"]
    (its,) = net.nodes[5].json("streams")["streams"]
    assert (ours["address"], ours["identity"], ours["service"], ours["outgoing"], ours["state"]) == (
        net.ids[5], "n5", "ssh", True, "open")
    assert (its["address"], its["service"], its["outgoing"]) == (net.ids[0], "ssh", False)
    assert ours["path"] == net.ids[1:] and ours["hops"] == 5 and ours["sent"] == its["received"]
    out, _ = process.communicate(b"bye", timeout=20)
    assert (out, process.returncode) == (b"bye", 0)


def digest(data):
    return hashlib.sha256(data).hexdigest()


@HOPS
def test_scp(net, hops):
    """To the router and back, by its name with the suffix, and by its RoMON ID."""
    config, there = net.client_config(), net.folder / f"there{hops}"
    (net.folder / "much").write_bytes(MUCH)
    done = net.here("scp", "-q", "-F", config, net.folder / "much", f"root@n{hops}.romon:{there}")
    assert done.returncode == 0, done.stderr
    assert digest(there.read_bytes()) == digest(MUCH)
    done = net.here("scp", "-q", "-F", config, f"root@[{net.ids[hops]}.romon]:{there}", net.folder / "back")
    assert done.returncode == 0, done.stderr
    assert digest((net.folder / "back").read_bytes()) == digest(MUCH)


def test_what_runs_ssh(net):
    """sftp, rsync and git, by nothing but ssh's configuration."""
    ssh = f"ssh -F {net.client_config()}"
    (net.folder / "much").write_bytes(MUCH)
    done = net.here("sftp", "-q", "-F", net.client_config(), "-b", "-", "root@n5.romon", input=(
        f"put {net.folder}/much {net.folder}/sftp\n").encode())
    assert done.returncode == 0, done.stderr
    assert digest((net.folder / "sftp").read_bytes()) == digest(MUCH)
    done = net.here("rsync", "-e", ssh, net.folder / "much", f"root@n5.romon:{net.folder}/rsync")
    assert done.returncode == 0, done.stderr
    assert digest((net.folder / "rsync").read_bytes()) == digest(MUCH)
    subprocess.run(["git", "init", "-q", "--bare", net.folder / "repository"], check=True)
    done = net.here("git", "-c", f"core.sshCommand={ssh}", "ls-remote", f"root@n5.romon:{net.folder}/repository")
    assert done.returncode == 0, done.stderr


def test_ansible(net):
    """Ansible runs ssh with the options that the inventory gives."""
    hosts = json.loads(net.nodes[0].ok("inventory", "--list", "duration=1s"))["_meta"]["hostvars"]
    assert set(hosts) == {f"n{number}" for number in range(1, 6)}
    line = ["ssh", *net.options(), *shlex.split(hosts["n5"]["ansible_ssh_common_args"]), "-l", "root",
            hosts["n5"]["ansible_host"], "echo fine"]
    assert net.here(*line).stdout == b"fine\n"


def test_login_of_whom(net):
    """Without user=, ssh decides: here, who runs it."""
    line = net.nodes[0].romon_line("ssh", net.ids[1], "command=id -un", "--", *net.options())
    assert net.run(line).stdout.decode().strip() == pwd.getpwuid(os.getuid()).pw_name


@HOPS
def test_connect(net, hops):
    """All the input, its end, and all of it back."""
    done = net.run(net.nodes[0].romon_line("connect", net.ids[hops], "2000"), input=MUCH)
    assert (done.returncode, done.stderr) == (0, b"")
    assert digest(done.stdout) == digest(MUCH)


def test_connect_to_who_speaks_first(net):
    done = net.run(net.nodes[0].romon_line("connect", "n5", "2001"))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hello\n", b"")


@pytest.mark.parametrize("router, service, reason", [
    ("n5", "2002", "no such service"), ("n5", "3000", "no such service"), ("n5", "winbox", "no such service"),
    ("n5", "none", "unknown name of a service"), ("nobody", "ssh", "nobody"), ("02:00:00:00:00:01", "ssh", "no path"),
])
def test_refusals(net, router, service, reason):
    done = net.nodes[0].romon("connect", router, service)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert reason in done.stderr


def test_forward(net, tmp_path):
    """Ten connections at once through a Unix socket, as there is no loopback."""
    path = net.folder / "forward"
    process = subprocess.Popen(net.nodes[0].romon_line("forward", f"unix:{path}", "n5", "2000"), stderr=subprocess.PIPE)
    net.lab.processes.append(process)
    wait(path.exists, "the listener")
    socks = [socket.socket(socket.AF_UNIX) for _ in range(10)]
    for number, sock in enumerate(socks):
        sock.settimeout(30)
        wait(lambda: sock.connect_ex(str(path)) == 0, "the listener takes us")
        sock.sendall(b"%d" % number * 10000)
        sock.shutdown(socket.SHUT_WR)
    for number, sock in enumerate(socks):
        with sock, sock.makefile("rb") as stream:
            assert stream.read() == b"%d" % number * 10000
    process.terminate()
    assert (process.wait(10), process.stderr.read()) == (0, b"") and not path.exists()


def test_breaks_off_when_all_is_said(net):
    """The input has ended, and only the output is awaited: an end that is none."""
    node = net.nodes[1]
    process = subprocess.Popen(net.nodes[0].romon_line("connect", "n1", "2003"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    net.lab.processes.append(process)
    assert process.stdout.readline() == b"begun\n"
    process.stdin.close()
    process.stdin = None
    wait(lambda: [s["state"] for s in node.json("streams")["streams"]] == ["closing"], "the end of the input")
    node.stop()
    node.start()
    assert (process.wait(30), process.stdout.read()) == (1, b"")
    assert process.stderr.read() == b"romon: reset by the other side: the connection broke off\n"


@pytest.mark.parametrize("hard", [False, True])
def test_other_side_ends(net, hard):
    """The daemon of the other side ends in the middle, orderly or not: an end with a reason here, and soon."""
    node = net.nodes[1]
    process = subprocess.Popen(net.nodes[0].romon_line("connect", "n1", "2000"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    net.lab.processes.append(process)
    process.stdin.write(b"x")
    process.stdin.flush()
    assert process.stdout.read(1) == b"x"
    if hard:
        node.daemon.kill(node.daemon.worker())
        wait(lambda: not node.daemon.alive(), "romond ends with its worker")
    node.stop()
    node.start()
    if hard:
        process.stdin.write(b"y")  # the new daemon knows of no such stream
        process.stdin.flush()
    assert process.wait(30) == 1
    assert process.stderr.read() == b"romon: reset by the other side: the connection broke off\n"
