# SPDX-License-Identifier: BSD-2-Clause
"""Agents as the command line has them: what -A means and what ssh is told, names that are saved, and what agent-serve lets through. The ssh
here is none: it writes down its arguments and runs agent-serve, against a daemon of the tests' own making."""
import fcntl
import json
import os
import shlex
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from lab import ROMON, wait
from test_cli import A, B, HOSTILE, HOSTILE_SHOWN, ROUTER, SETTINGS, daemon  # noqa: F401
from test_cli_streams import ASKED, MUCH, echo, everything, stream

OPTIONS = ["-T", "-a", "-x", "-oClearAllForwardings=yes", "-oRemoteCommand=none", "-oConnectTimeout=20",
           "-oServerAliveInterval=5", "-oServerAliveCountMax=3"]


TAKE = "dd bs=65536 count=1 of=/dev/null 2>/dev/null"  # the call


class Client:
    """romon on a machine without romond, and its user's home."""

    def __init__(self, folder, path):
        self.folder, self.file = folder, folder / "config/romon/agents"
        self.record, self.program = folder / "argv", folder / "bin/ssh"
        self.program.parent.mkdir()
        self.environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "LC_ALL": "C.UTF-8",
                            "HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "config")}
        self.serve(f"exec '{ROMON}' -s '{path}' agent-serve")

    def serve(self, line):
        """What ssh does."""
        self.program.write_text(f"#!/bin/sh\nfor word; do printf '%s\\n' \"$word\" >>'{self.record}'; done\n{line}\n")
        self.program.chmod(0o755)

    def line(self, *words):
        return [ROMON, *words]

    def run(self, *words, **options):
        return subprocess.run(self.line(*words), **{"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 30,
                                                    "env": self.environment, **options})

    def ok(self, *words, **options):
        done = self.run(*words, **options)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def no(self, *words, status=2, **options):
        done = self.run(*words, **options)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (status, "", 1), done.stderr
        return done.stderr

    def asked(self):
        """What ssh was told, once."""
        words = self.record.read_text().splitlines()
        self.record.unlink()
        return words


@pytest.fixture
def client(tmp_path, daemon):
    return Client(tmp_path, daemon.path)


# What -A means

@pytest.mark.parametrize("text, words", [
    ("host", ["--", "host"]), ("admin@host", ["-l", "admin", "--", "host"]), ("host:2222", ["-p", "2222", "--", "host"]),
    ("a.b-c_d+e@h.example:22", ["-l", "a.b-c_d+e", "-p", "22", "--", "h.example"]), ("x@y@host", ["-l", "x@y", "--", "host"]),
    ("192.0.2.1", ["--", "192.0.2.1"]), ("2001:db8::1", ["--", "2001:db8::1"]), ("[2001:db8::1]", ["--", "2001:db8::1"]),
    ("root@[2001:db8::1]:22", ["-l", "root", "-p", "22", "--", "2001:db8::1"]),
])
def test_what_ssh_is_told(client, daemon, text, words):
    daemon.answers["GetSettings"] = {"settings": SETTINGS}
    assert json.loads(client.ok("-A", text, "-j", "print"))["identity"] == "here"
    assert client.asked() == [*OPTIONS, *words, "romon agent-serve"]
    assert daemon.calls == [("GetSettings", {"show_sensitive": False}, False)]


@pytest.mark.parametrize("text", [
    "", "-x", "-oProxyCommand=touch x", "@host", "-u@host", "admin@", "admin@-host", "host:", "host:0", "host:65536", "host:x",
    "host:22:", ":22", "a b", "a\nb", "u\n@h", "a;b", "a$b", "`x`", "a'b", 'a"b', "a/b", "a%h", "[host]", "[::1", "::1]", "[::1]x",
    "[::1]:", "1::2::3", A, "[]", "x" * 300, "müll", b"\xff", "ros", "host,other",
])
def test_no_agent(client, daemon, text):
    """Nothing of it gets to ssh, of which an option or a host could be made."""
    if text != "ros":
        for words in (["-A", text, "print"], ["agent", "add", "--", "name", text]):
            assert "agent" in client.no(*words)
    assert not client.record.exists() and not client.file.exists() and daemon.calls == []


