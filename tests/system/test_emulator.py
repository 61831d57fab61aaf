# SPDX-License-Identifier: BSD-2-Clause
"""The wire emulator between two interfaces: what goes in, what comes out, and what it says of that. (What its options do to frames is
tested without a kernel: tests/unit/test_way.c.)"""
import json
import os
import socket
import subprocess
import threading
import time

import pytest
from emulator import EMULATOR, Emulated
from lab import wait
from wire import namespace

FRAMES = 5000


def frame(number, size=100):
    head = bytes.fromhex("02000000000202000000000188b5")
    return head + number.to_bytes(4, "big") + bytes(size - 18)


@pytest.fixture
def pair(lab):
    """Two nodes with a cable and a packet socket at each end: pair(Emulated(…)) gives (cable, socket, socket)."""
    def make(wire):
        a, b = lab.node("a"), lab.node("b")
        cable = lab.connect(a, "eth0", b, "eth0", wire=wire)
        return cable, a.wire("eth0").socket, b.wire("eth0").socket
    return make


def received(sock):
    """Frames that have come in from the wire since the last call."""
    got = []
    while True:
        try:
            data, address = sock.recvfrom(65536)
        except BlockingIOError:
            return got
        if address[2] != socket.PACKET_OUTGOING:
            got.append(data)


def through(cable, one, other, count=FRAMES, way=">"):
    """Sends numbered frames and returns the numbers that came, when the emulator says that nothing is left in it."""
    before = cable.counters()[way]
    for number in range(count):
        one.send(frame(number))
    got = []

    def done():
        got.extend(int.from_bytes(data[14:18], "big") for data in received(other))
        now = cable.counters()[way]
        seen = {key: now[key] - before[key] for key in now}
        stopped = sum(seen[key] for key in ("lost", "cut", "mtu", "queue"))
        return seen["frames"] == count and seen["passed"] == count - stopped + seen["duplicated"] and len(got) == seen["passed"]
    wait(done, "all frames are through", 20)
    return got


def test_frames_pass_unchanged_both_ways(pair):
    cable, a, b = pair(Emulated())
    assert through(cable, a, b) == list(range(FRAMES))
    assert through(cable, b, a, way="<") == list(range(FRAMES))
    for size in (14, 60, 1514):
        data = frame(1, 18)[:14] + os.urandom(size - 14)
        a.send(data)
        assert wait(lambda: received(b), "a frame")[0] == data
    counted = cable.counters()
    assert counted[">"] | {"frames": 0, "bytes": 0, "passed": 0} == dict.fromkeys(counted[">"], 0) and not counted["cut"]


def test_what_is_lost_doubled_and_overtaken_is_counted(pair):
    cable, a, b = pair(Emulated(loss=0.1, duplicate=0.1, reorder=0.1))
    got = through(cable, a, b)
    counted = cable.counters()[">"]
    assert len(set(got)) == FRAMES - counted["lost"] and len(got) - len(set(got)) == counted["duplicated"]
    assert all(0.08 * FRAMES < counted[key] < 0.12 * FRAMES for key in ("lost", "duplicated", "reordered"))
    assert 0.06 * FRAMES < sum(y < x for x, y in zip(got, got[1:])) < 0.14 * FRAMES
    cable.set(loss=0, duplicate=0, reorder=0)
    assert through(cable, a, b) == list(range(FRAMES))


