# SPDX-License-Identifier: BSD-2-Clause
"""The network that chaos comes over: stations, each a namespace with a romond, joined by wires and a switch, and an outsider with a wire to
some of them. What a station is to be (its configuration, running or not) is kept here; the actors bend it, and heal() makes it so again."""
import contextlib
import os
import signal
import time
from pathlib import Path

from lab import conf, ip, wait

ECHO = 77  # the port of a service that returns what it is sent
OUTSIDE = "eth99"  # a station's port to the outsider: it takes unhashed frames
SWITCHED = 3  # stations at the switch


class Station:
    """One router, and what it is to be."""

    def __init__(self, world, node):
        self.world, self.node = world, node
        self.cost, self.ports, self.extra = 100, [], []
        self.address = f"02:c0:00:00:00:{len(world.stations) + 1:02X}"
        self.down = False      # killed, and not started again yet
        self.frozen = set()    # pids that are stopped
        self.old = []          # pids that must be gone
        self.outside = False
        self.descriptors = None

    def text(self):
        """Its configuration."""
        ports = f"add interface=eth* cost={self.cost}\n"
        if self.outside:
            ports += f'add interface={OUTSIDE} secrets=("")\n'
        return (conf(f"id={self.address} identity={self.node.name} board=chaos secrets={self.world.secrets}", ports)
                + f"/tool romon service\nset ssh disabled=yes\nadd name=echo port={ECHO} to=exec:/bin/cat max-streams=50\n")

    def configure(self):
        """Gives it its configuration, by the file and a SIGHUP."""
        self.write(self.text().encode())
        self.hang_up()

    def write(self, data):
        """As editors do it: there is always a whole file."""
        new = self.node.config.with_suffix(".new")
        new.write_bytes(data)
        new.rename(self.node.config)

    def hang_up(self):
        """SIGHUP, from when on it is understood: before there is a worker the file has not been read either."""
        if not self.down and len(self.pids()) == 2:
            self.node.daemon.reload()

    def start(self):
        self.write(self.text().encode())
        self.node.start(expect=False)
        self.down = False

    def serves(self):
        """Has it got as far as to read its configuration? A broken one from before that ends it, as it should."""
        return not self.down and " serves\n" in self.node.daemon.log

    def pids(self):
        """[monitor, worker], as far as they are there."""
        with contextlib.suppress(OSError):
            return self.node.daemon.pids()
        return []

    def kill(self, which):
        """kill -9: the monitor (0), the worker (1) or both (2)."""
        self.old = self.pids()
        self.down, self.frozen = True, set()
        self.node.daemon.killed = True
        for pid in self.old if which == 2 else self.old[which:which + 1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def start_again(self):
        """After a kill. What one half left of the other is a fault."""
        end = time.monotonic() + 10
        while any(running(pid) for pid in self.old) and time.monotonic() < end:
            time.sleep(0.01)
        for pid in self.old:
            if running(pid):
                self.world.fault(f"{self.node.name}: process {pid} outlived the other half")
        self.node.stop()
        self.start()

    def freeze(self, which):
        for pid in self.pids() if which == 2 else self.pids()[which:which + 1]:
            os.kill(pid, signal.SIGSTOP)
            self.frozen.add(pid)

    def thaw(self):
        for pid in self.frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.frozen = set()

    def check_alive(self):
        """A daemon that ended though nobody killed it is a fault."""
        if not self.down and not self.node.daemon.alive():
            self.world.fault(f"{self.node.name}: ended by itself:\n{self.node.daemon.log[-4000:]}")
            self.node.daemon.killed = True
            self.node.stop()
            self.start()


def running(pid):
    """Is there such a process, and not a dead one that nobody has asked for?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class World:
    """All stations. random is the one source of chance."""

    def __init__(self, lab, random, count):
        self.lab, self.random = lab, random
        self.stations, self.wires, self.faults = [], [], []
        self.secrets = "key0"
        for number in range(count):
            self.stations.append(Station(self, lab.node(f"s{number}")))
        self.outsider = lab.node("outside")
        self._join()
        for station in self.stations:
            station.start()
        for station in self.stations:
            station.node.wait_ready()
        for station in self.stations:  # those of the clients that asked whether it is ready may still be closing
            station.descriptors = min(descriptors(station) for _ in range(20) if time.sleep(0.02) is None)

    def fault(self, line):
        print(f"FAULT: {line}", flush=True)
        self.faults.append(line)

    def _port(self, station):
        station.ports.append(f"eth{len(station.ports)}")
        return station.ports[-1]

    def _wire(self, a, b):
        a_if, b_if = self._port(a), self._port(b)
        self.lab.connect(a.node, a_if, b.node, b_if)
        self.wires.append((a, a_if, b, b_if))

    def _join(self):
        """A ring, half as many chords, one switch, and the outsider at a quarter of the stations."""
        count = len(self.stations)
        for number, station in enumerate(self.stations):
            self._wire(station, self.stations[(number + 1) % count])
        for _ in range(count // 2):
            self._wire(*self.random.sample(self.stations, 2))
        ends = [(s.node, self._port(s)) for s in self.random.sample(self.stations, min(SWITCHED, count))]
        self.lab.segment("switch", *ends)
        for number, station in enumerate(self.random.sample(self.stations, max(1, count // 4))):
            self.lab.connect(station.node, OUTSIDE, self.outsider, f"w{number}")
            station.outside = True
        self.targets = [s for s in self.stations if s.outside]

    def heal(self):
        """Everything is again as it is to be."""
        for station in self.stations:
            station.thaw()
            if station.down:
                station.start_again()
            for name in station.extra:
                with contextlib.suppress(RuntimeError):
                    ip("link", "del", "dev", name, netns=station.node.netns)
            station.extra = []
        for a, a_if, b, b_if in self.wires:
            a.node.ip("link", "set", "dev", a_if, "up")
            b.node.ip("link", "set", "dev", b_if, "up")
        for station in self.stations:
            wait(station.node.answers, f"{station.node.name} answers", 60)
            station.configure()


def descriptors(station):
    """How many each of the two processes has open."""
    return [len(os.listdir(f"/proc/{pid}/fd")) for pid in station.pids()]