@pytest.mark.parametrize("words", [
    ["-A"], ["-A", "host"], ["-A", "host", "bogus"], ["-A", "host", "-s", "socket", "print"],
    ["-A", "host", "set", "enabled=yes"], ["-A", "host", "port", "add", "interface=eth0"], ["-A", "host", "port", "set", "0", "cost=5"],
    ["-A", "host", "port", "remove", "1"], ["-A", "host", "service", "add", "name=x"], ["-A", "host", "service", "remove", "x"],
    ["-A", "host", "service", "set", "x", "port=5"], ["-A", "host", "agent", "print"], ["-A", "host", "agent-serve"],
    ["-A", "host", "help"], ["-A", "host", "connect", A, "ssh", "--fdpass"], ["-A", "host", "ping"], ["-A", "host", "connect", A],
    ["agent"], ["agent", "add"], ["agent", "add", "x"], ["agent", "add", "x", "host", "y"], ["agent", "add", "-x", "host"],
    ["agent", "add", "", "host"], ["agent", "add", ".x", "host"], ["agent", "add", "a b", "host"], ["agent", "add", "a@b", "host"],
    ["agent", "add", "x" * 64, "host"], ["agent", "print", "x"], ["agent", "print", "--x"], ["agent", "print", "x=y"],
    ["agent", "remove"], ["agent", "remove", "x", "y"], ["agent", "remove", "x=y"],
    ["agent-serve", "x"], ["agent-serve", "ids="], ["agent-serve", "ids=hEX"], ["agent-serve", f"ids={A},"],
    ["agent-serve", f"ids={A} {B}"], ["agent-serve", "services="], ["agent-serve", "services=1"], ["agent-serve", "services=ssh,,x"],
    ["agent-serve", "services=65536"], ["agent-serve", f"ids={A}", f"ids={B}"], ["agent-serve", "id=" + A], ["agent-serve", "--ids"],
    ["agent-serve", "services=" + "x" * 64],
])
def test_wrong_usage(client, daemon, words):
    client.no(*words)
    assert not client.record.exists() and not client.file.exists() and daemon.calls == []


# What is done through one

@pytest.mark.parametrize("words, call", [
    (["discover", "duration=1s"], ("Discover", {"duration": 1.0}, False)), (["map"], ("Map", {"duration": 3.0}, False)),
    (["ping", "the barn", "count=2"], ("Ping", {"id": "the barn", "count": 2}, True)), (["stats"], ("GetStats", {}, False)),
    (["neighbors"], ("GetNeighbors", {}, False)), (["streams"], ("GetStreams", {}, False)),
    (["streams", "ended"], ("GetEnds", {}, False)), (["service", "print"], ("GetServices", {}, False)),
    (["port", "print"], ("GetPorts", {"show_sensitive": False}, False)),
])
def test_calls(client, daemon, words, call):
    client.run("-A", "host", *words)
    assert daemon.calls == [call]


def test_output_is_the_same(client, daemon):
    daemon.answers["Discover"] = {"routers": [ROUTER, {**ROUTER, "address": B, "identity": HOSTILE}]}
    for words in (["discover"], ["-j", "discover"]):
        done = subprocess.run([ROMON, "-s", daemon.path, *words], capture_output=True, text=True, env=client.environment)
        assert client.ok("-A", "host", *words) == done.stdout and B in done.stdout
    daemon.answers["GetStats"] = lambda connection, _: connection.error("Failed", reason=HOSTILE)
    assert client.no("-A", "host", "stats", status=1) == "romon: " + HOSTILE_SHOWN + "\n"


def test_many_answers(client, daemon):
    """They come one by one, as they are made."""
    goes = threading.Event()
    reply = {"seq": 0, "host": A, "time": 0.001, "size": 32, "status": "ok"}

    def answer(connection, _):
        connection.reply({"reply": reply, "summary": None}, True)
        goes.wait(10)
        connection.reply({"reply": None, "summary": {"sent": 1, "received": 1, "packet_loss": 0, "min_rtt": 0.001,
                                                     "avg_rtt": 0.001, "max_rtt": 0.001}})
    daemon.answers["Ping"] = answer
    process = subprocess.Popen(client.line("-A", "host", "-j", "ping", A), stdout=subprocess.PIPE, env=client.environment)
    with process.stdout:
        assert json.loads(process.stdout.readline())["seq"] == 0
        goes.set()
        assert json.loads(process.stdout.readline())["received"] == 1
    assert process.wait(10) == 0


def test_who_leaves(client, daemon):
    """The end of the command is the end of its call."""
    begun = threading.Event()
    daemon.answers["Ping"] = lambda connection, _: (begun.set(), connection.wait_gone())
    process = subprocess.Popen(client.line("-A", "host", "ping", A), stdout=subprocess.DEVNULL, env=client.environment)
    assert begun.wait(10) and not daemon.gone.is_set()
    process.kill()
    process.wait()
    assert daemon.gone.wait(10)


