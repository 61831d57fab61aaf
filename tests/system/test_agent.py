# SPDX-License-Identifier: BSD-2-Clause
"""The network from a machine that is not on it, through one that is, by the real ssh: the client has an IP address and neither romond
nor a RoMON port; n0, the agent, has both; n1 and n2 behind it have nothing but RoMON. `agent` is n0 as its owner reaches it, `jailed`
with a key that can do `romon agent-serve` and nothing else, with limits."""
import hashlib
import json
import os
import shlex
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

import openssh
import routeros
from lab import PORTS, conf, wait
from openssh import keygen
from wire import namespace

MUCH = os.urandom(8 << 20)
AGENT_IP = "192.0.2.2"

# Says something and ends its own direction, then writes down what still comes.
ENDS_FIRST = """#!/usr/bin/python3
import os, socket
sock = socket.socket(fileno=os.dup(0))
sock.sendall(b"bye")
sock.shutdown(socket.SHUT_WR)
data = b""
while part := sock.recv(65536):
    data += part
open({path!r} + ".new", "wb").write(data)
os.rename({path!r} + ".new", {path!r})
"""


def script(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


class Net:
    def __init__(self, lab, sshd):
        self.lab, self.folder, self.sshd = lab, lab.folder, sshd
        self.nodes = self.agent, self.near, self.far = lab.line(3)
        self.client = lab.node("client")
        lab.connect(self.client, "mgmt0", self.agent, "mgmt0")
        self.client.ip("addr", "add", "192.0.2.1/24", "dev", "mgmt0")
        self.agent.ip("addr", "add", f"{AGENT_IP}/24", "dev", "mgmt0")
        self.client.ip("link", "set", "dev", "lo", "up")
        (self.folder / "open").mkdir()
        (self.folder / "open").chmod(0o777)
        self.late = self.folder / "open/late"  # written by a service
        lab.start(*self.nodes, configs={node.name: self.config(node) for node in self.nodes})
        self.agent_sshd()
        self.client_ssh()

    def sshd_config(self, node, extra=""):
        path = node.folder / "sshd_config"
        path.write_text(f"HostKey {node.folder}/hostkey\nAuthorizedKeysFile {node.folder}/authorized\nStrictModes no\nUsePAM no\n"
                        f"PermitRootLogin prohibit-password\nPidFile none\nPrintMotd no\nPrintLastLog no\n"
                        f"Subsystem sftp internal-sftp\n{extra}")
        return path

    def config(self, node):
        """n1 and n2 have services, an sshd among them."""
        self.near_key = keygen(node.folder / "hostkey")
        if not (self.folder / "key").exists():
            self.keys = {name: " ".join(keygen(self.folder / name)) for name in ("key", "jail", "router", "ros")}
        (node.folder / "authorized").write_text(self.keys["router"] + "\n")
        ends = script(node.folder / "ends", ENDS_FIRST.format(path=str(self.late)))
        return (conf(f'identity={node.name} board=lab secrets="",hidden', PORTS) + "/tool romon service\n"
                f'set [find name=ssh] to="exec:{self.sshd} -i -f {self.sshd_config(node)}" disabled=no\n'
                f"add name=echo port=2000 to=exec:/bin/cat\nadd name=ends port=2001 to=exec:{ends}\n"
                "add name=winbox2 port=2004 to=exec:/bin/cat\n")

    def agent_sshd(self):
        """sshd on the agent's side of the management network. What is called romon there knows the socket of this one."""
        folder = self.agent.folder / "bin"
        folder.mkdir()
        romon = script(folder / "romon", f"#!/bin/sh\nexec '{self.lab.romon}' -s '{self.agent.socket}' \"$@\"\n")
        config = self.sshd_config(self.agent, f"Port 22\nListenAddress {AGENT_IP}\nSetEnv PATH={folder}:/usr/bin:/bin\n")
        limits = f"ids={self.far.id.lower()} services=ssh,2000"
        (self.agent.folder / "authorized").write_text(
            f"{self.keys['key']}\nrestrict,command=\"{romon} agent-serve {limits}\" {self.keys['jail']}\n"
            f"command=\"/usr/bin/python3 {routeros.__file__}\" {self.keys['ros']}\n")
        process = subprocess.Popen(self.agent.command(self.sshd, "-D", "-f", config), stdin=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.lab.processes.append(process)
        wait(lambda: b"SSH" in subprocess.run(self.client.command("python3", "-c", (
            "import socket\ntry: print(socket.create_connection(('%s', 22), 1).recv(9))\nexcept OSError: pass" % AGENT_IP)),
            capture_output=True).stdout, "the agent's sshd")

    def client_ssh(self):
        """What a user's ~/.ssh/config would say."""
        folder = self.client.folder / "bin"
        folder.mkdir()
        config, known = self.client.folder / "ssh_config", self.client.folder / "known"
        config.write_text(
            f"Host agent jailed mikrotik {AGENT_IP}\n\tHostName {AGENT_IP}\n\tUser root\nHost jailed\n\tIdentityFile {self.folder}/jail\n"
            f"Host mikrotik\n\tIdentityFile {self.folder}/ros\n"
            f"Host agent {AGENT_IP}\n\tIdentityFile {self.folder}/key\nHost stranger\n\tHostName {AGENT_IP}\n"
            f"\tIdentityFile {self.folder}/router\nHost nowhere\n\tHostName 192.0.2.9\n\tConnectTimeout 1\n"
            f"Host *\n\tIdentitiesOnly yes\n\tIdentityFile {self.folder}/router\n\tBatchMode yes\n\tUserKnownHostsFile {known}\n"
            "\tGlobalKnownHostsFile none\n\tStrictHostKeyChecking accept-new\n\tLogLevel ERROR\n")
        script(folder / "ssh", f"#!/bin/sh\nexec /usr/bin/ssh -F '{config}' \"$@\"\n")
        self.environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8",
                            "XDG_CONFIG_HOME": str(self.client.folder / "config")}

    def line(self, *words):
        return self.client.command(self.lab.romon, *words)

    def romon(self, *words, **options):
        """romon on the client, to its end."""
        return subprocess.run(self.line(*words), **{"stdin": None if "input" in options else subprocess.DEVNULL,
                              "capture_output": True, "timeout": 60, "env": self.environment, **options})

    def through(self, *words, agent="agent", **options):
        return self.romon("-A", agent, *words, **options)

    def start(self, *words, agent="agent"):
        process = subprocess.Popen(self.line("-A", agent, *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.environment)
        self.lab.processes.append(process)
        return process

    def json(self, *words):
        done = self.through("--json", *words)
        assert (done.returncode, done.stderr) == (0, b"")
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def net(module_lab):
    try:
        sshd = openssh.sshd(module_lab.folder / "sshd")
    except openssh.Missing as missing:
        pytest.skip(str(missing))
    return Net(module_lab, sshd)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def no(done, *words, status=1):
    """It failed with one line that has these words in it."""
    text = done.stderr.decode()
    assert (done.returncode, done.stdout, len(text.splitlines())) == (status, b"", 1), text
    assert all(word in text for word in words), text


def end(process):
    """Ends a process of ours whose pipes nobody reads any more."""
    process.terminate()
    process.communicate()


# What looks

def test_what_looks(net):
    """The agent's view of the network, from a machine that has no part in it."""
    assert not net.client.socket.exists() and net.client.links().keys() == {"lo", "mgmt0"}
    found = {r["identity"]: r for r in net.json("discover", "duration=400ms")["routers"]}
    assert found.keys() == {"n1", "n2"} and found["n2"]["path"] == [net.near.id, net.far.id]
    assert {r["identity"] for r in net.json("map", "duration=400ms")["routers"]} >= {"n1", "n2"}
    assert net.json("print")["current-id"] == net.agent.id
    for command in (["port", "print"], ["service", "print"], ["streams"], ["streams", "ended"], ["neighbors"], ["stats"]):
        assert net.json(*command).keys() == net.agent.json(*command).keys()
    assert net.through("discover", "duration=400ms").stdout.startswith(b"Flags: A - active\n")


def test_ping(net):
    done = net.through("--json", "ping", "n2", "count=2", "interval=50ms")
    *replies, totals = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(r["host"], r["status"]) for r in replies] == [(net.far.id, "ok")] * 2 and totals["received"] == 2
    no(net.through("ping", "nobody", "count=1"), "nobody")


def test_endless_ping_ends_on_the_agent(net):
    """^C here is the end of the ping there."""
    process = net.start("--json", "ping", "n2", "interval=20ms")
    for _ in range(3):
        assert json.loads(process.stdout.readline())["status"] == "ok"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, b"") and json.loads(out.splitlines()[-1])["received"] >= 3
    wait(lambda: not serving(net), "agent-serve ends")


