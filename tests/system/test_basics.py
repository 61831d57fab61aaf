# SPDX-License-Identifier: BSD-2-Clause
"""Discovery, ping and the port list between two and a few routers that have no IP address."""
import json
import re

import pytest
from lab import VarlinkError, conf, wait
from model import Port, Router, asked
from romon_scapy import Data, Discover, DiscoverResp, Hop, Identity, Ping, Route, Uptime, Version


def two(lab, **options):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0", **options)
    return a, b


def test_two_routers_see_and_ping_each_other_without_ip(lab):
    a, b = two(lab)
    lab.start(a, b)
    assert not a.ip("addr", "show", "up").count("inet") and not a.ip("route", "show", "table", "all")
    seen = a.discover()
    assert list(seen) == [b.id]
    router = seen[b.id]
    assert router == {"address": b.id, "active": True, "cost": 200, "hops": 1, "path": [b.id], "l2mtu": 1500, "identity": "b",
                      "version": "0.1", "board": "lab", "uptime": router["uptime"], "last-seen": router["last-seen"]}
    assert 0 <= router["uptime"] < 60 and 0 <= router["last-seen"] < 3
    assert list(b.discover()) == [a.id]
    replies, totals = a.ping(b.id, count=3, interval="100ms")
    assert [(r["seq"], r["host"], r["size"], r["status"]) for r in replies] == [(n, b.id, 32, "ok") for n in range(3)]
    assert (totals["sent"], totals["received"], totals["packet-loss"]) == (3, 3, 0)
    assert 0 < totals["min-rtt"] <= totals["avg-rtt"] <= totals["max-rtt"] < 1000


def test_the_frames_of_a_discovery_are_as_the_protocol_says(lab):
    """What goes over the wire, read by the second implementation."""
    a, b = two(lab, a_index=17, b_index=23, b_mtu=1400)
    b.watch()
    lab.start(a, b)
    wire = b.wire("eth0")
    a.discover()
    frames = wire.frames()
    question = next(f for f in frames if f.type == 1)
    answer = next(f for f in frames if f.type == 2)
    assert (question.src, question.dst, question.sent) == (a.mac("eth0"), "01:80:c2:00:88:bf", False)
    assert (answer.src, answer.dst, answer.sent) == (b.mac("eth0"), a.mac("eth0"), True)
    for frame in (question, answer):
        assert frame.packet.length == len(frame.data) and not any(frame.packet.auth) and frame.packet.zero == 0
    assert question.packet.src.upper() == answer.packet.src.upper() == a.id
    assert (question.packet.dst, answer.packet.dst.upper()) == ("ff:ff:ff:ff:ff:ff", b.id)
    parent, own = answer.packet[DiscoverResp].tlv(Route)
    assert (parent.outlink.link, parent.outlink.l2mtu, parent.outlink.cost, parent.outlink.mac) == (17, 1500, 100, question.src)
    assert (own.inlink.link, own.inlink.l2mtu, own.inlink.cost, own.inlink.mac) == (23, 1400, 100, answer.src)
    assert [type(t) for t in answer.packet[DiscoverResp].tlvs[:4]] == [Route, Route, Identity, Version]
    assert len(answer.packet[DiscoverResp].tlv(Uptime)) == 1
    assert {type(t) for t in question.packet[Discover].tlvs} == {Route}


def test_three_routers_in_a_line(lab):
    nodes = a, b, c = lab.line(3)
    lab.start(*nodes)
    seen = a.discover()
    assert {r["identity"]: (r["hops"], r["cost"], r["path"]) for r in seen.values()} == {
        "n1": (1, 200, [b.id]), "n2": (2, 400, [b.id, c.id])}
    assert a.ping(c.id, count=2, interval="50ms")[1]["received"] == 2
    assert a.ping("n2")[1]["received"] == 1  # an identity stands for its ID
    middle = b.stats()
    assert middle["eth0"]["forwarded"] > 0 and middle["eth1"]["forwarded"] > 0
    assert c.stats()["eth0"]["forwarded"] == 0


