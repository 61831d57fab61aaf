# SPDX-License-Identifier: BSD-2-Clause
"""What strangers can do to streams of a real daemon: a peer that is played frame by frame by scapy, segments of nobody's streams and of
somebody else's, and neighbours that die. What was open goes on, nobody's program starts, nothing grows. 1,000,000 forged segments with
ROMON_SOAK=1."""
import itertools
import os
import random
import struct
import subprocess
import threading
import time

import pytest
import romon_scapy as rs
from lab import sanitized, status, wait
from streams import CAT, MIB, SOAK, services
from test_services import Stream, children

FORGED = 1_000_000 if SOAK else 20_000
BATCH = 250  # frames that a socket of romond holds at once
CONNECT, ACCEPT, DATA, ACK, CLOSE = range(5)
OURS, RESET, NO_SERVICE = 0xa0, 0xa1, 0xa3
SOURCE, PORTS = 14 + 28, 14 + 46 + 10  # where a frame of Data with one hop has the source ID, and the ports before the segment
HER = "02:00:00:00:0c:01"  # the ID of the one who is played here


@pytest.fixture
def net(lab):
    """a and b, and somebody else at b's other port, as a packet socket."""
    a, b, stranger = lab.node("a"), lab.node("b"), lab.node("stranger")
    lab.connect(a, "eth0", b, "eth0")
    lab.connect(stranger, "eth0", b, "eth1")
    lab.start(a, b, configs={node.name: services(node) for node in (a, b)})
    return a, b, Peer(stranger.wire("eth0"), b)


class Peer:
    """A router that is played by hand."""

    def __init__(self, wire, target):
        self.wire, self.target, self.id, self.mac = wire, target, target.id, target.mac("eth1")

    def message(self, kind, seq, ack, data=b"", unknown=0, src=HER, sport=2000, dport=CAT):
        return (rs.RoMON(type=rs.DATA, src=src, dst=self.id) / rs.Data(hops=[rs.Hop(link=1, mac=self.mac)], sport=sport, dport=dport)
                / rs.Stream(type=kind, unknown=unknown, seq=seq & 0xffffffff, ack=ack & 0xffffffff) / data)

    def frame(self, message):
        return bytearray(rs.raw(rs.Ether(dst=self.mac, src=self.wire.mac, type=rs.ETHERTYPE) / message))

    def send(self, kind, seq, ack, data=b"", **fields):
        self.wire.inject(self.message(kind, seq, ack, data, **fields), dst=self.mac)

    def answer(self, kind):
        """The next segment of that kind: (unknown, seq, ack, data)."""
        frame = self.wire.wait(lambda f: f.type == rs.DATA and f.packet[rs.Stream].type == kind)
        segment = frame.packet[rs.Stream]
        assert frame.packet.dst == HER and frame.packet[rs.Data].hops[0].mac == self.wire.mac
        return segment.unknown, segment.seq, segment.ack, bytes(segment.payload)

    def told(self, *arguments, **fields):
        """What a segment is answered with: an acknowledgement's numbers, and the ranges behind them."""
        self.wire.frames()
        self.send(*arguments, **fields)
        return self.answer(ACK)[1:]


def test_a_peer_that_is_played_by_hand(net):
    """Every segment that cannot be is answered with what was known before, and brings nothing to the program."""
    _, b, peer = net
    mine = 0xfffffff0
    peer.send(CONNECT, mine, 0, unknown=OURS)
    unknown, its, ack, _ = peer.answer(ACCEPT)
    assert (unknown, ack) == (OURS, mine) and not children(b), "nothing starts before we are known to hear"
    peer.send(DATA, mine, its, b"hello")
    assert peer.answer(DATA)[1:] == (its, mine + 5, b"hello")
    peer.send(ACK, mine + 5, its + 5)
    assert len(children(b)) == 1
    next_ = mine + 5
    state = ((its + 5) & 0xffffffff, next_ & 0xffffffff, b"")
    for arguments in ((DATA, next_ + (300 << 10), its + 5, b"far"), (DATA, next_ - (300 << 10), its + 5, b"old"),
                      (DATA, next_, its + 6, b"acknowledges what was not sent"), (DATA, next_, its - (300 << 10), b"so old"),
                      (CONNECT, 4711, 0), (ACCEPT, next_, mine)):
        assert peer.told(*arguments) == state, arguments
    again = struct.pack(">II", mine, next_ & 0xffffffff)  # the range that came twice
    assert peer.told(DATA, mine, its + 5, b"hello") == (*state[:2], again)
    assert peer.told(CLOSE, next_ + 1000, its + 5, unknown=RESET) == state, "a reset with another number is none"
    peer.send(DATA, next_, its + 5, b" world")
    assert peer.answer(DATA)[3] == b" world", "as if nothing had been"
    peer.send(CLOSE, next_ + 6, its + 11, unknown=RESET)
    wait(lambda: not children(b) and not b.varlink("GetStreams")["streams"], "the right one ends it")


def send_all(peer, frames):
    """Sends these frames, no faster than romond takes them: all of them are looked at."""
    def taken():
        return peer.target.stats()["eth1"]["rx"]
    sent, before = 0, taken()
    while batch := list(itertools.islice(frames, BATCH)):
        for frame in batch:
            peer.wire.send(frame)
        sent += len(batch)
        wait(lambda: taken() - before == sent, "romond has taken them", 20)


def patched(frame, sport):
    struct.pack_into(">H", frame, PORTS, sport)
    return frame


