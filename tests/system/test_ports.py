# SPDX-License-Identifier: BSD-2-Clause
"""Which interfaces take part and how: members of bridges, VLANs and bonds, and every change of an interface, followed at once."""
import subprocess

import pytest
from lab import DATAPATH, XDP, conf, kernel_has, wait
from model import Port, Router, asked
from romon_scapy import Hop, Route

ASKER = "02:ee:00:00:00:01"


def router_and_wire(lab, interface="eth0", **options):
    """A romond, and a wire to one interface of it whose other end is the test's."""
    node, outside = lab.node("a"), lab.node("outside")
    lab.connect(node, interface, outside, "w0", **options)
    node.start()
    return node, outside.wire("w0")


def tagged(frame, vlan=5):
    """The frame as it is in a VLAN."""
    return frame[:12] + b"\x81\x00" + vlan.to_bytes(2, "big") + frame[12:]


@pytest.mark.parametrize("kind", ["alone", "bridge-member"])
def test_a_tagged_frame_is_not_taken_at_the_parent(lab, kind):
    node, wire = router_and_wire(lab)
    if kind == "bridge-member":
        node.bridge("br0", "eth0")
        wait(lambda: asked(wire), "the bridge member answers")
    before = node.stats()["eth0"]["rx"]
    probe = Router(ASKER, [Port(1, wire.mac)]).probe(1)
    wire.send(tagged(probe))
    wire.send(tagged(probe, 4095))
    assert not [f for f in wire.collect(0.3) if f.type == 2]
    assert node.stats()["eth0"]["rx"] == before
    wire.send(tagged(probe, 0))  # of no VLAN, but with a priority: it belongs to the parent
    assert wire.wait(lambda f: f.type == 2).packet.src == ASKER
    assert node.stats()["eth0"]["rx"] == before + 1


def test_a_bridge_member_takes_part_like_any_other(lab):
    """a - b - c where b's two ports are one bridge: b must be a router between them, and stay one hop for both."""
    a, b, c = lab.line(3)
    b.bridge("br0", "eth0", "eth1")
    lab.start(a, b, c)
    assert a.discover()[b.id]["hops"] == 1 and b.discover()[a.id]["hops"] == 1
    assert a.ping(b.id)[1]["received"] == 1
    assert b.ping(c.id)[1]["received"] == 1
    assert set(b.stats()) == {"eth0", "eth1"}, "the bridge itself is no port: nothing names it"


def test_a_bridge_member_takes_only_frames_of_its_own_wire(lab):
    """ETH_P_ALL on the member must not show what the bridge passes to it from the other side, nor what it sends itself."""
    node, wire = router_and_wire(lab)
    other = lab.node("other")
    lab.connect(node, "p1", other, "w0")
    node.bridge("br0", "eth0", "p1")
    wait(lambda: asked(wire), "the bridge member answers")
    side = other.wire("w0")
    before = node.stats()["eth0"]["rx"]
    side.send(Router(ASKER, [Port(1, side.mac)]).probe(1))
    assert any(f.packet.src == ASKER for f in wire.collect(0.3)), "the bridge forwards the frame out of eth0"
    assert node.stats()["eth0"]["rx"] == before
    assert not side.received()


def test_a_bridge_can_be_a_port_when_named(lab):
    node, outside = lab.node("a"), lab.node("outside")
    lab.connect(node, "p0", outside, "w0")
    node.bridge("br0", "p0")
    node.start(conf(ports="add interface=br0 cost=44\n"), ports=["br0"])
    assert asked(outside.wire("w0")).cost == 44