def test_who_cannot_be_reached(lab):
    a, b = two(lab)
    lab.start(a, b)
    replies, totals = a.ping("02:00:00:00:00:99", count=2, interval="200ms")
    assert [r["status"] for r in replies] == ["timeout", "timeout"] and replies[0]["time"] is None
    assert (totals["received"], totals["packet-loss"], totals["min-rtt"]) == (0, 100, None)
    done = a.romon("ping", "nobody-of-that-name", "count=1")
    assert done.returncode == 1 and "nobody-of-that-name" in done.stderr


def test_disabled_is_said(lab):
    a, b = two(lab)
    a.start(conf("identity=a board=lab", enabled="no"))
    b.watch().start()
    wire = b.wire("eth0")
    for command in (["discover", "duration=1s"], ["map", "duration=1s"], ["ping", "02:00:00:00:00:01", "count=1"]):
        done = a.romon(*command)
        assert done.returncode == 1 and "failure: RoMON not running" in done.stderr
    assert a.json("print")["enabled"] is False
    assert b.discover() == {}
    assert all(f.sent for f in wire.frames())
    a.ok("set", "enabled=yes")
    a.wait_active("eth0")
    assert list(a.discover()) == [b.id]


def test_no_daemon_is_said(lab):
    done = lab.node("a").romon("print")
    assert done.returncode == 3 and len(done.stderr.strip().splitlines()) == 1


def test_map_shows_both_ends_of_every_link(lab):
    nodes = a, b, c = lab.line(3, mtu=1400)
    configs = {n.name: conf(f"identity={n.name} board=lab", f"add interface=eth* cost={cost}\n")
               for n, cost in zip(nodes, (10, 20, 30))}
    lab.start(*nodes, configs=configs)
    shown = a.json("map", "duration=500ms")
    links = {frozenset(((k["a"], k["mac-a"].lower(), k["cost-a"]), (k["b"], k["mac-b"].lower(), k["cost-b"]))): k["l2mtu"]
             for k in shown["links"]}
    assert links == {frozenset(((a.id, a.mac("eth1"), 10), (b.id, b.mac("eth0"), 20))): 1400,
                     frozenset(((b.id, b.mac("eth1"), 20), (c.id, c.mac("eth0"), 30))): 1400}
    dot = a.ok("map", "duration=500ms", "--dot")
    assert re.match(r"\s*(strict )?graph\b", dot) and all(n.id in dot for n in nodes)


def way(node, target):
    """Path and cost from one node to another, asked anew."""
    found = node.discover("1s")[target.id]
    return found["path"], found["cost"]


def test_costs_decide_the_path(lab):
    """A square: from a to d over b, or over c. The dearer way is the one that comes first in every other order."""
    a, b, c, d = (lab.node(name) for name in "abcd")
    lab.connect(a, "eth0", b, "eth0")
    lab.connect(b, "eth1", d, "eth0")
    lab.connect(a, "eth1", c, "eth0")
    lab.connect(c, "eth1", d, "eth1")
    d.watch()
    lab.start(a, b, c, d)
    b.ok("port", "add", "interface=eth1", "cost=150")
    found = a.discover()[d.id]
    assert (found["path"], found["cost"]) == ([c.id, d.id], 400)
    c.ok("port", "add", "interface=eth1", "cost=300")
    wait(lambda: way(a, d) == ([b.id, d.id], 450), "the other way is the cheaper one now", 8)
    # The ping follows the table.
    wire = d.wire("eth0")
    assert a.ping(d.id)[1]["received"] == 1
    assert any(f.type == 3 and f.packet.dst.upper() == d.id for f in wire.received())