def serving(net):
    """The processes of agent-serve on the agent: those of their children that are romon itself."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:3] == [bytes(net.lab.romon), b"-s", bytes(net.agent.socket)] and b"agent-serve" in words:
            found.append(int(path.parent.name))
    return found


# What connects

@pytest.mark.parametrize("router", ["ID", "n2"])
def test_ssh(net, router):
    """The command runs on the router, gets our input, and its status is ours; its key is known under the RoMON ID."""
    known = net.client.folder / "known"
    known.unlink(missing_ok=True)
    done = net.through("ssh", net.far.id if router == "ID" else router, "user=root",
                       "command=readlink /proc/self/ns/net; cat; exit 7", input=b"hello")
    inode = os.stat(f"/run/netns/{net.far.netns}").st_ino
    assert (done.returncode, done.stdout, done.stderr) == (7, f"net:[{inode}]\nhello".encode(), b"")
    assert {line.split()[0].upper() for line in known.read_text().splitlines()} == {AGENT_IP, net.far.id}


def test_scp_and_ansible(net):
    """By the options that the inventory gives."""
    hosts = json.loads(net.through("inventory", "--list", "duration=400ms").stdout)["_meta"]["hostvars"]
    options = shlex.split(hosts["n2"]["ansible_ssh_common_args"])
    (net.folder / "much").write_bytes(MUCH)
    ssh = net.client.folder / "bin/ssh"
    done = subprocess.run(net.client.command("scp", "-q", "-S", ssh, *options, net.folder / "much",
                                             f"root@[{hosts['n2']['ansible_host']}]:{net.folder}/there"),
                          env=net.environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert digest((net.folder / "there").read_bytes()) == digest(MUCH)


def test_connect(net):
    """All the input, its end, and all of it back."""
    done = net.through("connect", "n2", "2000", input=MUCH)
    assert (done.returncode, done.stderr) == (0, b"")
    assert digest(done.stdout) == digest(MUCH)


def test_the_other_side_ends_first(net):
    """The end of one direction gets through while the other goes on, which ssh alone would not pass on."""
    net.late.unlink(missing_ok=True)
    process = net.start("connect", net.far.id, "2001")
    assert process.stdout.read() == b"bye" and process.poll() is None
    process.stdin.write(b"still here")
    process.stdin.close()
    assert (process.wait(20), process.stderr.read()) == (0, b"")
    process.stdin = None
    assert net.late.read_bytes() == b"still here"


def forward(net, *words, **options):
    """A forward from a Unix socket, and how to connect to it."""
    path = net.folder / "forward"
    path.unlink(missing_ok=True)
    process = net.start("forward", f"unix:{path}", *words, **options)
    wait(path.exists, "the listener")

    def connect():
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(30)
        wait(lambda: sock.connect_ex(str(path)) == 0, "the listener takes us")
        return sock
    return process, connect


def test_forward(net):
    """Several at once; and a service that ends first, whose end the other side has to learn."""
    process, connect = forward(net, "n2", "2000")
    socks = [connect() for _ in range(4)]
    for number, sock in enumerate(socks):
        sock.sendall(b"%d" % number * 10000)
        sock.shutdown(socket.SHUT_WR)
    for number, sock in enumerate(socks):
        with sock, sock.makefile("rb") as stream:
            assert stream.read() == b"%d" % number * 10000
    process.terminate()
    assert process.communicate() == (b"", b"")
    process, connect = forward(net, net.far.id, "2001")
    with connect() as sock, sock.makefile("rb") as stream:
        assert stream.read() == b"bye"
    end(process)


def test_winbox(net):
    """The program reaches the port that it is told, and its status is ours. (There is no such service: it sees a reset.)"""
    program = script(net.folder / "winbox", """#!/usr/bin/python3
