# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of streams share: routers with services, bytes that can be told apart, and somebody who cuts cables."""
import hashlib
import os
import random
import subprocess
import threading

from emulator import Emulated
from lab import PORTS, conf

SOAK = os.environ.get("ROMON_SOAK") == "1"
MIB = 1 << 20
CAT, DIGEST = 2000, 2001
SERVICES = ("set [find name=ssh] disabled=yes\n"
            f"add name=cat port={CAT} to=exec:/bin/cat max-streams=1000\n"
            f"add name=digest port={DIGEST} to=exec:/usr/bin/sha256sum max-streams=1000\n")


def services(node, more=""):
    return conf(f"identity={node.name} board=lab", PORTS) + "/tool romon service\n" + SERVICES + more


def digest(data):
    return hashlib.sha256(data).hexdigest()


def line(lab, hops, wire=None, more=""):
    """Routers in a row, all with the services, so that the last is so many hops away. Returns the nodes; the cables are lab.cables."""
    nodes = lab.line(hops + 1, **({"wire": wire} if wire else {}))
    lab.start(*nodes, configs={node.name: services(node, more) for node in nodes})
    return nodes


def ring(lab, wire=Emulated(), more=""):
    """near - upper - far and near - lower - far. Returns the nodes; lab.cables are the first and the second half of the upper way, then
    of the lower."""
    near, upper, lower, far = nodes = [lab.node(name) for name in ("near", "upper", "lower", "far")]
    lab.connect(near, "eth1", upper, "eth0", wire=wire)
    lab.connect(upper, "eth1", far, "eth0", wire=wire)
    lab.connect(near, "eth2", lower, "eth0", wire=wire)
    lab.connect(lower, "eth1", far, "eth1", wire=wire)
    lab.start(*nodes, configs={node.name: services(node, more) for node in nodes})
    return nodes


def connect(node, target, port, data=b"", timeout=60, tries=1):
    """romon connect with this input. Returns (what came back, the process). Over a wire that may just be cut, opening a stream may fail
    within its 5 s, and says so: then it is tried again, so many times in all."""
    for left in reversed(range(tries)):
        done = subprocess.run(node.romon_line("connect", target, str(port)), input=data, capture_output=True, timeout=timeout)
        if left == 0 or done.stdout or done.stderr not in (b"romon: timeout\n", b"romon: no path\n"):
            return done.stdout, done


class Scissors:
    """As a context, cuts cables at random and heals them: each for a while out of `cut`, with a pause out of `pause` (seconds), one at a
    time. At the end all are whole."""

    def __init__(self, cables, cut=(0.1, 2), pause=(0.2, 2), seed=1):
        self.cables, self.cut, self.pause, self.random = cables, cut, pause, random.Random(seed)
        self.cuts, self.stop = 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        pause = self.pause[0]
        while not self.stop.wait(pause):
            cable = self.random.choice(self.cables)
            cable.cut()
            self.cuts += 1
            self.stop.wait(self.random.uniform(*self.cut))
            cable.heal()
            pause = self.random.uniform(*self.pause)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