def test_the_seed_decides_which_are_lost(pair, lab):
    cable, a, b = pair(Emulated(loss=0.1))
    got = through(cable, a, b)
    assert lab.emulator.close() == []
    process = subprocess.Popen(lab.emulator.node.command(EMULATOR, f"seed={lab.emulator.seed}", "wire x w0a w0b loss=10%"),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    lab.processes.append(process)
    assert process.stdout.readline() == "ok\n"
    for number in range(FRAMES):
        a.send(frame(number))
    again = []
    wait(lambda: again.extend(int.from_bytes(data[14:18], "big") for data in received(b)) or len(again) >= len(got), "as many as before")
    assert again == got
    out, _ = process.communicate(timeout=10)
    counted = json.loads(out)["wires"]["x"]
    assert (counted[">"]["frames"], counted[">"]["passed"], counted["<"]["frames"]) == (FRAMES, len(got), 0)


def test_wrong_commands_change_nothing(pair, lab):
    cable, a, b = pair(Emulated(loss=1))
    lab.connect(lab.node("c"), "eth0", lab.node("d"), "eth0", wire=Emulated())
    for line in ("wire c0 w0a w0b", "wire new w0a none", "wire new w0a", "set none loss=1", "set c0 loss=2", "set c0 loss=0 los=1",
                 "cut", "cut none", "stop c0", ""):
        assert lab.emulator.ask(line).startswith("error: "), line
    assert through(cable, a, b, 10) == []
    counted = lab.emulator.counters()
    assert (counted["c0"][">"]["lost"], counted["c1"][">"]["frames"]) == (10, 0) and len(counted) == 2


def test_delay_and_rate(pair):
    """At least as long as said; how much longer is the machine's affair."""
    cable, a, b = pair(Emulated(delay=0.05))
    begin = time.monotonic()
    a.send(frame(0))
    wait(lambda: received(b), "a frame")
    assert time.monotonic() - begin >= 0.05
    cable.set(">", delay=0, rate=8e6, limit=1 << 20)
    begin = time.monotonic()
    assert len(through(cable, a, b, 1000)) == 1000
    assert time.monotonic() - begin >= 0.1, "100,000 bytes at 1 MB/s"


def test_cut_and_healed(pair, lab):
    cable, a, b = pair(Emulated(delay=0.01))
    cable.cut()
    assert through(cable, a, b, 10) == [] and cable.counters()["cut"]
    assert lab.nodes[0].links()["eth0"]["operstate"] == "UP", "nobody notices"
    cable.heal()
    assert through(cable, a, b, 10) == list(range(10))
    cable.cut("<")
    assert through(cable, a, b, 10) == list(range(10)) and through(cable, b, a, 10, "<") == []


def test_too_long(pair):
    cable, a, b = pair(Emulated(mtu=1000))
    a.send(frame(0, 1015))
    a.send(frame(1, 1014))
    assert [len(data) for data in wait(lambda: received(b), "a frame")] == [1014]
    assert cable.counters()[">"]["mtu"] == 1


def test_tags_stay_where_they_were(pair):
    cable, a, b = pair(Emulated())
    data = frame(1)[:12] + bytes.fromhex("81006005") + frame(1)[12:]
    a.send(data)
    # The kernel takes the tag off for us, too: what is left is its frame, and the auxiliary data have the tag.
    b.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA
    b.setblocking(True)
    b.settimeout(5)
    got, ancillary, _, _ = b.recvmsg(2000, 100)
    assert got == frame(1) and int.from_bytes(ancillary[0][2][16:18], "little") == 0x6005


def test_tcp_of_the_kernel(lab):
    """Its checksums are its own, and its segments no longer than the wire takes."""
    a, b = lab.node("a"), lab.node("b")
    cable = lab.connect(a, "eth0", b, "eth0", wire=Emulated(loss=0.01, reorder=0.02, delay=0.001))
    a.ip("addr", "add", "192.0.2.1/24", "dev", "eth0")
    b.ip("addr", "add", "192.0.2.2/24", "dev", "eth0")
    data, got = os.urandom(1 << 20), []
    with namespace(b.netns):
        server = socket.create_server(("192.0.2.2", 4711))
    server.settimeout(10)

    def serve():
        sock, _ = server.accept()
        with sock, sock.makefile("rb") as stream:
            got.append(stream.read())
    thread = threading.Thread(target=serve)
    thread.start()
    with namespace(a.netns):
        client = socket.create_connection(("192.0.2.2", 4711), 10)
    client.settimeout(30)
    with client, server:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        thread.join(30)
    assert got == [data]
    counted = cable.counters()[">"]
    assert counted["lost"] > 0 and counted["refused"] == 0 and counted["frames"] >= (1 << 20) / 1448
