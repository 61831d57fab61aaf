# SPDX-License-Identifier: BSD-2-Clause
"""The rules of secret lists between real daemons, and what really goes over the wire: every digest is computed again in Python."""
import pytest
import romon_scapy as rs
from hashed import (NOTHING, Peer, auth_drops, challenge_of, configs, neighbors, set_secrets, target_of, wait_proven)
from lab import conf, wait
from model import Port, Router
from romon_scapy import DiscoverResp, Hello, Identity, SeqErr

SECRET, OTHER = b"first-secret", b"other-secret"


@pytest.fixture
def pair(lab):
    """Two routers on one wire, not started; the one on whose wire we look."""
    a, b = lab.node("a").watch(), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    return a, b


def start(a, b, a_secrets, b_secrets):
    for node, secrets in ((a, a_secrets), (b, b_secrets)):
        node.start(conf(f"identity={node.name} secrets={secrets}"), expect=False)
    for node in (a, b):
        node.wait_ready()


def meet(a, b):
    """Does each find the other and get its answers?"""
    found = b.id in a.discover("150ms"), a.id in b.discover("150ms")
    assert found[0] == found[1]
    assert a.ping(b.id, count=3, interval="10ms")[1]["received"] == 3 * found[0]
    return found[0]


def find_each_other(a, b):
    """A port asks once a second, so the first question may have been too early."""
    wait(lambda: b.id in a.discover("100ms") and a.id in b.discover("100ms"), "they find each other")


# The rules: `""` is the empty list, `("")` the list of the empty secret.

@pytest.mark.parametrize("one, two", [
    ('""', '""'), ('""', '("")'), ("s", "s"), ("s", "s,t"), ('"",s', '""'), ('"",s', 's,""'), ('"",s', '"",t'), ("s,t", "t,s"),
    ('s,""', 's'), ('"a b\\"c"', '("a b\\"c","")'),
])
def test_lists_that_meet(pair, one, two):
    a, b = pair
    start(a, b, one, two)
    find_each_other(a, b)
    assert meet(a, b)


@pytest.mark.parametrize("one, two, why_one, why_two", [
    ("s", "t", "bad-digest", "bad-digest"),          # neither has the other's
    ("s", '""', "no-secret", "no-secret"),           # one hashes, one has no list: hashed frames there, unhashed ones here
    ("s", '("")', "no-secret", "no-secret"),
    ("s", '"",t', "no-secret", "bad-digest"),        # two speaks unhashed, one wants a hash
    ("s,t", '""', "no-secret", "no-secret"),
    ('s,""', "t", "bad-digest", "bad-digest"),
    ("s", "S", "bad-digest", "bad-digest"),
    ("s", '"s "', "bad-digest", "bad-digest"),
])
def test_lists_that_do_not_meet(pair, one, two, why_one, why_two):
    """They see nothing of each other, no neighbour is made of it, and the counters say why on both sides."""
    a, b = pair
    start(a, b, one, two)
    assert not meet(a, b)
    assert auth_drops(a)[why_one] > 0 and auth_drops(b)[why_two] > 0
    assert neighbors(a) == neighbors(b) == {}
    for node in (a, b):
        assert (node.stats()["eth0"]["hashed"], node.stats()["eth0"]["unhashed"]) == (0, 0)


def test_a_list_of_eight_secrets(pair):
    """The last of eight is as good as the first; the signer's entry is told by its number."""
    a, b = pair
    many = ",".join(["x" * 128] + [f"secret{n}" for n in range(7)])
    start(a, b, many, "secret6")
    assert not meet(a, b), "a signs with what b has not got"
    set_secrets(b, "secret6," + "x" * 128)
    wait(lambda: neighbors(a).get(("eth0", b.mac("eth0")), {}).get("proven") == [0, 7], "both entries are proven")
    find_each_other(a, b)
    assert meet(a, b)
    assert neighbors(a)["eth0", b.mac("eth0")]["secret"] == 7 and neighbors(b)["eth0", a.mac("eth0")]["secret"] == 1


# The wire

def test_frames_are_hashed_as_described(pair):
    """Index, counter and HMAC-MD5-96 of all that leaves by a port; each port has its own index."""
    a, b = pair
    wire = a.wire("eth0")
    start(a, b, "first-secret", "first-secret")
    wait_proven(a, b)
    assert meet(a, b)
    frames = wire.frames()
    assert {f.type for f in frames} >= {rs.DISCOVER, rs.DISCOVER_RESP, rs.DATA, rs.HELLO}
    assert all(rs.fits(SECRET, f.data) and not rs.fits(OTHER, f.data) for f in frames)
    sequences = {src: [rs.mark(f.data) for f in frames if f.src == src] for src in (a.mac("eth0"), b.mac("eth0"))}
    indexes = [{mark.index for mark in marks} for marks in sequences.values()]
    assert all(len(found) == 1 and 0 not in found for found in indexes) and indexes[0] != indexes[1]
    for marks in sequences.values():
        assert [m.counter for m in marks] == list(range(1, len(marks) + 1)), "one more for every frame, from 1"
    for node in pair:
        counted = node.stats()["eth0"]
        assert counted["unhashed"] == 0 and counted["hashed"] > 5
        assert auth_drops(node) == {}