import socket, sys
host, port = sys.argv[1].split(":")
with socket.create_connection((host, int(port)), timeout=20) as sock:
    try:
        sock.recv(1)
    except ConnectionResetError:
        sys.exit(9)
""")
    done = net.through("winbox", "n2", "admin", "--program", str(program))
    assert (done.returncode, done.stderr) == (9, b"romon: no such service\n")


# What is refused

@pytest.mark.parametrize("words, reason", [
    (["connect", "NEAR", "2000"], "router"), (["connect", "n1", "2000"], "router"), (["ping", "n1", "count=1"], "router"),
    (["ping", "NEAR", "count=1"], "router"), (["ssh", "n1"], "router"), (["connect", "n2", "2001"], "service"),
    (["connect", "n2", "echo"], "service"), (["connect", "n2", "winbox"], "service"), (["connect", "n2", "4"], "service"),
    (["connect", "02:00:00:00:00:01", "2000"], "router"), (["print", "show-sensitive"], "secrets"),
    (["port", "print", "show-sensitive"], "secrets"),
])
def test_limits(net, words, reason):
    """By the RoMON ID, and by an identity that turns out to mean another router."""
    words = [net.near.id if word == "NEAR" else word for word in words]
    before = net.near.json("streams"), net.near.stats()
    no(net.through(*words, agent="jailed"), reason)
    assert net.near.json("streams") == before[0]


def test_within_the_limits(net):
    assert net.through("connect", "n2", "2000", input=b"x", agent="jailed").stdout == b"x"
    assert net.through("ping", "n2", "count=1", agent="jailed").returncode == 0
    assert net.through("ssh", "n2", "user=root", "command=echo fine", agent="jailed").stdout == b"fine\n"
    assert net.through("discover", "duration=400ms", agent="jailed").returncode == 0


def test_an_identity_cannot_be_borrowed(net):
    """What counts is whom the name means when it is used: n1 calls itself n2, and n2 something else."""
    net.far.varlink("Set", values={"identity": "other"})
    net.near.varlink("Set", values={"identity": "n2"})
    try:
        wait(lambda: net.agent.varlink("Resolve", id="n2")["id"] == net.near.id, "the new names are known", 10)
        no(net.through("connect", "n2", "2000", agent="jailed"), "router")
        assert net.through("connect", "other", "2000", input=b"x", agent="jailed").stdout == b"x"
    finally:
        net.far.varlink("Set", values={"identity": "n2"})
        net.near.varlink("Set", values={"identity": "n1"})
        wait(lambda: net.agent.varlink("Resolve", id="n2")["id"] == net.far.id, "the old names are known", 10)


def raw(net, *messages, agent="jailed", answers=0):
    """What agent-serve answers to these, which may be anything: so many answers, or all until it ends by itself."""
    process = subprocess.Popen(net.client.command(net.client.folder / "bin/ssh", agent, "romon agent-serve"),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    net.lab.processes.append(process)
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    process.stdin.write(b"".join(m if isinstance(m, bytes) else json.dumps(m).encode() + b"\0" for m in messages))
    process.stdin.flush()
    data = b"".join(read_to(process, b"\0") for _ in range(answers))
    if not answers:
        data = process.stdout.read()
    out, _ = process.communicate(timeout=30)
    watchdog.cancel()
    assert process.returncode == 0 and out == b""
    return [json.loads(part) for part in data.split(b"\0") if part]


def read_to(process, mark):
    data = b""
    while not data.endswith(mark):
        part = process.stdout.read(1)
        assert part, f"it ended behind {data}"
        data += part
    return data


def call(method, upgrade=False, **parameters):
    return {"method": "io.openromon." + method, "parameters": parameters, **({"upgrade": True} if upgrade else {})}


@pytest.mark.parametrize("agent", ["agent", "jailed"])
def test_nothing_is_changed(net, agent):
    """Whatever is not on the list is refused, of a user who can do everything on the agent himself as well."""
    before = net.agent.config.read_text()
    calls = [call("Set", values={"identity": "x"}), call("AddPort", values={"interface": "mgmt0"}),
             call("SetPort", number=0, values={"cost": "5"}), call("RemovePort", number=1),
             call("AddService", values={"name": "x", "port": "99", "to": "tcp:127.0.0.1:22"}),
             call("SetService", name="echo", values={"disabled": "yes"}), call("RemoveService", name="echo"),
             call("AwaitEnd", stream=1), call("Nothing"), call("GetSettings", show_sensitive=True),
             call("GetPorts", show_sensitive="x"), {"method": "org.varlink.service.GetInfo"}, {"method": "Set"}]
    answers = raw(net, *calls, agent=agent, answers=len(calls))
    assert {answer["error"] for answer in answers} == {"io.openromon.PermissionDenied"}
    assert net.agent.config.read_text() == before
    assert "hidden" not in json.dumps(answers)


def test_other_calls_than_the_table_has(net):
    answers = raw(net, call("GetStats", extra=1), call("Ping", upgrade=True, id="n2"), call("Connect", id="n2", service="ssh"),
                        call("Ping", id=7, count=1), call("Connect", upgrade=True, id="n2", service="ssh", port=4),
                        call("Connect", upgrade=True, id="n2", service=3), call("Connect", upgrade=True, id="n2"), answers=7)
    assert [(a["error"].rpartition(".")[2], a["parameters"].get("parameter")) for a in answers] == [
        ("InvalidParameter", "extra"), ("InvalidParameter", "upgrade"), ("InvalidParameter", "upgrade"), ("InvalidParameter", "id"),
        ("PermissionDenied", None), ("PermissionDenied", None), ("PermissionDenied", None)]


@pytest.mark.parametrize("nonsense", [
    b"no JSON\0", b'{"method":"io.openromon.GetStats","oneway":true}\0', b"[]\0", b"\xff" * 100 + b"\0", b"x" * 1100000,
    b'{"method":"io.openromon.GetStats"', b'{"method":"io.openromon.Ping","parameters":{"id":"n2","id":"n1"}}\0',
], ids=["text", "oneway", "list", "bytes", "long", "cut", "twice"])
def test_nonsense_ends_it(net, nonsense):
    assert raw(net, nonsense, call("GetStats")) == [] and not serving(net)


def test_nothing_is_sent_before_the_stream_is_open(net):
    assert raw(net, call("Connect", upgrade=True, id="n2", service="ssh"), b"\0\0\0\4abcd", agent="agent") == []
    assert net.far.json("streams") == {"streams": []}


def test_frames_that_are_none(net):
    """Behind the answer, a head that says more than there may be: the stream is broken off, and nothing of it gets to the service."""
    net.late.unlink(missing_ok=True)
    process = subprocess.Popen(net.client.command(net.client.folder / "bin/ssh", "agent", "romon agent-serve"),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    net.lab.processes.append(process)
    process.stdin.write(json.dumps(call("Connect", upgrade=True, id="n2", port=2000)).encode() + b"\0")
    process.stdin.flush()
    assert json.loads(read_to(process, b"\0")[:-1])["parameters"]["stream"]
    process.stdin.write(b"\0\0\0\2ab")
    process.stdin.flush()
    assert process.stdout.read(6) == b"\0\0\0\2ab"
    process.stdin.write(b"\0\2\0\0" + b"x" * 1000)
    process.stdin.flush()
    assert process.stdout.read() == b"" and process.wait(20) == 0
    wait(lambda: net.far.json("streams") == {"streams": []}, "the stream ends")


def test_strange_identities(net):
    """They are text on the way, and nobody's name."""
    strange = ["x\nroot", "n2\n", "n2 ", "$(reboot)", "-oProxyCommand=x", "a" * 5000]
    answers = raw(net, *(call("Resolve", id=identity) for identity in strange), answers=len(strange))
    assert [(a["error"], a["parameters"]["identity"]) for a in answers] == [
        ("io.openromon.NoSuchRouter", identity) for identity in strange]
    assert raw(net, call("Resolve", id="n2\0x")) == []
    no(net.through("ping", "x\x1b[2J\nroot", "count=1"), r"x\x1b[2J\x0aroot")


