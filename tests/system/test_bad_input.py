# SPDX-License-Identifier: BSD-2-Clause
"""Bad frames at a running daemon: it stays up, counts every frame, drops with a reason what is no message, and never answers
wrongly. What is right is told by the Python model: a frame may cause what the model sends for it, or less."""
import random
import time

import pytest
import romon_scapy as rs
import vectors
from lab import conf, wait
from model import Port, Router
from romon_scapy import Data, Discover, DiscoverResp, Hop, Ping, RoMON, Route, Stream

BATCH = 64   # frames between two looks at the counters: few enough for any socket buffer
ME = "02:1d:00:00:00:01"
ASKER = "02:ee:00:00:00:01"


class Bench:
    """A romond with two ports, its model, and what it was given so far."""

    def __init__(self, lab):
        self.node, outside = lab.node("a"), lab.node("outside")
        for number in range(2):
            lab.connect(self.node, f"eth{number}", outside, f"w{number}", a_index=11 + number, a_mac=f"02:aa:00:00:00:0{number}")
        self.node.start(conf(f"id={ME} identity=bench board=bench"))
        self.near, self.far = outside.wire("w0"), outside.wire("w1")
        ports = [Port(11, "02:aa:00:00:00:00"), Port(12, "02:aa:00:00:00:01")]
        # Which reading it answers in depends on what it has met: both are right.
        self.models = [Router(ME, ports, b"bench", b"bench", readings) for readings in ((1, 2), (2, 1))]
        self.allowed = {11: set(), 12: set()}
        self.answers = 0

    def counters(self):
        stats = self.node.stats()
        return stats["eth0"]["rx"], self.node.drops(), sum(port["tx"] for port in stats.values())

    def give(self, frames, malformed=False):
        """Injects frames in batches, awaits that each is counted, and checks everything that comes back. With malformed every one
        must be dropped for a reason and none may cause a frame."""
        for start in range(0, len(frames), BATCH):
            batch = frames[start:start + BATCH]
            rx, drops, tx = self.counters()
            for frame in batch:
                self.near.send(frame)
                for model in () if malformed else self.models:
                    for link, answer in model.receive(11, frame):
                        self.allowed[link].add(answer[:12] + rs.normalise(answer[14:]))
            wait(lambda: self.counters()[0] >= rx + len(batch), "every frame is counted")
            now = self.counters()
            assert now[0] == rx + len(batch)
            if malformed:
                assert (now[1] - drops, now[2] - tx) == (len(batch), 0), f"of {[f.hex() for f in batch]}"
            self.look()

    def look(self):
        """Every frame that the daemon sent is one that the model allows."""
        for link, wire in ((11, self.near), (12, self.far)):
            for frame in wire.received():
                self.answers += 1
                said = frame.data[:12] + rs.normalise(frame.message)
                assert said in self.allowed[link], f"nobody may say {frame}"

    def still_works(self):
        """After everything: a question is answered and passed on, and a ping gets through."""
        wait(lambda: not self.near.collect(0.1), "the last words are said", 5)
        self.far.frames()
        asker = Router("02:ee:00:00:00:99", [Port(1, self.near.mac)])
        self.near.send(asker.probe(1))
        assert self.near.wait(lambda f: f.type == 2).packet.dst == ME
        assert self.far.wait(lambda f: f.type == 1 and f.packet.src == asker.id).packet[Discover].n == 1
        self.near.send(asker.ping(1, [Hop(link=1, mac="02:aa:00:00:00:00")], ME)[1])
        self.near.wait(lambda f: f.type == 3)
        assert self.node.daemon.alive()


@pytest.fixture
def bench(lab):
    return Bench(lab)