@pytest.mark.parametrize("secrets", ['""', '("")', '"",first-secret'])
def test_frames_are_unhashed_where_they_must_be(pair, secrets):
    """All 24 bytes are zero; only SeqErr and Hello, which a list with a secret in it needs, are hashed even so."""
    a, b = pair
    wire = a.wire("eth0")
    start(a, b, secrets, secrets)
    find_each_other(a, b)
    assert meet(a, b)
    frames = wire.frames()
    control = [f for f in frames if f.type in (rs.SEQERR, rs.HELLO)]
    assert not any(rs.is_hashed(f.data) for f in frames if f not in control) and len(frames) > len(control)
    assert bool(control) == ("first" in secrets) and all(rs.fits(SECRET, f.data) for f in control)
    assert a.stats()["eth0"]["unhashed"] > 0


def test_a_change_keeps_index_and_counter(pair):
    """Of the port: through another secret, none, and back."""
    a, b = pair
    wire = a.wire("eth0")
    start(a, b, 's,""', 's,"",t')
    wait_proven(a, b)
    for secrets in ('t,""', '"",s', 't,s', 's,""'):
        set_secrets(a, secrets)
        a.discover("100ms")
    marks = [rs.mark(f.data) for f in wire.frames() if f.sent and rs.is_hashed(f.data)]
    assert len({mark.index for mark in marks}) == 1
    assert [mark.counter for mark in marks] == list(range(1, len(marks) + 1))


def test_hello_and_seqerr_as_described(lab):
    """A port that comes up says Hello to the group; an unknown index is challenged by SeqErr; a Hello that returns the nonce proves it."""
    node, outside = lab.node("a"), lab.node("outside")
    lab.connect(node, "eth0", outside, "w0")
    wire = outside.wire("w0")
    node.start(conf("identity=a secrets=first-secret,other-secret"))
    hellos = []
    wait(lambda: hellos.extend(wire.received()) or len(hellos) == 2, "a Hello under each secret")
    for hello, secret in zip(hellos, (SECRET, OTHER)):
        assert hello.type == rs.HELLO and rs.fits(secret, hello.data)
        assert (hello.dst, hello.packet.src, hello.packet.dst) == (rs.GROUP, node.id.lower(), rs.BROADCAST)
        body = hello.packet[Hello]
        assert (body.target, body.zero, body.returned) == (rs.ZERO, 0, NOTHING) and body.challenge != NOTHING
        assert hello.packet.length == 14 + 64
    assert hellos[0].packet[Hello].challenge != hellos[1].packet[Hello].challenge
    peer = Peer(wire, "first-secret")
    peer.send(probe_from(peer))
    seqerr = wire.wait(lambda f: f.type == rs.SEQERR)
    assert (seqerr.dst, target_of(seqerr), seqerr.packet.dst) == (wire.mac, wire.mac, rs.BROADCAST)
    assert seqerr.packet.length == 14 + 56 and seqerr.packet[SeqErr].zero == 0 and challenge_of(seqerr) != NOTHING
    assert rs.fits(SECRET, seqerr.data) and node.drops("unknown-index") == 1
    peer.answer(seqerr, challenge=b"a nonce!")
    answer = wire.wait(lambda f: f.type == rs.HELLO)
    assert (answer.dst, target_of(answer), answer.packet[Hello].returned) == (wire.mac, wire.mac, b"a nonce!")
    assert answer.packet[Hello].challenge == NOTHING, "nothing is left to be asked"
    peer.send(probe_from(peer))
    wire.wait(lambda f: f.type == rs.DISCOVER_RESP and rs.fits(SECRET, f.data))


def probe_from(peer):
    """A Discover of this peer, not yet signed."""
    return Router(peer.id, [Port(1, peer.mac)]).probe(1)


@pytest.fixture
def joined(lab):
    """A router and a peer that it believes in."""
    node, outside = lab.node("a"), lab.node("outside")
    lab.connect(node, "eth0", outside, "w0")
    wire = outside.wire("w0")
    node.start(conf("identity=a secrets=first-secret"))
    peer = Peer(wire, "first-secret")
    peer.join(node)
    return node, wire, peer


