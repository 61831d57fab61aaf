# SPDX-License-Identifier: BSD-2-Clause
"""The XDP data path: which one runs, who sees the frames, what passes inside the kernel, and what else runs on an interface."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from lab import BUILD, XDP, conf, switches, wait
from model import Port, Router, asked
from romon_scapy import ETHERTYPE, GROUP, Hop
from wire import namespace

pytestmark = pytest.mark.skipif(not XDP, reason="built without XDP")

ASKER = "02:ee:00:00:00:01"
OTHER = 0x88B5  # an EtherType for experiments
PASS = b'#define SEC(n) __attribute__((section(n), used))\nSEC("xdp") int pass(void *ctx) { return 2; }\n' \
       b'char l[] SEC("license") = "GPL";\n'


def auto(node, settings="", ports="add interface=eth*\n"):
    """A configuration that leaves the choice to romond, whatever the run of the tests wants."""
    return conf(f"datapath=auto identity={node.name} board=lab {settings}", ports)


def start(*nodes):
    for node in nodes:
        node.start(auto(node), expect=False)
    for node in nodes:
        node.wait_ready()


def paths(node):
    """Of each interface that takes part: its data path, and why not a better one."""
    return {m["interface"]: (m["datapath"], m["datapath-reason"]) for port in node.json("port", "print")["ports"]
            for m in port["members"]}


def program(node, interface):
    """The number of the XDP program on the interface, or None."""
    return node.links()[interface].get("xdp", {}).get("prog", {}).get("id")


def known_to_kernel(kind, number):
    return subprocess.run(["bpftool", kind, "show", "id", str(number)], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def passing(tmp_path_factory):
    """A file with an XDP program that lets everything pass."""
    file = tmp_path_factory.mktemp("xdp") / "pass.o"
    subprocess.run(["clang", "-target", "bpf", "-O2", "-x", "c", "-", "-c", "-o", file], input=PASS, check=True)
    return file


@contextlib.contextmanager
def listening(node, interface):
    """A socket for everything, as a sniffer has it. Gives a function that counts what it saw, by EtherType."""
    with namespace(node.netns):
        sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sniffer.setblocking(False)
    sniffer.bind((interface, 3))

    def seen():
        counted = {ETHERTYPE: 0, OTHER: 0}
        with contextlib.suppress(BlockingIOError):
            while True:
                _, (_, kind, direction, _, _) = sniffer.recvfrom(65536)
                if kind in counted and direction != 4:  # not what it sends itself
                    counted[kind] += 1
        return counted
    with sniffer:
        yield seen


# Which one runs

def test_native_where_it_can(lab):
    a, b = lab.line(2)
    start(a, b)
    assert paths(a) == {"eth1": ("xdp", None)}
    assert {(p["datapath"], p["datapath-reason"]) for p in a.json("stats")["ports"]} == {("xdp", None)}
    assert "xdp" in a.ok("port", "print", "detail") and program(a, "eth1")


def test_generic_where_no_driver_can(lab):
    """A bridge is no driver's. Its member is not named by any entry here."""
    a, outside = lab.node("a"), lab.node("outside")
    lab.connect(a, "eth0", outside, "w0")
    a.bridge("br0", "eth0")
    a.start(auto(a, ports="add interface=br0\n"), ports=["br0"])
    path, reason = paths(a)["br0"]
    assert path == "xdp-generic" and "driver" in reason
    assert asked(outside.wire("w0"))


def test_the_setting(lab):
    """Of all ports and of one; the program comes and goes with it, and the counters go on."""
    a, b = lab.line(2)
    start(a, b)
    a.ping(b.id, count=3, interval="10ms")
    before = a.stats()["eth1"]
    a.ok("set", "datapath=packet")
    path, reason = paths(a)["eth1"]
    assert path == "packet" and "datapath=packet" in reason and program(a, "eth1") is None
    assert a.json("print")["datapath"] == "packet"
    assert a.ping(b.id, count=3, interval="10ms")[1]["received"] == 3
    after = a.stats()["eth1"]
    assert after["rx"] >= before["rx"] + 3
    a.ok("port", "set", "[find interface=eth*]", "datapath=xdp")
    assert paths(a)["eth1"] == ("xdp", None) and program(a, "eth1")
    assert a.ping(b.id)[1]["received"] == 1 and a.stats()["eth1"]["rx"] > after["rx"]
    a.ok("port", "set", "[find interface=eth*]", "datapath=packet")
    a.ok("set", "datapath=xdp")
    assert paths(a)["eth1"][0] == "packet", "what the port says holds"
    done = a.romon("set", "datapath=default")
    assert done.returncode == 2 and "auto, xdp or packet" in done.stderr


