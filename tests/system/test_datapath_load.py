# SPDX-License-Identifier: BSD-2-Clause
"""The XDP data path under load: every frame is accounted for, and no change costs a frame of what it does not concern. ROMON_SOAK=1 makes
it long; ROMON_SEED repeats an order."""
import json
import os
import random
import subprocess
import threading
import time
from pathlib import Path

import pytest
from lab import XDP, sanitized, wait
from model import Port, Router, asked
from romon_scapy import Hop
from test_datapath import auto, passing, paths, program  # noqa: F401 (passing is a fixture)

pytestmark = pytest.mark.skipif(not XDP, reason="built without XDP")

SOAK = bool(os.environ.get("ROMON_SOAK"))
SEED = int(os.environ.get("ROMON_SEED", time.time_ns() % 1000000))
LOAD = 60 if SOAK else 2                                    # seconds of full rate
CHANGES = 10000 if SOAK else 30 if sanitized() else 100     # attachments and detachments, and changes of settings
EVENTS = 10000 if SOAK else 60 if sanitized() else 150      # of interfaces
ASKER, TARGET = "02:ee:00:00:00:01", "02:ee:00:00:00:02"


class Through:
    """Wires into a router and out of it, and frames that pass through it from one to the other inside the kernel."""

    def __init__(self, lab, passing):  # noqa: F811
        self.node, near, far = lab.node("b"), lab.node("near"), lab.node("far")
        lab.connect(near, "w0", self.node, "eth0")
        lab.connect(self.node, "eth1", far, "w0")
        for end in (near, far):  # so that redirected frames are taken there
            end.ip("link", "set", "dev", "w0", "xdp", "obj", passing, "sec", "xdp")
        self.more = [lab.node(f"more{number}") for number in range(2)]
        for number, node in enumerate(self.more, 2):
            lab.connect(node, "w0", self.node, f"eth{number}")
        self.node.start(auto(self.node))
        assert paths(self.node)["eth0"] == paths(self.node)["eth1"] == ("xdp", None)
        self.near, self.far = near.wire("w0"), far.wire("w0")
        self.asker = Router(ASKER, [Port(1, self.near.mac)])

    def hops(self):
        return [Hop(link=1, mac=self.node.mac("eth0")), Hop(link=self.node.index("eth1"), mac=self.far.mac)]

    def ping(self, seq=0, size=32):
        return self.asker.ping(1, self.hops(), TARGET, seq=seq, size=size)[1]

    def counted(self):
        """Received by eth0; sent by eth1; dropped by either."""
        stats = self.node.stats()
        return stats["eth0"]["rx"], stats["eth1"]["tx"], sum(sum(stats[name]["drops"].values()) for name in ("eth0", "eth1"))


@pytest.fixture
def through(lab, passing):  # noqa: F811
    return Through(lab, passing)


def counters_of(wire):
    link = json.loads(subprocess.run(["ip", "-n", wire.netns, "-json", "-s", "link", "show", "dev", wire.interface],
                                     capture_output=True, check=True).stdout)[0]["stats64"]
    return link["tx"]["packets"], link["rx"]["packets"]


def invalid(good):
    """Frames that no router passes on, each dropped for another reason, and one that is for nobody here."""
    def changed(at, data):
        return good[:at] + data + good[at + len(data):]
    return [changed(6, b"\x01"), changed(14, b"\x09"), changed(16, b"\x00\x00"), changed(16, b"\xff\xff"), changed(18, b"\x01"),
            changed(42, b"\x01"), changed(55, b"\x07"), changed(64, b"\x02\x00"), changed(70, b"\xff"), changed(74, b"\x00" * 6),
            changed(55, b"\x01")]