def test_segments_of_no_stream(net):
    """One close each, that says so, but never for a close, and not more than a hundred a second."""
    _, b, peer = net
    for kind in (ACCEPT, DATA, ACK):
        peer.send(kind, 1000, 77, b"data" if kind == DATA else b"", sport=3000 + kind)
        assert peer.answer(CLOSE) == (RESET, 77, 1004 if kind == DATA else 1000, b"")
    peer.send(CONNECT, 1000, 0, dport=4711, unknown=OURS)
    assert peer.answer(CLOSE) == (NO_SERVICE, 0, 1000, b"")
    peer.send(CLOSE, 1000, 77)
    peer.send(5, 1000, 77)
    wait(lambda: b.drops("no-stream") == 4 and b.drops("bad-segment") == 1, "both are counted")
    assert not [f for f in peer.wire.received() if f.type == rs.DATA]
    begin = time.monotonic()
    plain = peer.frame(peer.message(DATA, 0, 0, b"data"))
    send_all(peer, (patched(plain[:], 5000 + number) for number in range(2000)))
    assert b.drops("no-stream") == 2004
    answers = [f for f in peer.wire.received() if f.type == rs.DATA]
    assert 100 <= len(answers) + 4 <= 100 * (2 + time.monotonic() - begin)


def forged(peer, victim, port, seed=1):
    """Frames without end: segments of each kind from routers that are none; and from the one at the other end of an open stream, to
    that stream (from this port) and to others, with numbers at random. Only no such router may connect."""
    chance = random.Random(seed)
    plain = peer.frame(peer.message(DATA, 0, 0, b"forged"))
    while True:
        frame, other = plain[:], chance.random() < 0.5
        frame[SOURCE:SOURCE + 6] = bytes([2, 0, 0, 0]) + chance.randbytes(2) if other else bytes.fromhex(victim.replace(":", ""))
        sport = port if chance.random() < 0.5 else chance.randrange(1024, 65536)
        struct.pack_into(">HHBBII", frame, PORTS, sport, CAT, chance.choice((CONNECT, ACCEPT, DATA, ACK, CLOSE) if other
                                                                               else (ACCEPT, DATA, ACK, CLOSE)),
                         chance.choice((0, OURS, RESET, 0xa4)), chance.getrandbits(32), chance.getrandbits(32))
        yield frame


def memory(node):
    return sum(int(status(pid)["VmRSS"].split()[0]) for pid in node.daemon.pids()[:2])


def test_forged_segments(net):
    """Meanwhile an open stream carries its bytes, and a new one can be opened."""
    a, b, peer = net
    victim, wire = a.id, a.wire("eth0")
    with Stream(a, timeout=60, id=b.id, port=CAT) as stream:
        stream.send_raw(b"x")
        assert stream.socket.recv(1) == b"x"
        port = next(f for f in wire.sent() if f.type == rs.DATA).packet[rs.Data].sport
        wire.close()
        before, sent_before, begin = memory(b), b.stats()["eth1"]["tx"], time.monotonic()
        over, echoed = threading.Event(), []

        def talk():
            said = os.urandom(100_000)
            while not over.is_set():
                stream.send_raw(said)
                got = bytearray()
                while len(got) < len(said):
                    got += stream.socket.recv(len(said) - len(got)) or b"the end"
                echoed.append(bytes(got) == said)
        talker = threading.Thread(target=talk)
        talker.start()
        send_all(peer, itertools.islice(forged(peer, victim, port), FORGED))
        seconds = time.monotonic() - begin
        assert sanitized() or memory(b) - before < 4 * 1024
        assert len(children(b)) == len(b.varlink("GetStreams")["streams"]) == 1, "no forged connect starts anything"
        # Closes and acks 100 each in a second; accepts of 256 half-open ones, which make room after a second, repeated meanwhile.
        assert b.stats()["eth1"]["tx"] - sent_before < (seconds + 2) * (200 + 4 * 256)
        with Stream(a, timeout=60, id=b.id, port=CAT) as another:
            another.send_raw(b"y")
            another.finish()
            assert another.all() == b"y"
        over.set()
        talker.join()
        assert echoed and all(echoed)
        stream.finish()
        assert stream.all() == b""
    drops = b.stats()["eth1"]["drops"]
    assert set(drops) <= {"no-stream", "bad-segment", "table-full", "overrun"} and drops["no-stream"] > FORGED / 10
    assert "connection from 02:00:00:00" not in b.daemon.log
    wait(lambda: not children(b), "cat ended")


@pytest.mark.parametrize("way", ["to it", "from it"])
def test_a_router_that_dies_in_the_middle(net, way):
    """It says nothing any more: the one that waits for it says so after 15 s, and lets go of everything."""
    a, b, _ = net
    process = subprocess.Popen(a.romon_line("connect", b.id, str(CAT)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    writer = threading.Thread(target=lambda: feed(process))
    writer.start()
    process.stdout.read(MIB)
    reader = threading.Thread(target=process.stdout.read)
    reader.start()
    dead, alive = (b, a) if way == "to it" else (a, b)
    programs = children(b)
    assert len(programs) == 1
    dead.daemon.kill(dead.daemon.worker())
    wait(lambda: not dead.daemon.alive(), "romond ends with its worker")
    wait(lambda: not alive.varlink("GetStreams")["streams"], "the other one gives up", 30)
    wait(lambda: process.poll() is not None, "romon ends")
    reader.join()
    writer.join()
    assert process.returncode in ((1,) if way == "to it" else (1, 3))
    said = process.stderr.read().decode().splitlines()
    assert len(said) == 1 and said[0].startswith("romon: ")
    assert "(timeout)" in alive.daemon.log
    if alive is b:
        wait(lambda: not children(b), "cat has ended")
    process.stderr.close()
    process.stdout.close()


def feed(process):
    try:
        while True:
            process.stdin.write(bytes(65536))
    except OSError:
        pass
    finally:
        try:
            process.stdin.close()
        except OSError:
            pass
