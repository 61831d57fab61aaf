# SPDX-License-Identifier: BSD-2-Clause
"""The commands that open streams, against a daemon of the tests' own making: what they ask, what they carry, and how they end."""
import hashlib
import json
import os
import resource
import shlex
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from fake_romond import FakeRomond
from lab import ROMON, wait
from test_cli import A, B, HOSTILE, HOSTILE_SHOWN, ROUTER, daemon, document, environment, output, run  # noqa: F401

CONFIG = Path(__file__).resolve().parents[2] / "packaging/ssh_config.d/openromon.conf"
MUCH = os.urandom(3_000_000)


def stream(serve):
    """An answer to Connect: opens the stream and lets serve have its socket. The first bytes come in one piece with the answer."""
    def answer(connection, _):
        connection.raw(b'{"parameters":{"stream":17}}\0')
        serve(connection.sock)
    return answer


ASKED = ("AwaitEnd", {"stream": 17}, False)  # how it ended


def everything(sock):
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


def echo(sock):
    """As a service that is `cat`."""
    while part := sock.recv(65536):
        sock.sendall(part)
    sock.shutdown(socket.SHUT_WR)


@pytest.fixture
def start(daemon):
    """Starts romon; the process outlives neither the test nor twenty seconds."""
    started = []

    def go(*words, **options):
        process = subprocess.Popen([ROMON, "-s", daemon.path, *words], **{
            "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment(), **options})
        watchdog = threading.Timer(20, process.kill)
        watchdog.start()
        started.append((process, watchdog))
        return process

    yield go
    for process, watchdog in started:
        watchdog.cancel()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()


# connect

@pytest.mark.parametrize("words, parameters", [
    ([A, "ssh"], {"id": A, "service": "ssh", "fdpass": False}),
    (["the barn", "4"], {"id": "the barn", "port": 4, "fdpass": False}),
    (["hEX.romon", "ssh"], {"id": "hEX", "service": "ssh", "fdpass": False}),
    ([".romon", "ssh"], {"id": ".romon", "service": "ssh", "fdpass": False}),
    (["--", "-x=y", "3x"], {"id": "-x=y", "service": "3x", "fdpass": False}),
])
def test_connect_call(daemon, words, parameters):
    daemon.answers["Connect"] = stream(echo)
    assert output(daemon, "connect", *words) == ""
    assert daemon.calls == [("Connect", parameters, False), ASKED]


@pytest.mark.parametrize("words", [
    ["connect"], ["connect", A], ["connect", A, "ssh", "x"], ["connect", "", "ssh"], ["connect", A, ""], ["connect", A, "1"],
    ["connect", A, "65536"], ["connect", A, b"\xff"],
])
def test_wrong_usage(daemon, words):
    done = run(daemon, *words)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert daemon.calls == []


@pytest.mark.parametrize("error, reason", [
    ("NoSuchService", "no such service"), ("Refused", "refused"), ("Timeout", "timeout"), ("NoPath", "no path"), ("Reset", "reset"),
    ("Refused", HOSTILE)])
def test_connect_error(daemon, error, reason):
    daemon.answers["Connect"] = lambda connection, _: connection.error(error, reason=reason)
    done = run(daemon, "connect", A, "ssh")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "romon: " + reason.replace(HOSTILE, HOSTILE_SHOWN) + "\n"


def test_connect_carries_both_ways(daemon, start):
    daemon.answers["Connect"] = stream(echo)
    process = start("connect", A, "9")
    out, err = process.communicate(MUCH, timeout=20)
    assert (process.returncode, err) == (0, b"")
    assert hashlib.sha256(out).digest() == hashlib.sha256(MUCH).digest()


def test_connect_half_closes(daemon, start):
    """All of the input first, then its end, then the answer."""
    daemon.answers["Connect"] = stream(lambda sock: sock.sendall(str(len(everything(sock))).encode()))
    process = start("connect", A, "9")
    assert process.communicate(MUCH, timeout=20) == (str(len(MUCH)).encode(), b"")
    assert process.returncode == 0


def test_connect_half_closes_the_other_way(daemon, start):
    """The output ends while the input goes on."""
    got = []

    def serve(sock):
        sock.sendall(b"bye")
        sock.shutdown(socket.SHUT_WR)
        got.append(everything(sock))

    daemon.answers["Connect"] = stream(serve)
    process = start("connect", A, "9")
    assert process.stdout.read() == b"bye"
    process.stdin.write(b"still here")
    process.stdin.close()
    assert process.wait(10) == 0
    wait(lambda: got == [b"still here"], "what was sent after the output's end")


def test_connect_first_bytes(daemon):
    """A server that greets at once: its bytes stand directly behind the answer."""
    daemon.answers["Connect"] = lambda connection, _: connection.raw(b'{"parameters":{}}\0SSH-2.0-x\0\n')
    assert run(daemon, "connect", A, "ssh").stdout == "SSH-2.0-x\0\n"


def test_connect_breaks(daemon, start):
    daemon.answers["Connect"] = stream(lambda sock: (sock.sendall(b"part"), sock.close()))
    process = start("connect", A, "9")
    assert process.stdout.read() == b"part"
    assert process.wait(10) == 1
    assert process.stderr.read() == b"romon: reset: the connection broke off\n"


def no_such_stream(connection, _):
    connection.error("NoSuchStream")


@pytest.mark.parametrize("answer, status, said", [
    ({"reason": None}, 0, b""), ({"reason": "timeout"}, 1, b"romon: timeout: the connection broke off\n"),
    (no_such_stream, 1, b"romon: reset: the connection broke off\n"),
    (lambda connection, _: connection.sock.close(), 3, b"romon: romond closed the connection; `systemctl status romond` may tell why\n"),
])
def test_connect_asks_how_it_ended(daemon, start, answer, status, said):
    """When the input has ended, a stream that broke off looks like one that is finished."""
    daemon.answers["Connect"] = stream(lambda sock: (everything(sock), sock.sendall(b"part"), sock.close()))
    daemon.answers["AwaitEnd"] = answer
    process = start("connect", A, "9")
    assert process.communicate(b"all", timeout=10) == (b"part", said)
    assert process.returncode == status


def test_connect_reader_leaves(daemon, start):
    daemon.answers["Connect"] = stream(lambda sock: (sock.sendall(b"part"), everything(sock)))
    process = start("connect", A, "9")
    assert process.stdout.read(4) == b"part"
    process.stdout.close()
    assert process.wait(10) == 0
    assert process.stderr.read() == b""


def test_connect_holds_back(daemon, start):
    """A slow service: the input waits, and romon does not store it."""
    goes = threading.Event()
    daemon.answers["Connect"] = stream(lambda sock: (goes.wait(10), everything(sock)))
    process = start("connect", A, "9", stdin=subprocess.PIPE)
    os.set_blocking(process.stdin.fileno(), False)
    wait(lambda: daemon.calls, "the call")
    written, idle = 0, time.monotonic()
    while time.monotonic() - idle < 0.3:  # so long nothing more was taken
        try:
            written += os.write(process.stdin.fileno(), bytes(65536))
            idle = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
    assert written < 2_000_000
    goes.set()
    process.stdin.close()
    assert process.wait(10) == 0


def test_connect_fdpass(daemon, start):
    """The stream itself comes out of standard output, not a byte of it read before, and romon is gone."""
    daemon.answers["Connect"] = lambda connection, _: (connection.raw(b'{"parameters":{}}\0hello'), echo(connection.sock))
    ours, its = socket.socketpair()
    with ours:
        with its:
            process = start("connect", A, "ssh", "--fdpass", stdout=its)
        data, descriptors, _, _ = socket.recv_fds(ours, 16, 4)
        assert (len(data), len(descriptors)) == (1, 1)
        assert process.wait(10) == 0
        with socket.socket(fileno=descriptors[0]) as passed:
            passed.sendall(b" world")
            passed.shutdown(socket.SHUT_WR)
            assert everything(passed) == b"hello world"
    assert daemon.calls[0][1]["fdpass"] is True


def test_connect_fdpass_to_no_socket(daemon):
    daemon.answers["Connect"] = stream(echo)
    done = run(daemon, "connect", A, "ssh", "--fdpass")
    assert (done.returncode, done.stdout) == (1, "")
    assert "ProxyUseFdpass" in done.stderr


# streams and services

STREAM = {"address": A, "identity": "hEX", "port": 3, "service": "ssh", "outgoing": True, "state": "open", "received": 1234,
          "sent": 56, "unread": 0, "unsent": 7, "resent": 2, "rtt": 0.000412, "hops": 2, "path": [B, A], "age": 1.5}
SERVICES = [
    {"name": "ssh", "port": 3, "to": "exec:/usr/sbin/sshd -i", "user": "root", "disabled": False, "max_streams": 10, "comment": "",
     "default": True, "available": False, "streams": 0},
    {"name": "web", "port": 1080, "to": "tcp:127.0.0.1:80", "user": "nobody", "disabled": True, "max_streams": 100,
     "comment": HOSTILE, "default": False, "available": True, "streams": 3}]


def test_streams(daemon):
    other = {**STREAM, "outgoing": False, "service": None, "port": 1025, "identity": None, "rtt": None, "hops": None, "path": []}
    daemon.answers["GetStreams"] = {"streams": [STREAM, other]}
    assert output(daemon, "streams") == """\
Flags: O - outgoing
Columns: ADDRESS, IDENTITY, SERVICE, STATE, RECEIVED, SENT, RESENT, RTT, HOPS, PATH
   ADDRESS            IDENTITY  SERVICE  STATE  RECEIVED  SENT  RESENT    RTT  HOPS  PATH
O  6C:3B:6B:48:0E:8B  hEX       ssh      open       1234    56       2  412us     2  6C:3B:6B:ED:83:69
                                                                                     6C:3B:6B:48:0E:8B
   6C:3B:6B:48:0E:8B            1025     open       1234    56       2
"""
    assert document(daemon, "streams") == {"streams": [STREAM, other]}


def test_service_print(daemon):
    daemon.answers["GetServices"] = {"services": SERVICES}
    assert output(daemon, "service", "print") == f"""\
Flags: * - default, X - disabled, U - unavailable
Columns: NAME, PORT, TO, USER, MAX-STREAMS, STREAMS, COMMENT
#      NAME  PORT  TO                      USER    MAX-STREAMS  STREAMS  COMMENT
0  *U  ssh      3  exec:/usr/sbin/sshd -i  root             10        0
1  X   web   1080  tcp:127.0.0.1:80        nobody          100        3  {HOSTILE_SHOWN}
"""
    first, second = document(daemon, "service", "print")["services"]
    assert first == {**{name.replace("_", "-"): value for name, value in SERVICES[0].items()}}
    assert second["comment"] == HOSTILE


@pytest.mark.parametrize("words, call", [
    (["add", "name=web", "port=1080", "to=tcp:127.0.0.1:80"],
     ("AddService", {"values": {"name": "web", "port": "1080", "to": "tcp:127.0.0.1:80"}}, False)),
    (["set", "1", "disabled=no", "max-streams=5"],
     ("SetService", {"number": 1, "values": {"disabled": "no", "max-streams": "5"}}, False)),
    (["set", "web", "disabled=no"], ("SetService", {"name": "web", "values": {"disabled": "no"}}, False)),
    (["set", "[find", "name=web]", "disabled=no"], ("SetService", {"name": "web", "values": {"disabled": "no"}}, False)),
    (["remove", "[find name=3]"], ("RemoveService", {"name": "3"}, False)),
    (["remove", "web"], ("RemoveService", {"name": "web"}, False)),
])
def test_service_change(daemon, words, call):
    assert output(daemon, "service", *words) == ""
    assert daemon.calls == [call]


@pytest.mark.parametrize("words", [
    ["add", "name=web"], ["set", "web"], ["set", "disabled=no"], ["set", "[find interface=web]", "disabled=no"], ["remove"],
    ["remove", ""], ["remove", "[find default=yes]"],
])
def test_service_wrong_usage(daemon, words):
    done = run(daemon, "service", *words)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert daemon.calls == []


# ssh

@pytest.fixture
def path_with(tmp_path, monkeypatch):
    """Puts a program of that name first in PATH; returns the file that it writes its arguments to, as JSON."""
    def make(name, then="sys.exit(7)"):
        folder, record = tmp_path / "bin", tmp_path / f"{name}.json"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(f"import json, os, socket, sys\n"
                                           f"json.dump(sys.argv[1:], open({str(record)!r}, 'w'))\n{then}\n")
        (folder / name).write_text(f"#!/bin/sh\ngrep -E 'Sig(Ign|Blk)' /proc/self/status >'{folder}/signals'\n"
                                   f"exec /usr/bin/python3 '{folder}/{name}.py' \"$@\"\n")
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return record
    return make


def kept_from(record):
    """The signals that romon uses for itself and that the program could not get: ignored or blocked."""
    masks = [int(line.split()[1], 16) for line in (record.parent / "bin/signals").read_text().splitlines()]
    assert len(masks) == 2
    return [number for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)
            if any(mask >> (number - 1) & 1 for mask in masks)]


def test_ssh(daemon, path_with):
    record = path_with("ssh")
    daemon.answers["Resolve"] = {"id": A}
    done = run(daemon, "ssh", "the barn", "user=admin", "command=-x 'y'", "--", "-p", "5", "-v")
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
    assert json.loads(record.read_text()) == [
        f"-oProxyCommand='{ROMON}' -s '{daemon.path}' connect --fdpass {A} ssh", "-oProxyUseFdpass=yes",
        f"-oHostKeyAlias={A}", "-oCanonicalizeHostname=no", "-l", "admin", "-p", "5", "-v", "--", A, "-x 'y'"]
    assert not kept_from(record)
    assert daemon.calls == [("Resolve", {"id": "the barn"}, False)]


def test_ssh_without_user(daemon, path_with):
    record = path_with("ssh")
    assert run(daemon, "ssh", A.lower()).returncode == 7
    assert json.loads(record.read_text())[3:] == ["-oCanonicalizeHostname=no", "--", A]
    assert daemon.calls == []


@pytest.mark.parametrize("words", [
    [], [A, "user="], [A, "user=-oProxyCommand=x"], [A, "--", "uptime"], [A, "--", "-v", "--", "uptime"], [A, "--", "-v", "--"],
    [A, "--", "-l", "x", "y"], [A, "id=" + B], [A, B], [""], ["--", "-x"],
])
def test_ssh_wrong_usage(daemon, path_with, words):
    record = path_with("ssh")
    done = run(daemon, "ssh", *words)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert daemon.calls == [] and not record.exists()


def test_ssh_unknown_router(daemon, path_with):
    record = path_with("ssh")
    daemon.answers["Resolve"] = lambda connection, _: connection.error("NoSuchRouter", identity="barn")
    done = run(daemon, "ssh", "barn")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1) and not record.exists()
    daemon.answers["Resolve"] = {"id": "'; reboot #"}
    assert run(daemon, "ssh", "barn").returncode == 3 and not record.exists()