def seeds(near_mac):
    """Frames that mean something to the bench: they are answered, passed on or delivered; and every vector."""
    asker = Router(ASKER, [Port(1, near_mac)])
    here, there = Hop(link=1, mac="02:aa:00:00:00:00"), Hop(link=12, mac="02:bb:00:00:00:01")
    route = Route(id=ME, inlink=Port(11, "02:aa:00:00:00:00").end(), outlink=Port(12, "02:aa:00:00:00:01").end())
    tail = [Route(id="02:ee:00:00:00:02"), rs.Identity(value=b"name"), rs.Version(), rs.Board(value=b"board"),
            rs.Uptime(seconds=9)]
    back = Hop(link=12, mac="02:bb:00:00:00:01")
    to_port = "02:aa:00:00:00:00"
    made = {
        "probe": asker.probe(1),
        "forwarded": rs.frame(rs.GROUP, near_mac, RoMON(src=ASKER) / Discover(
            p=2, hops=[Hop(link=3, mac="02:bb:00:00:00:03"), Hop(link=4, mac="02:bb:00:00:00:04")],
            tlvs=[Route(id="02:ee:00:00:00:03"), rs.TLV(tag=77, value=b"unknown")])),
        "answer": rs.frame(to_port, near_mac, RoMON(type=2, src=ASKER, dst="02:ee:00:00:00:02") / DiscoverResp(
            p=1, hops=[back], tlvs=[route] + tail)),
        "answer-second-reading": rs.frame(to_port, near_mac, RoMON(type=2, src=ASKER, dst="02:ee:00:00:00:02") / DiscoverResp(
            p=0, hops=[back], tlvs=[route] + tail)),
        "ping": asker.ping(1, [here], ME)[1],
        "ping-through": asker.ping(1, [here, there], "02:ee:00:00:00:04")[1],
        "stream": rs.frame(to_port, near_mac, RoMON(type=3, src=ASKER, dst=ME)
                           / Data(hops=[here], sport=2000, dport=4) / Stream()),
    }
    frames = list(vectors.sets().values())[0]
    for name, message in frames.items():
        made[name] = rs.frame(rs.GROUP if message[0] == 1 else to_port, near_mac, message)
    return made


def sensitive(message):
    """Offsets of the length, count and pointer fields of a message, the lengths of TLVs among them."""
    offsets = [0, 2, 3, 40, 41]
    if message[0] in (1, 2):
        at = 48 + 10 * message[40]
        for _, _, whole in rs.walk_tlvs(rs.check(message)[at:]):
            offsets.append(at + 1)
            at += len(whole)
    return offsets


def is_malformed(frame):
    try:
        rs.check(frame[14:])
    except rs.Malformed:
        return True
    return False


def split(frames):
    """The frames that are certainly no messages, and the others."""
    bad = [f for f in frames if is_malformed(f)]
    return bad, [f for f in frames if not is_malformed(f)]


def test_the_seeds_mean_something(bench):
    """Otherwise the tests below would prove little: unchanged, these frames do cause frames."""
    made = seeds(bench.near.mac)
    for name in ("probe", "forwarded", "answer", "answer-second-reading", "ping", "ping-through"):
        before = bench.answers
        bench.give([made[name]])
        wait(lambda: bench.look() or bench.answers > before, f"something comes of {name}", 2)


def test_every_truncation(bench):
    cut = [frame[:size] for frame in seeds(bench.near.mac).values() for size in range(15, len(frame))]
    bad, good = split(cut)
    assert len(bad) > 1000 and not good
    bench.give(bad, malformed=True)
    bench.still_works()


def test_every_change_of_a_length_count_or_pointer(bench):
    """All 255 other values of each such byte."""
    changed = []
    for frame in seeds(bench.near.mac).values():
        for offset in sensitive(frame[14:]):
            at = 14 + offset
            changed += [frame[:at] + bytes([value]) + frame[at + 1:] for value in range(256) if value != frame[at]]
    bad, rest = split(changed)
    assert len(bad) > 5000 and len(rest) > 1000
    bench.give(bad, malformed=True)
    bench.give(rest)
    bench.still_works()


