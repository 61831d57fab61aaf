# SPDX-License-Identifier: BSD-2-Clause
"""The WinBox agent: who may log in, what it answers, and what strangers can do to it. Links are in test_winbox_links.py."""
import contextlib
import os
import re
import signal
import socket
import stat
import struct
import time
from pathlib import Path

import pytest
import winbox
from agent_lab import AGENT, GID, UID, AgentNode
from lab import conf, sanitized, status, wait
from winbox_peer import (BUSY, CANCEL, COMMAND, DENIED, ERROR, ERROR_TEXT, FAILED, FINISHED, FROM, GET, GETALL, ID, NEXT, NO_COMMAND, NO_ID,
                         NO_PATH, POLL, PORT, RECORDS, REPLY, REQUEST, START, STATUS, TO, TYPE, Client, Refused)
from wire import namespace

SOAK = bool(os.environ.get("ROMON_SOAK"))


@pytest.fixture(scope="module")
def network(module_lab):
    """An agent and two routers behind it; nothing is changed in here."""
    a, b, c = module_lab.line(3)
    agent = AgentNode(a)
    module_lab.start(b, c, configs={n.name: conf(f"identity={n.name} board=lab") for n in (b, c)})
    return agent, b, c


def alone(lab, *arguments, **options):
    """An agent that knows nobody."""
    return AgentNode(lab.node("a"), *arguments, **options)


def test_off_until_it_is_switched_on(lab):
    agent = alone(lab, "enabled=no")
    assert agent.pid() is None and not agent.listening()
    assert agent.romon("winbox-agent", "set", "enabled=yes").returncode == 0
    agent.wait_listening()
    assert not agent.listening("127.0.0.9"), "it listens where it was told to, and nowhere else"
    with agent.client() as client:
        assert agent.romon("winbox-agent", "set", "listen=127.0.0.9", "port=9000").returncode == 0
        agent.wait_listening("127.0.0.9", 9000)
        assert not agent.listening()
        with pytest.raises(ConnectionError):
            client.request([127, 2], 9)
    written = agent.node.config.read_text()
    assert "winbox-agent\nset enabled=yes listen=127.0.0.9" in written and "port=9000" in written
    assert agent.node.json("winbox-agent", "print") == {"enabled": True, "listen": "127.0.0.9", "port": 9000, "address": ""}
    pid = agent.pid()
    assert agent.romon("winbox-agent", "set", "enabled=no").returncode == 0
    wait(lambda: not agent.listening("127.0.0.9", 9000) and agent.pid() != pid, "it ends")


@pytest.mark.parametrize("bad", ["listen=", "listen=example.org", "port=80", "address=10.0.0.0/33", "listen=1.2.3.4,", "enabled=maybe"])
def test_settings_that_are_none(network, bad):
    done = network[0].romon("winbox-agent", "set", bad)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr


def test_it_has_no_privileges(network):
    agent = network[0]
    found = status(agent.pid())
    assert set(found["Uid"].split()) == {str(UID)} and set(found["Gid"].split()) == {str(GID)}
    for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd"):
        assert int(found[kind], 16) == 0, kind
    assert found["NoNewPrivs"] == "1" and (found["Seccomp"] == "2" or sanitized())


def test_its_account_may_little(network):
    """Whoever takes the agent over can do at romond's socket what it can, and nothing else."""
    agent, b, _ = network
    group = agent.node.socket.stat().st_gid
    user = (UID, group)

    def romon(*arguments):
        return agent.node.romon(*arguments, user=user)
    assert b.id in romon("discover", "duration=500ms").stdout
    assert romon("ping", b.id, "count=1").returncode == 0
    for command in (["print"], ["port", "print"], ["stats"], ["streams"], ["neighbors"], ["service", "print"], ["winbox-agent", "print"],
                    ["set", "enabled=no"], ["connect", b.id, "ssh"], ["connect", b.id, "100"]):
        done = romon(*command)
        assert done.returncode != 0 and ("WinBox" in done.stderr or "only root" in done.stderr), (command, done.stderr)
    assert "WinBox agent" not in romon("connect", b.id, "winbox").stderr, "that one it may"


def test_it_is_started_again(lab):
    agent = alone(lab)
    pid = agent.pid()
    os.kill(pid, 9)
    wait(lambda: agent.pid() not in (None, pid) and agent.listening(), "another one", 10)
    assert "agent was killed by signal 9" in agent.log