def greet_as_ssh(connection, _):
    """An answer to Connect: a server that goes after the greetings."""
    connection.raw(b'{"parameters":{}}\0SSH-2.0-none\r\n')
    connection.sock.recv(100)
    connection.sock.shutdown(socket.SHUT_RDWR)
    everything(connection.sock)  # what came meanwhile


def test_ssh_proxy_command(daemon, tmp_path):
    """The real ssh runs it, from a folder and with a socket whose names need every kind of quoting, and finds the stream."""
    folder = tmp_path / "it's 100%h $(x)\"\\"
    folder.mkdir()
    program = folder / "romon"
    program.write_bytes(ROMON.read_bytes())
    program.chmod(0o755)
    strange = FakeRomond(folder / "so%cket")
    strange.answers["Connect"] = greet_as_ssh
    strange.answers["GetEnds"] = {"ends": [{"address": A, "port": 3, "reason": "timeout", "age": 0.5}]}
    try:
        done = subprocess.run([program, "-s", strange.path, "ssh", A, "--", "-F", "none", "-v"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20, env=environment())
    finally:
        strange.close()
    assert done.returncode == 255
    assert "remote software version none" in done.stderr
    assert strange.calls == [("Connect", {"id": A, "service": "ssh", "fdpass": True}, False), ("GetEnds", {}, False)]
    assert strange.faults == []
    assert done.stderr.endswith(f"romon: the connection to {A} ended: timeout\n")


def test_ssh_config(daemon, tmp_path):
    """What is installed for ssh: a name with the suffix gets the router of that identity, just as it was typed."""
    text = CONFIG.read_text().replace('"@bindir@/romon"', f'"{ROMON}" -s {daemon.path}')
    (tmp_path / "config").write_text(text)
    daemon.answers["Connect"] = greet_as_ssh
    done = subprocess.run(["ssh", "-F", tmp_path / "config", "-v", "admin@hEX-2.romon"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=20, env=environment())
    assert "remote software version none" in done.stderr
    assert daemon.calls == [("Connect", {"id": "hEX-2", "service": "ssh", "fdpass": True}, False)]


# forward

@pytest.fixture
def forward(daemon, start):
    def go(*words):
        process = start("forward", *words)
        return process, int(process.stdout.readline())
    return go


def exchange(sock, data):
    """Sends data and its end, and returns what comes."""
    sender = threading.Thread(target=lambda: (sock.sendall(data), sock.shutdown(socket.SHUT_WR)))
    sender.start()
    got = everything(sock)
    sender.join()
    return got


@pytest.mark.parametrize("where, host", [("0", "127.0.0.1"), ("127.0.0.2:0", "127.0.0.2"), ("[::1]:0", "::1")])
def test_forward(daemon, forward, where, host):
    daemon.answers["Connect"] = stream(echo)
    process, port = forward(where, "the barn", "winbox")
    for _ in range(2):
        with socket.create_connection((host, port), timeout=10) as sock:
            assert exchange(sock, MUCH) == MUCH
    process.send_signal(signal.SIGTERM)
    assert (process.wait(10), process.stdout.read(), process.stderr.read()) == (0, b"", b"")
    assert daemon.calls == [("Connect", {"id": "the barn", "service": "winbox", "fdpass": False}, False), ASKED] * 2
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port))