@pytest.mark.skipif(not kernel_has("vlan"), reason="this kernel has no VLANs")
def test_a_vlan_and_its_parent_apart(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    for node, number in ((a, 1), (b, 2)):
        node.ip("link", "add", "link", "eth0", "name", "eth0v5", "type", "vlan", "id", "5")
        node.ip("link", "set", "dev", "eth0v5", "up")
        node.start(conf(f"identity={node.name}", f"add interface=eth0v5 cost={number}\nadd interface=eth0 cost={10 * number}\n"))
    assert a.discover()[b.id]["cost"] == 3
    b.ip("link", "set", "dev", "eth0v5", "down")
    wait(lambda: a.discover()[b.id]["cost"] == 30, "the parent alone", 10)
    stats = b.stats()
    assert stats["eth0"]["rx"] and stats["eth0v5"]["rx"]


@pytest.mark.skipif(not kernel_has("bond"), reason="this kernel has no bonds")
def test_a_bond_takes_part_and_its_members_do_not(lab):
    a, b = lab.node("a"), lab.node("b")
    for node in (a, b):
        node.ip("link", "add", "name", "ethbond", "type", "bond", "mode", "active-backup", "miimon", "50")
    for number in range(2):
        lab.connect(a, f"eth{number}", b, f"eth{number}", up=False)
        for node in (a, b):
            node.ip("link", "set", "dev", f"eth{number}", "master", "ethbond")
    for node in (a, b):
        node.ip("link", "set", "dev", "ethbond", "up")
        node.start(ports=["ethbond"])
    assert a.discover()[b.id]["hops"] == 1
    assert set(a.stats()) == {"ethbond"}
    assert a.ping(b.id)[1]["received"] == 1


# Changes, each followed without a restart


def test_an_interface_appears_and_vanishes(lab):
    a, b = lab.node("a"), lab.node("b")
    a.start()
    b.start()
    assert a.states() == {} and a.discover() == {}
    lab.connect(a, "eth0", b, "eth0")
    for node in (a, b):
        node.wait_active("eth0")
    assert list(a.discover("1200ms")) == [b.id]
    a.ip("link", "del", "eth0")
    wait(lambda: a.states() == {} and b.states() == {}, "the port is gone")
    assert "eth0" not in a.stats()
    lab.connect(a, "eth0", b, "eth0")
    for node in (a, b):
        node.wait_active("eth0")
    assert b.ping(a.id)[1]["received"] == 1


def test_an_interface_goes_down_and_up(lab):
    node, wire = router_and_wire(lab)
    assert asked(wire)
    node.ip("link", "set", "dev", "eth0", "down")
    wait(lambda: node.states()["eth0"] == "down", "down is shown")
    assert "down" in node.ok("port", "print")
    node.ip("link", "set", "dev", "eth0", "up")
    node.wait_active("eth0")
    assert asked(wire)


def test_the_carrier_goes_and_comes(lab):
    node, wire = router_and_wire(lab)
    outside = next(n for n in lab.nodes if n.name == "outside")
    outside.ip("link", "set", "dev", "w0", "down")
    wait(lambda: node.states()["eth0"] == "no-carrier", "no carrier is shown")
    outside.ip("link", "set", "dev", "w0", "up")
    node.wait_active("eth0")
    assert asked(outside.wire("w0"))


def test_an_interface_is_renamed(lab):
    """Out of the pattern and it is no port any more; into another entry and that one decides."""
    node, wire = router_and_wire(lab)
    node.ok("port", "add", "interface=lan*", "cost=77")
    assert asked(wire).cost == 100
    node.ip("link", "set", "dev", "eth0", "name", "other0")
    wait(lambda: node.states() == {}, "no port by that name")
    assert asked(wire) is None
    node.ip("link", "set", "dev", "other0", "name", "lan0")
    node.wait_active("lan0")
    assert asked(wire).cost == 77
    assert set(node.stats()) == {"lan0"}


def test_an_interface_gets_another_mac(lab):
    node, wire = router_and_wire(lab)
    identifier = node.id
    for mac in ("02:aa:00:00:00:01", "02:aa:00:00:00:02"):
        node.ip("link", "set", "dev", "eth0", "address", mac)
        wait(lambda: (asked(wire) or Route().inlink).mac == mac, "the answer reports the new MAC")
        asker = Router(ASKER, [Port(1, wire.mac)])
        wire.send(asker.ping(1, [Hop(link=1, mac=mac)], identifier.lower())[1])
        assert wire.wait(lambda f: f.type == 3).src == mac
    assert node.id == identifier, "the ID is kept"


def test_an_interface_gets_another_mtu(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    lab.start(a, b)
    assert a.discover()[b.id]["l2mtu"] == 1500
    b.ip("link", "set", "dev", "eth0", "mtu", 1333)
    wait(lambda: a.discover()[b.id]["l2mtu"] == 1333, "the new MTU", 8)


def test_an_interface_moves_into_a_bridge_and_out_again(lab):
    node, wire = router_and_wire(lab)
    assert asked(wire)
    for _ in range(2):
        node.bridge("br0", "eth0")
        wait(lambda: asked(wire), "it answers inside the bridge")
        assert node.states()["eth0"] == "active"
        node.ip("link", "set", "dev", "eth0", "nomaster")
        node.ip("link", "del", "br0")
        wait(lambda: asked(wire), "it answers outside the bridge")
    assert len([f for f in wire.frames() if not f.sent and f.type == 2]) == 0, "one answer to one question"


def test_a_port_is_never_promiscuous_nor_set_up(lab):
    """romond changes nothing about an interface but its membership in one multicast group."""
    node, outside = lab.node("a"), lab.node("outside")
    lab.connect(node, "eth0", outside, "w0")
    lab.connect(node, "eth1", outside, "w1", up=False)
    before = node.links()
    node.start(ports=["eth0"])
    after = node.links()
    assert ("xdp" in after["eth0"]) == (XDP and DATAPATH != "packet")
    for name in ("eth0", "eth1"):
        after[name].pop("xdp", None)
        assert after[name] == before[name]
    assert after["eth0"]["promiscuity"] == 0 and after["eth0"].get("allmulti", 0) == 0
    groups = node.ip("maddress", "show", "dev", "eth0")
    assert "01:80:c2:00:88:bf" in groups
    node.stop()
    assert "01:80:c2:00:88:bf" not in node.ip("maddress", "show", "dev", "eth0")


def test_a_name_that_is_no_text_is_shown_as_one(lab):
    """The kernel takes nearly any bytes; JSON, terminals and logs do not."""
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    a.start()
    before = b"eth0"
    for raw, shown in ((b"eth\xff\x1b[31m", "eth??[31m"), (b"eth\xc2\x9b", "eth??"), ("ethé".encode(), "ethé")):
        subprocess.run([b"ip", b"-n", a.netns.encode(), b"link", b"set", b"dev", before, b"name", raw], check=True)
        wait(lambda: a.states() == {shown: "active"} and list(a.stats()) == [shown], f"the port is called {shown}")
        before = raw
    assert "\x1b" not in a.daemon.log and "\ufffd" not in a.daemon.log and "\x9b" not in a.daemon.log