def test_it_ends_with_romond(lab):
    agent = alone(lab)
    pid = agent.pid()
    agent.node.stop()
    wait(lambda: not os.path.exists(f"/proc/{pid}"), "the agent has ended")
    agent = AgentNode(lab.node("b"))
    pid = agent.pid()
    agent.node.daemon.kill(agent.node.daemon.monitor())
    wait(lambda: not os.path.exists(f"/proc/{pid}"), "the agent has ended", 10)


@pytest.mark.parametrize("how", ["switched off", "romond ends"])
def test_one_that_does_not_end_is_killed(lab, how):
    agent = alone(lab)
    pid, daemon = agent.pid(), agent.node.daemon
    agent.client().close()  # by now it takes signals into its own hands
    os.kill(pid, signal.SIGSTOP)
    if how == "switched off":
        assert agent.romon("winbox-agent", "set", "enabled=no").returncode == 0
        wait(lambda: not os.path.exists(f"/proc/{pid}") or status(pid)["State"].startswith("Z"), "it has ended", 10)
        wait(lambda: not agent.listening(), "nor does anybody else listen")
        assert agent.romon("winbox-agent", "set", "enabled=yes").returncode == 0
        agent.wait_listening()
    else:
        agent.node.stop()
        assert not os.path.exists(f"/proc/{pid}"), "before romond has"
    assert "agent does not end and is killed" in daemon.log


def test_without_its_user(lab):
    node = lab.node("a")
    node.ip("link", "set", "lo", "up")
    agent = AgentNode(node, "enabled=no listen=127.0.0.1", users=())
    agent.node.stop()
    for path in agent.mounts.values():
        path.write_text("".join(x for x in path.read_text().splitlines(True) if not x.startswith("romon-agent")))
    text = node.config.read_text().replace("winbox-agent\nset enabled=no", "winbox-agent\nset enabled=yes")
    node.start(text, mounts=agent.mounts, options=["--agent", AGENT])
    wait(lambda: "no user romon-agent: create it" in agent.log, "the log says what to do")
    assert node.json("print")["enabled"], "romond itself goes on"


def test_a_user_that_romond_does_not_know(lab):
    """One that was made while romond ran would be any member of the group romon to it."""
    node = lab.node("a")
    node.ip("link", "set", "lo", "up")
    agent = AgentNode(node, "enabled=no listen=127.0.0.1")
    agent.node.stop()
    texts = {path: path.read_text() for path in agent.mounts.values()}
    for path, text in texts.items():
        path.write_text("".join(x for x in text.splitlines(True) if not x.startswith("romon-agent")))
    node.start(node.config.read_text(), mounts=agent.mounts, options=["--agent", AGENT])
    for path, text in texts.items():
        path.write_text(text)
    assert agent.romon("winbox-agent", "set", "enabled=yes").returncode == 0
    wait(lambda: "restart romond" in agent.log, "the log says what to do")
    assert not agent.listening()
    node.stop()
    node.start(node.config.read_text(), mounts=agent.mounts, options=["--agent", AGENT])
    agent.wait_listening()


# Users

def test_users_come_and_go(lab):
    agent = alone(lab, users=())
    users = agent.node.folder / "winbox-users"
    wait(lambda: "no users" in agent.log, "the log says so")
    done = agent.romon("winbox-agent", "user", "add", "noc", stdin="Gr\u00fc\u00dfe 1\n")
    assert done.returncode == 0, done.stderr
    found = users.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, GID, 0o640)
    assert "Gr\u00fc" not in users.read_text()
    agent.client("noc+r", "Gr\u00fc\u00dfe 1").close()
    agent.client("noc", "Gr\u00fc\u00dfe 1").close()
    agent.client("noc+c80w", "Gr\u00fc\u00dfe 1").close()
    assert agent.romon("winbox-agent", "user", "add", "empty", "targets=00:00:5e:00:53:01,00:00:5E:00:53:02", stdin="\n").returncode == 0
    agent.client("empty", "").close()
    assert agent.romon("winbox-agent", "user", "set", "noc", "--password", stdin="other\n").returncode == 0
    agent.client("noc", "other").close()
    with pytest.raises(Refused):
        agent.client("noc", "Gr\u00fc\u00dfe 1")
    listed = agent.romon("--json", "winbox-agent", "user", "print").stdout
    assert listed.strip() == ('{"users":[{"name":"noc","targets":[]},{"name":"empty","targets":["00:00:5E:00:53:01",'
                              '"00:00:5E:00:53:02"]}]}')
    assert agent.romon("winbox-agent", "user", "remove", "noc").returncode == 0
    with pytest.raises(Refused):
        agent.client("noc", "other")
    agent.client("empty", "").close()