def test_forward_unix(daemon, start, tmp_path):
    daemon.answers["Connect"] = stream(echo)
    path = tmp_path / "here"
    process = start("forward", f"unix:{path}", A, "9")
    wait(path.exists, "the socket")
    assert path.stat().st_mode & 0o777 == 0o600
    with socket.socket(socket.AF_UNIX) as sock:
        wait(lambda: sock.connect_ex(str(path)) == 0, "the listener")
        assert exchange(sock, b"x" * 1000) == b"x" * 1000
    again = start("forward", f"unix:{path}", A, "9")
    assert again.wait(10) == 1 and len(again.stderr.read().splitlines()) == 1
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0 and not path.exists()


def test_forward_many(daemon, forward):
    """Two hundred connections at once, each with bytes of its own, all open before the first ends."""
    daemon.answers["Connect"] = stream(echo)
    process, port = forward("0", A, "9")
    socks = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(200)]
    for i, sock in enumerate(socks):
        sock.sendall(b"%d\n" % i * 1000)
    for sock in socks:
        sock.shutdown(socket.SHUT_WR)
    for i, sock in enumerate(socks):
        assert everything(sock) == b"%d\n" % i * 1000
        sock.close()
    wait(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) < 10, "all descriptors are closed")


def test_forward_without_descriptors(daemon, start):
    """More connections than descriptors that it may have: they wait, and are served as others end."""
    daemon.answers["Connect"] = stream(echo)
    process = start("forward", "0", A, "9", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)))
    port = int(process.stdout.readline())
    socks = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(30)]
    for sock in socks:
        sock.sendall(b"hello")
        sock.shutdown(socket.SHUT_WR)
    for sock in socks:
        with sock:
            assert everything(sock) == b"hello"