def test_ssh(client, daemon):
    """The inner ssh has a ProxyCommand that goes through the agent again; ours writes down both."""
    daemon.answers["Resolve"] = {"id": A}
    client.ok("agent", "add", "gw", "root@host:22")
    serve = client.program.read_text()
    client.serve(f"case \"$*\" in *agent-serve) exec '{ROMON}' -s '{daemon.path}' agent-serve;; esac; exit 7")
    done = client.run("-A", "gw", "ssh", "the barn", "user=admin", "--", "-v")
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
    words = client.asked()
    assert words[:len(OPTIONS) + 6] == [*OPTIONS, "-l", "root", "-p", "22", "--", "host"] and serve
    assert words[len(OPTIONS) + 6:] == [
        "romon agent-serve", f"-oProxyCommand='{ROMON}' -A 'root@host:22' connect {A} ssh", "-oProxyUseFdpass=no",
        f"-oHostKeyAlias={A}", "-oCanonicalizeHostname=no", "-l", "admin", "-v", "--", A]
    assert daemon.calls == [("Resolve", {"id": "the barn"}, False)]


def test_inventory(client, daemon):
    daemon.answers["Discover"] = {"routers": [ROUTER]}
    host = json.loads(client.ok("-A", "root@host", "inventory", "--host", "hEX"))
    assert shlex.split(host["ansible_ssh_common_args"]) == [
        f"-oProxyCommand='{ROMON}' -A 'root@host' connect {A} ssh", "-oProxyUseFdpass=no", f"-oHostKeyAlias={A}",
        "-oCanonicalizeHostname=no"]


