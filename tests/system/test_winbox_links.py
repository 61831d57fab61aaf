# SPDX-License-Identifier: BSD-2-Clause
"""Links of the WinBox agent: sessions on routers that only the overlay reaches, from WinBox to a stand-in for a router's WinBox service."""
import os
import random
import socket
import struct
import threading
import time

import pytest
import winbox
from agent_lab import SERVICE, AgentNode
from lab import conf, wait
from winbox_peer import (COMMAND, DENIED, ENDED, ERROR, ERROR_TEXT, FAILED, FROM, GET, GETALL, ID, NO_PATH, REPLY, REQUEST, START, TO, TYPE,
                         Client, Target, echo)

SOAK = bool(os.environ.get("ROMON_SOAK"))
CLIENTS = 20
MESSAGES = 100_000 if SOAK else 3_000
MESSAGE_MAX = 65499


def serving(name, folder):
    return conf(f"identity={name} board=lab") + SERVICE.format(folder / "target")


@pytest.fixture
def pair(lab):
    """An agent, and a neighbour whose WinBox service is the target."""
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    with Target(lab.folder / "target") as target:
        b.start(serving("b", lab.folder))
        agent = AgentNode(a)
        yield agent, b, target


def test_messages_pass_unchanged_but_for_their_path(pair):
    agent, b, target = pair
    seen = []

    def handle(wire, data):
        seen.append(data)
        echo(wire, data)
    target.handle = handle
    with agent.client() as client:
        link = client.connect(b.id)[ID]
        assert 65536 <= link < 2**31
        # Fields in any order, unknown ones, long forms, a nested message, and no request id.
        odd = (b"M2" + winbox.encode_field(0x123456, winbox.MESSAGE, {5: [1, 2], 6: "x"})
               + b"\x07\x00\x00\x22\x03\x00\x00\x00abc" + winbox.encode_field(COMMAND, winbox.U32, GET))
        to = winbox.encode_field(TO, 17, [2, link, 24, 1])
        client.send(odd + to + winbox.encode_field(0x77, winbox.RAW, b"tail"))
        wait(lambda: seen, "the target has it")
        assert seen.pop() == odd + winbox.encode_field(TO, 17, [24, 1]) + winbox.encode_field(0x77, winbox.RAW, b"tail")
        answer = client.request([2, link, 24, 1], GET, sender=[0, 9], k5="hello", k6=(winbox.U64, 7), k7=[b"a", b"b"])
        assert answer == {TO: [0, 9], FROM: [2, link, 24, 1], TYPE: 2, REQUEST: 1 + 1, 5: "hello", 6: 7, 7: [b"a", b"b"]}
        # A push, one without a sender, and an answer to nothing: all come, as they are.
        wire = target.sessions[0]
        wire.send({TO: [0, 3], FROM: [76, 1], COMMAND: 0xFE000B, 1: "terminal"})
        assert client.push() == {TO: [0, 3], FROM: [2, link, 76, 1], COMMAND: 0xFE000B, 1: "terminal"}
        wire.send({COMMAND: 0xFE000B, 2: 3})
        assert client.push() == {COMMAND: 0xFE000B, 2: 3, FROM: [2, link]}
        wire.send({TO: [], FROM: [76], COMMAND: ENDED, 0xFF000B: 0xFFFFFFFF})
        assert client.push()[FROM] == [2, link, 76], "another session of the target's ended: the link stays"
        assert client.request([2, link, 1], 1)[TYPE] == 2


def test_the_target_sees_an_ordinary_login(pair):
    agent, b, target = pair
    with agent.client() as client:
        first = client.connect(b.id)
        second = client.connect(b.id, "admin+ct80w")
        assert first[6] is True and second[ID] != first[ID] and target.logins == ["admin", "admin+ct80w"]
        assert client.request([2], 2001, **{**client.connect_fields(b.id), "k6": False})[6] is False, "mirrored"
        wait(lambda: len(target.sessions) == 3, "three sessions")
    wait(lambda: not target.sessions, "all are closed as soon as the client is gone", 3)
    assert "geheim" not in agent.log and "is connected to " + b.id + " as admin" in agent.log


def test_a_name_makes_no_line_of_the_log(pair):
    agent, b, target = pair
    with agent.client() as client:
        assert client.connect(b.id, "admin+\nromon-agent[1]: warning: login refused: \x1b[2J")[ID]
        assert client.request([2], 2001, **client.connect_fields(b.id, "\u00fc" * 200))[ERROR] == DENIED, "too long a name"
    assert b.id + " as admin+\\x0aromon-agent[1]:\\x20warning:" in agent.log
    assert not [line for line in agent.log.splitlines() if line.startswith("romon-agent[1]")] and "\x1b" not in agent.log