def test_forward_half_closes(daemon, forward):
    """The service ends first; what is sent after that still arrives."""
    got = []

    def serve(sock):
        sock.sendall(b"bye")
        sock.shutdown(socket.SHUT_WR)
        got.append(everything(sock))

    daemon.answers["Connect"] = stream(serve)
    _, port = forward("0", A, "9")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        assert everything(sock) == b"bye"
        sock.sendall(b"still here")
    wait(lambda: got == [b"still here"], "what was sent after the service's end")


def test_forward_refused(daemon, forward):
    """One connection fails, and says so; the next one works."""
    daemon.answers["Connect"] = lambda connection, _: connection.error("Refused", reason="refused")
    process, port = forward("0", A, "9")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock, pytest.raises(ConnectionResetError):
        sock.recv(1)
    assert process.stderr.readline() == b"romon: refused\n"
    daemon.answers["Connect"] = stream(echo)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        assert exchange(sock, b"hello") == b"hello"


def test_forward_breaks(daemon, forward):
    """A stream that broke off is no orderly end for who reads."""
    goes = threading.Event()
    daemon.answers["Connect"] = stream(lambda sock: (sock.sendall(b"part"), goes.wait(10), sock.close()))
    _, port = forward("0", A, "9")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        assert sock.recv(10) == b"part"
        goes.set()
        with pytest.raises(ConnectionResetError):
            sock.recv(10)