@pytest.mark.parametrize("arguments, words", [
    (["add", "noc"], "already"), (["add", "a b"], "blanks"), (["add", "a+r"], "blanks and +"), (["add"], "which user"),
    (["add", "x" * 65], "64 bytes"), (["remove", "nobody"], "no user nobody"), (["set", "noc"], "nothing to set"),
    (["set", "noc", "targets=here"], "RoMON IDs"), (["set", "nobody", "targets="], "no user nobody")])
def test_users_that_cannot_be(network, arguments, words):
    done = network[0].romon("winbox-agent", "user", *arguments, stdin="secret\n")
    assert done.returncode in (1, 2) and words in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_a_broken_file_of_users_changes_nothing(lab):
    agent = alone(lab)
    users = agent.node.folder / "winbox-users"
    agent.client().close()
    with users.open("a") as out:
        out.write("user broken 00\n")
    agent.client().close()
    wait(lambda: "winbox-users:2: no user" in agent.log, "the log names the line")
    done = agent.romon("winbox-agent", "user", "add", "other", stdin="secret\n")
    assert done.returncode == 1 and ":2:" in done.stderr


def test_a_file_of_users_that_cannot_be_read_is_told_once(lab):
    agent = alone(lab)
    users = agent.node.folder / "winbox-users"
    agent.client().close()
    users.chmod(0)
    for _ in range(20):
        agent.client().close()
    assert agent.log.count("Permission denied") == 1, "not for every stranger who knocks"
    users.chmod(0o640)
    agent.client().close()
    users.chmod(0)
    agent.client().close()
    assert agent.log.count("Permission denied") == 2


# Logins

def refusal(agent, login, password):
    """What a login that is refused gets to see: the lengths of all that comes, and the text."""
    sock = agent.connect()
    with sock:
        srp = winbox.Client(login.encode(), password.encode())
        sock.sendall(winbox.chunks(srp.hello()))
        challenge = sock.recv(51, socket.MSG_WAITALL)
        sock.sendall(winbox.chunks(srp.confirm(challenge[2:])))
        data = b""
        while True:
            piece = sock.recv(4096)
            if not piece:
                return challenge[:2], data, challenge[35:]
            data += piece


def test_a_wrong_name_and_a_wrong_password_look_the_same(lab):
    agent = alone(lab)
    found = [refusal(agent, login, password) for login, password in (("noc", "wrong"), ("nobody", "secret"), ("nobody+r", ""))]
    assert {item[:2] for item in found} == {(b"\x31\x06", b"\x21\x06invalid user name or password (6)")}
    assert found[1][2] == found[2][2] != found[0][2], "a name keeps its salt, whether it is a user's or not"
    wait(lambda: agent.log.count("login refused: no") == 3, "and the log has them all")
    assert re.search(r"warning: login refused: nobody\+r at 127\.0\.0\.1:\d+", agent.log)


def test_its_lines_have_their_level_in_the_journal(lab, monkeypatch):
    node = lab.node("a")
    (node.folder / "log0").touch()
    stream = (node.folder / "log0").stat()
    monkeypatch.setenv("JOURNAL_STREAM", f"{stream.st_dev}:{stream.st_ino}")
    agent = AgentNode(node)
    refusal(agent, "noc", "wrong")
    wait(lambda: re.search(r"^<4>login refused: noc at", agent.log, re.MULTILINE), "a warning")


def test_a_long_name_hides_no_source(lab):
    agent = alone(lab)
    for login in ("\1" * 160, "n" * 220):
        refusal(agent, login, "")
    wait(lambda: len(re.findall(r"login refused: (\\x01|n){40,}\.\.\. at 127\.0\.0\.1:\d+\n", agent.log)) == 2, "the log has the source")


