# SPDX-License-Identifier: BSD-2-Clause
"""A RoMON router in Python, after docs/protocol.md: what a router may send in reply to a frame.

It has no timers and no limits: a real router sends these frames or, where a rule of section 5 holds it back, fewer. It plays the
other side in tests, and it is the measure for what a daemon does with odd input."""
import itertools
from dataclasses import dataclass, field

import romon_scapy as rs
from romon_scapy import Data, Discover, DiscoverResp, Hop, Identity, Link, Ping, RoMON, Route, Version, Board


_askers = itertools.count(1)


@dataclass
class Port:
    link: int
    mac: str
    mtu: int = 1500
    cost: int = 100

    def end(self):
        return Link(link=self.link, l2mtu=self.mtu, cost=self.cost, mac=self.mac)


@dataclass
class Router:
    """readings: in which readings of the DiscoverResp it answers (the first of them) and which it passes on (all of them)."""
    id: str
    ports: list
    identity: bytes = b"model"
    board: bytes = b"model"
    readings: tuple = (1, 2)
    extra: list = field(default_factory=list)   # TLVs behind the usual ones

    def port(self, link):
        return next((p for p in self.ports if p.link == link), None)

    def receive(self, link, frame):
        """Takes an Ethernet frame that came in by a port. Returns [(link, frame)] to send; nothing for what is to be dropped."""
        port, dst, src = self.port(link), frame[:6].hex(":"), frame[6:12].hex(":")
        if dst not in (rs.GROUP, port.mac) or src == port.mac or not rs.is_id(frame[6:12]):
            return []
        try:
            message = rs.decode(frame[14:])
        except rs.Malformed:
            return []
        handler = {rs.DISCOVER: self._discover, rs.DISCOVER_RESP: self._answer, rs.DATA: self._data}.get(message.type)
        return handler(port, src, message) if handler else []

    def probe(self, link):
        """The Discover that this router sends by the port when it asks."""
        port = self.port(link)
        return rs.frame(rs.GROUP, port.mac, RoMON(src=self.id) / Discover(tlvs=[Route(id=self.id, outlink=port.end())]))

    def ping(self, link, hops, target, seq=0, size=32, sport=1024):
        """A ping request over these hops, as (link, frame)."""
        message = (RoMON(type=rs.DATA, src=self.id, dst=target) / Data(hops=hops, sport=sport, dport=rs.PORT_PING)
                   / Ping(seq=seq) / bytes(size - 4))
        return link, rs.frame(hops[0].mac, self.port(link).mac, message)

    def _send(self, port, dst, message):
        message.length = None
        return port.link, rs.frame(dst, port.mac, message)

    def _discover(self, port, src, message):
        body = message[Discover]
        if body.p != body.n or message.src == self.id:
            return []
        sent = [self._reply(port, src, message)]
        if not {hop.mac for hop in body.hops} & {p.mac for p in self.ports}:
            sent += [self._pass_on(port, out, src, message) for out in self.ports if out is not port and body.n < 255]
        return sent

    def _reply(self, port, src, message):
        body = message[Discover]
        hops, p = (body.hops, body.n) if self.readings[0] == 1 else (body.hops[::-1], 0)
        answer = (RoMON(type=rs.DISCOVER_RESP, src=message.src, dst=self.id)
                  / DiscoverResp(p=p, hops=hops, tlvs=[body.tlv(Route)[0], Route(id=self.id, inlink=port.end()),
                                                       Identity(value=self.identity), Version(), Board(value=self.board)]
                                 + self.extra))
        return self._send(port, src, answer)

    def _pass_on(self, port, out, src, message):
        body = message[Discover]
        route = Route(id=self.id, inlink=port.end(), outlink=out.end())
        onward = (RoMON(src=message.src) / Discover(p=body.n + 1, hops=body.hops + [Hop(link=port.link, mac=src)], tlvs=[route]))
        return self._send(out, rs.GROUP, onward)

    def _answer(self, port, src, message):
        """A DiscoverResp to pass on: the hop that it leaves by, in each reading that fits it."""
        body = message[DiscoverResp]
        n, p, ours = body.n, body.p, body.tlv(Route)[0].id == self.id
        sent = []
        if 1 in self.readings and 0 < p <= n and (ours if p == n else body.hops[p].mac == port.mac):
            sent += self._onward(message, body.hops[p - 1], p - 1)
        if 2 in self.readings and p < n and (ours if p == 0 else body.hops[p - 1].mac == port.mac):
            sent += self._onward(message, body.hops[p], p + 1)
        return sent

    def _onward(self, message, hop, p):
        out = self.port(hop.link)
        if out is None or message.length - 14 > out.mtu:
            return []
        message = message.copy()
        message[DiscoverResp].p = p
        return [self._send(out, hop.mac, message)]

    def _data(self, port, src, message):
        body = message[Data]
        if body.p >= body.n or body.hops[body.p].mac != port.mac:
            return []
        message = message.copy()
        body = message[Data]
        body.hops[body.p] = Hop(link=port.link, mac=src)
        body.p += 1
        if body.p == body.n:
            return self._deliver(message) if message.dst == self.id else []
        out = self.port(body.hops[body.p].link)
        been = {hop.mac for hop in body.hops[:body.p]}
        if out is None or message.length - 14 > out.mtu or out.mac in been:
            return []
        return [self._send(out, body.hops[body.p].mac, message)]

    def _deliver(self, message):
        body = message[Data]
        if body.dport != rs.PORT_PING or body.sport < 1024 or len(rs.raw(body.payload)) < 4:
            return []
        hops = body.hops[::-1]
        answer = (RoMON(type=rs.DATA, src=self.id, dst=message.src)
                  / Data(hops=hops, sport=rs.PORT_PING, dport=body.sport) / rs.raw(body.payload))
        out = self.port(hops[0].link)
        return [self._send(out, hops[0].mac, answer)]


class Network:
    """Routers wired to each other in memory. One end may be left open: frames for it come back to the caller."""

    def __init__(self):
        self.wires = {}

    def wire(self, a, a_link, b, b_link):
        self.wires[id(a), a_link] = (b, b_link)
        self.wires[id(b), b_link] = (a, a_link)

    def receive(self, router, link, frame):
        """Gives a frame to a router and follows everything that comes of it. Returns the frames that leave by open ends."""
        queue, left = [(router, link, frame)], []
        while queue:
            router, link, frame = queue.pop(0)
            for out, answer in router.receive(link, frame):
                peer = self.wires.get((id(router), out))
                if peer:
                    queue.append((*peer, answer))
                else:
                    left.append(answer)
        return left


def asked(wire, timeout=0.4):
    """Asks whoever is behind the wire, as another router each time (nobody answers the same question twice). Returns the in-link
    that the answer reports, or None if nobody answers."""
    number = next(_askers)
    asker = Router(f"02:ee:00:01:{number >> 8:02x}:{number & 255:02x}", [Port(1, wire.mac)])
    wire.frames()
    wire.send(asker.probe(1))
    try:
        answer = wire.wait(lambda f: f.type == rs.DISCOVER_RESP and f.packet.src == asker.id, timeout)
    except AssertionError:
        return None
    return answer.packet[DiscoverResp].tlv(Route)[1].inlink
