# SPDX-License-Identifier: BSD-2-Clause
"""Routers with secrets: what the tests of secrets share. The daemons are asked by their control socket; Peer is a router of Python's
that signs by romon_scapy alone, so that both sides of the protocol are checked against a second reading of it."""
import itertools
import secrets as randomness

import romon_scapy as rs
from lab import conf, wait
from romon_scapy import Hello, Mark, RoMON, SeqErr

NOTHING = bytes(8)  # the nonce that is none
# Reasons by which a frame is dropped for the sake of its authentication.
REASONS = ("no-secret", "bad-digest", "replayed", "unknown-index", "hash-limit")


def configs(nodes, secrets, ports="add interface=eth*\n"):
    """Configurations that give all nodes the same list."""
    return {node.name: conf(f"identity={node.name} secrets={secrets}", ports) for node in nodes}


def set_secrets(node, secrets):
    """Changes the global list, as `romon set` does."""
    node.varlink("Set", values={"secrets": secrets})


def neighbors(node):
    """What `romon neighbors` tells, as {(interface, MAC in lower case): neighbor}."""
    return {(n["interface"], n["mac"].lower()): n for n in node.varlink("GetNeighbors")["neighbors"]}


def proven(node, entry):
    """Has every neighbour of this node proven the entry of the list?"""
    return all(entry in n["proven"] for n in neighbors(node).values())


def wait_proven(a, b, entry=0, interface="eth0"):
    """Until two routers that are joined by one wire have proven the entry to each other."""
    for node, other in ((a, b), (b, a)):
        wait(lambda: entry in neighbors(node).get((interface, other.mac(interface)), {}).get("proven", []),
             f"{other.name} has proven entry {entry} to {node.name}")


def auth_drops(node):
    """Frames dropped for the sake of authentication on all ports, by reason; only those that are not 0."""
    counted = {reason: node.drops(reason) for reason in REASONS}
    return {reason: count for reason, count in counted.items() if count}


class Peer:
    """A router on a wire that knows one secret. It answers challenges when asked to, and starts with an index of its own."""
    _ids = itertools.count(1)

    def __init__(self, wire, secret, mac=None):
        number = next(self._ids)
        self.wire, self.secret, self.mac = wire, secret.encode(), mac or wire.mac
        self.id = f"02:ee:00:07:{number >> 8:02x}:{number & 255:02x}"
        self.index, self.counter = randomness.randbits(32) | 1, 0

    def signed(self, frame):
        """The frame with the next counter of this peer."""
        self.counter += 1
        return rs.sign(self.secret, frame, Mark(self.index, self.counter))

    def send(self, frame):
        """Signs a frame and sends it. Returns what was sent."""
        frame = self.signed(frame)
        self.wire.send(frame)
        return frame

    def control(self, body, dst):
        """A SeqErr or Hello from this router."""
        kind = rs.HELLO if isinstance(body, Hello) else rs.SEQERR
        return rs.frame(dst, self.mac, RoMON(type=kind, src=self.id, dst=rs.BROADCAST) / body)

    def challenged(self, timeout=3.0):
        """The next frame from the wire that asks this peer to prove itself: a SeqErr, or a Hello with a challenge."""
        return self.wire.wait(lambda f: f.type in (rs.SEQERR, rs.HELLO) and rs.fits(self.secret, f.data) and challenge_of(f) != NOTHING
                              and target_of(f) in (self.mac, rs.ZERO), timeout)

    def answer(self, frame, challenge=NOTHING):
        """Returns the nonce of a challenge."""
        return self.send(self.control(Hello(target=frame.src, returned=challenge_of(frame), challenge=challenge), frame.src))

    def join(self, node, interface="eth0"):
        """Lets a real router believe in this one: it asks the router for proof, is asked back, and returns the nonce."""
        router = node.mac(interface)
        self.send(self.control(Hello(target=router, challenge=randomness.token_bytes(8)), router))
        self.answer(self.challenged())
        wait(lambda: 0 in neighbors(node).get((interface, self.mac), {}).get("proven", []), "the peer has proven its secret")
        self.wire.frames()


def target_of(frame):
    return frame.packet[SeqErr if frame.type == rs.SEQERR else Hello].target


def challenge_of(frame):
    return frame.packet[SeqErr].nonce if frame.type == rs.SEQERR else frame.packet[Hello].challenge