def test_what_is_not_genuine_is_dropped_and_counted(joined):
    """A changed bit, another MAC, the same frame twice, an old counter, no hash, another index: each by its reason, no answer to any."""
    node, wire, peer = joined
    genuine = peer.signed(probe_from(peer))
    spoilt = bytearray(genuine)
    spoilt[60] ^= 1
    moved = genuine[:6] + bytes.fromhex("02ee00000099") + genuine[12:]
    before = auth_drops(node)
    for frame in (bytes(spoilt), moved, rs.sign(OTHER, genuine, rs.mark(genuine))):
        wire.send(frame)
    wait(lambda: node.drops("bad-digest") == before.get("bad-digest", 0) + 3, "three bad digests")
    wire.send(probe_from(peer))
    wait(lambda: node.drops("no-secret") == before.get("no-secret", 0) + 1, "unhashed where a hash is wanted")
    assert not wire.received(), "nothing is answered"
    wire.send(genuine)
    answer = wire.wait(lambda f: f.type == rs.DISCOVER_RESP)
    assert answer.packet[DiscoverResp].tlv(Identity)[0].value == b"a"
    for _ in range(5):
        wire.send(genuine)
    wait(lambda: node.drops("replayed") == before.get("replayed", 0) + 5, "five replayed")
    assert not wire.received()


def test_reordered_frames_are_taken_and_old_ones_are_not(joined):
    """Within the window of 1,024 counters order does not matter; left of it all is old."""
    node, wire, peer = joined
    answers = 0
    early = [rs.sign(peer.secret, probe_from(Peer(wire, "first-secret")), rs.Mark(peer.index, peer.counter + n)) for n in (1, 2, 3)]
    late = rs.sign(peer.secret, probe_from(Peer(wire, "first-secret")), rs.Mark(peer.index, peer.counter + 2 + 1024))
    for frame in (early[2], early[1], late):
        wire.send(frame)
        wire.wait(lambda f: f.type == rs.DISCOVER_RESP)
        answers += 1
    assert answers == 3 and node.drops("replayed") == 0
    wire.send(early[0])
    wait(lambda: node.drops("replayed") == 1, "it is left of the window")
    assert not [f for f in wire.received() if f.type == rs.DISCOVER_RESP]


def test_a_restarted_sender_is_challenged(joined):
    """With a new index it is nobody, and what its old index signed stays good until it has proven the new one."""
    node, wire, peer = joined
    old = peer.signed(probe_from(peer))
    peer.index, peer.counter = peer.index ^ 0xFFFF0000, 0
    peer.send(probe_from(Peer(wire, "first-secret")))
    challenge = peer.challenged()
    assert challenge.type == rs.SEQERR and node.drops("unknown-index") == 1
    peer.answer(challenge)
    peer.send(probe_from(Peer(wire, "first-secret")))
    wire.wait(lambda f: f.type == rs.DISCOVER_RESP)
    wire.send(old)
    wait(lambda: node.drops("unknown-index") == 2, "the old index is forgotten")
    assert not [f for f in wire.received() if f.type == rs.DISCOVER_RESP]


# Lists of ports

def test_every_port_has_its_own_list(lab):
    """Between two networks with different secrets, a frame passes re-signed; each wire shows its own secret and no other."""
    left, middle, right = lab.line(3)
    middle.watch()
    wires = {"eth0": middle.wire("eth0"), "eth1": middle.wire("eth1")}
    ports = 'add interface=eth0 secrets=first-secret\nadd interface=eth1 secrets=other-secret\n'
    lab.start(left, middle, right, configs={"n0": conf("identity=n0 secrets=first-secret"),
                                            "n1": conf("identity=n1 secrets=neither", ports),
                                            "n2": conf("identity=n2 secrets=other-secret")})
    wait(lambda: len(left.discover("200ms")) == 2, "the far end is found")
    assert left.ping(right.id, count=5, interval="10ms")[1]["received"] == 5
    assert right.ping(left.id, count=5, interval="10ms")[1]["received"] == 5
    for interface, secret in (("eth0", SECRET), ("eth1", OTHER)):
        frames = wires[interface].frames()
        assert {f.type for f in frames} >= {rs.DISCOVER, rs.DISCOVER_RESP, rs.DATA}
        assert all(rs.fits(secret, f.data) for f in frames)
    assert middle.stats()["eth0"]["forwarded"] > 5
    # To the global list, and to none.
    middle.ok("port", "set", "[find interface=eth1]", 'secrets=""')
    assert right.ping(left.id, count=2, interval="10ms")[1]["received"] == 0 and middle.drops("bad-digest") > 0
    middle.ok("port", "set", "[find interface=eth1]", 'secrets=("")')
    set_secrets(right, '""')
    wait(lambda: right.id in left.discover("200ms"), "one side hashed, the other not")
    assert left.ping(right.id, count=5, interval="10ms")[1]["received"] == 5
    assert not any(rs.is_hashed(f.data) for f in wires["eth1"].frames()[-4:]) and rs.fits(SECRET, wires["eth0"].frames()[-1].data)


def test_a_hashed_line(lab):
    """Nothing is lost and nothing dropped on a way of five hops, in both directions."""
    nodes = lab.line(6)
    lab.start(*nodes, configs=configs(nodes, "first-secret"))
    wait(lambda: len(nodes[0].discover("200ms")) == 5, "all are found")
    for node, target in ((nodes[0], nodes[-1].id), (nodes[-1], nodes[0].id)):
        assert node.ping(target, count=200, interval="2ms")[1]["received"] == 200
    assert [auth_drops(node) for node in nodes] == [{}] * 6