# What breaks

def test_agent_serve_dies(net):
    """In the middle of a stream: no orderly end, here and at the router, even for who has said all."""
    for close in (False, True):
        process = net.start("connect", net.far.id, "2001" if close else "2000")
        if close:
            assert process.stdout.read(3) == b"bye"
            process.stdout.read()
            process.stdin.write(b"part")
            process.stdin.flush()
        else:
            process.stdin.write(b"part")
            process.stdin.flush()
            assert process.stdout.read(4) == b"part"
        (pid,) = serving(net)
        os.kill(pid, signal.SIGKILL)
        assert process.wait(20) == 1
        assert process.stderr.read() == b"romon: the agent agent is gone: the connection broke off\n"
        wait(lambda: net.far.json("streams") == {"streams": []}, "the stream ends")


def test_forward_when_agent_serve_dies(net):
    process = net.start("forward", "0", net.far.id, "2000")
    port = int(process.stdout.readline())

    def connect():
        with namespace(net.client.netns):
            return socket.create_connection(("127.0.0.1", port), timeout=20)
    with connect() as sock:
        sock.sendall(b"part")
        assert sock.recv(4) == b"part"
        (pid,) = serving(net)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    assert process.stderr.readline() == b"romon: the agent agent is gone: the connection broke off\n"
    with connect() as sock:  # and the forward goes on
        sock.sendall(b"more")
        assert sock.recv(4) == b"more"
    end(process)