def test_another_program_is_left_alone(lab, passing):
    """There romond uses a packet socket, or no port where XDP is demanded; and comes back when it is asked to look again."""
    a, b = lab.line(2)
    a.ip("link", "set", "dev", "eth1", "xdp", "obj", passing, "sec", "xdp")
    other = program(a, "eth1")
    start(a, b)
    path, reason = paths(a)["eth1"]
    assert path == "packet" and "another XDP program" in reason
    assert a.ping(b.id)[1]["received"] == 1
    assert program(a, "eth1") == other
    a.ok("set", "datapath=xdp")
    assert a.states() == {"eth1": "failed"} and program(a, "eth1") == other
    (member,) = a.json("port", "print")["ports"][1]["members"]
    assert "another XDP program" in member["error"] and member["datapath"] is None
    a.ok("set", "datapath=auto")
    a.wait_active("eth1")
    a.ip("link", "set", "dev", "eth1", "xdp", "off")
    a.daemon.reload()
    wait(lambda: paths(a)["eth1"] == ("xdp", None), "it looks again")
    wait(lambda: b.id in a.discover(), "they find each other")
    assert a.ping(b.id, count=3, interval="10ms")[1]["received"] == 3


def test_an_interface_that_was_replaced(lab):
    """By another of the same name and number, before romond could look: it gets the program that the other one had."""
    a, b = lab.line(2)
    start(a, b)
    assert a.ping(b.id)[1]["received"] == 1
    index, worker = a.index("eth1"), a.daemon.worker()
    os.kill(worker, signal.SIGSTOP)
    try:
        a.ip("link", "del", "eth1")
        lab.connect(a, "eth1", b, "eth0", a_index=index)
    finally:
        os.kill(worker, signal.SIGCONT)
    wait(lambda: program(a, "eth1"), "the program runs on the new one")
    b.wait_active("eth0")
    wait(lambda: a.ping(b.id)[1]["received"], "they find each other", 10)  # by its new address
    assert paths(a)["eth1"] == ("xdp", None)


def test_an_interface_that_goes_while_it_is_asked_for(lab):
    """It changes, so that the worker asks the monitor anew, and is in another namespace before the monitor looks."""
    a, b = lab.line(2)
    start(a, b)
    assert program(a, "eth1")
    monitor, waits = a.daemon.monitor(), Path(f"/proc/{a.daemon.worker()}/wchan")
    os.kill(monitor, signal.SIGSTOP)
    try:
        a.ip("link", "set", "dev", "eth1", "mtu", 1400)
        wait(lambda: "wait_for_more_packets" in waits.read_text(), "the worker waits for the monitor's answer")
        a.ip("link", "set", "dev", "eth1", "netns", b.netns)
    finally:
        os.kill(monitor, signal.SIGCONT)
    wait(lambda: program(b, "eth1") is None, "no program stays on it")
    wait(lambda: a.states() == {}, "it is no port any more")


def test_kill_leaves_nothing(lab):
    """Neither a program on the interface, nor the program, nor its maps."""
    a, b = lab.line(2)
    start(a, b)
    number = program(a, "eth1")
    maps = json.loads(subprocess.run(["bpftool", "-j", "prog", "show", "id", str(number)], capture_output=True).stdout)["map_ids"]
    assert len(maps) >= 5 and all(known_to_kernel("map", m) for m in maps)
    worker = a.daemon.worker()
    a.daemon.kill(a.daemon.monitor())
    wait(lambda: program(a, "eth1") is None, "the program is detached")
    wait(lambda: not known_to_kernel("prog", number), "the program is gone")
    wait(lambda: not any(known_to_kernel("map", m) for m in maps), "its maps are gone")
    wait(lambda: not socket_of(worker), "the worker is gone")


def socket_of(pid):
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/exe")
    return None


# Who sees the frames

