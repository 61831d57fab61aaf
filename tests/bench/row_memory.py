# SPDX-License-Identifier: BSD-2-Clause
"""Row about memory and sleep: what a daemon that knows 1, 100 or 1,000 routers holds, and how often it wakes while nothing happens,
against lldpd with so many neighbours and babeld with so many routes. The others are played."""
import subprocess
import time
from pathlib import Path

import romon_scapy as rs
from lab import Lab, switches, wait
from measure import Absent, Case, Side
from model import Port, Router
from routed import folder, program
from wire import namespace

KNOWN = (1, 100, 1000)
LLDP_PORTS = 10
IDLE = 30  # seconds for which wake-ups are counted


def pss(pids):
    """Memory of these processes, each shared page divided among all who have it, in KiB."""
    def of(pid):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return sum(of(pid) for pid in pids)


def family(pid):
    """The process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [below for child in children for below in family(int(child))]


class Daemon:
    """One daemon in a namespace with one port, whose other end plays so many others."""

    def __init__(self, known):
        self.known, self.lab = known, Lab()
        try:
            self.node, self.outside = self.lab.node("a"), self.lab.node("played")
            self.lab.connect(self.node, "eth0", self.outside, "w0")
            self.start()
        except BaseException:
            self.lab.close()
            raise

    def run(self, *command):
        process = subprocess.Popen(self.node.command(*command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=(self.node.folder / "log").open("ab"))
        self.lab.processes.append(process)
        self.pid = process.pid

    def pids(self):
        return family(self.pid)

    def memory(self):
        return pss(self.pids())

    def wakes(self):
        """Times a minute that any of its processes ran."""
        pids = self.pids()
        before = switches(pids)
        time.sleep(IDLE)
        return (sum(switches(pids).values()) - sum(before.values())) * 60 / IDLE


class Romond(Daemon):
    name = "romond"

    def start(self):
        self.node.start()
        wire = self.outside.wire("w0")
        routers = [Router(f"02:ee:00:00:{n >> 8:02x}:{n & 255:02x}", [Port(1, f"02:ee:00:01:{n >> 8:02x}:{n & 255:02x}")],
                          b"a router with an identity of some length", b"and a board") for n in range(self.known)]
        process = self.node.background("discover", "duration=20s")
        asked = wire.wait(lambda frame: frame.type == rs.DISCOVER, 5)
        for router in routers:
            for _, answer in router.receive(1, asked.data):
                wire.send(answer)
                time.sleep(0.0005)
        wait(lambda: len(self.node.varlink("Map", duration=0.05)["routers"]) == self.known, "all are known", 20)
        process.terminate()
        process.wait()

    def pids(self):
        return self.node.daemon.pids()


class Lldpd(Daemon):
    """Its neighbours are behind ten ports: lldpcli cannot show a thousand of one."""
    name = "lldpd"

    def start(self):
        socket, client = self.node.folder / "lldpd.sock", program("lldpcli", "lldpd")
        (self.node.folder / "lldpd.conf").write_text(f"configure system max-neighbors {KNOWN[-1]}\n")
        for port in range(1, LLDP_PORTS):
            self.lab.connect(self.node, f"eth{port}", self.outside, f"w{port}")
        self.run(program("lldpd", "lldpd"), "-d", "-u", socket, "-O", self.node.folder / "lldpd.conf", "-I", "eth*")
        self.show = self.node.command(client, "-u", socket, "show", "neighbors", "summary")
        wait(lambda: subprocess.run(self.show, capture_output=True).returncode == 0, "lldpd answers", 20)
        self.played = [self.outside.wire(f"w{port}") for port in range(LLDP_PORTS)]
        wait(self.knows_all, "lldpd knows all", 60)

    def knows_all(self):
        """Tells it of all, again and again until it shows them: what it cannot take in time is lost."""
        for number in range(self.known):
            self.played[number % LLDP_PORTS].send(lldp(number))
            time.sleep(0.0005)
        return subprocess.run(self.show, capture_output=True, text=True).stdout.count("SysName:") == self.known


def lldp(number):
    """The frame of one neighbour, IEEE 802.1AB: chassis, port, time to live, name, description, end."""
    mac = bytes([2, 0xEE, 0, 1, number >> 8, number & 255])

    def tlv(kind, value):
        return ((kind << 9) | len(value)).to_bytes(2, "big") + value
    return (bytes.fromhex("0180c200000e") + mac + b"\x88\xcc" + tlv(1, b"\4" + mac) + tlv(2, b"\3" + mac) + tlv(3, b"\xff\xff") +
            tlv(5, b"a router with an identity of some length") + tlv(6, b"and a board") + tlv(0, b""))


class Babeld(Daemon):
    name = "babeld"

    def start(self):
        babeld = program("babeld", "babeld")
        for node, interface in ((self.node, "eth0"), (self.outside, "w0")):
            with namespace(node.netns):
                for path in Path("/proc/sys/net/ipv6/conf").glob("*/disable_ipv6"):
                    path.write_text("0")
            (node.folder / "babeld.conf").write_text(
                f"default type wired\ninterface {interface}\nredistribute proto 99 ip 10.88.0.0/16 allow\nredistribute local deny\n")
            node.ip("link", "set", "dev", "lo", "up")
        self.outside.ip("addr", "add", "10.88.255.1/32", "dev", "lo")
        batch = self.outside.folder / "routes"
        batch.write_text("".join(f"route add blackhole 10.88.{n >> 8}.{n & 255}/32 proto 99\n" for n in range(self.known)))
        self.outside.ip("-batch", batch)
        wait(lambda: all("tentative" not in n.ip("addr") for n in (self.node, self.outside)), "link-local addresses", 10)
        pid = []
        for node, interface in ((self.outside, "w0"), (self.node, "eth0")):
            process = subprocess.Popen(node.command(babeld, "-I", "", "-S", "", "-c", node.folder / "babeld.conf", interface),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=(node.folder / "log").open("ab"))
            self.lab.processes.append(process)
            pid.append(process.pid)
        self.pid = pid[1]
        wait(lambda: len(self.node.ip("route", "show", "proto", "babel").splitlines()) >= self.known, "babeld has all routes", 60)


def cases(_rounds):
    """Once each: memory does not depend on how busy the machine is."""
    with folder("/run/lldpd"):  # where lldpd locks itself up
        yield from known_cases()


def known_cases():
    for known in KNOWN:
        made = []
        memory, wakes = [], []
        try:
            for kind in (Romond, Lldpd, Babeld):
                for sides in (memory, wakes):
                    sides.append(Side(kind.name, ours=kind is Romond))
                try:
                    daemon = kind(known)
                except Absent as reason:
                    memory[-1].missing = wakes[-1].missing = str(reason)
                    continue
                made.append(daemon)
                memory[-1].measure, wakes[-1].measure = daemon.memory, daemon.wakes
            what = f"{known:,} router{'s' if known > 1 else ''} known"
            yield Case("memory", what, "KiB (PSS)", memory).run(1)
            if known == KNOWN[1]:
                yield Case("memory", f"{what}, idle: times that it runs", "a minute", wakes).run(1)
        finally:
            for daemon in made:
                daemon.lab.close()