def test_the_last_places_are_for_those_who_log_in(lab):
    """256 connections are possible. Where 248 are logged in, and eight that say nothing hold the rest, one of these goes."""
    agent = alone(lab)
    sessions = [agent.client(source=f"127.0.1.{number % 4 + 1}") for number in range(248)]
    silent = [agent.connect(source="127.0.2.1") for _ in range(8)]
    late = agent.client(source="127.0.3.1")
    assert len(sessions) == 248
    for connection in (*sessions, *silent, late):
        connection.close()


def test_salts_of_unknown_names_outlive_the_agent(lab):
    agent = alone(lab, users=())
    assert agent.romon("winbox-agent", "user", "add", "noc", stdin="secret\n").returncode == 0
    salt = refusal(agent, "nobody", "")[2]
    pid = agent.pid()
    os.kill(pid, 9)
    wait(lambda: agent.pid() not in (None, pid) and agent.listening(), "another one", 10)
    assert refusal(agent, "nobody", "")[2] == salt


def small_part(agent, login, source):
    """What a server's key shows of the mask that hides it: the part of small order, one of eight."""
    with agent.connect(source=source) as sock:
        sock.sendall(winbox.chunks(winbox.Client(login.encode(), b"").hello()))
        return winbox.multiply(winbox.R, winbox.point(sock.recv(51, socket.MSG_WAITALL)[2:35]))


def test_the_servers_key_tells_no_names(lab):
    """A user's mask is always the same, and in one of eight classes: so must be that of a name that nobody has, each in its own."""
    agent = alone(lab, users=())
    assert agent.romon("winbox-agent", "user", "add", "noc", stdin="secret\n").returncode == 0
    names = [f"nobody{number}" for number in range(40)]
    found = {name: small_part(agent, name, f"127.0.1.{number}") for number, name in enumerate(["noc", *names])}
    assert len({found[name] for name in names}) > 3, "all eight, most likely"
    pid = agent.pid()
    os.kill(pid, 9)
    wait(lambda: agent.pid() not in (None, pid) and agent.listening(), "another one", 10)
    again = {name: small_part(agent, name, "127.0.2.1") for name in found}
    assert again == found, "and they stay, as a user's does"


def test_who_guesses_is_kept_out_and_nobody_else(lab):
    agent = alone(lab)
    for _ in range(20):
        try:
            refusal(agent, "noc", "guess")
        except (OSError, winbox.Broken, AssertionError):
            break
    else:
        pytest.fail("twenty guesses at once were answered")
    assert 8 <= agent.log.count("login refused") <= 12
    wait(lambda: "127.0.0.1" in agent.log and "failed to log in too often" in agent.log, "the log says so")
    with pytest.raises((OSError, ConnectionError)):
        agent.client()
    agent.client(address="127.0.0.2", source="127.0.0.3").close()


def test_who_does_not_wait_for_the_refusal_is_logged_too(lab):
    """He resets the connection behind his confirmation, and the agent finds both at once."""
    agent = alone(lab)
    pid = agent.pid()
    for number in range(1, 21):
        try:
            with agent.connect() as sock:
                srp = winbox.Client(b"noc", b"guess")
                sock.sendall(winbox.chunks(srp.hello()))
                confirmation = winbox.chunks(srp.confirm(sock.recv(51, socket.MSG_WAITALL)[2:]))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.kill(pid, signal.SIGSTOP)
                sock.sendall(confirmation)
        except (OSError, winbox.Broken):
            break
        finally:
            os.kill(pid, signal.SIGCONT)
        wait(lambda: agent.log.count("login refused: noc") >= number, "the log has it")
    assert 8 <= agent.log.count("login refused: noc") <= 12, "and it is kept out as soon as others"


def test_half_open_logins_leave_others_served(lab):
    """From one source: they get eight places, and only what they ask for is computed."""
    agent = alone(lab)
    descriptors = len(os.listdir(f"/proc/{agent.pid()}/fd"))
    hello = winbox.chunks(winbox.Client(b"noc", b"").hello())
    kept = []
    for number in range(10_000 if SOAK else 800):
        sock = agent.connect(source="127.0.0.4")
        with_hello = number % 2
        try:
            if with_hello:
                sock.sendall(hello)
        except OSError:
            pass
        kept.append(sock)
        if len(kept) > 500:
            kept.pop(0).close()
        if number % 100 == 50:
            with agent.client() as client:
                assert client.request([127, 2], 9)[TYPE] == 2
            assert len(os.listdir(f"/proc/{agent.pid()}/fd")) <= descriptors + 8 + 3
    for sock in kept:
        sock.close()
    assert len(re.findall(r"127\.0\.0\.4:\d+ (has too many|failed)", agent.log)) < 5, "nor is the log flooded"