@pytest.mark.parametrize("mode", ["native", "generic"])
def test_invisible(lab, mode):
    """A sniffer on the port sees all but the RoMON frames that it takes; and those as well when it takes none."""
    a, outside = lab.node("a"), lab.node("outside")
    lab.connect(a, "eth0", outside, "w0")
    port = "eth0"
    if mode == "generic":
        port = "br0"
        a.bridge(port, "eth0")
    a.start(auto(a, ports=f"add interface={port}\n"), ports=[port])
    assert paths(a)[port][0] == {"native": "xdp", "generic": "xdp-generic"}[mode]
    wire = outside.wire("w0")
    wait(lambda: asked(wire), "it answers")
    probe = Router("02:ee:00:00:00:09", [Port(1, wire.mac)]).probe(1)
    foreign = probe[:12] + OTHER.to_bytes(2, "big") + probe[14:]

    def say():
        for _ in range(5):
            wire.send(probe)
            wire.send(foreign)
    with listening(a, port) as seen:
        before = a.stats()[port]["rx"]
        say()
        wait(lambda: a.stats()[port]["rx"] == before + 5, "romond takes them all")
        assert seen() == {ETHERTYPE: 0, OTHER: 5}
        a.ok("port", "set", f"[find interface={port}]", "forbid=yes")
        wait(lambda: port not in a.states(), "the port is forbidden")
        say()
        counted = {ETHERTYPE: 0, OTHER: 0}

        def all_seen():
            for kind, number in seen().items():
                counted[kind] += number
            return counted == {ETHERTYPE: 5, OTHER: 5}
        wait(all_seen, "a forbidden port is as if there were no romond")
        a.ok("port", "set", f"[find interface={port}]", "forbid=no")
        a.wait_active(port)
        a.ok("set", "enabled=no")
        counted.update({ETHERTYPE: 0, OTHER: 0})
        seen()
        say()
        wait(all_seen, "and so is a router that is disabled")


def test_a_bridge_floods_nothing(lab):
    """A member of a bridge takes part; the bridge passes on everything but its RoMON frames."""
    a, near, far = lab.node("a"), lab.node("near"), lab.node("far")
    lab.connect(a, "eth0", near, "w0")
    lab.connect(a, "p1", far, "w0")
    a.bridge("br0", "eth0", "p1")
    a.start(auto(a), ports=["eth0"])
    assert paths(a)["eth0"] == ("xdp", "it takes no redirected frames: what leaves by it passes through romond")
    wire = near.wire("w0")
    wait(lambda: asked(wire), "it answers")
    probe = Router(ASKER, [Port(1, wire.mac)]).probe(1)
    with listening(far, "w0") as seen:
        wire.send(probe)
        wire.send(probe[:12] + OTHER.to_bytes(2, "big") + probe[14:])
        counted = []
        wait(lambda: counted.append(seen()) or counted[-1][OTHER], "the bridge works")
        assert sum(c[ETHERTYPE] for c in counted) == 0


def firewall():
    """Drop everything, on every hook of every family but the egress of an interface."""
    hooks = {"inet": "prerouting input forward output postrouting", "bridge": "prerouting input forward output postrouting",
             "arp": "input output"}
    chains = [(family, hook, "") for family in hooks for hook in hooks[family].split()]
    chains += [("netdev", "ingress", "devices = { eth0, eth1 }")]
    return len(chains), "".join(f"table {family} t {{\nchain {hook} {{\ntype filter hook {hook} {devices} priority -250\n"
                                "policy drop\n}\n}\n" for family, hook, devices in chains)