def test_the_stream_breaks_behind_the_agent(net):
    """The reason gets here."""
    process = net.start("connect", net.near.id, "2000")
    process.stdin.write(b"x")
    process.stdin.flush()
    assert process.stdout.read(1) == b"x"
    net.near.stop()
    net.near.start()
    assert process.wait(30) == 1
    assert process.stderr.read() == b"romon: reset by the other side: the connection broke off\n"
    end(process)


def test_the_way_to_the_agent_is_cut(net):
    """Nobody says anything any more: ssh notices, within 15 s and what it takes it to."""
    process = net.start("connect", net.far.id, "2000")
    process.stdin.write(b"x")
    process.stdin.flush()
    assert process.stdout.read(1) == b"x"
    net.agent.ip("link", "set", "dev", "mgmt0", "down")
    try:
        assert process.wait(40) == 1
        assert process.stderr.read().endswith(b"romon: the agent agent is gone: the connection broke off\n")
    finally:
        net.agent.ip("link", "set", "dev", "mgmt0", "up")
    wait(lambda: net.through("print").returncode == 0, "the way is there again", 20)


@pytest.mark.parametrize("agent, words", [("stranger", ["does not reach", "stranger"]), ("nowhere", ["does not reach", "nowhere"])])
def test_who_does_not_get_in(net, agent, words):
    """ssh's own words, and then ours."""
    done = net.through("print", agent=agent)
    assert (done.returncode, done.stdout) == (3, b"")
    assert all(word in done.stderr.decode().splitlines()[-1] for word in words)