def test_strangers_outside_of_the_networks(lab):
    agent = alone(lab, "enabled=yes listen=127.0.0.1 address=127.0.0.0/31,10.0.0.0/8", users=(("noc", "secret"),))
    agent.client().close()
    with pytest.raises((OSError, ConnectionError)):
        agent.client(source="127.0.0.2")


@pytest.mark.parametrize("data", [b"\x05\x06hello", b"\x01\x01", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\xff\x06",
                                  b"\x22\x06" + b"a" * 34,
                                  winbox.chunks(b"noc\0" + bytes(32) + b"\0"), winbox.chunks(b"noc\0" + bytes(31) + b"\2\1")])
def test_nonsense_before_the_login(network, data):
    with network[0].connect() as sock:
        sock.sendall(data)
        assert sock.recv(100) == b"", "closed, without a word"
    network[0].client().close()


def test_a_login_that_takes_its_time(network):
    """Byte by byte it is the same login."""
    agent = network[0]
    sock = agent.connect()
    srp = winbox.Client(b"noc+r", b"secret")
    for byte in winbox.chunks(srp.hello()):
        sock.sendall(bytes([byte]))
    confirmation = winbox.chunks(srp.confirm(sock.recv(51, socket.MSG_WAITALL)[2:]))
    for byte in confirmation:
        sock.sendall(bytes([byte]))
    assert len(sock.recv(34, socket.MSG_WAITALL)) == 34
    sock.close()


def test_who_does_nothing_is_dropped(network):
    with network[0].connect() as sock:
        begin = time.monotonic()
        assert sock.recv(1) == b""
        assert 9 < time.monotonic() - begin < 20


# What it answers

def test_frames_of_every_kind(network):
    """Split, together, with the padding of the Python scripts, and with an empty chunk behind a full one."""
    agent = network[0]
    with agent.client() as client:
        number = client.ask([127, 2], 9)
        client.answer(number)

        def request(sender, number, **more):
            return winbox.encode({TO: [127, 2], FROM: [0, sender], REPLY: True, REQUEST: number, COMMAND: 9,
                                  **{0x2000: (winbox.RAW, bytes(size)) for size in more.values()}})
        client.socket.sendall(b"".join(winbox.chunks(client.keys_out.seal(request(n, n))) for n in (100, 101, 102)))
        for n in (102, 100, 101):
            assert client.answer(n)[TO] == [0, n]
        for size in range(190, 230):
            client.send(request(1, 50, size=size), long_padding=True)
            assert client.answer(50)[TYPE] == 2
        message = request(1, 51, size=3525 - (len(request(1, 51, size=300)) - 300))
        wire = winbox.chunks(client.keys_out.seal(message))
        assert len(message) == 3525 and len(wire) == 3598
        for number in range(2):
            client.socket.sendall(wire + (b"\x00\xff" if number else b""))
            assert client.answer(51)[TYPE] == 2
        for byte in wire:
            client.socket.send(bytes([byte]))
        assert client.answer(51)[TYPE] == 2


def test_a_frame_that_somebody_touched_ends_the_session(network):
    with network[0].client() as client:
        frame = bytearray(client.keys_out.seal(winbox.encode({TO: [127, 2], REPLY: True, COMMAND: 9})))
        frame[30] ^= 1
        client.socket.sendall(winbox.chunks(bytes(frame)))
        assert client.socket.recv(10) == b""


def test_what_is_no_message_ends_the_session(network):
    for message in (b"M2\1", b"M2" + b"\1\0\0\x38", b"M2\1\0\0\x31\5a"):
        with network[0].client() as client:
            client.send(message)
            assert client.socket.recv(10) == b""