@pytest.mark.parametrize("reason", [None, "timeout"])
def test_forward_asks_how_it_ended(daemon, forward, reason):
    """Who has said all learns of the end only when it is known to be an orderly one; others are served meanwhile."""
    known = threading.Event()
    daemon.answers["Connect"] = stream(lambda sock: (everything(sock), sock.sendall(b"part"), sock.close()))
    daemon.answers["AwaitEnd"] = lambda connection, _: (known.wait(10), connection.reply({"reason": reason}))
    process, port = forward("0", A, "9")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(10) == b"part"
        wait(lambda: ASKED in daemon.calls, "the question")
        daemon.answers["Connect"] = stream(lambda sock: sock.sendall(b"other"))
        with socket.create_connection(("127.0.0.1", port), timeout=10) as other:
            assert other.recv(10) == b"other"
        known.set()
        if reason:
            assert process.stderr.readline() == b"romon: timeout: the connection broke off\n"
            with pytest.raises(ConnectionResetError):
                sock.recv(10)
        else:
            assert sock.recv(10) == b""


def test_forward_client_leaves(daemon, forward):
    """Who goes away before the daemon has answered: the call ends, too."""
    waiting = threading.Event()
    daemon.answers["Connect"] = lambda connection, _: (waiting.set(), connection.wait_gone())
    _, port = forward("0", A, "9")
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    assert waiting.wait(10) and not daemon.gone.is_set()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()
    assert daemon.gone.wait(10)