def test_a_long_cheap_way_beats_a_short_dear_one(lab):
    nodes = a, b, c = lab.line(3)
    lab.connect(a, "eth5", c, "eth5")
    configs = {n.name: conf(f"identity={n.name}", "add interface=eth*\nadd interface=eth5 cost=201\n") for n in nodes}
    lab.start(*nodes, configs=configs)
    assert a.discover()[c.id]["path"] == [b.id, c.id]
    c.ok("port", "set", "[find interface=eth5]", "cost=198")
    wait(lambda: way(a, c) == ([c.id], 399), "399 against 400", 8)


def test_a_forbidden_port_neither_sends_nor_takes(lab):
    a, b = two(lab)
    b.watch().start()
    a.start(conf("identity=a", "add interface=eth* forbid=yes\n"), ports=[])
    wire = b.wire("eth0")
    assert b.discover() == {} and a.discover() == {}
    assert all(f.sent for f in wire.frames()), "the forbidden port sent something"
    assert "eth0" not in a.stats()
    # The same port allowed: so the wire was not what kept them apart.
    a.ok("port", "set", "[find interface=eth*]", "forbid=no")
    a.wait_active("eth0")
    assert list(a.discover("1200ms")) == [b.id]
    a.ok("port", "set", "[find interface=eth*]", "forbid=yes")
    wait(lambda: "eth0" not in a.states(), "the port is out")
    wire.frames()
    assert asked(b.wire("eth0")) is None
    found = a.discover("1s")  # b is remembered, but there is no way to it
    assert [r["path"] for r in found.values()] in ([], [[]])
    assert all(f.sent for f in wire.frames())


CHOICES = [
    ("add interface=*0 cost=3\nadd interface=eth0 cost=7\n", 7, "a name beats a pattern"),
    ("set [ find default=yes ] cost=9\nadd interface=eth* cost=5\n", 5, "a pattern beats all"),
    ("add interface=e* cost=3\nadd interface=eth* cost=5\nadd interface=?th0 cost=8\n", 5, "more characters before the wildcard"),
    ("add interface=eth? cost=4\nadd interface=eth* cost=6\n", 4, "equally strong ones by their order"),
    ("add interface=eth0 cost=7 disabled=yes\nadd interface=eth* cost=5\n", 5, "a disabled entry is skipped"),
    ("add interface=eth0 cost=7 forbid=yes\nadd interface=eth* cost=5\n", None, "one entry decides everything"),
    ("add interface=eth* forbid=yes\nadd interface=eth0 cost=7\n", 7, "also if it allows"),
    ("set [ find default=yes ] cost=9\n", None, "all does not mean virtual interfaces"),
]


def test_which_entry_decides(lab):
    """One daemon that gets one list after the other by reload."""
    a, b = two(lab)
    a.start(conf(ports=CHOICES[0][0]))
    wire = b.wire("eth0")
    for ports, cost, why in CHOICES:
        a.config.write_text(conf(ports=ports))
        a.daemon.reload()
        expected = {} if cost is None else {"eth0": "active"}
        wait(lambda: ports.count("add") + 1 == len(a.varlink("GetPorts")["ports"]) and a.states() == expected, why)
        link = asked(wire)
        assert (link and link.cost) == cost, why


def test_a_small_mtu_in_the_middle(lab):
    """a - b - c - d, the wire between b and c with an MTU of 1280."""
    nodes = a, b, c, d = [lab.node(name) for name in "abcd"]
    lab.connect(a, "eth1", b, "eth0")
    lab.connect(b, "eth1", c, "eth0", mtu=1280)
    lab.connect(c, "eth1", d, "eth0")
    c.watch()
    lab.start(*nodes)
    seen = a.discover()
    assert [seen[n.id]["l2mtu"] for n in (b, c, d)] == [1500, 1280, 1280]
    headers = 40 + 6 + 3 * 10 + 4
    wire = c.wire("eth0")
    assert a.ping(d.id, size=1280 - headers)[1]["received"] == 1
    assert max(len(f.data) for f in wire.frames()) == 1280 + 14, "the largest frame is used to the last byte"
    before = sum(n.drops("too-big") for n in nodes)
    assert a.ping(d.id, count=2, size=1280 - headers + 1, interval="100ms")[1]["received"] == 0
    assert sum(n.drops("too-big") for n in nodes) >= before + 2
    assert all(len(f.data) <= 1280 + 14 for f in wire.frames())