@pytest.mark.parametrize("datapath", ["auto", "packet"])
def test_every_frame_is_accounted_for(through, datapath):
    """At full rate, with one frame in a hundred invalid: received is forwarded and dropped by reason, to the last one."""
    through.node.ok("set", f"datapath={datapath}")
    good = through.ping()
    bad = invalid(good)
    batch = [good] * 99 * len(bad)
    for number, frame in enumerate(bad):
        batch[number * 100:number * 100] = [frame]
    (sent_before, _), (_, arrived_before), before = counters_of(through.near), counters_of(through.far), through.counted()
    end, sent = time.monotonic() + LOAD, 0
    while time.monotonic() < end:
        for frame in batch:
            through.near.send(frame)
        sent += len(batch)
    (sent_after, _), (_, arrived_after) = counters_of(through.near), counters_of(through.far)
    assert sent_after - sent_before == sent

    def settled():
        after = through.counted()
        return [b - a for a, b in zip(before, after)] if after == through.counted() else None
    received, forwarded, dropped = wait(settled, "all have been counted")
    assert received == forwarded + dropped and received > 1000, (sent, received, forwarded, dropped)
    # A queue of the kernel that is full, before romond, is the kernel's loss, and told by it.
    assert received <= sent and arrived_after - arrived_before <= forwarded
    assert datapath == "packet" or received > sent * 9 // 10
    drops = through.node.stats()["eth0"]["drops"]
    assert {"bad-source", "bad-type", "bad-length", "truncated", "no-secret", "bad-id", "bad-hops", "no-port"} <= set(drops), drops
    assert dropped >= len(bad) - 1


class Stream(threading.Thread):
    """Numbered frames through the router, a few at a time, until it is stopped; and what of them did not arrive."""

    def __init__(self, through):
        super().__init__()
        self.near, self.far, self.frames = through.near, through.far, [through.ping(seq) for seq in range(1000)]
        self.sent, self.arrived, self.over = 0, 0, threading.Event()

    def take(self):
        self.arrived += sum(f.type == 3 for f in self.far.received())

    def run(self):
        while not self.over.is_set():
            for _ in range(10):
                self.near.send(self.frames[self.sent % 1000])
                self.sent += 1
            self.take()
            self.over.wait(0.002)

    def __enter__(self):
        self.far.blind = lambda: False  # its program lets everything pass
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def check(self):
        """Nothing was lost. To be called after the end."""
        wait(lambda: self.take() or self.arrived >= self.sent, f"all {self.sent} arrive", 5)
        assert self.arrived == self.sent > 100


def test_changes_leave_no_gap(through):
    """What is changed of the ports that frames pass between, while they do."""
    node = through.node
    with Stream(through) as stream:
        for number in range(10 if sanitized() else 30):
            node.ok("port", "set", "[find interface=eth*]", f"cost={100 + number}")
            node.ip("link", "set", "dev", "eth1", "mtu", 1500 + number)
            node.ok("set", f"identity=b{number}")
            node.ok("port", "set", "[find interface=eth*]", f'secrets="",secret{number % 2}')  # romond takes over
            node.ok("port", "set", "[find interface=eth*]", 'secrets=""')                      # and back
            node.daemon.reload()
            node.ip("link", "set", "dev", "eth0", "name", f"eth0{number}")
            node.ip("link", "set", "dev", f"eth0{number}", "name", "eth0")
    stream.check()
    assert paths(node)["eth0"] == paths(node)["eth1"] == ("xdp", None)


def descriptors(node):
    return {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in node.daemon.pids()}


def memory(pid):
    return int(next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1])


def test_attaching_and_detaching_others(through):
    """Ports come and go and change their data path beside those that frames pass between: nothing is lost there, and nothing leaks."""
    node = through.node
    node.ok("port", "add", "interface=eth2")
    node.ok("port", "add", "interface=eth3")
    wait(lambda: asked(through.more[0].wire("w0")), "the others take part")
    words = ["datapath=packet", "datapath=auto", "forbid=yes", "forbid=no", "datapath=xdp", "disabled=yes", "disabled=no"]
    before, sizes = descriptors(node), {pid: memory(pid) for pid in node.daemon.pids()}
    order = random.Random(SEED)
    print(f"ROMON_SEED={SEED}")
    with Stream(through) as stream:
        for number in range(CHANGES):
            node.varlink("SetPort", interface=f"eth{2 + number % 2}", values=dict([order.choice(words).split("=")]))
    stream.check()
    # What passed inside the kernel is all that romond could know this neighbour by.
    assert ("eth0", through.near.mac) in {(n["interface"], n["mac"].lower()) for n in node.varlink("GetNeighbors")["neighbors"]}
    for number in (2, 3):
        node.varlink("SetPort", interface=f"eth{number}", values={"datapath": "auto", "forbid": "no", "disabled": "no"})
    node.wait_active("eth2", "eth3")
    wait(lambda: descriptors(node) == before, "nothing is open that was not")
    if not sanitized():
        assert all(memory(pid) < size + 1024 for pid, size in sizes.items()), "memory in kB"
    assert asked(through.more[0].wire("w0")) and asked(through.more[1].wire("w0"))