@pytest.mark.parametrize("fields, text", [({}, "bad destination or port"), ({"k4": (winbox.RAW, b"12345")}, "bad destination or port"),
                                          ({"k4": "string"}, "bad destination or port")])
def test_connect_without_a_target(pair, fields, text):
    with pair[0].client() as client:
        answer = client.request([2], 2001, k6=True, k7="admin", k8="geheim", **fields)
        assert (answer[ERROR], answer[ERROR_TEXT], answer[FROM]) == (FAILED, text, [2])


def test_targets_that_are_none(pair):
    """Said at once, and no target was waited for."""
    agent, _, _ = pair
    with agent.client() as client:
        for target, text in (("00:00:00:00:00:00", "bad destination or port"), ("FF:FF:FF:FF:FF:FF", "bad destination or port"),
                             (agent.node.id, "this is the ID of this machine")):
            answer = client.connect(target)
            assert (answer[ERROR], answer[ERROR_TEXT]) == (FAILED, text)


def test_refused_logins(pair):
    agent, b, target = pair
    with agent.client() as client:
        for user, password in (("admin", "wrong"), ("", "")):
            answer = client.connect(b.id, user, password)
            assert answer[ERROR] == DENIED and ERROR_TEXT not in answer
        assert target.logins == ["admin"] * 3, "a router refuses some good logins: it is asked three times"
        target.refuse = 2
        assert client.connect(b.id)[ID]
        target.refuse = 3
        assert client.connect(b.id)[ERROR] == DENIED


