# SPDX-License-Identifier: BSD-2-Clause
"""Row about transit: how many frames a second get through a line of routers, and what each router adds, against Linux bridges and the
kernel's IP routing over the same veth pairs. Every kind has a line of its own; none runs while another is measured. All of it happens
on one processor, so that the rate says how much work a frame is, wherever along the line that is done."""
import contextlib
import json
import os
import subprocess
from pathlib import Path

import romon_scapy as rs
from lab import PORTS, Lab, conf, wait
from measure import Absent, Case, Side
from romon_scapy import Data, Hop, RoMON
from row_auth import one_lane_limit
from routed import address, datapath_settings, need_datapath, program, route, used_datapath
from wire import namespace

SECONDS, SECRET = 0.5, "a secret of usual length"
SIZES, HOPS = (128, 1500), (1, 8)
HEADERS, HOP_LEN, ETHERNET = 50, 10, 14
PROCESSORS = sorted(os.sched_getaffinity(0))
LOCAL_ETHERTYPE = b"\x88\xb5"  # IEEE 802: for experiments


def raw(mac):
    return bytes.fromhex(mac.replace(":", ""))


def soft_interrupts(number):
    """The process that works off on this processor what interrupts have left over."""
    return next(int(path.parent.name) for path in Path("/proc").glob("[0-9]*/comm") if path.read_text().strip() == f"ksoftirqd/{number}")


@contextlib.contextmanager
def processor(number, *processes):
    """This process, what it starts, and the given ones run on this processor alone."""
    everywhere = {process: os.sched_getaffinity(process) for process in (0, *processes)}
    for process in everywhere:
        os.sched_setaffinity(process, {number})
    try:
        yield
    finally:
        for process, allowed in everywhere.items():
            os.sched_setaffinity(process, allowed)


class Line:
    """near, so many routers, far. frame(size) is what is sent at the near end; size is of the message, without Ethernet header. hows: in
    which ways bench_transit can send it."""
    secret = ()
    hows = ("card", "socket")

    def __init__(self, hops):
        self.hops, self.lab = hops, Lab()
        try:
            self.nodes = self.lab.line(hops + 2)
            self.near, self.far, self.between = self.nodes[0], self.nodes[-1], self.nodes[1:-1]
            self.near_mac, self.far_mac = self.near.mac("eth1"), self.far.mac("eth0")
            # Polls, as a card does; XDP brings that with it. And a veth takes redirected frames only if its peer polls.
            for node, interface in {(self.nodes[1], "eth0"), (self.far, "eth0")}:
                subprocess.run(node.command(program("ethtool", "ethtool"), "-K", interface, "gro", "on"), check=True)
            self.prepare()
        except BaseException:
            self.lab.close()
            raise

    def routers(self):
        """The processes that every frame passes."""
        return []

    def rate(self, size, how):
        """Frames that one processor could carry in a second, if it did nothing else: by the time that all who take part have run."""
        with processor(PROCESSORS[0], *self.routers()):
            return 1e9 / self.run(size, how, soft_interrupts(PROCESSORS[0]), *self.routers())["work"]

    def run(self, size, how, *processes):
        path = Path(os.environ["ROMON_BUILD"]) / "tests/bench/bench_transit"
        line = [path, how, self.near.netns, "eth1", self.far.netns, "eth0", str(SECONDS), self.frame(size).hex(),
                ",".join(map(str, processes)), *self.secret]
        said = json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True, timeout=120).stdout)
        if said["lost"] * 100 > said["arrived"]:
            raise RuntimeError(f"{self.__class__.__name__}: {said['lost']} frames were lost, {said['arrived']} arrived")
        return said


class Direct(Line):
    """One veth pair and nothing between."""

    def prepare(self):
        pass

    def frame(self, size):
        return raw(self.far_mac) + raw(self.near_mac) + LOCAL_ETHERTYPE + bytes(size)


class Bridges(Direct):
    def prepare(self):
        for node in self.between:
            node.bridge("br0", "eth0", "eth1")
        for node in self.between:
            wait(lambda n=node: "forwarding" in n.ip("-d", "link", "show", "eth1"), "the bridge forwards", 30)
        wire = self.far.wire("eth0")
        wire.send(raw(self.near_mac) + raw(self.far_mac) + LOCAL_ETHERTYPE + bytes(50))  # now they know where far is
        wire.close()


class Routed(Line):
    def prepare(self):
        route(self.nodes)
        for number, node in enumerate(self.nodes[:-1]):
            node.ip("route", "add", "10.99.0.0/16", "via", address(number, 2))
        with namespace(self.far.netns):
            Path("/proc/sys/net/ipv4/ip_forward").write_text("0")  # drops what is not its own, without a word

    def frame(self, size):
        header = (bytes.fromhex("4500") + size.to_bytes(2, "big") + bytes.fromhex("000040004011") + bytes(2) +
                  bytes([10, 77, 0, 1]) + bytes([10, 99, 0, 1]))
        total = sum(int.from_bytes(header[i:i + 2], "big") for i in range(0, len(header), 2))
        total = ~((total & 0xffff) + (total >> 16)) & 0xffff
        header = header[:10] + total.to_bytes(2, "big") + header[12:]
        datagram = bytes.fromhex("23282328") + (size - 20).to_bytes(2, "big") + bytes(size - 20 - 6)
        return raw(self.between[0].mac("eth0")) + raw(self.near_mac) + b"\x08\x00" + header + datagram