def test_forward_holds_back(daemon, forward):
    """A client that does not read: the stream waits, and other connections go on."""
    taken = [0]

    def serve(sock):
        if daemon.calls[1:]:
            return echo(sock)
        sock.setblocking(False)
        idle = time.monotonic()
        while time.monotonic() - idle < 0.3:
            try:
                taken[0] += sock.send(bytes(65536))
                idle = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)

    daemon.answers["Connect"] = stream(serve)
    process, port = forward("0", A, "9")
    with socket.create_connection(("127.0.0.1", port), timeout=10):
        wait(lambda: taken[0], "the stream")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as other:
            assert exchange(other, MUCH) == MUCH
        assert taken[0] < 20_000_000


@pytest.mark.parametrize("words", [
    [], ["0"], ["0", A], ["x", A, "ssh"], ["65536", A, "ssh"], ["localhost:0", A, "ssh"], ["::1:0", A, "ssh"], [":5", A, "ssh"],
    ["unix:", A, "ssh"], ["unix:" + "x" * 200, A, "ssh"], ["0", A, "0"],
])
def test_forward_wrong_usage(daemon, words):
    done = run(daemon, "forward", *words)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_forward_port_taken(daemon, forward):
    _, port = forward("0", A, "ssh")
    done = run(daemon, "forward", str(port), A, "ssh")
    assert (done.returncode, done.stdout) == (1, "")
    assert "in use" in done.stderr


# winbox