@pytest.mark.skipif(not shutil.which("nft"), reason="no nft")
def test_a_firewall_changes_nothing(lab):
    """Not even one that drops everything; the egress of an interface apart, which drops what packet sockets send, too."""
    a, b, c = nodes = lab.line(3)
    b.bridge("br0", "eth0", "eth1")
    start(*nodes)
    assert a.ping(c.id, count=2, interval="10ms")[1]["received"] == 2
    count, rules = firewall()
    done = subprocess.run(b.command("nft", "-f", "-"), input=rules, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    dropping = [c for c in json.loads(subprocess.run(b.command("nft", "-j", "list", "chains"), capture_output=True).stdout)["nftables"]
                if "chain" in c]
    assert len(dropping) == count and all(c["chain"]["policy"] == "drop" for c in dropping)
    assert len(a.discover("1s")) == 2 and len(b.discover("1s")) == 2
    assert a.ping(c.id, count=20, interval="10ms")[1]["received"] == 20
    assert b.ping(c.id, count=5, interval="10ms")[1]["received"] == 5
    # The firewall does drop what is not RoMON's.
    wire = a.wire("eth1")
    with listening(c, "eth0") as seen:
        wire.send(bytes.fromhex("ffffffffffff") + b"\x02\0\0\0\0\1" + OTHER.to_bytes(2, "big") + bytes(50))
        assert a.ping(c.id)[1]["received"] == 1
        assert seen()[OTHER] == 0


# What passes inside the kernel

def runs(node):
    worker = node.daemon.worker()
    return switches([worker])[worker]


def run_while_pinging(a, b, c, count=100):
    """How often b's worker ran while that many pings passed it, both ways."""
    a.ping(c.id, count=5, interval="10ms")
    before, forwarded = runs(b), b.stats()
    assert a.ping(c.id, count=count, interval="5ms")[1]["received"] == count
    after = b.stats()
    for interface in ("eth0", "eth1"):
        got = {key: after[interface][key] - forwarded[interface][key] for key in ("rx", "tx", "forwarded", "unhashed")}
        assert all(number >= count for number in got.values()), f"{interface}: {got}"
    return runs(b) - before


def test_transit_does_not_wake_romond(lab):
    """Unless a port has secrets, or a capture is written: then it does, and not for longer."""
    a, b, c = nodes = lab.line(3)
    start(*nodes)
    assert len(a.discover("1s")) == 2
    wait(lambda: run_while_pinging(a, b, c) < 50, "all pings pass inside the kernel", 15)
    neighbors = {(n["interface"], n["mac"].lower()) for n in b.json("neighbors")["neighbors"]}
    assert neighbors == {("eth0", a.mac("eth1")), ("eth1", c.mac("eth0"))}
    for node in (b, c):
        node.ok("port", "add", f"interface={'eth1' if node is b else 'eth0'}", 'secrets="",mysecret')
    assert "secrets" in paths(b)["eth1"][1]
    assert run_while_pinging(a, b, c) >= 100
    for node in (b, c):
        node.ok("port", "remove", f"[find interface={'eth1' if node is b else 'eth0'}]")
    assert paths(b)["eth1"] == ("xdp", None)
    wait(lambda: run_while_pinging(a, b, c) < 50, "and again inside the kernel", 15)


def test_pings_are_answered_without_romond(lab):
    """By the kernel, under the present ID, and counted; with secrets by romond."""
    a, b = nodes = lab.line(2)
    start(*nodes)
    assert len(a.discover("1s")) == 1

    def runs_while_pinged(target=b.id, count=100):
        before, stats = runs(b), b.stats()["eth0"]
        assert a.ping(target, count=count, interval="5ms", size=1400)[1]["received"] == count
        after = b.stats()["eth0"]
        assert after["rx"] - stats["rx"] >= count and after["tx"] - stats["tx"] >= count
        assert after["unhashed"] - stats["unhashed"] >= count and after["forwarded"] == stats["forwarded"]
        return runs(b) - before

    wait(lambda: runs_while_pinged() < 50, "pings are answered inside the kernel", 15)
    old, new = b.id, "02:1D:00:00:00:77"
    b.ok("set", f"id={new}")
    wait(lambda: new in a.discover(), "b is seen under another ID")
    assert a.ping(old, count=2, interval="5ms")[1]["received"] == 0
    wait(lambda: runs_while_pinged(new) < 50, "which is the one that is answered inside the kernel now", 15)
    for node, interface in zip(nodes, ("eth1", "eth0")):
        node.ok("port", "add", f"interface={interface}", 'secrets="",mysecret')
    assert runs_while_pinged(new) >= 100


def test_the_kernels_answers_are_within_the_limit(lab, passing):
    """Strangers' pings draw what answer-limit leaves for them, a quarter from the kernel and then half of it from romond, and no more."""
    b, outside = lab.node("b"), lab.node("outside")
    lab.connect(outside, "w0", b, "eth0")
    outside.ip("link", "set", "dev", "w0", "xdp", "obj", passing, "sec", "xdp")  # it takes what is redirected to it
    b.start(auto(b, "answer-limit=100000"))
    wait(lambda: paths(b)["eth0"] == ("xdp", None), "pings can be answered inside the kernel")
    wire, count = outside.wire("w0"), 300
    asker = Router(ASKER, [Port(1, wire.mac)])
    frames = [asker.ping(1, [Hop(link=1, mac=b.mac("eth0"))], b.id, seq=number, size=926)[1] for number in range(count)]
    assert {len(frame) for frame in frames} == {1000}
    before, ran, begin = b.stats()["eth0"], runs(b), time.monotonic()
    for frame in frames[:6]:  # what the kernel has for them at once
        wire.send(frame)
    wait(lambda: b.stats()["eth0"]["tx"] - before["tx"] == 6, "all of these are answered")
    for frame in frames[6:]:
        wire.send(frame)
    wait(lambda: b.stats()["eth0"]["rx"] - before["rx"] == count, "all of it has come")
    answered = b.stats()["eth0"]["tx"] - before["tx"]
    assert 18 <= answered and answered * 1000 <= 18750 + 56250 * (time.monotonic() - begin)
    assert b.drops("answer-limit") == count - answered > 0 and runs(b) > ran


def test_a_flood_does_not_wake_romond_for_every_frame(lab):
    """Under load it looks at the ring by itself. Afterwards it sleeps again."""
    b, outside = lab.node("b"), lab.node("outside")
    lab.connect(outside, "w0", b, "eth0")
    start(b)
    before, count = runs(b), 30000
    subprocess.run(outside.command(BUILD / "tests/flood/flood", "w0", "invalid", count, 100000, b.mac("eth0"), b.id, b.index("eth0")),
                   check=True)
    wait(lambda: b.stats()["eth0"]["rx"] >= count, "all of it has come")
    assert runs(b) - before < count / 5

    def sleeps():
        before = runs(b)
        time.sleep(0.2)
        return runs(b) == before
    wait(sleeps, "it sleeps")


def test_what_takes_no_redirected_frames_is_served(lab, passing):
    """The other end of b's eth1 is a port of a bridge: nothing can be redirected to it until it has a program of its own."""
    a, b, c = lab.node("a"), lab.node("b"), lab.node("c")
    lab.connect(a, "eth1", b, "eth0")
    switch = lab.segment("switch", (b, "eth1"), (c, "eth0"))
    start(a, b, c)
    assert len(a.discover("1s")) == 2
    assert paths(b) == {"eth0": ("xdp", None), "eth1": ("xdp", "it takes no redirected frames: what leaves by it passes through "
                                                        "romond")}
    assert run_while_pinging(a, b, c) >= 100
    switch.ip("link", "set", "dev", "p0", "xdp", "obj", passing, "sec", "xdp")
    wait(lambda: paths(b)["eth1"] == ("xdp", None), "romond notices that it does now")
    wait(lambda: run_while_pinging(a, b, c) < 50, "all pings pass inside the kernel", 15)
    switch.ip("link", "set", "dev", "p0", "xdp", "off")
    wait(lambda: paths(b)["eth1"][1], "romond notices that it does not")
    assert run_while_pinging(a, b, c) >= 100


def test_generic_mode_reaches_everything(lab):
    """b's port is a bridge, c's is not: what comes in by the bridge passes inside the kernel, the other way romond does it."""
    a, b, c = nodes = lab.line(3)
    b.bridge("br0", "eth0")
    a.start(auto(a), expect=False)
    b.start(auto(b, ports="add interface=br0\nadd interface=eth1\n"), expect=False)
    c.start(auto(c), expect=False)
    b.wait_ready(["br0", "eth1"])
    for node in (a, c):
        node.wait_ready()
    assert len(a.discover("1s")) == 2
    assert paths(b)["br0"][0] == "xdp-generic" and paths(b)["eth1"][0] == "xdp"
    before, stats = runs(b), b.stats()
    assert a.ping(c.id, count=100, interval="5ms")[1]["received"] == 100
    assert b.stats()["eth1"]["forwarded"] - stats["eth1"]["forwarded"] >= 100
    assert 100 <= runs(b) - before < 180, "one way of two"
    assert len(nodes) == 3


def test_unicast_no(lab):
    """What passes inside the kernel goes to the group as well."""
    a, b, c = lab.node("a"), lab.node("b"), lab.node("c")
    lab.connect(a, "w0", b, "eth0")
    lab.connect(b, "eth1", c, "w0")
    b.start(auto(b, "unicast=no"))
    near, far = a.wire("w0"), c.wire("w0")
    asker = Router(ASKER, [Port(1, near.mac)])
    hops = [Hop(link=1, mac=b.mac("eth0")), Hop(link=b.index("eth1"), mac=far.mac)]
    near.send(asker.ping(1, hops, "02:ee:00:00:00:02")[1])
    assert far.wait(lambda f: f.type == 3).dst == GROUP
    b.ok("set", "unicast=yes")
    near.send(asker.ping(1, hops, "02:ee:00:00:00:02")[1])
    assert far.wait(lambda f: f.type == 3).dst == far.mac