class Romon(Line):
    datapath = "packet"
    hows = ("socket",)  # a card would not wait for a process

    def prepare(self):
        self.spent = {}
        need_datapath(self.lab, self.datapath)
        secrets = f' secrets="{self.secret[0]}"' if self.secret else ""
        self.lab.start(*self.between, configs={node.name: conf(
            f"identity={node.name} board=lab{datapath_settings(self.datapath)}{secrets}", PORTS) for node in self.between})
        for node in self.between:
            used_datapath(node, self.datapath)
        # The way through, as the first router finds it in the frame.
        self.way = [Hop(link=1, mac=self.between[0].mac("eth0"))] + [
            Hop(link=node.index("eth1"), mac=following.mac("eth0"))
            for node, following in zip(self.between, self.nodes[2:])]

    def routers(self):
        return [node.daemon.worker() for node in self.between]

    def run(self, size, how, *processes):
        """Keeps in self.spent, by size, what processor time the first router took for a frame, in microseconds."""
        time, count = self.processor(), self.forwarded()
        said = super().run(size, how, *processes)
        self.spent.setdefault(size, []).append((self.processor() - time) / 1000 / (self.forwarded() - count))
        return said

    def processor(self):
        """Nanoseconds that the first router's worker has run."""
        return int(Path(f"/proc/{self.between[0].daemon.worker()}/schedstat").read_text().split()[0])

    def forwarded(self):
        return sum(port["forwarded"] for port in self.between[0].stats().values())

    def frame(self, size):
        message = RoMON(type=rs.DATA, src=self.near_mac, dst=self.far_mac) / Data(hops=self.way, sport=5000, dport=5000) / bytes(
            size - HEADERS - HOP_LEN * len(self.way))
        return rs.frame(self.way[0].mac, self.near_mac, message)


class Authenticated(Romon):
    secret = (SECRET,)


class Xdp(Romon):
    """What its program does inside the kernel is not the processor time of any process."""
    datapath, hows = "xdp", Line.hows


class AuthenticatedXdp(Authenticated):
    datapath = "xdp"


KINDS = {"romon, packet": Romon, "romon, xdp": Xdp, "romon, packet, authenticated": Authenticated,
         "romon, xdp, authenticated": AuthenticatedXdp}
# Where a process has every frame in its hands; what XDP does before, inside the kernel, is nobody's processor time.
SPENT = ("romon, packet", "romon, packet, authenticated", "romon, xdp, authenticated")
PEERS = {"Linux bridge": Bridges, "IP routing": Routed}
DIRECT = "direct veth pair"
HOWS = {"card": "in batches", "socket": "one by one"}
LIMIT = "two HMAC-MD5 by one lane, and nothing else"


def build(hops):
    """The lines, by name, or why there is none."""
    lines = {}
    try:
        for name, kind in {**KINDS, **PEERS, DIRECT: Direct}.items():
            try:
                lines[name] = kind(0 if kind is Direct else hops)
            except Absent as reason:
                lines[name] = str(reason)
    except BaseException:
        take_down(lines)
        raise
    return lines


def take_down(lines):
    faults = [fault for line in lines.values() if isinstance(line, Line) for fault in line.lab.close()]
    if faults:
        raise RuntimeError("\n".join(faults))


def sides(lines, size, how):
    """Those that can be sent in this way."""
    kinds = {**KINDS, **PEERS, DIRECT: Direct}
    return [Side(name, ours=name in KINDS, base=name == DIRECT,
                 **({"missing": line} if isinstance(line, str) else {"measure": lambda line=line: line.rate(size, how)}))
            for name, line in lines.items() if how in kinds[name].hows]


def added(case, hops):
    """What each router adds to a frame, in microseconds: round by round the difference to the direct pair."""
    direct = next(side.values for side in case.sides if side.name == DIRECT)
    return [Side(side.name, ours=side.ours, missing=side.missing,
                 values=[(1e6 / rate - 1e6 / base) / hops for rate, base in zip(side.values, direct)])
            for side in case.sides if side.name != DIRECT]


def spent(lines, size, rounds):
    """Processor time of a frame in the router alone, in the turns that were measured before."""
    ours = [Side(name, ours=True, values=lines[name].spent[size][-rounds:]) for name in SPENT if not isinstance(lines[name], str)]
    return ours + [Side(LIMIT, values=[1e6 / one_lane_limit(size) for _ in range(rounds)])]


def cases(rounds):
    for hops in HOPS:
        lines = build(hops)
        try:
            for wanted in SIZES:
                size = max(wanted, HEADERS + HOP_LEN * (hops + 1))  # no frame is shorter than its hops
                what = f"{size} bytes over {hops} hop{'s' if hops > 1 else ''}"
                for how, words in HOWS.items():
                    case = Case("transit", f"{what}, {words}", "frames/s", sides(lines, size, how)).run(rounds or 7)
                    yield case
                    yield Case("transit", f"{what}, {words}: added cost a hop", "us", added(case, hops))
                if hops == 1:
                    yield Case("transit", f"{what}: processor time of the router", "us a frame", spent(lines, size, rounds or 7))
        finally:
            take_down(lines)
