# SPDX-License-Identifier: BSD-2-Clause
"""Row about discovery: a line of 20 routers, until the first knows all others, against babeld until it has a route to all others."""
import subprocess
import time
from pathlib import Path

from lab import Control, Lab, wait
from measure import Absent, Case, Side
from routed import program
from wire import namespace

COUNT = 20
BABELD = "default type wired\ninterface eth0\ninterface eth1\nredistribute local ip 10.88.0.0/16 le 32 allow\nredistribute local deny\n"


def frames(nodes):
    """Frames that these have sent on all their ports since they were made."""
    def sent(node):
        with namespace(node.netns):
            lines = Path("/proc/thread-self/net/dev").read_text().splitlines()
        return sum(int(line.split(":")[1].split()[9]) for line in lines if line.strip().startswith("eth"))
    return sum(sent(node) for node in nodes)


class Network:
    """The line, without daemons. Each measurement is of the time, and keeps in self.sent what was sent meanwhile."""

    def __init__(self):
        self.lab, self.sent = Lab(), {}
        try:
            self.nodes = self.lab.line(COUNT)
        except BaseException:
            self.lab.close()
            raise

    def taking(self, name, action):
        before, begin = frames(self.nodes), time.monotonic()
        action()
        seconds = time.monotonic() - begin
        self.sent.setdefault(name, []).append(frames(self.nodes) - before)
        return 1000 * seconds

    def ask(self):
        """Discovers until all are in the table of a client."""
        control = Control(self.nodes[0].socket, timeout=30)
        try:
            control.send("Discover", more=True)
            while len([r for r in control.receive()["parameters"]["routers"] if r["active"]]) < COUNT - 1:
                pass
        finally:
            control.close()


class Ours(Network):
    def at_rest(self):
        """All run and nobody has asked for so long that nothing is kept back; what was known has expired."""
        if not self.nodes[0].daemon:
            self.lab.start(*self.nodes)
        self.restart_first()
        return self.taking("at rest", self.ask)

    def restart_first(self):
        self.nodes[0].stop()
        self.nodes[0].start()
        time.sleep(1)  # longer than a router keeps answers back

    def from_start(self):
        for node in self.nodes:
            node.stop()
        return self.taking("from the start", lambda: (self.lab.start(*self.nodes), self.ask()))


class Babel(Network):
    def __init__(self):
        self.babeld = program("babeld", "babeld")
        super().__init__()
        for number, node in enumerate(self.nodes):
            with namespace(node.netns):
                for setting, value in (("conf/all/disable_ipv6", "0"), ("conf/default/disable_ipv6", "0")):
                    Path("/proc/sys/net/ipv6", setting).write_text(value)
                for path in Path("/proc/sys/net/ipv6/conf").glob("eth*/disable_ipv6"):
                    path.write_text("0")
                Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
            node.ip("link", "set", "dev", "lo", "up")
            node.ip("addr", "add", f"10.88.0.{number + 1}/32", "dev", "lo")
            (node.folder / "babeld.conf").write_text(BABELD)
        wait(lambda: all("tentative" not in node.ip("addr") for node in self.nodes), "link-local addresses", 10)

    def routes(self):
        return len(self.nodes[0].ip("route", "show", "proto", "babel").splitlines())

    def start(self):
        self.processes = [subprocess.Popen(
            node.command(self.babeld, "-I", "", "-S", "", "-c", node.folder / "babeld.conf", "eth0", "eth1"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(node.folder / "babeld.log").open("ab"))
            for node in self.nodes]
        self.lab.processes += self.processes
        wait(lambda: self.routes() >= COUNT - 1, "babeld has all routes", 180)

    def from_start(self):
        milliseconds = self.taking("from the start", self.start)
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(20)
        wait(lambda: self.routes() == 0, "babeld's routes are gone", 20)
        return milliseconds


def cases(rounds):
    ours = Ours()
    try:
        sides = [Side("romon discover, daemons at rest", ours.at_rest, ours=True),
                 Side("romon discover, daemons started with it", ours.from_start, ours=True)]
        theirs = Side("babeld, daemons started with it")
        try:
            babel = Babel()
            theirs.measure = babel.from_start
        except Absent as reason:
            babel, theirs.missing = None, str(reason)
        try:
            yield Case("discovery", f"line of {COUNT}: time to all {COUNT - 1}", "ms", sides + [theirs]).run(rounds or 3)
            yield Case("discovery", f"line of {COUNT}: frames sent by all until then", "frames", [
                Side(sides[0].name, ours=True, values=ours.sent["at rest"]),
                Side(sides[1].name, ours=True, values=ours.sent["from the start"]),
                Side(theirs.name, missing=theirs.missing, values=babel.sent["from the start"] if babel else [])])
        finally:
            if babel:
                babel.lab.close()
    finally:
        faults = ours.lab.close()
    if faults:
        raise RuntimeError("\n".join(faults))