def test_random_bytes(bench):
    """Pure noise behind the EtherType, and noise behind a plausible header, which gets further."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    frames = []
    for number in range(4000):
        head = (rs.GROUP if rng.random() < 0.5 else "02:aa:00:00:00:00", bench.near.mac)
        body = bytearray(rng.randbytes(rng.choice((rng.randrange(1, 60), rng.randrange(48, 300), 1500))))
        if number % 4 and len(body) >= 60:
            body[0:28] = bytes([rng.randrange(1, 4), 0]) + (len(body) + 14).to_bytes(2, "big") + bytes(24)
            body[28] &= 0xFE
            body[34] &= 0xFE
            body[40] = rng.randrange(0, 4)
            body[41] = rng.randrange(0, 4)
        frames.append(bytes.fromhex("".join(mac.replace(":", "") for mac in head)) + b"\x88\xbf" + bytes(body))
    bad, rest = split(frames)
    assert len(bad) > 1000 and len(rest) > 500
    bench.give(bad, malformed=True)
    bench.give(rest)
    bench.still_works()


def test_messages_of_a_later_protocol_version(bench):
    """SeqErr and Hello without any secret, and hashed frames: dropped with a reason, never answered."""
    made = seeds(bench.near.mac)
    hashed = [made[name][:18] + bytes(range(1, 25)) + made[name][42:] for name in ("probe", "ping", "answer")]
    hashed += [rs.frame(rs.GROUP, bench.near.mac, RoMON(type=4, src=ASKER) / rs.SeqErr(target="02:aa:00:00:00:00")),
               rs.frame(rs.GROUP, bench.near.mac, RoMON(type=5, src=ASKER) / rs.Hello())]
    bench.give(hashed, malformed=True)
    assert bench.node.drops("no-secret") >= 3
    bench.still_works()


def test_a_storm_of_questions_is_limited(bench):
    """1,000 askers in a moment: answers and passed-on copies stay within the documented limits, and all is counted."""
    asker = Router(ASKER, [Port(1, bench.near.mac)])
    rx, drops, _ = bench.counters()
    begin = time.monotonic()
    for number in range(1000):
        asker.id = f"02:ee:00:01:{number >> 8:02x}:{number & 255:02x}"
        bench.near.send(asker.probe(1))
        if number % BATCH == BATCH - 1:
            wait(lambda: bench.counters()[0] >= rx + number + 1, "counted")
    wait(lambda: bench.counters()[0] == rx + 1000, "counted")
    seconds = time.monotonic() - begin
    passed = [f for f in bench.far.collect(0.5) if f.type == 1]
    assert 0 < len(passed) <= 200 * (1 + seconds) + 1
    assert bench.node.drops("relay-limit") == 1000 - len(passed)
    bench.far.collect(1)
    bench.near.frames()
    bench.still_works()


def test_one_asker_gets_at_most_256_answers(bench):
    """One asker by ever other parents: at most 256 answers in 800 ms; the same question again is not answered."""
    sent = []
    for number in range(400):
        route = Route(id=f"02:ee:00:02:{number >> 8:02x}:{number & 255:02x}", outlink=Port(1, bench.near.mac).end())
        sent.append(rs.frame(rs.GROUP, bench.near.mac, RoMON(src=ASKER) / Discover(tlvs=[route])))
    for frame in sent[:5] * 10:
        bench.near.send(frame)
    wait(lambda: bench.node.drops("duplicate") == 45, "duplicates are counted")
    assert len([f for f in bench.near.collect(0.1) if f.type == 2]) == 5
    bench.near.collect(1)
    for frame in sent:
        bench.near.send(frame)
    wait(lambda: bench.counters()[0] >= 450, "all are counted")
    answers = len([f for f in bench.near.collect(0.2) if f.type == 2])
    assert answers == 256 and bench.node.drops("answer-limit") == 400 - 256


def test_ping_payloads_come_back_unchanged(bench):
    """Sizes from none to the largest; fewer than four bytes are no ping."""
    asker = Router(ASKER, [Port(1, bench.near.mac)])
    rng = random.Random(1)
    here = [Hop(link=1, mac="02:aa:00:00:00:00")]
    for size in (4, 5, 32, 1000, 1500 - 60):
        payload = rng.randbytes(size)
        message = RoMON(type=3, src=ASKER, dst=ME) / Data(hops=here, sport=5000, dport=1) / payload
        bench.near.inject(message, dst="02:aa:00:00:00:00")
        answer = bench.near.wait(lambda f: f.type == 3)
        assert answer.message[46 + 10 + 4:] == payload and answer.packet[Data].dport == 5000
    for size in range(4):
        message = RoMON(type=3, src=ASKER, dst=ME) / Data(hops=here, sport=5000, dport=1) / bytes(size)
        bench.near.inject(message, dst="02:aa:00:00:00:00")
    assert not bench.near.collect(0.2) and bench.node.drops() == 4
    assert asker.ping(1, here, ME) and Ping(bytes(4)).seq == 0