def test_without_romon(net):
    """None on the agent; one whose romond does not run; and a shell that prints something before."""
    bin = net.agent.folder / "bin"
    romon = (bin / "romon").read_text()
    try:
        (bin / "romon").unlink()
        done = net.through("print")
        assert done.returncode == 3 and done.stderr.splitlines()[-1].startswith(b"romon: there is no romon on the agent agent")
        script(bin / "romon", romon.replace(str(net.agent.socket), "/nowhere"))
        no(net.through("print"), "the agent agent", "romond is not running", status=3)
        script(bin / "romon", romon.replace("exec", "echo Welcome; exec"))
        no(net.through("print"), "makes no sense", status=3)
    finally:
        script(bin / "romon", romon)
    assert net.through("print").returncode == 0


# Saved agents

def test_saved(net):
    assert net.romon("agent", "add", "gw", f"root@{AGENT_IP}:22").returncode == 0
    assert json.loads(net.romon("--json", "agent", "print").stdout) == {"agents": [{"name": "gw", "agent": f"root@{AGENT_IP}:22"}]}
    assert net.through("ping", "n2", "count=1", agent="gw").returncode == 0
    assert net.through("ssh", "n2", "user=root", "command=echo fine", agent="gw").stdout == b"fine\n"
    assert net.romon("agent", "remove", "gw").returncode == 0
    done = net.through("print", agent="gw")
    assert done.returncode == 3 and b"gw" in done.stderr


# An agent that runs RouterOS: a stand-in behind the same sshd (more of it in test_agent_ros.py)

def test_routeros(net):
    found = json.loads(net.through("-j", "discover", "duration=1s", agent="ros:root@mikrotik").stdout)["routers"]
    assert [r["identity"] for r in found] == ["hEX", "CCR1009", "4K11", "CCR1036", "CRS328", "MikroTik", "hAP"]
    done = net.through("-j", "ping", "hAP", "count=2", agent="ros:root@mikrotik")
    assert [json.loads(line).get("host") for line in done.stdout.splitlines()] == ["E4:8D:8C:49:49:DB"] * 2 + [None]
    no(net.through("connect", "hEX", "ssh", agent="ros:root@mikrotik"), "this kind of agent", status=2)


def test_routeros_ssh(net):
    """A password is asked for, a command line is there, and its end is ours: on a terminal of our own."""
    leader, follower = os.openpty()
    process = subprocess.Popen(net.line("-A", "ros:root@mikrotik", "ssh", "hEX", "user=tom"), stdin=follower, stdout=follower,
                               stderr=follower, env=net.environment, start_new_session=True)
    net.lab.processes.append(process)
    os.close(follower)
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    said = b""
    for mark, answer in ((b"password:", b"secret\r"), (b"[tom@hEX] > ", b"/system/identity/print\r"), (b"[tom@hEX] > ", b"/quit\r")):
        said = b""
        while not said.endswith(mark):
            said += os.read(leader, 1)
        os.write(leader, answer)
    assert b"name: hEX at 6C:3B:6B:48:0E:8B" in said
    try:
        while os.read(leader, 4096):
            pass
    except OSError:
        pass  # the terminal has ended
    os.close(leader)
    assert process.wait(20) == 0
    watchdog.cancel()