def test_connect(client, daemon):
    daemon.answers["Connect"] = stream(echo)
    done = client.run("-A", "host", "connect", A, "9", input=MUCH, stdin=None, text=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", MUCH)
    assert daemon.calls == [("Connect", {"id": A, "port": 9, "fdpass": False}, False), ASKED]


@pytest.mark.parametrize("ends, status, said", [
    (None, 0, ""), ("timeout", 1, "romon: timeout: the connection broke off\n"), ("x" * 500, 1, f"romon: {'x' * 127}: "),
])
@pytest.mark.parametrize("first", ["here", "there", "broken"])
def test_how_it_ended(client, daemon, ends, status, said, first):
    """Whoever ended first, or if nobody did."""
    def serve(sock):
        if first == "here":
            everything(sock)
        sock.sendall(b"part")
        if first == "there":
            sock.shutdown(socket.SHUT_WR)
            everything(sock)
        sock.close()
    daemon.answers["Connect"] = stream(serve)
    daemon.answers["AwaitEnd"] = {"reason": ends}
    process = subprocess.Popen(client.line("-A", "host", "connect", A, "9"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=client.environment, text=True)
    watchdog = threading.Timer(20, process.kill)
    watchdog.start()
    if first == "here":
        process.stdin.close()
    assert process.stdout.read() == "part"
    if first == "there":
        process.stdin.close()
    status, said = (1, said or "romon: reset: ") if first == "broken" else (status, said)
    assert process.wait(20) == status
    watchdog.cancel()
    with process.stdout, process.stderr:
        assert process.stderr.read().startswith(said)
    if first == "broken":
        process.stdin.close()


def test_forward(client, daemon):
    """Each connection has an ssh of its own, which ends with it, and nothing is left of it; one that fails is no end of the others."""
    daemon.answers["Connect"] = stream(echo)
    process = subprocess.Popen(client.line("-A", "host", "forward", "0", A, "9"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=client.environment, text=True)
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    port, children = int(process.stdout.readline()), Path(f"/proc/{process.pid}/task/{process.pid}/children")
    serve = client.program.read_text()
    for line in (None, "exit 255", None):
        client.program.write_text(serve) if line is None else client.serve(line)
        socks = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(3)]
        for sock in socks:
            with sock:
                if line:
                    with pytest.raises(ConnectionResetError):
                        sock.recv(1)
                    assert process.stderr.readline() == "romon: ssh does not reach the agent host, or lost it\n"
                else:
                    sock.sendall(b"hello")
                    sock.shutdown(socket.SHUT_WR)
                    assert everything(sock) == b"hello"
    wait(lambda: children.read_text() == "", "every ssh has ended, and was waited for")
    process.terminate()
    assert process.communicate(timeout=10) == ("", "") and process.returncode == 0
    watchdog.cancel()


# Limits

def limited(client, daemon, limits):
    client.serve(f"exec '{ROMON}' -s '{daemon.path}' agent-serve {limits}")
    daemon.answers["Connect"] = stream(echo)
    daemon.answers["Resolve"] = lambda connection, parameters: connection.reply({"id": {"hEX": A, "barn": B}.get(
        parameters["id"], parameters["id"].upper())})


@pytest.mark.parametrize("words, method", [(["connect", "hEX", "9"], "Connect"), (["ping", "hEX", "count=1"], "Ping")])
def test_the_id_is_used_that_was_decided_on(client, daemon, words, method):
    """romond is not asked a second time what the name means."""
    limited(client, daemon, f"ids={A.lower()}")
    client.run("-A", "host", *words)
    assert [(name, p["id"]) for name, p, _ in daemon.calls if "id" in p] == [("Resolve", "hEX"), (method, A)]


@pytest.mark.parametrize("ids, router, fine", [
    (A, A, True), (A, A.lower(), True), (A, "hEX", True), (A, "barn", False), (A, B, False), (f"{B},{A}", "hEX", True),
    (B, A[:-1], False), (f"{B},{A}", A[:5], False),
])
def test_limits_of_ids(client, daemon, ids, router, fine):
    limited(client, daemon, f"ids={ids}")
    done = client.run("-A", "host", "connect", router, "9")
    assert (done.returncode == 0) is fine is ("Connect" in [name for name, _, _ in daemon.calls])
    assert fine or "does not reach this router for you" in done.stderr


@pytest.mark.parametrize("services, service, fine", [
    ("ssh", "ssh", True), ("ssh", "3", True), ("3", "ssh", True), ("winbox", "4", True), ("4", "winbox", True), ("ssh", "4", False),
    ("ssh", "winbox", False), ("echo", "echo", True), ("echo", "2000", False), ("2000", "echo", False), ("2000", "2000", True),
    ("2000", "200", False), ("2000", "20000", False), ("ssh,echo,7", "7", True), ("ssh,echo,7", "echo", True),
    ("ssh,echo,7", "ssh,echo", False), ("ssh", "SSH", False), ("ssh", "ssh ", False), ("ssh", "ss", False), ("ssh", "sshd", False),
])
def test_limits_of_services(client, daemon, services, service, fine):
    limited(client, daemon, f"services={services}")
    done = client.run("-A", "host", "connect", A, service)
    assert (done.returncode == 0) is fine is ("Connect" in [name for name, _, _ in daemon.calls])
    assert fine or "does not connect you to this service" in done.stderr


def test_a_wrong_limit_allows_nothing(client, daemon):
    limited(client, daemon, "ids=hEX")
    done = client.run("-A", "host", "stats")
    assert done.returncode == 3 and "hEX" in done.stderr and daemon.calls == []


@pytest.mark.parametrize("serve, said", [
    ("exit 255", "ssh does not reach the agent host"), ("exit 127", "no romon on the agent host"), ("exit 1", "the agent host ended"),
    ("kill -9 $$", "the agent host ended"), ("echo hello; cat >/dev/null", None), (TAKE + r"; printf 'hello\0'", "makes no sense"),
    (r"printf '{}\0'; cat >/dev/null", None), ("exec 1>&-; exit 3", "the agent host ended"),
])
def test_agents_that_are_none(client, daemon, serve, said):
    client.serve(serve)
    if said:
        assert said in client.no("-A", "host", "print", status=3)
        assert said in client.no("-A", "host", "connect", A, "9", status=3)
        return
    process = subprocess.Popen(client.line("-A", "host", "print"), stdout=subprocess.PIPE, env=client.environment)
    wait(client.record.exists, "ssh runs")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode in (-signal.SIGINT, 0)


def test_no_ssh(client):
    assert "is an OpenSSH client installed" in client.run(
        "-A", "host", "print", env={**client.environment, "PATH": str(client.folder)}).stderr


@pytest.mark.parametrize("frames", [
    rb"\0\1\0\1xxxx", rb"\377\377\377\377", rb"\377\0\0\0", rb"\0\0\0\4ab", rb"\0\0\0\0\0\0\0\1x", rb"\0\0", b"",
    rb"\0\0\0\0\377\0\0\200xxxx", rb"\0\0\0\0",
])
@pytest.mark.parametrize("then", ["", "; head -c 4 >/dev/null 2>&1"], ids=["at once", "behind our end"])
def test_frames_that_are_none(client, frames, then):
    """A stream whose end was not said, or a head that makes no sense, has broken off: also for who has said all, and was heard."""
    client.serve(f"{TAKE}; printf '" + r'{"parameters":{"stream":1}}\0' + frames.decode() + f"'{then}")
    done = client.run("-A", "host", "connect", A, "9")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1) and "broke off" in done.stderr


def test_a_verdict_that_is_cut(client):
    client.serve(f"{TAKE}; printf '" + r'{"parameters":{"stream":1}}\0\377\0\0\5ab' + "'")
    assert "ab: the connection broke off" in client.no("-A", "host", "connect", A, "9", status=1)


# Names

def names(client):
    return {entry["name"]: entry["agent"] for entry in json.loads(client.ok("-j", "agent", "print"))["agents"]}


def test_saved(client, daemon):
    assert names(client) == {}
    client.ok("agent", "add", "gw", "root@host:22")
    client.ok("agent", "add", "b-2", "[2001:db8::1]")
    assert names(client) == {"gw": "root@host:22", "b-2": "[2001:db8::1]"}
    assert client.ok("agent", "print") == "Columns: NAME, AGENT\nNAME  AGENT\ngw    root@host:22\nb-2   [2001:db8::1]\n"
    assert client.file.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in client.file.parent.iterdir()] == ["agents"], "nothing is left of what was written"
    assert "already" in client.no("agent", "add", "gw", "other", status=1)
    client.run("-A", "gw", "stats")
    assert client.asked() == [*OPTIONS, "-l", "root", "-p", "22", "--", "host", "romon agent-serve"]
    client.ok("agent", "remove", "gw")
    assert names(client) == {"b-2": "[2001:db8::1]"}
    assert "no agent" in client.no("agent", "remove", "gw", status=1)