def test_a_relay_drops_and_counts_what_does_not_fit(lab):
    """The same at the relay itself, with a frame from a router that does not know better."""
    a, b, c = lab.node("a"), lab.node("b"), lab.node("c")
    lab.connect(a, "w0", b, "eth0")
    lab.connect(b, "eth1", c, "w0", mtu=1280)
    b.start()
    near, far = a.wire("w0"), c.wire("w0")
    asker = Router("02:ee:00:00:00:01", [Port(1, near.mac)])
    hops = [Hop(link=1, mac=b.mac("eth0")), Hop(link=b.index("eth1"), mac=far.mac)]
    fits = 1280 - (40 + 6 + 20 + 4)
    for size, passes in ((fits + 1, False), (fits, True)):
        near.send(asker.ping(1, hops, "02:ee:00:00:00:02", size=size)[1])
        if passes:
            assert len(far.wait(lambda f: f.type == 3).data) == 1280 + 14
    assert b.stats()["eth0"]["drops"].get("too-big", 0) + b.stats()["eth1"]["drops"].get("too-big", 0) == 1
    assert not far.received()


def test_unicast_no_sends_everything_to_the_group(lab):
    a, b = two(lab)
    b.start(conf("identity=b unicast=no"))
    a.watch().start()
    wire = a.wire("eth0")
    assert list(a.discover()) == [b.id] and a.ping(b.id)[1]["received"] == 1
    got = wire.received()
    assert {f.type for f in got} >= {2, 3} and {f.dst for f in got} == {"01:80:c2:00:88:bf"}


def test_frames_for_others_are_not_taken(lab):
    a, b = two(lab)
    a.start()
    wire = b.wire("eth0")
    asker = Router("02:ee:00:00:00:01", [Port(1, wire.mac)])
    hops = [Hop(link=1, mac=a.mac("eth0"))]
    wrong = asker.ping(1, hops, a.id.lower())[1]
    wire.send(b"\x02\x00\x00\x00\x00\x77" + wrong[6:])           # to another station
    wire.send(b"\xff\xff\xff\xff\xff\xff" + wrong[6:])           # to everybody
    other = asker.ping(1, [Hop(link=1, mac="02:00:00:00:00:77")], a.id.lower())[1]
    wire.send(b"\x01\x80\xc2\x00\x88\xbf" + other[6:])           # to the group, but over a hop to another station
    assert not wire.collect(0.2)
    assert a.drops("bad-hops") == 1
    wire.send(wrong)                                             # the same to a's port
    assert wire.wait(lambda f: f.type == 3).packet[Data].dport == 1024
    wire.send(b"\x01\x80\xc2\x00\x88\xbf" + wrong[6:])           # and to the group
    assert wire.wait(lambda f: f.type == 3).packet[Ping].seq == 0


def test_only_known_methods_of_set_are_taken(lab):
    a, _ = two(lab)
    a.start()
    for words, complaint in ((["set", "no-such=1"], "no-such"), (["set", "id=01:00:00:00:00:01"], "id"),
                             (["port", "add", "interface=x", "cost=0"], "cost"),
                             (["port", "set", "0", "disabled=yes"], "only cost, forbid and secrets can be changed for preset")):
        done = a.romon(*words)
        assert done.returncode in (1, 2) and complaint in done.stderr, (words, done.stderr)
    with pytest.raises(VarlinkError) as error:
        a.varlink("AddPort", values={"interface": "eth*"})  # there is one
    assert error.value.name == "Invalid"
    assert json.loads(a.ok("--json", "port", "print"))["ports"][1]["interface"] == "eth*"