def test_the_answer_mirrors_the_request(network):
    with network[0].client() as client:
        answer = client.request([127, 2], 9, sender=[0, 5, 70000])
        assert answer == {TO: [0, 5, 70000], FROM: [127, 2], 0xFF001C: ["msg-proxy-7.24.5"], TYPE: 2, REQUEST: 1}
        # The same number from two senders at once, and no number at all.
        for sender in ([0, 1], [0, 2]):
            client.send({TO: [127, 5], FROM: sender, REPLY: True, REQUEST: 7, COMMAND: 9})
        assert {tuple(client.receive()[TO]) for _ in range(2)} == {(0, 1), (0, 2)}
        client.send({TO: [127, 5], REPLY: True, COMMAND: 9})
        answer = client.receive()
        assert TO not in answer and REQUEST not in answer and answer[ERROR] == NO_PATH


def test_nothing_unasked_for(network):
    """What wants no answer gets none; nor do answers and pushes."""
    with network[0].client() as client:
        client.send({TO: [127, 5], FROM: [0, 1], REQUEST: 1, COMMAND: 9})
        client.send({TO: [127, 2], FROM: [0, 1], TYPE: 2, REQUEST: 2, REPLY: True, COMMAND: 9})
        client.send({TO: [], FROM: [0xFF0003, 4711], COMMAND: 0xFE0014})
        assert client.answer(client.ask([127, 2], 9))[REQUEST] == 1 and not client.pushed and not client.answers


@pytest.mark.parametrize("login, to, command, error, path", [
    ("noc", [127, 0], 7, NO_PATH, [127]), ("noc", [127, 5], GETALL, NO_PATH, [127]), ("noc", [127], 9, NO_PATH, [127]),
    ("noc", [127, 3], 1, DENIED, [127, 3]), ("noc", [127, 2], 99, NO_COMMAND, [127, 2]),
    ("noc", [127, 4], GET, NO_COMMAND, [127, 4]), ("noc", [127, 2], 0xFE000E, DENIED, [127, 2]),
    ("noc+r", [127, 2], GET, DENIED, [127, 2]), ("noc+r", [127, 1], GETALL, DENIED, [127, 1]),
    ("noc+r", [127, 2], 7, DENIED, [127, 2]), ("noc", [2], 2000, DENIED, [2]), ("noc", [2], 2010, DENIED, [2]),
    ("noc", [2, 2], 1, DENIED, [2, 2]), ("noc", [24, 1], GET, DENIED, [24, 1]), ("noc", [20, 3, 4], 1, DENIED, [20, 3, 4]),
    ("noc", [2, 205574, 24, 1], GET, NO_PATH, [2]), ("noc", [2, 205574], GET, NO_PATH, [2]),
    ("noc", [127, 4], GETALL, NO_ID, [127, 4]), ("noc", [127, 4], CANCEL, NO_ID, [127, 4]),
    ("noc", [127, 2], POLL, NO_ID, [127, 2]), ("noc", [127, 2], 8, NO_ID, [127, 2]), ("noc", [], 1, NO_PATH, None)])
def test_what_is_not_there_is_answered(network, login, to, command, error, path):
    with network[0].client(login) as client:
        answer = client.request(to, command)
        assert (answer[ERROR], answer[STATUS], answer.get(FROM)) == (error, 2, path)


def test_the_log_tells_what_was_not_understood(network):
    agent = network[0]
    with agent.client() as client:
        client.request([78, 9], 0x4711, k99=(winbox.STRING, "a value of nobody's business"))
    wait(lambda: re.search(r"path \[78,9\] command 4711, keys and kinds ff0001/17 .* 99/4", agent.log), "path, command, keys and kinds")
    assert "nobody's business" not in agent.log


def test_settings_and_system(network):
    agent = network[0]
    with agent.client("noc") as client:
        kinds = {}
        number = client.ask([127, 2], GET, kfe000c=0x10000005)
        answer = client.answer(number)
        assert answer[1] is True and answer[0x65] == bytes.fromhex(agent.node.id.replace(":", ""))
        client.send({TO: [13, 4], FROM: [0, 11], REPLY: True, REQUEST: 60, COMMAND: 7})
        answer = winbox.decode(client.receive_bytes(), kinds)
        assert {key: kinds[key] for key in (0xB, 0xF, 0x10, 0x11, 0x13, 0x15, 0x16, 0x17, 0x18, 0x26)} == {
            0xB: 1, 0xF: 1, 0x10: 1, 0x11: 4, 0x13: 0, 0x15: 4, 0x16: 4, 0x17: 4, 0x18: 4, 0x26: 0}
        assert answer[0x16] == "7.24.5" and answer[0x11] == os.uname().machine
        assert client.request([127, 1], GETALL)[0xFE0019] == 0