def test_what_a_person_wrote_stays(client):
    """Comments, blank lines, a last line without its end, and a link to where the file really is."""
    real = client.folder / "dotfiles/agents"
    real.parent.mkdir()
    real.write_text("# mine\n\n  gw\troot@host  \n#gw old\nlast host")
    client.file.parent.mkdir(parents=True)
    client.file.symlink_to(real)
    assert names(client) == {"gw": "root@host", "last": "host"}
    client.ok("agent", "add", "new", "x@y")
    client.ok("agent", "remove", "gw")
    assert real.read_text() == "# mine\n\n#gw old\nlast host\nnew x@y\n" and client.file.is_symlink()


@pytest.mark.parametrize("line", ["gw", "gw host x", "-x host", "gw -host", "a@b host", "gw ho;st"])
def test_wrong_lines(client, line):
    """One that is wrong is an error that says where, and nothing is changed."""
    text = f"good host\n{line}\n"
    client.file.parent.mkdir(parents=True)
    client.file.write_text(text)
    for words in (["agent", "print"], ["agent", "add", "x", "y"], ["agent", "remove", "good"], ["-A", "good", "print"]):
        assert f"{client.file}:2:" in client.no(*words, status=1)
    assert client.file.read_text() == text and not client.record.exists()
    client.run("-A", "root@host", "stats")
    assert client.asked()[-2:] == ["host", "romon agent-serve"], "what can be no name needs no file"


def test_where_the_file_is(client):
    """As the XDG base directories have it."""
    home = {**client.environment, "XDG_CONFIG_HOME": "relative"}
    client.ok("agent", "add", "gw", "host", env=home)
    assert (client.folder / "home/.config/romon/agents").read_text() == "gw host\n"
    del home["XDG_CONFIG_HOME"]
    assert "gw" in client.ok("agent", "print", env=home)
    assert names(client) == {}


def test_file_that_cannot_be(client):
    client.file.parent.parent.mkdir()
    client.file.parent.write_text("no folder")
    assert "agents" in client.no("agent", "add", "gw", "host", status=1)
    client.file.parent.unlink()
    client.file.mkdir(parents=True)
    for words in (["agent", "print"], ["agent", "add", "gw", "host"]):
        client.no(*words, status=1)


def waiting():
    """The processes that wait for a lock."""
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return {words[5] for words in lines if words[1] == "->"}


def test_changes_at_once(client):
    """One waits for the other, and neither is lost."""
    client.ok("agent", "add", "first", "host")
    folder = os.open(client.file.parent, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    others = [subprocess.Popen(client.line("agent", "add", f"n{i}", "host"), env=client.environment) for i in range(8)]
    wait(lambda: {str(other.pid) for other in others} <= waiting(), "all wait", 20)
    os.close(folder)
    assert [other.wait(20) for other in others] == [0] * 8
    assert names(client) == {name: "host" for name in ["first", *(f"n{i}" for i in range(8))]}