class Churn:
    """Interfaces that come, go and change; each step leaves the node in some state, which `expected` can tell."""

    def __init__(self, node, beside, order):
        self.node, self.beside, self.order = node, beside, order
        self.names, self.bridged, self.count = [], set(), 0

    def add(self):
        self.count += 1
        name = f"eth9{self.count}"
        self.node.ip("link", "add", "name", name, "type", "veth", "peer", "name", f"w{self.count}", "netns", self.beside.netns)
        self.beside.ip("link", "set", "dev", f"w{self.count}", "up")
        self.node.ip("link", "set", "dev", name, "up")
        self.names.append(name)

    def delete(self, name):
        self.node.ip("link", "del", "dev", name)
        self.forget(name)

    def forget(self, name):
        self.names.remove(name)
        self.bridged.discard(name)

    def rename(self, name):
        self.count += 1
        self.node.ip("link", "set", "dev", name, "name", f"eth9{self.count}")
        self.names[self.names.index(name)] = f"eth9{self.count}"
        if name in self.bridged:
            self.bridged = self.bridged - {name} | {f"eth9{self.count}"}

    def move(self, name):
        """To the other namespace; there it is nobody's, and deleted when it was seen to be free."""
        self.node.ip("link", "set", "dev", name, "netns", self.beside.netns)
        self.forget(name)
        wait(lambda: program(self.beside, name) is None, "no program stays on an interface that has gone elsewhere")
        self.beside.ip("link", "del", "dev", name)

    def bridge(self, name):
        if name in self.bridged:
            self.node.ip("link", "set", "dev", name, "nomaster")
            self.bridged.discard(name)
        else:
            self.node.ip("link", "set", "dev", name, "master", "br0")
            self.bridged.add(name)

    def flip(self, name):
        self.node.ip("link", "set", "dev", name, "down")
        self.node.ip("link", "set", "dev", name, "up")

    def step(self):
        act = self.order.choice([self.delete, self.rename, self.move, self.bridge, self.flip, None])
        if act is None or not self.names:
            if len(self.names) < 8:
                self.add()
        else:
            act(self.order.choice(self.names))


def ports_of(number):
    """The interfaces that the program takes for ports."""
    def shown(*words):
        return json.loads(subprocess.run(["bpftool", "-j", *map(str, words)], capture_output=True, check=True).stdout)
    maps = [shown("map", "show", "id", m) for m in shown("prog", "show", "id", number)["map_ids"]]
    (slots,) = [m["id"] for m in maps if m["name"] == "slots"]
    return {entry["formatted"]["key"] for entry in shown("map", "dump", "id", slots)}


def test_interfaces_come_and_go(through):
    """In random order, while frames pass between two that stay."""
    node, beside = through.node, through.more[0]
    node.bridge("br0")
    before = descriptors(node)
    churn = Churn(node, beside, random.Random(SEED))
    print(f"ROMON_SEED={SEED}")
    with Stream(through) as stream:
        for _ in range(EVENTS):
            churn.step()
    stream.check()
    wait(lambda: set(node.states()) == {"eth0", "eth1", "eth2", "eth3", *churn.names}, "romond knows them all")
    node.wait_active(*churn.names)
    assert all(path == "xdp" for path, _ in paths(node).values())
    for name in list(churn.names):
        churn.delete(name)
    wait(lambda: set(node.states()) == {"eth0", "eth1", "eth2", "eth3"}, "and that they are gone")
    assert ports_of(program(node, "eth0")) == {node.index(f"eth{number}") for number in range(4)}
    wait(lambda: descriptors(node) == before, "nothing is open that was not")
    assert asked(through.more[1].wire("w0"))