def rows(client, query):
    return {row[1]: row for row in client.request([127, 4], GETALL, kfe0001=query, kfe000c=0x10000005).get(RECORDS, [])}


@pytest.mark.parametrize("poll", [GETALL, POLL])
def test_discovery_says_what_romon_discover_says(network, poll):
    agent, b, c = network
    with agent.client() as client:
        query = client.request([127, 4], START)[ID]
        wait(lambda: len(rows(client, query)) == 2, "both routers")
        told = agent.node.discover("1500ms")
        kinds = {}
        client.send({TO: [127, 4], FROM: [0, 11], REPLY: True, REQUEST: 99, COMMAND: poll, ID: query})
        answer = winbox.decode(client.receive_bytes(), kinds)
        assert NEXT not in answer and FINISHED not in answer and kinds[RECORDS] == 21
        for row in answer[RECORDS]:
            router = told[":".join(f"{byte:02X}" for byte in row[1])]
            assert (row[2], row[3], row[5], row[6], row[7], row[8], row[0xA]) == tuple(
                router[name] for name in ("cost", "hops", "l2mtu", "identity", "version", "board", "active"))
            assert [":".join(f"{byte:02X}" for byte in hop) for hop in row[4]] == router["path"]
            assert abs(row[9] - router["uptime"]) <= 2
        numbers = {row[1]: row[ID] for row in answer[RECORDS]}
        assert len(set(numbers.values())) == 2
        assert {key: row[ID] for key, row in rows(client, query).items()} == numbers, "a row keeps its number"
        assert client.request([127, 4], CANCEL, kfe0001=query).keys() == {TO, FROM, 0xFF001C, TYPE, REQUEST}
        assert client.request([127, 4], GETALL, kfe0001=query)[ERROR] == NO_ID


def received(node):
    return sum(port["rx"] for port in node.stats().values())


def connections(agent):
    """How many sockets the agent has that somebody has connected to, or had."""
    rows = [line.split() for line in Path(f"/proc/{agent.pid()}/net/tcp").read_text().splitlines()[1:]]
    established, close_wait = "01", "08"
    return sum(row[1].endswith(f":{PORT:04X}") and row[3] in (established, close_wait) for row in rows)


def test_a_client_that_is_gone_leaves_nothing_running(network):
    agent, b, _ = network
    wait(lambda: not connections(agent), "those before have gone")
    descriptors = len(os.listdir(f"/proc/{agent.pid()}/fd"))
    with agent.client("noc") as client:
        for _ in range(3):
            assert client.request([127, 4], START)[ID]
        assert client.request([127, 2], 7, k1=(winbox.RAW, bytes.fromhex(b.id.replace(":", ""))), k4=50)[ID]
        before = received(b)
        wait(lambda: received(b) > before + 5, "frames reach the neighbour")
        assert len(os.listdir(f"/proc/{agent.pid()}/fd")) > descriptors and connections(agent) > 0
    wait(lambda: len(os.listdir(f"/proc/{agent.pid()}/fd")) == descriptors, "all is closed")

    def quiet():
        before = received(b)
        time.sleep(1.5)
        return received(b) == before
    wait(quiet, "no more frames", 10)


def test_too_many_queries(network):
    with network[0].client() as client:
        answers = [client.request([127, 4], START) for _ in range(9)]
        assert [answer.get(ERROR) for answer in answers] == [None] * 8 + [0xFE000C]
        client.request([127, 4], CANCEL, kfe0001=answers[3][ID])
        assert client.request([127, 4], START)[ID] not in [answer.get(ID) for answer in answers]


