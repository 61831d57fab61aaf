# SPDX-License-Identifier: BSD-2-Clause
"""The two readings of an answer's hop list (docs/protocol.md, section 3): a played router answers and passes on in the second,
and takes nothing in the first."""
import json
import select

from lab import wait
from model import Port, Router
from romon_scapy import Discover, DiscoverResp, Hop, RoMON, Route

PLAYED = "02:ee:00:00:00:01"


class Player:
    """A model router on wires of the lab: what comes in is handed to it, what it says is sent."""

    def __init__(self, router, wires):
        self.router, self.wires = router, wires

    def pump(self, timeout=0.05):
        ready, _, _ = select.select([w.socket for w in self.wires.values()], [], [], timeout)
        for link, wire in self.wires.items():
            for frame in wire.received():
                for out, answer in self.router.receive(link, frame.data):
                    self.wires[out].send(answer)
        return ready

    def during(self, process):
        """Plays until the process has ended, which must be with status 0. Returns what it printed."""
        while process.poll() is None:
            self.pump()
        out, err = process.communicate()
        assert process.returncode == 0, err
        return out

    def discover(self, node, duration="1s"):
        found = json.loads(self.during(node.background("discover", f"duration={duration}")))
        return {r["address"]: r for r in found["routers"]}


def play(lab, *ends, reading=2, identity=b"played"):
    """A played router with one wire to each (node, interface). The other ends must not be taken yet."""
    outside = lab.node(identity.decode())
    ports, wires = [], {}
    for number, (node, interface) in enumerate(ends, 1):
        lab.connect(outside, f"w{number}", node, interface)
        wires[number] = outside.wire(f"w{number}")
        ports.append(Port(number, wires[number].mac))
    return Player(Router(PLAYED, ports, identity, readings=(reading,)), wires)


def reading_of(node, wire, number):
    """In which reading the router behind the wire answers a question that came over one hop already."""
    asker = f"02:ee:00:00:aa:{number:02x}"
    question = (RoMON(src=asker) / Discover(p=1, hops=[Hop(link=5, mac="02:ee:00:00:bb:01")],
                                            tlvs=[Route(id="02:ee:00:00:bb:02", outlink=Port(6, wire.mac).end())]))
    wire.frames()
    wire.inject(question)
    answer = wire.wait(lambda f: f.type == 2 and f.packet.src == asker and f.packet.dst == node.id.lower()).packet[DiscoverResp]
    assert answer.n == 1 and answer.hops[0].link == 5
    return {1: 1, 0: 2}[answer.p]


def test_answers_in_the_second_reading_are_taken_and_passed_on_and_then_given(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    player = play(lab, (b, "eth1"))
    lab.start(a, b)
    wire = player.wires[1]
    assert reading_of(b, wire, 1) == 1
    seen = player.discover(a)
    assert seen[PLAYED.upper()]["path"] == [b.id, PLAYED.upper()] and seen[PLAYED.upper()]["identity"] == "played"
    assert reading_of(b, wire, 2) == 2, "b passed an answer of the second reading on"
    spy = lab.node("spy")
    lab.connect(spy, "w0", a, "eth5")
    a.wait_active("eth5")
    assert reading_of(a, spy.wire("w0"), 3) == 2, "a took an answer of the second reading"


def test_answers_in_the_first_reading_change_nothing(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    player = play(lab, (b, "eth1"), reading=1)
    lab.start(a, b)
    assert PLAYED.upper() in player.discover(a)
    assert reading_of(b, player.wires[1], 1) == 1


def test_a_network_of_both_kinds_works(lab):
    """a - b - played - c - d: the played router in the middle understands the second reading only."""
    a, b, c, d = (lab.node(name) for name in "abcd")
    lab.connect(a, "eth0", b, "eth0")
    lab.connect(c, "eth1", d, "eth0")
    player = play(lab, (b, "eth1"), (c, "eth0"))
    lab.start(a, b, c, d)
    wait(lambda: len(player.discover(a)) >= 2 and len(player.discover(d)) == 4 and len(player.discover(a)) == 4,
         "all see all", 15)
    seen = player.discover(a)
    assert seen[d.id]["path"] == [b.id, PLAYED.upper(), c.id, d.id]
    reply = player.during(a.background("ping", d.id, "count=1"))
    assert json.loads(reply.splitlines()[-1])["received"] == 1


def test_an_answer_that_fits_neither_reading_is_dropped(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    player = play(lab, (b, "eth1"))
    a.watch()
    lab.start(a, b)
    link, wire = a.wire("eth0"), player.wires[1]
    process = a.background("discover", "duration=1s")
    question = wire.wait(lambda f: f.type == 1)
    (_, good), = player.router.receive(1, question.data)
    answer = RoMON(good[14:])
    body = answer[DiscoverResp]
    wrong = []
    for p, hop, route in ((2, 0, 0), (0, 0, 1), (1, 0, 1), (0, 1, 0)):
        changed = RoMON(good[14:])
        changed[DiscoverResp].p = p
        if hop:
            changed[DiscoverResp].hops = [Hop(link=4444, mac=body.hops[0].mac)]
        if route:
            changed[DiscoverResp].tlvs[0].id = "02:ee:00:00:cc:01"
        wrong.append(changed)
    drops = b.drops()
    for changed in wrong:
        wire.inject(changed, dst=b.mac("eth1"))
    wait(lambda: b.drops() >= drops + len(wrong), "all four are counted")
    assert not [f for f in link.frames() if not f.sent and f.type == 2 and f.packet.dst == PLAYED]
    wire.send(good)
    link.wait(lambda f: f.type == 2 and f.packet.dst == PLAYED)
    process.communicate()