def test_connect_without_a_password(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    with Target(lab.folder / "target", users=[("admin", ""), ("\u00fcser", "p\u00e4ss")]):
        b.start(serving("b", lab.folder))
        with AgentNode(a).client() as client:
            fields = client.connect_fields(b.id)
            del fields["k8"]
            assert client.request([2], 2001, **fields)[ID]
            assert client.connect(b.id, "\u00fcser", "p\u00e4ss")[ID]


def test_unreachable_targets(pair):
    """The documented error after 5 s; meanwhile the same client is served, and so is another."""
    agent, b, _ = pair
    with agent.client() as client:
        begin = time.monotonic()
        number = client.ask([2], 2001, **client.connect_fields("00:00:5E:00:53:99"))
        query = client.request([127, 4], START)[ID]
        assert client.request([127, 4], GETALL, kfe0001=query)[TYPE] == 2
        assert client.connect(b.id)[ID]
        with agent.client() as other:
            assert other.connect(b.id)[ID]
        assert number not in client.answers and time.monotonic() - begin < 4
        answer = client.answer(number)
        assert (answer[ERROR], answer[ERROR_TEXT]) == (FAILED, "timeout") and 4 < time.monotonic() - begin < 9
        b.varlink("SetService", name="winbox", values={"disabled": "yes"})
        answer = client.connect(b.id)
        assert (answer[ERROR], answer[ERROR_TEXT]) == (FAILED, "connection refused")


def test_a_target_that_says_nothing(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(str(lab.folder / "target"))
    silent.listen()
    b.start(serving("b", lab.folder))
    with silent, AgentNode(a).client() as client:
        begin = time.monotonic()
        answer = client.connect(b.id)
        assert (answer[ERROR], answer[ERROR_TEXT]) == (FAILED, "timeout") and time.monotonic() - begin < 9.9, "before WinBox gives up"
        connection, _ = silent.accept()
        connection.settimeout(5)
        while connection.recv(4096):
            pass
        connection.close()
        # And one that is in the middle of it when its client goes.
        client.ask([2], 2001, **client.connect_fields(b.id))
        connection, _ = silent.accept()
        connection.settimeout(5)
        assert connection.recv(4096)
        client.close()
        while connection.recv(4096):
            pass
        connection.close()


def test_what_is_no_winbox(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    for answer in (b"SSH-2.0-OpenSSH\r\n", b"\x31\x06" + bytes(49), b"\x02\x06\x1b["):
        path = lab.folder / "target"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()

            def serve():
                connection, _ = server.accept()
                connection.recv(4096)
                connection.sendall(answer)
                connection.recv(1)
                connection.close()
            thread = threading.Thread(target=serve)
            thread.start()
            if not b.daemon:
                b.start(serving("b", lab.folder))
                agent = AgentNode(a)
            with agent.client() as client:
                assert client.connect(b.id)[ERROR] == FAILED
            thread.join(10)
        path.unlink()


def test_a_user_goes_only_where_he_may(pair):
    agent, b, target = pair
    assert agent.romon("winbox-agent", "user", "add", "guest", "targets=00:00:5E:00:53:01", stdin="guest\n").returncode == 0
    with agent.client("guest", "guest") as client:
        answer = client.connect(b.id)
        assert answer[ERROR] == DENIED and not target.logins
    assert agent.romon("winbox-agent", "user", "set", "guest", f"targets=00:00:5E:00:53:01,{b.id}").returncode == 0
    with agent.client("guest", "guest") as client:
        assert client.connect(b.id)[ID]
    assert f"may not connect to {b.id}" in agent.log


def test_a_link_is_its_clients_own(pair):
    agent, b, _ = pair
    with agent.client() as client, agent.client() as other:
        link = client.connect(b.id)[ID]
        answer = other.request([2, link, 24, 1], GET)
        assert (answer[ERROR], answer[FROM]) == (NO_PATH, [2])
        other.send({TO: [2, link, 24, 1], FROM: [0, 1], COMMAND: 1})
        assert other.request([127, 2], 9)[TYPE] == 2 and not other.pushed, "nor is there an answer to what wants none"


def test_the_service_closes(pair):
    """The end of a link: one push, and then nothing that answers there."""
    agent, b, target = pair
    with agent.client() as client:
        links = [client.connect(b.id)[ID] for _ in range(3)]
        target.sessions[1].socket.shutdown(socket.SHUT_RDWR)
        begin = time.monotonic()
        assert client.push() == {TO: [], FROM: [0xFF0003, links[1]], COMMAND: ENDED} and time.monotonic() - begin < 2
        assert client.request([2, links[1], 1], 1)[ERROR] == NO_PATH
        for link in (links[0], links[2]):
            assert client.request([2, link, 1], 1)[FROM] == [2, link, 1]
        assert not client.pushed
        fresh = client.connect(b.id)[ID]
        assert fresh not in links and client.request([2, fresh, 1], 1)[TYPE] == 2


def test_the_target_vanishes(pair):
    """Nothing is said on the link, and nobody says goodbye: noticed in the time of a real agent, 5.5 s."""
    agent, b, _ = pair
    with agent.client() as client:
        link = client.connect(b.id)[ID]
        assert client.request([2, link, 1], 1)[TYPE] == 2
        b.ip("link", "set", "eth0", "down")
        begin = time.monotonic()
        assert client.push() == {TO: [], FROM: [0xFF0003, link], COMMAND: ENDED}
        assert 4 < time.monotonic() - begin < 8
        b.ip("link", "set", "eth0", "up")
        assert client.request([2, link, 1], 1)[ERROR] == NO_PATH
        wait(lambda: ID in client.connect(b.id), "the client may connect anew", 20)


def test_the_target_closes_when_the_agent_dies(pair):
    agent, b, target = pair
    with agent.client() as client:
        client.connect(b.id)
        wait(lambda: len(target.sessions) == 1, "a session")
        os.kill(agent.pid(), 9)
        wait(lambda: not target.sessions, "the target's session is closed", 5)


def test_too_many_links(pair):
    agent, b, _ = pair
    with agent.client() as client:
        answers = [client.connect(b.id) for _ in range(17)]
        assert [ID in answer for answer in answers] == [True] * 16 + [False] and answers[-1][ERROR] == 0xFE000C
        assert len({answer[ID] for answer in answers[:-1]}) == 16


def test_the_largest_messages(pair):
    agent, b, target = pair
    got = []
    target.handle = lambda wire, data: got.append(data)
    with agent.client() as client:
        link = client.connect(b.id)[ID]

        def message(size, path, **more):
            empty = winbox.encode({**path, **more, 9: (winbox.RAW, bytes(300))})
            return winbox.encode({**path, **more, 9: (winbox.RAW, bytes(300 + size - len(empty)))})
        data = message(MESSAGE_MAX, {TO: [2, link, 7]})
        assert len(data) == MESSAGE_MAX
        client.send(data)
        wait(lambda: got, "it arrives")
        assert len(got[0]) == MESSAGE_MAX - 8
        wire = target.sessions[0]
        wire.send(message(MESSAGE_MAX - 8, {FROM: [7]}, **{}))
        assert client.push()[FROM] == [2, link, 7]
        # One that does not fit any more with the link's path before it: who asked hears of it.
        wire.send(message(MESSAGE_MAX - 7, {TO: [0, 4], FROM: [7], TYPE: 2, REQUEST: 77}))
        answer = client.answer(77)
        assert (answer[TO], answer[FROM], answer[ERROR]) == ([0, 4], [2, link], 0xFE000A)
        assert client.request([127, 2], 9)[TYPE] == 2


def test_a_slow_client_loses_nothing(pair):
    """A megabyte and more for one that does not read: it waits, in bounded memory, and others are served."""
    agent, b, target = pair
    count, sent = 600, []

    def flood(wire, data):
        for number in range(count):
            wire.send({FROM: [7], COMMAND: 1, 1: number, 2: (winbox.RAW, bytes(30_000))})
            sent.append(number)
    target.handle = flood
    with agent.client() as client:
        link = client.connect(b.id)[ID]
        client.send({TO: [2, link, 7], COMMAND: 1})
        seen = -1

        def stuck():
            nonlocal seen
            before, seen = seen, len(sent)
            time.sleep(0.3)
            return before == seen
        wait(stuck, "the target has to wait", 20)
        assert len(sent) < count
        with agent.client() as other:
            assert other.request([127, 2], 9)[TYPE] == 2
        assert [client.push()[1] for _ in range(count)] == list(range(count))


def test_a_slow_target_loses_nothing(pair):
    agent, b, target = pair
    go, seen, count = threading.Event(), [], 250

    def slow(wire, data):
        go.wait(20)
        seen.append(winbox.decode(data)[1])
    target.handle = slow
    with agent.client() as client, agent.client() as other:
        link = client.connect(b.id)[ID]
        writer = threading.Thread(target=lambda: [client.send({TO: [2, link, 7], COMMAND: 1, 1: number, 2: (winbox.RAW, bytes(30_000))})
                                                  for number in range(count)])
        writer.start()
        begin = time.monotonic()
        while time.monotonic() - begin < 3:
            assert other.request([127, 2], 9)[TYPE] == 2, "another client does not notice"
        go.set()
        writer.join(60)
        wait(lambda: len(seen) == count, "all arrive", 60)
        assert seen == list(range(count))


class Load(threading.Thread):
    """One client: sends its messages over its link and checks what comes back, both ways at once."""

    def __init__(self, agent, target, number, count):
        super().__init__(daemon=True)
        self.client, self.number, self.count, self.failure = agent.client(), number, count, None
        self.link = self.client.connect(target)[ID]
        self.random = random.Random(number)
        self.expected = []
        self.start_sending = threading.Thread(target=self.send_all, daemon=True)

    def size(self):
        """Of every size that the format allows, mostly small."""
        pick = self.random.random()
        return self.random.randrange(200) if pick < 0.8 else self.random.randrange(4000) if pick < 0.98 else self.random.randrange(65_300)

    def send_all(self):
        try:
            for number in range(self.count):
                payload = struct.pack("<II", self.number, number) + self.random.randbytes(self.size())
                self.expected.append(payload)
                self.client.send({TO: [2, self.link, 24, self.number], FROM: [0, number % 9], REPLY: True, REQUEST: number & 0xFFFF,
                                  COMMAND: 1, 1: (winbox.RAW, payload)})
        except Exception as error:  # noqa: BLE001 (told by the thread that waits)
            self.failure = error

    def run(self):
        try:
            self.start_sending.start()
            for number in range(self.count):
                answer = self.client.receive()
                assert (answer[REQUEST], answer[TO]) == (number & 0xFFFF, [0, number % 9])
                assert answer[FROM] == [2, self.link, 24, self.number]
                assert answer[1] == self.expected[number], f"message {number} of client {self.number}"
                self.expected[number] = None
            self.start_sending.join()
        except Exception as error:  # noqa: BLE001
            self.failure = self.failure or error
        finally:
            self.client.close()


def test_twenty_clients_over_three_hops(lab):
    """Every message goes to the target and back: nothing is lost, reordered or mixed between links."""
    nodes = lab.line(4)
    with Target(lab.folder / "target"):
        lab.start(*nodes[1:], configs={node.name: serving(node.name, lab.folder) for node in nodes[1:]})
        agent = AgentNode(nodes[0])
        far = nodes[3].id
        wait(lambda: nodes[0].discover().get(far, {}).get("hops") == 3, "three hops", 20)
        loads = [Load(agent, far, number, MESSAGES // 2 // CLIENTS) for number in range(CLIENTS)]
        for load in loads:
            load.start()
        for load in loads:
            load.join(3000 if SOAK else 200)
            assert not load.is_alive(), "it does not end"
        assert not [load.failure for load in loads if load.failure], [load.failure for load in loads]