def test_ping(network):
    agent, b, _ = network
    target = (winbox.RAW, bytes.fromhex(b.id.replace(":", "")))
    with agent.client("noc") as client:
        query = client.request([127, 2], 7, k1=target, k3=3, k4=100)[ID]
        echoes, last = [], {}
        while not last.get(FINISHED):
            last = client.request([127, 2], GETALL, kfe0001=query, **({f"k{NEXT:x}": last[NEXT]} if NEXT in last else {}))
            echoes += last.get(RECORDS, [])
        assert NEXT not in last
        assert [echo[0x6D] for echo in echoes] == [0, 1, 2] and {echo[1] for echo in echoes} == {target[1]}
        assert echoes[-1][0x6C] == "3 of 3 packets received" and (echoes[-1][0x69], echoes[-1][0x6A], echoes[-1][0x6B]) == (3, 3, 0)
        assert all(0x64 in echo and 0x65 not in echo for echo in echoes)
        assert client.request([127, 2], 8, kfe0001=query)[TYPE] == 2
        # One that nobody answers, and a poll that waits while another request is served.
        query = client.request([127, 2], 7, k1=(winbox.RAW, bytes.fromhex("00005E005399")), k3=1)[ID]
        poll = client.ask([127, 2], GETALL, kfe0001=query)
        assert client.request([127, 2], 9)[TYPE] == 2 and poll not in client.answers
        assert [(echo[0x65], echo[0x6B]) for echo in client.answer(poll)[RECORDS]] == [("timeout", 100)]
        assert client.request([127, 2], 7)[ERROR_TEXT] == "bad destination or port"


@pytest.mark.parametrize("target, more, text", [
    ("000000000000", {}, "bad destination or port"), ("FFFFFFFFFFFF", {}, "bad destination or port"),
    ("00005E005399", {"k2": 70_000}, "bad value")])
def test_a_ping_that_cannot_be(network, target, more, text):
    """RoMON runs: that is not why."""
    with network[0].client("noc") as client:
        query = client.request([127, 2], 7, k1=(winbox.RAW, bytes.fromhex(target)), **more)[ID]
        answer = client.request([127, 2], GETALL, kfe0001=query)
        assert (answer[ERROR], answer[ERROR_TEXT]) == (FAILED, text)


def test_pings_that_are_over_make_room(network):
    """Who was told that a ping is over stops polling, and need not cancel it."""
    agent, b, _ = network
    target = (winbox.RAW, bytes.fromhex(b.id.replace(":", "")))
    with agent.client("noc") as client:
        for _ in range(12):
            query = client.request([127, 2], 7, k1=target, k3=1, k4=10)[ID]
            while not client.request([127, 2], GETALL, kfe0001=query).get(FINISHED):
                pass
        going = [client.request([127, 2], 7, k1=target) for _ in range(9)]
        assert [answer.get(ERROR) for answer in going] == [None] * 8 + [BUSY], "those that go on do not"
        assert client.request([127, 2], 8, kfe0001=going[0][ID])[TYPE] == 2


def test_pings_of_all_windows_leave_some_for_others(network):
    """romond does so many at once for everybody, and links are watched by pings, too."""
    agent, b, _ = network
    target = (winbox.RAW, bytes.fromhex(b.id.replace(":", "")))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(agent.client("noc")) for _ in range(10)]
        answers = [client.request([127, 2], 7, k1=target, k4=5000).get(ERROR) for client in clients for _ in range(8)]
        assert answers == [None] * 64 + [BUSY] * 16
    with contextlib.ExitStack() as stack:
        for client in [stack.enter_context(agent.client("noc")) for _ in range(9)]:
            for query in [client.request([127, 2], 7, k1=target, k3=1)[ID] for _ in range(8)]:
                while not client.request([127, 2], GETALL, kfe0001=query).get(FINISHED):
                    pass
    with agent.client("noc") as client:
        wait(lambda: ID in client.request([127, 2], 7, k1=target), "who goes makes room")


def test_romon_is_off(lab):
    agent = alone(lab)
    assert agent.romon("set", "enabled=no").returncode == 0
    with agent.client("noc") as client:
        for to, command, fields in (([127, 2], 9, {}), ([127, 4], START, {}), ([2], 2001, client.connect_fields("00:00:5E:00:53:07"))):
            answer = client.request(to, command, **fields)
            assert (answer[ERROR], answer[ERROR_TEXT]) == (FAILED, "RoMON not running"), to
        answer = client.request([127, 2], GET)
        assert answer[1] is False and 0x65 not in answer
        agent.romon("set", "enabled=yes")
        query = client.request([127, 4], START)[ID]
        agent.romon("set", "enabled=no")
        wait(lambda: client.request([127, 4], GETALL, kfe0001=query).get(ERROR) == FAILED, "a query hears of it")
        agent.romon("set", "enabled=yes")
        wait(lambda: ERROR not in client.request([127, 4], GETALL, kfe0001=query), "and goes on where RoMON does")
        assert client.request([127, 4], CANCEL, kfe0001=query)[TYPE] == 2