@pytest.mark.parametrize("words, rest", [
    (["the barn"], []), (["the barn", "admin"], ["admin"]), (["the barn", "admin", ""], ["admin", ""]),
    (["--", "the barn", "admin", "a=b -c"], ["admin", "a=b -c"]),
])
def test_winbox(daemon, path_with, words, rest):
    """WinBox reaches the router through the address that it is given, and its status is romon's."""
    record = path_with("WinBox", """
host, port = sys.argv[1].split(":")
with socket.create_connection((host, port), timeout=10) as sock:
    sock.sendall(b"hello")
    sock.shutdown(socket.SHUT_WR)
    print(sock.makefile().read())
sys.exit(7)""")
    daemon.answers["Connect"] = stream(echo)
    done = run(daemon, "winbox", *words)
    assert (done.returncode, done.stdout, done.stderr) == (7, "hello\n", "")
    first, *others = json.loads(record.read_text())
    assert first.startswith("127.0.0.1:") and others == rest
    assert daemon.calls == [("Connect", {"id": "the barn", "service": "winbox", "fdpass": False}, False), ASKED]
    assert not kept_from(record)


def test_winbox_program(daemon, path_with, tmp_path):
    path_with("winbox", "sys.exit(5)")
    path_with("other", "os.kill(os.getpid(), signal.SIGKILL)".replace("signal.SIGKILL", "9"))
    assert run(daemon, "winbox", A).returncode == 5
    assert run(daemon, "winbox", A, "--program", str(tmp_path / "bin/other")).returncode == 128 + 9
    done = run(daemon, "winbox", A, f"program={tmp_path}/none")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def test_winbox_ends_by_a_signal(daemon, path_with, start):
    """The signal is WinBox's, which may want to save something first."""
    path_with("winbox", "import signal\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(6))\nprint(flush=True)\nsignal.pause()")
    process = start("winbox", A)
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 6


@pytest.mark.parametrize("words", [[], [""], ["--", A, "-x"], [A, "b", "c", "d"]])
def test_winbox_wrong_usage(daemon, words):
    done = run(daemon, "winbox", *words)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


# inventory

def inventory(daemon, *identities):
    """The hosts that a network of routers with these identities gives, as name: variables."""
    daemon.answers["Discover"] = {"routers": [
        {**ROUTER, "address": f"02:00:00:00:00:{i:02X}", "identity": identity} for i, identity in enumerate(identities)]}
    found = json.loads(output(daemon, "inventory", "--list"))
    assert found["romon"]["hosts"] == list(found["_meta"]["hostvars"])
    return found["_meta"]["hostvars"]


def test_inventory(daemon):
    hosts = inventory(daemon, "hEX", "barn.2_a-b")
    assert list(hosts) == ["hEX", "barn.2_a-b"]
    proxy = f"'{ROMON}' -s '{daemon.path}' connect --fdpass 02:00:00:00:00:00 ssh"
    options = shlex.split(hosts["hEX"].pop("ansible_ssh_common_args"))
    assert hosts["hEX"] == {"ansible_host": "02:00:00:00:00:00", "romon_id": "02:00:00:00:00:00"}
    assert options == [f"-oProxyCommand={proxy}", "-oProxyUseFdpass=yes", "-oHostKeyAlias=02:00:00:00:00:00",
                       "-oCanonicalizeHostname=no"]
    assert json.loads(output(daemon, "inventory", "--host", "hEX"))["ansible_host"] == "02:00:00:00:00:00"
    assert run(daemon, "inventory", "--host", "none").returncode == 1
    assert daemon.calls[0] == ("Discover", {"duration": 3.0}, False)


def test_inventory_names(daemon):
    """Who has no name that is his alone and means nothing else goes by his ID."""
    bad = ["", None, "-x", "two words", "a:b", "{{ 1 }}", HOSTILE, "müll", "twice", "twice", "all", "ungrouped", "romon", "localhost",
           "127.0.0.1"]
    assert list(inventory(daemon, "good", *bad)) == ["good"] + [f"02:00:00:00:00:{i:02X}" for i in range(1, len(bad) + 1)]
    daemon.answers["Discover"]["routers"][0]["active"] = False
    assert "good" not in output(daemon, "inventory", "--list")


@pytest.mark.parametrize("words", [[], ["--list", "--host", "x"], ["--list", "x"], ["--list", "duration=x"], ["--host"]])
def test_inventory_wrong_usage(daemon, words):
    done = run(daemon, "inventory", *words)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
